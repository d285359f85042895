//! The port of orders, their feed and their numbers.

use std::sync::Arc;

use async_trait::async_trait;

use crate::fault::Fault;
use crate::feed::FeedPosition;
use crate::id::{BuyerId, GroupKey, SellerId, TenantId};
use crate::order::change::{Change, ChangeAnswer, Event, Timer};
use crate::order::number::BlockLease;
use crate::order::{AcceptedSubmit, Order, OrderNo, StoredSubmit};
use crate::time::UnixMillis;

/// A page of orders, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderPage {
    /// The orders.
    pub orders: Vec<Order>,
    /// Whether older ones exist.
    pub has_more: bool,
}

/// A page of the feed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventPage {
    /// The feed's epoch.
    pub epoch: i64,
    /// Events in sequence, without gaps.
    pub events: Vec<Event>,
}

/// Where orders live.
#[async_trait]
pub trait OrderStore: Send + Sync + 'static {
    /// Decides ([`crate::order::change::decide`]) and writes one batch in one durable transaction, under the feed head.
    /// The batch is shared so that it can be sent again unchanged after an unknown outcome.
    async fn apply(&self, batch: Arc<[Change]>) -> Result<Vec<ChangeAnswer>, Fault>;

    /// What is stored of submits, in the order of the keys. No lock, no write. Promises are read first: a submit that ends
    /// meanwhile is seen with its end.
    async fn submits(&self, keys: &[(TenantId, GroupKey)]) -> Result<Vec<StoredSubmit>, Fault>;

    /// A promised submit that has not ended.
    async fn accepted_submit(&self, tenant: TenantId, key: &GroupKey) -> Result<Option<AcceptedSubmit>, Fault>;

    /// Promised submits that have not ended, oldest first.
    async fn accepted_submits(&self, limit: usize) -> Result<Vec<AcceptedSubmit>, Fault>;

    /// The submit that a number was promised to, unless an order has the number.
    async fn promised_number(&self, tenant: TenantId, order_no: &OrderNo) -> Result<Option<GroupKey>, Fault>;

    /// Orders with their lines, in the order of the numbers.
    async fn orders(&self, tenant: TenantId, order_nos: &[OrderNo]) -> Result<Vec<Option<Order>>, Fault>;

    /// The same without their lines, which are not read: `lines` is empty.
    async fn order_heads(&self, tenant: TenantId, order_nos: &[OrderNo]) -> Result<Vec<Option<Order>>, Fault>;

    /// A buyer's orders with `no < before` (`None`: from the newest), newest first.
    async fn orders_of_buyer(
        &self,
        tenant: TenantId,
        buyer: &BuyerId,
        before: Option<&OrderNo>,
        limit: usize,
    ) -> Result<OrderPage, Fault>;

    /// A seller's orders, from the index that the feed keeps: a moment behind.
    async fn orders_of_seller(
        &self,
        tenant: TenantId,
        seller: &SellerId,
        before: Option<&OrderNo>,
        limit: usize,
    ) -> Result<OrderPage, Fault>;

    /// The tenant's newest orders with `no < before`, newest first.
    async fn recent_orders(&self, tenant: TenantId, before: Option<&OrderNo>, limit: usize)
    -> Result<OrderPage, Fault>;

    /// Adds orders to the index by seller and moves the consumer's position, in one transaction. Repeats are no-ops.
    async fn index_by_seller(
        &self,
        entries: &[(TenantId, SellerId, OrderNo)],
        consumer: &str,
        to: FeedPosition,
    ) -> Result<(), Fault>;

    /// Timers due at or before `now`, in their order and so oldest first, from behind `after` on.
    async fn due_timers(&self, now: UnixMillis, after: Option<&Timer>, limit: usize) -> Result<Vec<Timer>, Fault>;

    /// Removes timers that have been dealt with.
    async fn remove_timers(&self, timers: &[Timer]) -> Result<(), Fault>;

    /// Events after `seq`, at most `limit`.
    async fn events_after(&self, seq: i64, limit: usize) -> Result<EventPage, Fault>;

    /// A consumer's position; the start of the feed if it has none.
    async fn feed_position(&self, consumer: &str) -> Result<FeedPosition, Fault>;

    /// Moves a consumer's position forward; never back, nor out of its round.
    async fn advance_feed_position(&self, consumer: &str, to: FeedPosition) -> Result<(), Fault>;

    /// Leases a block of order numbers ([`crate::order::number::choose_block`]) under the database's clock.
    async fn lease_block(&self) -> Result<BlockLease, Fault>;

    /// The fixed offset from UTC, in seconds, that order numbers are stamped at: `wanted_s` at the first start, and
    /// what was stored then ever after.
    async fn number_offset_s(&self, wanted_s: i32) -> Result<i32, Fault>;
}
