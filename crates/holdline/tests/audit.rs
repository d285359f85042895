//! `holdline audit` over real stores: clean when they are, every corruption found by the check that names it, and a
//! store that cannot be judged is never called clean. The same on SQLite and on PostgreSQL.
//!
//! With `HOLDLINE_AUDIT_ORDERS` set to a number, `judges_a_large_store_within_a_minute` makes that many orders.

#[path = "audit/closings.rs"]
mod closings;
#[path = "audit/corruptions.rs"]
mod corruptions;
#[path = "audit/life.rs"]
mod life;
#[path = "audit/money_corruptions.rs"]
mod money_corruptions;
#[path = "audit/parcels.rs"]
mod parcels;
#[path = "audit/payments.rs"]
mod payments;
#[path = "audit/postgres.rs"]
mod postgres;
mod postgres_server;
mod process;
#[path = "audit/promises.rs"]
mod promises;
#[path = "audit/shop.rs"]
mod shop;
#[path = "audit/stories.rs"]
mod stories;

use std::path::Path;
use std::process::{Command, Output};

use holdline_domain::order::EventKind;
use holdline_domain::tenant::CommitOn;
use holdline_store::{Clocks, Stores};
use serde_json::Value;
use tempfile::TempDir;

use corruptions::{CORRUPTIONS, UNREADABLE};
use money_corruptions::MONEY_CORRUPTIONS;
use shop::Shop;

/// How the audit is told where the store is, and its answer.
fn audit(store: &[&str], more: &[&str]) -> (i32, Value) {
    let (status, output) = audit_text(store, &[more, &["--json"]].concat());
    let document = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("not one JSON document ({error}): {output:?}"));
    (status, document)
}

fn audit_text(store: &[&str], more: &[&str]) -> (i32, Output) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdline"));
    command.arg("audit").args(store).args(more).env_remove("HOLDLINE_STORE__DATABASE_URL");
    let output = command.output().expect("the program runs");
    (output.status.code().expect("the program was not killed"), output)
}

/// The codes of the checks that found something.
fn broken(report: &Value) -> Vec<&str> {
    let checks = report["checks"].as_array().expect("a list of checks");
    let found = checks.iter().filter(|check| check["mismatches"].as_u64() > Some(0));
    found.map(|check| check["code"].as_str().expect("a code")).collect()
}

fn expect_clean(report: &Value) {
    assert_eq!(report["status"], "clean", "{report:#}");
    for check in report["checks"].as_array().expect("a list of checks") {
        assert!(check["judged"].as_u64() > Some(0), "nothing was judged by {}: {report:#}", check["code"]);
    }
    assert_eq!(report["left_out"]["young_holds"], 1, "{report:#}");
    assert_eq!(report["left_out"]["unvisited_holds"], 0, "{report:#}");
    assert_eq!(report["left_out"]["unsettled_orders"], 0, "{report:#}");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads")
}

fn open(directory: &Path) -> Stores {
    holdline_store::open_sqlite(directory, &Clocks::of_machine()).expect("an opened store")
}

/// A closed SQLite store with every story in it.
fn sqlite_store() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    runtime().block_on(async { Shop::open(open(directory.path())).await.all_stories().await });
    directory
}

fn copy(store: &Path) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for entry in std::fs::read_dir(store).expect("a directory") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), directory.path().join(entry.file_name())).expect("a copy");
    }
    directory
}

fn execute_sqlite(directory: &Path, database: &str, sql: &str) {
    let connection = rusqlite::Connection::open(directory.join(format!("{database}.sqlite"))).expect("a database");
    connection.pragma_update(None, "ignore_check_constraints", 1).expect("a setting");
    connection.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of plain letters")
}

#[test]
fn calls_a_whole_sqlite_store_clean() {
    let store = sqlite_store();
    let (status, report) = audit(&["--data", text(store.path())], &[]);
    expect_clean(&report);
    assert_eq!(status, 0);
    assert_eq!(report["holds"], 42);
    let (status, output) = audit_text(&["--data", text(store.path())], &[]);
    let last = String::from_utf8(output.stdout).unwrap().lines().last().unwrap().to_owned();
    assert!(last.starts_with("AUDIT clean orders=") && last.contains(" seconds="), "{last}");
    assert_eq!(status, 0);
}

#[test]
fn finds_every_corruption_of_a_sqlite_store() {
    let store = sqlite_store();
    for corruption in CORRUPTIONS.iter().chain(MONEY_CORRUPTIONS) {
        let broken_store = copy(store.path());
        execute_sqlite(broken_store.path(), corruption.database, corruption.sql);
        let (status, report) = audit(&["--data", text(broken_store.path())], &[]);
        expect_found(corruption, status, &report);
    }
}

fn expect_found(corruption: &corruptions::Corruption, status: i32, report: &Value) {
    let found = broken(report);
    let name = corruption.name;
    assert!(corruption.found_by.iter().all(|code| found.contains(code)), "{name}: found by {found:?}: {report:#}");
    assert_eq!((status, &report["status"]), (1, &Value::from("mismatch")), "{name}");
    for check in
        report["checks"].as_array().expect("a report has checks").iter().filter(|check| check["mismatches"] != 0)
    {
        let evidence = check["evidence"].as_array().expect("a check has evidence");
        assert!((1..=20).contains(&evidence.len()), "{name}: {check:#}");
    }
}

