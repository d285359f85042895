//! Orders on SQL: groups, orders with lines, the feed with its consumers' positions, timers, number blocks.
//!
//! Every batch runs under the one row of `feed_head`: events are numbered without gaps from it, and its instant keeps
//! the shard clock from going back, whichever process decides.
//!
//! Deliberately absent: writing the index by seller in a batch. A consumer of the feed keeps it, a moment behind.

mod accepted;
mod apply;
mod clock;
mod feed;
mod life;
mod number;
mod renewal;
pub(crate) mod stored;
mod writes;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use holdline_domain::fault::Fault;
use holdline_domain::id::{BuyerId, GroupKey, SellerId, TenantId};
use holdline_domain::order::change::{Change, ChangeAnswer, Timer};
use holdline_domain::order::number::BlockLease;
use holdline_domain::order::{AcceptedSubmit, Order, OrderNo, StoredSubmit};
use holdline_domain::port::{EventPage, FeedPosition, OrderPage, OrderStore};
use holdline_domain::time::UnixMillis;

use self::apply::Apply;
use self::clock::OrderClock;
pub(crate) use self::feed::{position, position_of, set_position};
pub(crate) use self::renewal::renew;
use self::stored::{GROUP_COLUMNS, LINE_COLUMNS, ORDER_COLUMNS, ORDERS};
use crate::engine::{Column, Engine, Lookup, Value};
use crate::program::Results;
use crate::rows::{Fields, count};
use crate::time::Clocks;

/// Sorts after every order number.
const AFTER_ALL: &str = "~";

/// Orders over an engine.
#[derive(Clone)]
pub struct SqlOrders<E> {
    engine: E,
    clock: Arc<OrderClock>,
}

impl<E: Engine> SqlOrders<E> {
    /// The orders in the database behind `engine`, with this process's clocks.
    pub fn new(engine: E, clocks: &Clocks) -> Self {
        Self { engine, clock: Arc::new(OrderClock::new(clocks)) }
    }

    /// The orders whose numbers a statement returns in its one column, at most `limit` of the `limit + 1` it was asked
    /// for.
    async fn page(
        &self,
        tenant: TenantId,
        sql: &'static str,
        parameters: Vec<Value>,
        limit: usize,
    ) -> Result<OrderPage, Fault> {
        let mut numbers = Vec::new();
        for row in self.engine.query(sql, parameters).await? {
            numbers.push(OrderNo::from_stored(Fields::of(ORDERS, row).text()?));
        }
        let has_more = numbers.len() > limit;
        numbers.truncate(limit);
        let orders = self.orders(tenant, &numbers).await?;
        Ok(OrderPage { orders: orders.into_iter().flatten().collect(), has_more })
    }

    /// Orders in the order of their numbers, with their lines or without.
    async fn read(
        &self,
        tenant: TenantId,
        order_nos: &[OrderNo],
        with_lines: bool,
    ) -> Result<Vec<Option<Order>>, Fault> {
        // One that is asked for twice is read once.
        let distinct: BTreeSet<&OrderNo> = order_nos.iter().collect();
        let lookup = |table, columns| {
            let numbers = distinct.iter().map(|order_no| order_no.as_str().to_owned()).collect();
            let keys = vec![Column::Int(vec![tenant.0; distinct.len()]), Column::Text(numbers)];
            Lookup { table, columns, key: &["tenant", "order_no"], keys, lock: false }
        };
        let mut lookups = vec![lookup("orders", ORDER_COLUMNS)];
        if with_lines {
            lookups.push(lookup("order_line", LINE_COLUMNS));
        }
        let mut results = Results::new(self.engine.lookup(lookups).await?);
        let mut by_no: HashMap<OrderNo, Order> = HashMap::with_capacity(distinct.len());
        for row in results.take() {
            let order = stored::order(row)?;
            by_no.insert(order.no.clone(), order);
        }
        if with_lines {
            for row in results.take() {
                let (order_no, line) = stored::line(row)?;
                if let Some(order) = by_no.get_mut(&order_no) {
                    order.lines.push(line);
                }
            }
            for order in by_no.values_mut() {
                order.lines.sort_by_key(|line| line.line_no);
            }
        }
        if distinct.len() == order_nos.len() {
            return Ok(order_nos.iter().map(|order_no| by_no.remove(order_no)).collect());
        }
        Ok(order_nos.iter().map(|order_no| by_no.get(order_no).cloned()).collect())
    }
}

fn before_text(before: Option<&OrderNo>) -> Value {
    Value::Text(before.map_or(AFTER_ALL, OrderNo::as_str).to_owned())
}

#[async_trait]
impl<E: Engine> OrderStore for SqlOrders<E> {
    async fn apply(&self, batch: Arc<[Change]>) -> Result<Vec<ChangeAnswer>, Fault> {
        self.engine.run(Apply::new(batch, Arc::clone(&self.clock))).await
    }

