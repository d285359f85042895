//! Requests of one batch: each is judged on what the earlier ones left, and no request harms another.

use super::super::*;
use super::books::{Books, adjust, commit, demand, flags, hold, quota, release, ship, stock, unallocate};
use super::{TENANT, reference, stocked};
use crate::id::TenantId;

#[test]
fn requests_of_one_batch_share_the_last_unit_in_arrival_order() {
    let mut books = stocked(&[("A", 1)]);
    let answers =
        books.batch(&[hold("first", &[demand("s", &stock("A"), 1)]), hold("second", &[demand("s", &stock("A"), 1)])]);
    assert!(matches!(answers[0], LedgerAnswer::Held(_)));
    assert!(matches!(answers[1], LedgerAnswer::Insufficient(_)));
    assert_eq!(books.balance(&stock("A")), (1, 1, 0));
}

#[test]
fn a_unit_given_back_is_sold_again_in_the_same_batch() {
    let mut books = stocked(&[("A", 1)]);
    let answers = books.batch(&[
        hold("k1", &[demand("s", &stock("A"), 1)]),
        release("k1", None),
        hold("k2", &[demand("s", &stock("A"), 1)]),
        commit("k2", None),
        ship(&stock("A"), 1, "parcel"),
        adjust(&stock("A"), 2, "more"),
        hold("k3", &[demand("s", &stock("A"), 2)]),
    ]);
    assert!(matches!(
        answers[..],
        [
            LedgerAnswer::Held(_),
            LedgerAnswer::Released,
            LedgerAnswer::Held(_),
            LedgerAnswer::Committed,
            LedgerAnswer::Shipped,
            LedgerAnswer::Adjusted(_),
            LedgerAnswer::Held(_)
        ]
    ));
    assert_eq!(books.balance(&stock("A")), (2, 2, 0));
}

#[test]
fn twins_in_one_batch_take_one_hold() {
    let mut books = stocked(&[("A", 5)]);
    let request = hold("k", &[demand("s", &stock("A"), 1)]);
    let mut answers = books.batch(&[request.clone(), request]).into_iter();
    let (Some(LedgerAnswer::Held(first)), Some(LedgerAnswer::AlreadyHeld(second))) = (answers.next(), answers.next())
    else {
        panic!("the twin finds the hold")
    };
    assert_eq!(first, second);
    assert_eq!(books.balance(&stock("A")), (5, 1, 0));
}

#[test]
fn a_reference_counts_for_the_rest_of_its_batch() {
    let mut books = stocked(&[]);
    let answers = books.batch(&[adjust(&stock("A"), 3, "r"), adjust(&stock("A"), 3, "r"), adjust(&stock("A"), 4, "r")]);
    assert!(matches!(
        answers[..],
        [LedgerAnswer::Adjusted(_), LedgerAnswer::AlreadyAdjusted(_), LedgerAnswer::ReferenceMismatch { .. }]
    ));
    assert_eq!(books.balance(&stock("A")), (3, 0, 0));
}

#[test]
fn an_account_made_by_a_batch_is_written_once_with_its_final_balance() {
    let requests = [
        adjust(&stock("NEW"), 5, "r"),
        flags(&stock("NEW"), Flags { shortage_max: 1, ..Flags::default() }),
        hold("k", &[demand("s", &stock("NEW"), 6)]),
    ];
    let decided = decide(&requests, Guard { next_seq: 1, next_account_no: 7, ..Guard::default() });
    assert_eq!(decided.accounts.len(), 1);
    let made = &decided.accounts[0];
    assert_eq!((made.account_no, made.on_hand, made.held, made.version), (7, 5, 6, 3));
    assert!(decided.account_deltas.is_empty() && decided.flags.is_empty());
    assert_eq!((decided.next_account_no, decided.next_seq), (8, 4));
}

