//! The contract of `OrderStore`.

mod crowd;
mod feed;
mod pages;
mod promises;

pub use crowd::{
    blocks_of_numbers_never_overlap, crowd, many_callers_leave_a_feed_without_gaps, one_key_is_placed_once_by_a_crowd,
};
pub use feed::{
    a_consumers_position_never_goes_back, due_timers_come_oldest_first_until_removed, the_clock_never_goes_back,
    the_feed_is_paged_without_gaps, the_first_offset_of_order_numbers_stays, windows_open_and_close_by_the_shard_clock,
};
pub use pages::{
    a_buyers_orders_are_paged_newest_first, a_sellers_index_takes_repeats, recent_orders_are_paged_newest_first,
};
pub use promises::{
    a_number_is_promised_once, a_promise_ends_with_its_orders, a_promise_is_made_once,
    a_promise_sent_again_changes_nothing, a_promise_that_was_not_kept_is_found_by_its_number,
    promises_are_kept_word_for_word_until_they_end,
};

use std::sync::Arc;

use holdline_domain::fault::Outcome;
use holdline_domain::id::{TenantId, Version};
use holdline_domain::order::change::{Change, ChangeAnswer, OrderWrite};
use holdline_domain::order::{Actor, EventKind, GroupState, Order, OrderGroup, OrderStatus, Snapshot};
use holdline_domain::port::OrderStore;
use holdline_domain::refusal::{Difference, Refusal};
use holdline_domain::time::UnixMillis;

use super::sample::{TENANT, buyer, cancel, group, groups, key, number, order, place, placing, sku};
use super::{Process, ok};

/// One test per rule of this suite.
#[macro_export]
macro_rules! order_contract {
    ($with:path) => {
        $crate::contract_suite!(
            order,
            $with,
            [
                a_batch_of_nothing_answers_nothing,
                a_buyers_orders_are_paged_newest_first,
                a_change_is_kept_as_it_was_decided,
                a_changed_order_keeps_what_never_changes,
                a_consumers_position_never_goes_back,
                a_group_that_never_became_orders_is_kept_as_such,
                a_large_batch_is_one_batch,
                a_number_is_promised_once,
                a_poisoned_batch_writes_nothing_and_its_good_changes_can_be_sent_alone,
                a_promise_ends_with_its_orders,
                a_promise_is_made_once,
                a_promise_sent_again_changes_nothing,
                a_promise_that_was_not_kept_is_found_by_its_number,
                a_refused_change_harms_no_other_of_its_batch,
                a_sellers_index_takes_repeats,
                blocks_of_numbers_never_overlap,
                changes_of_one_batch_are_judged_on_what_earlier_ones_left,
                due_timers_come_oldest_first_until_removed,
                many_callers_leave_a_feed_without_gaps,
                one_key_is_placed_once_by_a_crowd,
                promises_are_kept_word_for_word_until_they_end,
                recent_orders_are_paged_newest_first,
                tenants_share_nothing,
                the_clock_never_goes_back,
                the_feed_is_paged_without_gaps,
                the_first_offset_of_order_numbers_stays,
                the_same_batch_sent_again_answers_what_it_did,
                windows_open_and_close_by_the_shard_clock,
            ]
        );
    };
}

/// Sends one batch.
async fn send(orders: &Arc<dyn OrderStore>, batch: &[Change]) -> Vec<ChangeAnswer> {
    let answers = ok(orders.apply(batch.into()).await);
    assert_eq!(answers.len(), batch.len(), "one answer per change");
    answers
}

/// The instant of a change that was applied.
#[track_caller]
fn applied(answer: &ChangeAnswer) -> UnixMillis {
    match answer {
        ChangeAnswer::Applied { now } => *now,
        other => panic!("not applied: {other:?}"),
    }
}

async fn read(orders: &Arc<dyn OrderStore>, n: u32) -> Option<Order> {
    ok(orders.orders(TENANT, &[number(n)]).await).pop().flatten()
}

/// Nothing in, nothing out.
pub async fn a_batch_of_nothing_answers_nothing(first: Process, _: Process) {
    assert_eq!(send(&first.orders, &[]).await, []);
}

/// The group row and every field of its orders, stamped with the shard clock, on every process.
pub async fn a_change_is_kept_as_it_was_decided(first: Process, second: Process) {
    let bare = Order {
        lines: vec![holdline_domain::order::OrderLine {
            snapshot: Snapshot::Caller(None),
            ..order(&number(2), "k", "s2", "ann").lines.remove(0)
        }],
        adjustments: vec![],
        address: None,
        note: None,
        channel: String::new(),
        status: OrderStatus::Confirmed,
        ..order(&number(2), "k", "s2", "ann")
    };
    let full = order(&number(1), "k", "s1", "ann");
    let now = applied(&send(&first.orders, &[placing("k", vec![full.clone(), bare.clone()])]).await[0]);
    let stamped = |draft: Order| Some(Order { created: now, pay_deadline: now.plus_ms(draft.pay_deadline.0), ..draft });
    for process in [&first, &second] {
        let asked = [number(2), number(9), number(1), number(2)];
        let found = ok(process.orders.orders(TENANT, &asked).await);
        assert_eq!(found, [stamped(bare.clone()), None, stamped(full.clone()), stamped(bare.clone())]);
        let keys = [(TENANT, key("none")), (TENANT, key("k")), (TenantId(2), key("k"))];
        let expected = OrderGroup { created: now, ..group("k", vec![number(1), number(2)]) };
        assert_eq!(groups(&process.orders, &keys).await, [None, Some(expected), None]);
    }
    assert_eq!(ok(first.orders.orders(TENANT, &[]).await), []);
    assert_eq!(ok(first.orders.submits(&[]).await), []);
}

