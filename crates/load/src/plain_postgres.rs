//! The baseline: the plain design that Holdline is compared with, on the same private PostgreSQL.
//!
//! One transaction per order at READ COMMITTED, by prepared statements over a driver's own connection: begin, take one
//! unit off the hot stock row, insert the order, insert its line, commit. Closed loop, one order at a time per
//! connection. Reported 658 to 1,032 orders/s on two cores; below 500 the baseline itself is broken.
//!
//! Deliberately absent: pipelining, batching, retries, idempotency, HTTP. Adding one would make it another design.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::time::timeout_at;
use tokio_postgres::{Client, NoTls, Statement};

use crate::report::LatencySummary;

/// The baseline's tables: the least that the same order needs, with the keys and checks that keep it right.
const TABLES: &str = "
    CREATE TABLE stock (sku text PRIMARY KEY, stock bigint NOT NULL CHECK (stock >= 0));
    CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, buyer text NOT NULL,
        total_minor bigint NOT NULL, placed_at timestamptz NOT NULL DEFAULT now());
    CREATE TABLE order_line (order_id bigint NOT NULL REFERENCES orders, line integer NOT NULL, sku text NOT NULL,
        quantity integer NOT NULL, unit_price_minor bigint NOT NULL, PRIMARY KEY (order_id, line));
    INSERT INTO stock VALUES ('hot', 1000000000);";
const TAKE: &str = "UPDATE stock SET stock = stock - 1 WHERE sku = 'hot' AND stock >= 1";
const INSERT_ORDER: &str = "INSERT INTO orders (buyer, total_minor) VALUES ($1, 1200) RETURNING id";
const INSERT_LINE: &str = "INSERT INTO order_line VALUES ($1, 1, 'hot', 1, 1200)";
/// Units sold and orders stored, to be equal.
const COUNT: &str = "SELECT (SELECT 1000000000 - stock FROM stock), (SELECT count(*) FROM orders),
    (SELECT count(*) FROM order_line)";
const DURABILITY: &str = "SELECT concat('fsync=', current_setting('fsync'), ' synchronous_commit=',
    current_setting('synchronous_commit'), ' full_page_writes=', current_setting('full_page_writes'))";

/// Most time for orders under way at the deadline.
const DRAIN: Duration = Duration::from_secs(10);

/// What the baseline does.
#[derive(Clone, Debug)]
pub struct PlainPlan {
    /// URL of an EMPTY database, in which the tables are made.
    pub url: String,
    /// Connections, each with one order at a time; 100 in all published figures.
    pub connections: usize,
    /// Part before `duration` that stays out of the figures.
    pub warm_up: Duration,
    /// The measured part.
    pub duration: Duration,
}

/// What the baseline reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlainResult {
    /// Connections used.
    pub connections: usize,
    /// Orders committed in the measured part.
    pub orders: u64,
    /// Length of the measured part in seconds.
    pub measured_seconds: f64,
    /// Orders committed per second.
    pub orders_per_second: f64,
    /// From begin to committed.
    pub latency: LatencySummary,
    /// Failures by message, those of the warm-up included; at most 20 kinds, the others under `other`.
    pub errors: BTreeMap<String, u64>,
    /// The server's settings, read back: `fsync=on synchronous_commit=on full_page_writes=on`.
    pub durability: String,
    /// Whether units sold, orders and lines are equal in the database afterwards.
    pub consistent: bool,
}

/// Why the baseline did not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlainError {
    /// The operating system refused a runtime.
    #[error("cannot start a runtime for the baseline: {0}")]
    Runtime(#[from] io::Error),
    /// Connecting, making the tables or reading back failed.
    #[error("the baseline's database failed: {0}")]
    Database(#[from] tokio_postgres::Error),
}

/// Runs the baseline. Blocks the calling thread; call it outside of an async context.
pub fn run(plan: &PlainPlan) -> Result<PlainResult, PlainError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run_async(plan))
}

