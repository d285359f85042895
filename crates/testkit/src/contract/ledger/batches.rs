//! Batches as a whole: empty, large, poisoned, repeated.

use holdline_domain::fault::Outcome;
use holdline_domain::id::Reference;
use holdline_domain::ledger::{Flags, LedgerAnswer, LedgerRequest, Resolution};

use super::super::sample::{
    TENANT, account, adjust, balance, demand, hold, key, resolve, send, set_flags, ship, stock, unallocate,
};
use super::super::{Process, ok};

/// Nothing in, nothing out.
pub async fn a_batch_may_be_empty(first: Process, _: Process) {
    assert_eq!(send(&first.ledger, &[]).await, []);
}

/// A text that no database should get. An adapter may store it or refuse the whole batch; if it refuses, nothing of the
/// batch is written, it says so, and the good requests go through alone.
pub async fn a_poisoned_batch_writes_nothing_and_its_good_requests_can_be_sent_alone(first: Process, second: Process) {
    let good = [adjust(&stock("A"), 5, "in"), hold("k", &[demand("s1", &stock("A"), 2)])];
    let poison = LedgerRequest::Adjust {
        tenant: TENANT,
        account: stock("B"),
        delta: 1,
        reference: Reference::from_stored("nul\0inside"),
        force: false,
    };
    let batch = [good[0].clone(), poison, good[1].clone()];
    match first.ledger.apply(batch[..].into()).await {
        Ok(answers) => assert!(matches!(answers[..], [_, _, LedgerAnswer::Held(_)])),
        Err(fault) => {
            assert_eq!(fault.outcome, Outcome::NotDone, "{fault}");
            assert_eq!(account(&second.ledger, &stock("A")).await, None, "nothing was written");
            for request in good {
                let answer = send(&first.ledger, &[request]).await.remove(0);
                assert!(matches!(answer, LedgerAnswer::Adjusted(_) | LedgerAnswer::Held(_)), "{answer:?}");
            }
        }
    }
    assert_eq!(balance(&second.ledger, &stock("A")).await, (5, 2, 0));
}

/// After an unknown outcome the same batch is sent again: each answer says what is true, and nothing changes twice.
pub async fn the_same_batch_sent_again_answers_what_it_did(first: Process, second: Process) {
    use LedgerAnswer as A;
    let batch = [
        adjust(&stock("A"), 9, "in"),
        hold("k1", &[demand("s1", &stock("A"), 2)]),
        hold("k2", &[demand("s1", &stock("A"), 3)]),
        hold("k3", &[demand("s1", &stock("A"), 1)]),
        resolve("k1", None, Resolution::Commit),
        resolve("k2", None, Resolution::Release),
        ship(&stock("A"), 1, "parcel"),
        unallocate(&stock("A"), 1, "refund"),
        set_flags(&stock("A"), Flags { danger_level: Some(3), ..Flags::default() }),
    ];
    let before = send(&first.ledger, &batch).await;
    let stored = account(&first.ledger, &stock("A")).await;
    let again = send(&second.ledger, &batch).await;
    assert!(
        matches!(
            &again[..],
            [
                A::AlreadyAdjusted(_),
                A::AlreadyResolved(_),
                A::AlreadyResolved(_),
                A::AlreadyHeld(_),
                A::AlreadyCommitted,
                A::AlreadyReleased,
                A::AlreadyShipped,
                A::AlreadyUnallocated,
                A::FlagsSet(_)
            ]
        ),
        "{again:?}"
    );
    let (A::Held(held), A::AlreadyHeld(kept)) = (&before[3], &again[3]) else { unreachable!("matched above") };
    assert_eq!(held, kept);
    assert_eq!(account(&first.ledger, &stock("A")).await, stored, "nothing moved twice");
}

/// 500 holds of three lines each, of which the stock covers 400.
pub async fn a_large_batch_is_one_batch(first: Process, second: Process) {
    let skus = ["A", "B", "C"].map(stock);
    let stock_in: Vec<_> = skus.iter().map(|account| adjust(account, 400, "in")).collect();
    send(&first.ledger, &stock_in).await;
    let demands: Vec<_> = skus.iter().map(|account| demand("s1", account, 1)).collect();
    let batch: Vec<_> = (0..500).map(|n| hold(&format!("k{n}"), &demands)).collect();
    let answers = send(&first.ledger, &batch).await;
    assert!(answers[..400].iter().all(|answer| matches!(answer, LedgerAnswer::Held(_))));
    assert!(
        answers[400..].iter().all(|answer| matches!(answer, LedgerAnswer::Insufficient(short) if short.len() == 3))
    );
    for account in &skus {
        assert_eq!(balance(&second.ledger, account).await, (400, 400, 0));
    }
    let keys: Vec<_> = (0..500).map(|n| (TENANT, key(&format!("k{n}")))).collect();
    assert_eq!(ok(second.ledger.holds(&keys).await).into_iter().flatten().count(), 400);
}
