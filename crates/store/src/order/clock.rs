//! The shard clock of this process, with the clocks it judges.

use holdline_domain::fault::Fault;
use holdline_domain::time::{ClockReading, ShardClock, UnixMillis};
use parking_lot::Mutex;

use crate::time::{Clocks, MonotonicClock, WallClock};

/// Guards the shard clock: one program at a time judges, under the feed head; reads of the database's clock do not.
pub(super) struct OrderClock {
    shard: Mutex<ShardClock>,
    process: WallClock,
    monotonic: MonotonicClock,
}

impl OrderClock {
    pub(super) fn new(clocks: &Clocks) -> Self {
        let Clocks { process, monotonic, .. } = clocks;
        Self { shard: Mutex::new(ShardClock::new()), process: process.clone(), monotonic: monotonic.clone() }
    }

    /// "Now" of a batch ([`ShardClock::judge`]).
    pub(super) fn judge(&self, database: UnixMillis, feed_head: UnixMillis) -> Result<UnixMillis, Fault> {
        let (process, monotonic_ms) = ((self.process)(), (self.monotonic)());
        self.shard.lock().judge(ClockReading { database, process, monotonic_ms, feed_head })
    }
}
