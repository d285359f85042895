//! The committer: callers queue, one batch is written while the next one gathers. No timer, no wait when idle.
//!
//! Invariants:
//! - One batch is under way at a time; requests of one tenant keep their order; tenants take turns.
//! - The queue is bounded by count, a batch by count and bytes.
//! - A batch that is known to be rolled back runs again, then one by one, so one request never harms another.
//! - A batch of unknown outcome is sent again unchanged until the answer is definite: the keys make it so.
//! - Every request that was queued is answered, unless the process dies.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use holdline_domain::fault::{Fault, FaultKind, Outcome};
use holdline_domain::id::{GroupKey, TenantId};
use holdline_domain::ledger::{HoldRecord, LedgerAnswer, LedgerRequest};
use holdline_domain::order::OrderGroup;
use holdline_domain::order::change::{Change, ChangeAnswer};
use holdline_domain::port::{LedgerStore, OrderStore};
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, oneshot};

use crate::error::Error;

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

/// Bounds of a queue and its batches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Requests that wait, at most.
    pub(crate) queue: usize,
    /// Requests of one batch, at most.
    pub(crate) batch: usize,
    /// Bytes of one batch, at most; a single larger request goes alone.
    pub(crate) batch_bytes: usize,
}

type Reply<T> = oneshot::Sender<Result<<T as Target>::Answer, Fault>>;
type Waiting<T> = (<T as Target>::Request, Reply<T>);

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

struct Queue<T: Target> {
    by_tenant: BTreeMap<TenantId, VecDeque<Waiting<T>>>,
    /// The tenant whose turn it is not: the one served last.
    served_last: Option<TenantId>,
    closed: bool,
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
        let queue = Queue { by_tenant: BTreeMap::new(), served_last: None, closed: false };
        let shared = Shared {
            target,
            limits,
            queue: Mutex::new(queue),
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
        Ok(self.queued(request).await?)
    }

    /// Queues a request, waiting for a place if need be, and waits for its answer. For work that has begun already and
    /// must go on; its number is bounded by whoever began it.
    pub(crate) async fn send(&self, request: T::Request) -> Result<T::Answer, Fault> {
        self.shared.places.acquire().await.expect("the semaphore is never closed").forget();
        self.queued(request).await
    }

    async fn queued(&self, request: T::Request) -> Result<T::Answer, Fault> {
        let (reply, answer) = oneshot::channel();
        {
            let mut queue = self.shared.queue.lock();
            if queue.closed {
                return Err(Fault::not_done(T::NAME, FaultKind::Unavailable, "the process is shutting down"));
            }
            queue.by_tenant.entry(T::tenant(&request)).or_default().push_back((request, reply));
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

impl<T: Target> Queue<T> {
    /// Takes a batch, one request per tenant and turn, beginning after the tenant that was served last.
    fn drain(&mut self, limits: Limits) -> (Vec<T::Request>, Vec<Reply<T>>) {
        let (mut requests, mut replies, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some(tenant) = self.next_tenant() {
            let waiting = self.by_tenant.get_mut(&tenant).expect("the tenant was found in the map");
            let (request, _) = waiting.front().expect("empty queues are removed");
            bytes += T::bytes(request);
            if requests.len() == limits.batch || (bytes > limits.batch_bytes && !requests.is_empty()) {
                break;
            }
            let (request, reply) = waiting.pop_front().expect("the queue has a front");
            requests.push(request);
            replies.push(reply);
            if waiting.is_empty() {
                self.by_tenant.remove(&tenant);
            }
            self.served_last = Some(tenant);
        }
        (requests, replies)
    }

    fn next_tenant(&self) -> Option<TenantId> {
        use std::ops::Bound::{Excluded, Unbounded};
        let after = self.served_last.and_then(|last| self.by_tenant.range((Excluded(last), Unbounded)).next());
        after.or_else(|| self.by_tenant.first_key_value()).map(|(tenant, _)| *tenant)
    }
}

/// Writes to the ledger.
pub(crate) struct LedgerTarget(pub(crate) Arc<dyn LedgerStore>);

impl Target for LedgerTarget {
    const NAME: &'static str = "ledger";
    type Request = LedgerRequest;
    type Answer = LedgerAnswer;

    fn tenant(request: &LedgerRequest) -> TenantId {
        request.tenant()
    }

    fn bytes(request: &LedgerRequest) -> usize {
        match request {
            LedgerRequest::Hold { demands, .. } => 256 + demands.len() * 256,
            LedgerRequest::Resolve { .. }
            | LedgerRequest::Ship { .. }
            | LedgerRequest::Unallocate { .. }
            | LedgerRequest::Adjust { .. }
            | LedgerRequest::SetFlags { .. } => 512,
        }
    }

    async fn apply(&self, batch: Arc<[LedgerRequest]>) -> Result<Vec<LedgerAnswer>, Fault> {
        self.0.apply(batch).await
    }
}

/// Writes orders.
pub(crate) struct OrderTarget(pub(crate) Arc<dyn OrderStore>);

impl Target for OrderTarget {
    const NAME: &'static str = "orders";
    type Request = Change;
    type Answer = ChangeAnswer;

    fn tenant(change: &Change) -> TenantId {
        change.tenant
    }

    fn bytes(change: &Change) -> usize {
        let of_order = |order: &holdline_domain::order::Order| {
            let lines: usize =
                order.lines.iter().map(|line| 192 + line.title.len() + line.snapshot.stored_bytes()).sum();
            512 + lines + order.address.as_ref().map_or(0, String::len) + order.adjustments.len() * 192
        };
        256 + change.orders.iter().map(|(write, _)| of_order(write.order())).sum::<usize>()
    }

    async fn apply(&self, batch: Arc<[Change]>) -> Result<Vec<ChangeAnswer>, Fault> {
        self.0.apply(batch).await
    }
}

/// Reads what is known of submits: one batched read for all that wait.
pub(crate) struct LookupTarget {
    pub(crate) orders: Arc<dyn OrderStore>,
    pub(crate) ledger: Arc<dyn LedgerStore>,
}

/// What is known of a submit.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) group: Option<OrderGroup>,
    pub(crate) hold: Option<HoldRecord>,
}

impl Target for LookupTarget {
    const NAME: &'static str = "lookups";
    type Request = (TenantId, GroupKey);
    type Answer = Known;

    fn tenant(request: &Self::Request) -> TenantId {
        request.0
    }

    fn bytes(_: &Self::Request) -> usize {
        256
    }

    async fn apply(&self, batch: Arc<[Self::Request]>) -> Result<Vec<Known>, Fault> {
        // The hold first: a group that is written in between is then seen, and a hold always precedes its group.
        let holds = self.ledger.holds(&batch).await?;
        let groups = self.orders.groups(&batch).await?;
        Ok(groups.into_iter().zip(holds).map(|(group, hold)| Known { group, hold }).collect())
    }
}
