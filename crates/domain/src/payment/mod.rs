//! Payments: what is owed, what was tried at a provider, what was captured, and what is given back.
//!
//! An **intent** is what is owed for one order or for a whole group. It has no row of its own: its number is made from an
//! order number ([`PaymentNo`]), its amount is what its orders say. An **attempt** ([`Attempt`]) is one try at a provider,
//! and carries what the provider captured. A [`Refund`] gives captured money back.
//!
//! Invariants: an order has at most one open attempt, and while it has one it neither expires nor is cancelled; captured
//! money is attached to live orders in the very transaction that confirms them, or is unattached and then refunded, or
//! used to revive them; what is refunded never exceeds what was captured, judged on the order's row under its version.
//!
//! Deliberately absent: money held at a provider without capture (authorize, then capture), partial captures.

mod attempt;
mod callback;
mod hear;
mod intent;
mod provider;
mod refund;
mod unsettled;

#[cfg(test)]
mod hear_tests;
#[cfg(test)]
mod refund_tests;

pub use attempt::{Attempt, AttemptFlag, AttemptState, Captured, Share};
pub use callback::{Callback, CallbackState};
pub use hear::{Heard, hear, hear_refund};
pub use intent::{AttemptId, PaymentNo};
pub use provider::{ProviderAccount, ProviderKind, ProviderName};
pub use refund::{Refund, RefundReason, RefundState, refundable};
pub use unsettled::{UnsettledCount, UnsettledKind};

pub(crate) use attempt::stamp;
