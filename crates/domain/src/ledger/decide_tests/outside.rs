//! Holds of outside callers: terms, deadlines, tombstones.

use super::books::{Books, adjust, demand, hold, stock};
use super::*;
use crate::id::{Fingerprint, GroupKey};
use crate::time::UnixMillis;

fn id(name: &str) -> HoldId {
    HoldId::first(GroupKey::from_stored(format!("{name}/erp/hold")))
}

fn ask(name: &str, request: OutsideRequest) -> LedgerRequest {
    LedgerRequest::Outside { tenant: TENANT, id: id(name), request }
}

/// One unit of `A` for each part, for ten seconds.
fn take(name: &str, parts: &[&str]) -> LedgerRequest {
    let demands = parts.iter().map(|part| demand(part, &stock("A"), 1)).collect();
    let terms = Terms { within_ms: 10_000, check_url: None };
    ask(name, OutsideRequest::Take { content: Fingerprint([1; 32]), demands, terms })
}

fn part(name: &str) -> Part {
    Part::Seller(super::books::seller(name))
}

fn commit(name: &str, of: Option<&str>) -> LedgerRequest {
    ask(name, OutsideRequest::Commit { part: of.map(part) })
}

fn release(name: &str, of: Option<&str>) -> LedgerRequest {
    ask(name, OutsideRequest::Release { part: of.map(part) })
}

fn extend(name: &str, of: Option<&str>, within_ms: i64) -> LedgerRequest {
    ask(name, OutsideRequest::Extend { part: of.map(part), within_ms })
}

fn expire(name: &str, of: &str, deadline: i64) -> LedgerRequest {
    ask(name, OutsideRequest::Expire { part: part(of), deadline: UnixMillis(deadline) })
}

fn visit(name: &str, of: &str, visits: i32) -> LedgerRequest {
    ask(name, OutsideRequest::Visit { part: part(of), visits, wait_ms: 5_000 })
}

/// Part, deadline, next look, looks.
fn deadlines(books: &Books, name: &str) -> Vec<(String, i64, i64, i32)> {
    match books.outside.get(&(TENANT, id(name))) {
        Some(Outside::Taken { deadlines, .. }) => deadlines
            .iter()
            .map(|(part, d)| {
                let Part::Seller(name) = part else { panic!("every part here is named") };
                (name.to_string(), d.at.0, d.visit.0, d.visits)
            })
            .collect(),
        other => panic!("the hold was not taken: {other:?}"),
    }
}

fn stocked_at(now: i64, units: i64) -> Books {
    let mut books = Books::new();
    books.now = UnixMillis(now);
    books.one(adjust(&stock("A"), units, "stock-in"));
    books
}

#[test]
fn a_hold_stands_until_its_deadline_and_each_part_until_its_own() {
    let mut books = stocked_at(1_000, 5);
    assert!(matches!(books.one(take("h", &["a", "b"])), LedgerAnswer::Held(_)));
    assert_eq!(deadlines(&books, "h"), [("a".to_owned(), 11_000, 11_000, 0), ("b".to_owned(), 11_000, 11_000, 0)]);
    books.now = UnixMillis(5_000);
    assert_eq!(books.one(extend("h", Some("b"), 20_000)), LedgerAnswer::Extended);
    assert_eq!(books.one(extend("h", None, 1_000)), LedgerAnswer::Extended, "never to an earlier instant");
    assert_eq!(deadlines(&books, "h"), [("a".to_owned(), 11_000, 11_000, 0), ("b".to_owned(), 25_000, 25_000, 0)]);
    assert_eq!(books.one(commit("h", Some("a"))), LedgerAnswer::Committed);
    assert_eq!(deadlines(&books, "h"), [("b".to_owned(), 25_000, 25_000, 0)], "what has ended has no deadline");
    assert_eq!(books.balance(&stock("A")), (5, 1, 1));
}

#[test]
fn a_part_is_released_at_the_deadline_that_was_seen_to_pass_and_at_no_other() {
    let mut books = stocked_at(0, 5);
    books.batch(&[take("h", &["a"]), extend("h", None, 30_000)]);
    assert_eq!(books.one(expire("h", "a", 10_000)), LedgerAnswer::Overtaken, "it was extended since");
    assert_eq!(books.balance(&stock("A")), (5, 1, 0));
    assert_eq!(books.one(expire("h", "a", 30_000)), LedgerAnswer::Released);
    assert_eq!(books.one(expire("h", "a", 30_000)), LedgerAnswer::Overtaken);
    assert_eq!(books.balance(&stock("A")), (5, 0, 0));
    assert_eq!(books.one(commit("h", Some("a"))), LedgerAnswer::AlreadyReleased, "what is given back is not sold");
    assert_eq!(books.one(extend("h", None, 30_000)), LedgerAnswer::AlreadyReleased);
}