/// Tombstones and refusals are kept word for word, and refuse whoever comes later.
pub async fn a_group_that_never_became_orders_is_kept_as_such(first: Process, second: Process) {
    let refusal =
        Refusal::OrderRefused { differences: vec![Difference::UnknownSku { line: 3, sku: sku("价格 'x'") }] };
    let refused = OrderGroup { state: GroupState::Refused { refusal }, ..group("refused", vec![]) };
    let tombstone = OrderGroup::tombstone(TENANT, key("dead"), None);
    let abandoned = OrderGroup::tombstone(TENANT, key("abandoned"), Some(buyer("ann")));
    let fences = [refused, tombstone, abandoned];
    let answers = send(&first.orders, &fences.clone().map(Change::fence)).await;
    for (fence, answer) in fences.into_iter().zip(&answers) {
        let kept = OrderGroup { created: applied(answer), ..fence };
        let late = place(kept.key.as_str(), &[(1, "s1")]);
        let answer = send(&second.orders, &[late]).await.remove(0);
        assert_eq!(answer, ChangeAnswer::GroupExists(Box::new(kept.clone())));
        assert_eq!(groups(&second.orders, &[(TENANT, kept.key.clone())]).await, [Some(kept)]);
    }
    assert_eq!(read(&first.orders, 1).await, None);
    assert_eq!(ok(first.orders.events_after(0, 10).await).events, []);
}

/// Twins, a fence before its insert, two changes of one version, a number that was just taken.
pub async fn changes_of_one_batch_are_judged_on_what_earlier_ones_left(first: Process, second: Process) {
    use ChangeAnswer as A;
    send(&first.orders, &[place("old", &[(1, "s1")])]).await;
    let seen = read(&first.orders, 1).await.expect("it was placed");
    let answers = send(
        &second.orders,
        &[
            place("k", &[(2, "s1")]),
            place("k", &[(3, "s1")]),
            place("other", &[(4, "s1"), (2, "s2")]),
            cancel(&seen),
            cancel(&seen),
            Change::fence(OrderGroup::tombstone(TENANT, key("fenced"), None)),
            place("fenced", &[(5, "s1")]),
        ],
    )
    .await;
    assert!(
        matches!(
            &answers[..],
            [
                A::Applied { .. },
                A::GroupExists(_),
                A::NumberTaken(taken),
                A::Applied { .. },
                A::Stale { current: Some(Version(2)), .. },
                A::Applied { .. },
                A::GroupExists(_)
            ] if *taken == number(2)
        ),
        "{answers:?}"
    );
    let kept = ok(first.orders.orders(TENANT, &[1, 2, 3, 4, 5].map(number)).await);
    let kept: Vec<_> = kept.into_iter().map(|order| order.map(|order| order.status)).collect();
    assert_eq!(kept, [Some(OrderStatus::Cancelled), Some(OrderStatus::PendingPayment), None, None, None]);
    assert_eq!(groups(&first.orders, &[(TENANT, key("other"))]).await, [None], "all of a change or nothing");
}

/// Refusals of every kind beside good changes: the good ones are done.
pub async fn a_refused_change_harms_no_other_of_its_batch(first: Process, _: Process) {
    use ChangeAnswer as A;
    send(&first.orders, &[place("k", &[(1, "s1")])]).await;
    let unknown = order(&number(77), "k", "s1", "ann");
    let far = UnixMillis(i64::MAX);
    let answers = send(
        &first.orders,
        &[
            place("k", &[(2, "s1")]),
            place("good1", &[(3, "s1")]),
            cancel(&unknown),
            Change { not_before: Some(far), ..place("early", &[(4, "s1")]) },
            Change { not_after: Some(UnixMillis(1)), ..place("late", &[(5, "s1")]) },
            place("taken", &[(1, "s1")]),
            place("good2", &[(6, "s1")]),
        ],
    )
    .await;
    assert!(
        matches!(
            &answers[..],
            [
                A::GroupExists(_),
                A::Applied { .. },
                A::Stale { current: None, .. },
                A::TooEarly { .. },
                A::TooLate { .. },
                A::NumberTaken(_),
                A::Applied { .. }
            ]
        ),
        "{answers:?}"
    );
    let events = ok(first.orders.events_after(0, 10).await).events;
    assert_eq!(events.into_iter().map(|event| event.order_no).collect::<Vec<_>>(), [1, 3, 6].map(number));
}

