//! The machine's clocks, as the app wants them; the stores have theirs from `Clocks::of_machine`.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use holdline_app::Clock;
use holdline_domain::time::UnixMillis;

/// The clocks of this process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Clocks whose monotonic time starts now.
    pub(crate) fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> UnixMillis {
        // A clock before 1970 is as wrong as one can be: the stores compare clocks and stop writing.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic_ms(&self) -> i64 {
        i64::try_from(self.start.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}
