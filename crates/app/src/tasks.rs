//! Tasks that the server owns: a client that hangs up cancels nothing, and shutdown waits for them.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

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
    broken: Arc<Broken>,
}

/// A loop that panicked: its work is not done any more, so the process must end and be started again.
#[derive(Default)]
struct Broken {
    name: OnceLock<&'static str>,
    told: CancellationToken,
}

/// Lives as long as a loop; tells when a panic ends it.
struct Watch {
    name: &'static str,
    broken: Arc<Broken>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The first one is the cause; those that it takes along are not.
            let _ = self.broken.name.set(self.name);
            self.broken.told.cancel();
        }
    }
}

impl Tasks {
    pub(crate) fn new(spawner: Spawner) -> Self {
        Self {
            spawner,
            requests: TaskTracker::new(),
            loops: TaskTracker::new(),
            stop: CancellationToken::new(),
            broken: Arc::default(),
        }
    }

    /// Runs a request's task to its end, whether or not anyone waits for it.
    pub(crate) fn run_request(&self, task: impl Future<Output = ()> + Send + 'static) {
        (self.spawner)(Box::pin(self.requests.track_future(task)));
    }

    /// Runs a background loop until it ends by itself; loops that would not, watch [`Self::pause`].
    pub(crate) fn run_loop(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let watch = Watch { name, broken: Arc::clone(&self.broken) };
        let watched = async move {
            let _watch = watch;
            task.await;
        };
        (self.spawner)(Box::pin(self.loops.track_future(watched)));
    }

    /// Returns the name of the first loop that panicked, once one has.
    pub(crate) async fn broken_loop(&self) -> &'static str {
        self.broken.told.cancelled().await;
        self.broken.name.get().copied().unwrap_or("unknown")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_loop_that_panics_is_told_by_name_and_one_that_ends_is_not() {
        let tasks = Tasks::new(tokio_spawner());
        tasks.run_loop("calm", async {});
        tasks.run_loop("wild", async { panic!("as meant") });
        assert_eq!(tasks.broken_loop().await, "wild");
        tasks.stop_loops().await;
    }

    #[tokio::test]
    async fn a_loop_that_is_dropped_is_not_broken() {
        let tasks = Tasks::new(Arc::new(drop));
        tasks.run_loop("never begun", std::future::pending());
        tasks.stop_loops().await;
        assert!(!tasks.broken.told.is_cancelled());
    }
}
