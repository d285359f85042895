//! The contract of `LedgerStore`.

mod batches;
mod closing;
mod crowd;
mod outside;
mod periods;
mod reads;

pub use batches::{
    a_batch_may_be_empty, a_large_batch_is_one_batch,
    a_poisoned_batch_writes_nothing_and_its_good_requests_can_be_sent_alone,
    the_same_batch_sent_again_answers_what_it_did,
};
pub use closing::{
    a_closing_is_walked_once_by_any_number_of_processes, a_later_closing_has_what_changed_since_the_one_before,
};
pub use crowd::{
    a_crowd_shares_the_last_units, crowd, many_callers_leave_the_ledger_equations_true, one_key_is_held_once_by_a_crowd,
};
pub use outside::{
    a_given_up_hold_is_never_taken, an_outside_hold_keeps_its_terms_until_its_parts_end,
    overdue_parts_are_listed_until_they_are_dealt_with,
};
pub use periods::{
    ended_periods_are_listed_with_the_next_one_until_they_are_looked_at,
    periods_are_kept_and_their_changes_follow_each_other, what_is_left_of_a_period_moves_and_what_is_held_stays,
};
pub use reads::{
    accounts_answer_by_key_and_only_those_that_exist, holds_are_listed_once_each_in_the_order_they_were_taken,
    movements_are_paged_newest_first, stock_lists_every_account_of_each_sku_in_the_order_asked,
    texts_come_back_as_they_were_written, the_newest_hold_of_a_group_answers_for_its_key,
    the_reapers_cursor_never_goes_back,
};

use holdline_domain::id::TenantId;
use holdline_domain::ledger::{
    Demand, Flags, HoldId, LedgerAnswer, LedgerRequest, MovementKind, Part, PartState, Resolution,
};

use super::sample::{
    TENANT, adjust, balance, demand, hold, key, quota, resolve, send, set_flags, ship, stock, unallocate,
};
use super::{Process, ok};

/// One test per rule of this suite.
#[macro_export]
macro_rules! ledger_contract {
    ($with:path) => {
        $crate::contract_suite!(
            ledger,
            $with,
            [
                a_batch_may_be_empty,
                a_closing_is_walked_once_by_any_number_of_processes,
                a_crowd_shares_the_last_units,
                a_given_up_hold_is_never_taken,
                a_hold_is_kept_as_it_was_taken,
                a_large_batch_is_one_batch,
                a_later_closing_has_what_changed_since_the_one_before,
                a_poisoned_batch_writes_nothing_and_its_good_requests_can_be_sent_alone,
                a_refused_request_harms_no_other_of_its_batch,
                accounts_answer_by_key_and_only_those_that_exist,
                an_outside_hold_keeps_its_terms_until_its_parts_end,
                ended_periods_are_listed_with_the_next_one_until_they_are_looked_at,
                flags_are_kept_and_decide,
                holds_are_listed_once_each_in_the_order_they_were_taken,
                many_callers_leave_the_ledger_equations_true,
                movements_are_paged_newest_first,
                one_key_is_held_once_by_a_crowd,
                overdue_parts_are_listed_until_they_are_dealt_with,
                parts_end_one_by_one_and_stay_ended,
                periods_are_kept_and_their_changes_follow_each_other,
                requests_of_one_batch_are_judged_on_what_earlier_ones_left,
                stock_lists_every_account_of_each_sku_in_the_order_asked,
                tenants_share_nothing,
                texts_come_back_as_they_were_written,
                the_newest_hold_of_a_group_answers_for_its_key,
                the_reapers_cursor_never_goes_back,
                the_same_batch_sent_again_answers_what_it_did,
                what_is_left_of_a_period_moves_and_what_is_held_stays,
            ]
        );
    };
}

