//! Returns: asked for within the tenant's window, decided by the merchant, inspected when they arrive.
//!
//! What a return pays back is fixed with its approval, set aside when the goods have arrived, and never more than is left
//! of the order's money. What may be sold again is decided at the inspection; nothing returns to stock by itself.

use holdline_domain::fulfillment::{Goods, LineQuantity, Return, ReturnState, cost};
use holdline_domain::id::{ClientId, Fingerprint, IdempotencyKey, TenantId, Version};
use holdline_domain::money::Minor;
use holdline_domain::order::change::{Change, OrderWrite, Satellite};
use holdline_domain::order::{EventKind, Order, OrderNo};
use holdline_domain::payment::{Refund, RefundReason, refundable};
use holdline_domain::refusal::Refusal;
use holdline_domain::time::UnixMillis;

use super::ship::refused;
use super::{TRIES_MAX, Written, busy, check_units};
use crate::App;
use crate::error::Error;

/// A wish to give goods back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnRequest {
    /// Whose.
    pub tenant: TenantId,
    /// The integration that asks.
    pub client: ClientId,
    /// The request's key: sent again, it asks for nothing again.
    pub key: IdempotencyKey,
    /// Of which order.
    pub order_no: OrderNo,
    /// What.
    pub lines: Vec<LineQuantity>,
    /// Why, in the buyer's words.
    pub reason: Option<String>,
}

/// What the merchant decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReturnDecision {
    /// The goods may come back.
    Approve {
        /// What is paid back for them; `None`: what they cost.
        amount: Option<Minor>,
    },
    /// They may not.
    Reject,
    /// They have arrived and were inspected.
    Receive {
        /// What of them may be sold again.
        restocked: Vec<LineQuantity>,
    },
}

impl ReturnRequest {
    fn identity(&self) -> Fingerprint {
        let (client, key) = (self.client.as_str(), self.key.as_str());
        Fingerprint::of(&[b"return", client.as_bytes(), key.as_bytes(), self.order_no.as_str().as_bytes()])
    }
}

/// When the last goods of these arrived.
fn arrived(goods: &Goods) -> Option<UnixMillis> {
    goods.shipments.iter().filter_map(|shipment| shipment.delivered).max()
}

impl App {
    /// An order's returns.
    pub async fn returns_of(&self, tenant: TenantId, order_no: &OrderNo) -> Result<Vec<Return>, Error> {
        Ok(self.inner.ports.life.returns(tenant, std::slice::from_ref(order_no)).await?)
    }

    /// Asks for a return. True with it: it was asked for before by the same request.
    pub async fn request_return(&self, request: ReturnRequest) -> Result<(Return, bool), Error> {
        let identity = request.identity();
        for _ in 0..TRIES_MAX {
            let order = self.order(request.tenant, &request.order_no).await?;
            let mut goods = self.goods_of(&order).await?;
            if let Some(before) = goods.returns.iter().find(|returned| returned.request == identity) {
                let same = before.lines == request.lines && before.reason == request.reason;
                return if same { Ok((before.clone(), true)) } else { Err(Refusal::KeyReused.into()) };
            }
            let mut next = match order.return_changed() {
                Ok(next) => next,
                Err(obstacle) => {
                    let state = Refusal::OrderState { order_no: order.no.clone(), status: order.status };
                    return Err(obstacle.refusal(&order).unwrap_or(state).into());
                }
            };
            check_units(&request.lines, |line_no| goods.returnable(line_no))?;
            let window_ms = self.tenant(order.tenant).map_or(0, |tenant| tenant.policies.return_within_ms);
            let closed = arrived(&goods).map(|arrived| arrived.plus_ms(window_ms)).unwrap_or_default();
            let returned = Return {
                tenant: order.tenant,
                order_no: order.no.clone(),
                n: goods.returns.last().map_or(1, |last| last.n + 1),
                version: Version::FIRST,
                lines: request.lines.clone(),
                state: ReturnState::Requested,
                reason: request.reason.clone(),
                amount: Minor::ZERO,
                restocked: Vec::new(),
                refund_n: None,
                request: identity,
                requested: UnixMillis::default(),
                decided: None,
            };
            goods.returns.push(returned.clone());
            next.fulfillment = goods.status(&next);
            let change = Change {
                orders: vec![(OrderWrite::Update(Box::new(next)), EventKind::ReturnChanged)],
                satellites: vec![Satellite::Return(Box::new(returned.clone()))],
                not_after: Some(closed),
                ..Change::touch(order.tenant)
            };
            match self.write_goods(change).await? {
                Written::Applied(now) => {
                    let mut asked = returned;
                    asked.stamp(now);
                    return Ok((asked, false));
                }
                Written::TooLate => return Err(Refusal::ReturnWindowClosed { closed }.into()),
                Written::Again => {}
            }
        }
        Err(busy())
    }

