//! How a use case can end without its result.

use holdline_domain::fault::{Fault, Outcome};
use holdline_domain::id::InvalidField;
use holdline_domain::refusal::Refusal;

/// Not the result that was asked for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A business no.
    #[error("refused: {}", .0.code())]
    Refused(Refusal),
    /// Too much is waiting. Nothing was begun.
    #[error("the {queue} queue is full")]
    Busy {
        /// Which queue.
        queue: &'static str,
        /// When to try again.
        retry_after_ms: u64,
    },
    /// It may or may not have happened; the same request with the same key tells.
    #[error("the outcome is not known yet")]
    OutcomeUnknown,
    /// A dependency failed and nothing was written that the caller must know of.
    #[error(transparent)]
    Fault(Fault),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<InvalidField> for Error {
    fn from(invalid: InvalidField) -> Self {
        Self::Refused(Refusal::InvalidField(invalid))
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault.outcome {
            Outcome::NotDone => Self::Fault(fault),
            Outcome::Unknown => Self::OutcomeUnknown,
        }
    }
}
