//! The committer: callers queue, one batch is written while the next one gathers. No timer, no wait when idle.
//!
//! Invariants:
//! - One batch is under way at a time; requests of one tenant and rank keep their order; tenants take turns.
//! - The queue is bounded by count, a batch by count and bytes, and the background's share of it by a count of its own: whoever
//!   places an order waits for a few of the orders that time ends meanwhile, however many there are.
//! - A batch that is known to be rolled back runs again, then one by one, so one request never harms another.
//! - A batch of unknown outcome is sent again unchanged until the answer is definite: the keys make it so.
//! - Every request that was queued is answered, unless the process dies.

mod queue;
mod targets;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use holdline_domain::fault::{Fault, FaultKind, Outcome};
use holdline_domain::id::TenantId;
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, oneshot};

use crate::error::Error;
use queue::{Queue, Rank, Reply};

pub(crate) use queue::{Limits, Share};
pub(crate) use targets::{Known, LedgerTarget, LookupTarget, OrderTarget};

/// What a batch takes of the background: two dozen orders that end make it two milliseconds longer, and with some 200 batches a
/// second all that is due in one instant ends in time; beside few placings batches are short, and with 400 a second a dozen does.
pub(crate) const BACKGROUND: Share = Share { least: 12, most: 24 };
/// Waits between attempts to learn the outcome of a batch, doubling from the first to the second figure.
const RESEND_AFTER_MS: (u64, u64) = (10, 1_000);
/// How often a batch that collided with another writer is tried before its requests run one by one, and how often
/// each of those is.
const CONFLICT_TRIES: usize = 3;
/// What a full queue tells its callers: by then at least one batch has been written.
const RETRY_AFTER_MS: u64 = 1_000;

/// Where batches go.
pub(crate) trait Target: Send + Sync + 'static {
    /// The queue's name in errors and metrics.
    const NAME: &'static str;
    type Request: Clone + Send + Sync + 'static;
    type Answer: Send + 'static;

    fn tenant(request: &Self::Request) -> TenantId;

    /// About how many bytes the request puts into a batch.
    fn bytes(request: &Self::Request) -> usize;

    fn apply(&self, batch: Arc<[Self::Request]>) -> impl Future<Output = Result<Vec<Self::Answer>, Fault>> + Send;
}

/// A queue in front of one target. Clones share it; exactly one runs [`Batcher::run`].
pub(crate) struct Batcher<T: Target> {
    shared: Arc<Shared<T>>,
}

impl<T: Target> Clone for Batcher<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

struct Shared<T: Target> {
    target: T,
    limits: Limits,
    /// What waits. Locked for a push or a drain only, never across an await.
    queue: Mutex<Queue<T>>,
    /// Wakes the runner after a push or the close.
    arrived: Notify,
    /// One permit per free place in the queue.
    places: Semaphore,
    metrics: Metrics,
}

struct Metrics {
    batch_size: metrics::Histogram,
    flush_seconds: metrics::Histogram,
    depth: metrics::Gauge,
    batches: metrics::Counter,
}

