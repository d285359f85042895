//! Reading orders. What a reader sees is never behind what the shard clock has decided.

use std::sync::Arc;

use holdline_domain::fault::Fault;
use holdline_domain::id::{BuyerId, GroupKey, SellerId, TenantId};
use holdline_domain::order::{Order, OrderGroup, OrderNo};
use holdline_domain::port::OrderPage;
use holdline_domain::refusal::Refusal;
use holdline_domain::time::UnixMillis;

use super::Placed;
use crate::App;
use crate::error::Error;
use crate::feed::is_of_one_order;

/// What was read of an order by a loop that works off many.
#[derive(Clone)]
pub(crate) enum Found {
    /// It.
    Order(Arc<Order>),
    /// Nothing.
    Gone,
    /// Rows that make no order, and why.
    Unreadable(String),
}

/// How much of an order is read.
#[derive(Clone, Copy)]
pub(crate) enum Extent {
    /// With its lines.
    Whole,
    /// Without them: enough for what time does to it.
    Head,
}

impl App {
    async fn read_orders(
        &self,
        tenant: TenantId,
        order_nos: &[OrderNo],
        extent: Extent,
    ) -> Result<Vec<Option<Order>>, Fault> {
        match extent {
            Extent::Whole => self.inner.ports.orders.orders(tenant, order_nos).await,
            Extent::Head => self.inner.ports.orders.order_heads(tenant, order_nos).await,
        }
    }

    /// Each of these orders as it is stored. They are read together, and one by one where one of them cannot be read, so that it
    /// keeps nobody from the others.
    pub(crate) async fn orders_found(
        &self,
        tenant: TenantId,
        order_nos: Vec<OrderNo>,
        extent: Extent,
    ) -> Result<Vec<(OrderNo, Found)>, Fault> {
        let found = |order: Option<Order>| order.map_or(Found::Gone, |order| Found::Order(Arc::new(order)));
        match self.read_orders(tenant, &order_nos, extent).await {
            Ok(read) => return Ok(order_nos.into_iter().zip(read.into_iter().map(found)).collect()),
            Err(fault) if is_of_one_order(&fault) => {}
            Err(fault) => return Err(fault),
        }
        let mut alone = Vec::with_capacity(order_nos.len());
        for order_no in order_nos {
            let found = match self.read_orders(tenant, std::slice::from_ref(&order_no), extent).await {
                Ok(read) => found(read.into_iter().flatten().next()),
                Err(fault) if is_of_one_order(&fault) => Found::Unreadable(fault.to_string()),
                Err(fault) => return Err(fault),
            };
            alone.push((order_no, found));
        }
        Ok(alone)
    }

    /// One order.
    pub async fn order(&self, tenant: TenantId, order_no: &OrderNo) -> Result<Order, Error> {
        let mut orders = self.load_orders(tenant, std::slice::from_ref(order_no)).await?;
        orders.pop().ok_or_else(|| Refusal::not_found("order").into())
    }

    /// The orders of a submit, or the refusal that spent its key. With a buyer, only that buyer's: the key is found by
    /// the buyer's slot, and buyers share slots.
    pub async fn group(&self, tenant: TenantId, key: &GroupKey, buyer: Option<&BuyerId>) -> Result<Placed, Error> {
        let submits = self.inner.ports.orders.submits(&[(tenant, key.clone())]).await?;
        let of_another = |group: &OrderGroup| buyer.is_some() && group.buyer.is_some() && group.buyer.as_ref() != buyer;
        match submits.into_iter().next().and_then(|submit| submit.group) {
            Some(group) if !of_another(&group) => self.replay(group, None).await,
            Some(_) | None => Err(Refusal::not_found("order_group").into()),
        }
    }

    /// A buyer's orders below `before`, newest first.
    pub async fn orders_of_buyer(
        &self,
        tenant: TenantId,
        buyer: &BuyerId,
        before: Option<&OrderNo>,
        limit: usize,
    ) -> Result<OrderPage, Error> {
        let floor = self.clock_floor();
        let page = self.inner.ports.orders.orders_of_buyer(tenant, buyer, before, limit).await?;
        self.settled_page(tenant, floor, page).await
    }

    /// A seller's orders below `before`, newest first; a moment behind.
    pub async fn orders_of_seller(
        &self,
        tenant: TenantId,
        seller: &SellerId,
        before: Option<&OrderNo>,
        limit: usize,
    ) -> Result<OrderPage, Error> {
        let floor = self.clock_floor();
        let page = self.inner.ports.orders.orders_of_seller(tenant, seller, before, limit).await?;
        self.settled_page(tenant, floor, page).await
    }

    /// The tenant's newest orders below `before`, newest first.
    pub async fn recent_orders(
        &self,
        tenant: TenantId,
        before: Option<&OrderNo>,
        limit: usize,
    ) -> Result<OrderPage, Error> {
        let floor = self.clock_floor();
        let page = self.inner.ports.orders.recent_orders(tenant, before, limit).await?;
        self.settled_page(tenant, floor, page).await
    }

    async fn settled_page(&self, tenant: TenantId, floor: UnixMillis, page: OrderPage) -> Result<OrderPage, Error> {
        Ok(OrderPage { orders: self.settled(tenant, floor, page.orders).await?, has_more: page.has_more })
    }
}
