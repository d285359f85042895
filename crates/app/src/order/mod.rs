//! Orders: placing, abandoning, cancelling, expiring and reading them.

mod abandon;
mod admission;
mod cancel;
mod expire;
mod numbers;
mod place;
mod read;

pub(crate) use admission::Admission;
pub(crate) use expire::sweep_overdue;
pub(crate) use numbers::Numbers;

pub use abandon::Abandoned;
pub use place::Placed;