/// A text that no database should get. An adapter may store it or refuse the whole batch; if it refuses, nothing of the
/// batch is written, it says so, and the good changes go through alone.
pub async fn a_poisoned_batch_writes_nothing_and_its_good_changes_can_be_sent_alone(first: Process, second: Process) {
    let poison = Order { note: Some("nul\0inside".to_owned()), ..order(&number(2), "poison", "s1", "ann") };
    let good = [place("k1", &[(1, "s1")]), place("k3", &[(3, "s1")])];
    let batch = [good[0].clone(), placing("poison", vec![poison]), good[1].clone()];
    if let Err(fault) = first.orders.apply(batch[..].into()).await {
        assert_eq!(fault.outcome, Outcome::NotDone, "{fault}");
        assert_eq!(ok(second.orders.orders(TENANT, &[1, 2, 3].map(number)).await), [None, None, None]);
        for change in good {
            applied(&send(&first.orders, &[change]).await[0]);
        }
    }
    assert!(read(&second.orders, 1).await.is_some() && read(&second.orders, 3).await.is_some());
}

/// After an unknown outcome the same batch is sent again: each answer says what is true, and nothing happens twice.
pub async fn the_same_batch_sent_again_answers_what_it_did(first: Process, second: Process) {
    send(&first.orders, &[place("old", &[(1, "s1")])]).await;
    let seen = read(&first.orders, 1).await.expect("it was placed");
    let batch = [place("k", &[(2, "s1"), (3, "s2")]), cancel(&seen), Change::touch(TENANT)];
    let now = applied(&send(&first.orders, &batch).await[0]);
    let events = ok(first.orders.events_after(0, 100).await);
    let again = send(&second.orders, &batch).await;
    let kept = OrderGroup { created: now, ..group("k", vec![number(2), number(3)]) };
    assert_eq!(again[0], ChangeAnswer::GroupExists(Box::new(kept)));
    assert_eq!(again[1], ChangeAnswer::Stale { order_no: number(1), current: Some(Version(2)) });
    applied(&again[2]);
    assert_eq!(ok(first.orders.events_after(0, 100).await), events, "nothing happened twice");
}

/// Status, axes, `hold_n`, version and end change; lines, amounts, address and instants stay.
pub async fn a_changed_order_keeps_what_never_changes(first: Process, second: Process) {
    send(&first.orders, &[place("k", &[(1, "s1")])]).await;
    let seen = read(&second.orders, 1).await.expect("it was placed");
    let raised = Order { hold_n: 2, version: seen.version.next(), ..seen.clone() };
    let raise = Change {
        orders: vec![(OrderWrite::Update(Box::new(raised.clone())), EventKind::HoldRaised)],
        ..Change::touch(TENANT)
    };
    applied(&send(&first.orders, &[raise]).await[0]);
    assert_eq!(read(&second.orders, 1).await.as_ref(), Some(&raised));
    let now = applied(&send(&second.orders, &[cancel(&raised)]).await[0]);
    let ended = read(&first.orders, 1).await.expect("it is kept");
    let end = ended.ended.expect("it ended");
    assert_eq!((end.actor, end.at), (Actor::Merchant, now));
    let decided = raised.cancelled(Actor::Merchant).expect("a pending order can be cancelled");
    assert_eq!(ended, Order { ended: Some(end), ..decided });
}

/// The same keys and numbers of another tenant are others.
pub async fn tenants_share_nothing(first: Process, second: Process) {
    let other = TenantId(2);
    send(&first.orders, &[place("k", &[(1, "s1")])]).await;
    let mut theirs = placing("k", vec![Order { tenant: other, ..order(&number(1), "k", "s1", "ann") }]);
    theirs.tenant = other;
    theirs.group = theirs.group.map(|group| OrderGroup { tenant: other, ..group });
    applied(&send(&second.orders, &[theirs]).await[0]);
    let tenants = |orders: Vec<Order>| orders.into_iter().map(|order| order.tenant).collect::<Vec<_>>();
    let page = ok(first.orders.orders_of_buyer(other, &buyer("ann"), None, 10).await);
    assert_eq!(tenants(page.orders), [other]);
    assert_eq!(tenants(ok(first.orders.recent_orders(TENANT, None, 10).await).orders), [TENANT]);
}

/// 400 groups of two orders.
pub async fn a_large_batch_is_one_batch(first: Process, second: Process) {
    let batch: Vec<_> = (0..400_u32).map(|n| place(&format!("k{n}"), &[(2 * n, "s1"), (2 * n + 1, "s2")])).collect();
    let answers = send(&first.orders, &batch).await;
    let now = applied(&answers[0]);
    assert!(answers.iter().all(|answer| applied(answer) == now), "one batch, one instant");
    let numbers: Vec<_> = (0..800).map(number).collect();
    assert_eq!(ok(second.orders.orders(TENANT, &numbers).await).into_iter().flatten().count(), 800);
}
