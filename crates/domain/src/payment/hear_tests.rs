//! Tests of what a provider's word does, in whatever order words come.

use proptest::prelude::*;

use super::*;
use crate::id::{BuyerId, Fingerprint, TenantId, Version};
use crate::money::{Currency, Minor};
use crate::order::change::{Change, OrderWrite, Satellite};
use crate::order::{Actor, HoldAxis, Order, OrderNo, OrderStatus, PaymentStatus};
use crate::port::ProviderWord;
use crate::time::UnixMillis;

fn cny() -> Currency {
    Currency::try_new("CNY").unwrap()
}

fn numbers() -> [OrderNo; 2] {
    ["260801120000000000000000001", "260801120000000000000000002"].map(|no| OrderNo::try_new(no).unwrap())
}

/// Two orders of a group, and an attempt that opens over them.
fn opened() -> (Attempt, Vec<Order>) {
    let orders: Vec<Order> = numbers().iter().map(crate::order::change_tests::order).collect();
    let id = AttemptId { payment: PaymentNo::of_group(&orders[0].no), n: 1 };
    let orders: Vec<Order> = orders.iter().map(|order| order.pay_started(&id).unwrap()).collect();
    let attempt = Attempt {
        tenant: TenantId(1),
        id,
        version: Version::FIRST,
        provider: ProviderName::try_new("sandbox").unwrap(),
        buyer: BuyerId::try_new("ann").unwrap(),
        shares: orders.iter().map(|order| Share { order_no: order.no.clone(), amount: order.total }).collect(),
        amount: Minor(200),
        currency: cny(),
        state: AttemptState::Opening,
        request: Fingerprint([7; 32]),
        method: None,
        return_url: None,
        opened: UnixMillis(1_000_000),
        deadline: UnixMillis(1_000_900),
        pay: None,
        reference: None,
        captured: None,
        flag: None,
        reason: None,
        looks: 0,
        next_look: Some(UnixMillis(1_000_100)),
    };
    (attempt, orders)
}

fn captured(amount: i64) -> ProviderWord {
    ProviderWord::Captured { amount: Minor(amount), currency: cny(), reference: None }
}

fn failed() -> ProviderWord {
    ProviderWord::Failed { reason: "declined".to_owned() }
}

/// Writes a change over the rows, as a store would.
fn write(change: &Change, attempt: &mut Attempt, orders: &mut [Order]) {
    for (write, _) in &change.orders {
        let OrderWrite::Update(new) = write else { panic!("a word inserts no order") };
        let old = orders.iter_mut().find(|order| order.no == new.no).unwrap();
        assert_eq!(new.version, old.version.next());
        *old = (**new).clone();
    }
    for row in &change.satellites {
        let Satellite::Attempt(new) = row else { panic!("a word about an attempt writes attempts") };
        assert_eq!(new.version, attempt.version.next());
        *attempt = (**new).clone();
    }
}

#[test]
fn captured_money_confirms_every_order_of_the_attempt_in_one_change() {
    let (mut attempt, mut orders) = opened();
    let change = hear(&attempt, &orders, &captured(200), Heard::Told).unwrap();
    assert_eq!(change.not_after, None, "the money of an open attempt counts whenever it comes");
    write(&change, &mut attempt, &mut orders);
    assert_eq!(attempt.state, AttemptState::Captured);
    assert!(attempt.captured.unwrap().attached);
    for order in &orders {
        assert_eq!((order.status, order.payment), (OrderStatus::Confirmed, PaymentStatus::Paid));
        assert_eq!((order.life.captured, order.hold), (order.total, HoldAxis::Committed));
    }
    assert_eq!(hear(&attempt, &orders, &captured(200), Heard::Told), None, "said again, it changes nothing");
}

#[test]
fn a_callback_before_the_answer_counts_and_the_late_answer_changes_nothing() {
    let (mut attempt, mut orders) = opened();
    write(&hear(&attempt, &orders, &captured(200), Heard::Told).unwrap(), &mut attempt, &mut orders);
    for stale in [ProviderWord::Pending { pay: None, reference: None }, failed(), ProviderWord::Closed] {
        assert_eq!(hear(&attempt, &orders, &stale, Heard::Asked), None, "{stale:?}");
    }
}

#[test]
fn another_amount_is_not_believed_from_a_callback_and_goes_back_when_the_books_say_so() {
    for amount in [199, 201] {
        let (mut attempt, mut orders) = opened();
        write(&hear(&attempt, &orders, &captured(amount), Heard::Told).unwrap(), &mut attempt, &mut orders);
        assert_eq!((attempt.state, attempt.flag), (AttemptState::Opening, Some(AttemptFlag::AmountDiffers)));
        assert!(orders.iter().all(|order| order.payment == PaymentStatus::Processing));
        assert_eq!(hear(&attempt, &orders, &captured(amount), Heard::Told), None, "flagged once");
        write(&hear(&attempt, &orders, &captured(amount), Heard::Asked).unwrap(), &mut attempt, &mut orders);
        assert_eq!(attempt.flag, Some(AttemptFlag::CapturedOther));
        assert_eq!(attempt.unattached().unwrap().amount, Minor(amount));
        assert!(orders.iter().all(Order::waits_for_payment), "they may be paid by another attempt");
    }
}

