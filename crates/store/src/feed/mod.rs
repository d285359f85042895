//! What consumers of the feed keep, on SQL: parked events, the log of what was skipped, restarts.
//!
//! Whoever writes here holds the row of the consumer's position, as whoever moves it does: two processes never decide on
//! one consumer's parked events at once, and never wait for a batch of orders.

mod stored;

use std::collections::BTreeSet;

use async_trait::async_trait;
use holdline_domain::fault::Fault;
use holdline_domain::feed::{self, End, FeedPosition, ParkedEvent, ParkedKey, Parking};
use holdline_domain::id::{ConsumerName, TenantId};
use holdline_domain::order::OrderNo;
use holdline_domain::order::change::Event;
use holdline_domain::port::FeedStore;

use self::stored::{PARKED_COLUMNS, ParkedRows};
use crate::engine::{Column, Engine, Lookup, Row, Value, Write};
use crate::order::stored::ORDERS;
use crate::order::{position, position_of, set_position};
use crate::program::{Once, Results, head, head_unlocked};
use crate::rows::{Fields, count, schema};

/// What consumers keep, over an engine.
#[derive(Clone)]
pub struct SqlFeed<E> {
    engine: E,
}

impl<E: Engine> SqlFeed<E> {
    /// What is kept in the orders database behind `engine`.
    pub fn new(engine: E) -> Self {
        Self { engine }
    }

    async fn parked(&self, sql: &'static str, parameters: Vec<Value>) -> Result<Vec<ParkedEvent>, Fault> {
        self.engine.query(sql, parameters).await?.into_iter().map(stored::parked).collect()
    }
}

/// Everything that is parked of some orders, locked if it is to be changed.
fn of_orders(consumer: &ConsumerName, orders: &BTreeSet<(TenantId, OrderNo)>, lock: bool) -> Lookup {
    Lookup {
        table: "parked_event",
        columns: PARKED_COLUMNS,
        key: &["consumer", "tenant", "order_no"],
        keys: vec![
            Column::Text(vec![consumer.as_str().to_owned(); orders.len()]),
            Column::Int(orders.iter().map(|(tenant, _)| tenant.0).collect()),
            Column::Text(orders.iter().map(|(_, order_no)| order_no.as_str().to_owned()).collect()),
        ],
        lock,
    }
}

