//! Growth: is placing as fast among many orders as among few? One store is filled step by step; at each size a window of
//! orders is measured, with other buyers each time, so that the random indexes are hit everywhere. At the end the audit.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use holdline_load::generator::{Plan, RunResult};
use holdline_load::machine::Machine;
use serde::Serialize;

use super::carts::Workload;
use super::report::today;
use super::run::{mebibytes, server_cpu_seconds};
use super::{Args, GROWTH_ORDERS};
use crate::child::submit::{KeyOrder, Submits};
use crate::child::{Client, Home, Keys, Metrics, Progress, Server, Stop, audit, with_bar};

/// Orders of one window: some seconds, and few against the size they are measured at.
const WINDOW: u64 = 20_000;
/// Longest time for one filling or one window.
const LONGEST: Duration = Duration::from_hours(1);
/// The tenant and the name of its SKUs.
const NAME: &str = "growth";

/// What was measured.
#[derive(Debug, Serialize)]
pub(super) struct Growth {
    scenario: &'static str,
    store: &'static str,
    keys: &'static str,
    connections: usize,
    points: Vec<Point>,
    audit_ok: bool,
    machine: Machine,
    date: String,
    version: &'static str,
}

/// One window.
#[derive(Debug, Serialize)]
struct Point {
    /// Orders in the store when it began.
    orders: u64,
    orders_per_second: f64,
    /// Against the first window.
    share_of_first: f64,
    p50_ms: f64,
    p99_ms: f64,
    avg_batch: f64,
    cpu_server: f64,
    /// Resident memory of the server at the end of the window.
    rss_mb: f64,
    /// The store on disk, logs included where they lie beside it.
    disk_mb: f64,
}

/// Fills and measures.
pub(super) fn measure(args: &Args, progress: Progress, stop: &Stop) -> anyhow::Result<Growth> {
    let home = Home::measured(&args.store, progress)?;
    let keys = Keys::create(&home, NAME)?;
    let server = Server::start(&home)?;
    let mut admin = Client::new(server.address, &keys.admin)?;
    Workload::HotSku.shop(NAME).write(&mut admin, "opening")?;
    let mut filling = Filling { args, secret: &keys.shop, server: &server, progress, stop, orders: 0, runs: 0 };
    let mut points: Vec<Point> = Vec::new();
    let sizes = if args.orders.is_empty() { &GROWTH_ORDERS[..] } else { &args.orders };
    for size in sizes {
        let missing = size.saturating_sub(filling.orders);
        if missing > 0 {
            filling.run(missing, &format!("filling up to {size} orders"))?;
        }
        let orders = filling.orders;
        let (metrics, cpu) = (Metrics::read(&mut admin)?, server_cpu_seconds(&server, &home)?);
        let result = filling.run(WINDOW, &format!("measuring at {orders} orders"))?;
        let seconds = (result.ended - result.started).as_secs_f64();
        let rate = result.accepted_per_second;
        points.push(Point {
            orders,
            orders_per_second: rate,
            share_of_first: rate / points.first().map_or(rate, |first| first.orders_per_second),
            p50_ms: result.all().p50_ms,
            p99_ms: result.all().p99_ms,
            avg_batch: Metrics::read(&mut admin)?.since(metrics).batch_mean(),
            cpu_server: (server_cpu_seconds(&server, &home)? - cpu) / seconds,
            rss_mb: mebibytes(server.rss_bytes()?),
            disk_mb: disk_mebibytes(&home)?,
        });
        // A long run that is broken off has said what it had measured.
        progress.say(&format!("{orders} orders: {rate:.0} orders/s, p99 {:.1} ms", result.all().p99_ms));
    }
    server.terminate()?;
    progress.say("audit");
    let judged = audit(&home)?;
    judged.evidence.iter().for_each(|line| progress.say(line));
    let store = home.engine().name();
    home.close()?;
    Ok(Growth {
        scenario: "growth",
        store,
        keys: if args.keys == KeyOrder::Time { "time" } else { "random" },
        connections: args.connections,
        points,
        audit_ok: judged.clean,
        machine: Machine::read(),
        date: today(),
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// The load, and how far it has come.
struct Filling<'a> {
    args: &'a Args,
    secret: &'a str,
    server: &'a Server,
    progress: Progress,
    stop: &'a Stop,
    orders: u64,
    runs: u64,
}

impl Filling<'_> {
    /// Places `count` orders in a closed loop.
    fn run(&mut self, count: u64, label: &str) -> anyhow::Result<RunResult> {
        let mut plan = Plan::new(self.server.address, LONGEST);
        plan.requests = Some(count);
        plan.control = self.stop.control();
        // The numbers are not looked up: the audit counts.
        plan.keys_bytes_max = usize::MAX;
        let connections = self.args.connections;
        let carts = Workload::HotSku.carts_from(NAME, self.runs * connections as u64, connections);
        let keyed = |carts| Submits::new(self.secret, carts).keyed(self.args.keys);
        let result = with_bar(self.progress, label, &plan, carts.into_iter().map(keyed).collect())?;
        self.stop.check()?;
        anyhow::ensure!(result.errors.is_empty(), "not every submit was answered: {:?}", result.errors);
        self.orders += result.counts.accepted;
        self.runs += 1;
        Ok(result)
    }
}

fn disk_mebibytes(home: &Home) -> anyhow::Result<f64> {
    let Some(url) = home.url() else { return Ok(mebibytes(bytes_in(home.data())?)) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        let row = client.query_one("SELECT pg_database_size(current_database())", &[]).await?;
        Ok(mebibytes(u64::try_from(row.get::<_, i64>(0))?))
    })
}

fn bytes_in(directory: &Path) -> anyhow::Result<u64> {
    let entries = std::fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    entries.map(|entry| Ok(entry?.metadata()?.len())).sum()
}

impl Growth {
    /// Whether the audit found everything in order.
    pub(super) fn is_ok(&self) -> bool {
        self.audit_ok
    }

    /// The table for people.
    pub(super) fn table(&self) -> String {
        let Self { store, keys, connections, audit_ok, .. } = self;
        let audit = if *audit_ok { "clean" } else { "mismatch" };
        let mut table = format!("growth · {store} · keys by {keys} · {connections} connections · audit {audit}\n");
        table.push_str("    orders   orders/s  of first  p50 ms  p99 ms  batch  cores  memory MiB  disk MiB\n");
        for point in &self.points {
            let Point { orders, orders_per_second, share_of_first, p50_ms, p99_ms, .. } = point;
            let Point { avg_batch, cpu_server, rss_mb, disk_mb, .. } = point;
            writeln!(
                table,
                "{orders:>10} {orders_per_second:>10.0} {share_of_first:>9.2} {p50_ms:>7.1} {p99_ms:>7.1} {avg_batch:>6.1} \
                 {cpu_server:>6.2} {rss_mb:>11.0} {disk_mb:>9.0}"
            )
            .expect("a String takes every text");
        }
        table
    }
}
