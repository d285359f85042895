//! Time as data: instants, and the shard clock that decides "now" for everything that expires.

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, FaultKind};

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// This instant plus an interval in milliseconds.
    #[must_use]
    pub fn plus_ms(self, interval_ms: i64) -> Self {
        Self(self.0.saturating_add(interval_ms))
    }

    /// Milliseconds from `earlier` to this instant; negative if it is later.
    pub fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// How far the database clock may move beyond the elapsed monotonic time, or differ from the process clock, before
/// writing stops: one jump must not expire everything for good (DESIGN §6).
pub const CLOCK_STEP_MAX_MS: i64 = 5_000;

/// What the clocks say at one batch: the inputs of [`ShardClock::judge`].
#[derive(Debug, Clone, Copy)]
pub struct ClockReading {
    /// The database's own clock, read inside the batch's transaction.
    pub database: UnixMillis,
    /// This process's wall clock.
    pub process: UnixMillis,
    /// This process's monotonic clock, milliseconds from an arbitrary start.
    pub monotonic_ms: i64,
    /// The instant of the newest change in the feed head.
    pub feed_head: UnixMillis,
}

/// The clock of one shard as one process sees it: `max(database clock, newest instant in the feed)`, guarded against
/// jumps. The instants it grants never decrease.
#[derive(Debug, Clone, Default)]
pub struct ShardClock {
    last: Option<(UnixMillis, i64)>,
}

impl ShardClock {
    /// A clock that has seen nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether it has granted nothing yet, so that it doubts no jump.
    pub fn has_seen_nothing(&self) -> bool {
        self.last.is_none()
    }

    /// "Now" for the decisions of one batch, or a fault of kind [`FaultKind::Clock`] when a clock jumped.
    pub fn judge(&mut self, reading: ClockReading) -> Result<UnixMillis, Fault> {
        let apart_ms = reading.database.since_ms(reading.process);
        if apart_ms.abs() > CLOCK_STEP_MAX_MS {
            return Err(stopped(format!("the database clock and this process's clock are {apart_ms} ms apart")));
        }
        if let Some((last_database, last_monotonic_ms)) = self.last {
            let step_ms = reading.database.since_ms(last_database) - (reading.monotonic_ms - last_monotonic_ms);
            if step_ms > CLOCK_STEP_MAX_MS {
                // `last` stays: a jump that remains is accepted by a restart, never by waiting.
                return Err(stopped(format!("the database clock jumped {step_ms} ms forward")));
            }
        }
        self.last = Some((reading.database, reading.monotonic_ms));
        Ok(reading.database.max(reading.feed_head))
    }
}

fn stopped(why: String) -> Fault {
    Fault::not_done("clock", FaultKind::Clock, why)
}
