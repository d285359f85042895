//! Shipments: goods of an order on their way.

use serde::{Deserialize, Serialize};

use crate::id::{Fingerprint, TenantId, Version};
use crate::order::OrderNo;
use crate::order::state::named_enum;
use crate::payment::stamp;
use crate::time::UnixMillis;

named_enum! {
    /// Where a shipment is.
    ShipmentState {
        /// It left.
        Shipped = "shipped",
        /// It arrived.
        Delivered = "delivered",
    }
}

/// Units of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LineQuantity {
    /// The line.
    pub line_no: i32,
    /// How many of its units; at least 1.
    pub quantity: i64,
}

/// The units of one line among these.
pub fn units_of<'a>(line_no: i32, lines: impl IntoIterator<Item = &'a LineQuantity>) -> i64 {
    lines.into_iter().filter(|line| line.line_no == line_no).map(|line| line.quantity).sum()
}

/// Goods of an order on their way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipment {
    /// Whose.
    pub tenant: TenantId,
    /// Of which order.
    pub order_no: OrderNo,
    /// Which of the order's shipments, from 1.
    pub n: i32,
    /// One more with each change.
    pub version: Version,
    /// What is in it, by line.
    pub lines: Vec<LineQuantity>,
    /// Who carries it.
    pub carrier: Option<String>,
    /// The carrier's number of it.
    pub tracking: Option<String>,
    /// Where it is.
    pub state: ShipmentState,
    /// The fingerprint of the request, its key included.
    pub request: Fingerprint,
    /// When it left; set by the store's batch.
    pub shipped: UnixMillis,
    /// When it arrived; set by the store's batch.
    pub delivered: Option<UnixMillis>,
}

impl Shipment {
    /// Turns what a draft leaves to the store's batch into instants.
    pub fn stamp(&mut self, now: UnixMillis) {
        stamp(&mut self.shipped, now);
        if let Some(delivered) = &mut self.delivered {
            stamp(delivered, now);
        }
    }
}
