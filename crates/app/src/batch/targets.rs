//! What is batched: ledger requests, changes of orders, and lookups of submits.

use std::sync::Arc;

use holdline_domain::fault::Fault;
use holdline_domain::id::{GroupKey, TenantId};
use holdline_domain::ledger::{HoldRecord, LedgerAnswer, LedgerRequest, OutsideRequest};
use holdline_domain::order::change::{Change, ChangeAnswer, OrderWrite};
use holdline_domain::order::{Acceptance, Order, OrderGroup, StoredSubmit, Submit};
use holdline_domain::port::{LedgerStore, OrderStore};

use super::Target;
use crate::feed::{Bell, Written, asks_for_settlement};

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
            LedgerRequest::Hold { demands, .. }
            | LedgerRequest::Outside { request: OutsideRequest::Take { demands, .. }, .. } => 256 + demands.len() * 256,
            LedgerRequest::Resolve { .. }
            | LedgerRequest::Ship { .. }
            | LedgerRequest::Unallocate { .. }
            | LedgerRequest::Adjust { .. }
            | LedgerRequest::SetFlags { .. }
            | LedgerRequest::MoveRest { .. }
            | LedgerRequest::Outside { .. } => 512,
        }
    }

    async fn apply(&self, batch: Arc<[LedgerRequest]>) -> Result<Vec<LedgerAnswer>, Fault> {
        self.0.apply(batch).await
    }
}

/// Writes orders, rings for whoever waits for their events, and keeps those that will be settled.
pub(crate) struct OrderTarget {
    pub(crate) orders: Arc<dyn OrderStore>,
    pub(crate) bell: Arc<Bell>,
    pub(crate) written: Arc<Written>,
}

impl OrderTarget {
    /// Keeps what was written of a change, without new orders: those are seldom settled.
    fn keep(&self, change: &Change) {
        for (write, kind) in &change.orders {
            if let OrderWrite::Update(order) = write
                && asks_for_settlement(*kind)
            {
                self.written.put(order, order_bytes(order));
            }
        }
    }
}

/// About how many bytes an order has.
fn order_bytes(order: &Order) -> usize {
    let lines: usize = order.lines.iter().map(|line| 192 + line.title.len() + line.snapshot.stored_bytes()).sum();
    512 + lines + order.address.as_ref().map_or(0, String::len) + order.adjustments.len() * 192
}

impl Target for OrderTarget {
    const NAME: &'static str = "orders";
    type Request = Change;
    type Answer = ChangeAnswer;

    fn tenant(change: &Change) -> TenantId {
        change.tenant
    }

    fn bytes(change: &Change) -> usize {
        let of_submit = |submit: &Submit| {
            let lines: usize =
                submit.lines.iter().map(|line| 256 + line.snapshot.as_ref().map_or(0, String::len)).sum();
            512 + lines + submit.address.as_ref().map_or(0, String::len) + submit.adjustments.len() * 192
        };
        let promised = change.accept.as_ref().map_or(0, |accepted| of_submit(&accepted.submit));
        256 + promised + change.orders.iter().map(|(write, _)| order_bytes(write.order())).sum::<usize>()
    }

    async fn apply(&self, batch: Arc<[Change]>) -> Result<Vec<ChangeAnswer>, Fault> {
        let answers = self.orders.apply(Arc::clone(&batch)).await?;
        let applied = batch.iter().zip(&answers).filter(|(_, answer)| matches!(answer, ChangeAnswer::Applied { .. }));
        applied.for_each(|(change, _)| self.keep(change));
        self.bell.ring();
        Ok(answers)
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
    pub(crate) acceptance: Option<Acceptance>,
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
        let submits = self.orders.submits(&batch).await?;
        let known = |(submit, hold)| {
            let StoredSubmit { group, acceptance } = submit;
            Known { group, acceptance, hold }
        };
        Ok(submits.into_iter().zip(holds).map(known).collect())
    }
}
