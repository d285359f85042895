//! Tasks that the server owns: a client that hangs up cancels nothing, and shutdown waits for them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Starts a task somewhere. The binary gives tokio's; the simulator gives one whose tasks it can kill.
pub type Spawner = Arc<dyn Fn(Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync>;

/// Tasks on the runtime that the caller is in.
pub fn tokio_spawner() -> Spawner {
    Arc::new(|task| drop(tokio::spawn(task)))
}

pub(crate) struct Tasks {
    spawner: Spawner,
    /// Tasks begun for a request.
    requests: TaskTracker,
    /// Background loops; ended by `stop`, or by the end of what they read from.
    loops: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    pub(crate) fn new(spawner: Spawner) -> Self {
        Self { spawner, requests: TaskTracker::new(), loops: TaskTracker::new(), stop: CancellationToken::new() }
    }

    /// Runs a request's task to its end, whether or not anyone waits for it.
    pub(crate) fn run_request(&self, task: impl Future<Output = ()> + Send + 'static) {
        (self.spawner)(Box::pin(self.requests.track_future(task)));
    }

    /// Runs a background loop until it ends by itself; loops that would not, watch [`Self::pause`].
    pub(crate) fn run_loop(&self, task: impl Future<Output = ()> + Send + 'static) {
        (self.spawner)(Box::pin(self.loops.track_future(task)));
    }

    /// Waits for `ms`. False when the loops shall end.
    pub(crate) async fn pause(&self, ms: u64) -> bool {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => false,
            () = tokio::time::sleep(std::time::Duration::from_millis(ms)) => true,
        }
    }

    pub(crate) async fn finish_requests(&self) {
        self.requests.close();
        self.requests.wait().await;
    }

    pub(crate) async fn stop_loops(&self) {
        self.stop.cancel();
        self.loops.close();
        self.loops.wait().await;
    }
}
