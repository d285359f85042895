//! Holds: what one order group claimed, and how each of its parts ended.

use serde::{Deserialize, Serialize};

use crate::id::{Fingerprint, GroupKey, SellerId, TenantId};
use crate::order::OrderNo;

/// The id of a hold within its tenant: the group's key, and which of the group's holds it is. Re-holding counts `n` up.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HoldId {
    /// The order group's key.
    pub key: GroupKey,
    /// 1 for the hold taken at submit.
    pub n: i32,
}

impl HoldId {
    /// The hold taken at submit.
    pub fn first(key: GroupKey) -> Self {
        Self { key, n: 1 }
    }
}

/// What is resolved as one: a seller's order, or what the whole group shares (coupon, points).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Part {
    /// The shared demands: commit with the first order that commits, released when the last order ends without one.
    Group,
    /// One seller's order.
    Seller(SellerId),
}

/// How a part stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartState {
    /// Claimed.
    Held,
    /// Sold.
    Committed,
    /// Given back.
    Released,
}

/// One claim of a hold: how much of which account, for which part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldLine {
    /// The part it belongs to.
    pub part: Part,
    /// The store's number of the account.
    pub account_no: i64,
    /// Units claimed: all demands of the part on the account, summed.
    pub quantity: i64,
}

/// A hold as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldRecord {
    /// The ledger sequence of its first movement: the store's number of the hold, unique over all time.
    pub hold_no: i64,
    /// Whose hold.
    pub tenant: TenantId,
    /// Its id.
    pub id: HoldId,
    /// The fingerprint of the request that took it.
    pub content: Fingerprint,
    /// The order numbers drawn for the group: a second attempt with the same key goes on with the same numbers.
    pub order_nos: Vec<(SellerId, OrderNo)>,
    /// Each part's state, sorted by part.
    pub parts: Vec<(Part, PartState)>,
    /// Its claims, sorted by part and account: its movements `hold_no ..` in this order.
    pub lines: Vec<HoldLine>,
}

impl HoldRecord {
    /// The state of one part, or `None` if the hold has no such part.
    pub fn part(&self, part: &Part) -> Option<PartState> {
        self.parts.iter().find(|(p, _)| p == part).map(|(_, state)| *state)
    }

    /// Whether any part is still held.
    pub fn is_open(&self) -> bool {
        self.parts.iter().any(|(_, state)| *state == PartState::Held)
    }

    /// Whether any part was given back.
    pub fn any_released(&self) -> bool {
        self.parts.iter().any(|(_, state)| *state == PartState::Released)
    }
}
