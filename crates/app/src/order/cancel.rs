//! Cancelling an order that waits for payment.

use holdline_domain::id::{TenantId, Version};
use holdline_domain::order::change::{Change, ChangeAnswer, OrderWrite};
use holdline_domain::order::state::Transition;
use holdline_domain::order::{Actor, EventKind, Order, OrderEvent, OrderNo};
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
            let cancelled = match order.after(OrderEvent::Cancel, actor) {
                Ok(cancelled) => cancelled,
                Err(Transition::Already) => return Ok(order),
                Err(Transition::Refused | Transition::To(_)) => {
                    let (order_no, status) = (order.no.clone(), order.status);
                    return Err(Refusal::OrderState { order_no, status }.into());
                }
            };
            let change = Change {
                orders: vec![(OrderWrite::Update(Box::new(cancelled.clone())), EventKind::Cancelled)],
                not_after: Some(order.pay_deadline),
                ..Change::touch(tenant)
            };
            match self.inner.orders.offer(change).await? {
                ChangeAnswer::Applied { now } => {
                    self.saw_now(now);
                    let ended = cancelled.ended.map(|ended| holdline_domain::order::EndReason { at: now, ..ended });
                    return Ok(Order { ended, ..cancelled });
                }
                // Decided anew on what is now true: the deadline has passed, or somebody else was first.
                ChangeAnswer::TooLate { now } => self.saw_now(now),
                ChangeAnswer::Stale { .. } => {}
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
}
