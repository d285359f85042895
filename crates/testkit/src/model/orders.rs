//! The orders' port over maps.

mod feed;
mod rows;
mod webhooks;

use std::sync::Arc;

use async_trait::async_trait;
use holdline_app::Clock as _;
use holdline_domain::fault::Fault;
use holdline_domain::id::{BuyerId, GroupKey, SellerId, TenantId};
use holdline_domain::order::change::{Change, ChangeAnswer, Timer};
use holdline_domain::order::number::{BlockLease, StoredBlock, choose_block};
use holdline_domain::order::{AcceptedSubmit, Order, OrderNo, StoredSubmit};
use holdline_domain::port::{EventPage, FeedPosition, OrderPage, OrderStore};
use holdline_domain::time::{ClockReading, UnixMillis};

pub use self::feed::ModelFeed;
pub use self::rows::{OrderRows, StoredEvent, StoredGroup};
pub use self::webhooks::ModelWebhooks;
use super::Databases;
use super::process::Process;
use super::wire::{Delivery, Wire};
use crate::history::Seen;

/// The feed's epoch: the model never restores.
const EPOCH: i64 = 1;

/// The last of a sorted list of orders, newest first, as a page.
fn page<'a>(newest_first: impl Iterator<Item = &'a Order>, limit: usize) -> OrderPage {
    let mut orders: Vec<Order> = newest_first.take(limit.saturating_add(1)).cloned().collect();
    let has_more = orders.len() > limit;
    orders.truncate(limit);
    OrderPage { orders, has_more }
}

/// Orders as one process reaches them.
pub struct ModelOrders {
    pub(super) wire: Wire<OrderRows>,
}

impl ModelOrders {
    pub(super) fn new(databases: &Databases, process: &Arc<Process>) -> Self {
        Self { wire: Wire::new(databases, &databases.orders, process) }
    }
}

fn judge_clock(wire: &Wire<OrderRows>, feed_head: UnixMillis) -> Result<UnixMillis, Fault> {
    let process = wire.process();
    let reading = ClockReading {
        database: wire.database_clock().now(),
        process: process.wall().now(),
        monotonic_ms: process.monotonic_ms(),
        feed_head,
    };
    let offset_ms = wire.database_clock().offset_ms();
    process.judge_clock(reading, offset_ms).inspect_err(|_| wire.history().saw(Seen::ClockStopped))
}

#[async_trait]
impl OrderStore for ModelOrders {
    async fn apply(&self, batch: Arc<[Change]>) -> Result<Vec<ChangeAnswer>, Fault> {
        let wire = self.wire.clone();
        let commit = move |rows: &mut OrderRows, delivery: Delivery| {
            let now = judge_clock(&wire, rows.head_at)?;
            let answers = rows.apply(&batch, now, delivery.at_ms)?;
            rows.count(&batch, &answers, delivery.late, wire.history());
            Ok(answers)
        };
        self.wire.write("orders.apply", commit).await
    }

    async fn submits(&self, keys: &[(TenantId, GroupKey)]) -> Result<Vec<StoredSubmit>, Fault> {
        let read = |rows: &OrderRows| {
            let submit = |key| StoredSubmit {
                group: rows.groups.get(key).map(|stored| stored.group.clone()),
                acceptance: rows.accepted.get(key).map(|accepted| accepted.acceptance.clone()),
            };
            keys.iter().map(submit).collect()
        };
        self.wire.read("orders.submits", read).await
    }

    async fn accepted_submit(&self, tenant: TenantId, key: &GroupKey) -> Result<Option<AcceptedSubmit>, Fault> {
        let read = |rows: &OrderRows| rows.accepted.get(&(tenant, key.clone())).cloned();
        self.wire.read("orders.accepted_submit", read).await
    }

    async fn accepted_submits(&self, limit: usize) -> Result<Vec<AcceptedSubmit>, Fault> {
        let read = |rows: &OrderRows| {
            let mut oldest: Vec<AcceptedSubmit> = rows.accepted.values().cloned().collect();
            oldest.sort_by_key(|accepted| accepted.acceptance.accepted);
            oldest.truncate(limit);
            oldest
        };
        self.wire.read("orders.accepted_submits", read).await
    }

    async fn promised_number(&self, tenant: TenantId, order_no: &OrderNo) -> Result<Option<GroupKey>, Fault> {
        let read = |rows: &OrderRows| rows.promised_numbers.get(&(tenant, order_no.clone())).cloned();
        self.wire.read("orders.promised_number", read).await
    }

    async fn orders(&self, tenant: TenantId, order_nos: &[OrderNo]) -> Result<Vec<Option<Order>>, Fault> {
        let read =
            |rows: &OrderRows| order_nos.iter().map(|no| rows.orders.get(&(tenant, no.clone())).cloned()).collect();
        self.wire.read("orders.orders", read).await
    }