#[test]
fn one_of_two_askers_gets_the_look_and_the_next_is_put_off() {
    let mut books = stocked_at(0, 5);
    books.one(take("h", &["a"]));
    books.now = UnixMillis(12_000);
    let answers = books.batch(&[visit("h", "a", 0), visit("h", "a", 0)]);
    assert_eq!(answers, [LedgerAnswer::Visited, LedgerAnswer::Overtaken]);
    assert_eq!(deadlines(&books, "h"), [("a".to_owned(), 10_000, 17_000, 1)]);
    assert_eq!(books.one(visit("h", "a", 1)), LedgerAnswer::Visited);
    books.one(extend("h", None, 60_000));
    assert_eq!(deadlines(&books, "h"), [("a".to_owned(), 72_000, 72_000, 0)], "an extended part is looked at afresh");
}

#[test]
fn a_hold_that_was_given_up_before_it_arrived_is_never_taken() {
    let mut books = stocked_at(0, 5);
    assert_eq!(books.one(release("h", Some("a"))), LedgerAnswer::UnknownHold, "a part of nothing is no hold");
    assert_eq!(books.one(release("h", None)), LedgerAnswer::Never);
    assert_eq!(books.one(take("h", &["a"])), LedgerAnswer::Never);
    assert_eq!(books.one(release("h", None)), LedgerAnswer::Never);
    assert_eq!(books.one(commit("h", None)), LedgerAnswer::UnknownHold);
    let answers = books.batch(&[release("k", None), take("k", &["a"])]);
    assert_eq!(answers, [LedgerAnswer::Never, LedgerAnswer::Never], "also within one batch");
    assert_eq!(books.balance(&stock("A")), (5, 0, 0));
}

#[test]
fn the_whole_is_not_sold_once_a_part_of_it_is_gone() {
    let mut books = stocked_at(0, 5);
    books.batch(&[take("h", &["a", "b"]), release("h", Some("b"))]);
    assert_eq!(books.one(commit("h", None)), LedgerAnswer::AlreadyReleased);
    assert_eq!(books.balance(&stock("A")), (5, 1, 0), "nothing was sold");
    assert_eq!(books.one(commit("h", Some("a"))), LedgerAnswer::Committed);
    assert_eq!(books.one(commit("h", Some("a"))), LedgerAnswer::AlreadyCommitted);
    assert_eq!(books.one(commit("h", None)), LedgerAnswer::AlreadyReleased, "the same again answers the same");
}

#[test]
fn the_whole_is_released_as_far_as_it_is_held_and_again() {
    let mut books = stocked_at(0, 5);
    books.batch(&[take("h", &["a", "b"]), commit("h", Some("a"))]);
    assert_eq!(books.one(release("h", None)), LedgerAnswer::Released);
    assert_eq!(books.one(release("h", None)), LedgerAnswer::AlreadyReleased);
    assert_eq!(books.balance(&stock("A")), (5, 0, 1));
    books.batch(&[take("k", &["a"]), commit("k", None)]);
    assert_eq!(books.one(release("k", None)), LedgerAnswer::AlreadyCommitted, "what is sold is not given back");
    assert_eq!(books.one(release("k", Some("none"))), LedgerAnswer::UnknownHold);
}

#[test]
fn a_hold_is_taken_once_and_refused_as_a_whole() {
    let mut books = stocked_at(0, 2);
    let answers = books.batch(&[take("h", &["a", "b"]), take("h", &["a", "b"]), take("k", &["a"])]);
    assert!(
        matches!(&answers[..], [LedgerAnswer::Held(_), LedgerAnswer::AlreadyHeld(_), LedgerAnswer::Insufficient(_)]),
        "{answers:?}"
    );
    assert!(!books.outside.contains_key(&(TENANT, id("k"))), "a refused hold leaves nothing behind");
    books.one(release("h", None));
    assert!(matches!(books.one(take("h", &["a", "b"])), LedgerAnswer::AlreadyResolved(_)), "and never a second time");
    assert!(matches!(books.one(hold("h", &[demand("a", &stock("A"), 1)])), LedgerAnswer::Held(_)), "keys do not mix");
}