async fn run_async(plan: &PlainPlan) -> Result<PlainResult, PlainError> {
    let control = connect(&plan.url).await?;
    control.batch_execute(TABLES).await?;
    let mut clients = Vec::with_capacity(plan.connections);
    for _ in 0..plan.connections {
        clients.push(Orders::prepare(connect(&plan.url).await?).await?);
    }
    let measured_from = Instant::now() + plan.warm_up;
    let deadline = measured_from + plan.duration;
    let figures = Arc::new(Mutex::new(Figures::new()));
    let workers: Vec<_> = clients
        .into_iter()
        .enumerate()
        .map(|(number, orders)| {
            let figures = Arc::clone(&figures);
            tokio::spawn(work(orders, format!("buyer-{number}"), figures, measured_from, deadline))
        })
        .collect();
    for worker in workers {
        worker.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    }
    let row = control.query_one(COUNT, &[]).await?;
    let (sold, orders, lines): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    let durability = control.query_one(DURABILITY, &[]).await?.get(0);
    let figures = figures.lock().expect("no worker panicked");
    let seconds = plan.duration.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a run has far fewer than 2^52 orders")]
    let orders_per_second = figures.in_window as f64 / seconds;
    Ok(PlainResult {
        connections: plan.connections,
        orders: figures.in_window,
        measured_seconds: seconds,
        orders_per_second,
        latency: LatencySummary::from_microseconds(&figures.latency_us),
        errors: figures.errors.clone(),
        durability,
        consistent: sold == orders && orders == lines,
    })
}

/// Figures of all connections, which run on one thread; never held across an await.
struct Figures {
    latency_us: Histogram<u64>,
    in_window: u64,
    errors: BTreeMap<String, u64>,
}

impl Figures {
    fn new() -> Self {
        let latency_us = Histogram::new_with_bounds(1, 600_000_000, 3).expect("1 µs to 10 minutes is a valid range");
        Self { latency_us, in_window: 0, errors: BTreeMap::new() }
    }

    fn error(&mut self, message: String) {
        const KINDS_MAX: usize = 20;
        let known = self.errors.contains_key(&message) || self.errors.len() < KINDS_MAX;
        *self.errors.entry(if known { message } else { "other".to_owned() }).or_default() += 1;
    }
}

/// One connection with its prepared statements.
struct Orders {
    client: Client,
    take: Statement,
    insert_order: Statement,
    insert_line: Statement,
}

impl Orders {
    async fn prepare(client: Client) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            take: client.prepare(TAKE).await?,
            insert_order: client.prepare(INSERT_ORDER).await?,
            insert_line: client.prepare(INSERT_LINE).await?,
            client,
        })
    }

    /// Places one order; false when nothing is in stock.
    async fn place(&mut self, buyer: &str) -> Result<bool, tokio_postgres::Error> {
        let transaction = self.client.transaction().await?;
        if transaction.execute(&self.take, &[]).await? != 1 {
            transaction.rollback().await?;
            return Ok(false);
        }
        let order: i64 = transaction.query_one(&self.insert_order, &[&buyer]).await?.get(0);
        transaction.execute(&self.insert_line, &[&order]).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

async fn work(
    mut orders: Orders,
    buyer: String,
    figures: Arc<Mutex<Figures>>,
    measured_from: Instant,
    deadline: Instant,
) {
    loop {
        let started = Instant::now();
        if started >= deadline {
            return;
        }
        let placed = timeout_at((deadline + DRAIN).into(), orders.place(&buyer)).await;
        let ended = Instant::now();
        let mut figures = figures.lock().expect("no worker panicked");
        let message = match placed {
            Ok(Ok(true)) => {
                let latency = u64::try_from((ended - started).as_micros()).unwrap_or(u64::MAX);
                if started >= measured_from {
                    figures.latency_us.saturating_record(latency);
                }
                figures.in_window += u64::from(ended >= measured_from && ended < deadline);
                continue;
            }
            Ok(Ok(false)) => "sold out".to_owned(),
            Ok(Err(error)) => error.as_db_error().map_or_else(|| error.to_string(), |fault| fault.message().to_owned()),
            Err(_) => "no answer in time".to_owned(),
        };
        figures.error(message);
        if orders.client.is_closed() {
            return;
        }
    }
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // Ends when the client is dropped; an error shows up at the client's next call.
    tokio::spawn(connection);
    Ok(client)
}
