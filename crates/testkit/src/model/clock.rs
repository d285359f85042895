//! Clocks: virtual time, and clocks on it that step.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use holdline_domain::time::UnixMillis;
use tokio::time::Instant;

/// The instant at which every simulation begins: 2026-03-01T00:00:00Z.
pub const BEGIN: UnixMillis = UnixMillis(1_772_323_200_000);

/// Time that passes only when every task waits (tokio's paused clock).
#[derive(Debug)]
pub struct VirtualTime {
    start: Instant,
}

impl VirtualTime {
    /// Time that begins now.
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Milliseconds since the beginning.
    pub fn elapsed_ms(&self) -> i64 {
        i64::try_from(self.start.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

/// A clock that runs with virtual time and can be stepped.
#[derive(Debug)]
pub struct SteppingClock {
    time: Arc<VirtualTime>,
    offset_ms: AtomicI64,
}

impl SteppingClock {
    /// A clock that is right.
    pub fn new(time: Arc<VirtualTime>) -> Self {
        Self { time, offset_ms: AtomicI64::new(0) }
    }

    /// What it shows.
    pub fn now(&self) -> UnixMillis {
        BEGIN.plus_ms(self.time.elapsed_ms()).plus_ms(self.offset_ms.load(Ordering::Relaxed))
    }

    /// True time since the beginning, whatever the clock shows.
    pub fn elapsed_ms(&self) -> i64 {
        self.time.elapsed_ms()
    }

    /// Steps it to this distance from the truth.
    pub fn set_offset_ms(&self, offset_ms: i64) {
        self.offset_ms.store(offset_ms, Ordering::Relaxed);
    }

    /// Its distance from the truth.
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::Relaxed)
    }
}
