//! Flags, alerts, adjustments, shipments and references of stock accounts.

use super::super::*;
use super::books::{Books, adjust, commit, demand, flags, hold, release, ship, stock, unallocate};
use super::{TENANT, quantity, reference, shortages, stocked};

fn with(change: impl FnOnce(&mut Flags)) -> Flags {
    let mut flags = Flags::default();
    change(&mut flags);
    flags
}

fn forced(key: &AccountKey, delta: i64, name: &str) -> LedgerRequest {
    LedgerRequest::Adjust { tenant: TENANT, account: key.clone(), delta, reference: reference(name), force: true }
}

/// Books with `sold` units of A sold and not shipped, of `on_hand`.
fn sold(on_hand: i64, sold: i64) -> Books {
    let mut books = stocked(&[("A", on_hand)]);
    books.one(hold("sold", &[demand("s", &stock("A"), sold)]));
    books.one(commit("sold", None));
    books
}

#[test]
fn infinite_stock_always_sells() {
    let mut books = stocked(&[]);
    books.one(flags(&stock("A"), with(|f| f.infinite = true)));
    assert!(matches!(books.one(hold("k", &[demand("s", &stock("A"), 1_000)])), LedgerAnswer::Held(_)));
    assert_eq!(books.account(&stock("A")).unwrap().available(), -1_000);
}

#[test]
fn shortage_max_sells_exactly_that_many_beyond_available() {
    let mut books = stocked(&[("A", 2)]);
    books.one(flags(&stock("A"), with(|f| f.shortage_max = 3)));
    assert_eq!(
        shortages(books.one(hold("k", &[demand("s", &stock("A"), 6)]))),
        [("A".to_owned(), ShortageCause::Stock, 6, 5)]
    );
    assert!(matches!(books.one(hold("k", &[demand("s", &stock("A"), 5)])), LedgerAnswer::Held(_)));
    assert_eq!(
        shortages(books.one(hold("k2", &[demand("s", &stock("A"), 1)]))),
        [("A".to_owned(), ShortageCause::Stock, 1, 0)]
    );
}

#[test]
fn sold_out_refuses_whatever_the_balance_and_the_other_flags_say() {
    let mut books = stocked(&[("A", 50)]);
    let all = Flags { infinite: true, shortage_max: 100, sold_out: true, danger_level: None };
    books.one(flags(&stock("A"), all));
    let answer = books.one(hold("k", &[demand("s", &stock("A"), 1)]));
    assert_eq!(shortages(answer), [("A".to_owned(), ShortageCause::SoldOut, 1, 0)]);
}

#[test]
fn flags_are_kept_until_replaced_and_setting_them_again_changes_nothing() {
    let mut books = stocked(&[("A", 5)]);
    let wanted = with(|f| f.shortage_max = 7);
    let LedgerAnswer::FlagsSet(first) = books.one(flags(&stock("A"), wanted)) else { panic!("flags can be set") };
    assert_eq!((first.flags, first.version), (wanted, 2));
    let moved = books.movements.len();
    let LedgerAnswer::FlagsSet(again) = books.one(flags(&stock("A"), wanted)) else { panic!("flags can be set") };
    assert_eq!(again, first);
    assert_eq!(books.movements.len(), moved, "no movement for no change");
}

#[test]
fn alerts_once_each_time_available_falls_to_the_danger_level() {
    use MovementKind::{Adjust, Danger, Flags as FlagsMoved, Hold, Release};
    let mut books = stocked(&[("A", 10)]);
    books.one(flags(&stock("A"), with(|f| f.danger_level = Some(5))));
    books.one(hold("k1", &[demand("s1", &stock("A"), 3), demand("s2", &stock("A"), 2)]));
    books.one(hold("k2", &[demand("s", &stock("A"), 1)]));
    books.one(release("k1", None));
    books.one(hold("k3", &[demand("s", &stock("A"), 4)]));
    books.one(adjust(&stock("A"), 10, "more"));
    books.one(adjust(&stock("A"), -10, "less"));
    assert_eq!(
        books.moves(&stock("A")),
        [
            (Adjust, 10),
            (FlagsMoved, 0),
            (Hold, 3),
            (Hold, 2),
            (Danger, 5),
            (Hold, 1),
            (Release, 3),
            (Release, 2),
            (Hold, 4),
            (Danger, 5),
            (Adjust, 10),
            (Adjust, -10),
            (Danger, 5),
        ]
    );
}