#[test]
fn a_failed_attempt_lets_its_orders_wait_again_until_their_deadline() {
    let (mut attempt, mut orders) = opened();
    let change = hear(&attempt, &orders, &failed(), Heard::Told).unwrap();
    assert_eq!(change.timers.len(), 2, "each is looked at at its deadline");
    write(&change, &mut attempt, &mut orders);
    assert_eq!((attempt.state, attempt.next_look), (AttemptState::Failed, None));
    assert!(orders.iter().all(Order::waits_for_payment));
}

#[test]
fn money_of_a_closed_attempt_counts_only_while_every_order_still_waits_and_nobody_saw_it_expire() {
    let (mut attempt, mut orders) = opened();
    write(&hear(&attempt, &orders, &ProviderWord::Closed, Heard::Asked).unwrap(), &mut attempt, &mut orders);
    let change = hear(&attempt, &orders, &captured(200), Heard::Told).unwrap();
    assert_eq!(change.not_after, Some(orders[0].pay_deadline));
    let (mut late, mut ended) = (attempt.clone(), orders.clone());
    ended[1] = ended[1].cancelled(Actor::Buyer).unwrap();
    write(&hear(&late, &ended, &captured(200), Heard::Told).unwrap(), &mut late, &mut ended);
    assert_eq!((late.flag, late.unattached().map(|c| c.amount)), (Some(AttemptFlag::Late), Some(Minor(200))));
    assert_eq!(ended[0].status, OrderStatus::PendingPayment, "a group is never paid in part");
    write(&change, &mut attempt, &mut orders);
    assert!(orders.iter().all(|order| order.status == OrderStatus::Confirmed));
}

#[test]
fn the_second_capture_of_an_order_is_unattached() {
    let (mut first, mut orders) = opened();
    write(&hear(&first, &orders, &failed(), Heard::Told).unwrap(), &mut first, &mut orders);
    let second_id = AttemptId { n: 2, ..first.id.clone() };
    let mut second = Attempt { id: second_id.clone(), state: AttemptState::Open, ..first.clone() };
    for order in &mut orders {
        *order = order.pay_started(&second_id).unwrap();
    }
    write(&hear(&second, &orders, &captured(200), Heard::Told).unwrap(), &mut second, &mut orders);
    write(&hear(&first, &orders, &captured(200), Heard::Told).unwrap(), &mut first, &mut orders);
    assert!(second.captured.unwrap().attached);
    assert!(!first.captured.unwrap().attached);
    assert!(orders.iter().all(|order| order.life.attempt.as_ref() == Some(&second_id)));
}

fn any_word() -> impl Strategy<Value = (ProviderWord, Heard)> {
    let word = prop_oneof![
        Just(captured(200)),
        Just(captured(100)),
        Just(failed()),
        Just(ProviderWord::Closed),
        Just(ProviderWord::Unknown),
        Just(ProviderWord::Pending { pay: Some("{}".to_owned()), reference: None }),
    ];
    (word, prop_oneof![Just(Heard::Asked), Just(Heard::Told)])
}

proptest! {
    /// Whatever is said in whatever order: money that the books say is there is written down exactly once, and it is
    /// attached exactly if its orders are confirmed by it.
    #[test]
    fn money_is_written_down_once_and_attached_to_all_orders_or_none(words in prop::collection::vec(any_word(), 1..12)) {
        let (mut attempt, mut orders) = opened();
        let mut first_true: Option<i64> = None;
        for (word, heard) in &words {
            if let ProviderWord::Captured { amount, .. } = word
                && (*heard == Heard::Asked || amount.0 == 200)
            {
                first_true.get_or_insert(amount.0);
            }
            if let Some(change) = hear(&attempt, &orders, word, *heard) {
                write(&change, &mut attempt, &mut orders);
            }
            let confirmed = orders.iter().filter(|order| order.status == OrderStatus::Confirmed).count();
            prop_assert_eq!(attempt.captured.map(|captured| captured.amount.0), first_true);
            prop_assert_eq!(confirmed, if attempt.captured.is_some_and(|captured| captured.attached) { 2 } else { 0 });
            let processing = orders.iter().filter(|order| order.payment == PaymentStatus::Processing).count();
            prop_assert_eq!(processing, if attempt.state.is_open() { 2 } else { 0 });
        }
    }
}
