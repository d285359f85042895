//! Holds against orders at a restore: refused with the list, or put right by listed movements. The orders win.

use anyhow::Result;

use crate::process::{Ended, Served, WITHIN, wait_until};
use crate::shop::Shop;

/// The lines of an output that begin with a word.
fn lines<'a>(ended: &'a Ended, word: &str) -> Vec<&'a str> {
    ended.stdout.lines().filter_map(|line| line.strip_prefix(word)).collect()
}

/// Two backups, `a` and `b`, with a shop's afternoon between them: two of `a`'s orders are cancelled, one is new, and one
/// is of a SKU that came meanwhile.
struct Afternoon {
    shop: Shop,
    cancelled: Vec<String>,
    new: String,
    of_new_sku: String,
}

impl Afternoon {
    fn new() -> Result<Self> {
        let shop = Shop::new()?;
        let served = shop.serve()?;
        let mut cancelled = shop.buy_many(served.address, 4)?;
        cancelled.truncate(2);
        shop.backup("a")?;
        for number in &cancelled {
            shop.cancel(&served, number)?;
        }
        let new = shop.buy(served.address)?;
        shop.deliver(&served, "CUP", 5)?;
        // The catalog knows of it within a second.
        let of_new_sku = buy_when_known(&shop, &served)?;
        shop.settled("holdline-data")?;
        served.process.terminate(WITHIN)?;
        shop.backup("b")?;
        Ok(Self { shop, cancelled, new, of_new_sku })
    }
}

/// The manifest and the orders of one backup with the ledger of another.
fn mix(shop: &Shop, ledger: &str, orders: &str) -> Result<()> {
    let path = shop.place.path();
    std::fs::create_dir(path.join("mixed"))?;
    std::fs::copy(path.join(ledger).join("ledger.sqlite"), path.join("mixed/ledger.sqlite"))?;
    for file in ["orders.sqlite", "manifest.json"] {
        std::fs::copy(path.join(orders).join(file), path.join("mixed").join(file))?;
    }
    Ok(())
}

fn buy_when_known(shop: &Shop, served: &Served) -> Result<String> {
    let mut number = None;
    wait_until(WITHIN, || {
        number = shop.buy_of(served.address, "CUP").ok();
        Ok(number.is_some())
    })?;
    Ok(number.unwrap_or_default())
}

#[test]
fn an_older_ledger_beside_newer_orders_is_put_right_by_listed_movements() -> Result<()> {
    let afternoon = Afternoon::new()?;
    let Afternoon { shop, cancelled, new, of_new_sku } = &afternoon;
    mix(shop, "a", "b")?;
    let refused = shop.restore("mixed", &[])?;
    assert_eq!(refused.status, Some(2), "{}", refused.stdout);

    let repaired = shop.restore("mixed", &["--repair"])?;
    assert_eq!(repaired.status, Some(0), "{}{}", repaired.stdout, repaired.stderr);
    let told = lines(&repaired, "repaired: ");
    for number in cancelled {
        assert!(told.iter().any(|line| line.contains(number) && line.ends_with("was held: released")), "{told:?}");
    }
    for number in [new, of_new_sku] {
        assert!(told.iter().any(|line| line.contains(number) && line.contains("taken again as hold")), "{told:?}");
    }
    // The older ledger never saw the delivery: it says itself that one more is held than there is.
    assert!(told.iter().any(|line| line.contains("+1 of CUP under")), "{told:?}");
    assert!(told.iter().any(|line| line.contains("-1 of CUP under")), "{told:?}");
    let of_cup = |column| format!("SELECT {column} FROM account WHERE sku = 'CUP' AND kind = 0");
    assert_eq!(shop.figure("restored", "ledger", &of_cup("on_hand"))?, 0);
    assert_eq!(shop.figure("restored", "ledger", &of_cup("held"))?, 1);
    shop.expect_audit_clean("restored")?;
    let served = shop.serve_from("restored")?;
    shop.cancel(&served, new)?;
    wait_until(WITHIN, || Ok(shop.figure("restored", "ledger", "SELECT open_holds FROM ledger_head")? == 3))?;
    served.process.terminate(WITHIN)?;
    shop.expect_audit_clean("restored")?;
    Ok(())
}

