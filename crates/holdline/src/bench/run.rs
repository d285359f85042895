//! A run on a server of our own: measured, killed, reopened, judged.

use std::net::SocketAddr;
use std::time::Duration;

use holdline_load::generator::{AcknowledgedKeys, Load, Plan, RunResult};
use holdline_load::machine::fdatasync;
use holdline_load::private_postgres::PrivatePostgres;
use holdline_load::process::own_cpu_seconds;

use super::carts::{FLASH_UNITS, Workload};
use super::report::Report;
use super::{Args, noop, plain};
use crate::child::submit::Submits;
use crate::child::{Client, Engine, Home, Keys, Metrics, Progress, Server, Stop, audit, look_up, stock, with_bar};

/// Longest part that stays out of the figures at the start: pages, buffers and the allocator are warm by then.
const WARM_UP_SECONDS_MAX: f64 = 2.0;
/// Share of the closed loop's rate at which the open loop measures.
const OPEN_LOOP_SHARE: f64 = 0.7;
/// Longest open loop in seconds.
pub(super) const OPEN_LOOP_SECONDS_MAX: f64 = 10.0;
/// The tenant and the names of its SKUs.
pub(super) const NAME: &str = "bench";

/// The part before the measured one.
pub(super) fn warm_up(seconds: f64) -> Duration {
    Duration::from_secs_f64((seconds / 5.0).min(WARM_UP_SECONDS_MAX))
}

/// The ceiling by itself.
pub(super) fn noop(args: &Args, progress: Progress, stop: &Stop) -> anyhow::Result<Report> {
    let cpu = own_cpu_seconds()?;
    let ceiling = noop::measure(Workload::HotSku, args.connections, args.seconds, progress, stop)?;
    let mut report = Report::new("noop", "none", args.connections);
    fill(&mut report, &ceiling.result);
    let elapsed = elapsed_seconds(&ceiling.result);
    report.noop_per_second = Some(ceiling.result.accepted_per_second);
    report.cpu_server = Some(ceiling.cpu_server_seconds / elapsed);
    report.cpu_load = Some((own_cpu_seconds()? - cpu) / elapsed);
    Ok(report)
}

/// The baseline by itself.
pub(super) fn plain(args: &Args, progress: Progress) -> anyhow::Result<Report> {
    let mut store = args.store.clone();
    store.store = Engine::Postgres;
    let home = Home::measured(&store, progress)?;
    let mut report = Report::new("plain-postgres", "postgres", args.connections);
    report.filesystem = Some(home.filesystem()?);
    report.fdatasync_p50_ms = fdatasync_p50_ms(&home)?;
    let cpu = own_cpu_seconds()?;
    let url = home.url().expect("a home of PostgreSQL has a URL").to_owned();
    let result = plain::measure(&url, args.connections, args.seconds, progress)?;
    let elapsed = result.measured_seconds + warm_up(args.seconds).as_secs_f64();
    report.seconds = result.measured_seconds;
    report.durability = Some(result.durability);
    report.orders_per_second = Some(result.orders_per_second);
    report.attempts_per_second = result.orders_per_second;
    report.plain_per_second = Some(result.orders_per_second);
    (report.p50_ms, report.p95_ms, report.p99_ms) =
        (result.latency.p50_ms, result.latency.p95_ms, result.latency.p99_ms);
    report.errors = result.errors.values().sum();
    report.errors_by_kind = result.errors;
    report.cpu_load = Some((own_cpu_seconds()? - cpu) / elapsed);
    report.cpu_server = home.postgres().map(PrivatePostgres::cpu_seconds).transpose()?.map(|cpu| cpu / elapsed);
    home.close()?;
    Ok(report)
}

