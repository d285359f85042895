//! The reaper: finds holds that no order wants, and gives them back behind a fence.
//!
//! It visits each hold once, by a cursor over the ledger's gapless sequence, when the hold is old enough that its placing
//! attempt must have ended or died. A placed group needs nothing: the feed settles its orders. A submit that was promised to be
//! decided is decided first, and the cursor waits until it is. Else, without a group, it writes the tombstone first, under
//! the very key that the order group would take, and only then releases: a late insert of a paused process finds the key
//! taken.

use holdline_domain::fault::{Fault, FaultKind};
use holdline_domain::ledger::{HoldRecord, LedgerRequest, Resolution};
use holdline_domain::order::change::{Change, ChangeAnswer, OrderWrite};
use holdline_domain::order::{EventKind, GroupState, HoldAxis, Order, OrderGroup};

use crate::App;
use crate::order::take_up;

/// Holds visited per page.
const PAGE: usize = 500;

pub(crate) async fn reap(app: App) {
    let holds_open = metrics::gauge!("holdline_holds_open");
    loop {
        if let Ok(open) = app.inner.ports.ledger.open_holds().await {
            #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 holds")]
            holds_open.set(open as f64);
        }
        let more = match visit_page(&app).await {
            Ok(more) => more,
            Err(fault) => {
                tracing::warn!(%fault, "the reaper could not go on and tries again");
                false
            }
        };
        let pause_ms = if more { 0 } else { app.inner.settings.tick_ms.saturating_mul(5) };
        if !app.inner.tasks.pause(pause_ms).await {
            return;
        }
    }
}

/// Visits the next page of holds that are old enough. True: there may be more.
async fn visit_page(app: &App) -> Result<bool, Fault> {
    let ledger = &app.inner.ports.ledger;
    let cursor = ledger.reaper_cursor().await?;
    let visits = ledger.holds_after(cursor, PAGE).await?;
    let page_is_full = visits.len() == PAGE;
    let orphan_after_ms = app.inner.settings.orphan_after_ms;
    let due: Vec<HoldRecord> = visits
        .into_iter()
        .take_while(|visit| visit.now.since_ms(visit.taken) >= orphan_after_ms)
        .map(|visit| visit.hold)
        .collect();
    let Some(last) = due.last().map(|hold| hold.hold_no) else {
        return Ok(false);
    };
    let more = page_is_full && due.len() == PAGE;
    // A hold that an outside caller took has no order to ask for: its deadline speaks.
    let is_ours = |hold: &&HoldRecord| hold.is_open() && !hold.id.key.is_outside();
    let open: Vec<&HoldRecord> = due.iter().filter(is_ours).collect();
    let keys: Vec<_> = open.iter().map(|hold| (hold.tenant, hold.id.key.clone())).collect();
    if !keys.is_empty() {
        let submits = app.inner.ports.orders.submits(&keys).await?;
        for (hold, submit) in open.into_iter().zip(submits) {
            let group = if submit.acceptance.is_some() { Some(decided(app, hold).await?) } else { submit.group };
            visit(app, hold, group).await?;
        }
    }
    ledger.advance_reaper_cursor(last).await?;
    Ok(more)
}

/// The end of a promised submit, brought about if need be.
async fn decided(app: &App, hold: &HoldRecord) -> Result<OrderGroup, Fault> {
    let orders = &app.inner.ports.orders;
    if let Some(accepted) = orders.accepted_submit(hold.tenant, &hold.id.key).await? {
        take_up(app, accepted).await;
    }
    let submit = orders.submits(&[(hold.tenant, hold.id.key.clone())]).await?.pop();
    submit.and_then(|submit| submit.group).ok_or_else(|| {
        let message = format!("the submit of hold {} is promised to be decided and is not yet", hold.hold_no);
        Fault::not_done("orders", FaultKind::Unavailable, message)
    })
}

async fn visit(app: &App, hold: &HoldRecord, group: Option<OrderGroup>) -> Result<(), Fault> {
    let group = if let Some(group) = group {
        group
    } else {
        let tombstone = OrderGroup::tombstone(hold.tenant, hold.id.key.clone(), None);
        let answer = app.inner.orders.send(Change::fence(tombstone.clone())).await?;
        app.fenced(answer).unwrap_or_else(|| {
            metrics::counter!("holdline_orphan_holds_total").increment(1);
            tombstone
        })
    };
    match group.state {
        GroupState::Placed { .. } if hold.id.n > 1 => visit_again(app, hold).await,
        GroupState::Placed { .. } => Ok(()),
        GroupState::Refused { .. } | GroupState::Abandoned => release(app, hold).await,
    }
}

/// A hold that an order took again: is it the order's current one? If not, the order is raised past it first, so that
/// whoever took it can no longer write it, and only then it is given back.
async fn visit_again(app: &App, hold: &HoldRecord) -> Result<(), Fault> {
    let numbers: Vec<_> = hold.order_nos.iter().map(|(_, order_no)| order_no.clone()).collect();
    for order in app.inner.ports.orders.orders(hold.tenant, &numbers).await?.into_iter().flatten() {
        let n = hold.id.n;
        // One that has its goods takes no other hold: whoever took this one had seen an older order, and cannot write.
        let lacks_goods = matches!(order.hold, HoldAxis::Lapsed | HoldAxis::Released);
        let may_still_take_it = order.hold_n < n && lacks_goods && order.status.may_be_held_again();
        if may_still_take_it {
            let raised = Order { hold_n: n, version: order.version.next(), ..order.clone() };
            let change = Change {
                orders: vec![(OrderWrite::Update(Box::new(raised)), EventKind::HoldRaised)],
                ..Change::touch(order.tenant)
            };
            // Overtaken: the order may have learnt of the hold just now. It is looked at again with the next page.
            if !matches!(app.inner.orders.send(change).await?, ChangeAnswer::Applied { .. }) {
                let message = format!("order {} changed while its hold {n} was looked at", order.no);
                return Err(Fault::not_done("orders", FaultKind::Conflict, message));
            }
            metrics::counter!("holdline_orphan_holds_total").increment(1);
        }
        if order.hold_n != n {
            release(app, hold).await?;
        }
    }
    Ok(())
}

/// Gives a whole hold back. Only behind a fence: a durable group row that is not placed.
pub(crate) async fn release(app: &App, hold: &HoldRecord) -> Result<(), Fault> {
    let request = LedgerRequest::Resolve {
        tenant: hold.tenant,
        id: hold.id.clone(),
        part: None,
        resolution: Resolution::Release,
    };
    app.inner.ledger.send(request).await.map(drop)
}
