//! Refunds that somebody asks for: the sum is set aside on the order's row, in the change that creates the refund.

use holdline_domain::fulfillment::{LineQuantity, cost};
use holdline_domain::id::{ClientId, Fingerprint, IdempotencyKey, TenantId};
use holdline_domain::money::Minor;
use holdline_domain::order::change::{Change, ChangeAnswer, OrderWrite, Satellite};
use holdline_domain::order::{EventKind, OrderNo};
use holdline_domain::payment::{Refund, RefundReason, refundable};
use holdline_domain::refusal::Refusal;

use super::TRIES_MAX;
use crate::App;
use crate::error::Error;
use crate::fulfillment::check_units;

/// A wish to give money back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundRequest {
    /// Whose.
    pub tenant: TenantId,
    /// The integration that asks.
    pub client: ClientId,
    /// The request's key: sent again, it gives nothing back again.
    pub key: IdempotencyKey,
    /// Of which order.
    pub order_no: OrderNo,
    /// How much; `None`: what the lines cost.
    pub amount: Option<Minor>,
    /// Units that were not shipped and are taken off the order.
    pub lines: Vec<LineQuantity>,
    /// Why, in words.
    pub note: Option<String>,
}

impl RefundRequest {
    fn identity(&self) -> Fingerprint {
        let (client, key) = (self.client.as_str(), self.key.as_str());
        Fingerprint::of(&[b"refund", client.as_bytes(), key.as_bytes(), self.order_no.as_str().as_bytes()])
    }
}

impl App {
    /// Creates a refund; it is sent by the follow-up. True with it: it was created before by the same request.
    pub async fn create_refund(&self, request: RefundRequest) -> Result<(Refund, bool), Error> {
        for _ in 0..TRIES_MAX {
            let order = self.order(request.tenant, &request.order_no).await?;
            let Some(attempt) = order.life.attempt.clone().filter(|_| order.life.captured > Minor::ZERO) else {
                return Err(Refusal::RefundTooLarge {
                    requested: request.amount.unwrap_or_default(),
                    refundable: Minor::ZERO,
                    currency: order.currency,
                }
                .into());
            };
            let refunds = self.inner.ports.life.refunds(request.tenant, std::slice::from_ref(&attempt)).await?;
            let identity = request.identity();
            if let Some(before) = refunds.iter().find(|refund| refund.request == Some(identity)) {
                let same = before.lines == request.lines
                    && before.note == request.note
                    && request.amount.is_none_or(|amount| amount == before.amount);
                return if same { Ok((before.clone(), true)) } else { Err(Refusal::KeyReused.into()) };
            }
            let mut goods = self.goods_of(&order).await?;
            check_units(&request.lines, |line_no| goods.unshipped(&order, line_no))?;
            let amount = request.amount.unwrap_or_else(|| cost(&order, &request.lines).min(refundable(&order)));
            let mut set_aside = order.set_aside(amount)?;
            let reason = if request.lines.is_empty() { RefundReason::Goodwill } else { RefundReason::Unshipped };
            let n = refunds.last().map_or(1, |last| last.n + 1);
            let refund = Refund {
                lines: request.lines.clone(),
                note: request.note.clone(),
                request: Some(identity),
                ..Refund::of_order(&order, attempt, n, amount, reason)
            };
            goods.refunds.push(refund.clone());
            let timers = self.follow_goods(&mut set_aside, &goods);
            let change = Change {
                timers,
                orders: vec![(OrderWrite::Update(Box::new(set_aside)), EventKind::RefundStarted)],
                satellites: vec![Satellite::Refund(Box::new(refund.clone()))],
                ..Change::touch(request.tenant)
            };
            match self.inner.orders.offer(change).await? {
                ChangeAnswer::Applied { now } => {
                    self.saw_now(now);
                    let mut created = refund;
                    created.stamp(now);
                    return Ok((created, false));
                }
                ChangeAnswer::Stale { .. } | ChangeAnswer::StaleRow { .. } => {}
                other @ (ChangeAnswer::GroupExists(_)
                | ChangeAnswer::AlreadyAccepted(_)
                | ChangeAnswer::NumbersPromised(_)
                | ChangeAnswer::NumberTaken(_)
                | ChangeAnswer::TooEarly { .. }
                | ChangeAnswer::TooLate { .. }) => unreachable!("a refund is never answered {other:?}"),
            }
        }
        Err(Error::Busy { queue: "orders", retry_after_ms: 1_000 })
    }
}
