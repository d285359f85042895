//! A run against a server that is not ours: measured and looked up, never killed, and left with the SKUs it was given.

use std::net::{SocketAddr, ToSocketAddrs as _};

use anyhow::Context as _;
use holdline_load::generator::AcknowledgedKeys;
use uuid::Uuid;

use super::carts::Workload;
use super::report::Report;
use super::run::{Loading, OPEN_LOOP_SECONDS_MAX, add_errors, add_flushes, fill};
use super::{Args, noop};
use crate::child::{Client, Metrics, Progress, Stop, look_up};
use crate::provision::DEMO_KEY;

/// Measures a workload on a running server.
pub(super) fn measure(
    args: &Args,
    workload: Workload,
    target: &str,
    progress: Progress,
    stop: &Stop,
) -> anyhow::Result<Report> {
    let address = address_of(target)?;
    let secret = args.key.as_deref().unwrap_or(DEMO_KEY);
    // A name of its own for each run, so that quotas and stock of an earlier one do not count.
    let name = format!("bench-{}", &Uuid::now_v7().simple().to_string()[..12]);
    let mut admin = Client::new(address, secret)?;
    workload.shop(&name).write(&mut admin, "opening")?;
    let mut report = Report::new(args.scenario.name(), "target", args.connections);
    let noop = noop::beside(workload, args.connections, args.seconds, progress, stop)?;
    let load = Loading { args, workload, secret, address, progress, stop };
    let metrics = Metrics::read(&mut admin)?;
    let result = load.run_as(&name, args.rate, args.seconds, args.scenario.name())?;
    add_flushes(&mut report, Metrics::read(&mut admin)?.since(metrics));
    fill(&mut report, &result);
    report.rate = args.rate;
    report.orders_per_second = Some(result.accepted_per_second);
    report.noop_per_second = Some(noop);
    report.ratio_to_noop = Some(result.accepted_per_second / noop);
    let mut acknowledged = vec![result.acknowledged];
    if let Some(rate) = load.open_loop_rate(result.accepted_per_second) {
        let seconds = args.seconds.min(OPEN_LOOP_SECONDS_MAX);
        let open = load.run_as(&name, Some(rate), seconds, "at 70 % of the rate")?;
        report.p99_ms_at_70_percent = Some(open.all().p99_ms);
        add_errors(&mut report, &open);
        acknowledged.push(open.acknowledged);
    }
    let lookup = look_up(address, secret, acknowledged.iter().flat_map(AcknowledgedKeys::iter), progress, stop)?;
    report.acknowledged = Some(lookup.acknowledged);
    report.stored = Some(lookup.stored);
    report.lost = Some(lookup.lost);
    report.add_error("one number for two submits", lookup.twice);
    Ok(report)
}

/// The address in a URL such as `http://127.0.0.1:7070`.
fn address_of(url: &str) -> anyhow::Result<SocketAddr> {
    let host = url.strip_prefix("http://").context("--target must start with http://")?;
    let host = host.split('/').next().unwrap_or_default();
    let addresses = host.to_socket_addrs().with_context(|| format!("--target names no host and port: {url}"))?;
    addresses.into_iter().next().with_context(|| format!("--target {url} has no address"))
}
