//! Drives N connections against a server for a time or a number of requests and reports what happened.
//!
//! Closed loop: each connection sends its next request when the last one is answered. Open loop: requests have a
//! constant arrival schedule; a free connection takes the next arrival, and latency counts from the INTENDED start, so
//! that a stalled server is charged for the requests it kept waiting (no coordinated omission). Arrivals that started
//! late and those that never started are counted.
//!
//! Invariants: a run ends at its deadline plus `drain` at the latest, whatever the server does; a request is counted
//! once, as an outcome, an error or a hang-up; every acknowledged key is kept, those of the warm-up too, and when
//! `keys_bytes_max` is reached the run stops early and says so rather than forget one.
//!
//! Deliberately absent: the meaning of requests (see [`Script`]), retries by itself, TLS, several machines.

mod control;
mod keys;
mod pacer;
mod recorder;
mod script;
mod summary;
mod worker;

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Barrier, Mutex, OnceLock};
use std::time::{Duration, Instant};
use std::{io, thread};

pub use control::Control;
pub use keys::AcknowledgedKeys;
pub use script::{Outcome, Script, Step};
pub use summary::{OutcomeCounts, RunResult, SecondCount};

use pacer::Pacer;
use recorder::Recorder;
use worker::{Share, Worker};

/// An open-loop arrival that starts this much after its intended time counts as late, in milliseconds: well above the
/// pacer's own tick of 0.25 ms, well below the latencies that the gates are about.
pub const LATE_AFTER_MS: u64 = 5;

/// How requests follow each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Load {
    /// The next request of a connection starts when its last one is answered.
    Closed,
    /// Arrivals at a constant rate over all connections.
    Open {
        /// Arrivals per second; above zero.
        requests_per_second: f64,
    },
}

/// What a run does. Start from [`Plan::new`] and change what differs.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The servers; connection `i` goes to `targets[i % targets.len()]`.
    pub targets: Vec<SocketAddr>,
    /// Closed or open loop.
    pub load: Load,
    /// Part before `duration` that stays out of the figures (its acknowledged keys are kept).
    pub warm_up: Duration,
    /// The measured part; no request starts after it.
    pub duration: Duration,
    /// Most requests to start, the warm-up's included; `None` for as many as fit. [`Step::Done`] uses one up as well.
    pub requests: Option<u64>,
    /// Threads, each with a runtime and a share of the connections. With the server on the same two cores one thread
    /// reaches what two reach for three quarters of the CPU time per request; more are for larger machines.
    pub threads: usize,
    /// Most time for connecting and for one exchange; beyond it the request is a `timeout` error.
    pub request_timeout: Duration,
    /// Most time after the deadline for answers still under way.
    pub drain: Duration,
    /// Failures to connect in a row after which a connection gives up for good.
    pub reconnects_max: u32,
    /// Bound of one response in bytes.
    pub response_bytes_max: usize,
    /// Bound of the acknowledged keys in bytes, over all threads; the run ends when it is reached.
    pub keys_bytes_max: usize,
    /// Live counts and the way to stop early.
    pub control: Control,
}

impl Plan {
    /// A closed loop for `duration` on one thread, no warm-up, with bounds that suit a server on the same machine.
    pub fn new(target: SocketAddr, duration: Duration) -> Self {
        Self {
            targets: vec![target],
            load: Load::Closed,
            warm_up: Duration::ZERO,
            duration,
            requests: None,
            threads: 1,
            request_timeout: Duration::from_secs(10),
            drain: Duration::from_secs(10),
            reconnects_max: 50,
            response_bytes_max: crate::http::RESPONSE_BYTES_MAX,
            keys_bytes_max: 512 * 1024 * 1024,
            control: Control::default(),
        }
    }
}

