//! Consumers of the feed: the ledger follows the orders, and the index by seller is kept.
//!
//! Each consumer keeps its own position, works at least once and is idempotent. Settlement acts on the order's state as
//! it is now, never on what the event said.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use holdline_domain::fault::Fault;
use holdline_domain::id::{Quantity, Reference, TenantId, Version};
use holdline_domain::ledger::{HoldId, HoldLine, LedgerAnswer, LedgerRequest, Resolution};
use holdline_domain::order::change::Event;
use holdline_domain::order::{EventKind, Order, OrderNo, OrderStatus};
use holdline_domain::port::{EventPage, FeedPosition};
use holdline_domain::tenant::CommitOn;

use crate::App;

/// Events of one page: what one transaction of a consumer covers.
const PAGE: usize = 500;
/// Who follows the feed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Consumer {
    /// Keeps the ledger in step with the orders.
    Ledger,
    /// Keeps the index of orders by seller.
    SellerIndex,
}

impl Consumer {
    /// The name that its position is stored under.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::SellerIndex => "seller_index",
        }
    }

    /// Works off one page and moves the position behind it.
    async fn work(self, app: &App, page: &EventPage, to: FeedPosition) -> Result<(), Fault> {
        let orders = &app.inner.ports.orders;
        match self {
            Self::Ledger => {
                settle(app, &page.events).await?;
                orders.advance_feed_position(self.name(), to).await
            }
            Self::SellerIndex => {
                let placed = page.events.iter().filter(|event| event.version == Version::FIRST);
                let entries: Vec<_> =
                    placed.map(|event| (event.tenant, event.seller.clone(), event.order_no.clone())).collect();
                orders.index_by_seller(&entries, self.name(), to).await
            }
        }
    }

    /// Reads the next page from the stored position. Returns how many events it had.
    async fn step(self, app: &App) -> Result<usize, Fault> {
        let orders = &app.inner.ports.orders;
        let from = orders.feed_position(self.name()).await?;
        let page = orders.events_after(from.seq, PAGE).await?;
        if let Some(last) = page.events.last() {
            self.work(app, &page, FeedPosition { epoch: page.epoch, seq: last.seq }).await?;
        }
        Ok(page.events.len())
    }
}

/// Follows the feed page by page until the loops stop. A page that fails is read again: its position has not moved.
pub(crate) async fn follow_feed(app: App, consumer: Consumer) {
    let last_page = metrics::gauge!("holdline_feed_last_page", "consumer" => consumer.name());
    loop {
        let more = match consumer.step(&app).await {
            Ok(count) => {
                last_page.set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
                count == PAGE
            }
            Err(fault) => {
                tracing::warn!(%fault, consumer = consumer.name(), "a page of the feed failed and is tried again");
                false
            }
        };
        let pause_ms = if more { 0 } else { app.inner.settings.tick_ms };
        if !app.inner.tasks.pause(pause_ms).await {
            return;
        }
    }
}

/// Brings the ledger to where the orders of these events are now.
async fn settle(app: &App, events: &[Event]) -> Result<(), Fault> {
    let mut touched: BTreeSet<(TenantId, OrderNo)> = BTreeSet::new();
    for event in events {
        if may_need_settlement(app, event) {
            touched.insert((event.tenant, event.order_no.clone()));
        }
    }
    let tenants: BTreeSet<TenantId> = touched.iter().map(|(tenant, _)| *tenant).collect();
    for tenant in tenants {
        let numbers: Vec<OrderNo> =
            touched.iter().filter(|(of, _)| *of == tenant).map(|(_, order_no)| order_no.clone()).collect();
        let orders = app.inner.ports.orders.orders(tenant, &numbers).await?;
        try_join_all(orders.iter().flatten().map(|order| settle_order(app, order))).await?;
    }
    Ok(())
}

/// An order that waits for payment keeps its hold, unless the tenant sells at creation.
fn may_need_settlement(app: &App, event: &Event) -> bool {
    match event.kind {
        EventKind::Placed => app.tenant(event.tenant).is_none_or(|tenant| tenant.commit_on == CommitOn::OrderCreated),
        EventKind::Confirmed | EventKind::Cancelled | EventKind::Expired | EventKind::HoldRaised => true,
    }
}

