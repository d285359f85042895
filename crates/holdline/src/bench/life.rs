//! life: orders from the submit to the end of their lives, paid at a payment center of our own, some of them refunded.
//!
//! Each connection is a buyer who does one thing after the other: submit, open a payment, pay at the center, wait until the
//! center's callback has confirmed the order, and then the shop ships, it arrives, and the buyer has it. Every tenth one
//! cancels instead, and waits for the money. The measured part ends by the clock, the lives that are under way then by
//! themselves.
//!
//! The proof: SIGKILL to both, a lookup of every order, the audit; then every order is read, and what was captured must be what was
//! refunded and what live orders keep, and be the same in the center's own books.

mod buyer;
mod figures;
mod money;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use holdline_load::generator::Control;
use holdline_load::process::own_cpu_seconds;
use holdline_load::report::Latencies;
use serde_json::json;

pub(super) use figures::LifeFigures;

use super::Args;
use super::carts::Workload;
use super::report::Report;
use super::run::{NAME, Proof, add_flushes, fdatasync_p50_ms, mebibytes, server_cpu_seconds, warm_up};
use crate::child::{Center, Client, Home, Keys, Metrics, Progress, Server, Stop};
use buyer::Buyer;
use money::Books;

/// What the buyers have seen.
#[derive(Default)]
struct Seen {
    /// Acknowledged submits, by their order numbers.
    acknowledged: Vec<String>,
    /// Submits answered, and lives ended, within the measured part.
    placing: Latencies,
    lives: Latencies,
    /// Answers that a life may not meet, by what was asked.
    errors: BTreeMap<String, u64>,
    /// Answers that said busy: the same was asked again.
    busy: u64,
}

/// When is measured.
#[derive(Clone, Copy)]
struct Measured {
    from: Instant,
    until: Instant,
}

impl Measured {
    fn contains(self, instant: Instant) -> bool {
        (self.from..self.until).contains(&instant)
    }
}

/// Measures on a server and a payment center of our own.
pub(super) fn measure(args: &Args, progress: Progress, stop: &Stop) -> anyhow::Result<Report> {
    let home = Home::measured(&args.store, progress)?;
    let mut report = Report::new(args.scenario.name(), home.engine().name(), args.connections);
    report.filesystem = Some(home.filesystem()?);
    report.fdatasync_p50_ms = fdatasync_p50_ms(&home)?;
    let keys = Keys::create(&home, NAME)?;
    let server = Server::start(&home)?;
    let center = Center::start(&home, &json!({}))?;
    let mut admin = Client::new(server.address, &keys.admin)?;
    Workload::HotSku.shop(NAME).write(&mut admin, "opening")?;
    center.register(&mut admin)?;

    progress.say("lives");
    let metrics = Metrics::read(&mut admin)?;
    report.rss_mb_before = Some(mebibytes(server.rss_bytes()?));
    let (cpu, began) = ((server_cpu_seconds(&server, &home)?, own_cpu_seconds()?), Instant::now());
    let seen = live(args, &server, &center, &keys, stop)?;
    stop.check()?;
    let elapsed = began.elapsed().as_secs_f64();
    report.cpu_server = Some((server_cpu_seconds(&server, &home)? - cpu.0) / elapsed);
    report.cpu_load = Some((own_cpu_seconds()? - cpu.1) / elapsed);
    report.rss_mb = Some(mebibytes(server.rss_bytes()?));
    add_flushes(&mut report, Metrics::read(&mut admin)?.since(metrics));
    fill(&mut report, &seen, args.seconds);
    server.kill()?;
    let center = center.killed_and_restarted()?;

    let proof = Proof { home: &home, keys: &keys, workload: Workload::HotSku, progress, stop };
    proof.judge(&mut report, seen.acknowledged.iter().map(String::as_str))?;
    let server = Server::start(&home)?;
    let books = Books::read(&mut Client::new(server.address, &keys.shop)?)?;
    server.terminate()?;
    let center_books = center.books()?;
    center.terminate()?;
    report.life.add_books(books, center_books);
    home.close()?;
    Ok(report)
}

/// Lets the buyers live, on a thread of their own that this one waits for.
fn live(args: &Args, server: &Server, center: &Center, keys: &Keys, stop: &Stop) -> anyhow::Result<Seen> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let from = Instant::now() + warm_up(args.seconds);
    let measured = Measured { from, until: from + Duration::from_secs_f64(args.seconds) };
    let carts = Workload::HotSku.carts(NAME, args.connections);
    let (server, center) = (server.address, center.address);
    let control: Control = stop.control();
    runtime.block_on(async {
        let seen = Arc::new(parking_lot::Mutex::new(Seen::default()));
        let buyers = carts.into_iter().zip(0..).map(|(carts, number)| {
            let buyer = Buyer::new(server, center, &keys.shop, carts, number);
            tokio::spawn(buyer.live(measured, control.clone(), Arc::clone(&seen)))
        });
        for buyer in buyers.collect::<Vec<_>>() {
            buyer.await?;
        }
        let seen = std::mem::take(&mut *seen.lock());
        Ok(seen)
    })
}

fn fill(report: &mut Report, seen: &Seen, seconds: f64) {
    let (lives, placing) = (seen.lives.summary(), seen.placing.summary());
    #[expect(clippy::cast_precision_loss, reason = "a bench sees far fewer than 2^52 lives")]
    let per_second = |count: u64| count as f64 / seconds;
    report.seconds = seconds;
    report.orders_per_second = Some(per_second(placing.count));
    report.attempts_per_second = per_second(placing.count);
    (report.p50_ms, report.p95_ms, report.p99_ms) = (lives.p50_ms, lives.p95_ms, lives.p99_ms);
    report.life.lives_per_second = Some(per_second(lives.count));
    report.life.placing_p50_ms = Some(placing.p50_ms);
    report.life.placing_p99_ms = Some(placing.p99_ms);
    report.busy = seen.busy;
    for (kind, count) in &seen.errors {
        report.add_error(kind, *count);
    }
}
