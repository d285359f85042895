//! Kinds of events: what happened to an order, as its feed tells it.

use super::state::named_enum;

named_enum! {
    /// What happened to an order. The code is part of the stored format.
    EventKind {
        /// It was placed and waits for payment.
        Placed = "order.placed",
        /// It was placed with nothing to pay, or has been paid.
        Confirmed = "order.confirmed",
        /// Buyer or merchant ended it.
        Cancelled = "order.cancelled",
        /// Its deadline passed unpaid.
        Expired = "order.expired",
        /// Its hold was counted up, so that a hold it never learnt of can be given back.
        HoldRaised = "order.hold_raised",
        /// An attempt to pay was opened.
        PaymentStarted = "order.payment_started",
        /// The open attempt failed or was closed.
        PaymentEnded = "order.payment_ended",
        /// Its hold was given back before payment.
        HoldLapsed = "order.hold_lapsed",
        /// Its lapsed hold was taken again.
        HeldAgain = "order.held_again",
        /// Its fulfillment was stopped.
        Paused = "order.paused",
        /// Its fulfillment goes on.
        Resumed = "order.resumed",
        /// Some of its goods left.
        Shipped = "order.shipped",
        /// A shipment arrived.
        Delivered = "order.delivered",
        /// The buyer has all of it.
        Completed = "order.completed",
        /// Money was set aside to go back.
        RefundStarted = "order.refund_started",
        /// A refund succeeded.
        RefundEnded = "order.refund_ended",
        /// A return was asked for, decided, or came back.
        ReturnChanged = "order.return_changed",
    }
}
