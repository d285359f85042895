//! Tests of the rule that judges changes of orders, and of the table of states.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::change::{Change, ChangeAnswer, Decided, Guard, GuardKeys, OrderWrite, decide};
use super::state::{Transition, transition};
use super::*;
use crate::id::{BuyerId, ClientId, GroupKey, SellerId, TenantId, Version};
use crate::money::{Currency, Minor};
use crate::time::UnixMillis;

const TENANT: TenantId = TenantId(1);
const NOW: UnixMillis = UnixMillis(1_000_000);

pub(crate) fn number(n: u32) -> OrderNo {
    OrderNo::try_new(&format!("2608011200000000000{n:08}")).unwrap()
}

/// A draft as placing hands it over: no instants yet, the deadline an interval.
pub(crate) fn order(no: &OrderNo) -> Order {
    Order {
        tenant: TENANT,
        no: no.clone(),
        group: GroupKey::from_stored("k/c/place/00"),
        hold_n: 1,
        client: ClientId::try_new("c").unwrap(),
        buyer: BuyerId::try_new("ann").unwrap(),
        seller: SellerId::try_new("s").unwrap(),
        channel: String::new(),
        status: OrderStatus::PendingPayment,
        payment: PaymentStatus::Unpaid,
        fulfillment: FulfillmentStatus::Unfulfilled,
        hold: HoldAxis::Held,
        version: Version::FIRST,
        currency: Currency::try_new("CNY").unwrap(),
        goods: Minor(100),
        freight: Minor::ZERO,
        discount: Minor::ZERO,
        total: Minor(100),
        lines: Vec::new(),
        adjustments: Vec::new(),
        address: None,
        note: None,
        created: UnixMillis::default(),
        pay_deadline: UnixMillis(900),
        ended: None,
        life: Life::default(),
    }
}

fn group(key: &str, order_nos: &[OrderNo]) -> OrderGroup {
    OrderGroup {
        state: GroupState::Placed { order_nos: order_nos.to_vec() },
        ..OrderGroup::tombstone(TENANT, GroupKey::from_stored(key), None)
    }
}

fn place(key: &str, numbers: &[u32]) -> Change {
    let order_nos: Vec<OrderNo> = numbers.iter().map(|n| number(*n)).collect();
    let orders = order_nos.iter().map(|no| (OrderWrite::Insert(Box::new(order(no))), EventKind::Placed)).collect();
    Change { orders, group: Some(group(key, &order_nos)), ..Change::touch(TENANT) }
}

/// A cancellation decided on `version` of the order.
fn cancel(n: u32, version: Version) -> Change {
    let seen = Order { version, ..order(&number(n)) };
    let after = seen.cancelled(Actor::Buyer).expect("a pending order can be cancelled");
    Change { orders: vec![(OrderWrite::Update(Box::new(after)), EventKind::Cancelled)], ..Change::touch(TENANT) }
}

fn stored(versions: &[(u32, i64)]) -> Guard {
    let orders = versions.iter().map(|(n, version)| ((TENANT, number(*n)), Version(*version))).collect();
    Guard { orders, next_seq: 10, now: NOW, ..Guard::default() }
}

fn applied() -> ChangeAnswer {
    ChangeAnswer::Applied { now: NOW }
}

#[test]
fn a_placed_group_is_stamped_with_the_shard_clock_and_its_deadlines_become_instants() {
    let decided = decide(&[place("k", &[2, 1])], stored(&[]));
    assert_eq!(decided.answers, [applied()]);
    assert_eq!(decided.groups[0].created, NOW);
    assert_eq!(decided.inserts.iter().map(|o| o.no.clone()).collect::<Vec<_>>(), [number(1), number(2)]);
    for order in &decided.inserts {
        assert_eq!((order.created, order.pay_deadline), (NOW, UnixMillis(NOW.0 + 900)));
    }
    assert!(decided.timers.iter().all(|timer| timer.due == UnixMillis(NOW.0 + 900)));
    assert_eq!(decided.timers.len(), 2);
}

