//! What a payment center knows, and how it misbehaves.

use std::collections::BTreeMap;

use holdline_domain::money::{Currency, Minor};

/// How often the center misbehaves, per mille of its calls.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mischief {
    /// It does nothing and says nothing.
    pub silent: u32,
    /// It does what it was asked, and its answer is lost.
    pub answer_lost: u32,
    /// A refund fails at first.
    pub refund_fails: u32,
    /// It goes away: nobody reaches it for [`Mischief::closed_ms`].
    pub closes: u32,
    /// How long it stays away, in milliseconds.
    pub closed_ms: u64,
    /// The longest time that it thinks before it acts, and again before it answers, in milliseconds.
    pub slow_ms: u64,
}

/// How a payment stands at the center.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelState {
    /// It waits for the buyer.
    Pending,
    /// The money is there.
    Captured,
    /// The buyer gave it up.
    Failed,
    /// Nobody can pay it any more.
    Closed,
}

/// A payment at the center.
#[derive(Debug, Clone)]
pub struct ModelPayment {
    /// What was asked for.
    pub amount: Minor,
    /// In what.
    pub currency: Currency,
    /// How it stands.
    pub state: ModelState,
    /// What was captured, which only a confused center lets differ.
    pub captured: Minor,
}

/// What the center knows.
#[derive(Debug, Clone, Default)]
pub struct ModelBook {
    /// Payments by key.
    pub payments: BTreeMap<String, ModelPayment>,
    /// Refunds by key: the payment, how much, and whether it has succeeded.
    pub refunds: BTreeMap<String, (String, Minor, bool)>,
    pub(super) events: u64,
}