/// A workload on a server of our own.
pub(super) fn own_server(args: &Args, workload: Workload, progress: Progress, stop: &Stop) -> anyhow::Result<Report> {
    let home = Home::measured(&args.store, progress)?;
    let mut report = Report::new(args.scenario.name(), home.engine().name(), args.connections);
    report.filesystem = Some(home.filesystem()?);
    report.fdatasync_p50_ms = fdatasync_p50_ms(&home)?;
    // Half of the ceiling before the load and half after it: a shared machine changes its speed meanwhile.
    let half_of_noop = || noop::beside(workload, args.connections, args.seconds / 2.0, progress, stop);
    let noop_before = half_of_noop()?;
    let plain = plain::beside(&home, args.connections, args.seconds, progress)?;
    let keys = Keys::create(&home, NAME)?;
    let server = Server::start(&home)?;
    let mut admin = Client::new(server.address, &keys.admin)?;
    workload.shop(NAME).write(&mut admin, "opening")?;

    let load = Loading { args, workload, secret: &keys.shop, address: server.address, progress, stop };
    let metrics = Metrics::read(&mut admin)?;
    report.rss_mb_before = Some(mebibytes(server.rss_bytes()?));
    let cpu = (server_cpu_seconds(&server, &home)?, own_cpu_seconds()?);
    let result = load.run(args.rate, args.seconds, args.scenario.name())?;
    let elapsed = elapsed_seconds(&result);
    report.cpu_server = Some((server_cpu_seconds(&server, &home)? - cpu.0) / elapsed);
    report.cpu_load = Some((own_cpu_seconds()? - cpu.1) / elapsed);
    report.rss_mb = Some(mebibytes(server.rss_bytes()?));
    add_flushes(&mut report, Metrics::read(&mut admin)?.since(metrics));
    fill(&mut report, &result);
    report.rate = args.rate;
    report.orders_per_second = Some(result.accepted_per_second);
    report.plain_per_second = plain;
    report.ratio_to_plain = plain.map(|plain| result.accepted_per_second / plain);
    let mut acknowledged = vec![result.acknowledged];
    if let Some(rate) = load.open_loop_rate(result.accepted_per_second) {
        let open = load.run(Some(rate), args.seconds.min(OPEN_LOOP_SECONDS_MAX), "at 70 % of the rate")?;
        report.p99_ms_at_70_percent = Some(open.all().p99_ms);
        add_errors(&mut report, &open);
        acknowledged.push(open.acknowledged);
    }
    server.kill()?;
    let noop = f64::midpoint(noop_before, half_of_noop()?);
    report.noop_per_second = Some(noop);
    report.ratio_to_noop = Some(result.accepted_per_second / noop);
    let proof = Proof { home: &home, keys: &keys, workload, progress, stop };
    proof.judge(&mut report, acknowledged.iter().flat_map(AcknowledgedKeys::iter))?;
    home.close()?;
    Ok(report)
}

/// What is judged after the load.
pub(super) struct Proof<'a> {
    pub(super) home: &'a Home,
    pub(super) keys: &'a Keys,
    pub(super) workload: Workload,
    pub(super) progress: Progress,
    pub(super) stop: &'a Stop,
}

impl Proof<'_> {
    /// Reopens the store after the kill and proves what the report says of it.
    /// `answers`: the numbers of each acknowledged submit, separated by commas.
    pub(super) fn judge<'k>(&self, report: &mut Report, answers: impl Iterator<Item = &'k str>) -> anyhow::Result<()> {
        let Self { home, keys, workload, progress, stop } = *self;
        let server = Server::start(home)?;
        let lookup = look_up(server.address, &keys.shop, answers, progress, stop)?;
        report.acknowledged = Some(lookup.acknowledged);
        report.stored = Some(lookup.stored);
        report.lost = Some(lookup.lost);
        report.add_error("one number for two submits", lookup.twice);
        let shop = workload.shop(NAME);
        let skus: Vec<&str> = shop.skus.iter().map(|sku| sku.code.as_str()).collect();
        let rows = stock(&mut Client::new(server.address, &keys.shop)?, &skus)?;
        let beyond: i64 = rows.iter().map(|row| (-row.available).max(0)).sum();
        server.terminate()?;
        progress.say("audit");
        let audit = audit(home)?;
        audit.evidence.iter().for_each(|line| progress.say(line));
        lookup.named.iter().for_each(|number| progress.say(&format!("lost: {number}")));
        report.audit_ok = Some(audit.clean);
        report.oversold = Some(audit.oversold + beyond.unsigned_abs());
        report.durability = Some(home.durability()?);
        if workload == Workload::FlashSale && lookup.acknowledged != FLASH_UNITS.unsigned_abs() {
            progress.say(&format!("of {FLASH_UNITS} units {} were sold: too few attempts", lookup.acknowledged));
        }
        Ok(())
    }
}

