//! Tests of the ledger's rule: what each request answers, and what it leaves behind.

mod batches;
mod books;
mod outside;
mod properties;
mod rest;
mod stock;
mod words;

use books::{Books, adjust, commit, demand, flags, hold, quota, release, stock};

use super::*;
use crate::id::{Fingerprint, Quantity, Reference, TenantId};

const TENANT: TenantId = TenantId(1);

fn reference(text: &str) -> Reference {
    Reference::try_new(text).unwrap()
}

fn quantity(units: i64) -> Quantity {
    Quantity::try_new(units).unwrap()
}

/// Books with one stock-in per SKU.
fn stocked(skus: &[(&str, i64)]) -> Books {
    let mut books = Books::new();
    for (sku, units) in skus {
        books.one(adjust(&stock(sku), *units, "stock-in"));
    }
    books
}

fn shortages(answer: LedgerAnswer) -> Vec<(String, ShortageCause, i64, i64)> {
    match answer {
        LedgerAnswer::Insufficient(shortages) => shortages
            .into_iter()
            .map(|short| (short.sku.to_string(), short.cause, short.requested, short.available))
            .collect(),
        other => panic!("expected a shortage, got {other:?}"),
    }
}

#[test]
fn claims_all_demands_or_none() {
    let mut books = stocked(&[("A", 10), ("B", 1)]);
    let answer = books.one(hold("k", &[demand("s1", &stock("A"), 3), demand("s2", &stock("B"), 2)]));
    assert_eq!(shortages(answer), [("B".to_owned(), ShortageCause::Stock, 2, 1)]);
    assert_eq!(books.balance(&stock("A")), (10, 0, 0));
    assert_eq!(books.movements.len(), 2, "a refused hold moves nothing");

    assert!(matches!(
        books.one(hold("k", &[demand("s1", &stock("A"), 3), demand("s2", &stock("B"), 1)])),
        LedgerAnswer::Held(_)
    ));
    assert_eq!(books.balance(&stock("A")), (10, 3, 0));
    assert_eq!(books.balance(&stock("B")), (1, 1, 0));
}

#[test]
fn names_every_short_account_at_once_sorted_by_account() {
    let mut books = stocked(&[("A", 1), ("B", 2), ("C", 9)]);
    books.one(flags(&stock("B"), Flags { sold_out: true, ..Flags::default() }));
    let limited = Demand { limit: Some(1), ..demand("s", &quota("C", "ann"), 3) };
    let answer = books.one(hold(
        "k",
        &[
            limited,
            demand("s", &stock("UNKNOWN"), 1),
            demand("s", &stock("C"), 3),
            demand("s", &stock("B"), 1),
            demand("s", &stock("A"), 2),
        ],
    ));
    assert_eq!(
        shortages(answer),
        [
            ("A".to_owned(), ShortageCause::Stock, 2, 1),
            ("B".to_owned(), ShortageCause::SoldOut, 1, 0),
            ("UNKNOWN".to_owned(), ShortageCause::Stock, 1, 0),
            ("C".to_owned(), ShortageCause::Quota, 3, 1),
        ]
    );
}

#[test]
fn sums_the_demands_on_one_account_before_judging_them() {
    let mut books = stocked(&[("A", 5)]);
    let two_sellers = [demand("s1", &stock("A"), 3), demand("s2", &stock("A"), 3)];
    assert_eq!(shortages(books.one(hold("k", &two_sellers))), [("A".to_owned(), ShortageCause::Stock, 6, 5)]);
    let one_seller_twice = [demand("s1", &stock("A"), 3), demand("s1", &stock("A"), 2)];
    let LedgerAnswer::Held(held) = books.one(hold("k", &one_seller_twice)) else { panic!("5 of 5 can be held") };
    assert_eq!(held.lines.len(), 1, "one claim per part and account");
    assert_eq!(held.lines[0].quantity, 5);
}

#[test]
fn sells_the_last_unit_and_no_more() {
    let mut books = stocked(&[("A", 1)]);
    assert!(matches!(books.one(hold("k1", &[demand("s", &stock("A"), 1)])), LedgerAnswer::Held(_)));
    assert_eq!(
        shortages(books.one(hold("k2", &[demand("s", &stock("A"), 1)]))),
        [("A".to_owned(), ShortageCause::Stock, 1, 0)]
    );
}

