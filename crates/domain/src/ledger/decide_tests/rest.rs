//! The rest of an ended period: what is available moves, and nothing else.

use super::super::*;
use super::books::{Books, adjust, commit, demand, flags, hold, release};
use super::{TENANT, stocked};
use crate::id::{PeriodName, SkuCode};
use crate::time::UnixMillis;

fn period(name: &str) -> AccountKey {
    let period = Period {
        sku: SkuCode::from_stored("A"),
        channel: "app".into(),
        name: PeriodName::from_stored(name),
        start: UnixMillis(0),
        end: UnixMillis(1),
        rest: Rest::Next,
    };
    AccountKey::Stock(period.account())
}

fn move_rest(from: &str, to: &str) -> LedgerRequest {
    LedgerRequest::MoveRest { tenant: TENANT, from: period(from), to: period(to) }
}

const fn moved(units: i64) -> LedgerAnswer {
    LedgerAnswer::RestMoved { units }
}

#[test]
fn what_is_held_or_sold_stays_until_it_comes_back_and_is_moved_then() {
    let mut books = Books::new();
    books.one(adjust(&period("ten"), 10, "stock-in"));
    books.one(hold("sold", &[demand("s", &period("ten"), 2)]));
    books.one(commit("sold", None));
    books.one(hold("late", &[demand("s", &period("ten"), 3)]));
    assert_eq!(books.one(move_rest("ten", "noon")), moved(5));
    assert_eq!((books.balance(&period("ten")), books.balance(&period("noon"))), ((5, 3, 2), (5, 0, 0)));
    assert_eq!(books.one(move_rest("ten", "noon")), moved(0), "said again, it changes nothing");
    books.one(release("late", None));
    assert_eq!(books.balance(&period("ten")), (5, 0, 2), "it comes back to the period that it was held in");
    assert_eq!(books.one(move_rest("ten", "noon")), moved(3));
    assert_eq!((books.balance(&period("ten")), books.balance(&period("noon"))), ((2, 0, 2), (8, 0, 0)));
}

#[test]
fn both_movements_follow_each_other_and_the_alert_follows_both() {
    let mut books = Books::new();
    books.one(adjust(&period("ten"), 4, "stock-in"));
    books.one(flags(&period("ten"), Flags { danger_level: Some(1), ..Flags::default() }));
    let before = books.movements.len();
    books.one(move_rest("ten", "noon"));
    let told: Vec<_> = books.movements[before..].iter().map(|m| (m.account_no, m.kind, m.quantity)).collect();
    assert_eq!(told, [(1, MovementKind::Transfer, -4), (2, MovementKind::Transfer, 4), (1, MovementKind::Danger, 0)]);
}

#[test]
fn nothing_available_makes_no_account_and_no_movement() {
    let mut books = stocked(&[("A", 1)]);
    assert_eq!(books.one(move_rest("none", "noon")), moved(0));
    books.one(adjust(&period("ten"), 2, "stock-in"));
    books.one(flags(&period("ten"), Flags { infinite: true, ..Flags::default() }));
    books.one(hold("k", &[demand("s", &period("ten"), 5)]));
    let before = books.clone();
    assert_eq!(books.one(move_rest("ten", "noon")), moved(0), "three below nothing");
    assert_eq!(books.one(move_rest("ten", "ten")), moved(0));
    assert_eq!(books, before);
}

#[test]
fn a_balance_that_would_leave_its_range_moves_nothing() {
    let mut books = Books::new();
    books.one(adjust(&period("noon"), i64::MAX / 4, "stock-in"));
    books.one(adjust(&period("ten"), 1, "stock-in"));
    assert_eq!(books.one(move_rest("ten", "noon")), LedgerAnswer::OutOfRange);
    assert_eq!(books.balance(&period("ten")), (1, 0, 0));
}
