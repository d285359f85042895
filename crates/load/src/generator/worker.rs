//! One connection of a run: takes arrivals, sends what its script says, records what comes back.
//!
//! Invariant: every wait is bounded, by `request_timeout` and by the deadline plus `drain`, so a worker always ends.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::time::timeout_at;

use super::pacer::Pacer;
use super::recorder::{Recorder, Timing};
use super::script::{Outcome, Script, Step};
use super::{Control, LATE_AFTER_MS, Load, Plan};
use crate::http::{Connection, HttpError};

/// Wait before the first new attempt to connect; doubles with each failure in a row.
const RECONNECT_WAIT_FIRST: Duration = Duration::from_millis(2);
/// Longest wait between attempts to connect.
const RECONNECT_WAIT_MAX: Duration = Duration::from_millis(200);

/// The instants of a run that every worker knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    measured_from: Instant,
    deadline: Instant,
    drained: Instant,
}

impl Share {
    pub(super) fn new(plan: &Plan, started: Instant) -> Self {
        let measured_from = started + plan.warm_up;
        let deadline = measured_from + plan.duration;
        Self { measured_from, deadline, drained: deadline + plan.drain }
    }

    fn timing(&self, intended: Instant, ended: Instant) -> Timing {
        let inside = ended >= self.measured_from && ended < self.deadline;
        let second = (ended - self.measured_from.min(ended)).as_secs();
        Timing {
            latency_us: microseconds(ended - intended),
            measured: intended >= self.measured_from,
            second: inside.then(|| usize::try_from(second).expect("a run of few seconds")),
        }
    }
}

pub(super) struct Worker<S> {
    target: SocketAddr,
    script: S,
    recorder: Arc<Mutex<Recorder>>,
    control: Control,
    open_loop: bool,
    request_timeout: Duration,
    reconnects_max: u32,
    response_bytes_max: usize,
    connection: Option<Connection>,
    request: Vec<u8>,
}

/// Why a request found no connection, and whether the worker stops trying for good.
struct Unconnected {
    error: HttpError,
    gave_up: bool,
}

/// Whether a worker goes on after a request.
enum Next {
    Continue,
    End,
}

impl<S: Script> Worker<S> {
    pub(super) fn new(target: SocketAddr, script: S, plan: &Plan, recorder: Arc<Mutex<Recorder>>) -> Self {
        Self {
            target,
            script,
            recorder,
            control: plan.control.clone(),
            open_loop: plan.load != Load::Closed,
            request_timeout: plan.request_timeout,
            reconnects_max: plan.reconnects_max,
            response_bytes_max: plan.response_bytes_max,
            connection: None,
            request: Vec::new(),
        }
    }

    /// Connects ahead of the run, so that no request is charged for it. A failure is left to the run to meet again.
    pub(super) async fn connected(mut self) -> Self {
        let until = Instant::now() + self.request_timeout;
        self.connection = connect(self.target, self.response_bytes_max, until).await.ok();
        self
    }

    pub(super) async fn run(mut self, pacer: Arc<Pacer>, share: Share) {
        while !self.control.is_stopped() {
            let Some(intended) = pacer.arrival().await else { return };
            if self.control.is_stopped() {
                break;
            }
            if Instant::now() >= share.deadline {
                // Every connection was busy until the end: the arrival never started.
                let measured = intended >= share.measured_from;
                self.recorder().not_started += u64::from(measured);
                pacer.abandon();
                return;
            }
            self.request.clear();
            let hang_up = match self.script.next(&mut self.request) {
                Step::Send => false,
                Step::SendAndHangUp => true,
                Step::Done => return,
            };
            match self.request(intended, share, hang_up).await {
                Next::Continue => {}
                Next::End => {
                    pacer.abandon();
                    return;
                }
            }
        }
    }

    /// Carries out one request and counts it.
    async fn request(&mut self, intended: Instant, share: Share, hang_up: bool) -> Next {
        let started = Instant::now();
        let until = (started + self.request_timeout).min(share.drained);
        let measured = intended >= share.measured_from;
        if self.open_loop && measured {
            let delay = started - intended;
            let mut recorder = self.recorder();
            recorder.start_delay_us.saturating_record(microseconds(delay));
            recorder.late += u64::from(delay >= Duration::from_millis(LATE_AFTER_MS));
        }
        let mut connection = match self.take_connection(until).await {
            Ok(connection) => connection,
            Err(Unconnected { error, gave_up }) => {
                self.script.lost(&error);
                self.recorder().gave_up += u64::from(gave_up);
                return if gave_up { Next::End } else { Next::Continue };
            }
        };
        if hang_up {
            return match bounded(until, connection.send_and_hang_up(&self.request)).await {
                Ok(()) => {
                    self.script.hung_up();
                    self.recorder().hung_up += u64::from(measured);
                    Next::Continue
                }
                Err(error) => self.fail(&error),
            };
        }
        match bounded(until, connection.exchange(&self.request)).await {
            Ok(response) => {
                let timing = share.timing(intended, Instant::now());
                let outcome = self.script.judge(&response);
                let accepted = matches!(outcome, Outcome::Accepted(_));
                let mut recorder = self.recorder.lock().expect("no worker panicked");
                recorder.answer(response.status, outcome, timing);
                let keys_full = recorder.keys_full;
                drop(recorder);
                self.control.count(accepted);
                if keys_full {
                    self.control.stop();
                }
                if connection.is_reusable() {
                    self.connection = Some(connection);
                }
                Next::Continue
            }
            Err(error) => self.fail(&error),
        }
    }

    /// Counts a request without an answer. Errors of the warm-up count as well: they are never expected.
    fn fail(&mut self, error: &HttpError) -> Next {
        self.script.lost(error);
        self.recorder().error(error.kind());
        Next::Continue
    }

    /// The open connection or a new one. Each failed attempt is counted here.
    async fn take_connection(&mut self, until: Instant) -> Result<Connection, Unconnected> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let mut wait = RECONNECT_WAIT_FIRST;
        for attempt in 0.. {
            let error = match connect(self.target, self.response_bytes_max, until).await {
                Ok(connection) => {
                    self.recorder().reconnects += 1;
                    return Ok(connection);
                }
                Err(error) => error,
            };
            self.recorder().error(error.kind());
            if attempt >= self.reconnects_max {
                return Err(Unconnected { error, gave_up: true });
            }
            if Instant::now() + wait >= until || self.control.is_stopped() {
                return Err(Unconnected { error, gave_up: false });
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(RECONNECT_WAIT_MAX);
        }
        unreachable!("the attempts are bounded by reconnects_max")
    }

    fn recorder(&self) -> MutexGuard<'_, Recorder> {
        self.recorder.lock().expect("no worker panicked")
    }
}

async fn connect(target: SocketAddr, response_bytes_max: usize, until: Instant) -> Result<Connection, HttpError> {
    bounded(until, Connection::connect(target, response_bytes_max)).await
}

async fn bounded<T>(until: Instant, work: impl Future<Output = Result<T, HttpError>>) -> Result<T, HttpError> {
    timeout_at(until.into(), work).await.unwrap_or(Err(HttpError::Timeout))
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