    /// Decides a return. The same decision again is a success that changes nothing.
    pub async fn decide_return(
        &self,
        tenant: TenantId,
        order_no: &OrderNo,
        n: i32,
        decision: &ReturnDecision,
    ) -> Result<Return, Error> {
        for _ in 0..TRIES_MAX {
            let order = self.order(tenant, order_no).await?;
            let mut goods = self.goods_of(&order).await?;
            let Some(place) = goods.returns.iter().position(|returned| returned.n == n) else {
                return Err(Refusal::not_found("return").into());
            };
            let before = goods.returns[place].clone();
            let Some(mut decided) = after(&order, &before, decision)? else { return Ok(before) };
            let mut next = match order.return_changed() {
                Ok(next) => next,
                Err(obstacle) => {
                    refused(obstacle, &order)?;
                    return Ok(before);
                }
            };
            let mut satellites = Vec::new();
            if decided.state == ReturnState::Received {
                // Since the approval more may have gone back otherwise; the goods are here all the same.
                decided.amount = decided.amount.min(refundable(&order));
                if decided.amount > Minor::ZERO {
                    let refund = self.pay_back(&order, &mut next, decided.amount).await?;
                    decided.refund_n = Some(refund.n);
                    satellites.push(Satellite::Refund(Box::new(refund)));
                }
            }
            satellites.push(Satellite::Return(Box::new(decided.clone())));
            goods.returns[place] = decided.clone();
            next.fulfillment = goods.status(&next);
            let orders = vec![(OrderWrite::Update(Box::new(next)), EventKind::ReturnChanged)];
            if let Written::Applied(now) =
                self.write_goods(Change { orders, satellites, ..Change::touch(tenant) }).await?
            {
                decided.stamp(now);
                return Ok(decided);
            }
        }
        Err(busy())
    }

    /// The refund that pays a return back; its sum is set aside on the order, whose version stays the return's.
    async fn pay_back(&self, order: &Order, next: &mut Order, amount: Minor) -> Result<Refund, Error> {
        next.life.refunding = order.set_aside(amount)?.life.refunding;
        let attempt = order.life.attempt.clone().expect("an order with money left was paid by an attempt");
        let refunds = self.inner.ports.life.refunds(order.tenant, std::slice::from_ref(&attempt)).await?;
        let n = refunds.last().map_or(1, |last| last.n + 1);
        Ok(Refund::of_order(order, attempt, n, amount, RefundReason::Returned))
    }
}

/// The return after a decision; `None`: it was decided so before.
fn after(order: &Order, before: &Return, decision: &ReturnDecision) -> Result<Option<Return>, Error> {
    let mut decided = Return { version: before.version.next(), decided: Some(UnixMillis::default()), ..before.clone() };
    match (decision, before.state) {
        (ReturnDecision::Approve { amount }, ReturnState::Requested) => {
            let amount = amount.unwrap_or_else(|| cost(order, &before.lines).min(refundable(order)));
            if amount > refundable(order) {
                let (refundable, currency) = (refundable(order), order.currency);
                return Err(Refusal::RefundTooLarge { requested: amount, refundable, currency }.into());
            }
            decided.amount = amount;
            decided.state = ReturnState::Approved;
        }
        (ReturnDecision::Reject, ReturnState::Requested | ReturnState::Approved) => {
            decided.state = ReturnState::Rejected;
        }
        (ReturnDecision::Receive { restocked }, ReturnState::Approved) => {
            check_units(restocked, |line_no| holdline_domain::fulfillment::units_of(line_no, &before.lines))?;
            decided.state = ReturnState::Received;
            decided.restocked.clone_from(restocked);
        }
        (ReturnDecision::Approve { .. }, ReturnState::Approved)
        | (ReturnDecision::Reject, ReturnState::Rejected)
        | (ReturnDecision::Receive { .. }, ReturnState::Received) => return Ok(None),
        (ReturnDecision::Approve { .. }, ReturnState::Rejected | ReturnState::Received)
        | (ReturnDecision::Reject, ReturnState::Received)
        | (ReturnDecision::Receive { .. }, ReturnState::Requested | ReturnState::Rejected) => {
            return Err(Refusal::ReturnState { n: before.n, state: before.state }.into());
        }
    }
    Ok(Some(decided))
}