fn all_parked(rows: Vec<Row>) -> Result<Vec<ParkedEvent>, Fault> {
    rows.into_iter().map(stored::parked).collect()
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

#[async_trait]
impl<E: Engine> FeedStore for SqlFeed<E> {
    async fn feed_end(&self) -> Result<FeedPosition, Fault> {
        let head = Lookup { lock: false, ..head("feed_head", &["epoch", "next_seq"]) };
        let head = self.engine.lookup(vec![head]).await?.pop().and_then(|mut rows| rows.pop());
        let mut head = Fields::of(ORDERS, head.ok_or_else(|| schema(ORDERS, "the head row is missing"))?);
        Ok(FeedPosition { epoch: head.int()?, round: 0, seq: head.int()? - 1 })
    }

    async fn park(&self, consumer: &ConsumerName, to: FeedPosition, parkings: &[Parking]) -> Result<(), Fault> {
        let orders = parkings.iter().map(|each| (each.event.tenant, each.event.order_no.clone())).collect();
        let lookups =
            vec![head_unlocked("feed_head"), position_of(consumer.as_str(), true), of_orders(consumer, &orders, true)];
        let (consumer, parkings) = (consumer.clone(), parkings.to_vec());
        let program = Once::new(lookups, move |mut results, now| {
            results.head(ORDERS)?;
            let stored = position(results.take())?;
            if stored.is_some_and(|stored| stored >= to) {
                return Ok((Vec::new(), ()));
            }
            // What another process has done of this round is parked as it was to be.
            let same = stored.filter(|stored| (stored.epoch, stored.round) == (to.epoch, to.round));
            let after = same.map_or(0, |stored| stored.seq);
            let known = all_parked(results.take())?;
            let mut rows = ParkedRows::default();
            rows.extend(feed::park(&consumer, known, &parkings, after, now));
            let mut writes = rows.writes();
            writes.extend(set_position(consumer.as_str(), stored, to));
            Ok((writes, ()))
        });
        self.engine.run(program).await
    }

    async fn park_again(&self, consumer: &ConsumerName, events: &[Event]) -> Result<(), Fault> {
        let orders = events.iter().map(|event| (event.tenant, event.order_no.clone())).collect();
        let lookups =
            vec![head_unlocked("feed_head"), position_of(consumer.as_str(), true), of_orders(consumer, &orders, true)];
        let parkings: Vec<Parking> =
            events.iter().map(|event| Parking { event: event.clone(), failure: None }).collect();
        let consumer = consumer.clone();
        let program = Once::new(lookups, move |mut results, now| {
            results.head(ORDERS)?;
            let _position = results.take();
            let mut rows = ParkedRows::default();
            rows.extend(feed::park(&consumer, all_parked(results.take())?, &parkings, 0, now));
            Ok((rows.writes(), ()))
        });
        self.engine.run(program).await
    }

    async fn stored_position(&self, consumer: &ConsumerName) -> Result<Option<FeedPosition>, Fault> {
        let lookup = position_of(consumer.as_str(), false);
        position(Results::new(self.engine.lookup(vec![lookup]).await?).take())
    }

    async fn parked_orders(
        &self,
        consumer: &ConsumerName,
        orders: &[(TenantId, OrderNo)],
    ) -> Result<BTreeSet<(TenantId, OrderNo)>, Fault> {
        let orders: BTreeSet<_> = orders.iter().cloned().collect();
        let lookup = Lookup { columns: &["tenant", "order_no"], ..of_orders(consumer, &orders, false) };
        let rows = Results::new(self.engine.lookup(vec![lookup]).await?).take();
        let order = |row| {
            let mut fields = Fields::of(ORDERS, row);
            Ok((TenantId(fields.int()?), OrderNo::from_stored(fields.text()?)))
        };
        rows.into_iter().map(order).collect()
    }

    async fn due_parked(&self, consumer: &ConsumerName, limit: usize) -> Result<Vec<ParkedEvent>, Fault> {
        let now = self.engine.now().await?;
        let sql = include_str!("../../sql/order/list_due_parked.sql");
        self.parked(sql, vec![text(consumer.as_str()), Value::Int(now.0), count(limit)]).await
    }

    async fn end_parked(&self, key: &ParkedKey, end: End) -> Result<Option<ParkedEvent>, Fault> {
        let order = BTreeSet::from([(key.tenant, key.order_no.clone())]);
        let lookups = vec![
            head_unlocked("feed_head"),
            position_of(key.consumer.as_str(), true),
            of_orders(&key.consumer, &order, true),
        ];
        let seq = key.seq;
        let program = Once::new(lookups, move |mut results, now| {
            results.head(ORDERS)?;
            let _position = results.take();
            let (decided, event) = feed::end(all_parked(results.take())?, seq, end, now);
            let mut rows = ParkedRows::default();
            rows.extend(decided);
            Ok((rows.writes(), event))
        });
        self.engine.run(program).await
    }

    async fn parked_at(&self, consumer: &ConsumerName, tenant: TenantId, seq: i64) -> Result<Option<ParkedKey>, Fault> {
        let event = Lookup {
            table: "event",
            columns: &["tenant", "order_no"],
            key: &["seq"],
            keys: vec![Column::Int(vec![seq])],
            lock: false,
        };
        let Some(row) = Results::new(self.engine.lookup(vec![event]).await?).take().pop() else { return Ok(None) };
        let mut fields = Fields::of(ORDERS, row);
        let (of, order_no) = (TenantId(fields.int()?), OrderNo::from_stored(fields.text()?));
        if of != tenant {
            return Ok(None);
        }
        let orders = BTreeSet::from([(tenant, order_no)]);
        let rows = Results::new(self.engine.lookup(vec![of_orders(consumer, &orders, false)]).await?).take();
        Ok(all_parked(rows)?.into_iter().map(|parked| parked.key).find(|key| key.seq == seq))
    }

    async fn parked_events(
        &self,
        consumer: &ConsumerName,
        tenant: TenantId,
        after: Option<&(OrderNo, i64)>,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, Fault> {
        let (order_no, seq) = after.map_or(("", 0), |(order_no, seq)| (order_no.as_str(), *seq));
        let parameters =
            vec![text(consumer.as_str()), Value::Int(tenant.0), text(order_no), Value::Int(seq), count(limit)];
        self.parked(include_str!("../../sql/order/list_parked.sql"), parameters).await
    }

    async fn count_parked(&self, consumer: &ConsumerName, limit: usize) -> Result<usize, Fault> {
        let sql = include_str!("../../sql/order/count_parked.sql");
        let rows = self.engine.query(sql, vec![text(consumer.as_str()), count(limit)]).await?;
        let row = rows.into_iter().next().ok_or_else(|| schema(ORDERS, "a count has no row"))?;
        usize::try_from(Fields::of(ORDERS, row).int()?).map_err(|_| schema(ORDERS, "a count is negative"))
    }

    async fn restart(&self, consumer: &ConsumerName) -> Result<FeedPosition, Fault> {
        let lookups = vec![head("feed_head", &["min_writer", "epoch"]), position_of(consumer.as_str(), true)];
        let lookups =
            lookups.into_iter().map(|lookup| Lookup { lock: lookup.table != "feed_head", ..lookup }).collect();
        let consumer = consumer.clone();
        let program = Once::new(lookups, move |mut results, _now| {
            let epoch = results.head(ORDERS)?.int()?;
            let stored = position(results.take())?;
            let round = stored.filter(|stored| stored.epoch == epoch).map_or(0, |stored| stored.round) + 1;
            let begin = FeedPosition { epoch, round, seq: 0 };
            Ok((set_position(consumer.as_str(), stored, begin).into_iter().collect(), begin))
        });
        self.engine.run(program).await
    }

    async fn clear_seller_index(&self, limit: usize) -> Result<usize, Fault> {
        let sql = include_str!("../../sql/order/list_seller_index.sql");
        let (mut tenants, mut sellers, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        for row in self.engine.query(sql, vec![count(limit)]).await? {
            let mut fields = Fields::of(ORDERS, row);
            tenants.push(fields.int()?);
            sellers.push(fields.text()?);
            numbers.push(fields.text()?);
        }
        let removed = tenants.len();
        let delete = Write::Delete {
            table: "seller_order",
            key: &["tenant", "seller", "order_no"],
            values: vec![Column::Int(tenants), Column::Text(sellers), Column::Text(numbers)],
        };
        let program = Once::new(vec![head_unlocked("feed_head")], move |mut results, _now| {
            results.head(ORDERS)?;
            Ok((vec![delete], ()))
        });
        self.engine.run(program).await?;
        Ok(removed)
    }
}
