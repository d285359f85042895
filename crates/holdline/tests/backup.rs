//! `backup` and `restore` through the real binary: what comes back, and what is refused.

mod process;
#[path = "backup/recovery.rs"]
mod recovery;
#[path = "backup/repair.rs"]
mod repair;
#[path = "backup/shop.rs"]
mod shop;
#[path = "backup/upgrade.rs"]
mod upgrade;

use anyhow::{Context as _, Result, bail};
use process::{Ended, WITHIN};
use serde_json::Value;
use shop::Shop;

fn assert_refused(ended: &Ended, said: &str) {
    assert_eq!(ended.status, Some(2), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains(said), "{said}\n{}", ended.stderr);
}

/// A server that starts all the same is a failure at once, not one that is waited for.
fn serve_refused(shop: &Shop, data: &str, said: &str) -> Result<()> {
    let Err(refused) = shop.serve_from(data) else { bail!("{data} is served") };
    let refused = refused.to_string();
    assert!(refused.contains("exit status: 2") && refused.contains(said), "{said}\n{refused}");
    Ok(())
}

/// Every order acknowledged before the backup began is in it, the pair is whole, and life goes on in both stores.
#[test]
fn a_backup_under_load_restores_to_a_clean_store_with_every_acknowledged_order() -> Result<()> {
    let shop = Shop::new()?;
    let served = shop.serve()?;
    for number in &shop.buy_many(served.address, 10)?[..5] {
        shop.cancel(&served, number)?;
    }
    let before = shop.under_load(&served, || {
        let before = shop.acknowledged().clone();
        let said = shop.backup("b")?;
        assert!(said.starts_with("backup ") && said.contains(" of pair "), "{said}");
        Ok(before)
    })?;
    shop.buy_many(served.address, 20)?;
    served.process.terminate(WITHIN)?;

    let restored = shop.restore("b", &[])?;
    assert_eq!(restored.status, Some(0), "{}{}", restored.stdout, restored.stderr);
    assert!(restored.stdout.contains("renewed: feed epoch 2"), "{}", restored.stdout);
    let stored = shop.stored("restored")?;
    assert!(before.is_subset(&stored), "acknowledged before the backup, and not in it");
    shop.expect_audit_clean("restored")?;
    // Whatever lease the lost server had, it ended before the first one that can be had now.
    let lost = shop.figure("holdline-data", "orders", "SELECT max(until_ms) FROM number_block")?;
    assert_eq!(shop.figure("restored", "orders", "SELECT count(*) FROM number_block")?, 64);
    assert!(shop.figure("restored", "orders", "SELECT min(until_ms) FROM number_block")? > lost);

    // The store that it was taken from and the restored one both serve, and the restored one gives out new numbers only:
    // `buy` refuses a number that was ever seen.
    let again = shop.serve_from("restored")?;
    let mut new = shop.buy_many(again.address, 200)?;
    new.sort();
    assert!(new.first() > shop.stored("holdline-data")?.last(), "numbers go on after everything given out before");
    shop.settled("restored")?;
    assert_eq!(again.process.terminate(WITHIN)?.code(), Some(0));
    let report = shop.expect_audit_clean("restored")?;
    assert_eq!(report["left_out"]["unsettled_orders"], 0, "{report:#}");
    shop.expect_audit_clean("holdline-data")?;
    Ok(())
}

/// At rest as well: nobody serves the directory.
#[test]
fn a_store_at_rest_is_backed_up_and_its_manifest_says_what_it_is() -> Result<()> {
    let shop = Shop::new()?;
    shop.backup("b")?;
    let text = std::fs::read_to_string(shop.place.path().join("b/manifest.json"))?;
    let manifest: Value = serde_json::from_str(&text)?;
    assert_eq!(manifest["format"], 1);
    assert_eq!(manifest["store"], "sqlite");
    assert_eq!(manifest["feed_epoch"], 1);
    assert_eq!(manifest["ledger"]["next_seq"], 2);
    assert_eq!(manifest["ledger"]["sha256"].as_str().context("a hash")?.len(), 64);
    let mut files: Vec<_> = std::fs::read_dir(shop.place.path().join("b"))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    files.sort();
    assert_eq!(files, ["ledger.sqlite", "manifest.json", "orders.sqlite"]);
    assert_refused(&shop.run(&["backup", "b"])?, "is not empty");
    Ok(())
}

#[test]
fn a_backup_that_is_not_whole_is_refused() -> Result<()> {
    let shop = Shop::new()?;
    let path = shop.place.path().to_owned();
    shop.backup("b")?;
    let bytes = std::fs::read(path.join("b/orders.sqlite"))?;
    // Truncated: not even --repair takes it.
    std::fs::write(path.join("b/orders.sqlite"), &bytes[..bytes.len() / 2])?;
    assert_refused(&shop.restore("b", &[])?, "orders.sqlite is not the file that the backup was made of");
    assert_refused(&shop.restore("b", &["--repair"])?, "orders");
    // One file alone.
    std::fs::remove_file(path.join("b/orders.sqlite"))?;
    assert_refused(&shop.restore("b", &["--repair"])?, "the backup has no orders.sqlite");
    // What a crash in the middle leaves.
    std::fs::write(path.join("b/orders.sqlite"), &bytes)?;
    std::fs::remove_file(path.join("b/manifest.json"))?;
    assert_refused(&shop.restore("b", &["--repair"])?, "is no complete backup");
    assert!(!path.join("restored").exists(), "what is refused touches nothing");
    Ok(())
}