    async fn submits(&self, keys: &[(TenantId, GroupKey)]) -> Result<Vec<StoredSubmit>, Fault> {
        let columns = vec![
            Column::Int(keys.iter().map(|(tenant, _)| tenant.0).collect()),
            Column::Text(keys.iter().map(|(_, key)| key.as_str().to_owned()).collect()),
        ];
        let promises = accepted::acceptances(columns.clone());
        let groups = Lookup {
            table: "order_group",
            columns: GROUP_COLUMNS,
            key: &["tenant", "group_key"],
            keys: columns,
            lock: false,
        };
        let mut results = Results::new(self.engine.lookup(vec![promises, groups]).await?);
        let mut by_key: HashMap<(TenantId, GroupKey), StoredSubmit> = HashMap::new();
        for row in results.take() {
            let (key, acceptance) = accepted::acceptance(row)?;
            by_key.entry(key).or_default().acceptance = Some(acceptance);
        }
        for row in results.take() {
            let group = stored::group(row)?;
            let key = (group.tenant, group.key.clone());
            by_key.insert(key, StoredSubmit { group: Some(group), acceptance: None });
        }
        Ok(keys.iter().map(|key| by_key.get(key).cloned().unwrap_or_default()).collect())
    }

    async fn accepted_submit(&self, tenant: TenantId, key: &GroupKey) -> Result<Option<AcceptedSubmit>, Fault> {
        accepted::by_key(&self.engine, tenant, key).await
    }

    async fn accepted_submits(&self, limit: usize) -> Result<Vec<AcceptedSubmit>, Fault> {
        accepted::oldest(&self.engine, limit).await
    }

    async fn promised_number(&self, tenant: TenantId, order_no: &OrderNo) -> Result<Option<GroupKey>, Fault> {
        accepted::of_number(&self.engine, tenant, order_no).await
    }

    async fn orders(&self, tenant: TenantId, order_nos: &[OrderNo]) -> Result<Vec<Option<Order>>, Fault> {
        self.read(tenant, order_nos, true).await
    }

    async fn order_heads(&self, tenant: TenantId, order_nos: &[OrderNo]) -> Result<Vec<Option<Order>>, Fault> {
        self.read(tenant, order_nos, false).await
    }

    async fn orders_of_buyer(
        &self,
        tenant: TenantId,
        buyer: &BuyerId,
        before: Option<&OrderNo>,
        limit: usize,
    ) -> Result<OrderPage, Fault> {
        let sql = include_str!("../../sql/order/list_by_buyer.sql");
        let buyer = Value::Text(buyer.as_str().to_owned());
        let parameters = vec![Value::Int(tenant.0), buyer, before_text(before), count(limit.saturating_add(1))];
        self.page(tenant, sql, parameters, limit).await
    }

    async fn orders_of_seller(
        &self,
        tenant: TenantId,
        seller: &SellerId,
        before: Option<&OrderNo>,
        limit: usize,
    ) -> Result<OrderPage, Fault> {
        let sql = include_str!("../../sql/order/list_by_seller.sql");
        let seller = Value::Text(seller.as_str().to_owned());
        let parameters = vec![Value::Int(tenant.0), seller, before_text(before), count(limit.saturating_add(1))];
        self.page(tenant, sql, parameters, limit).await
    }

    async fn recent_orders(
        &self,
        tenant: TenantId,
        before: Option<&OrderNo>,
        limit: usize,
    ) -> Result<OrderPage, Fault> {
        let sql = include_str!("../../sql/order/list_recent.sql");
        let parameters = vec![Value::Int(tenant.0), before_text(before), count(limit.saturating_add(1))];
        self.page(tenant, sql, parameters, limit).await
    }

    async fn index_by_seller(
        &self,
        entries: &[(TenantId, SellerId, OrderNo)],
        consumer: &str,
        to: FeedPosition,
    ) -> Result<(), Fault> {
        let writes = if entries.is_empty() { Vec::new() } else { vec![feed::seller_entries(entries)] };
        feed::advance(&self.engine, consumer, to, writes).await
    }

    async fn due_timers(&self, now: UnixMillis, after: Option<&Timer>, limit: usize) -> Result<Vec<Timer>, Fault> {
        feed::due_timers(&self.engine, now, after, limit).await
    }

    async fn remove_timers(&self, timers: &[Timer]) -> Result<(), Fault> {
        feed::remove_timers(&self.engine, timers).await
    }

    async fn events_after(&self, seq: i64, limit: usize) -> Result<EventPage, Fault> {
        feed::events_after(&self.engine, seq, limit).await
    }

    async fn feed_position(&self, consumer: &str) -> Result<FeedPosition, Fault> {
        feed::feed_position(&self.engine, consumer).await
    }

    async fn advance_feed_position(&self, consumer: &str, to: FeedPosition) -> Result<(), Fault> {
        feed::advance(&self.engine, consumer, to, Vec::new()).await
    }

    async fn lease_block(&self) -> Result<BlockLease, Fault> {
        number::lease_block(&self.engine).await
    }

    async fn number_offset_s(&self, wanted_s: i32) -> Result<i32, Fault> {
        number::offset_s(&self.engine, wanted_s).await
    }
}
