//! Orders: how a submit becomes orders, how an order lives, and what may be written about it.
//!
//! [`quote`] judges a submit against the catalog, [`Quote::orders`] splits it by seller, [`state`] is the one table of
//! states, [`change`] is the one form in which anything about orders is written, [`number`] draws order numbers.

mod accepted;
pub mod change;
mod event;
mod group;
mod life;
pub mod number;
mod offer;
mod quote;
mod record;
pub mod state;

#[cfg(test)]
mod accepted_tests;
#[cfg(test)]
pub(crate) mod change_tests;
#[cfg(test)]
mod life_tests;
#[cfg(test)]
mod number_tests;
#[cfg(test)]
mod offer_tests;
#[cfg(test)]
mod quote_tests;

pub use accepted::{Acceptance, AcceptedSubmit, StoredSubmit};
pub use event::EventKind;
pub use group::{GroupState, OrderGroup};
pub use life::Obstacle;
pub use number::OrderNo;
pub use offer::{Offer, Source, demands};
pub use quote::{Adjustment, AdjustmentKind, AdjustmentTarget, Limits, Quote, QuotePart, Submit, SubmitLine, quote};
pub use record::{Actor, EndReason, HoldAxis, Life, Order, OrderLine, Snapshot};
pub use state::{FulfillmentStatus, OrderEvent, OrderStatus, PaymentStatus};