#[test]
fn files_of_two_backups_are_refused() -> Result<()> {
    let shop = Shop::new()?;
    let served = shop.serve()?;
    shop.backup("a")?;
    shop.buy_many(served.address, 5)?;
    shop.backup("b")?;
    let path = shop.place.path();
    std::fs::copy(path.join("b/orders.sqlite"), path.join("a/orders.sqlite"))?;
    assert_refused(&shop.restore("a", &[])?, "Two files of different cuts do not fit together");
    Ok(())
}

/// A copy of a backup is no store: it must go through `restore`, whichever way it came to be there.
#[test]
fn files_taken_out_of_a_backup_by_hand_are_refused() -> Result<()> {
    let shop = Shop::new()?;
    shop.backup("b")?;
    shop.copy_files("b", "by-hand", &["ledger", "orders"])?;
    serve_refused(&shop, "by-hand", "finish with `holdline restore`")?;
    // Both, or one beside today's other.
    shop.copy_files("b", "holdline-data", &["ledger"])?;
    serve_refused(&shop, "holdline-data", "the ledger database is waiting to be restored")?;
    Ok(())
}

/// Plain copies that a snapshot tool made, which no manifest knows of: each database has seen the other one further on.
#[test]
fn yesterdays_file_beside_todays_is_refused_both_ways() -> Result<()> {
    let shop = Shop::new()?;
    shop.copy_files("holdline-data", "yesterday", &["ledger", "orders"])?;
    let mut served = shop.serve()?;
    shop.buy_many(served.address, 5)?;
    // Killed: nothing was noted at the end. What was noted meanwhile is enough.
    process::wait_until(WITHIN, || {
        let seen = |database: &str| -> Result<i64> {
            let path = shop.place.data().join(format!("{database}.sqlite"));
            Ok(rusqlite::Connection::open(path)?.query_row("SELECT other_seq FROM pair", [], |row| row.get(0))?)
        };
        Ok(seen("orders")? > 5 && seen("ledger")? > 5)
    })?;
    served.process.signal(rustix::process::Signal::KILL)?;
    served.ended()?;
    shop.copy_files("holdline-data", "today", &["ledger", "orders"])?;

    shop.copy_files("yesterday", "holdline-data", &["ledger"])?;
    serve_refused(&shop, "holdline-data", "the ledger database is older than the orders database")?;
    shop.copy_files("today", "holdline-data", &["ledger"])?;
    shop.copy_files("yesterday", "holdline-data", &["orders"])?;
    serve_refused(&shop, "holdline-data", "the orders database is older than the ledger database")?;
    // One file alone would have been opened beside a new, empty one.
    std::fs::create_dir(shop.place.path().join("alone"))?;
    shop.copy_files("today", "alone", &["orders"])?;
    serve_refused(&shop, "alone", "holds orders.sqlite without ledger.sqlite")?;
    // A restore that was cut off between moving the old files away and the new ones in leaves no empty shop behind.
    std::fs::create_dir_all(shop.place.path().join("cut-off/restoring"))?;
    serve_refused(&shop, "cut-off", "was interrupted: finish with `holdline restore`")?;
    // Both of one day still serve.
    shop.copy_files("today", "holdline-data", &["ledger", "orders"])?;
    assert_eq!(shop.serve()?.process.terminate(WITHIN)?.code(), Some(0));
    Ok(())
}

/// After a restore the old files are of another pair, however far the new ones have gone on.
#[test]
fn a_file_from_before_a_restore_is_refused_beside_the_restored_other() -> Result<()> {
    let shop = Shop::new()?;
    shop.backup("b")?;
    assert_eq!(shop.restore("b", &[])?.status, Some(0));
    shop.copy_files("holdline-data", "restored", &["ledger"])?;
    serve_refused(&shop, "restored", "do not belong together")?;
    Ok(())
}

#[test]
fn databases_that_are_there_are_replaced_only_when_that_is_said_and_are_kept() -> Result<()> {
    let shop = Shop::new()?;
    shop.backup("b")?;
    let served = shop.serve()?;
    let lost = shop.buy(served.address)?;
    // Whoever serves the directory keeps it.
    let arguments = ["restore", "b", "--replace"];
    assert_refused(&shop.run(&arguments)?, "another Holdline process owns the data directory");
    served.process.terminate(WITHIN)?;
    assert_refused(&shop.run(&arguments[..2])?, "1 events newer than the backup");
    let replaced = shop.run(&arguments)?;
    assert_eq!(replaced.status, Some(0), "{}{}", replaced.stdout, replaced.stderr);
    assert!(!shop.stored("holdline-data")?.contains(&lost));
    let line = replaced.stdout.lines().find_map(|line| line.strip_prefix("moved aside: what was there is in "));
    assert!(shop.stored(line.context("where they are")?)?.contains(&lost));
    let served = shop.serve()?;
    shop.buy_many(served.address, 3)?;
    Ok(())
}
