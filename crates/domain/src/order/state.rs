//! The table of states: every pair (status, event) written out, once.
//!
//! Four axes describe an order: status, payment, fulfillment and hold. This table moves the status; the other axes move
//! with payment, shipment and settlement.

macro_rules! named_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
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
    /// What may happen to a stored order.
    OrderEvent {
        /// An attempt to pay opens.
        PayStart = "pay_start",
        /// The open attempt failed or was closed.
        PayEnd = "pay_end",
        /// The money is there.
        Capture = "capture",
        /// Buyer or merchant does not want it any more.
        Cancel = "cancel",
        /// The pay deadline has passed.
        Expire = "expire",
        /// Its hold is given back before payment.
        Lapse = "lapse",
        /// Its lapsed hold is taken again.
        Rehold = "rehold",
        /// Money came after it had expired, and its goods could be held again.
        Revive = "revive",
        /// Somebody stops its fulfillment, with a reason.
        Pause = "pause",
        /// Its fulfillment goes on.
        Resume = "resume",
        /// Some of its goods leave.
        Ship = "ship",
        /// A shipment arrived.
        Deliver = "deliver",
        /// The buyer has all of it, or says nothing for so long.
        Receive = "receive",
        /// Money is set aside to go back.
        Refund = "refund",
        /// A refund succeeded.
        RefundEnd = "refund_end",
        /// Goods that were shipped come back, or are to.
        Return = "return",
    }
}

/// What an event does to a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The status becomes this.
    To(OrderStatus),
    /// The status stays; the other axes move.
    Stay,
    /// It happened before: success, nothing changes.
    Already,
    /// Not in this status.
    Refused,
}

