//! Payment: opening attempts, hearing what providers say, giving money back.
//!
//! Nothing is asked of a provider before the question is durable here: an attempt is written before it is created, a
//! refund is *submitted* before it is sent. What a provider says, by an answer, a callback or when it is asked again,
//! goes one way: [`App::hear`]. What is not settled has an instant at which some process looks at it again (`follow.rs`),
//! for as long as it takes.
//!
//! What each crash comes to is in ARCHITECTURE.md, rows B0 to B8.

mod accounts;
mod callback;
mod close;
mod follow;
mod hear;
mod late;
mod open;
mod refund;
mod rehold;
mod unsettled;
mod view;

pub(crate) use accounts::{Accounts, keep_fresh};
pub(crate) use follow::{follow_attempts, follow_callbacks, follow_refunds};
pub use open::{PayRequest, PayScope};
pub use refund::RefundRequest;
pub use unsettled::Unsettled;
pub(crate) use unsettled::watch_unsettled;
pub use view::Payment;

/// How often a change that lost a race is decided anew. Each loss means that somebody else made progress.
const TRIES_MAX: usize = 8;
/// How long after its deadline an open attempt is closed, in milliseconds: the provider's own end comes first.
const GRACE_MS: i64 = 2_000;
