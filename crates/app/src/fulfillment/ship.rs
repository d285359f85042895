//! Shipping and arriving.

use holdline_domain::fulfillment::{LineQuantity, Shipment, ShipmentState};
use holdline_domain::id::{ClientId, Fingerprint, IdempotencyKey, TenantId, Version};
use holdline_domain::order::change::{Change, OrderWrite, Satellite};
use holdline_domain::order::{EventKind, Obstacle, Order, OrderNo};
use holdline_domain::refusal::Refusal;
use holdline_domain::time::UnixMillis;

use super::{TRIES_MAX, Written, busy, check_units};
use crate::App;
use crate::error::Error;

/// Goods that leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShipRequest {
    /// Whose.
    pub tenant: TenantId,
    /// The integration that asks.
    pub client: ClientId,
    /// The request's key: sent again, it ships nothing again.
    pub key: IdempotencyKey,
    /// Of which order.
    pub order_no: OrderNo,
    /// What; empty: all that is left.
    pub lines: Vec<LineQuantity>,
    /// Who carries it.
    pub carrier: Option<String>,
    /// The carrier's number of it.
    pub tracking: Option<String>,
}

impl ShipRequest {
    fn identity(&self) -> Fingerprint {
        let (client, key) = (self.client.as_str(), self.key.as_str());
        Fingerprint::of(&[b"ship", client.as_bytes(), key.as_bytes(), self.order_no.as_str().as_bytes()])
    }
}

/// A refusal, or that it happened before.
pub(super) fn refused(obstacle: Obstacle, order: &Order) -> Result<(), Error> {
    obstacle.refusal(order).map_or(Ok(()), |refusal| Err(refusal.into()))
}

impl App {
    /// Ships goods of an order. True with the shipment: it was shipped before by the same request.
    pub async fn ship(&self, request: ShipRequest) -> Result<(Shipment, bool), Error> {
        let identity = request.identity();
        for _ in 0..TRIES_MAX {
            let order = self.order(request.tenant, &request.order_no).await?;
            let mut goods = self.goods_of(&order).await?;
            if let Some(before) = goods.shipments.iter().find(|shipment| shipment.request == identity) {
                let same = before.carrier == request.carrier
                    && before.tracking == request.tracking
                    && (request.lines.is_empty() || before.lines == request.lines);
                return if same { Ok((before.clone(), true)) } else { Err(Refusal::KeyReused.into()) };
            }
            let mut next = match order.shipped() {
                Ok(next) => next,
                Err(obstacle) => {
                    let state = Refusal::OrderState { order_no: order.no.clone(), status: order.status };
                    return Err(obstacle.refusal(&order).unwrap_or(state).into());
                }
            };
            let lines = if request.lines.is_empty() { goods.all_unshipped(&order) } else { request.lines.clone() };
            check_units(&lines, |line_no| goods.unshipped(&order, line_no))?;
            let Some(first) = order.lines.first().filter(|_| lines.is_empty()) else {
                let shipment = Shipment {
                    tenant: order.tenant,
                    order_no: order.no.clone(),
                    n: goods.shipments.last().map_or(1, |last| last.n + 1),
                    version: Version::FIRST,
                    lines,
                    carrier: request.carrier.clone(),
                    tracking: request.tracking.clone(),
                    state: ShipmentState::Shipped,
                    request: identity,
                    shipped: UnixMillis::default(),
                    delivered: None,
                };
                goods.shipments.push(shipment.clone());
                let timers = self.follow_goods(&mut next, &goods);
                let change = Change {
                    orders: vec![(OrderWrite::Update(Box::new(next)), EventKind::Shipped)],
                    satellites: vec![Satellite::Shipment(Box::new(shipment.clone()))],
                    timers,
                    ..Change::touch(order.tenant)
                };
                if let Written::Applied(now) = self.write_goods(change).await? {
                    let mut shipped = shipment;
                    shipped.stamp(now);
                    return Ok((shipped, false));
                }
                continue;
            };
            return Err(Refusal::LineQuantity { line_no: first.line_no, requested: 1, available: 0 }.into());
        }
        Err(busy())
    }

    /// A shipment arrived. The same again is a success that changes nothing.
    pub async fn deliver(&self, tenant: TenantId, order_no: &OrderNo, n: i32) -> Result<Shipment, Error> {
        for _ in 0..TRIES_MAX {
            let order = self.order(tenant, order_no).await?;
            let mut goods = self.goods_of(&order).await?;
            let Some(shipment) = goods.shipments.iter_mut().find(|shipment| shipment.n == n) else {
                return Err(Refusal::not_found("shipment").into());
            };
            if shipment.state == ShipmentState::Delivered {
                return Ok(shipment.clone());
            }
            let mut next = match order.delivered() {
                Ok(next) => next,
                Err(obstacle) => {
                    refused(obstacle, &order)?;
                    return Ok(shipment.clone());
                }
            };
            shipment.state = ShipmentState::Delivered;
            shipment.version = shipment.version.next();
            shipment.delivered = Some(UnixMillis::default());
            let arrived = shipment.clone();
            let timers = self.follow_goods(&mut next, &goods);
            let change = Change {
                orders: vec![(OrderWrite::Update(Box::new(next)), EventKind::Delivered)],
                satellites: vec![Satellite::Shipment(Box::new(arrived.clone()))],
                timers,
                ..Change::touch(tenant)
            };
            if let Written::Applied(now) = self.write_goods(change).await? {
                let mut arrived = arrived;
                arrived.stamp(now);
                return Ok(arrived);
            }
        }
        Err(busy())
    }
}
