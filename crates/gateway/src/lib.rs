//! Holdline over HTTP: the only crate that knows wire formats.
//!
//! One request: [`serve`] reads its head → `routes.rs` finds the operation → `call.rs` checks key and scope → a handler
//! in `order.rs`, `stock.rs` or `catalog.rs` parses, calls [`holdline_app::App`] and shapes the answer with `wire/`.
//!
//! Invariants: every operation, its path and its scopes stand once, in `operation.rs`; every answer that is not a success
//! is a problem with a code of `problem/code.rs`; every answer has a request id. No body, address, buyer or key is logged.
//!
//! Deliberately absent: rules, retries, caches, clocks that decide anything.

mod auth;
mod body;
mod call;
mod catalog;
mod cursor;
mod event;
mod fulfillment;
#[doc(hidden)]
pub mod fuzz;
mod health;
mod hold;
mod mall;
mod metrics;
mod noop;
mod openapi;
mod operation;
mod order;
mod parked;
mod pay_at_once;
mod payment;
mod period;
mod place;
mod policy;
mod problem;
mod provider;
mod query;
mod refund;
mod replay;
mod request_id;
mod returns;
mod routes;
mod server;
mod stock;
mod submit;
mod webhook;
mod wire;

pub use auth::{SECRET_PREFIX, secret_sha256};
pub use body::BODY_BYTES_MAX;
pub use event::event_json;
pub use noop::noop_router;
pub use openapi::openapi_json;
pub use operation::{Entry, Op, Verb};
pub use routes::{Setup, router};
pub use server::{Served, ServerLimits, serve, serve_within};

/// The text of `api/errors.md`: every stable code with its status, meaning, what to do about it, and its facts.
pub fn errors_md() -> String {
    problem::errors_md()
}
