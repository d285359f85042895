//! PostgreSQL brought back by its own tools: base backup, archived log, recovery to the mark; then `restore` makes a store
//! of it again. On a cluster of its own, which is thrown away.

use std::path::Path;

use anyhow::{Context as _, Result};
use holdline_load::private_postgres::{ARCHIVING, Options, PrivatePostgres};
use serde_json::Value;
use tokio_postgres::NoTls;

use crate::process::{WITHIN, wait_until};
use crate::shop::Shop;
use crate::{assert_refused, serve_refused};

/// The one column of all rows, as text.
fn column(url: &str, sql: &str) -> Result<Vec<String>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        Ok(client.query(sql, &[]).await?.iter().map(|row| row.get(0)).collect())
    })
}

/// Everything that was written so far is in the archive.
fn archived(postgres: &PrivatePostgres) -> Result<()> {
    let url = postgres.url("postgres");
    let name = column(&url, "SELECT pg_walfile_name(pg_switch_wal())")?.pop().context("a log file")?;
    let in_archive = postgres.directory().join("archive").join(name);
    wait_until(WITHIN, || Ok(in_archive.exists())).map(drop)
}

fn restore_point(manifest: &Path) -> Result<String> {
    let manifest: Value = serde_json::from_str(&std::fs::read_to_string(manifest)?)?;
    assert_eq!(manifest["store"], "postgres");
    Ok(manifest["restore_point"].as_str().context("a restore point")?.to_owned())
}

#[test]
fn postgres_recovered_to_the_mark_is_a_store_again_with_new_numbers() -> Result<()> {
    let settings = ARCHIVING.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let mut postgres = PrivatePostgres::start(Options { settings, ..Options::default() })?;
    postgres.create_database("shop")?;
    let url = postgres.url("shop");
    let shop = Shop::on_postgres(&url)?;
    let served = shop.serve()?;
    for number in &shop.buy_many(served.address, 6)?[..3] {
        shop.cancel(&served, number)?;
    }
    postgres.base_backup()?;
    let before = shop.under_load(&served, || {
        let before = shop.acknowledged().clone();
        let said = shop.backup("mark")?;
        assert!(said.starts_with("mark ") && said.contains("restore point holdline-"), "{said}");
        Ok(before)
    })?;
    let lost = shop.buy_many(served.address, 5)?;
    archived(&postgres)?;
    let until = "SELECT max(until_ms)::text FROM orders.number_block";
    let last_lease: i64 = column(&url, until)?.pop().context("a lease")?.parse()?;
    // Nobody restores what is being served.
    assert_refused(&shop.run(&["restore", "mark"])?, "other sessions of Holdline are connected");
    served.process.terminate(WITHIN)?;

    postgres.recover(&restore_point(&shop.place.path().join("mark/manifest.json"))?)?;
    let recovering = || column(&url, "SELECT pg_is_in_recovery()::text");
    wait_until(WITHIN, || Ok(recovering()?.first().is_some_and(|still| still == "false")))?;
    let stored = column(&url, "SELECT order_no FROM orders.orders")?;
    assert!(before.iter().all(|number| stored.contains(number)), "acknowledged before the mark, and not recovered");
    assert!(lost.iter().all(|number| !stored.contains(number)), "recovery went beyond the mark");
    let restored = shop.run(&["restore", "mark"])?;
    assert_eq!(restored.status, Some(0), "{}{}", restored.stdout, restored.stderr);
    assert!(restored.stdout.contains("renewed: feed epoch 2"), "{}", restored.stdout);
    let first_lease: i64 =
        column(&url, "SELECT min(until_ms)::text FROM orders.number_block")?.pop().context("a lease")?.parse()?;
    assert!(first_lease > last_lease, "{first_lease} {last_lease}");

    let served = shop.serve()?;
    shop.buy_many(served.address, 100)?;
    served.process.terminate(WITHIN)?;
    assert_eq!(shop.run(&["audit", "--database-url", &url])?.status, Some(0));
    // Once is enough: what it made is another pair than the one that was marked.
    assert_refused(&shop.run(&["restore", "mark"])?, "is not of the pair that was marked");
    postgres.stop()?;
    Ok(())
}

#[test]
fn schemas_of_two_instants_are_refused_on_postgres_too() -> Result<()> {
    let postgres = PrivatePostgres::start(Options::default())?;
    postgres.create_database("shop")?;
    let url = postgres.url("shop");
    let shop = Shop::on_postgres(&url)?;
    shop.backup("mark")?;
    let served = shop.serve()?;
    shop.buy_many(served.address, 3)?;
    assert_eq!(served.process.terminate(WITHIN)?.code(), Some(0));
    let refused = |sql: &str, said: &str| -> Result<()> {
        column(&url, sql)?;
        serve_refused(&shop, "holdline-data", said)
    };
    // As if the ledger's schema had been loaded from an older dump.
    let older = "UPDATE ledger.ledger_head SET next_seq = next_seq - 3 RETURNING ''::text";
    refused(older, "the ledger database is older than the orders database")?;
    assert_refused(&shop.run(&["restore", "mark"])?, "the ledger database is older than the orders database");
    let even_older = "UPDATE ledger.ledger_head SET next_seq = 1 RETURNING ''::text";
    column(&url, even_older)?;
    assert_refused(&shop.run(&["restore", "mark"])?, "was recovered to an instant before the mark");
    refused("UPDATE ledger.pair SET pair_id = 'another' RETURNING ''::text", "is older than")?;
    postgres.stop()?;
    Ok(())
}
