//! Settling one order: the ledger is brought to where the order, its shipments, refunds and returns are now.
//!
//! Nothing here asks what an event said. Everything is told to the ledger under a reference that only this fact can have,
//! so it may be told any number of times, and by several processes at once:
//!
//! | fact | the ledger | reference |
//! |---|---|---|
//! | the order waits | its hold stays | |
//! | its hold lapsed, or it ended unsold | release its part | the hold's id |
//! | it is paid (or made, by policy) | commit its part | the hold's id |
//! | an earlier hold of it | release its part | that hold's id |
//! | a shipment left | ship its units | `<order>/shipment/<n>` |
//! | unshipped units were taken off | unallocate them | `<order>/refund/<n>` |
//! | it was cancelled after it was sold | unallocate what is left | `<order>/ended`, from its second hold on `<order>/ended/<hold>` |
//! | returned units may be sold again | adjust by them | `<order>/return/<n>` |

use futures_util::future::try_join_all;
use holdline_domain::fault::Fault;
use holdline_domain::fulfillment::Claim;
use holdline_domain::ledger::{HoldId, LedgerAnswer, LedgerRequest, Resolution};
use holdline_domain::order::{FulfillmentStatus, HoldAxis, Order, OrderStatus};
use holdline_domain::port::{LedgerStore, LifeStore};
use holdline_domain::tenant::CommitOn;

use crate::App;
use crate::feed::{NotSettled, unknown_tenant};
use crate::fulfillment::goods_of;

/// How an order's part of its hold ends, as the order stands; `None`: it stays held.
pub(crate) fn resolution(order: &Order, commit_on: CommitOn) -> Option<Resolution> {
    match order.status {
        OrderStatus::Cancelled | OrderStatus::Expired | OrderStatus::CreateFailed => Some(Resolution::Release),
        OrderStatus::Confirmed | OrderStatus::Completed => Some(Resolution::Commit),
        OrderStatus::PendingPayment | OrderStatus::Creating => match (order.hold, commit_on) {
            (HoldAxis::Lapsed, _) => Some(Resolution::Release),
            (HoldAxis::Held | HoldAxis::Committed | HoldAxis::Released, CommitOn::OrderCreated) => {
                Some(Resolution::Commit)
            }
            (HoldAxis::Held | HoldAxis::Committed | HoldAxis::Released, CommitOn::PaymentCaptured) => None,
        },
    }
}

/// Gives back the order's part of a hold that is over: released, or, where the tenant sold it at creation, unallocated.
pub(crate) async fn give_back(app: &App, order: &Order, n: i32) -> Result<(), Fault> {
    let (id, part) = (HoldId { key: order.group.clone(), n }, Some(order.part()));
    let release = LedgerRequest::Resolve { tenant: order.tenant, id, part, resolution: Resolution::Release };
    if app.inner.ledger.send(release).await? != LedgerAnswer::AlreadyCommitted {
        return Ok(());
    }
    for claim in claims(app.inner.ports.ledger.as_ref(), order, n).await? {
        app.inner.ledger.send(claim.given_back(order, n)).await?;
    }
    Ok(())
}

/// Brings the ledger to where the order is.
pub(crate) async fn settle_order(app: &App, order: &Order) -> Result<(), NotSettled> {
    let commit_on = app.tenant(order.tenant).ok_or_else(|| unknown_tenant(order.tenant))?.commit_on;
    for n in 1..order.hold_n {
        give_back(app, order, n).await?;
    }
    let Some(resolution) = resolution(order, commit_on) else { return Ok(()) };
    let request = LedgerRequest::Resolve {
        tenant: order.tenant,
        id: HoldId { key: order.group.clone(), n: order.hold_n },
        part: Some(order.part()),
        resolution,
    };
    let answer = app.inner.ledger.send_in_background(request).await?;
    match (resolution, &answer) {
        (Resolution::Release, LedgerAnswer::Released | LedgerAnswer::AlreadyReleased) => Ok(()),
        (Resolution::Release, LedgerAnswer::AlreadyCommitted)
        | (Resolution::Commit, LedgerAnswer::Committed | LedgerAnswer::AlreadyCommitted) => {
            if order.lines.is_empty() {
                settle_whole(app, order).await
            } else {
                move_goods(app, order, resolution).await
            }
        }
        (Resolution::Release | Resolution::Commit, _) => {
            disagree(app, order, &format!("{resolution:?}"), &answer).await
        }
    }
}

