//! Reading orders. What a reader sees is never behind what the shard clock has decided.

use holdline_domain::id::{BuyerId, GroupKey, SellerId, TenantId};
use holdline_domain::order::{Order, OrderGroup, OrderNo};
use holdline_domain::port::OrderPage;
use holdline_domain::refusal::Refusal;
use holdline_domain::time::UnixMillis;

use super::Placed;
use crate::App;
use crate::error::Error;

impl App {
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