/// The table. What else must be true (no open attempt, nothing shipped, …) is in `life.rs`.
pub fn transition(status: OrderStatus, event: OrderEvent) -> Transition {
    use OrderEvent::{
        Cancel, Capture, Deliver, Expire, Lapse, Pause, PayEnd, PayStart, Receive, Refund, RefundEnd, Rehold, Resume,
        Return, Revive, Ship,
    };
    use OrderStatus::{Cancelled, Completed, Confirmed, CreateFailed, Creating, Expired, PendingPayment};
    use Transition::{Already, Refused, Stay, To};
    #[rustfmt::skip]
    #[expect(clippy::match_same_arms, reason = "the table is written out pair by pair")]
    let transition = match (status, event) {
        (Creating,       PayStart)  => Refused,
        (Creating,       PayEnd)    => Refused,
        (Creating,       Capture)   => Refused,
        (Creating,       Cancel)    => Refused,
        (Creating,       Expire)    => Refused,
        (Creating,       Lapse)     => Refused,
        (Creating,       Rehold)    => Refused,
        (Creating,       Revive)    => Refused,
        (Creating,       Pause)     => Refused,
        (Creating,       Resume)    => Refused,
        (Creating,       Ship)      => Refused,
        (Creating,       Deliver)   => Refused,
        (Creating,       Receive)   => Refused,
        (Creating,       Refund)    => Refused,
        (Creating,       RefundEnd) => Refused,
        (Creating,       Return)    => Refused,

        (PendingPayment, PayStart)  => Stay,
        (PendingPayment, PayEnd)    => Stay,
        (PendingPayment, Capture)   => To(Confirmed),
        (PendingPayment, Cancel)    => To(Cancelled),
        (PendingPayment, Expire)    => To(Expired),
        (PendingPayment, Lapse)     => Stay,
        (PendingPayment, Rehold)    => Stay,
        (PendingPayment, Revive)    => Refused,
        (PendingPayment, Pause)     => Refused,
        (PendingPayment, Resume)    => Refused,
        (PendingPayment, Ship)      => Refused,
        (PendingPayment, Deliver)   => Refused,
        (PendingPayment, Receive)   => Refused,
        (PendingPayment, Refund)    => Refused,
        (PendingPayment, RefundEnd) => Refused,
        (PendingPayment, Return)    => Refused,

        (Confirmed,      PayStart)  => Refused,
        (Confirmed,      PayEnd)    => Refused,
        (Confirmed,      Capture)   => Already,
        (Confirmed,      Cancel)    => To(Cancelled),
        (Confirmed,      Expire)    => Refused,
        (Confirmed,      Lapse)     => Refused,
        (Confirmed,      Rehold)    => Refused,
        (Confirmed,      Revive)    => Already,
        (Confirmed,      Pause)     => Stay,
        (Confirmed,      Resume)    => Stay,
        (Confirmed,      Ship)      => Stay,
        (Confirmed,      Deliver)   => Stay,
        (Confirmed,      Receive)   => To(Completed),
        (Confirmed,      Refund)    => Stay,
        (Confirmed,      RefundEnd) => Stay,
        (Confirmed,      Return)    => Stay,

        (Completed,      PayStart)  => Refused,
        (Completed,      PayEnd)    => Refused,
        (Completed,      Capture)   => Already,
        (Completed,      Cancel)    => Refused,
        (Completed,      Expire)    => Refused,
        (Completed,      Lapse)     => Refused,
        (Completed,      Rehold)    => Refused,
        (Completed,      Revive)    => Already,
        (Completed,      Pause)     => Refused,
        (Completed,      Resume)    => Refused,
        (Completed,      Ship)      => Refused,
        (Completed,      Deliver)   => Refused,
        (Completed,      Receive)   => Already,
        (Completed,      Refund)    => Stay,
        (Completed,      RefundEnd) => Stay,
        (Completed,      Return)    => Stay,

        (CreateFailed,   PayStart)  => Refused,
        (CreateFailed,   PayEnd)    => Refused,
        (CreateFailed,   Capture)   => Refused,
        (CreateFailed,   Cancel)    => Refused,
        (CreateFailed,   Expire)    => Refused,
        (CreateFailed,   Lapse)     => Refused,
        (CreateFailed,   Rehold)    => Refused,
        (CreateFailed,   Revive)    => Refused,
        (CreateFailed,   Pause)     => Refused,
        (CreateFailed,   Resume)    => Refused,
        (CreateFailed,   Ship)      => Refused,
        (CreateFailed,   Deliver)   => Refused,
        (CreateFailed,   Receive)   => Refused,
        (CreateFailed,   Refund)    => Refused,
        (CreateFailed,   RefundEnd) => Refused,
        (CreateFailed,   Return)    => Refused,

        (Cancelled,      PayStart)  => Refused,
        (Cancelled,      PayEnd)    => Refused,
        (Cancelled,      Capture)   => Refused,
        (Cancelled,      Cancel)    => Already,
        (Cancelled,      Expire)    => Refused,
        (Cancelled,      Lapse)     => Refused,
        (Cancelled,      Rehold)    => Refused,
        (Cancelled,      Revive)    => Refused,
        (Cancelled,      Pause)     => Refused,
        (Cancelled,      Resume)    => Refused,
        (Cancelled,      Ship)      => Refused,
        (Cancelled,      Deliver)   => Refused,
        (Cancelled,      Receive)   => Refused,
        (Cancelled,      Refund)    => Refused,
        (Cancelled,      RefundEnd) => Stay,
        (Cancelled,      Return)    => Refused,

        (Expired,        PayStart)  => Refused,
        (Expired,        PayEnd)    => Refused,
        (Expired,        Capture)   => Refused,
        (Expired,        Cancel)    => Refused,
        (Expired,        Expire)    => Already,
        (Expired,        Lapse)     => Refused,
        (Expired,        Rehold)    => Refused,
        (Expired,        Revive)    => To(Confirmed),
        (Expired,        Pause)     => Refused,
        (Expired,        Resume)    => Refused,
        (Expired,        Ship)      => Refused,
        (Expired,        Deliver)   => Refused,
        (Expired,        Receive)   => Refused,
        (Expired,        Refund)    => Refused,
        (Expired,        RefundEnd) => Refused,
        (Expired,        Return)    => Refused,
    };
    transition
}

impl OrderStatus {
    /// Whether a hold that was taken again may still become the order's: it waits for payment, or late money may revive it.
    pub fn may_be_held_again(self) -> bool {
        match self {
            Self::PendingPayment | Self::Expired => true,
            Self::Creating | Self::Confirmed | Self::Completed | Self::CreateFailed | Self::Cancelled => false,
        }
    }

    /// Whether the order has ended without being sold: its hold is to be given back.
    pub fn ended_unsold(self) -> bool {
        match self {
            Self::CreateFailed | Self::Cancelled | Self::Expired => true,
            Self::Creating | Self::PendingPayment | Self::Confirmed | Self::Completed => false,
        }
    }
}
