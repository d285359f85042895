//! Tests of what may be given back, and how a refund ends.

use proptest::prelude::*;

use super::hear::hear_refund;
use super::*;
use crate::money::Minor;
use crate::order::change::{OrderWrite, Satellite};
use crate::order::{Actor, Order, OrderNo, OrderStatus, PaymentStatus};
use crate::port::RefundWord;
use crate::refusal::Refusal;

fn paid() -> Order {
    let order = crate::order::change_tests::order(&OrderNo::try_new("260801120000000000000000001").unwrap());
    let id = AttemptId { payment: PaymentNo::of_order(&order.no), n: 1 };
    order.pay_started(&id).unwrap().captured(&id, order.total).unwrap()
}

fn refund(order: &Order, n: i32, amount: Minor) -> Refund {
    let attempt = order.life.attempt.clone().unwrap();
    Refund::of_order(order, attempt, n, amount, RefundReason::Goodwill)
}

fn succeed(order: &mut Order, refund: &mut Refund) {
    let word = RefundWord::Succeeded { reference: None };
    let change = hear_refund(refund, Some(order), &word).unwrap();
    for (write, _) in change.orders {
        let OrderWrite::Update(new) = write else { panic!("a refund inserts no order") };
        *order = *new;
    }
    for row in change.satellites {
        let Satellite::Refund(new) = row else { panic!("a refund writes itself") };
        *refund = *new;
    }
}

#[test]
fn a_refund_above_what_is_left_is_refused_with_what_is_left() {
    let order = paid().set_aside(Minor(60)).unwrap();
    let refused = order.set_aside(Minor(41)).unwrap_err();
    let expected = Refusal::RefundTooLarge { requested: Minor(41), refundable: Minor(40), currency: order.currency };
    assert_eq!(refused, expected);
    assert!(order.set_aside(Minor(0)).is_err() && order.set_aside(Minor(-1)).is_err());
    assert_eq!(refundable(&order.set_aside(Minor(40)).unwrap()), Minor(0));
}

#[test]
fn a_refund_that_succeeds_counts_once_and_one_that_fails_stays_set_aside() {
    let mut order = paid().set_aside(Minor(100)).unwrap();
    let mut first = refund(&order, 1, Minor(60));
    let failed = RefundWord::Failed { reason: "no balance".to_owned() };
    let change = hear_refund(&first, Some(&order), &failed).unwrap();
    assert!(change.orders.is_empty(), "what failed may be sent again with the same key: it stays set aside");
    succeed(&mut order, &mut first);
    assert_eq!((order.payment, order.life.refunded), (PaymentStatus::PartiallyRefunded, Minor(60)));
    assert_eq!(hear_refund(&first, Some(&order), &RefundWord::Succeeded { reference: None }), None);
    let mut second = refund(&order, 2, Minor(40));
    succeed(&mut order, &mut second);
    assert_eq!((order.payment, order.life.refunding), (PaymentStatus::Refunded, Minor(0)));
}

#[test]
fn cancelling_a_paid_order_sets_all_that_is_left_aside() {
    let order = paid().set_aside(Minor(30)).unwrap();
    let (cancelled, left) = order.cancelled_and_set_aside(Actor::Merchant).unwrap();
    assert_eq!((cancelled.status, left, cancelled.life.refunding), (OrderStatus::Cancelled, Minor(70), Minor(100)));
    assert!(cancelled.set_aside(Minor(1)).is_err());
}

#[test]
fn the_key_of_a_refund_reads_back() {
    let order = paid();
    let refund = refund(&order, 12, Minor(1));
    assert_eq!(Refund::parse_key(&refund.key()), Some((refund.attempt.clone(), 12)));
    assert!(refund.key().len() <= 40);
    for text in ["", "-R1", "P1-1-R0", "R1", &format!("{}-Rx", refund.attempt)] {
        assert_eq!(Refund::parse_key(text), None, "{text}");
    }
}

proptest! {
    /// Refunds in any order and size: what is set aside and given back never exceeds what was captured.
    #[test]
    fn refunds_never_exceed_what_was_captured(amounts in prop::collection::vec((-5_i64..120, any::<bool>()), 1..20)) {
        let mut order = paid();
        let mut open: Vec<Refund> = Vec::new();
        for (n, (amount, ends)) in (1..).zip(amounts) {
            if let Ok(next) = order.set_aside(Minor(amount)) {
                order = next;
                open.push(refund(&order, n, Minor(amount)));
            }
            if ends && let Some(mut refund) = open.pop() {
                succeed(&mut order, &mut refund);
            }
            let waiting: i64 = open.iter().map(|refund| refund.amount.0).sum();
            prop_assert_eq!(order.life.refunding.0, waiting);
            prop_assert!(refundable(&order).0 >= 0);
        }
    }
}
