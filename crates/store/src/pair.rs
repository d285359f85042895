//! What ledger and orders know of each other: whether two databases belong together, and whether one is older than what
//! the other has seen.
//!
//! Each database has one row `pair`. `pair_id` is the same in both, made at their first opening and anew by every
//! restore. `other_seq` is the other one's next sequence number as it was seen some time ago: at every opening, every few
//! seconds while a server runs ([`Pair::witness`]), and exactly at the cut of a backup. A sequence is witnessed only once
//! it is durable and never falls, so a head below it means that the file was replaced by an older one.
//!
//! Deliberately absent: a witness in each batch. It would cost the hot path a write, to tell apart files that lie
//! seconds from each other.

mod sides;

use async_trait::async_trait;
use holdline_domain::fault::Fault;
use holdline_domain::time::UnixMillis;

use crate::engine::migration::{LEDGER, ORDERS};
use crate::engine::{Column, Engine, Lookup, Row, Write};
use crate::program::{Once, Results, head, head_unlocked};
use crate::rows::{Fields, schema};

pub use self::sides::{Cut, Side, Sides};

/// A new, random id of a pair or a backup.
pub fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// What a restore changed so that nothing given out since the backup is given out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renewed {
    /// The feed's new epoch.
    pub epoch: i64,
    /// Every order number from now on is stamped at this instant or later.
    pub numbers_from: UnixMillis,
}

/// The two databases as one thing.
#[async_trait]
pub trait Pair: Send + Sync {
    /// What both say.
    async fn sides(&self) -> Result<Sides, Fault>;

    /// Lets each database note how far the other one has come.
    async fn witness(&self) -> Result<(), Fault>;

    /// From now on nobody serves the pair until [`Pair::finish_restore`].
    async fn begin_restore(&self, backup_id: &str) -> Result<(), Fault>;

    /// Raises the feed's epoch and moves every block of order numbers to `numbers_from`, or later where a lease says so.
    async fn renew(&self, numbers_from: UnixMillis) -> Result<Renewed, Fault>;

    /// Makes a new pair of the two, open for serving.
    async fn finish_restore(&self) -> Result<(), Fault>;
}

/// The pair over an engine.
pub struct SqlPair<E> {
    pub(crate) ledger: E,
    pub(crate) orders: E,
}

const SIDE_COLUMNS: &[&str] = &["pair_id", "other_seq", "backup_id"];

impl<E: Engine> SqlPair<E> {
    /// Refuses two databases that do not belong together, and pairs those that are new to each other.
    pub(crate) async fn join(&self) -> Result<(), Fault> {
        let sides = self.sides().await?;
        let id = match sides.judge()? {
            Some(id) => id.to_owned(),
            None => claim(&self.ledger, LEDGER.name, "ledger_head", new_id()).await?,
        };
        claim(&self.orders, ORDERS.name, "feed_head", id).await?;
        self.witness().await
    }
}

#[async_trait]
impl<E: Engine> Pair for SqlPair<E> {
    async fn sides(&self) -> Result<Sides, Fault> {
        // What one has seen is read before the other's head, which only grows meanwhile; the feed is asked twice.
        let witness = side(&self.orders, ORDERS.name, "feed_head").await?;
        let ledger = side(&self.ledger, LEDGER.name, "ledger_head").await?;
        let orders = Side { next_seq: side(&self.orders, ORDERS.name, "feed_head").await?.next_seq, ..witness };
        Ok(Sides { ledger, orders })
    }

    async fn witness(&self) -> Result<(), Fault> {
        let Sides { ledger, orders } = self.sides().await?;
        if orders.other_seq < ledger.next_seq {
            see(&self.orders, ORDERS.name, "feed_head", ledger.next_seq).await?;
        }
        if ledger.other_seq < orders.next_seq {
            see(&self.ledger, LEDGER.name, "ledger_head", orders.next_seq).await?;
        }
        Ok(())
    }

    async fn begin_restore(&self, backup_id: &str) -> Result<(), Fault> {
        set(&self.ledger, LEDGER.name, "ledger_head", &["backup_id"], vec![text(backup_id)]).await?;
        set(&self.orders, ORDERS.name, "feed_head", &["backup_id"], vec![text(backup_id)]).await
    }

