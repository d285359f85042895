//! A payment center to try things with: the protocol of docs/guides/payment-center.md, a page where people pay, and
//! switches that make it behave as badly as real ones do.
//!
//! It is an independent server with a store of its own, so that Holdline meets it as it meets a provider: over the network,
//! signed both ways, and with answers that get lost. Owners of a payment center may read it as an example: `protocol.rs`
//! is the way in, `payment.rs` and `refund.rs` are the rules, `courier.rs` sends callbacks.
//!
//! Invariants: what was answered is on disk (`store.rs`); a key is used once; closed is final and `failed` is never paid,
//! except by a switch of `mischief.rs` that counts what it does; refunds never exceed what was captured; callbacks go
//! to networks that were allowed, and only to those.
//!
//! Deliberately absent: money; several merchants; protection against hostile clients at the edge of HTTP, because it
//! listens on loopback unless it is told otherwise.

mod callback;
mod control;
mod courier;
mod desk;
mod mischief;
mod open;
mod page;
mod payment;
mod protocol;
mod record;
mod refund;
mod secret;
mod store;
mod summary;

pub use mischief::Mischief;
pub use open::{Options, Sandbox};
pub use store::StoreFailed;