    async fn order_heads(&self, tenant: TenantId, order_nos: &[OrderNo]) -> Result<Vec<Option<Order>>, Fault> {
        let head = |order: &Order| Order { lines: Vec::new(), ..order.clone() };
        let read =
            |rows: &OrderRows| order_nos.iter().map(|no| rows.orders.get(&(tenant, no.clone())).map(head)).collect();
        self.wire.read("orders.order_heads", read).await
    }

    async fn orders_of_buyer(
        &self,
        tenant: TenantId,
        buyer: &BuyerId,
        before: Option<&OrderNo>,
        limit: usize,
    ) -> Result<OrderPage, Fault> {
        let read = |rows: &OrderRows| {
            let newest_first = rows.orders.values().rev().filter(|order| {
                order.tenant == tenant && order.buyer == *buyer && before.is_none_or(|before| order.no < *before)
            });
            page(newest_first, limit)
        };
        self.wire.read("orders.orders_of_buyer", read).await
    }

    async fn orders_of_seller(
        &self,
        tenant: TenantId,
        seller: &SellerId,
        before: Option<&OrderNo>,
        limit: usize,
    ) -> Result<OrderPage, Fault> {
        let read = |rows: &OrderRows| {
            let newest_first =
                rows.by_seller.iter().rev().filter(|(of, sells, no)| {
                    *of == tenant && sells == seller && before.is_none_or(|before| no < before)
                });
            page(newest_first.filter_map(|(of, _, no)| rows.orders.get(&(*of, no.clone()))), limit)
        };
        self.wire.read("orders.orders_of_seller", read).await
    }

    async fn recent_orders(
        &self,
        tenant: TenantId,
        before: Option<&OrderNo>,
        limit: usize,
    ) -> Result<OrderPage, Fault> {
        let read = |rows: &OrderRows| {
            let newest_first = rows
                .orders
                .values()
                .rev()
                .filter(|order| order.tenant == tenant && before.is_none_or(|before| order.no < *before));
            page(newest_first, limit)
        };
        self.wire.read("orders.recent_orders", read).await
    }

    async fn index_by_seller(
        &self,
        entries: &[(TenantId, SellerId, OrderNo)],
        consumer: &str,
        to: FeedPosition,
    ) -> Result<(), Fault> {
        let (entries, consumer) = (entries.to_vec(), consumer.to_owned());
        let commit = move |rows: &mut OrderRows, _| {
            rows.by_seller.extend(entries.iter().cloned());
            rows.moved(&consumer, to);
            Ok(())
        };
        self.wire.write("orders.index_by_seller", commit).await
    }

    async fn due_timers(&self, now: UnixMillis, after: Option<&Timer>, limit: usize) -> Result<Vec<Timer>, Fault> {
        let read = |rows: &OrderRows| {
            let due = rows.timers.iter().take_while(|timer| timer.due <= now);
            due.filter(|timer| after.is_none_or(|after| *timer > after)).take(limit).cloned().collect()
        };
        self.wire.read("orders.due_timers", read).await
    }

    async fn remove_timers(&self, timers: &[Timer]) -> Result<(), Fault> {
        let timers = timers.to_vec();
        let commit = move |rows: &mut OrderRows, _| {
            rows.timers.retain(|timer| !timers.contains(timer));
            Ok(())
        };
        self.wire.write("orders.remove_timers", commit).await
    }

    async fn events_after(&self, seq: i64, limit: usize) -> Result<EventPage, Fault> {
        let read = |rows: &OrderRows| {
            let from = rows.events.partition_point(|stored| stored.event.seq <= seq);
            let events = rows.events[from..].iter().take(limit).map(|stored| stored.event.clone()).collect();
            EventPage { epoch: EPOCH, events }
        };
        self.wire.read("orders.events_after", read).await
    }

    async fn feed_position(&self, consumer: &str) -> Result<FeedPosition, Fault> {
        let start = FeedPosition { epoch: EPOCH, ..FeedPosition::default() };
        let read = |rows: &OrderRows| rows.positions.get(consumer).copied().unwrap_or(start);
        self.wire.read("orders.feed_position", read).await
    }

    async fn advance_feed_position(&self, consumer: &str, to: FeedPosition) -> Result<(), Fault> {
        let consumer = consumer.to_owned();
        let commit = move |rows: &mut OrderRows, _| {
            rows.moved(&consumer, to);
            Ok(())
        };
        self.wire.write("orders.advance_feed_position", commit).await
    }

    async fn lease_block(&self) -> Result<BlockLease, Fault> {
        let wire = self.wire.clone();
        let commit = move |rows: &mut OrderRows, _| {
            let lease = choose_block(&rows.blocks, wire.database_clock().now());
            rows.blocks.retain(|stored| stored.block != lease.block);
            rows.blocks.push(StoredBlock { block: lease.block, until: lease.until });
            rows.leases.push(lease);
            Ok(lease)
        };
        self.wire.write("orders.lease_block", commit).await
    }

    async fn number_offset_s(&self, wanted_s: i32) -> Result<i32, Fault> {
        let commit = move |rows: &mut OrderRows, _| Ok(*rows.number_offset_s.get_or_insert(wanted_s));
        self.wire.write("orders.number_offset_s", commit).await
    }
}
