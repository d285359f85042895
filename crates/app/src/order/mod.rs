//! Orders: placing, accepting, abandoning, cancelling, expiring and reading them.

mod abandon;
mod accept;
mod admission;
mod cancel;
mod expire;
mod numbers;
mod place;
mod read;
mod spend;
mod status;
mod sweep;

pub(crate) use accept::{take_up, take_up_accepted};
pub(crate) use admission::Admission;
pub(crate) use numbers::Numbers;
pub(crate) use read::{Extent, Found};
use status::Late;
pub(crate) use status::Watchers;
pub(crate) use sweep::sweep_overdue;

pub use abandon::Abandoned;
pub use accept::Submitted;
pub use place::Placed;
pub use status::{SubmitName, SubmitState, SubmitStatus};