#[test]
fn calls_nothing_clean_that_it_cannot_read() {
    let store = sqlite_store();
    for (database, sql, word) in UNREADABLE {
        let broken_store = copy(store.path());
        execute_sqlite(broken_store.path(), database, sql);
        let (status, report) = audit(&["--data", text(broken_store.path())], &[]);
        assert_eq!((status, &report["status"]), (2, &Value::from("not_judged")), "{sql}: {report:#}");
        assert!(report["reason"].as_str().unwrap().contains(word), "{sql}: {report:#}");
    }
    let garbage = copy(store.path());
    // The log too: it may still have every page.
    for file in ["orders.sqlite", "orders.sqlite-wal"] {
        std::fs::write(garbage.path().join(file), b"this is no database, whatever its name says").unwrap();
    }
    assert_eq!(audit(&["--data", text(garbage.path())], &[]).0, 2);
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(audit(&["--data", text(empty.path())], &[]).0, 2);
    assert_eq!(audit(&["--database-url", "postgres://nobody@127.0.0.1:1/none"], &[]).0, 2);
}

#[test]
fn counts_a_hold_without_an_order_as_broken_once_the_reaper_is_late() {
    let store = sqlite_store();
    execute_sqlite(
        store.path(),
        "ledger",
        "UPDATE hold SET taken_ms = taken_ms - 15000 WHERE hold_no = (SELECT max(hold_no) FROM hold)",
    );
    let directory = ["--data", text(store.path())];
    let (status, report) = audit(&directory, &[]);
    assert_eq!((status, &report["left_out"]["unvisited_holds"]), (0, &Value::from(1)), "{report:#}");
    let (status, report) = audit(&directory, &["--orphan-after", "20s"]);
    assert_eq!((status, &report["left_out"]["young_holds"]), (0, &Value::from(1)), "{report:#}");
    let (status, report) = audit(&directory, &["--orphan-after", "5s"]);
    assert_eq!((status, broken(&report)), (1, vec!["orphan_hold"]), "{report:#}");
}

#[test]
fn leaves_out_what_the_ledger_has_not_followed_yet_and_nothing_else() {
    let store = sqlite_store();
    let directory = ["--data", text(store.path())];
    // The last cancelled order, not settled yet: its hold stands as before.
    let unsettled = "UPDATE feed_position SET seq = seq - 100 WHERE consumer = 'ledger'";
    execute_sqlite(store.path(), "orders", unsettled);
    let (status, report) = audit(&directory, &[]);
    assert_eq!(status, 0, "{report:#}");
    assert!(report["left_out"]["unsettled_orders"].as_u64() > Some(10), "{report:#}");
    let flipped =
        "UPDATE hold SET parts = replace(parts, '\"h\"', '\"r\"') WHERE hold_no = (SELECT min(hold_no) FROM hold)";
    execute_sqlite(store.path(), "ledger", flipped);
    let (_, report) = audit(&directory, &[]);
    assert!(broken(&report).contains(&"order_hold"), "a live order whose part is released: {report:#}");
}

/// One round of a shop at work: orders are placed, and some of them end.
async fn work(shop: &mut Shop, mall: &shop::Mall) {
    let submits = (0..40).map(|i| shop.submit(mall, &format!("buyer-{i}"), &[("tea", 1), ("cup", 1)])).collect();
    let mut placed = shop.place(mall, submits, 900_000).await;
    let ended = placed.split_off(20);
    shop.end(&ended, EventKind::Cancelled).await;
    shop.settled(0).await;
}

/// Audits a store again and again while somebody writes to it.
async fn audit_while_writing(stores: Stores, store: Vec<String>) {
    let mut shop = Shop::open(stores).await;
    let mall = shop.mall("mall", CommitOn::PaymentCaptured, 10_000_000).await;
    work(&mut shop, &mall).await;
    let audits = tokio::task::spawn_blocking(move || {
        let store: Vec<&str> = store.iter().map(String::as_str).collect();
        (0..10).map(|_| audit(&store, &[])).collect::<Vec<_>>()
    });
    while !audits.is_finished() {
        work(&mut shop, &mall).await;
    }
    let mut orders = Vec::new();
    for (status, report) in audits.await.expect("ten audits") {
        assert_eq!(status, 0, "{report:#}");
        orders.push(report["orders"].as_u64().expect("a report counts orders"));
    }
    assert!(orders.is_sorted() && orders.first() < orders.last(), "nothing was written meanwhile: {orders:?}");
}

#[test]
fn calls_a_sqlite_store_clean_while_it_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let store = vec!["--data".to_owned(), text(directory.path()).to_owned()];
    runtime().block_on(audit_while_writing(open(directory.path()), store));
}

#[test]
fn judges_a_large_store_within_a_minute() {
    let count =
        std::env::var("HOLDLINE_AUDIT_ORDERS").map_or(2_000, |count| count.parse().expect("a number of orders"));
    let directory = tempfile::tempdir().unwrap();
    runtime().block_on(async { Shop::open(open(directory.path())).await.many_orders(count).await });
    let (status, report) = audit(&["--data", text(directory.path())], &[]);
    eprintln!("{report:#}");
    assert_eq!((status, report["orders"].as_u64()), (0, Some(count as u64)), "{report:#}");
    assert!(report["seconds"].as_f64() < Some(60.0), "{report:#}");
}
