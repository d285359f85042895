//! Ports: what the product needs of the world, in the words of the domain.
//!
//! A store has one write entry per database that takes a whole batch; no transaction handle crosses a port. Batches are
//! bounded by the caller. Every write may be sent again unchanged after an unknown outcome.

mod catalog;
mod hold_check;
mod ledger;
mod order;
mod tenant;

pub use catalog::CatalogStore;
pub use hold_check::{HoldChecker, HoldQuestion, HoldWord, NobodyAsks};
pub use ledger::{DueDeadline, DueDeadlines, EndedPeriods, HoldVisit, LedgerStore, MovementPage};
pub use order::{EventPage, FeedPosition, OrderPage, OrderStore};
pub use tenant::TenantStore;
