//! Order groups: one submit. One row is idempotency record, insert guard and tombstone at once.

use serde::{Deserialize, Serialize};

use super::OrderNo;
use crate::id::{BuyerId, Fingerprint, GroupKey, TenantId};
use crate::refusal::Refusal;
use crate::time::UnixMillis;

/// What became of a submit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum GroupState {
    /// Orders exist, one per seller.
    Placed {
        /// Their numbers, in the order of the sellers.
        order_nos: Vec<OrderNo>,
    },
    /// Refused after the hold: the key is spent and the refusal is replayed.
    Refused {
        /// The refusal, as it was first answered.
        refusal: Refusal,
    },
    /// Tombstone: there is no order under this key, and there never will be.
    Abandoned,
}

/// One submit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderGroup {
    /// Whose.
    pub tenant: TenantId,
    /// The submit's identity.
    pub key: GroupKey,
    /// The fingerprint of the request. `None` on a tombstone: whoever wrote it did not know the request.
    pub content: Option<Fingerprint>,
    /// The buyer. `None` on a tombstone of the reaper, which knows only the key.
    pub buyer: Option<BuyerId>,
    /// What became of it.
    pub state: GroupState,
    /// When it was written; set by the store's batch, 0 in a draft.
    pub created: UnixMillis,
}

impl OrderGroup {
    /// A tombstone: whoever comes later with this key finds "never".
    pub fn tombstone(tenant: TenantId, key: GroupKey, buyer: Option<BuyerId>) -> Self {
        Self { tenant, key, content: None, buyer, state: GroupState::Abandoned, created: UnixMillis::default() }
    }
}