#[test]
fn looks_the_hold_up_before_any_balance() {
    let mut books = stocked(&[("A", 1)]);
    let demands = [demand("s", &stock("A"), 1)];
    let LedgerAnswer::Held(first) = books.one(hold("k", &demands)) else { panic!("one unit is there") };
    // The balance is 0 and the flag says no: the known hold is answered all the same, with its own numbers.
    books.one(flags(&stock("A"), Flags { sold_out: true, ..Flags::default() }));
    let LedgerRequest::Hold { tenant, id, content, demands, .. } = hold("k", &demands) else { unreachable!() };
    let other_numbers = LedgerRequest::Hold { tenant, id, content, demands, order_nos: Vec::new() };
    assert_eq!(books.one(other_numbers), LedgerAnswer::AlreadyHeld(first));
}

#[test]
fn refuses_a_known_hold_with_another_content() {
    let mut books = stocked(&[("A", 5)]);
    let demands = [demand("s", &stock("A"), 1)];
    books.one(hold("k", &demands));
    let LedgerRequest::Hold { tenant, id, order_nos, demands, .. } = hold("k", &demands) else { unreachable!() };
    let other = LedgerRequest::Hold { tenant, id, order_nos, demands, content: Fingerprint([9; 32]) };
    assert_eq!(books.one(other), LedgerAnswer::ContentMismatch);
    assert_eq!(books.balance(&stock("A")), (5, 1, 0));
}

#[test]
fn never_takes_a_resolved_hold_again() {
    let mut books = stocked(&[("A", 5)]);
    books.one(hold("k", &[demand("s", &stock("A"), 1)]));
    assert_eq!(books.one(release("k", None)), LedgerAnswer::Released);
    let LedgerAnswer::AlreadyResolved(record) = books.one(hold("k", &[demand("s", &stock("A"), 1)])) else {
        panic!("a released hold stays released")
    };
    assert!(record.any_released() && !record.is_open());
    assert_eq!(books.balance(&stock("A")), (5, 0, 0));
}

#[test]
fn tells_two_holds_of_one_group_apart_by_their_count() {
    let mut books = stocked(&[("A", 5)]);
    books.one(hold("k", &[demand("s", &stock("A"), 1)]));
    books.one(release("k", None));
    let LedgerRequest::Hold { tenant, id, content, order_nos, demands } = hold("k", &[demand("s", &stock("A"), 1)])
    else {
        unreachable!()
    };
    let again = LedgerRequest::Hold { tenant, id: HoldId { n: 2, ..id }, content, order_nos, demands };
    assert!(matches!(books.one(again), LedgerAnswer::Held(_)));
}

#[test]
fn resolves_each_part_exactly_once_and_no_other_part() {
    let mut books = stocked(&[("A", 5), ("B", 5)]);
    books.one(hold("k", &[demand("s1", &stock("A"), 2), demand("s2", &stock("B"), 3)]));
    assert_eq!(books.one(commit("k", Some("s1"))), LedgerAnswer::Committed);
    assert_eq!(books.balance(&stock("A")), (5, 0, 2));
    assert_eq!(books.balance(&stock("B")), (5, 3, 0), "the other part is still held");
    assert_eq!(books.one(commit("k", Some("s1"))), LedgerAnswer::AlreadyCommitted);
    assert_eq!(books.one(release("k", Some("s2"))), LedgerAnswer::Released);
    assert_eq!(books.one(release("k", Some("s2"))), LedgerAnswer::AlreadyReleased);
    assert_eq!(books.balance(&stock("A")), (5, 0, 2));
    assert_eq!(books.balance(&stock("B")), (5, 0, 0));
}

#[test]
fn answers_how_a_part_ended_whatever_is_asked_afterwards() {
    let mut books = stocked(&[("A", 5)]);
    books.one(hold("k", &[demand("s1", &stock("A"), 1), demand("s2", &stock("A"), 1)]));
    books.one(commit("k", Some("s1")));
    books.one(release("k", Some("s2")));
    assert_eq!(books.one(release("k", Some("s1"))), LedgerAnswer::AlreadyCommitted);
    assert_eq!(books.one(commit("k", Some("s2"))), LedgerAnswer::AlreadyReleased);
    assert_eq!(books.balance(&stock("A")), (5, 0, 1));
}

