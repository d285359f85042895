//! A dependency failed: what is known of the outcome, and what the operator must read.
//!
//! A fault is never a business answer ([`crate::refusal`]) and never our own mistake (a panic). What matters to the
//! caller is one thing: did the write happen?

use std::error::Error as StdError;

/// What is known about a write after a dependency failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was written: the transaction is known to be rolled back, or never began.
    NotDone,
    /// The answer was lost; the write may or may not be durable. The same request sent again unchanged tells.
    Unknown,
}

/// Why a dependency failed, as far as it changes what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The dependency cannot be reached or went away. Trying again later may help.
    Unavailable,
    /// Two writers collided (unique key, serialization, deadlock). Trying again at once helps.
    Conflict,
    /// The store has no room left.
    Full,
    /// The clock of the database cannot be trusted (see [`crate::time::ShardClock`]). Writing stops.
    Clock,
    /// The stored schema or row is not what this version understands.
    Schema,
    /// The dependency refuses the statement itself: a poison request, or a defect.
    Rejected,
}

/// A failed dependency.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{dependency}: {message}")]
pub struct Fault {
    /// Which dependency, as the operator knows it: `orders`, `ledger`, …
    pub dependency: &'static str,
    /// The class of failure.
    pub kind: FaultKind,
    /// Whether the write may have happened.
    pub outcome: Outcome,
    /// For the log. Never shown to a client, never carries personal data.
    pub message: String,
    /// The error that caused it.
    #[source]
    pub source: Option<std::sync::Arc<dyn StdError + Send + Sync>>,
}

impl Fault {
    /// A fault after which nothing was written.
    pub fn not_done(dependency: &'static str, kind: FaultKind, message: impl Into<String>) -> Self {
        Self { dependency, kind, outcome: Outcome::NotDone, message: message.into(), source: None }
    }

    /// A fault after which the write may be durable.
    pub fn unknown(dependency: &'static str, kind: FaultKind, message: impl Into<String>) -> Self {
        Self { dependency, kind, outcome: Outcome::Unknown, message: message.into(), source: None }
    }

    /// Keeps the error that caused this fault.
    #[must_use]
    pub fn caused_by(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(std::sync::Arc::new(source));
        self
    }
}