#[test]
fn events_follow_the_feed_without_a_gap_and_orders_count_their_versions() {
    let decided = decide(&[place("k1", &[1, 2]), cancel(1, Version(1)), place("k2", &[3])], stored(&[]));
    assert_eq!(decided.answers, [applied(), applied(), applied()]);
    let events: Vec<_> = decided.events.iter().map(|e| (e.seq, e.order_no.clone(), e.version.0, e.kind)).collect();
    assert_eq!(
        events,
        [
            (10, number(1), 1, EventKind::Placed),
            (11, number(2), 1, EventKind::Placed),
            (12, number(1), 2, EventKind::Cancelled),
            (13, number(3), 1, EventKind::Placed),
        ]
    );
    assert_eq!(decided.next_seq, 14);
    assert!(decided.events.iter().all(|event| event.at == NOW));
}

#[test]
fn an_order_without_anything_to_pay_gets_no_timer() {
    let mut change = place("k", &[1]);
    let free = Order { status: OrderStatus::Confirmed, ..order(&number(1)) };
    change.orders = vec![(OrderWrite::Insert(Box::new(free)), EventKind::Confirmed)];
    assert_eq!(decide(&[change], stored(&[])).timers, []);
}

#[test]
fn a_stored_group_refuses_every_later_change_with_its_key_and_shows_itself() {
    let taken = OrderGroup { created: UnixMillis(5), ..group("k", &[number(1)]) };
    let mut guard = stored(&[(1, 1)]);
    guard.groups.insert((TENANT, taken.key.clone()), taken.clone());
    let tombstone = OrderGroup::tombstone(TENANT, taken.key.clone(), None);
    let decided = decide(&[place("k", &[2]), Change::fence(tombstone)], guard);
    let exists = ChangeAnswer::GroupExists(Box::new(taken));
    assert_eq!(decided.answers, [exists.clone(), exists]);
    assert!(decided.groups.is_empty() && decided.inserts.is_empty() && decided.events.is_empty());
}

#[test]
fn a_tombstone_earlier_in_the_batch_fences_the_insert_behind_it() {
    let tombstone = OrderGroup::tombstone(TENANT, GroupKey::from_stored("k"), None);
    let decided = decide(&[Change::fence(tombstone.clone()), place("k", &[1])], stored(&[]));
    let as_written = OrderGroup { created: NOW, ..tombstone };
    assert_eq!(decided.answers, [applied(), ChangeAnswer::GroupExists(Box::new(as_written.clone()))]);
    assert_eq!(decided.groups, [as_written]);
    assert!(decided.inserts.is_empty() && decided.timers.is_empty());
}

#[test]
fn twins_in_one_batch_place_one_group() {
    let decided = decide(&[place("k", &[1]), place("k", &[2])], stored(&[]));
    assert!(matches!(&decided.answers[1], ChangeAnswer::GroupExists(first)
        if first.state == GroupState::Placed { order_nos: vec![number(1)] } && first.created == NOW));
    assert_eq!(decided.inserts.len(), 1);
}

#[test]
fn a_known_key_is_answered_before_clock_and_versions_are_looked_at() {
    let mut guard = stored(&[(1, 1)]);
    let taken = group("k", &[number(1)]);
    guard.groups.insert((TENANT, taken.key.clone()), taken.clone());
    let late = Change { not_after: Some(UnixMillis(0)), ..place("k", &[1]) };
    assert_eq!(decide(&[late], guard).answers, [ChangeAnswer::GroupExists(Box::new(taken))]);
}

#[test]
fn a_change_decided_on_another_version_is_stale_and_told_the_version_now() {
    let guard = stored(&[(1, 3)]);
    let batch = [cancel(1, Version(2)), cancel(1, Version(4)), cancel(2, Version(1)), cancel(1, Version(3))];
    let stale = |n, current| ChangeAnswer::Stale { order_no: number(n), current };
    assert_eq!(
        decide(&batch, guard).answers,
        [stale(1, Some(Version(3))), stale(1, Some(Version(3))), stale(2, None), applied()]
    );
}

#[test]
fn of_two_changes_on_one_version_in_a_batch_the_first_wins() {
    let decided = decide(&[cancel(1, Version(1)), cancel(1, Version(1))], stored(&[(1, 1)]));
    let stale = ChangeAnswer::Stale { order_no: number(1), current: Some(Version(2)) };
    assert_eq!(decided.answers, [applied(), stale]);
    assert_eq!((decided.updates.len(), decided.events.len()), (1, 1));
}