#[test]
fn alerts_when_the_danger_level_is_raised_over_what_is_available() {
    let mut books = stocked(&[("A", 10)]);
    books.one(flags(&stock("A"), with(|f| f.danger_level = Some(10))));
    assert_eq!(books.moves(&stock("A")).last(), Some(&(MovementKind::Danger, 10)));
    let endless = Flags { infinite: true, danger_level: Some(50), ..Flags::default() };
    books.one(flags(&stock("A"), endless));
    assert_eq!(books.moves(&stock("A")).last(), Some(&(MovementKind::Flags, 0)), "endless stock is never in danger");
}

#[test]
fn alerts_follow_the_unbroken_run_of_a_holds_own_movements() {
    let mut books = stocked(&[("A", 2), ("B", 2)]);
    books.one(flags(&stock("A"), with(|f| f.danger_level = Some(1))));
    let LedgerAnswer::Held(held) = books.one(hold("k", &[demand("s", &stock("A"), 1), demand("s", &stock("B"), 1)]))
    else {
        panic!("both are there")
    };
    let run: Vec<_> = books.movements.iter().filter(|m| m.seq >= held.hold_no).collect();
    assert_eq!(
        run.iter().map(|m| m.kind).collect::<Vec<_>>(),
        [MovementKind::Hold, MovementKind::Hold, MovementKind::Danger]
    );
    for (movement, line) in run.iter().zip(&held.lines) {
        assert_eq!((movement.account_no, movement.quantity), (line.account_no, line.quantity));
        assert_eq!((movement.hold_no, movement.part.as_ref()), (Some(held.hold_no), Some(&line.part)));
    }
}

#[test]
fn refuses_an_adjustment_below_what_is_held_and_sold() {
    let mut books = sold(10, 4);
    books.one(hold("k", &[demand("s", &stock("A"), 3)]));
    let LedgerAnswer::BreaksHolds(account) = books.one(adjust(&stock("A"), -4, "count")) else {
        panic!("6 on hand cannot carry 7")
    };
    assert_eq!((account.on_hand, account.held, account.allocated), (10, 3, 4));
    assert!(matches!(books.one(adjust(&stock("A"), -3, "count")), LedgerAnswer::Adjusted(_)), "7 can carry 7");
}

#[test]
fn a_forced_adjustment_below_leaves_a_shortfall_of_what_is_missing() {
    let mut books = sold(10, 4);
    assert!(matches!(books.one(forced(&stock("A"), -9, "fire")), LedgerAnswer::Adjusted(_)));
    assert_eq!(books.balance(&stock("A")), (1, 0, 4));
    let moves = books.moves(&stock("A"));
    assert_eq!(moves[moves.len() - 2..], [(MovementKind::Adjust, -9), (MovementKind::Shortfall, 3)]);
    // Forcing what breaks nothing leaves no shortfall, and stock-in below the need is no break.
    books.one(adjust(&stock("A"), 1, "found"));
    assert_eq!(books.moves(&stock("A")).last(), Some(&(MovementKind::Adjust, 1)));
}

#[test]
fn an_adjustment_makes_the_account_it_names() {
    let mut books = Books::new();
    let LedgerAnswer::Adjusted(account) = books.one(adjust(&stock("NEW"), 4, "r")) else { panic!("it is made") };
    assert_eq!((account.on_hand, account.version), (4, 1));
    assert_eq!(books.account(&stock("NEW")), Some(&account));
    assert!(matches!(books.one(adjust(&stock("NONE"), -1, "r")), LedgerAnswer::BreaksHolds(_)));
    assert_eq!(books.account(&stock("NONE")), None, "a refused adjustment makes nothing");
}

#[test]
fn ships_and_gives_back_only_what_is_sold() {
    let mut books = sold(10, 3);
    assert_eq!(books.one(ship(&stock("A"), 4, "parcel")), LedgerAnswer::NotAllocated { requested: 4, allocated: 3 });
    assert_eq!(books.one(ship(&stock("A"), 2, "parcel")), LedgerAnswer::Shipped);
    assert_eq!(books.balance(&stock("A")), (8, 0, 1));
    assert_eq!(books.one(unallocate(&stock("A"), 1, "refund")), LedgerAnswer::Unallocated);
    assert_eq!(books.balance(&stock("A")), (8, 0, 0));
    assert_eq!(
        books.one(unallocate(&stock("B"), 1, "refund")),
        LedgerAnswer::NotAllocated { requested: 1, allocated: 0 }
    );
    assert_eq!(books.account(&stock("B")), None, "a refused change makes no account");
}

