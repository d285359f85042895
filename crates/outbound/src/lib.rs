//! Requests that Holdline makes to addresses that callers gave it: signed, bounded, and kept away from private networks.
//!
//! Invariants: no request goes to an address outside the public internet unless the operator allowed its network, judged
//! on the address that the connection is made to, not on the name (`guard.rs`); redirects are not followed; an answer
//! has a time and a size (`request.rs`); every request is signed as Standard Webhooks 1.0.0 says (`signature.rs`), or as
//! its provider asks (`payment/`).
//!
//! Deliberately absent: retries (whoever asks knows when to ask again), a proxy, credentials in addresses.

#[doc(hidden)]
pub mod fuzz;
mod guard;
mod hold_check;
mod payment;
mod request;
mod signature;
mod webhook;

pub use guard::Networks;
pub use hold_check::SignedChecker;
pub use payment::Providers;
pub use request::{Answer, Bounds, NoAnswer, Post, SignedClient};
pub use signature::{Distrust, SignedMessage, SigningKey};
pub use webhook::{Render, SignedWebhooks};
