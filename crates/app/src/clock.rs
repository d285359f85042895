//! Time as this process sees it: a wall clock for people, a monotonic clock for intervals.
//!
//! Nothing is decided on it: what expires is decided by the shard clock inside a batch.

use holdline_domain::time::UnixMillis;

/// The clocks of this process.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock. May step.
    fn wall(&self) -> UnixMillis;

    /// Milliseconds since an arbitrary start of this process. Never goes back.
    fn monotonic_ms(&self) -> i64;
}
