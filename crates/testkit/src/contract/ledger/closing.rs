//! Closings: gone on from wherever they stand, by whichever process, and never further than they say.

use std::sync::Arc;

use holdline_domain::ledger::{Closing, Closings, LedgerAnswer, Resolution};
use holdline_domain::port::LedgerStore;

use super::super::sample::{adjust, demand, hold, resolve, send, stock};
use super::super::{Process, ok};

async fn newest(ledger: &Arc<dyn LedgerStore>) -> Option<Closing> {
    ok(ledger.closings().await).newest
}

/// Walks the closing that is under way to its end.
async fn walk(ledger: &Arc<dyn LedgerStore>, page: usize) -> Closing {
    loop {
        let closing = newest(ledger).await.expect("it was begun");
        if closing.is_complete() {
            return closing;
        }
        ok(ledger.walk_closing(&closing, page).await);
    }
}

/// Two processes walk one closing by turns; a page sent again, or from an older state, changes nothing.
pub async fn a_closing_is_walked_once_by_any_number_of_processes(first: Process, second: Process) {
    let nothing = ok(first.ledger.closings().await);
    assert_eq!((nothing.newest, nothing.newest_seq, nothing.first), (None, 0, None));
    ok(first.ledger.begin_closing(None).await);
    assert_eq!(newest(&first.ledger).await, None, "there is nothing to close");
    let one = [demand("s1", &stock("A"), 1)];
    let held = [adjust(&stock("A"), 9, "in"), hold("k", &one), resolve("k", None, Resolution::Release)];
    let answers = send(&first.ledger, &held).await;
    assert!(matches!(answers[1], LedgerAnswer::Held(_)), "{answers:?}");
    ok(first.ledger.begin_closing(None).await);
    ok(second.ledger.begin_closing(None).await);
    let begun = newest(&second.ledger).await.expect("it was begun");
    assert_eq!((begun.no, begun.seq, begun.walked_seq, begun.is_complete()), (1, 3, 0, false));
    send(&second.ledger, &[adjust(&stock("B"), 4, "in")]).await;
    ok(first.ledger.walk_closing(&begun, 2).await);
    ok(second.ledger.walk_closing(&begun, 1).await);
    assert_eq!(newest(&second.ledger).await.map(|closing| closing.walked_seq), Some(2), "the second was overtaken");
    let complete = walk(&second.ledger, 1).await;
    assert_eq!((complete.seq, complete.accounts), (3, 1), "what moved since it was begun is not in it");
    let Closings { newest_seq, newest: last, .. } = ok(first.ledger.closings().await);
    assert_eq!((newest_seq, last), (4, Some(complete)));
}

/// The checksum does not depend on the pages, and a later closing has rows for the accounts that moved only.
pub async fn a_later_closing_has_what_changed_since_the_one_before(first: Process, second: Process) {
    send(&first.ledger, &[adjust(&stock("A"), 9, "in"), adjust(&stock("B"), 9, "in")]).await;
    ok(first.ledger.begin_closing(None).await);
    let before = walk(&first.ledger, 100).await;
    assert_eq!((before.accounts, before.seq), (2, 2));
    ok(first.ledger.begin_closing(Some(&before)).await);
    assert_eq!(newest(&first.ledger).await, Some(before), "nothing has moved");
    send(&second.ledger, &[adjust(&stock("B"), 1, "more")]).await;
    ok(second.ledger.begin_closing(Some(&before)).await);
    let after = walk(&first.ledger, 1).await;
    assert_eq!((after.no, after.seq, after.accounts), (2, 3, 1));
    assert!(after.checksum != 0 && after.checksum != before.checksum);
}