#[test]
fn a_batch_of_refusals_writes_nothing() {
    let books = stocked(&[("A", 1)]);
    let mut after = books.clone();
    after.batch(&[
        hold("k", &[demand("s", &stock("A"), 2)]),
        hold("k", &[demand("s", &stock("A"), 1), demand("s", &stock("B"), 1)]),
        release("k", None),
        commit("k", Some("s")),
        adjust(&stock("A"), -2, "less"),
        ship(&stock("A"), 1, "parcel"),
        unallocate(&stock("C"), 1, "refund"),
        hold("k", &[Demand { limit: Some(0), ..demand("s", &quota("A", "ann"), 1) }]),
    ]);
    assert_eq!(after, books);
}

#[test]
fn a_batch_sent_again_after_an_unknown_outcome_changes_nothing_more() {
    let mut books = stocked(&[("A", 9)]);
    let batch = [
        hold("k1", &[demand("s", &stock("A"), 2)]),
        hold("k2", &[demand("s", &stock("A"), 3)]),
        commit("k1", None),
        release("k2", None),
        ship(&stock("A"), 1, "parcel"),
        unallocate(&stock("A"), 1, "refund"),
        adjust(&stock("A"), 4, "more"),
        flags(&stock("A"), Flags { shortage_max: 1, ..Flags::default() }),
    ];
    books.batch(&batch);
    let before = books.clone();
    let again = books.batch(&batch);
    assert!(matches!(
        again[..],
        [
            LedgerAnswer::AlreadyResolved(_),
            LedgerAnswer::AlreadyResolved(_),
            LedgerAnswer::AlreadyCommitted,
            LedgerAnswer::AlreadyReleased,
            LedgerAnswer::AlreadyShipped,
            LedgerAnswer::AlreadyUnallocated,
            LedgerAnswer::AlreadyAdjusted(_),
            LedgerAnswer::FlagsSet(_)
        ]
    ));
    assert_eq!(books, before);
}

#[test]
fn tenants_share_no_account_no_hold_and_no_reference() {
    let mut books = stocked(&[("A", 1)]);
    let other = TenantId(2);
    let LedgerRequest::Hold { id, content, order_nos, demands, .. } = hold("k", &[demand("s", &stock("A"), 1)]) else {
        unreachable!()
    };
    books.one(hold("k", &[demand("s", &stock("A"), 1)]));
    let theirs = LedgerRequest::Hold { tenant: other, id, content, order_nos, demands };
    assert!(matches!(books.one(theirs.clone()), LedgerAnswer::Insufficient(_)));
    let stock_in = LedgerRequest::Adjust {
        tenant: other,
        account: stock("A"),
        delta: 1,
        reference: reference("stock-in"),
        force: false,
    };
    assert!(matches!(books.one(stock_in), LedgerAnswer::Adjusted(_)));
    assert!(matches!(books.one(theirs), LedgerAnswer::Held(_)));
    assert_eq!(books.balance(&stock("A")), (1, 1, 0));
}

#[test]
fn guard_keys_name_every_row_that_a_batch_is_judged_on() {
    let batch = [
        hold("k1", &[demand("s", &stock("A"), 1), demand("s", &quota("A", "ann"), 1)]),
        release("k2", None),
        ship(&stock("B"), 1, "parcel"),
        unallocate(&stock("C"), 1, "refund"),
        adjust(&stock("D"), 1, "more"),
        flags(&stock("E"), Flags::default()),
    ];
    let keys = GuardKeys::of(&batch);
    assert_eq!(keys.holds.len(), 2);
    let accounts = [stock("A"), quota("A", "ann"), stock("B"), stock("C"), stock("D"), stock("E")];
    assert_eq!(keys.accounts, accounts.into_iter().map(|account| (TENANT, account)).collect());
    let references = [(stock("B"), "parcel"), (stock("C"), "refund"), (stock("D"), "more")];
    assert_eq!(keys.references, references.into_iter().map(|(a, r)| (TENANT, a, reference(r))).collect());
}

#[test]
fn an_empty_batch_is_answered_with_nothing() {
    let mut books = Books::new();
    assert_eq!(books.batch(&[]), []);
    assert_eq!(books, Books::new());
}
