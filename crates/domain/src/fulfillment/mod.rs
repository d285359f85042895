//! Fulfillment: what was shipped of an order, what arrived, and what comes back.
//!
//! A [`Shipment`] is one parcel of some lines; a [`Return`] is goods that were shipped and come back. What is left to ship
//! or to return of a line is never stored: it is summed up from these rows and the refunds, all under the order's version.
//!
//! Deliberately absent: picking and packing, exchanges, claims against carriers.

mod goods;
mod returns;
mod shipment;

#[cfg(test)]
mod goods_tests;

pub use goods::{Claim, Goods, cost, ended_reference};
pub use returns::{Return, ReturnState};
pub use shipment::{LineQuantity, Shipment, ShipmentState, units_of};
