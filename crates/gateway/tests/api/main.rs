//! The HTTP API over the real app on model stores. Folders mirror the paths; `authorization.rs` walks every
//! operation, `state_table/` every event of an order in every state.

#![expect(clippy::unwrap_used, reason = "every line here is a test or serves one: a panic is how it fails")]

mod authorization;
mod harness;
mod hostile;
mod not_an_operation;
mod order;
mod process;
mod server;
mod state_table;
mod v1;
