//! The table of states: every pair (status, event) written out, once.
//!
//! Four axes describe an order: status, payment, fulfillment and hold. This table moves the status; the other axes move
//! with payment, shipment and settlement.

use serde::{Deserialize, Serialize};

macro_rules! named_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in SQL, API and console.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The value of a name.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use named_enum;

named_enum! {
    /// Where an order stands.
    OrderStatus {
        /// Accepted, not yet held or stored.
        Creating = "creating",
        /// Placed; its stock is held until the pay deadline.
        PendingPayment = "pending_payment",
        /// Paid, or nothing to pay.
        Confirmed = "confirmed",
        /// Delivered and received.
        Completed = "completed",
        /// Never came to be.
        CreateFailed = "create_failed",
        /// Ended by buyer or merchant.
        Cancelled = "cancelled",
        /// Ended unpaid at its deadline.
        Expired = "expired",
    }
}

named_enum! {
    /// Where its payment stands.
    PaymentStatus {
        /// Nothing paid yet.
        Unpaid = "unpaid",
        /// An attempt is open.
        Processing = "processing",
        /// Reserved at the provider, not captured.
        Authorized = "authorized",
        /// Less captured than owed.
        PartiallyPaid = "partially_paid",
        /// All captured, or nothing owed.
        Paid = "paid",
        /// Some given back.
        PartiallyRefunded = "partially_refunded",
        /// All given back.
        Refunded = "refunded",
        /// More captured than owed.
        Overpaid = "overpaid",
    }
}

named_enum! {
    /// Where its goods are.
    FulfillmentStatus {
        /// Nothing prepared.
        Unfulfilled = "unfulfilled",
        /// Some lines prepared.
        PartiallyFulfilled = "partially_fulfilled",
        /// All lines prepared.
        Fulfilled = "fulfilled",
        /// Some lines on their way.
        PartiallyShipped = "partially_shipped",
        /// All lines on their way.
        Shipped = "shipped",
        /// Some lines arrived.
        PartiallyDelivered = "partially_delivered",
        /// All lines arrived.
        Delivered = "delivered",
        /// Some lines came back.
        PartiallyReturned = "partially_returned",
        /// All lines came back.
        Returned = "returned",
    }
}

named_enum! {
    /// What may happen to the status of a stored order.
    OrderEvent {
        /// Buyer or merchant does not want it any more.
        Cancel = "cancel",
        /// The pay deadline has passed.
        Expire = "expire",
    }
}

/// What an event does to a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The status becomes this.
    To(OrderStatus),
    /// It happened before: success, nothing changes.
    Already,
    /// Not in this status.
    Refused,
}

/// The table.
pub fn transition(status: OrderStatus, event: OrderEvent) -> Transition {
    use OrderEvent::{Cancel, Expire};
    use OrderStatus::{Cancelled, Completed, Confirmed, CreateFailed, Creating, Expired, PendingPayment};
    use Transition::{Already, Refused, To};
    #[rustfmt::skip]
    #[expect(clippy::match_same_arms, reason = "the table is written out pair by pair")]
    let transition = match (status, event) {
        (Creating,       Cancel) => Refused,
        (Creating,       Expire) => Refused,
        (PendingPayment, Cancel) => To(Cancelled),
        (PendingPayment, Expire) => To(Expired),
        (Confirmed,      Cancel) => Refused,
        (Confirmed,      Expire) => Refused,
        (Completed,      Cancel) => Refused,
        (Completed,      Expire) => Refused,
        (CreateFailed,   Cancel) => Refused,
        (CreateFailed,   Expire) => Refused,
        (Cancelled,      Cancel) => Already,
        (Cancelled,      Expire) => Refused,
        (Expired,        Cancel) => Refused,
        (Expired,        Expire) => Already,
    };
    transition
}

impl OrderStatus {
    /// Whether the order has ended without being sold: its hold is to be given back.
    pub fn ended_unsold(self) -> bool {
        match self {
            Self::CreateFailed | Self::Cancelled | Self::Expired => true,
            Self::Creating | Self::PendingPayment | Self::Confirmed | Self::Completed => false,
        }
    }
}
