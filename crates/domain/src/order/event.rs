//! Kinds of events: what happened to an order, as its feed tells it.

use serde::{Deserialize, Serialize};

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
    }
}