/// Numbers, parts, lines, fingerprint and order numbers come back, on every process.
pub async fn a_hold_is_kept_as_it_was_taken(first: Process, second: Process) {
    let demands = [
        demand("s1", &stock("A"), 2),
        Demand { part: Part::Group, ..demand("s1", &stock("B"), 1) },
        Demand { limit: Some(5), ..demand("s2", &quota("A", "ann"), 2) },
        demand("s2", &stock("A"), 3),
    ];
    let answers =
        send(&first.ledger, &[adjust(&stock("A"), 10, "in"), adjust(&stock("B"), 1, "in"), hold("k", &demands)]).await;
    let [_, _, LedgerAnswer::Held(taken)] = &answers[..] else { panic!("it can be held: {answers:?}") };
    assert_eq!(taken.parts.len(), 3);
    assert_eq!(taken.lines.len(), 4);
    for process in [&first, &second] {
        let id = HoldId::first(key("k"));
        assert_eq!(ok(process.ledger.hold(TENANT, &id).await).as_ref(), Some(taken));
        let keys = [(TENANT, key("none")), (TENANT, key("k")), (TenantId(2), key("k")), (TENANT, key("k"))];
        let found = ok(process.ledger.holds(&keys).await);
        assert_eq!(found, [None, Some(taken.clone()), None, Some(taken.clone())], "in the order of the keys");
    }
    assert_eq!(ok(first.ledger.hold(TENANT, &HoldId { key: key("k"), n: 2 }).await), None);
    assert_eq!(balance(&second.ledger, &stock("A")).await, (10, 5, 0));
    assert_eq!(balance(&second.ledger, &quota("A", "ann")).await, (0, 2, 0));
}

/// Commit one part, release another: each ends once, the record says how.
pub async fn parts_end_one_by_one_and_stay_ended(first: Process, second: Process) {
    let parts = [demand("s1", &stock("A"), 2), demand("s2", &stock("A"), 3)];
    send(&first.ledger, &[adjust(&stock("A"), 9, "in"), hold("k", &parts)]).await;
    let one = async |process: &Process, request| send(&process.ledger, &[request]).await.remove(0);
    assert_eq!(one(&first, resolve("k", Some("s1"), Resolution::Commit)).await, LedgerAnswer::Committed);
    assert_eq!(balance(&second.ledger, &stock("A")).await, (9, 3, 2));
    assert_eq!(one(&second, resolve("k", Some("s1"), Resolution::Release)).await, LedgerAnswer::AlreadyCommitted);
    assert_eq!(one(&second, resolve("k", None, Resolution::Release)).await, LedgerAnswer::Released);
    assert_eq!(one(&first, resolve("k", Some("s2"), Resolution::Commit)).await, LedgerAnswer::AlreadyReleased);
    assert_eq!(one(&first, resolve("none", None, Resolution::Commit)).await, LedgerAnswer::UnknownHold);
    assert_eq!(balance(&first.ledger, &stock("A")).await, (9, 0, 2));
    let kept = ok(second.ledger.hold(TENANT, &HoldId::first(key("k"))).await).expect("it was taken");
    let states: Vec<_> = kept.parts.into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, [PartState::Committed, PartState::Released]);
}

/// The last unit goes to the first of two holds; what is given back is sold again in the same batch.
pub async fn requests_of_one_batch_are_judged_on_what_earlier_ones_left(first: Process, _: Process) {
    use LedgerAnswer as A;
    let one = [demand("s1", &stock("A"), 1)];
    let answers = send(
        &first.ledger,
        &[
            adjust(&stock("A"), 1, "in"),
            hold("k1", &one),
            hold("k2", &one),
            hold("k1", &one),
            resolve("k1", None, Resolution::Release),
            hold("k3", &one),
            resolve("k3", None, Resolution::Commit),
            ship(&stock("A"), 1, "parcel"),
            adjust(&stock("A"), 1, "in"),
            adjust(&stock("A"), 2, "in"),
        ],
    )
    .await;
    assert!(
        matches!(
            &answers[..],
            [
                A::Adjusted(_),
                A::Held(_),
                A::Insufficient(_),
                A::AlreadyHeld(_),
                A::Released,
                A::Held(_),
                A::Committed,
                A::Shipped,
                A::AlreadyAdjusted(_),
                A::ReferenceMismatch { kind: MovementKind::Adjust, quantity: 1 }
            ]
        ),
        "{answers:?}"
    );
    assert_eq!(balance(&first.ledger, &stock("A")).await, (0, 0, 0));
}

