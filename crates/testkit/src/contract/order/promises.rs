//! Promises: submits that were answered before they were decided.

use holdline_domain::fault::Outcome;
use holdline_domain::id::{Fingerprint, GroupKey, TenantId};
use holdline_domain::money::Minor;
use holdline_domain::order::change::{Change, ChangeAnswer};
use holdline_domain::order::{
    Acceptance, AcceptedSubmit, GroupState, OrderGroup, OrderNo, StoredSubmit, Submit, SubmitLine,
};
use holdline_domain::tenant::PriceSource;
use holdline_domain::time::UnixMillis;

use super::super::sample::{TENANT, buyer, client, currency, key, number, place, quantity, seller, sku};
use super::super::{Process, ok};
use super::{applied, read, send};

const WITHIN_MS: i64 = 30_000;

/// The promise of orders with these numbers; what may be empty is filled.
fn promise(group: &str, order_nos: &[(u32, &str)]) -> AcceptedSubmit {
    let line = SubmitLine {
        sku: sku("A"),
        seller: Some(seller("s1")),
        quantity: quantity(1),
        unit_price: Minor(50),
        currency: currency("CNY"),
        title: Some("白色 \"quoted\" \\ 'title'".to_owned()),
        snapshot: Some("{\"colour\": \"red\"}".to_owned()),
    };
    let submit = Submit {
        tenant: TENANT,
        client: client("app"),
        key: key(group),
        buyer: buyer("ann"),
        channel: "web".to_owned(),
        lines: vec![line],
        adjustments: Vec::new(),
        expected_total: Some(Minor(50)),
        address: Some("{\"street\": \"南京路 1\"}".to_owned()),
        note: Some("ring\ntwice".to_owned()),
        price_source: PriceSource::Catalog,
    };
    let acceptance = Acceptance {
        buyer: buyer("ann"),
        // That of the groups that `place` makes.
        content: Fingerprint([9; 32]),
        order_nos: order_nos.iter().map(|(n, of)| (seller(of), number(*n))).collect(),
        accepted: UnixMillis::default(),
        decide_by: UnixMillis(WITHIN_MS),
    };
    AcceptedSubmit { submit, acceptance }
}

/// The promise as it is stored.
fn stored(draft: &AcceptedSubmit, now: UnixMillis) -> AcceptedSubmit {
    let acceptance = Acceptance { accepted: now, decide_by: now.plus_ms(WITHIN_MS), ..draft.acceptance.clone() };
    AcceptedSubmit { acceptance, ..draft.clone() }
}

async fn submit(process: &Process, group: &str) -> StoredSubmit {
    ok(process.orders.submits(&[(TENANT, key(group))]).await).remove(0)
}

async fn promised(process: &Process, n: u32) -> Option<GroupKey> {
    ok(process.orders.promised_number(TENANT, &number(n)).await)
}

/// Every field, on every process, oldest first; a promise of one tenant is no other's.
pub async fn promises_are_kept_word_for_word_until_they_end(first: Process, second: Process) {
    let drafts = [promise("old", &[(1, "s1"), (2, "s2")]), promise("young", &[(3, "s1")])];
    let mut kept = Vec::new();
    for draft in &drafts {
        let now = applied(&send(&first.orders, &[Change::accept(draft.clone())]).await[0]);
        kept.push(stored(draft, now));
    }
    for process in [&first, &second] {
        let mut oldest = ok(process.orders.accepted_submits(10).await);
        assert!(oldest.is_sorted_by_key(|accepted| accepted.acceptance.accepted));
        oldest.sort_by(|a, b| a.submit.key.cmp(&b.submit.key));
        assert_eq!(oldest, kept);
        assert_eq!(ok(process.orders.accepted_submits(1).await).len(), 1);
        assert_eq!(ok(process.orders.accepted_submit(TENANT, &key("young")).await), Some(kept[1].clone()));
        assert_eq!(ok(process.orders.accepted_submit(TenantId(2), &key("young")).await), None);
        let expected = StoredSubmit { group: None, acceptance: Some(kept[0].acceptance.clone()) };
        assert_eq!(submit(process, "old").await, expected);
        assert_eq!((promised(process, 2).await, promised(process, 9).await), (Some(key("old")), None));
        assert_eq!(ok(process.orders.promised_number(TenantId(2), &number(2)).await), None);
    }
}

