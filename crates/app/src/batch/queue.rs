//! What waits for a committer: two ranks, in each one queue per tenant, served in turns.

use std::collections::{BTreeMap, VecDeque};

use holdline_domain::fault::Fault;
use holdline_domain::id::TenantId;
use tokio::sync::oneshot;

use super::Target;

/// Bounds of a queue and its batches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Requests that wait, at most.
    pub(crate) queue: usize,
    /// Requests of one batch, at most.
    pub(crate) batch: usize,
    /// Requests of the background among them.
    pub(crate) background: Share,
    /// Bytes of one batch, at most; a single larger request goes alone.
    pub(crate) batch_bytes: usize,
}

/// What a batch takes of the background: all that it may while nobody waits for it, else twice as many requests as somebody
/// waits for, between these bounds. So few callers wait for few of the background, and yet it keeps its pace: the smaller the batches,
/// the more of them there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    pub(crate) least: usize,
    pub(crate) most: usize,
}

impl Share {
    fn beside(self, urgent: usize) -> usize {
        if urgent == 0 { self.most } else { urgent.saturating_mul(2).clamp(self.least, self.most) }
    }
}

/// Who waits for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    /// A caller.
    Urgent,
    /// A loop that has more to do than fits into one batch.
    Background,
}

pub(super) type Reply<T> = oneshot::Sender<Result<<T as Target>::Answer, Fault>>;
pub(super) type Waiting<T> = (<T as Target>::Request, Reply<T>);

/// Requests and where their answers go.
pub(super) struct Queue<T: Target> {
    /// What somebody waits for: an answer to a buyer hangs on it.
    urgent: Lane<T>,
    /// What the feed and the clock ask for.
    background: Lane<T>,
    pub(super) closed: bool,
}

impl<T: Target> Queue<T> {
    pub(super) fn new() -> Self {
        Self { urgent: Lane::new(), background: Lane::new(), closed: false }
    }

    pub(super) fn push(&mut self, request: T::Request, reply: Reply<T>, rank: Rank) {
        let lane = match rank {
            Rank::Urgent => &mut self.urgent,
            Rank::Background => &mut self.background,
        };
        lane.by_tenant.entry(T::tenant(&request)).or_default().push_back((request, reply));
    }

    /// Takes a batch: a share of the background, so that it neither starves nor crowds out, and then what is urgent.
    pub(super) fn drain(&mut self, limits: Limits) -> (Vec<T::Request>, Vec<Reply<T>>) {
        let mut batch = Gathering { requests: Vec::new(), replies: Vec::new(), bytes: 0, limits };
        let share = limits.background.beside(self.urgent.waiting());
        self.background.move_to(&mut batch, share.min(limits.batch));
        self.urgent.move_to(&mut batch, limits.batch);
        (batch.requests, batch.replies)
    }
}

/// A batch that gathers.
struct Gathering<T: Target> {
    requests: Vec<T::Request>,
    replies: Vec<Reply<T>>,
    bytes: usize,
    limits: Limits,
}

/// Requests of one rank.
struct Lane<T: Target> {
    by_tenant: BTreeMap<TenantId, VecDeque<Waiting<T>>>,
    /// The tenant whose turn it is not: the one served last.
    served_last: Option<TenantId>,
}

impl<T: Target> Lane<T> {
    fn new() -> Self {
        Self { by_tenant: BTreeMap::new(), served_last: None }
    }

    /// Requests of all tenants.
    fn waiting(&self) -> usize {
        self.by_tenant.values().map(VecDeque::len).sum()
    }

    /// Fills a batch up to so many requests, one request per tenant and turn, beginning after the tenant that was served last.
    fn move_to(&mut self, batch: &mut Gathering<T>, requests_max: usize) {
        while let Some(tenant) = self.next_tenant() {
            let waiting = self.by_tenant.get_mut(&tenant).expect("the tenant was found in the map");
            let (request, _) = waiting.front().expect("empty queues are removed");
            let bytes = batch.bytes + T::bytes(request);
            if batch.requests.len() >= requests_max || (bytes > batch.limits.batch_bytes && !batch.requests.is_empty())
            {
                return;
            }
            batch.bytes = bytes;
            let (request, reply) = waiting.pop_front().expect("the queue has a front");
            batch.requests.push(request);
            batch.replies.push(reply);
            if waiting.is_empty() {
                self.by_tenant.remove(&tenant);
            }
            self.served_last = Some(tenant);
        }
    }

    fn next_tenant(&self) -> Option<TenantId> {
        use std::ops::Bound::{Excluded, Unbounded};
        let after = self.served_last.and_then(|last| self.by_tenant.range((Excluded(last), Unbounded)).next());
        after.or_else(|| self.by_tenant.first_key_value()).map(|(tenant, _)| *tenant)
    }
}
