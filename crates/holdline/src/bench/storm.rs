//! expiry-storm: very many orders that become due in one second, while others are placed and read.
//!
//! Everything goes through the API, on either engine. A deadline counts from the instant at which an order was placed, in whole
//! seconds, and a tenant may set it by channel: so the n-th channel has n seconds less, the orders of the n-th second go
//! through the n-th channel, and all are due in one second. In order:
//!
//! 1. a closed loop tells the rate of placing;
//! 2. the orders are placed, each second's first 0.8 s, so that the answers of one second do not reach into the next;
//! 3. placing at half of that rate, as orders come and not as answers do, and reads of the waiting orders beside it: the p99 *before*.
//!    It lasts as long as the storm may: the disk stops for some 50 ms every few seconds, when the system writes back what lies in
//!    its cache, so that in a short part one percent of the orders meets such an instant or does not, by chance;
//! 4. the same while they become due: the p99 *meanwhile*, until the SKU of the due orders has no unit held any more;
//! 5. SIGKILL, a lookup of every acknowledged order, the audit.
//!
//! A read is wrong when it was asked at or after the order's deadline and the order was not shown as expired, or answered before
//! and it was not shown as waiting. Both clocks are this machine's.

mod due;
mod figures;
mod reader;

use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use holdline_load::generator::{AcknowledgedKeys, Control, Load, Plan, RunResult};
use holdline_load::process::own_cpu_seconds;

use figures::RELEASE_SECONDS_MAX;
pub(super) use figures::StormFigures;

use super::Args;
use super::carts::Workload;
use super::report::Report;
use super::run::{
    Loading, NAME, Proof, add_errors, add_flushes, elapsed_seconds, fdatasync_p50_ms, fill, mebibytes,
    server_cpu_seconds, warm_up,
};
use crate::child::submit::Submits;
use crate::child::{Client, Home, Keys, Metrics, Progress, Server, Stop, stock};
use due::{Due, now_ms};
use reader::{Reader, add_reads};

/// Orders that become due, unless told otherwise.
const ORDERS: u64 = 100_000;
/// Share of the closed loop's rate at which orders are placed beside the storm.
const PLACING_SHARE: f64 = 0.5;
/// Connections that they are placed through, at least: fewer than the server lets in at once of one tenant (384), so that what comes
/// while everything stands still waits and counts, instead of being refused.
const PLACING_CONNECTIONS: usize = 360;
/// Reads of due orders per second, and the connections that they come through.
const READS_PER_SECOND: f64 = 200.0;
const READ_CONNECTIONS: usize = 8;
/// From the end of the part before the storm to the storm: answers that are late have time to come.
const PAUSE: Duration = Duration::from_secs(4);
/// Longest storm: four times its aim.
const STORM_MAX: Duration = Duration::from_mins(2);
/// How often the stock is looked at while the storm lasts.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Measures on a server of our own.
pub(super) fn measure(args: &Args, progress: Progress, stop: &Stop) -> anyhow::Result<Report> {
    let orders = args.orders.first().copied().unwrap_or(ORDERS);
    let home = Home::measured(&args.store, progress)?;
    let mut report = Report::new(args.scenario.name(), home.engine().name(), args.connections);
    report.filesystem = Some(home.filesystem()?);
    report.fdatasync_p50_ms = fdatasync_p50_ms(&home)?;
    let keys = Keys::create(&home, NAME)?;
    let server = Server::start(&home)?;
    let mut admin = Client::new(server.address, &keys.admin)?;
    for name in [NAME, due::NAME] {
        Workload::HotSku.shop(name).write(&mut admin, "opening")?;
    }
    let load =
        Loading { args, workload: Workload::HotSku, secret: &keys.shop, address: server.address, progress, stop };
    let closed = load.run(None, args.seconds, "placing, closed loop")?;
    add_errors(&mut report, &closed);
    report.orders_per_second = Some(closed.accepted_per_second);
    let rate = args.rate.unwrap_or((closed.accepted_per_second * PLACING_SHARE).max(1.0));
    report.rate = Some(rate);
    let mut acknowledged = vec![closed.acknowledged];

    let storm = Storm { load: &load, rate };
    let plan = storm.plan(warm_up(args.seconds), lasts_before(args.seconds, orders));
    let left = plan.warm_up + plan.duration + PAUSE;
    let due = Due::place(&load, orders, closed.accepted_per_second, left, &mut admin)?;
    for placed in &due.placed {
        add_errors(&mut report, placed);
    }
    report.storm.due = Some(due.numbers.len() as u64);
    report.storm.due_within_seconds = Some(due.within.as_secs_f64());

    due.until(left, stop)?;
    progress.say(&format!("placing {rate:.0}/s before the storm"));
    let before = storm.beside(&plan, &due, 0, || Ok(false))?;

    due.until(PAUSE / 4, stop)?;
    progress.say(&format!("storm of {} orders, placing {rate:.0}/s beside it", due.numbers.len()));
    let flushed = Metrics::read(&mut admin)?;
    report.rss_mb_before = Some(mebibytes(server.rss_bytes()?));
    let cpu = (server_cpu_seconds(&server, &home)?, own_cpu_seconds()?);
    let plan = storm.plan(Duration::from_millis(due.left_ms()), STORM_MAX);
    let mut released = None;
    let meanwhile = storm.beside(&plan, &due, 1, || {
        // Placing ends a moment after it is told to, the later the lower its rate: what counts is the first look.
        if released.is_none() {
            released = released_after_ms(&mut admin, &due)?;
        }
        Ok(released.is_some())
    })?;
    let elapsed = elapsed_seconds(&meanwhile.placing);
    report.cpu_server = Some((server_cpu_seconds(&server, &home)? - cpu.0) / elapsed);
    report.cpu_load = Some((own_cpu_seconds()? - cpu.1) / elapsed);
    report.rss_mb = Some(mebibytes(server.rss_bytes()?));
    add_flushes(&mut report, Metrics::read(&mut admin)?.since(flushed));
    fill(&mut report, &meanwhile.placing);
    add_errors(&mut report, &before.placing);
    add_reads(&mut report, &[&before.reading, &meanwhile.reading]);
    report.storm.release_seconds = released.map(|ms| Duration::from_millis(ms).as_secs_f64());
    report.storm.compare(&before.placing.all(), report.p99_ms);
    server.kill()?;

    acknowledged.extend(due.placed.into_iter().map(|placed| placed.acknowledged));
    acknowledged.extend([before.placing.acknowledged, meanwhile.placing.acknowledged]);
    let proof = Proof { home: &home, keys: &keys, workload: Workload::HotSku, progress, stop };
    proof.judge(&mut report, acknowledged.iter().flat_map(AcknowledgedKeys::iter))?;
    home.close()?;
    Ok(report)
}

