//! What Holdline knows and decides: the ledger of holds, the life of an order, the catalog, and the ports to the world.
//!
//! Invariants: nothing here does I/O, reads a clock, draws a random number, waits, or knows SQL or HTTP. Time, ids and
//! stored rows are arguments; decisions are return values. The same functions decide on SQLite, on PostgreSQL and in
//! the simulator.
//!
//! Deliberately absent: queues and batching (`holdline-app`), persistence (`holdline-store`), wire formats
//! (`holdline-gateway`).

pub mod catalog;
pub mod fault;
pub mod feed;
pub mod fulfillment;
pub mod id;
pub mod ledger;
pub mod money;
pub mod order;
pub mod payment;
pub mod port;
pub mod refusal;
pub mod tenant;
pub mod time;
pub mod webhook;
