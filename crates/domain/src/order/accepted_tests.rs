//! Tests of promises: what is told stays true, and every end takes the to-do away.

use super::change::{Change, ChangeAnswer, Decided, Guard, OrderWrite, decide};
use super::change_tests::{number, order};
use super::*;
use crate::id::{BuyerId, ClientId, Fingerprint, GroupKey, Quantity, SellerId, SkuCode, TenantId};
use crate::money::{Currency, Minor};
use crate::refusal::Refusal;
use crate::tenant::PriceSource;
use crate::time::UnixMillis;

const TENANT: TenantId = TenantId(1);
const NOW: UnixMillis = UnixMillis(1_000_000);
const CONTENT: Fingerprint = Fingerprint([7; 32]);

fn seller(id: &str) -> SellerId {
    SellerId::try_new(id).unwrap()
}

fn key() -> GroupKey {
    GroupKey::from_stored("k/c/place/00")
}

/// The promise that the order of `s` will have number 1.
fn promise() -> AcceptedSubmit {
    let buyer = BuyerId::try_new("ann").unwrap();
    let line = SubmitLine {
        sku: SkuCode::try_new("A").unwrap(),
        seller: None,
        quantity: Quantity::try_new(1).unwrap(),
        unit_price: Minor(100),
        currency: Currency::try_new("CNY").unwrap(),
        title: None,
        snapshot: None,
    };
    let submit = Submit {
        tenant: TENANT,
        client: ClientId::try_new("c").unwrap(),
        key: key(),
        buyer: buyer.clone(),
        channel: String::new(),
        lines: vec![line],
        adjustments: Vec::new(),
        expected_total: None,
        address: None,
        note: None,
        price_source: PriceSource::Catalog,
    };
    let acceptance = Acceptance {
        buyer,
        content: CONTENT,
        order_nos: vec![(seller("s"), number(1))],
        accepted: UnixMillis::default(),
        decide_by: UnixMillis(30_000),
    };
    AcceptedSubmit { submit, acceptance }
}

/// The promise as it is stored.
fn kept_promise() -> Acceptance {
    Acceptance { accepted: NOW, decide_by: NOW.plus_ms(30_000), ..promise().acceptance }
}

fn end(state: GroupState, content: Fingerprint) -> OrderGroup {
    OrderGroup { content: Some(content), state, ..OrderGroup::tombstone(TENANT, key(), None) }
}

fn place(of: &str, no: u32, content: Fingerprint) -> Change {
    let order = Order { group: key(), seller: seller(of), ..order(&number(no)) };
    let state = GroupState::Placed { order_nos: vec![order.no.clone()] };
    Change {
        group: Some(end(state, content)),
        orders: vec![(OrderWrite::Insert(Box::new(order)), EventKind::Placed)],
        ..Change::touch(TENANT)
    }
}

/// Decides against a store that holds the promise, or nothing.
fn decided(changes: &[Change], is_promised: bool) -> Decided {
    let acceptances = is_promised.then(|| ((TENANT, key()), kept_promise())).into_iter().collect();
    decide(changes, Guard { acceptances, next_seq: 1, now: NOW, ..Guard::default() })
}

fn applied() -> ChangeAnswer {
    ChangeAnswer::Applied { now: NOW }
}

#[test]
fn a_promise_is_stored_with_its_instants_and_once() {
    let decided = decided(&[Change::accept(promise()), Change::accept(promise())], false);
    let already = ChangeAnswer::AlreadyAccepted(Box::new(kept_promise()));
    assert_eq!(decided.answers, [applied(), already]);
    assert_eq!(decided.accepted, [AcceptedSubmit { acceptance: kept_promise(), ..promise() }]);
    assert!(decided.kept.is_empty() && decided.events.is_empty());
}

#[test]
fn nothing_is_promised_of_a_submit_that_has_ended() {
    let tombstone = OrderGroup::tombstone(TENANT, key(), None);
    let decided = decided(&[Change::fence(tombstone.clone()), Change::accept(promise())], false);
    let exists = ChangeAnswer::GroupExists(Box::new(OrderGroup { created: NOW, ..tombstone }));
    assert_eq!(decided.answers, [applied(), exists]);
    assert!(decided.accepted.is_empty());
}

#[test]
fn orders_of_a_promised_submit_have_the_promised_numbers_or_are_not_written() {
    let decided = decided(&[place("s", 2, CONTENT), place("s", 1, CONTENT)], true);
    let promised = ChangeAnswer::NumbersPromised(vec![(seller("s"), number(1))]);
    assert_eq!(decided.answers, [promised, applied()]);
    assert_eq!(decided.inserts.iter().map(|order| order.no.clone()).collect::<Vec<_>>(), [number(1)]);
    assert_eq!(decided.kept, [(TENANT, key())]);
    assert_eq!(decided.numbers_used, [(TENANT, number(1))]);
}

#[test]
fn a_seller_that_was_promised_nothing_may_have_any_number() {
    let decided = decided(&[place("other", 2, CONTENT)], true);
    assert_eq!(decided.answers, [applied()]);
    assert_eq!(decided.kept, [(TENANT, key())]);
    assert!(decided.numbers_used.is_empty(), "number 1 became no order: it leads to its key for ever");
}

#[test]
fn another_content_under_the_key_is_not_bound_by_the_promise_and_ends_it() {
    let decided = decided(&[place("s", 2, Fingerprint([8; 32]))], true);
    assert_eq!(decided.answers, [applied()]);
    assert_eq!(decided.kept, [(TENANT, key())]);
    assert!(decided.numbers_used.is_empty());
}

#[test]
fn every_end_takes_the_promise_away_and_keeps_its_numbers_findable() {
    let refused = GroupState::Refused { refusal: Refusal::OutOfRange };
    for state in [refused, GroupState::Abandoned] {
        let decided = decided(&[Change::fence(end(state, CONTENT))], true);
        assert_eq!((decided.answers, decided.kept.len()), (vec![applied()], 1));
        assert!(decided.numbers_used.is_empty());
    }
}

#[test]
fn a_promise_and_its_end_in_one_batch_are_both_written() {
    let decided = decided(&[Change::accept(promise()), place("s", 1, CONTENT)], false);
    assert_eq!(decided.answers, [applied(), applied()]);
    assert_eq!((decided.accepted.len(), decided.kept.len(), decided.numbers_used.len()), (1, 1, 1));
}

#[test]
fn a_stored_request_says_again_what_was_asked() {
    let submit = promise().submit;
    let text = serde_json::to_string(&submit).unwrap();
    assert_eq!(serde_json::from_str::<Submit>(&text).unwrap(), submit);
    // The format of the first release that stored one.
    let first = r#"{"tenant":1,"client":"c","key":"k/c/place/00","buyer":"ann","channel":"","lines":[{"sku":"A",
        "quantity":1,"unit_price":100,"currency":"CNY","title":null,"snapshot":null}],"adjustments":[],
        "expected_total":null,"address":null,"note":null,"price_source":"catalog"}"#;
    assert_eq!(serde_json::from_str::<Submit>(first).unwrap(), submit);
}
