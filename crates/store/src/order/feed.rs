//! The feed and what its consumers keep: positions, the index by seller, timers.
//!
//! Consumers do not take the feed head, so that they never wait for a batch of orders nor hold one up: each locks its own
//! position. Removing timers locks nothing but the timers, in sorted order.

use holdline_domain::fault::Fault;
use holdline_domain::feed::FeedPosition;
use holdline_domain::id::{SellerId, TenantId};
use holdline_domain::order::OrderNo;
use holdline_domain::order::change::Timer;
use holdline_domain::port::EventPage;
use holdline_domain::time::UnixMillis;

use super::stored::{self, ORDERS};
use crate::engine::{Column, Engine, Lookup, Row, Value, Write};
use crate::program::{Once, Results, head, head_unlocked};
use crate::rows::{Fields, count, ints, schema, texts};

pub(super) async fn events_after<E: Engine>(engine: &E, seq: i64, limit: usize) -> Result<EventPage, Fault> {
    // The epoch changes only while nobody serves (restore): it need not be read in the same state as the events.
    let head = Lookup { lock: false, ..head("feed_head", &["epoch"]) };
    let head = engine.lookup(vec![head]).await?.pop().and_then(|mut rows| rows.pop());
    let epoch = Fields::of(ORDERS, head.ok_or_else(|| schema(ORDERS, "the head row is missing"))?).int()?;
    let sql = include_str!("../../sql/order/list_events_after.sql");
    let rows = engine.query(sql, vec![Value::Int(seq), count(limit)]).await?;
    let events = rows.into_iter().map(stored::event).collect::<Result<_, _>>()?;
    Ok(EventPage { epoch, events })
}

const POSITION: &[&str] = &["epoch", "round", "seq"];

/// The row of a consumer's position; whoever changes anything of the consumer locks it.
pub(crate) fn position_of(consumer: &str, lock: bool) -> Lookup {
    Lookup {
        table: "feed_position",
        columns: POSITION,
        key: &["consumer"],
        keys: vec![Column::Text(vec![consumer.to_owned()])],
        lock,
    }
}

/// The position in the answer to [`position_of`].
pub(crate) fn position(rows: Vec<Row>) -> Result<Option<FeedPosition>, Fault> {
    let Some(row) = rows.into_iter().next() else { return Ok(None) };
    let mut fields = Fields::of(ORDERS, row);
    Ok(Some(FeedPosition { epoch: fields.int()?, round: fields.int()?, seq: fields.int()? }))
}

/// Moves a consumer's position forward, if it is not there already.
pub(crate) fn set_position(consumer: &str, stored: Option<FeedPosition>, to: FeedPosition) -> Option<Write> {
    let FeedPosition { epoch, round, seq } = to;
    let values = vec![
        Column::Text(vec![consumer.to_owned()]),
        Column::Int(vec![epoch]),
        Column::Int(vec![round]),
        Column::Int(vec![seq]),
    ];
    match stored {
        None => Some(Write::Insert {
            table: "feed_position",
            columns: &["consumer", "epoch", "round", "seq"],
            values,
            or_ignore: false,
        }),
        Some(stored) if stored < to => {
            Some(Write::Update { table: "feed_position", key: &["consumer"], set: POSITION, add: &[], values })
        }
        Some(_) => None,
    }
}

pub(super) async fn feed_position<E: Engine>(engine: &E, consumer: &str) -> Result<FeedPosition, Fault> {
    let head = Lookup { lock: false, ..head("feed_head", &["epoch"]) };
    let mut results = Results::new(engine.lookup(vec![head, position_of(consumer, false)]).await?);
    let head = results.take().pop().ok_or_else(|| schema(ORDERS, "the head row is missing"))?;
    let epoch = Fields::of(ORDERS, head).int()?;
    // A position of another epoch was reached in a feed that a restore has replaced: what it says is done may not be.
    let of_this_feed = position(results.take())?.filter(|stored| stored.epoch == epoch);
    Ok(of_this_feed.unwrap_or(FeedPosition { epoch, ..FeedPosition::default() }))
}

/// Moves a consumer's position, with `writes` in the same transaction. A position that is there already, or was passed,
/// stays; `writes` must be harmless when repeated.
pub(super) async fn advance<E: Engine>(
    engine: &E,
    consumer: &str,
    to: FeedPosition,
    mut writes: Vec<Write>,
) -> Result<(), Fault> {
    let lookups = vec![head_unlocked("feed_head"), position_of(consumer, true)];
    let consumer = consumer.to_owned();
    let program = Once::new(lookups, move |mut results, _now| {
        results.head(ORDERS)?;
        writes.extend(set_position(&consumer, position(results.take())?, to));
        Ok((writes, ()))
    });
    engine.run(program).await
}

/// Entries of the index by seller, sorted, repeats allowed.
pub(super) fn seller_entries(entries: &[(TenantId, SellerId, OrderNo)]) -> Write {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort();
    sorted.dedup();
    Write::Insert {
        table: "seller_order",
        columns: &["tenant", "seller", "order_no"],
        values: vec![
            ints(&sorted, |entry| entry.0.0),
            texts(&sorted, |entry| entry.1.as_str()),
            texts(&sorted, |entry| entry.2.as_str()),
        ],
        or_ignore: true,
    }
}

pub(super) async fn due_timers<E: Engine>(
    engine: &E,
    now: UnixMillis,
    after: Option<&Timer>,
    limit: usize,
) -> Result<Vec<Timer>, Fault> {
    let sql = include_str!("../../sql/order/list_due_timers.sql");
    let (due, tenant, order_no) =
        after.map_or((i64::MIN, i64::MIN, ""), |timer| (timer.due.0, timer.tenant.0, timer.order_no.as_str()));
    let after = [Value::Int(due), Value::Int(tenant), Value::Text(order_no.to_owned())];
    let rows = engine.query(sql, [&[Value::Int(now.0)][..], &after, &[count(limit)]].concat()).await?;
    rows.into_iter().map(stored::timer).collect()
}

pub(super) async fn remove_timers<E: Engine>(engine: &E, timers: &[Timer]) -> Result<(), Fault> {
    let mut sorted: Vec<Timer> = timers.to_vec();
    sorted.sort();
    let program = Once::new(vec![head_unlocked("feed_head")], move |mut results, _now| {
        results.head(ORDERS)?;
        let delete = Write::Delete {
            table: "timer",
            key: &["due_ms", "tenant", "order_no"],
            values: vec![
                ints(&sorted, |timer| timer.due.0),
                ints(&sorted, |timer| timer.tenant.0),
                texts(&sorted, |timer| timer.order_no.as_str()),
            ],
        };
        Ok((vec![delete], ()))
    });
    engine.run(program).await
}
