//! What the audit makes of closings: where it starts, what it takes their word for, and what only `--full` proves.

use std::process::Command;

use holdline_domain::order::EventKind;
use holdline_domain::tenant::CommitOn;
use holdline_store::Stores;
use serde_json::Value;
use tempfile::TempDir;

use super::shop::Shop;
use super::{audit, audit_text, broken, copy, execute_sqlite, open, runtime, text};

/// A way to break a store with closings, and what finds it.
pub(crate) struct Breach {
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
    /// Found by the audit from the last closing; nothing: it takes the closing's word.
    pub(crate) from_closing: &'static [&'static str],
    /// Found by `--full`.
    pub(crate) from_zero: &'static [&'static str],
}

/// Closing 1 ends right after the opening stock of the first mall, closing 2 before the last orders.
pub(crate) const BREACHES: &[Breach] = &[
    Breach {
        name: "a sum of the newest closing is changed",
        sql: "UPDATE closing_account SET taken = taken + 1
              WHERE closing_no = 2 AND account_no = (SELECT min(account_no) FROM closing_account WHERE closing_no = 2)",
        from_closing: &["closing", "account_balance"],
        from_zero: &["closing"],
    },
    Breach {
        name: "a sum of an older closing is changed",
        sql: "UPDATE closing_account SET adjusted = adjusted + 1
              WHERE closing_no = 1 AND account_no = (SELECT min(account_no) FROM closing_account WHERE closing_no = 2)",
        from_closing: &["closing"],
        from_zero: &["closing"],
    },
    Breach {
        name: "a row of a closing is deleted",
        sql: "DELETE FROM closing_account WHERE closing_no = 2
              AND account_no = (SELECT max(account_no) FROM closing_account WHERE closing_no = 2)",
        from_closing: &["closing", "account_balance", "account_chain"],
        from_zero: &["closing"],
    },
    Breach {
        name: "a closing is deleted",
        sql: "DELETE FROM closing WHERE closing_no = 1",
        from_closing: &["closing"],
        from_zero: &["closing"],
    },
    Breach {
        name: "a closing says another point of the sequence",
        sql: "UPDATE closing SET seq = seq - 1, walked_seq = walked_seq - 1 WHERE closing_no = 2",
        from_closing: &["account_balance"],
        from_zero: &["closing"],
    },
    Breach {
        name: "a movement before the closing is changed",
        sql: "UPDATE movement SET quantity = quantity + 1 WHERE seq = (SELECT min(seq) FROM movement WHERE kind = 0)",
        from_closing: &[],
        from_zero: &["account_balance", "hold_part", "closing"],
    },
    Breach {
        name: "a movement before the closing is deleted",
        sql: "DELETE FROM movement WHERE seq = (SELECT min(seq) FROM movement WHERE kind = 0)",
        from_closing: &[],
        from_zero: &["movement_sequence", "account_balance", "hold_part", "closing"],
    },
    Breach {
        name: "a movement after the closing is changed",
        sql: "UPDATE movement SET quantity = quantity + 1 WHERE seq = (SELECT max(seq) FROM movement WHERE kind = 0)",
        from_closing: &["account_balance", "hold_part"],
        from_zero: &["account_balance", "hold_part"],
    },
    Breach {
        name: "the end of an older hold's part after the closing is changed",
        sql: "UPDATE movement SET quantity = quantity + 1 WHERE seq = (SELECT min(m.seq) FROM movement m
              WHERE m.kind = 2 AND m.seq > (SELECT max(seq) FROM closing)
              AND m.hold_no < (SELECT max(seq) FROM closing))",
        from_closing: &["account_balance", "hold_part"],
        from_zero: &["account_balance", "hold_part"],
    },
    Breach {
        name: "an account's balance is changed",
        sql: "UPDATE account SET held = held + 1 WHERE account_no = (SELECT min(account_no) FROM account)",
        from_closing: &["account_balance"],
        from_zero: &["account_balance"],
    },
];

impl Shop {
    /// Closes the accounts up to now, a few movements at a time.
    async fn close(&self) {
        let ledger = &self.stores.ledger;
        let mut begun = false;
        loop {
            let newest = ledger.closings().await.expect("the closings").newest;
            match newest {
                Some(closing) if !closing.is_complete() => ledger.walk_closing(&closing, 7).await.expect("a page"),
                _ if begun => return,
                _ => ledger.begin_closing(newest.as_ref()).await.expect("a closing"),
            }
            begun = true;
        }
    }
}