#[test]
fn newer_holds_beside_older_orders_are_fenced_and_given_back() -> Result<()> {
    let afternoon = Afternoon::new()?;
    let Afternoon { shop, cancelled, .. } = &afternoon;
    // The reaper of the lost store had visited every hold.
    shop.execute("b", "ledger", "UPDATE ledger_head SET reaper_cursor = next_seq")?;
    mix(shop, "b", "a")?;
    let ended = shop.restore("mixed", &["--repair"])?;
    let told = lines(&ended, "repaired: ");
    assert_eq!(told.iter().filter(|line| line.ends_with("was open without an order: fenced and released")).count(), 2);
    // What was given back for an end that these orders do not know has no right answer.
    let left = lines(&ended, "mismatch: ");
    assert_eq!(left.len(), cancelled.len(), "{left:?}");
    for number in cancelled {
        assert!(left.iter().any(|line| line.contains(number) && line.ends_with("was given back")), "{left:?}");
    }
    assert_eq!(ended.status, Some(1), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("these have no right answer"), "{}", ended.stdout);
    assert!(!shop.place.path().join("restored/ledger.sqlite").exists(), "nothing may serve this");
    Ok(())
}

/// Morning's ledger knows three sold orders. Since then one was shipped in part, one was cancelled.
#[test]
fn an_older_ledger_is_told_what_was_shipped_and_what_was_cancelled_after_it_was_sold() -> Result<()> {
    let shop = Shop::new()?;
    let served = shop.serve()?;
    shop.deliver_free(&served, "CARD", 100)?;
    let mut numbers = Vec::new();
    wait_until(WITHIN, || {
        numbers.extend(shop.buy_free(served.address, "CARD", 5).ok());
        Ok(numbers.len() == 3)
    })?;
    shop.settled("holdline-data")?;
    shop.backup("a")?;
    shop.ship(&served, &numbers[0], 2)?;
    shop.cancel(&served, &numbers[1])?;
    shop.settled("holdline-data")?;
    served.process.terminate(WITHIN)?;
    shop.backup("b")?;
    let of_card = |column| format!("SELECT {column} FROM account WHERE sku = 'CARD' AND kind = 0");
    let now = |data: &str| {
        let figures = ["on_hand", "held", "allocated"].map(|column| shop.figure(data, "ledger", &of_card(column)));
        figures.into_iter().collect::<Result<Vec<_>>>()
    };
    assert_eq!(now("a")?, [100, 0, 15]);
    assert_eq!(now("b")?, [98, 0, 8]);

    mix(&shop, "a", "b")?;
    let repaired = shop.restore("mixed", &["--repair"])?;
    assert_eq!(repaired.status, Some(0), "{}{}", repaired.stdout, repaired.stderr);
    let told = lines(&repaired, "repaired: ");
    let has = |number: &str, what: &str| told.iter().any(|line| line.contains(number) && line.contains(what));
    assert!(has(&numbers[0], "2 of CARD shipped under"), "{told:?}");
    assert!(has(&numbers[1], "5 of CARD given back under"), "{told:?}");
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(now("restored")?, [98, 0, 8]);
    shop.expect_audit_clean("restored")?;
    Ok(())
}

/// A whole backup of a store that was already broken: refused with the list, told apart from what was only on its way.
#[test]
fn a_mismatch_is_listed_and_refused_and_what_was_on_its_way_is_settled() -> Result<()> {
    let afternoon = Afternoon::new()?;
    let Afternoon { shop, cancelled, new, of_new_sku } = &afternoon;
    // Morning's ledger came beside the afternoon's orders in some way that no witness saw, and settlement was behind.
    shop.copy_files("a", "holdline-data", &["ledger"])?;
    shop.execute("holdline-data", "ledger", "UPDATE pair SET backup_id = ''")?;
    shop.execute("holdline-data", "orders", "UPDATE feed_position SET seq = 4")?;
    shop.backup("broken")?;
    let refused = shop.restore("broken", &[])?;
    assert_eq!(refused.status, Some(1), "{}{}", refused.stdout, refused.stderr);
    assert_eq!(lines(&refused, "settled: ").len(), cancelled.len(), "{}", refused.stdout);
    let left = lines(&refused, "mismatch: ");
    assert_eq!(left.len(), 2, "{left:?}");
    for number in [new, of_new_sku] {
        assert!(left.iter().any(|line| line.contains(number) && line.contains("does not know its hold")), "{left:?}");
    }
    assert!(refused.stdout.contains("say --repair"), "{}", refused.stdout);
    assert!(!shop.place.path().join("restored/ledger.sqlite").exists(), "nothing may serve this");
    assert_eq!(shop.restore("broken", &["--repair"])?.status, Some(0));
    shop.expect_audit_clean("restored")?;
    Ok(())
}
