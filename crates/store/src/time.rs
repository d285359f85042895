//! The clocks that the stores are given: closures, so that tests inject their own.

use std::sync::Arc;

use holdline_domain::time::UnixMillis;

/// A wall clock.
pub type WallClock = Arc<dyn Fn() -> UnixMillis + Send + Sync>;

/// A clock that never goes back: milliseconds from an arbitrary start.
pub type MonotonicClock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The clocks of one process.
#[derive(Clone)]
pub struct Clocks {
    /// The database's clock where the database is a file of this process (SQLite); PostgreSQL has its own.
    pub database: WallClock,
    /// This process's wall clock.
    pub process: WallClock,
    /// This process's monotonic clock.
    pub monotonic: MonotonicClock,
}

impl Clocks {
    /// The machine's clocks.
    pub fn of_machine() -> Self {
        let wall: WallClock = Arc::new(|| {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
        });
        let start = std::time::Instant::now();
        let monotonic = Arc::new(move || i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX));
        Self { database: Arc::clone(&wall), process: wall, monotonic }
    }
}
