//! Settlement as a consumer: which orders of a page are settled, and which of their events are parked.
//!
//! What fails is either the store's failure, and stops the page, or the order's own: the ledger disagrees with it, or its
//! rows cannot be read. An order that fails by itself is tried once more alone before its events are parked.

use std::collections::BTreeMap;
use std::sync::Arc;

use holdline_domain::fault::{Fault, FaultKind, Outcome};
use holdline_domain::feed::{Failure, Parking};
use holdline_domain::id::{TenantId, Version};
use holdline_domain::order::change::Event;
use holdline_domain::order::{EventKind, OrderNo};
use holdline_domain::tenant::CommitOn;

use super::parked::{PAUSES, parked_among, said};
use super::{Consumer, OrderRef};
use crate::App;
use crate::order::{Extent, Found};
use crate::page::for_each_of_page;
use crate::settlement::settle_order;

/// How often an order is tried before its events are parked: among others, then alone.
const TRIES: i32 = 2;

/// Why an order could not be settled.
#[derive(Debug)]
pub(crate) enum NotSettled {
    /// The store failed: nothing is wrong with the order, as far as is known.
    Store(Fault),
    /// The order's own.
    Own(String),
}

impl From<Fault> for NotSettled {
    fn from(fault: Fault) -> Self {
        if is_of_one_order(&fault) { Self::Own(fault.to_string()) } else { Self::Store(fault) }
    }
}

/// Whether a fault is an order's own, so that others can go on: its rows make no order, or the store will not have them.
pub(crate) fn is_of_one_order(fault: &Fault) -> bool {
    match (fault.outcome, fault.kind) {
        (Outcome::NotDone, FaultKind::Conflict | FaultKind::Rejected | FaultKind::Schema) => true,
        (Outcome::Unknown, _) | (Outcome::NotDone, FaultKind::Unavailable | FaultKind::Full | FaultKind::Clock) => {
            false
        }
    }
}

/// Works off the events of a page; what must be parked of them.
pub(super) async fn work_off(app: &App, events: &[Event]) -> Result<Vec<Parking>, Fault> {
    let parked = parked_among(app, &Consumer::Ledger.id(), events).await?;
    let mut touched: BTreeMap<OrderRef, i64> = BTreeMap::new();
    for event in events.iter().filter(|event| may_need_settlement(app, event)) {
        let order = (event.tenant, event.order_no.clone());
        if !parked.contains(&order) {
            touched.entry(order).or_insert(event.seq);
        }
    }
    let versions = events.iter().map(|event| ((event.tenant, event.order_no.clone()), event.version));
    let newest: BTreeMap<OrderRef, Version> = versions.filter(|(order, _)| touched.contains_key(order)).collect();
    let failed = settle(app, touched.keys().map(|order| (order.clone(), newest[order])).collect()).await?;
    let parking = |event: &Event| {
        let order = (event.tenant, event.order_no.clone());
        let failure = match (failed.get(&order), touched.get(&order)) {
            (Some(error), Some(first)) if *first == event.seq => {
                tracing::error!(order_no = %event.order_no, seq = event.seq, error, "an event of the feed is parked");
                let wait_ms = PAUSES.after(TRIES);
                Some(Failure { error: error.clone(), attempts: TRIES, wait_ms })
            }
            (Some(_), Some(first)) if *first < event.seq => None,
            _ if parked.contains(&order) => None,
            _ => return None,
        };
        Some(Parking { event: event.clone(), failure })
    };
    Ok(events.iter().filter_map(parking).collect())
}

/// Settles orders, each with the version of its newest event: what this process wrote itself as it wrote it, the others of a
/// tenant in one read. Those that failed by themselves, twice, with what went wrong.
async fn settle(app: &App, orders: Vec<(OrderRef, Version)>) -> Result<BTreeMap<OrderRef, String>, Fault> {
    let mut to_read: BTreeMap<TenantId, Vec<OrderNo>> = BTreeMap::new();
    let mut known = Vec::new();
    for (order, version) in orders {
        match app.inner.written.take(&order, version) {
            Some(order) => known.push(Arc::new(order)),
            None => to_read.entry(order.0).or_default().push(order.1),
        }
    }
    let (mut suspects, mut failed) = (Vec::new(), BTreeMap::new());
    for (tenant, numbers) in to_read {
        for (order_no, found) in app.orders_found(tenant, numbers, Extent::Whole).await? {
            match found {
                Found::Order(order) => known.push(order),
                Found::Gone => suspects.push((tenant, order_no)),
                Found::Unreadable(error) => drop(failed.insert((tenant, order_no), said(error))),
            }
        }
    }
    let settled = for_each_of_page(&known, |order| settle_order(app, order)).await;
    for (order, settled) in known.iter().zip(settled) {
        match settled {
            Ok(()) => {}
            Err(NotSettled::Store(fault)) => return Err(fault),
            Err(NotSettled::Own(_)) => suspects.push((order.tenant, order.no.clone())),
        }
    }
    for (tenant, order_no) in suspects {
        match settle_alone(app, tenant, &order_no).await {
            Ok(()) => {}
            Err(NotSettled::Store(fault)) => return Err(fault),
            Err(NotSettled::Own(error)) => {
                failed.insert((tenant, order_no), said(error));
            }
        }
    }
    Ok(failed)
}

/// Settles one order as it is now.
pub(super) async fn settle_alone(app: &App, tenant: TenantId, order_no: &OrderNo) -> Result<(), NotSettled> {
    let read = app.inner.ports.orders.orders(tenant, std::slice::from_ref(order_no)).await?;
    match read.into_iter().flatten().next() {
        Some(order) => settle_order(app, &order).await,
        None => Err(NotSettled::Own("the feed tells of an order that is not there".to_owned())),
    }
}

/// An order that waits for payment keeps its hold, unless the tenant sells at creation.
fn may_need_settlement(app: &App, event: &Event) -> bool {
    let sells_at_creation = || app.tenant(event.tenant).is_none_or(|tenant| tenant.commit_on == CommitOn::OrderCreated);
    asks_for_settlement(event.kind) && (event.kind != EventKind::Placed || sells_at_creation())
}

/// Whether the ledger may have to follow what an event of this kind tells.
pub(crate) fn asks_for_settlement(kind: EventKind) -> bool {
    match kind {
        EventKind::Placed
        | EventKind::Confirmed
        | EventKind::Cancelled
        | EventKind::Expired
        | EventKind::HoldRaised
        | EventKind::HoldLapsed
        | EventKind::HeldAgain
        | EventKind::Shipped
        | EventKind::RefundStarted
        | EventKind::ReturnChanged => true,
        EventKind::PaymentStarted
        | EventKind::PaymentEnded
        | EventKind::Paused
        | EventKind::Resumed
        | EventKind::Delivered
        | EventKind::Completed
        | EventKind::RefundEnded => false,
    }
}

/// A tenant made a moment ago by another process: known here after the next refresh.
pub(crate) fn unknown_tenant(tenant: TenantId) -> Fault {
    Fault::not_done("tenants", FaultKind::Unavailable, format!("tenant {} is not loaded yet", tenant.0))
}