/// Why a run did not start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The plan contradicts itself.
    #[error("the load plan is wrong: {0}")]
    Plan(&'static str),
    /// The operating system refused a runtime.
    #[error("cannot start a runtime for the load: {0}")]
    Runtime(#[from] io::Error),
}

/// Runs the plan with one script per connection. Blocks the calling thread until the run is over; call it outside of
/// an async context.
pub fn run<S: Script>(plan: &Plan, scripts: Vec<S>) -> Result<RunResult, RunError> {
    check(plan, scripts.len())?;
    let threads = plan.threads.min(scripts.len());
    let runtimes = (0..threads)
        .map(|_| tokio::runtime::Builder::new_current_thread().enable_all().build())
        .collect::<Result<Vec<_>, _>>()?;
    let mut parts: Vec<Vec<(SocketAddr, S)>> = (0..threads).map(|_| Vec::new()).collect();
    for (index, script) in scripts.into_iter().enumerate() {
        parts[index % threads].push((plan.targets[index % plan.targets.len()], script));
    }
    let shared =
        Shared { barrier: Barrier::new(threads), started: OnceLock::new(), tickets: Arc::new(AtomicU64::new(0)) };
    let recorders = thread::scope(|scope| {
        let handles: Vec<_> = runtimes
            .into_iter()
            .zip(parts)
            .enumerate()
            .map(|(thread, (runtime, part))| {
                let shared = &shared;
                scope.spawn(move || runtime.block_on(run_thread(plan, thread, threads, shared, part)))
            })
            .collect();
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect::<Result<Vec<_>, _>>()
    })?;
    let started = *shared.started.get().expect("every thread has passed the barrier");
    Ok(summary::summarize(plan, started, Instant::now(), recorders))
}

fn check(plan: &Plan, scripts: usize) -> Result<(), RunError> {
    let wrong = |reason| Err(RunError::Plan(reason));
    if plan.targets.is_empty() {
        return wrong("no target");
    }
    if scripts == 0 {
        return wrong("no connection");
    }
    if plan.threads == 0 {
        return wrong("no thread");
    }
    if let Load::Open { requests_per_second } = plan.load
        && !(requests_per_second.is_finite() && requests_per_second > 0.0)
    {
        return wrong("the rate must be above zero");
    }
    Ok(())
}

/// What the threads of one run share: they connect first, then start at one instant.
struct Shared {
    barrier: Barrier,
    started: OnceLock<Instant>,
    tickets: Arc<AtomicU64>,
}

async fn run_thread<S: Script>(
    plan: &Plan,
    thread: usize,
    threads: usize,
    shared: &Shared,
    part: Vec<(SocketAddr, S)>,
) -> io::Result<Recorder> {
    let recorder = Arc::new(Mutex::new(Recorder::new(plan.keys_bytes_max / threads)));
    let connecting: Vec<_> = part
        .into_iter()
        .map(|(target, script)| {
            let worker = Worker::new(target, script, plan, Arc::clone(&recorder));
            tokio::spawn(worker.connected())
        })
        .collect();
    let mut workers = Vec::with_capacity(connecting.len());
    for task in connecting {
        workers.push(joined(task.await));
    }
    // Blocks this runtime on purpose: nothing may run before every thread has connected.
    shared.barrier.wait();
    let started = *shared.started.get_or_init(Instant::now);
    let pacer = Arc::new(Pacer::new(plan, started, thread, threads, &shared.tickets));
    let waking = match plan.load {
        Load::Closed => None,
        Load::Open { .. } => Some(tokio::spawn(Arc::clone(&pacer).wake(pacer::Timer::open()?))),
    };
    let share = Share::new(plan, started);
    let running: Vec<_> =
        workers.into_iter().map(|worker| tokio::spawn(worker.run(Arc::clone(&pacer), share))).collect();
    for task in running {
        joined(task.await);
    }
    if let Some(waking) = waking {
        waking.abort();
    }
    let mut recorder = std::mem::take(&mut *recorder.lock().expect("no worker panicked"));
    recorder.not_started += pacer.left_over();
    Ok(recorder)
}

/// The value of a task that is never aborted: a panic of a script goes on in the caller.
fn joined<T>(result: Result<T, tokio::task::JoinError>) -> T {
    result.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
