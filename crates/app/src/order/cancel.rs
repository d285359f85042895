//! Cancelling an order: before payment, or after it and before anything was shipped; then its money goes back.

use holdline_domain::id::{TenantId, Version};
use holdline_domain::money::Minor;
use holdline_domain::order::change::{Change, ChangeAnswer, OrderWrite, Satellite};
use holdline_domain::order::{Actor, EventKind, Obstacle, Order, OrderNo, OrderStatus};
use holdline_domain::payment::{Refund, RefundReason};
use holdline_domain::refusal::Refusal;

use crate::App;
use crate::error::Error;

/// How often a change that lost a race is decided anew. Each loss means that somebody else made progress.
const TRIES_MAX: usize = 8;

impl App {
    /// Cancels an order. The same cancel again is a success that changes nothing; the stock follows through the feed.
    pub async fn cancel(
        &self,
        tenant: TenantId,
        order_no: &OrderNo,
        actor: Actor,
        if_match: Option<Version>,
    ) -> Result<Order, Error> {
        for _ in 0..TRIES_MAX {
            let order = self.order(tenant, order_no).await?;
            if let Some(expected) = if_match
                && expected != order.version
            {
                return Err(Refusal::VersionMismatch { current_version: order.version }.into());
            }
            let change = match self.cancelling(&order, actor).await? {
                Ok(change) => change,
                Err(obstacle) => match obstacle.refusal(&order) {
                    Some(refusal) => return Err(refusal.into()),
                    None => return Ok(order),
                },
            };
            let Some((OrderWrite::Update(cancelled), _)) = change.orders.first().cloned() else {
                unreachable!("a cancel updates its order")
            };
            match self.inner.orders.offer(change).await? {
                ChangeAnswer::Applied { now } => {
                    self.saw_now(now);
                    let ended = cancelled.ended.map(|ended| holdline_domain::order::EndReason { at: now, ..ended });
                    return Ok(Order { ended, ..*cancelled });
                }
                // Decided anew on what is now true: the deadline has passed, or somebody else was first.
                ChangeAnswer::TooLate { now } => self.saw_now(now),
                ChangeAnswer::Stale { .. } | ChangeAnswer::StaleRow { .. } => {}
                other @ (ChangeAnswer::GroupExists(_)
                | ChangeAnswer::AlreadyAccepted(_)
                | ChangeAnswer::NumbersPromised(_)
                | ChangeAnswer::NumberTaken(_)
                | ChangeAnswer::TooEarly { .. }) => {
                    unreachable!("a cancel is never answered {other:?}")
                }
            }
        }
        Err(Error::Busy { queue: "orders", retry_after_ms: 1_000 })
    }

    /// The change that cancels an order: an unpaid one before its deadline, a paid one with all that is left of its money
    /// set aside in a refund.
    async fn cancelling(&self, order: &Order, actor: Actor) -> Result<Result<Change, Obstacle>, Error> {
        let (cancelled, left) = match order.cancelled_and_set_aside(actor) {
            Ok(cancelled) => cancelled,
            Err(obstacle) => return Ok(Err(obstacle)),
        };
        let mut change = Change {
            orders: vec![(OrderWrite::Update(Box::new(cancelled)), EventKind::Cancelled)],
            not_after: (order.status == OrderStatus::PendingPayment).then_some(order.pay_deadline),
            ..Change::touch(order.tenant)
        };
        if let Some(attempt) = order.life.attempt.clone().filter(|_| left > Minor::ZERO) {
            let refunds = self.inner.ports.life.refunds(order.tenant, std::slice::from_ref(&attempt)).await?;
            let n = refunds.last().map_or(1, |last| last.n + 1);
            let refund = Refund::of_order(order, attempt, n, left, RefundReason::Cancelled);
            change.satellites.push(Satellite::Refund(Box::new(refund)));
        }
        Ok(Ok(change))
    }
}