#[test]
fn a_taken_number_is_told_and_nothing_of_the_change_is_written() {
    let decided = decide(&[place("k1", &[1, 2]), place("k2", &[4, 2])], stored(&[(9, 1)]));
    assert_eq!(decided.answers, [applied(), ChangeAnswer::NumberTaken(number(2))]);
    assert_eq!((decided.groups.len(), decided.inserts.len()), (1, 2));
    assert_eq!(decide(&[place("k3", &[9])], stored(&[(9, 1)])).answers, [ChangeAnswer::NumberTaken(number(9))]);
}

#[test]
fn one_change_writes_each_order_once() {
    assert_eq!(decide(&[place("k", &[1, 1])], stored(&[])).answers, [ChangeAnswer::NumberTaken(number(1))]);
    let mut twice = cancel(1, Version(1));
    twice.orders.push(twice.orders[0].clone());
    let stale = ChangeAnswer::Stale { order_no: number(1), current: Some(Version(1)) };
    assert_eq!(decide(&[twice], stored(&[(1, 1)])).answers, [stale]);
}

#[test]
fn the_shard_clock_opens_at_not_before_and_closes_at_not_after() {
    let at = |not_before, not_after| {
        let change = Change { not_before, not_after, ..cancel(1, Version(1)) };
        decide(&[change], stored(&[(1, 1)])).answers.remove(0)
    };
    let (one_before, one_after) = (Some(UnixMillis(NOW.0 - 1)), Some(UnixMillis(NOW.0 + 1)));
    assert_eq!(at(one_before, None), applied());
    assert_eq!(at(Some(NOW), None), applied());
    assert_eq!(at(one_after, None), ChangeAnswer::TooEarly { now: NOW });
    assert_eq!(at(None, one_after), applied());
    assert_eq!(at(None, Some(NOW)), ChangeAnswer::TooLate { now: NOW });
    assert_eq!(at(None, one_before), ChangeAnswer::TooLate { now: NOW });
}

#[test]
fn touching_writes_nothing_and_tells_the_clock() {
    let decided = decide(&[Change::touch(TENANT)], stored(&[]));
    let nothing = Decided { answers: vec![applied()], next_seq: 10, ..Decided::default() };
    assert_eq!(format!("{decided:?}"), format!("{nothing:?}"));
}

#[test]
fn an_order_that_ends_is_stamped_and_keeps_its_end_afterwards() {
    let decided = decide(&[cancel(1, Version(1))], stored(&[(1, 1)]));
    let ended = decided.updates[0].clone();
    assert_eq!(ended.ended, Some(EndReason { actor: Actor::Buyer, at: NOW }));
    let raised = Order {
        hold_n: 2,
        version: ended.version.next(),
        ended: Some(EndReason { actor: Actor::Buyer, at: UnixMillis(7) }),
        ..ended
    };
    let change =
        Change { orders: vec![(OrderWrite::Update(Box::new(raised)), EventKind::HoldRaised)], ..Change::touch(TENANT) };
    let again = decide(&[change], stored(&[(1, 2)]));
    assert_eq!(again.updates[0].ended.map(|e| e.at), Some(UnixMillis(7)));
}

#[test]
fn an_order_placed_and_ended_in_one_batch_is_inserted_as_it_ended_without_a_timer() {
    let decided = decide(&[place("k", &[1]), cancel(1, Version(1))], stored(&[]));
    assert_eq!((decided.inserts.len(), decided.updates.len(), decided.timers.len()), (1, 0, 0));
    let inserted = &decided.inserts[0];
    assert_eq!((inserted.status, inserted.version), (OrderStatus::Cancelled, Version(2)));
    assert_eq!((inserted.created, inserted.pay_deadline), (NOW, UnixMillis(NOW.0 + 900)));
}

#[test]
fn guard_keys_name_groups_and_every_order_also_new_ones() {
    let keys = GuardKeys::of(&[place("k", &[1, 2]), cancel(3, Version(1)), Change::touch(TENANT)]);
    assert_eq!(keys.groups.into_iter().collect::<Vec<_>>(), [(TENANT, GroupKey::from_stored("k"))]);
    assert_eq!(keys.orders, (1..=3).map(|n| (TENANT, number(n))).collect());
}

