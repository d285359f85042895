//! Returns: shipped goods that come back. Nothing returns to stock without a decision (F25).

use super::LineQuantity;
use crate::id::{Fingerprint, TenantId, Version};
use crate::money::Minor;
use crate::order::OrderNo;
use crate::order::state::named_enum;
use crate::payment::stamp;
use crate::time::UnixMillis;

named_enum! {
    /// Where a return stands.
    ReturnState {
        /// The buyer asked for it.
        Requested = "requested",
        /// The merchant agreed; the goods are on their way back.
        Approved = "approved",
        /// The merchant does not take them.
        Rejected = "rejected",
        /// They arrived and were inspected.
        Received = "received",
    }
}

/// Shipped goods that come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Return {
    /// Whose.
    pub tenant: TenantId,
    /// Of which order.
    pub order_no: OrderNo,
    /// Which of the order's returns, from 1.
    pub n: i32,
    /// One more with each change.
    pub version: Version,
    /// What comes back, by line.
    pub lines: Vec<LineQuantity>,
    /// Where it stands.
    pub state: ReturnState,
    /// Why, in the buyer's words. Never logged.
    pub reason: Option<String>,
    /// What is to be paid back for it, as decided with the approval; once it is received, what of that was left to be paid.
    pub amount: Minor,
    /// What of it may be sold again, as decided at the inspection.
    pub restocked: Vec<LineQuantity>,
    /// The number of the refund that pays it back, among those of the order's attempt.
    pub refund_n: Option<i32>,
    /// The fingerprint of the request, its key included.
    pub request: Fingerprint,
    /// When it was asked for; set by the store's batch.
    pub requested: UnixMillis,
    /// When it was last decided; set by the store's batch.
    pub decided: Option<UnixMillis>,
}

impl Return {
    /// Turns what a draft leaves to the store's batch into instants.
    pub fn stamp(&mut self, now: UnixMillis) {
        stamp(&mut self.requested, now);
        if let Some(decided) = &mut self.decided {
            stamp(decided, now);
        }
    }

    /// Whether its units are on their way back, or are back.
    pub fn counts(&self) -> bool {
        match self.state {
            ReturnState::Requested | ReturnState::Approved | ReturnState::Received => true,
            ReturnState::Rejected => false,
        }
    }
}