/// Goods move by line, and whoever wrote this order last had not read its lines: it is read, and settled as it is now.
async fn settle_whole(app: &App, head: &Order) -> Result<(), NotSettled> {
    let read = app.inner.ports.orders.orders(head.tenant, std::slice::from_ref(&head.no)).await?;
    match read.into_iter().flatten().next() {
        Some(whole) if !whole.lines.is_empty() => Box::pin(settle_order(app, &whole)).await,
        Some(_) | None => Err(NotSettled::Own("the order, or its lines, are not there".to_owned())),
    }
}

/// An order that went on meanwhile has told the feed: another process may have settled that already.
async fn disagree(app: &App, order: &Order, asked: &str, answer: &LedgerAnswer) -> Result<(), NotSettled> {
    let now = app.inner.ports.orders.orders(order.tenant, std::slice::from_ref(&order.no)).await?;
    if now.iter().flatten().any(|now| now.version == order.version) {
        // The audit finds it as well, and says by how much.
        let error = format!("the ledger and the order disagree: {asked} was answered {answer:?}");
        return Err(NotSettled::Own(error));
    }
    Ok(())
}

async fn move_goods(app: &App, order: &Order, resolution: Resolution) -> Result<(), NotSettled> {
    let movements =
        movements(app.inner.ports.ledger.as_ref(), app.inner.ports.life.as_ref(), order, resolution).await?;
    try_join_all(movements.into_iter().map(async |request| {
        let asked = moved(&request);
        let answer = app.inner.ledger.send_in_background(request).await?;
        match answer {
            LedgerAnswer::Shipped
            | LedgerAnswer::AlreadyShipped
            | LedgerAnswer::Unallocated
            | LedgerAnswer::AlreadyUnallocated
            | LedgerAnswer::Adjusted(_)
            | LedgerAnswer::AlreadyAdjusted(_) => Ok(()),
            other => disagree(app, order, asked, &other).await,
        }
    }))
    .await
    .map(drop)
}

/// What the ledger must know of the goods of an order whose part was sold.
pub(crate) async fn movements(
    ledger: &dyn LedgerStore,
    life: &dyn LifeStore,
    order: &Order,
    resolution: Resolution,
) -> Result<Vec<LedgerRequest>, Fault> {
    let ended = resolution == Resolution::Release;
    let nothing_moved = order.fulfillment == FulfillmentStatus::Unfulfilled
        && order.life.refunding.0 == 0
        && order.life.refunded.0 == 0;
    if nothing_moved && !ended {
        return Ok(Vec::new());
    }
    let goods = goods_of(life, order).await?;
    let claims = claims(ledger, order, order.hold_n).await?;
    Ok(claims.iter().flat_map(|claim| goods.movements(order, claim, ended)).collect())
}

/// The word for what the ledger was asked to do with goods.
fn moved(request: &LedgerRequest) -> &'static str {
    match request {
        LedgerRequest::Ship { .. } => "Ship",
        LedgerRequest::Unallocate { .. } => "Unallocate",
        LedgerRequest::Adjust { .. } => "Adjust",
        _ => "a request",
    }
}

/// What an order's part of its hold `n` claimed, by account.
pub(crate) async fn claims(ledger: &dyn LedgerStore, order: &Order, n: i32) -> Result<Vec<Claim>, Fault> {
    let part = order.part();
    let hold = ledger.hold(order.tenant, &HoldId { key: order.group.clone(), n }).await?;
    let lines: Vec<_> = hold.into_iter().flat_map(|hold| hold.lines).filter(|line| line.part == part).collect();
    let account_nos: Vec<i64> = lines.iter().map(|line| line.account_no).collect();
    let accounts = ledger.accounts_by_no(&account_nos).await?;
    let claim = |account: holdline_domain::ledger::Account| {
        let of_it = lines.iter().filter(|line| line.account_no == account.account_no);
        Claim { units: of_it.map(|line| line.quantity).sum(), account: account.key }
    };
    Ok(accounts.into_iter().map(claim).collect())
}
