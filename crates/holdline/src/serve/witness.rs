//! Ledger and orders note now and then how far the other one has come, so that a start finds a file that was replaced by
//! an older one (docs/decisions/0004-backup-pairs.md).
//!
//! A note that fails is no harm: the next one tells more.

use std::sync::Arc;
use std::time::Duration;

use holdline_store::pair::Pair;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// How old a note may be: files that lie further apart are told apart even if the process was killed. Two small writes
/// each time that something was written; none at rest.
const EVERY: Duration = Duration::from_secs(5);

/// The loop that notes; ends by [`Witness::end`] or with the runtime.
pub(super) struct Witness {
    stop: CancellationToken,
    ends: JoinHandle<()>,
}

/// Starts the loop.
pub(super) fn start(pair: Arc<dyn Pair>) -> Witness {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let ends = tokio::spawn(async move {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let last = tokio::select! {
                () = stopped.cancelled() => true,
                _ = ticks.tick() => false,
            };
            if let Err(fault) = pair.witness().await {
                tracing::warn!(%fault, "ledger and orders could not note each other's heads");
            }
            if last {
                return;
            }
        }
    });
    Witness { stop, ends }
}

impl Witness {
    /// Notes where both are at the end, and closes.
    pub(super) async fn end(self) {
        self.stop.cancel();
        if self.ends.await.is_err() {
            tracing::error!("the loop that notes the heads had panicked");
        }
    }
}