/// How long placing is measured before the storm: as long as a storm of so many orders may last, or longer.
fn lasts_before(seconds: f64, orders: u64) -> Duration {
    #[expect(clippy::cast_precision_loss, reason = "a bench places far fewer than 2^52 orders")]
    let storm = RELEASE_SECONDS_MAX * orders as f64 / ORDERS as f64;
    Duration::from_secs_f64(seconds.max(storm))
}

/// How long after the deadline nothing of the due orders is held any more; `None`: some still is.
fn released_after_ms(admin: &mut Client, due: &Due) -> anyhow::Result<Option<u64>> {
    let held = stock(admin, &[&Workload::HotSku.shop(due::NAME).skus[0].code])?[0].held;
    Ok((held == 0 && now_ms() >= due.at_ms + 1_000).then(|| now_ms() - due.at_ms))
}

/// The load around the storm.
struct Storm<'a> {
    load: &'a Loading<'a>,
    /// Orders placed per second beside it.
    rate: f64,
}

/// What placing and reading saw at one time.
struct Beside {
    placing: RunResult,
    reading: RunResult,
}

impl Storm<'_> {
    /// Placing at the rate.
    fn plan(&self, warm_up: Duration, duration: Duration) -> Plan {
        let mut plan = Plan::new(self.load.address, duration);
        plan.load = Load::Open { requests_per_second: self.rate };
        plan.warm_up = warm_up;
        plan
    }

    /// Places by the plan, reads due orders beside it, and looks every now and then whether it is `over`. `turn` keeps the
    /// buyers and the choice of orders apart from those of another turn.
    fn beside(
        &self,
        plan: &Plan,
        due: &Due,
        turn: u64,
        mut over: impl FnMut() -> anyhow::Result<bool>,
    ) -> anyhow::Result<Beside> {
        let Loading { args, secret, address, stop, .. } = *self.load;
        let connections = args.connections.max(PLACING_CONNECTIONS);
        let carts = Workload::HotSku.carts_from(NAME, (turn + 1) * connections as u64, connections);
        let submits: Vec<_> = carts.into_iter().map(|carts| Submits::new(secret, carts)).collect();
        let mut reads = Plan::new(address, plan.warm_up + plan.duration);
        reads.load = Load::Open { requests_per_second: READS_PER_SECOND };
        let readers =
            (0..READ_CONNECTIONS as u64).map(|reader| Reader::new(secret, due, (turn << 32) | reader)).collect();
        let controls: [Control; 2] = [plan.control.clone(), reads.control.clone()];
        thread::scope(|scope| {
            let reading = scope.spawn(|| holdline_load::generator::run(&reads, readers));
            let placing = scope.spawn(|| holdline_load::generator::run(plan, submits));
            let mut watched = Ok(());
            while !placing.is_finished() {
                stop.pause(LOOK_EVERY);
                watched = stop.check().and_then(|()| over()).map(|over| {
                    if over {
                        controls.iter().for_each(Control::stop);
                    }
                });
                if watched.is_err() {
                    controls.iter().for_each(Control::stop);
                    break;
                }
            }
            let beside = Beside { placing: joined(placing)?, reading: joined(reading)? };
            watched.map(|()| beside)
        })
    }
}

fn joined<T, E>(thread: ScopedJoinHandle<'_, Result<T, E>>) -> Result<T, E> {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