impl<T: Target> Batcher<T> {
    pub(crate) fn new(target: T, limits: Limits) -> Self {
        let metrics = Metrics {
            batch_size: metrics::histogram!("holdline_batch_size", "queue" => T::NAME),
            flush_seconds: metrics::histogram!("holdline_flush_seconds", "queue" => T::NAME),
            depth: metrics::gauge!("holdline_queue_depth", "queue" => T::NAME),
            batches: metrics::counter!("holdline_batches_total", "queue" => T::NAME),
        };
        let shared = Shared {
            target,
            limits,
            queue: Mutex::new(Queue::new()),
            arrived: Notify::new(),
            places: Semaphore::new(limits.queue),
            metrics,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Queues a request and waits for its answer; refuses at once when the queue is full. For callers from outside.
    pub(crate) async fn offer(&self, request: T::Request) -> Result<T::Answer, Error> {
        let Ok(place) = self.shared.places.try_acquire() else {
            return Err(Error::Busy { queue: T::NAME, retry_after_ms: RETRY_AFTER_MS });
        };
        place.forget();
        Ok(self.queued(request, Rank::Urgent).await?)
    }

    /// Queues a request, waiting for a place if need be, and waits for its answer. For work that has begun already and
    /// must go on; its number is bounded by whoever began it.
    pub(crate) async fn send(&self, request: T::Request) -> Result<T::Answer, Fault> {
        self.sent(request, Rank::Urgent).await
    }

    /// The same for work that nobody waits for: the sweep's and the consumers'.
    pub(crate) async fn send_in_background(&self, request: T::Request) -> Result<T::Answer, Fault> {
        self.sent(request, Rank::Background).await
    }

    async fn sent(&self, request: T::Request, rank: Rank) -> Result<T::Answer, Fault> {
        self.shared.places.acquire().await.expect("the semaphore is never closed").forget();
        self.queued(request, rank).await
    }

    async fn queued(&self, request: T::Request, rank: Rank) -> Result<T::Answer, Fault> {
        let (reply, answer) = oneshot::channel();
        {
            let mut queue = self.shared.queue.lock();
            if queue.closed {
                return Err(Fault::not_done(T::NAME, FaultKind::Unavailable, "the process is shutting down"));
            }
            queue.push(request, reply, rank);
        }
        self.shared.arrived.notify_one();
        let gone = || Fault::unknown(T::NAME, FaultKind::Unavailable, "the committer ended before it answered");
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Accepts nothing more; what waits is still written.
    pub(crate) fn close(&self) {
        self.shared.queue.lock().closed = true;
        self.shared.arrived.notify_one();
    }

    /// Writes batches until the queue is closed and empty.
    pub(crate) async fn run(self) {
        while let Some((requests, replies)) = self.next_batch().await {
            self.shared.places.add_permits(requests.len());
            self.shared.metrics.batch_size.record(f64::from(u32::try_from(requests.len()).unwrap_or(u32::MAX)));
            self.shared.metrics.batches.increment(1);
            let began = tokio::time::Instant::now();
            self.flush(requests.into(), replies).await;
            self.shared.metrics.flush_seconds.record(began.elapsed().as_secs_f64());
        }
    }

    async fn next_batch(&self) -> Option<(Vec<T::Request>, Vec<Reply<T>>)> {
        loop {
            {
                let mut queue = self.shared.queue.lock();
                let batch = queue.drain(self.shared.limits);
                if !batch.0.is_empty() {
                    return Some(batch);
                }
                if queue.closed {
                    return None;
                }
            }
            self.shared.metrics.depth.set(0.0);
            self.shared.arrived.notified().await;
        }
    }

    async fn flush(&self, requests: Arc<[T::Request]>, replies: Vec<Reply<T>>) {
        match self.definite(&requests).await {
            Ok(answers) => {
                debug_assert_eq!(answers.len(), replies.len(), "an engine answers every request");
                for (reply, answer) in replies.into_iter().zip(answers) {
                    // A caller that is gone has its answer in the store.
                    let _ = reply.send(Ok(answer));
                }
            }
            Err(fault) if requests.len() == 1 || !is_worth_splitting(fault.kind) => {
                for reply in replies {
                    let _ = reply.send(Err(fault.clone()));
                }
            }
            Err(_) => {
                for (request, reply) in requests.iter().zip(replies) {
                    let alone: Arc<[T::Request]> = Arc::from(vec![request.clone()]);
                    let answer = self.definite(&alone).await.and_then(|answers| {
                        let missing = || Fault::not_done(T::NAME, FaultKind::Rejected, "the engine gave no answer");
                        answers.into_iter().next().ok_or_else(missing)
                    });
                    let _ = reply.send(answer);
                }
            }
        }
    }

    /// Sends a batch until it is known to be written or known not to be.
    async fn definite(&self, batch: &Arc<[T::Request]>) -> Result<Vec<T::Answer>, Fault> {
        let (mut wait_ms, wait_ms_max) = RESEND_AFTER_MS;
        let mut conflicts = 0;
        let mut may_be_written = false;
        loop {
            let fault = match self.shared.target.apply(Arc::clone(batch)).await {
                Ok(answers) => return Ok(answers),
                Err(fault) => fault,
            };
            // After an unknown outcome, "not done" speaks of the later attempt only.
            may_be_written |= fault.outcome == Outcome::Unknown;
            if !may_be_written {
                conflicts += 1;
                if fault.kind != FaultKind::Conflict || conflicts == CONFLICT_TRIES {
                    return Err(fault);
                }
                continue;
            }
            if self.shared.queue.lock().closed {
                return Err(Fault { outcome: Outcome::Unknown, ..fault });
            }
            tracing::warn!(queue = T::NAME, %fault, "the outcome of a batch is unknown: sending it again");
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            wait_ms = (wait_ms * 2).min(wait_ms_max);
        }
    }
}

/// Whether another request of the batch may be the cause. Where the dependency is down, singles fail as well.
fn is_worth_splitting(kind: FaultKind) -> bool {
    match kind {
        FaultKind::Conflict | FaultKind::Rejected => true,
        FaultKind::Unavailable | FaultKind::Full | FaultKind::Clock | FaultKind::Schema => false,
    }
}