#[test]
fn resolving_without_a_part_ends_every_open_part_and_keeps_the_others() {
    let mut books = stocked(&[("A", 9)]);
    let parts = [demand("s1", &stock("A"), 1), demand("s2", &stock("A"), 2), demand("s3", &stock("A"), 4)];
    books.one(hold("k", &parts));
    books.one(commit("k", Some("s2")));
    assert_eq!(books.one(release("k", None)), LedgerAnswer::Released);
    assert_eq!(books.balance(&stock("A")), (9, 0, 2));
    let record = &books.holds[&(TENANT, HoldId::first(books::key("k")))];
    assert_eq!(
        record.parts.iter().map(|(_, state)| *state).collect::<Vec<_>>(),
        [PartState::Released, PartState::Committed, PartState::Released]
    );
}

#[test]
fn knows_no_hold_and_no_part_that_was_never_taken() {
    let mut books = stocked(&[("A", 5)]);
    assert_eq!(books.one(release("k", None)), LedgerAnswer::UnknownHold);
    books.one(hold("k", &[demand("s1", &stock("A"), 1)]));
    assert_eq!(books.one(commit("k", Some("s2"))), LedgerAnswer::UnknownHold);
    assert_eq!(books.balance(&stock("A")), (5, 1, 0));
}

#[test]
fn commits_even_when_the_goods_are_gone() {
    let mut books = stocked(&[("A", 2)]);
    books.one(hold("k", &[demand("s", &stock("A"), 2)]));
    let LedgerRequest::Adjust { tenant, account, delta, reference, .. } = adjust(&stock("A"), -2, "burnt") else {
        unreachable!()
    };
    books.one(LedgerRequest::Adjust { tenant, account, delta, reference, force: true });
    assert_eq!(books.one(commit("k", None)), LedgerAnswer::Committed);
    assert_eq!(books.balance(&stock("A")), (0, 0, 2));
}

#[test]
fn quota_counts_what_is_held_and_sold_and_gives_back_what_is_released() {
    let mut books = stocked(&[("A", 100)]);
    let take =
        |units| [demand("s", &stock("A"), units), Demand { limit: Some(3), ..demand("s", &quota("A", "ann"), units) }];
    books.one(hold("k1", &take(2)));
    assert_eq!(shortages(books.one(hold("k2", &take(2)))), [("A".to_owned(), ShortageCause::Quota, 2, 1)]);
    books.one(commit("k1", None));
    assert_eq!(shortages(books.one(hold("k2", &take(2)))), [("A".to_owned(), ShortageCause::Quota, 2, 1)]);
    assert!(matches!(books.one(hold("k3", &take(1))), LedgerAnswer::Held(_)));
    books.one(release("k3", None));
    assert!(matches!(books.one(hold("k4", &take(1))), LedgerAnswer::Held(_)));
    assert_eq!(books.balance(&quota("A", "ann")), (0, 1, 2));
    assert!(matches!(
        books.one(hold(
            "k5",
            &[demand("s", &stock("A"), 1), Demand { limit: Some(3), ..demand("s", &quota("A", "bob"), 1) }]
        )),
        LedgerAnswer::Held(_)
    ));
}

#[test]
fn the_smallest_limit_of_one_request_counts_and_no_limit_never_refuses() {
    let mut books = stocked(&[]);
    let with = |limit, units| Demand { limit, ..demand("s", &quota("A", "ann"), units) };
    let answer = books.one(hold("k", &[with(Some(5), 2), with(Some(3), 2), with(None, 1)]));
    assert_eq!(shortages(answer), [("A".to_owned(), ShortageCause::Quota, 5, 3)]);
    assert!(matches!(books.one(hold("k", &[with(None, 1_000)])), LedgerAnswer::Held(_)));
    // A limit lowered below what is used leaves nothing, never less than nothing.
    assert_eq!(shortages(books.one(hold("k2", &[with(Some(3), 1)]))), [("A".to_owned(), ShortageCause::Quota, 1, 0)]);
}
