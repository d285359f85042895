//! An order as stored: one seller's part of a group, with its lines and the snapshots they were sold from.

use serde::{Deserialize, Serialize};

use super::state::{FulfillmentStatus, OrderStatus, PaymentStatus, named_enum};
use super::{Adjustment, OrderNo};
use crate::id::{BuyerId, ClientId, GroupKey, Quantity, SellerId, SkuCode, TenantId, Version};
use crate::ledger::Part;
use crate::money::{Currency, Minor};
use crate::payment::AttemptId;
use crate::time::UnixMillis;

named_enum! {
    /// What an order decided about its hold. The ledger follows through the feed, a moment later.
    HoldAxis {
        /// Claimed.
        Held = "held",
        /// Gone before payment.
        Lapsed = "lapsed",
        /// Sold.
        Committed = "committed",
        /// Given back.
        Released = "released",
    }
}

named_enum! {
    /// Who acts on an order.
    Actor {
        /// The buyer, through the shop.
        Buyer = "buyer",
        /// The seller or the shop's staff.
        Merchant = "merchant",
        /// Holdline itself.
        System = "system",
    }
}

/// Why and when an order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndReason {
    /// Who ended it.
    pub actor: Actor,
    /// When; set by the store's batch.
    pub at: UnixMillis,
}

/// What the buyer was sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Snapshot {
    /// This version of the SKU in the catalog.
    Catalog(Version),
    /// What the caller sent: opaque JSON, or nothing.
    Caller(Option<String>),
}

impl Snapshot {
    /// How many bytes of the caller's it keeps.
    pub fn stored_bytes(&self) -> usize {
        match self {
            Self::Catalog(_) | Self::Caller(None) => 0,
            Self::Caller(Some(json)) => json.len(),
        }
    }
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLine {
    /// Place of the line in the submit, from 1.
    pub line_no: i32,
    /// What.
    pub sku: SkuCode,
    /// How many.
    pub quantity: Quantity,
    /// The title it was sold under.
    pub title: String,
    /// The price of one unit.
    pub unit_price: Minor,
    /// Unit price times quantity.
    pub total: Minor,
    /// The goods information it was sold from.
    pub snapshot: Snapshot,
}

/// What happens to an order after it was placed, beyond its axes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Life {
    /// The attempt that is open, or the one that paid it.
    pub attempt: Option<AttemptId>,
    /// What that attempt captured for it.
    pub captured: Minor,
    /// What is set aside of it to go back: refunds that have not succeeded.
    pub refunding: Minor,
    /// What went back.
    pub refunded: Minor,
    /// Until when its hold is kept although nobody pays; `None`: until the pay deadline. In a draft: the interval.
    pub hold_until: Option<UnixMillis>,
    /// Why its fulfillment is stopped, if it is.
    pub paused: Option<String>,
    /// When the last of its shipments arrived; set by the store's batch.
    pub delivered: Option<UnixMillis>,
    /// When the buyer had all of it; set by the store's batch.
    pub completed: Option<UnixMillis>,
}

/// One seller's part of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Whose.
    pub tenant: TenantId,
    /// Its number.
    pub no: OrderNo,
    /// The group it was placed in.
    pub group: GroupKey,
    /// Which of the group's holds is its current one.
    pub hold_n: i32,
    /// The integration that placed it.
    pub client: ClientId,
    /// Who buys.
    pub buyer: BuyerId,
    /// Who sells.
    pub seller: SellerId,
    /// Through which channel; may be empty.
    pub channel: String,
    /// Where it stands.
    pub status: OrderStatus,
    /// Where its payment stands.
    pub payment: PaymentStatus,
    /// Where its goods are.
    pub fulfillment: FulfillmentStatus,
    /// Where its hold stands.
    pub hold: HoldAxis,
    /// One more with each change.
    pub version: Version,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// Sum of the lines.
    pub goods: Minor,
    /// Sum of the freight adjustments.
    pub freight: Minor,
    /// Sum of the discount adjustments.
    pub discount: Minor,
    /// What is owed: goods + freight − discount.
    pub total: Minor,
    /// Its lines, in the order of the submit: one at least, or none where they were not read
    /// ([`crate::port::OrderStore::order_heads`]).
    pub lines: Vec<OrderLine>,
    /// Its adjustments.
    pub adjustments: Vec<Adjustment>,
    /// Where to, opaque JSON. Never logged.
    pub address: Option<String>,
    /// The buyer's words. Never logged.
    pub note: Option<String>,
    /// When it was placed; set by the store's batch.
    pub created: UnixMillis,
    /// Until when it may be paid. In a draft: the allowed interval in milliseconds; the store's batch adds its "now".
    pub pay_deadline: UnixMillis,
    /// How it ended, if it ended unsold.
    pub ended: Option<EndReason>,
    /// Its payment, refunds and arrival.
    pub life: Life,
}

impl Order {
    /// The part of the group's hold that belongs to this order.
    pub fn part(&self) -> Part {
        Part::Seller(self.seller.clone())
    }

    /// Whether the order must not be shown as payable at `now`, although no one has written that yet. An open attempt keeps it:
    /// its money counts whenever it comes.
    pub fn is_overdue(&self, now: UnixMillis) -> bool {
        self.status == OrderStatus::PendingPayment
            && self.payment != PaymentStatus::Processing
            && now >= self.pay_deadline
    }
}
