//! What waits for a committer: one queue per tenant, served in turns.

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
    /// Bytes of one batch, at most; a single larger request goes alone.
    pub(crate) batch_bytes: usize,
}

pub(super) type Reply<T> = oneshot::Sender<Result<<T as Target>::Answer, Fault>>;
pub(super) type Waiting<T> = (<T as Target>::Request, Reply<T>);

/// Requests and where their answers go.
pub(super) struct Queue<T: Target> {
    by_tenant: BTreeMap<TenantId, VecDeque<Waiting<T>>>,
    /// The tenant whose turn it is not: the one served last.
    served_last: Option<TenantId>,
    pub(super) closed: bool,
}

impl<T: Target> Queue<T> {
    pub(super) fn new() -> Self {
        Self { by_tenant: BTreeMap::new(), served_last: None, closed: false }
    }

    pub(super) fn push(&mut self, request: T::Request, reply: Reply<T>) {
        self.by_tenant.entry(T::tenant(&request)).or_default().push_back((request, reply));
    }

    /// Takes a batch, one request per tenant and turn, beginning after the tenant that was served last.
    pub(super) fn drain(&mut self, limits: Limits) -> (Vec<T::Request>, Vec<Reply<T>>) {
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