#[test]
fn the_table_of_states_is_that_of_the_requirements() {
    for status in OrderStatus::ALL.iter().copied() {
        for event in OrderEvent::ALL.iter().copied() {
            let expected = match (status.as_str(), event.as_str()) {
                ("pending_payment" | "confirmed", "cancel") => Transition::To(OrderStatus::Cancelled),
                ("pending_payment", "expire") => Transition::To(OrderStatus::Expired),
                ("pending_payment", "capture") | ("expired", "revive") => Transition::To(OrderStatus::Confirmed),
                ("confirmed", "receive") => Transition::To(OrderStatus::Completed),
                ("pending_payment", "pay_start" | "pay_end" | "lapse" | "rehold")
                | ("confirmed", "pause" | "resume" | "ship" | "deliver")
                | ("confirmed" | "completed", "refund" | "refund_end" | "return")
                | ("cancelled", "refund_end") => Transition::Stay,
                ("cancelled", "cancel")
                | ("expired", "expire")
                | ("completed", "receive")
                | ("confirmed" | "completed", "capture" | "revive") => Transition::Already,
                _ => Transition::Refused,
            };
            assert_eq!(transition(status, event), expected, "{status} {event}");
        }
    }
}

#[test]
fn every_name_of_a_state_parses_back_to_it() {
    assert!(OrderStatus::ALL.iter().all(|value| OrderStatus::parse(value.as_str()) == Some(*value)));
    assert!(PaymentStatus::ALL.iter().all(|value| PaymentStatus::parse(value.as_str()) == Some(*value)));
    assert!(FulfillmentStatus::ALL.iter().all(|value| FulfillmentStatus::parse(value.as_str()) == Some(*value)));
    assert!(HoldAxis::ALL.iter().all(|value| HoldAxis::parse(value.as_str()) == Some(*value)));
    assert!(EventKind::ALL.iter().all(|value| EventKind::parse(value.as_str()) == Some(*value)));
    assert_eq!(OrderStatus::parse("paid"), None);
}

#[test]
fn an_order_is_overdue_from_its_deadline_on_while_it_waits() {
    let waiting = order(&number(1));
    assert!(!waiting.is_overdue(UnixMillis(899)));
    assert!(waiting.is_overdue(UnixMillis(900)));
    let sold = Order { status: OrderStatus::Confirmed, ..waiting };
    assert!(!sold.is_overdue(UnixMillis(901)));
}

fn any_change() -> impl Strategy<Value = Change> {
    let number = || 0..6_u32;
    let window = || proptest::option::of((NOW.0 - 2..NOW.0 + 3).prop_map(UnixMillis));
    let placing = (0..5_u8, proptest::collection::vec(number(), 1..3)).prop_map(|(k, n)| place(&format!("k{k}"), &n));
    let cancelling = (number(), 1..4_i64).prop_map(|(n, version)| cancel(n, Version(version)));
    (prop_oneof![placing, cancelling], window(), window()).prop_map(|(change, not_before, not_after)| Change {
        not_before,
        not_after,
        ..change
    })
}

/// What is stored after a batch, as the next batch reads it.
fn store(guard: &mut Guard, decided: &Decided) {
    guard.groups.extend(decided.groups.iter().map(|g| ((g.tenant, g.key.clone()), g.clone())));
    let orders = decided.inserts.iter().chain(&decided.updates);
    guard.orders.extend(orders.map(|o| ((o.tenant, o.no.clone()), o.version)));
    guard.next_seq = decided.next_seq;
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn splitting_changes_into_batches_anywhere_gives_the_same_answers_versions_and_feed(
        changes in proptest::collection::vec(any_change(), 1..40),
        cuts in proptest::collection::vec(1..9_usize, 40),
    ) {
        let (mut guard, mut answers, mut events) = (stored(&[(0, 1)]), Vec::new(), Vec::new());
        let mut rest = &changes[..];
        for size in cuts {
            let (batch, later) = rest.split_at(size.min(rest.len()));
            let decided = decide(batch, guard.clone());
            store(&mut guard, &decided);
            answers.extend(decided.answers);
            events.extend(decided.events);
            rest = later;
        }
        let whole = decide(&changes, stored(&[(0, 1)]));
        prop_assert_eq!(&answers, &whole.answers);
        prop_assert_eq!(&events, &whole.events);
        let mut versions: BTreeMap<OrderNo, i64> = BTreeMap::from([(number(0), 1)]);
        for (place, event) in events.iter().enumerate() {
            prop_assert_eq!(event.seq, 10 + i64::try_from(place).unwrap());
            let version = versions.entry(event.order_no.clone()).or_default();
            *version += 1;
            prop_assert_eq!(event.version.0, *version);
        }
    }
}