    async fn renew(&self, numbers_from: UnixMillis) -> Result<Renewed, Fault> {
        crate::order::renew(&self.orders, numbers_from).await
    }

    async fn finish_restore(&self) -> Result<(), Fault> {
        let id = new_id();
        let Sides { ledger, orders } = self.sides().await?;
        let named = |other: i64| vec![text(&id), Column::Int(vec![other])];
        // Both have the new id before one of them is open: a crash in between leaves a pair that is still to be restored.
        let set_id = &["pair_id", "other_seq"];
        set(&self.ledger, LEDGER.name, "ledger_head", set_id, named(orders.next_seq)).await?;
        set(&self.orders, ORDERS.name, "feed_head", set_id, named(ledger.next_seq)).await?;
        set(&self.ledger, LEDGER.name, "ledger_head", &["backup_id"], vec![text("")]).await?;
        set(&self.orders, ORDERS.name, "feed_head", &["backup_id"], vec![text("")]).await
    }
}

fn text(value: &str) -> Column {
    Column::Text(vec![value.to_owned()])
}

fn pair_row(lock: bool) -> Lookup {
    Lookup { table: "pair", columns: SIDE_COLUMNS, key: &["id"], keys: vec![Column::Int(vec![1])], lock }
}

fn side_of(database: &'static str, rows: Vec<Row>, next_seq: i64) -> Result<Side, Fault> {
    let row = rows.into_iter().next().ok_or_else(|| schema(database, "the row of the pair is missing"))?;
    let mut fields = Fields::of(database, row);
    Ok(Side { next_seq, pair_id: fields.text()?, other_seq: fields.int()?, backup_id: fields.text()? })
}

async fn side<E: Engine>(engine: &E, database: &'static str, head_table: &'static str) -> Result<Side, Fault> {
    let head = Lookup { lock: false, ..head(head_table, &["min_writer", "next_seq"]) };
    let mut results = Results::new(engine.lookup(vec![pair_row(false), head]).await?);
    let pair = results.take();
    let next_seq = results.head(database)?.int()?;
    side_of(database, pair, next_seq)
}

/// Names the pair in one database, unless it has a name; the name that it has then.
async fn claim<E: Engine>(
    engine: &E,
    database: &'static str,
    head_table: &'static str,
    id: String,
) -> Result<String, Fault> {
    let lookups = vec![head_unlocked(head_table), pair_row(true)];
    let program = Once::new(lookups, move |mut results, _now| {
        results.head(database)?;
        let stored = side_of(database, results.take(), 0)?.pair_id;
        if stored.is_empty() { Ok((vec![update(&["pair_id"], vec![text(&id)])], id)) } else { Ok((Vec::new(), stored)) }
    });
    engine.run(program).await
}

/// Notes the other one's head; never back.
async fn see<E: Engine>(
    engine: &E,
    database: &'static str,
    head_table: &'static str,
    other_seq: i64,
) -> Result<(), Fault> {
    let lookups = vec![head_unlocked(head_table), pair_row(true)];
    let program = Once::new(lookups, move |mut results, _now| {
        results.head(database)?;
        let newer = side_of(database, results.take(), 0)?.other_seq < other_seq;
        let write = || update(&["other_seq"], vec![Column::Int(vec![other_seq])]);
        Ok((if newer { vec![write()] } else { Vec::new() }, ()))
    });
    engine.run(program).await
}

async fn set<E: Engine>(
    engine: &E,
    database: &'static str,
    head_table: &'static str,
    columns: &'static [&'static str],
    values: Vec<Column>,
) -> Result<(), Fault> {
    let program = Once::new(vec![head(head_table, &["min_writer"])], move |mut results, _now| {
        results.head(database)?;
        Ok((vec![update(columns, values)], ()))
    });
    engine.run(program).await
}

fn update(set: &'static [&'static str], values: Vec<Column>) -> Write {
    let values = std::iter::once(Column::Int(vec![1])).chain(values).collect();
    Write::Update { table: "pair", key: &["id"], set, add: &[], values }
}
