//! What a restore does to a pair of SQLite files, and what an interrupted one leaves.

use std::path::Path;

use holdline_domain::port::FeedPosition;
use holdline_domain::time::UnixMillis;
use holdline_store::{Clocks, Stores, open_sqlite, restore_sqlite};

fn open(directory: &Path) -> Result<Stores, String> {
    open_sqlite(directory, &Clocks::of_machine()).map_err(|fault| fault.message)
}

fn restore(directory: &Path) -> Stores {
    restore_sqlite(directory, &Clocks::of_machine()).expect("a pair can be restored")
}

#[tokio::test]
async fn a_consumer_whose_position_is_of_an_older_epoch_starts_again() {
    let directory = tempfile::tempdir().unwrap();
    let stores = open(directory.path()).unwrap();
    let old = FeedPosition { epoch: 1, round: 0, seq: 40 };
    stores.orders.advance_feed_position("index", old).await.unwrap();
    assert_eq!(stores.orders.feed_position("index").await.unwrap(), old);
    let renewed = stores.pair.renew(UnixMillis(0)).await.unwrap();
    assert_eq!(renewed.epoch, 2);
    let start = FeedPosition { epoch: 2, round: 0, seq: 0 };
    assert_eq!(stores.orders.feed_position("index").await.unwrap(), start);
    // In the new epoch any position is further than in the old one, and they never go back.
    let new = FeedPosition { epoch: 2, round: 0, seq: 3 };
    for to in [new, old] {
        stores.orders.advance_feed_position("index", to).await.unwrap();
        assert_eq!(stores.orders.feed_position("index").await.unwrap(), new);
    }
}

#[tokio::test]
async fn every_block_of_numbers_begins_after_the_restore_and_after_its_own_last_lease() {
    let directory = tempfile::tempdir().unwrap();
    let stores = open(directory.path()).unwrap();
    let lease = stores.orders.lease_block().await.unwrap();
    let later = lease.until.plus_ms(60_000);
    assert_eq!(stores.pair.renew(later).await.unwrap().numbers_from, later);
    for _ in 0..70 {
        assert!(stores.orders.lease_block().await.unwrap().from >= later);
    }
    // A clock that is behind moves nothing back.
    let newest = stores.pair.renew(UnixMillis(0)).await.unwrap().numbers_from;
    assert!(newest > later);
    assert!(stores.orders.lease_block().await.unwrap().from >= newest);
}

#[tokio::test]
async fn an_interrupted_restore_is_not_served_and_can_be_done_again() {
    let directory = tempfile::tempdir().unwrap();
    let stores = open(directory.path()).unwrap();
    let before = stores.pair.sides().await.unwrap();
    assert_eq!(before.ledger.pair_id, before.orders.pair_id);
    assert!(!before.ledger.pair_id.is_empty());
    stores.pair.begin_restore("backup-1").await.unwrap();
    stores.pair.renew(UnixMillis(0)).await.unwrap();
    drop(stores);
    assert!(open(directory.path()).err().unwrap().contains("backup backup-1"));
    let stores = restore(directory.path());
    stores.pair.begin_restore("backup-1").await.unwrap();
    stores.pair.renew(UnixMillis(0)).await.unwrap();
    stores.pair.finish_restore().await.unwrap();
    drop(stores);
    let after = open(directory.path()).unwrap().pair.sides().await.unwrap();
    assert_eq!(after.ledger.pair_id, after.orders.pair_id);
    assert_ne!(after.ledger.pair_id, before.ledger.pair_id, "what was there before the restore fits no more");
}

#[tokio::test]
async fn a_first_opening_that_was_interrupted_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()).unwrap());
    // Between the two files, and between the two rows.
    for file in ["orders.sqlite", "orders.sqlite-wal", "orders.sqlite-shm"] {
        let path = directory.path().join(file);
        if path.exists() {
            std::fs::remove_file(path).unwrap();
        }
    }
    let ledger = rusqlite::Connection::open(directory.path().join("ledger.sqlite")).unwrap();
    ledger.execute("UPDATE pair SET other_seq = 0", []).unwrap();
    drop(ledger);
    let sides = open(directory.path()).unwrap().pair.sides().await.unwrap();
    assert_eq!(sides.ledger.pair_id, sides.orders.pair_id);
}
