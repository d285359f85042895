//! Stopping an order's fulfillment, letting it go on, and the buyer's word that all of it has come.

use holdline_domain::id::TenantId;
use holdline_domain::order::change::{Change, OrderWrite};
use holdline_domain::order::{EventKind, Obstacle, Order, OrderNo};

use super::ship::refused;
use super::{TRIES_MAX, Written, busy};
use crate::App;
use crate::error::Error;

impl App {
    /// Stops an order's fulfillment, with a reason. The same again is a success that changes nothing.
    pub async fn pause(&self, tenant: TenantId, order_no: &OrderNo, reason: &str) -> Result<Order, Error> {
        self.step_order(tenant, order_no, EventKind::Paused, |order| order.paused(reason)).await
    }

    /// Lets an order's fulfillment go on.
    pub async fn resume(&self, tenant: TenantId, order_no: &OrderNo) -> Result<Order, Error> {
        self.step_order(tenant, order_no, EventKind::Resumed, Order::resumed).await
    }

    /// The buyer has all of a delivered order.
    pub async fn receive(&self, tenant: TenantId, order_no: &OrderNo) -> Result<Order, Error> {
        self.step_order(tenant, order_no, EventKind::Completed, Order::received).await
    }

    /// One event that changes nothing but the order itself.
    async fn step_order(
        &self,
        tenant: TenantId,
        order_no: &OrderNo,
        kind: EventKind,
        step: impl Fn(&Order) -> Result<Order, Obstacle>,
    ) -> Result<Order, Error> {
        for _ in 0..TRIES_MAX {
            let order = self.order(tenant, order_no).await?;
            let next = match step(&order) {
                Ok(next) => next,
                Err(obstacle) => {
                    refused(obstacle, &order)?;
                    return Ok(order);
                }
            };
            let orders = vec![(OrderWrite::Update(Box::new(next)), kind)];
            if let Written::Applied(_) = self.write_goods(Change { orders, ..Change::touch(tenant) }).await? {
                return self.order(tenant, order_no).await;
            }
        }
        Err(busy())
    }
}
