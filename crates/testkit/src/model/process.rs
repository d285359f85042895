//! A process: who calls, by which clocks, and whether it still lives.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use holdline_app::{Clock, Spawner};
use holdline_domain::fault::Fault;
use holdline_domain::time::{CLOCK_STEP_MAX_MS, ClockReading, ShardClock, UnixMillis};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::clock::{SteppingClock, VirtualTime};

/// A moment of one call that writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The process dies before the call is sent.
    DiesUnsent,
    /// The process dies with the call on its way, which arrives so many milliseconds later.
    DiesInFlight(u64),
    /// The process dies once the call is written, before its answer comes.
    DiesUnanswered,
    /// The call is written, and its answer takes so many milliseconds.
    Stalls(u64),
}

/// One process of the installation.
pub struct Process {
    name: String,
    wall: Arc<SteppingClock>,
    time: Arc<VirtualTime>,
    dead: AtomicBool,
    /// Wakes clients whose connection breaks when the process dies.
    died: Notify,
    /// Its tasks, so that its death can drop them. Locked for a push or a sweep only.
    tasks: Mutex<Vec<AbortHandle>>,
    /// What its tasks panicked with.
    panics: Mutex<Vec<String>>,
    /// What happens to it at its next calls of these names, each once.
    moments: Mutex<Vec<(&'static str, Moment)>>,
    /// The shard clock as this process's connection judges it. Locked for one batch.
    shard_clock: Mutex<ShardClock>,
    /// Its first reading of the shard clock was made while all clocks had jumped, and it had no reason to doubt it.
    believed_jump: AtomicBool,
}

impl Process {
    pub(super) fn new(name: &str, wall: Arc<SteppingClock>, time: Arc<VirtualTime>) -> Self {
        Self {
            name: name.to_owned(),
            wall,
            time,
            dead: AtomicBool::new(false),
            died: Notify::new(),
            tasks: Mutex::new(Vec::new()),
            panics: Mutex::new(Vec::new()),
            moments: Mutex::new(Vec::new()),
            shard_clock: Mutex::new(ShardClock::new()),
            believed_jump: AtomicBool::new(false),
        }
    }

    /// The shard clock, by a reading of a database clock that is `offset_ms` wrong.
    pub(super) fn judge_clock(&self, reading: ClockReading, offset_ms: i64) -> Result<UnixMillis, Fault> {
        let mut clock = self.shard_clock.lock();
        let is_first = clock.has_seen_nothing();
        let now = clock.judge(reading)?;
        self.believed_jump.fetch_or(is_first && offset_ms > CLOCK_STEP_MAX_MS, Ordering::Relaxed);
        Ok(now)
    }

    /// Whether its first reading of the shard clock was of a clock that had jumped forward.
    pub fn believed_jump(&self) -> bool {
        self.believed_jump.load(Ordering::Relaxed)
    }

    /// Its name in traces.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its wall clock.
    pub fn wall(&self) -> &SteppingClock {
        &self.wall
    }

    /// Kills it: every task is dropped where it stands, and nothing that it sends from now on arrives.
    pub fn kill(&self) {
        self.dead.store(true, Ordering::Relaxed);
        self.died.notify_waiters();
        for task in self.tasks.lock().drain(..) {
            task.abort();
        }
    }

    /// Says what happens to it at its next call of this name (such as `ledger.apply`), once. Said again, at the one after.
    pub fn meet(&self, call: &'static str, moment: Moment) {
        self.moments.lock().push((call, moment));
    }

    /// Whether everything that was to happen to it has happened.
    pub fn has_met_all(&self) -> bool {
        self.moments.lock().is_empty()
    }

    pub(super) fn moment_of(&self, call: &str) -> Option<Moment> {
        let mut moments = self.moments.lock();
        let place = moments.iter().position(|(of, _)| *of == call)?;
        Some(moments.remove(place).1)
    }

    /// What comes after a call was written.
    pub(super) async fn go_on(&self, moment: Option<Moment>) {
        match moment {
            Some(Moment::DiesUnanswered) => self.die().await,
            Some(Moment::Stalls(ms)) => self.wait_ms(ms).await,
            Some(Moment::DiesUnsent | Moment::DiesInFlight(_)) | None => {}
        }
    }

    /// Dies here: whoever calls this never goes on.
    pub(super) async fn die(&self) {
        self.kill();
        std::future::pending::<()>().await;
    }

    /// Whether it has been killed.
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// Returns when the process has died.
    pub async fn died(&self) {
        let died = self.died.notified();
        if !self.is_dead() {
            died.await;
        }
    }

    /// Starts tasks that die with the process.
    pub fn spawner(self: &Arc<Self>) -> Spawner {
        let process = Arc::clone(self);
        Arc::new(move |task: Pin<Box<dyn Future<Output = ()> + Send>>| {
            if process.is_dead() {
                return;
            }
            let watched = Watched { task, process: Arc::clone(&process) };
            let handle = tokio::spawn(watched).abort_handle();
            let mut tasks = process.tasks.lock();
            tasks.retain(|task| !task.is_finished());
            tasks.push(handle);
        })
    }

    /// What its tasks panicked with: each is a defect.
    pub fn panics(&self) -> Vec<String> {
        self.panics.lock().clone()
    }

    /// Waits; never returns in a process that died meanwhile.
    pub(super) async fn wait_ms(&self, ms: u64) {
        if ms > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
        }
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
    }
}

/// A task whose panic is noted instead of lost.
struct Watched {
    task: Pin<Box<dyn Future<Output = ()> + Send>>,
    process: Arc<Process>,
}

impl Future for Watched {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let task = &mut self.task;
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(context)));
        polled.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            self.process.panics.lock().push(text.unwrap_or_default());
            Poll::Ready(())
        })
    }
}

impl Clock for Process {
    fn wall(&self) -> UnixMillis {
        self.wall.now()
    }

    fn monotonic_ms(&self) -> i64 {
        self.time.elapsed_ms()
    }
}