/// How a workload is sent.
pub(super) struct Loading<'a> {
    pub(super) args: &'a Args,
    pub(super) workload: Workload,
    pub(super) secret: &'a str,
    pub(super) address: SocketAddr,
    pub(super) progress: Progress,
    pub(super) stop: &'a Stop,
}

impl Loading<'_> {
    /// Closed loop, or open at a rate.
    pub(super) fn run(&self, rate: Option<f64>, seconds: f64, label: &str) -> anyhow::Result<RunResult> {
        self.run_as(NAME, rate, seconds, label)
    }

    /// The same with SKUs of another name.
    pub(super) fn run_as(&self, name: &str, rate: Option<f64>, seconds: f64, label: &str) -> anyhow::Result<RunResult> {
        let mut plan = Plan::new(self.address, Duration::from_secs_f64(seconds));
        // A flash sale is over in the first second: that second is the measurement.
        plan.warm_up = if self.workload == Workload::FlashSale { Duration::ZERO } else { warm_up(seconds) };
        plan.control = self.stop.control();
        if let Some(requests_per_second) = rate {
            plan.load = Load::Open { requests_per_second };
        }
        let carts = self.workload.carts(name, self.args.connections);
        let scripts = carts.into_iter().map(|carts| Submits::new(self.secret, carts)).collect();
        let result = with_bar(self.progress, label, &plan, scripts)?;
        self.stop.check()?;
        anyhow::ensure!(!result.keys_full, "more orders were acknowledged than fit into memory: use fewer --seconds");
        Ok(result)
    }

    /// The rate of the open loop that follows a closed one.
    pub(super) fn open_loop_rate(&self, accepted_per_second: f64) -> Option<f64> {
        let rate = accepted_per_second * OPEN_LOOP_SHARE;
        (self.args.rate.is_none() && self.workload != Workload::FlashSale && rate >= 1.0).then_some(rate)
    }
}

/// What every run reports of its load.
pub(super) fn fill(report: &mut Report, result: &RunResult) {
    let latency = result.all();
    (report.p50_ms, report.p95_ms, report.p99_ms) = (latency.p50_ms, latency.p95_ms, latency.p99_ms);
    report.seconds = result.measured_seconds;
    report.attempts_per_second = result.requests_per_second;
    report.refused = result.counts.refused;
    report.busy = result.counts.busy;
    report.busy_p99_ms = (report.busy > 0).then(|| result.busy().p99_ms);
    report.not_started = result.not_started;
    add_errors(report, result);
}

/// Adds errors, and replays where nothing was repeated.
pub(super) fn add_errors(report: &mut Report, result: &RunResult) {
    let kinds = result.errors.iter().map(|(kind, count)| (*kind, *count));
    for (kind, count) in kinds.chain([("replayed", result.counts.replayed)]) {
        report.add_error(kind, count);
    }
}

/// Adds the transactions of the committers during the load.
pub(super) fn add_flushes(report: &mut Report, flushed: Metrics) {
    report.flushes = Some(flushed.flushes);
    report.avg_batch = Some(flushed.batch_mean());
}

/// From the start of the warm-up to the last answer.
pub(super) fn elapsed_seconds(result: &RunResult) -> f64 {
    (result.ended - result.started).max(Duration::from_millis(1)).as_secs_f64()
}

pub(super) fn server_cpu_seconds(server: &Server, home: &Home) -> anyhow::Result<f64> {
    let database = home.postgres().map(PrivatePostgres::cpu_seconds).transpose()?;
    Ok(server.cpu_seconds()? + database.unwrap_or_default())
}

pub(super) fn fdatasync_p50_ms(home: &Home) -> anyhow::Result<Option<f64>> {
    Ok(match home.disk() {
        Some(directory) => Some(fdatasync(&directory)?.p50_ms),
        None => None,
    })
}

pub(super) fn mebibytes(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52 bytes")]
    let bytes = bytes as f64;
    bytes / (1024.0 * 1024.0)
}
