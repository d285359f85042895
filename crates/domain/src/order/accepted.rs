//! Submits that are answered before they are decided: the client is told their order numbers and an instant, and by that
//! instant there are orders under these numbers, or a refusal that says why not.
//!
//! What is stored here is a to-do, never an end: a submit ends with its group row alone, which takes the to-do away in
//! the same transaction.

use super::{GroupState, OrderGroup, OrderNo, Submit};
use crate::id::{BuyerId, Fingerprint, GroupKey, SellerId, TenantId};
use crate::refusal::Refusal;
use crate::time::UnixMillis;

/// What a client was promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// Who buys.
    pub buyer: BuyerId,
    /// The fingerprint of the request.
    pub content: Fingerprint,
    /// The numbers that the orders will have, by seller.
    pub order_nos: Vec<(SellerId, OrderNo)>,
    /// When it was accepted; set by the store's batch.
    pub accepted: UnixMillis,
    /// When it is decided at the latest: from then on anyone may end it. In a draft: the interval in milliseconds; the
    /// store's batch adds its "now".
    pub decide_by: UnixMillis,
}

impl Acceptance {
    /// The number that was promised for a seller's order.
    pub fn number_of(&self, seller: &SellerId) -> Option<&OrderNo> {
        self.order_nos.iter().find(|(of, _)| of == seller).map(|(_, order_no)| order_no)
    }

    /// The row that ends the promised submit of this key because its time is over.
    pub fn not_in_time(&self, tenant: TenantId, key: GroupKey) -> OrderGroup {
        OrderGroup {
            content: Some(self.content),
            state: GroupState::Refused { refusal: Refusal::NotDecidedInTime { decide_by: self.decide_by } },
            ..OrderGroup::tombstone(tenant, key, Some(self.buyer.clone()))
        }
    }
}

/// A promise and the request that it was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedSubmit {
    /// The request, whole: any process can go on with it.
    pub submit: Submit,
    /// What its client was told.
    pub acceptance: Acceptance,
}

impl AcceptedSubmit {
    /// Whose submit, and which.
    pub fn id(&self) -> (TenantId, GroupKey) {
        (self.submit.tenant, self.submit.key.clone())
    }
}

/// What is stored of a submit by its key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredSubmit {
    /// Its end, if it has one.
    pub group: Option<OrderGroup>,
    /// The promise, as long as it is not kept.
    pub acceptance: Option<Acceptance>,
}
