//! Refunds: captured money on its way back.
//!
//! *created* means that nothing was sent: the sum is set aside on the order's row in the same transaction, so that two
//! refunds at once cannot exceed what was captured. Only then the provider is asked, with the refund's id as its key.

use super::AttemptId;
use super::attempt::{stamp, stamp_next};
use crate::fulfillment::LineQuantity;
use crate::id::{Fingerprint, TenantId, Version};
use crate::money::{Currency, Minor};
use crate::order::state::named_enum;
use crate::order::{Order, OrderNo};
use crate::time::UnixMillis;

named_enum! {
    /// Where a refund stands.
    RefundState {
        /// Set aside; nothing was sent to the provider.
        Created = "created",
        /// Sent; how it ends is not known yet.
        Submitted = "submitted",
        /// The money is back.
        Succeeded = "succeeded",
        /// The provider says no. It may be sent again, with the same key.
        Failed = "failed",
    }
}

named_enum! {
    /// Why money goes back.
    RefundReason {
        /// The order was cancelled after payment.
        Cancelled = "cancelled",
        /// Goods that were not shipped are not wanted any more.
        Unshipped = "unshipped",
        /// Goods came back.
        Returned = "returned",
        /// A sum without goods.
        Goodwill = "goodwill",
        /// The money came when its orders had ended.
        Late = "late_payment",
        /// The orders were paid by another attempt.
        Duplicate = "duplicate_payment",
        /// Another amount than was owed.
        WrongAmount = "wrong_amount",
        /// The money belongs to no order that is known here.
        Orphan = "orphan_payment",
    }
}

/// Money on its way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Whose.
    pub tenant: TenantId,
    /// The attempt that captured it.
    pub attempt: AttemptId,
    /// Which refund of the attempt, from 1. With the attempt it is the key at the provider.
    pub n: i32,
    /// One more with each change.
    pub version: Version,
    /// Of which order; `None`: the money belongs to none.
    pub order_no: Option<OrderNo>,
    /// How much.
    pub amount: Minor,
    /// In what.
    pub currency: Currency,
    /// Why.
    pub reason: RefundReason,
    /// Why, in the words of whoever asked for it. Never logged.
    pub note: Option<String>,
    /// Unshipped units that it takes off the order; their stock is available again.
    pub lines: Vec<LineQuantity>,
    /// Where it stands.
    pub state: RefundState,
    /// The fingerprint of the request, its key included; `None`: Holdline itself wants it.
    pub request: Option<Fingerprint>,
    /// The provider's own number of it.
    pub reference: Option<String>,
    /// What the provider said when it failed.
    pub error: Option<String>,
    /// When it was created; set by the store's batch.
    pub created: UnixMillis,
    /// How often it was sent or asked for since it last changed its state.
    pub tries: i32,
    /// When to send it or ask for it next; `None`: there is nothing left to do. In a write it may be an interval, as
    /// [`super::Attempt::next_look`].
    pub next_try: Option<UnixMillis>,
}

impl Refund {
    /// The key that the provider knows it by: at most 36 characters.
    pub fn key(&self) -> String {
        format!("{}-R{}", self.attempt, self.n)
    }

    /// The attempt and the number of a key.
    pub fn parse_key(key: &str) -> Option<(AttemptId, i32)> {
        let (attempt, n) = key.rsplit_once("-R")?;
        let n = n.parse().ok().filter(|n| *n >= 1)?;
        Some((AttemptId::from_stored(attempt)?, n))
    }

    /// Turns what a draft leaves to the store's batch into instants.
    pub fn stamp(&mut self, now: UnixMillis) {
        stamp(&mut self.created, now);
        stamp_next(&mut self.next_try, now);
    }

    /// Since when it has not come to its end; `None`: it has.
    pub fn unsettled_since(&self) -> Option<UnixMillis> {
        self.next_try.map(|_| self.created)
    }

    /// The same refund in another state, one version on.
    #[must_use]
    pub fn next(&self, state: RefundState) -> Self {
        let mut next = Self { state, version: self.version.next(), ..self.clone() };
        if state != self.state {
            next.tries = 0;
        }
        next
    }

    /// A refund to be sent at once, of money that belongs to no order until `order_no` says so.
    pub fn draft(tenant: TenantId, attempt: AttemptId, n: i32, sum: (Minor, Currency), reason: RefundReason) -> Self {
        Self {
            tenant,
            attempt,
            n,
            version: Version::FIRST,
            order_no: None,
            amount: sum.0,
            currency: sum.1,
            reason,
            note: None,
            lines: Vec::new(),
            state: RefundState::Created,
            request: None,
            reference: None,
            error: None,
            created: UnixMillis::default(),
            tries: 0,
            next_try: Some(UnixMillis::default()),
        }
    }

    /// A refund of an order's money.
    pub fn of_order(order: &Order, attempt: AttemptId, n: i32, amount: Minor, reason: RefundReason) -> Self {
        let draft = Self::draft(order.tenant, attempt, n, (amount, order.currency), reason);
        Self { order_no: Some(order.no.clone()), ..draft }
    }
}

/// How much of an order may still be given back.
pub fn refundable(order: &Order) -> Minor {
    Minor(order.life.captured.0 - order.life.refunding.0 - order.life.refunded.0)
}
