//! Tests of what events do to orders beyond the table of states.

use super::change_tests::{number, order};
use super::life::Obstacle;
use super::state::{Transition, transition};
use super::*;
use crate::money::Minor;
use crate::payment::{AttemptId, PaymentNo};

fn attempt(n: i32) -> AttemptId {
    AttemptId { payment: PaymentNo::of_order(&number(1)), n }
}

fn waiting() -> Order {
    order(&number(1))
}

fn paid() -> Order {
    waiting().pay_started(&attempt(1)).unwrap().captured(&attempt(1), Minor(100)).unwrap()
}

#[test]
fn an_open_attempt_keeps_its_order_from_every_end() {
    let open = waiting().pay_started(&attempt(1)).unwrap();
    let in_the_way = Obstacle::AttemptOpen(attempt(1));
    assert_eq!(open.cancelled(Actor::Buyer).unwrap_err(), in_the_way);
    assert_eq!(open.expired().unwrap_err(), in_the_way);
    assert_eq!(open.lapsed().unwrap_err(), in_the_way);
    assert_eq!(open.pay_started(&attempt(2)).unwrap_err(), in_the_way);
    assert!(!open.is_overdue(crate::time::UnixMillis(i64::MAX)));
    assert_eq!(open.pay_ended(&attempt(2)), None, "another attempt's end is not this one's");
    let again = open.pay_ended(&attempt(1)).unwrap();
    assert!(again.expired().is_ok() && again.is_overdue(again.pay_deadline));
}

#[test]
fn an_order_whose_hold_has_lapsed_is_paid_only_after_it_is_held_again() {
    let lapsed = waiting().lapsed().unwrap();
    assert_eq!(lapsed.pay_started(&attempt(1)).unwrap_err(), Obstacle::HoldLapsed);
    assert_eq!(lapsed.captured(&attempt(1), Minor(100)).unwrap_err(), Obstacle::HoldLapsed);
    assert_eq!(lapsed.lapsed().unwrap_err(), Obstacle::Already);
    let held = lapsed.held_again(2).unwrap();
    assert_eq!((held.hold, held.hold_n), (HoldAxis::Held, 2));
    assert_eq!(held.held_again(3).unwrap_err(), Obstacle::Already);
    assert!(held.pay_started(&attempt(1)).is_ok());
}

#[test]
fn a_paid_order_is_cancelled_until_goods_leave() {
    assert_eq!(paid().cancelled(Actor::Merchant).unwrap().hold, HoldAxis::Released);
    for fulfillment in FulfillmentStatus::ALL {
        let order = Order { fulfillment: *fulfillment, ..paid() };
        let can = order.cancelled(Actor::Merchant).is_ok();
        let nothing_left = fulfillment.as_str().ends_with("fulfilled");
        assert_eq!(can, nothing_left, "{fulfillment}");
    }
}

#[test]
fn an_expired_order_comes_back_only_by_revival_and_then_has_not_ended() {
    let expired = waiting().expired().unwrap();
    assert_eq!(expired.captured(&attempt(1), Minor(100)).unwrap_err(), Obstacle::Status);
    let revived = expired.revived(&attempt(1), Minor(100), 2).unwrap();
    assert_eq!((revived.status, revived.hold, revived.hold_n), (OrderStatus::Confirmed, HoldAxis::Committed, 2));
    assert_eq!(revived.ended, None);
}

#[test]
fn fulfillment_that_is_stopped_says_why_and_goes_on() {
    let paused = paid().paused("address looks wrong").unwrap();
    assert_eq!(paused.paused("address looks wrong").unwrap_err(), Obstacle::Already);
    assert_eq!(paused.resumed().unwrap().life.paused, None);
    assert_eq!(paid().resumed().unwrap_err(), Obstacle::Already);
}

#[test]
fn an_order_is_completed_once_all_of_it_has_arrived() {
    assert_eq!(paid().received().unwrap_err(), Obstacle::NotDelivered);
    let life = Life { delivered: Some(crate::time::UnixMillis(5)), ..paid().life };
    let delivered = Order { life, ..paid() };
    let completed = delivered.received().unwrap();
    assert_eq!(completed.status, OrderStatus::Completed);
    assert_eq!(completed.received().unwrap_err(), Obstacle::Already);
}

/// No event leads out of an end but revival, and no status can be entered twice.
#[test]
fn ends_are_ends() {
    use OrderStatus::{Cancelled, CreateFailed, Expired};
    for status in [CreateFailed, Cancelled, Expired] {
        for event in OrderEvent::ALL {
            let leads_out = matches!(transition(status, *event), Transition::To(_));
            assert_eq!(leads_out, (status, *event) == (Expired, OrderEvent::Revive), "{status} {event}");
        }
    }
    for status in OrderStatus::ALL {
        for event in OrderEvent::ALL {
            assert_ne!(transition(*status, *event), Transition::To(*status), "{status} {event}");
        }
    }
}
