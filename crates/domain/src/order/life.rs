//! What each event does to an order beyond its status, and what must be true for it: the guards beside the table of
//! [`super::state`].
//!
//! Every function returns the order as it shall be, one version on, or what stands in the way. Instants of the batch
//! (`ended`, `delivered`, `completed`) are left at zero: the store sets them.

use super::record::{Actor, EndReason, HoldAxis, Life, Order};
use super::state::{FulfillmentStatus, OrderEvent, OrderStatus, PaymentStatus, Transition, transition};
use crate::money::Minor;
use crate::payment::AttemptId;
use crate::refusal::Refusal;
use crate::time::UnixMillis;

/// Why an event does not happen to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// It happened before: a success that changes nothing.
    Already,
    /// Not in this status.
    Status,
    /// Another attempt is open; its money may still come.
    AttemptOpen(AttemptId),
    /// Its hold was given back: it must be taken again first.
    HoldLapsed,
    /// Goods have left already.
    Shipped,
    /// Not all of it has arrived.
    NotDelivered,
    /// Its fulfillment is stopped, for this reason.
    Paused(String),
}

impl Obstacle {
    /// What the caller is told; `None`: it happened before.
    pub fn refusal(self, order: &Order) -> Option<Refusal> {
        let order_no = order.no.clone();
        match self {
            Self::Already => None,
            Self::Status | Self::HoldLapsed => Some(Refusal::OrderState { order_no, status: order.status }),
            Self::AttemptOpen(attempt) => Some(Refusal::PaymentOpen { order_no, attempt: attempt.to_string() }),
            Self::Shipped => Some(Refusal::GoodsShipped { order_no, fulfillment: order.fulfillment }),
            Self::NotDelivered => Some(Refusal::NotDelivered { order_no, fulfillment: order.fulfillment }),
            Self::Paused(reason) => Some(Refusal::OrderPaused { order_no, reason }),
        }
    }
}

impl Order {
    /// The order after the table's part of an event.
    fn moved(&self, event: OrderEvent) -> Result<Self, Obstacle> {
        let next = || Self { version: self.version.next(), ..self.clone() };
        match transition(self.status, event) {
            Transition::To(status) => Ok(Self { status, ..next() }),
            Transition::Stay => Ok(next()),
            Transition::Already => Err(Obstacle::Already),
            Transition::Refused => Err(Obstacle::Status),
        }
    }

    fn no_attempt_open(&self) -> Result<(), Obstacle> {
        match (&self.life.attempt, self.payment) {
            (Some(attempt), PaymentStatus::Processing) => Err(Obstacle::AttemptOpen(attempt.clone())),
            _ => Ok(()),
        }
    }

    fn nothing_shipped(&self) -> Result<(), Obstacle> {
        match self.fulfillment {
            FulfillmentStatus::Unfulfilled | FulfillmentStatus::PartiallyFulfilled | FulfillmentStatus::Fulfilled => {
                Ok(())
            }
            FulfillmentStatus::PartiallyShipped
            | FulfillmentStatus::Shipped
            | FulfillmentStatus::PartiallyDelivered
            | FulfillmentStatus::Delivered
            | FulfillmentStatus::PartiallyReturned
            | FulfillmentStatus::Returned => Err(Obstacle::Shipped),
        }
    }

    /// An attempt to pay opens. That the deadline has not passed is judged inside the batch.
    pub fn pay_started(&self, attempt: &AttemptId) -> Result<Self, Obstacle> {
        let mut next = self.moved(OrderEvent::PayStart)?;
        self.no_attempt_open()?;
        if self.hold == HoldAxis::Lapsed {
            return Err(Obstacle::HoldLapsed);
        }
        next.payment = PaymentStatus::Processing;
        next.life.attempt = Some(attempt.clone());
        Ok(next)
    }

    /// Its open attempt failed or was closed; `None` if this attempt is not the open one.
    pub fn pay_ended(&self, attempt: &AttemptId) -> Option<Self> {
        let is_open = self.payment == PaymentStatus::Processing && self.life.attempt.as_ref() == Some(attempt);
        let mut next = self.moved(OrderEvent::PayEnd).ok().filter(|_| is_open)?;
        next.payment = PaymentStatus::Unpaid;
        next.life.attempt = None;
        Some(next)
    }

    /// The money is there: by the open attempt, or by one that was thought to have ended while the order still waits.
    pub fn captured(&self, attempt: &AttemptId, amount: Minor) -> Result<Self, Obstacle> {
        let mut next = self.moved(OrderEvent::Capture)?;
        if self.life.attempt.as_ref() != Some(attempt) {
            self.no_attempt_open()?;
        }
        if self.hold == HoldAxis::Lapsed {
            return Err(Obstacle::HoldLapsed);
        }
        next.paid_by(attempt, amount);
        Ok(next)
    }

    /// Money came after it had expired, and its goods are held again, by the group's hold `hold_n`.
    pub fn revived(&self, attempt: &AttemptId, amount: Minor, hold_n: i32) -> Result<Self, Obstacle> {
        let mut next = self.moved(OrderEvent::Revive)?;
        next.paid_by(attempt, amount);
        (next.hold_n, next.ended) = (hold_n, None);
        Ok(next)
    }

