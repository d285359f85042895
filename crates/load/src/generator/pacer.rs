//! Hands out the arrivals of a run: at once in the closed loop, on a constant schedule in the open loop.
//!
//! In the open loop thread `k` of `n` owns arrivals `k, k + n, k + 2n …` of the schedule; its connections take them in
//! order and wait here, so the waiting line is sorted by time. A kernel timer wakes those due, to 0.25 ms: tokio's own
//! timer has a grain of 1 ms, which would be charged to the server. It is set to the next arrival, so that a low rate costs the
//! machine that is measured few wake-ups.
//!
//! The line is guarded by a mutex that only this thread's tasks take, never across an await.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::{Load, Plan};

/// Grain of the open loop: 4,000 wake-ups a second at most, which cost a hundredth of a core, and a tenth where a machine is virtual
/// twice over.
const GRAIN: Duration = Duration::from_micros(250);

/// The arrivals of one thread.
#[derive(Debug)]
pub(super) struct Pacer {
    started: Instant,
    deadline: Instant,
    requests: u64,
    /// `None` in the closed loop.
    schedule: Option<Schedule>,
    /// Requests taken over all threads (closed loop).
    tickets: Arc<AtomicU64>,
    waiting: Mutex<VecDeque<(Instant, Waker)>>,
}

#[derive(Debug)]
struct Schedule {
    requests_per_second: f64,
    thread: u64,
    threads: u64,
    /// Arrivals of this thread taken so far.
    taken: AtomicU64,
    measured_from: Instant,
    /// Set when a connection left while arrivals were still to come: those left over then count as not started.
    abandoned: std::sync::atomic::AtomicBool,
}

impl Pacer {
    pub(super) fn new(plan: &Plan, started: Instant, thread: usize, threads: usize, tickets: &Arc<AtomicU64>) -> Self {
        let schedule = match plan.load {
            Load::Closed => None,
            Load::Open { requests_per_second } => Some(Schedule {
                requests_per_second,
                thread: thread as u64,
                threads: threads as u64,
                taken: AtomicU64::new(0),
                measured_from: started + plan.warm_up,
                abandoned: std::sync::atomic::AtomicBool::new(false),
            }),
        };
        Self {
            started,
            deadline: started + plan.warm_up + plan.duration,
            requests: plan.requests.unwrap_or(u64::MAX),
            schedule,
            tickets: Arc::clone(tickets),
            waiting: Mutex::new(VecDeque::new()),
        }
    }

    /// Waits for the next arrival and returns its intended start; `None` when none is left.
    pub(super) async fn arrival(&self) -> Option<Instant> {
        let Some(schedule) = &self.schedule else {
            let now = Instant::now();
            let free = now < self.deadline && self.tickets.fetch_add(1, Ordering::Relaxed) < self.requests;
            return free.then_some(now);
        };
        let intended = self.intended(schedule, schedule.taken.load(Ordering::Relaxed))?;
        schedule.taken.fetch_add(1, Ordering::Relaxed);
        self.reached(intended).await;
        Some(intended)
    }

    /// A connection ends before the run does; the arrivals that nobody will take are then counted.
    pub(super) fn abandon(&self) {
        if let Some(schedule) = &self.schedule {
            schedule.abandoned.store(true, Ordering::Relaxed);
        }
    }

    /// Measured arrivals of this thread that nobody took although they were wanted.
    pub(super) fn left_over(&self) -> u64 {
        let Some(schedule) = &self.schedule else { return 0 };
        if !schedule.abandoned.load(Ordering::Relaxed) {
            return 0;
        }
        (schedule.taken.load(Ordering::Relaxed)..)
            .map_while(|index| self.intended(schedule, index))
            .filter(|intended| *intended >= schedule.measured_from)
            .count() as u64
    }

    /// Intended start of this thread's arrival `index`; `None` when the run ends before it.
    fn intended(&self, schedule: &Schedule, index: u64) -> Option<Instant> {
        let number = index * schedule.threads + schedule.thread;
        #[expect(clippy::cast_precision_loss, reason = "a run has far fewer than 2^52 arrivals")]
        let offset = Duration::try_from_secs_f64(number as f64 / schedule.requests_per_second).ok()?;
        let intended = self.started.checked_add(offset)?;
        (number < self.requests && intended < self.deadline).then_some(intended)
    }

    async fn reached(&self, instant: Instant) {
        let mut in_line = false;
        std::future::poll_fn(|context| {
            if Instant::now() >= instant {
                return Poll::Ready(());
            }
            // Woken too early only by the task's own other wakers, which it has none of while it waits here.
            if !in_line {
                in_line = true;
                self.line().push_back((instant, context.waker().clone()));
            }
            Poll::Pending
        })
        .await;
    }

    fn line(&self) -> std::sync::MutexGuard<'_, VecDeque<(Instant, Waker)>> {
        self.waiting.lock().expect("nothing panics while it holds the line")
    }

    /// Wakes due arrivals until aborted.
    pub(super) async fn wake(self: Arc<Self>, timer: Timer) {
        loop {
            let now = Instant::now();
            let next = {
                let mut line = self.line();
                while let Some((_, waker)) = line.pop_front_if(|(instant, _)| *instant <= now) {
                    waker.wake();
                }
                line.front().map(|(instant, _)| *instant)
            };
            // Nobody in line: every connection is busy, and whoever comes next may be due at once.
            timer.pass(next.map_or(GRAIN, |next| (next - now).max(GRAIN))).await;
        }
    }
}

/// A kernel timer.
#[derive(Debug)]
pub(super) struct Timer {
    timer: AsyncFd<OwnedFd>,
}

impl Timer {
    pub(super) fn open() -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        #[expect(
            deprecated,
            reason = "its successor is an unsafe fn, which this workspace forbids; an OwnedFd meets its conditions, \
                      because it is one open descriptor for as long as it lives"
        )]
        let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
        Ok(Self { timer })
    }

    /// Waits for some time, which is not nothing: a timer that is set to nothing never goes off.
    async fn pass(&self, time: Duration) {
        let at = Timespec::try_from(time).expect("a run is shorter than a timer can be set to");
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: at };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)
            .expect("a valid time was set on a timer of ours");
        let mut expirations = [0; 8];
        // The only error of a timer's read is "not yet", which async_io turns into waiting.
        let _ = self.timer.async_io(Interest::READABLE, |timer| Ok(rustix::io::read(timer, &mut expirations)?)).await;
    }
}