/// How an order's part of its hold ends, as the order stands; `None`: it stays held.
pub(crate) fn resolution(status: OrderStatus, commit_on: CommitOn) -> Option<Resolution> {
    match (status, commit_on) {
        (OrderStatus::Cancelled | OrderStatus::Expired | OrderStatus::CreateFailed, _) => Some(Resolution::Release),
        (OrderStatus::Confirmed | OrderStatus::Completed, _)
        | (OrderStatus::PendingPayment | OrderStatus::Creating, CommitOn::OrderCreated) => Some(Resolution::Commit),
        (OrderStatus::PendingPayment | OrderStatus::Creating, CommitOn::PaymentCaptured) => None,
    }
}

/// The reference under which an order that ended after its goods were sold gives them back: only this end can have it.
pub(crate) fn ended_reference(order: &Order) -> Reference {
    Reference::from_stored(format!("{}/ended", order.no))
}

async fn settle_order(app: &App, order: &Order) -> Result<(), Fault> {
    let commit_on = app.tenant(order.tenant).map(|tenant| tenant.commit_on);
    let commit_on = commit_on.ok_or_else(|| unknown_tenant(order.tenant))?;
    let Some(resolution) = resolution(order.status, commit_on) else { return Ok(()) };
    let request = LedgerRequest::Resolve {
        tenant: order.tenant,
        id: HoldId { key: order.group.clone(), n: order.hold_n },
        part: Some(order.part()),
        resolution,
    };
    let answer = app.inner.ledger.send(request).await?;
    match (resolution, &answer) {
        (Resolution::Release, LedgerAnswer::Released | LedgerAnswer::AlreadyReleased)
        | (Resolution::Commit, LedgerAnswer::Committed | LedgerAnswer::AlreadyCommitted) => Ok(()),
        (Resolution::Release, LedgerAnswer::AlreadyCommitted) => unallocate(app, order).await,
        (Resolution::Release | Resolution::Commit, _) => {
            let now = app.inner.ports.orders.orders(order.tenant, std::slice::from_ref(&order.no)).await?;
            // An order that went on meanwhile has told the feed: another process may have settled that already.
            if now.iter().flatten().any(|now| now.version == order.version) {
                report_disagreement(order, &answer);
            }
            Ok(())
        }
    }
}

/// The order ended after its goods were sold: each account that its part of the hold claimed gets its units back, under a
/// reference that only this end can have.
async fn unallocate(app: &App, order: &Order) -> Result<(), Fault> {
    let ledger = &app.inner.ports.ledger;
    let id = HoldId { key: order.group.clone(), n: order.hold_n };
    let part = order.part();
    let hold = ledger.hold(order.tenant, &id).await?;
    let lines: Vec<HoldLine> = hold.into_iter().flat_map(|hold| hold.lines).filter(|line| line.part == part).collect();
    let account_nos: Vec<i64> = lines.iter().map(|line| line.account_no).collect();
    let accounts = ledger.accounts_by_no(&account_nos).await?;
    let reference = ended_reference(order);
    try_join_all(accounts.into_iter().map(async |account| {
        let claimed = lines.iter().filter(|line| line.account_no == account.account_no).map(|line| line.quantity).sum();
        let request = LedgerRequest::Unallocate {
            tenant: order.tenant,
            account: account.key,
            quantity: Quantity::from_stored(claimed),
            reference: reference.clone(),
        };
        let answer = app.inner.ledger.send(request).await?;
        if !matches!(answer, LedgerAnswer::Unallocated | LedgerAnswer::AlreadyUnallocated) {
            report_disagreement(order, &answer);
        }
        Ok(())
    }))
    .await
    .map(drop)
}

/// The audit finds and names it; the feed goes on.
fn report_disagreement(order: &Order, answer: &LedgerAnswer) {
    tracing::error!(order_no = %order.no, ?answer, "the ledger and the order disagree");
    metrics::counter!("holdline_settlement_disagreements_total").increment(1);
}

/// A tenant made a moment ago by another process: known here after the next refresh.
fn unknown_tenant(tenant: TenantId) -> Fault {
    use holdline_domain::fault::FaultKind;
    Fault::not_done("tenants", FaultKind::Unavailable, format!("tenant {} is not loaded yet", tenant.0))
}