    fn paid_by(&mut self, attempt: &AttemptId, amount: Minor) {
        self.payment = PaymentStatus::Paid;
        self.hold = HoldAxis::Committed;
        self.life.attempt = Some(attempt.clone());
        self.life.captured = amount;
    }

    /// Buyer or merchant does not want it any more: before payment, or after it and before anything was shipped. Whoever
    /// calls this for a paid order sets its money aside in the same change.
    pub fn cancelled(&self, actor: Actor) -> Result<Self, Obstacle> {
        let next = self.moved(OrderEvent::Cancel)?;
        self.no_attempt_open()?;
        self.nothing_shipped()?;
        Ok(next.unsold(actor))
    }

    /// Nobody paid it in time.
    pub fn expired(&self) -> Result<Self, Obstacle> {
        let next = self.moved(OrderEvent::Expire)?;
        self.no_attempt_open()?;
        Ok(next.unsold(Actor::System))
    }

    fn unsold(self, actor: Actor) -> Self {
        let ended = Some(EndReason { actor, at: UnixMillis::default() });
        Self { hold: HoldAxis::Released, ended, ..self }
    }

    /// Its hold is given back although it may still be paid.
    pub fn lapsed(&self) -> Result<Self, Obstacle> {
        let next = self.moved(OrderEvent::Lapse)?;
        self.no_attempt_open()?;
        if self.hold == HoldAxis::Lapsed {
            return Err(Obstacle::Already);
        }
        Ok(Self { hold: HoldAxis::Lapsed, ..next })
    }

    /// Its lapsed hold was taken again, as the group's hold `hold_n`.
    pub fn held_again(&self, hold_n: i32) -> Result<Self, Obstacle> {
        let next = self.moved(OrderEvent::Rehold)?;
        if self.hold != HoldAxis::Lapsed {
            return Err(Obstacle::Already);
        }
        let life = Life { hold_until: None, ..next.life.clone() };
        Ok(Self { hold: HoldAxis::Held, hold_n, life, ..next })
    }

    /// Its fulfillment is stopped.
    pub fn paused(&self, reason: &str) -> Result<Self, Obstacle> {
        let mut next = self.moved(OrderEvent::Pause)?;
        if self.life.paused.as_deref() == Some(reason) {
            return Err(Obstacle::Already);
        }
        next.life.paused = Some(reason.to_owned());
        Ok(next)
    }

    /// Its fulfillment goes on.
    pub fn resumed(&self) -> Result<Self, Obstacle> {
        let mut next = self.moved(OrderEvent::Resume)?;
        if next.life.paused.take().is_none() {
            return Err(Obstacle::Already);
        }
        Ok(next)
    }

    /// Some of its goods leave.
    pub fn shipped(&self) -> Result<Self, Obstacle> {
        let next = self.moved(OrderEvent::Ship)?;
        match &self.life.paused {
            Some(reason) => Err(Obstacle::Paused(reason.clone())),
            None => Ok(next),
        }
    }

    /// A shipment of it arrived.
    pub fn delivered(&self) -> Result<Self, Obstacle> {
        self.moved(OrderEvent::Deliver)
    }

    /// Goods that were shipped come back, are to, or are not to.
    pub fn return_changed(&self) -> Result<Self, Obstacle> {
        self.moved(OrderEvent::Return)
    }

    /// The buyer has all of it.
    pub fn received(&self) -> Result<Self, Obstacle> {
        let mut next = self.moved(OrderEvent::Receive)?;
        if self.life.delivered.is_none() {
            return Err(Obstacle::NotDelivered);
        }
        next.life.completed = Some(UnixMillis::default());
        Ok(next)
    }

    /// A sum that was set aside went back.
    pub fn refund_ended(&self, amount: Minor) -> Result<Self, Obstacle> {
        let mut next = self.moved(OrderEvent::RefundEnd)?;
        next.life.refunding = Minor(self.life.refunding.0 - amount.0);
        next.life.refunded = Minor(self.life.refunded.0 + amount.0);
        let all = next.life.refunded == next.life.captured;
        next.payment = if all { PaymentStatus::Refunded } else { PaymentStatus::PartiallyRefunded };
        Ok(next)
    }

    /// A sum is set aside to go back.
    pub fn set_aside(&self, amount: Minor) -> Result<Self, Refusal> {
        let left = crate::payment::refundable(self);
        if amount.0 < 1 || amount > left {
            return Err(Refusal::RefundTooLarge { requested: amount, refundable: left, currency: self.currency });
        }
        let mut next = self
            .moved(OrderEvent::Refund)
            .map_err(|_| Refusal::OrderState { order_no: self.no.clone(), status: self.status })?;
        next.life.refunding = Minor(self.life.refunding.0 + amount.0);
        Ok(next)
    }

    /// Cancels a paid order: all that is left of its money is set aside. Returns the order and the sum.
    pub fn cancelled_and_set_aside(&self, actor: Actor) -> Result<(Self, Minor), Obstacle> {
        let mut next = self.cancelled(actor)?;
        let left = crate::payment::refundable(self);
        next.life.refunding = Minor(self.life.refunding.0 + left.0);
        Ok((next, left))
    }

    /// Whether it waits for payment and nothing is on its way.
    pub fn waits_for_payment(&self) -> bool {
        self.status == OrderStatus::PendingPayment && self.payment == PaymentStatus::Unpaid
    }
}