#[test]
fn the_same_reference_answers_already_and_changes_nothing() {
    let mut books = sold(10, 5);
    for request in [adjust(&stock("A"), 7, "in"), ship(&stock("A"), 2, "parcel"), unallocate(&stock("A"), 1, "refund")]
    {
        books.one(request.clone());
        let before = books.clone();
        let answer = books.one(request);
        assert!(
            matches!(
                answer,
                LedgerAnswer::AlreadyAdjusted(_) | LedgerAnswer::AlreadyShipped | LedgerAnswer::AlreadyUnallocated
            ),
            "{answer:?}"
        );
        assert_eq!(books, before);
    }
}

#[test]
fn the_reference_is_looked_up_before_the_balance() {
    let mut books = sold(3, 3);
    books.one(ship(&stock("A"), 3, "parcel"));
    assert_eq!(books.one(ship(&stock("A"), 3, "parcel")), LedgerAnswer::AlreadyShipped, "nothing is allocated now");
}

#[test]
fn a_reference_with_another_kind_or_quantity_is_a_mismatch() {
    let mut books = sold(10, 5);
    books.one(adjust(&stock("A"), 7, "r"));
    let mismatch = LedgerAnswer::ReferenceMismatch { kind: MovementKind::Adjust, quantity: 7 };
    assert_eq!(books.one(adjust(&stock("A"), 8, "r")), mismatch);
    assert_eq!(books.one(ship(&stock("A"), 1, "r")), mismatch);
    assert_eq!(books.one(unallocate(&stock("A"), 1, "r")), mismatch);
    assert!(matches!(books.one(adjust(&stock("B"), 8, "r")), LedgerAnswer::Adjusted(_)), "unique per account only");
}

#[test]
fn no_balance_leaves_its_range() {
    const MAX: i64 = i64::MAX / 4;
    let mut books = stocked(&[("A", MAX)]);
    for delta in [1, i64::MAX, i64::MIN, -2 * MAX - 1] {
        assert_eq!(books.one(forced(&stock("A"), delta, "odd")), LedgerAnswer::OutOfRange, "{delta}");
    }
    books.one(flags(&stock("B"), with(|f| f.infinite = true)));
    let account_no = books.account(&stock("B")).unwrap().account_no;
    for (held, allocated) in [(MAX, 0), (0, MAX), (MAX / 2 + 1, MAX / 2)] {
        let account = books.accounts.get_mut(&account_no).unwrap();
        (account.held, account.allocated) = (held, allocated);
        assert_eq!(books.one(hold("k", &[demand("s", &stock("B"), 1)])), LedgerAnswer::OutOfRange);
    }
    let account = books.accounts.get_mut(&account_no).unwrap();
    (account.on_hand, account.held, account.allocated) = (-MAX, 0, 1);
    assert_eq!(books.one(ship(&stock("B"), 1, "parcel")), LedgerAnswer::OutOfRange);
}

#[test]
fn one_batch_may_move_a_balance_across_its_whole_range() {
    const MAX: i64 = i64::MAX / 4;
    let mut books = stocked(&[("A", MAX)]);
    books.batch(&[forced(&stock("A"), -MAX, "r1"), forced(&stock("A"), -MAX, "r2")]);
    assert_eq!(books.balance(&stock("A")), (-MAX, 0, 0));
}

#[test]
fn a_shortage_names_the_version_it_was_judged_at() {
    let mut books = stocked(&[("A", 1)]);
    books.one(adjust(&stock("A"), 1, "more"));
    let LedgerAnswer::Insufficient(short) = books.one(hold("k", &[demand("s", &stock("A"), 9)])) else {
        panic!("2 of 9")
    };
    assert_eq!(short[0].account_version, 2);
    assert_eq!(books.account(&stock("A")).unwrap().version, 2);
    assert_eq!(quantity(9).units(), short[0].requested);
}