/// A promise is made once, and not of what has ended.
pub async fn a_promise_is_made_once(first: Process, second: Process) {
    let draft = promise("k", &[(1, "s1")]);
    let now = applied(&send(&first.orders, &[Change::accept(draft.clone())]).await[0]);
    let other = promise("k", &[(7, "s1")]);
    let answers = send(&second.orders, &[Change::accept(other), place("done", &[(2, "s1")])]).await;
    assert_eq!(answers[0], ChangeAnswer::AlreadyAccepted(Box::new(stored(&draft, now).acceptance)));
    assert_eq!(promised(&first, 7).await, None, "all of a change or nothing");
    let answers = send(&first.orders, &[Change::accept(promise("done", &[(8, "s1")]))]).await;
    assert!(matches!(&answers[0], ChangeAnswer::GroupExists(group) if group.key == key("done")), "{answers:?}");
}

/// Orders have the promised numbers or are not written; then the promise is gone, and its numbers are the orders'.
pub async fn a_promise_ends_with_its_orders(first: Process, second: Process) {
    send(&first.orders, &[Change::accept(promise("k", &[(1, "s1"), (2, "s2")]))]).await;
    let answers = send(&second.orders, &[place("k", &[(5, "s1"), (2, "s2")])]).await;
    let numbers: Vec<OrderNo> = match &answers[..] {
        [ChangeAnswer::NumbersPromised(numbers)] => numbers.iter().map(|(_, no)| no.clone()).collect(),
        other => panic!("not held to its promise: {other:?}"),
    };
    assert_eq!(numbers, [number(1), number(2)]);
    assert_eq!(read(&first.orders, 5).await, None);
    applied(&send(&second.orders, &[place("k", &[(1, "s1"), (2, "s2")])]).await[0]);
    for process in [&first, &second] {
        let ended = submit(process, "k").await;
        assert!(ended.acceptance.is_none() && ended.group.is_some());
        assert_eq!(ok(process.orders.accepted_submits(10).await), []);
        assert_eq!((promised(process, 1).await, promised(process, 2).await), (None, None));
        assert!(read(&process.orders, 1).await.is_some());
    }
}

/// A promise that was not kept leaves its number behind, which leads to the reason.
pub async fn a_promise_that_was_not_kept_is_found_by_its_number(first: Process, second: Process) {
    send(&first.orders, &[Change::accept(promise("k", &[(1, "s1")]))]).await;
    let fence = Change::fence(OrderGroup::tombstone(TENANT, key("k"), None));
    applied(&send(&second.orders, &[fence]).await[0]);
    for process in [&first, &second] {
        let ended = submit(process, "k").await;
        assert_eq!(ended.group.map(|group| group.state), Some(GroupState::Abandoned));
        assert_eq!(ok(process.orders.accepted_submits(10).await), []);
        assert_eq!(promised(process, 1).await, Some(key("k")));
    }
}

/// Sent again unchanged after an unknown outcome, or in one batch with its end, a promise is still one.
pub async fn a_promise_sent_again_changes_nothing(first: Process, _: Process) {
    let batch = [Change::accept(promise("k", &[(1, "s1")])), place("k", &[(1, "s1")])];
    let answers = send(&first.orders, &batch).await;
    let now = applied(&answers[0]);
    assert_eq!(answers[1], ChangeAnswer::Applied { now });
    let again = send(&first.orders, &batch).await;
    assert!(again.iter().all(|answer| matches!(answer, ChangeAnswer::GroupExists(_))), "{again:?}");
    assert_eq!(ok(first.orders.accepted_submits(10).await), []);
    assert!(read(&first.orders, 1).await.is_some());
}

/// A number that was promised to one submit is not promised to another: nothing of the second one is written.
pub async fn a_number_is_promised_once(first: Process, second: Process) {
    send(&first.orders, &[Change::accept(promise("one", &[(1, "s1")]))]).await;
    let taken = second.orders.apply([Change::accept(promise("two", &[(1, "s1")]))].into()).await;
    assert!(matches!(&taken, Err(fault) if fault.outcome == Outcome::NotDone), "{taken:?}");
    assert_eq!(promised(&first, 1).await, Some(key("one")));
    assert_eq!(submit(&first, "two").await, StoredSubmit::default());
}