/// Every kind of refusal beside good requests: the good ones are done.
pub async fn a_refused_request_harms_no_other_of_its_batch(first: Process, second: Process) {
    use LedgerAnswer as A;
    send(&first.ledger, &[adjust(&stock("A"), 10, "in"), hold("known", &[demand("s1", &stock("A"), 1)])]).await;
    let LedgerRequest::Hold { tenant, id, order_nos, demands, .. } = hold("known", &[demand("s1", &stock("A"), 1)])
    else {
        unreachable!("hold makes a Hold")
    };
    let other_content =
        LedgerRequest::Hold { tenant, id, order_nos, demands, content: holdline_domain::id::Fingerprint([1; 32]) };
    let answers = send(
        &second.ledger,
        &[
            hold("good1", &[demand("s1", &stock("A"), 2)]),
            other_content,
            hold("short", &[demand("s1", &stock("A"), 2), demand("s1", &stock("NONE"), 1)]),
            adjust(&stock("A"), i64::MAX, "too much"),
            adjust(&stock("A"), -9, "breaks"),
            resolve("none", None, Resolution::Commit),
            ship(&stock("A"), 1, "nothing sold"),
            unallocate(&stock("NONE"), 1, "nothing sold"),
            hold("good2", &[demand("s1", &stock("A"), 3)]),
        ],
    )
    .await;
    assert!(
        matches!(
            &answers[..],
            [
                A::Held(_),
                A::ContentMismatch,
                A::Insufficient(_),
                A::OutOfRange,
                A::BreaksHolds(_),
                A::UnknownHold,
                A::NotAllocated { .. },
                A::NotAllocated { .. },
                A::Held(_)
            ]
        ),
        "{answers:?}"
    );
    assert_eq!(balance(&first.ledger, &stock("A")).await, (10, 6, 0));
    assert_eq!(super::sample::account(&first.ledger, &stock("NONE")).await, None);
}

/// Infinite, `shortage_max`, sold out and the danger alert are kept with the account and work on every process.
pub async fn flags_are_kept_and_decide(first: Process, second: Process) {
    let all = Flags { infinite: true, shortage_max: 7, sold_out: true, danger_level: Some(-2) };
    send(&first.ledger, &[set_flags(&stock("A"), all), adjust(&stock("B"), 4, "in")]).await;
    let kept = super::sample::account(&second.ledger, &stock("A")).await.expect("flags make the account");
    assert_eq!(kept.flags, all);
    let sold_out = send(&second.ledger, &[hold("k1", &[demand("s1", &stock("A"), 1)])]).await;
    assert!(matches!(sold_out[..], [LedgerAnswer::Insufficient(_)]));
    let infinite = Flags { infinite: true, ..Flags::default() };
    let danger = Flags { danger_level: Some(2), ..Flags::default() };
    send(&first.ledger, &[set_flags(&stock("A"), infinite), set_flags(&stock("B"), danger)]).await;
    let answers = send(
        &second.ledger,
        &[hold("k2", &[demand("s1", &stock("A"), 50)]), hold("k3", &[demand("s1", &stock("B"), 3)])],
    )
    .await;
    assert!(matches!(answers[..], [LedgerAnswer::Held(_), LedgerAnswer::Held(_)]));
    assert_eq!(balance(&first.ledger, &stock("A")).await, (0, 50, 0));
    let account_no = super::sample::account(&first.ledger, &stock("B")).await.expect("it exists").account_no;
    let page = ok(first.ledger.movements(account_no, i64::MAX, 10).await);
    assert_eq!((page.movements[0].0.kind, page.movements[0].0.quantity), (MovementKind::Danger, 1));
}

/// The same keys, SKUs and references of another tenant are others.
pub async fn tenants_share_nothing(first: Process, second: Process) {
    let other = TenantId(2);
    send(&first.ledger, &[adjust(&stock("A"), 1, "in"), hold("k", &[demand("s1", &stock("A"), 1)])]).await;
    let LedgerRequest::Hold { id, content, order_nos, demands, .. } = hold("k", &[demand("s1", &stock("A"), 1)]) else {
        unreachable!("hold makes a Hold")
    };
    let theirs = LedgerRequest::Hold { tenant: other, id, content, order_nos, demands };
    let LedgerRequest::Adjust { account, delta, reference, force, .. } = adjust(&stock("A"), 1, "in") else {
        unreachable!("adjust makes an Adjust")
    };
    let stock_in = LedgerRequest::Adjust { tenant: other, account, delta, reference, force };
    let answers = send(&second.ledger, &[theirs.clone(), stock_in, theirs]).await;
    assert!(
        matches!(answers[..], [LedgerAnswer::Insufficient(_), LedgerAnswer::Adjusted(_), LedgerAnswer::Held(_)]),
        "{answers:?}"
    );
    assert_eq!(balance(&first.ledger, &stock("A")).await, (1, 1, 0));
    assert_eq!(ok(first.ledger.stock(other, &[super::sample::sku("A")]).await)[0].len(), 1);
}