/// All stories with two closings between them, and orders after the last one.
pub(crate) async fn closed(stores: Stores) {
    let mut shop = Shop::open(stores).await;
    let mall = shop.mall("early", CommitOn::PaymentCaptured, 100).await;
    shop.close().await;
    shop.all_stories().await;
    let submits = (0..6).map(|i| shop.submit(&mall, &format!("buyer-{i}"), &[("tea", 1), ("mug", 1)])).collect();
    let placed = shop.place(&mall, submits, 900_000).await;
    shop.close().await;
    // One ends behind the closing, and another begins there.
    shop.end(&placed[..1], EventKind::Cancelled).await;
    let last = vec![shop.submit(&mall, "buyer-9", &[("tea", 3)])];
    shop.place(&mall, last, 900_000).await;
    // The reaper stays where it was: before the hold of the stories that is under way.
    shop.settled(0).await;
}

pub(crate) fn expect_breach(breach: &Breach, full: bool, (status, report): &(i32, Value)) {
    let expected = if full { breach.from_zero } else { breach.from_closing };
    let found = broken(report);
    let name = breach.name;
    assert!(expected.iter().all(|code| found.contains(code)), "{name}, full {full}: {found:?}: {report:#}");
    assert_eq!(*status, i32::from(!expected.is_empty()), "{name}, full {full}: {report:#}");
}

fn closed_sqlite_store() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    runtime().block_on(closed(open(directory.path())));
    directory
}

#[test]
fn starts_from_the_last_closing_and_with_full_from_zero() {
    let store = closed_sqlite_store();
    let directory = ["--data", text(store.path())];
    let (status, from_closing) = audit(&directory, &[]);
    assert_eq!(status, 0, "{from_closing:#}");
    let (status, from_zero) = audit(&directory, &["--full"]);
    assert_eq!(status, 0, "{from_zero:#}");
    let number = |report: &Value, name: &str| report[name].as_i64().expect("a number");
    assert_eq!(number(&from_zero, "closed_seq"), 0);
    let left = number(&from_zero, "movements") - number(&from_closing, "closed_seq");
    assert_eq!(number(&from_closing, "movements"), left);
    assert!((4..10).contains(&left), "the end of one order, the hold of another: {left}");
    assert!(number(&from_closing, "holds") == 2 && number(&from_zero, "holds") > 30, "{from_closing:#}");
    let (_, output) = audit_text(&directory, &[]);
    assert!(String::from_utf8(output.stdout).unwrap().contains("proved from the closing at movement "));
}

#[test]
fn a_closing_under_way_counts_for_nothing() {
    let store = closed_sqlite_store();
    // As a crash in the middle leaves it: some rows, and a head that says how far they go.
    let half = "UPDATE closing SET walked_seq = seq - 1 WHERE closing_no = 2;
                DELETE FROM closing_account WHERE closing_no = 2 AND account_no % 2 = 0";
    execute_sqlite(store.path(), "ledger", half);
    let directory = ["--data", text(store.path())];
    for more in [&[][..], &["--full"]] {
        let (status, report) = audit(&directory, more);
        assert_eq!(status, 0, "{report:#}");
        assert!(report["movements"].as_u64() > Some(30), "it starts from the closing before: {report:#}");
    }
}

#[test]
fn finds_every_breach_of_a_closed_sqlite_store() {
    let store = closed_sqlite_store();
    for breach in BREACHES {
        let broken_store = copy(store.path());
        execute_sqlite(broken_store.path(), "ledger", breach.sql);
        let directory = ["--data", text(broken_store.path())];
        expect_breach(breach, false, &audit(&directory, &[]));
        expect_breach(breach, true, &audit(&directory, &["--full"]));
    }
}

#[test]
fn accounts_are_closed_by_hand_beside_the_process_that_owns_the_store() {
    let directory = tempfile::tempdir().unwrap();
    let close = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holdline"));
        command.args(["close-accounts", "--data", text(directory.path())]).current_dir(directory.path());
        let output = command.env_remove("HOLDLINE_STORE__DATABASE_URL").output().expect("the program runs");
        (output.status.code(), String::from_utf8(output.stdout).expect("a text"))
    };
    assert_eq!(close().0, Some(2), "there is no store");
    runtime().block_on(async {
        let mut shop = Shop::open(open(directory.path())).await;
        assert_eq!(close(), (Some(0), "nothing has moved yet: there is nothing to close\n".to_owned()));
        shop.all_stories().await;
        let (status, said) = close();
        assert!(status == Some(0) && said.starts_with("closing 1 has the sums up to movement "), "{said}");
        assert_eq!(close(), (Some(0), said), "nothing has moved since");
    });
    let (status, report) = audit(&["--data", text(directory.path())], &[]);
    assert_eq!((status, report["movements"].as_u64()), (0, Some(0)), "{report:#}");
}
