//! What is not settled: attempts, refunds and callbacks whose money has no final place.

use crate::order::state::named_enum;
use crate::time::UnixMillis;

named_enum! {
    /// What kind of row waits.
    UnsettledKind {
        /// An attempt: past its deadline, captured and of no order, or doubted.
        Attempt = "attempt",
        /// A refund that has not succeeded.
        Refund = "refund",
        /// A callback that is not done: contradicted, of an unknown payment, or not acted on.
        Callback = "callback",
    }
}

/// How much of one kind is not settled, over all tenants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UnsettledCount {
    /// Rows that have waited longer than a bound.
    pub overdue: usize,
    /// Since when the oldest waits, overdue or not.
    pub oldest: Option<UnixMillis>,
}
