//! The ledger of holds: why nothing is oversold.
//!
//! Everything scarce is an [`Account`]. A [`HoldRecord`] is an all-or-nothing claim of one order group on several
//! accounts, resolved part by part, each part exactly once. [`decide`] is the whole rule: a pure function over the rows
//! that an engine read and locked for one batch.
//!
//! At every instant, per account: `on_hand = Σ adjust + Σ transfer − Σ ship`, `held = Σ open holds`,
//! `allocated = Σ commit − Σ ship − Σ unallocate`, each change being one [`Movement`].
//!
//! Deliberately absent: a clock (a hold ends only when somebody with the right says so), queues, SQL.

mod account;
mod closing;
mod decide;
mod hold;
mod movement;
mod outside;
mod period;
mod request;
mod rows;

#[cfg(test)]
mod decide_tests;
#[cfg(test)]
mod period_tests;

pub use account::{Account, AccountKey, Flags, QuotaKey, StockKey};
pub use closing::{AccountSums, ClosedMovement, Closing, Closings, Walked, walk};
pub use decide::{decide, shortages};
pub use hold::{HoldId, HoldLine, HoldRecord, Part, PartState};
pub use movement::{Movement, MovementKind};
pub use outside::{CheckUrl, Deadline, DeadlineWrite, Outside, OutsideRequest, OutsideWrite, Terms};
pub use period::{EndedPeriod, Opening, PERIODS_MAX, Period, PeriodAnswer, Rest, opening, put_period};
pub use request::{Demand, LedgerAnswer, LedgerRequest, Resolution, Shortage, ShortageCause};
pub use rows::{AccountDelta, Decided, FlagsWrite, Guard, GuardKeys, HoldUpdate, StoredReference};
