//! The ceiling: the same listener, body and answer as placing, but nothing in between. A child process like the server
//! that it is compared with.

use std::time::Duration;

use holdline_load::generator::{Plan, RunResult};

use super::carts::Workload;
use super::run::warm_up;
use crate::child::submit::Submits;
use crate::child::{Progress, Server, Stop, with_bar};

/// Longest measurement of the ceiling on one side of a scenario: it is steady from the first second.
const BESIDE_SECONDS_MAX: f64 = 3.0;

/// What the no-op reached.
pub(super) struct Ceiling {
    pub(super) result: RunResult,
    pub(super) cpu_server_seconds: f64,
}

/// Measures the ceiling under a workload's bodies.
pub(super) fn measure(
    workload: Workload,
    connections: usize,
    seconds: f64,
    progress: Progress,
    stop: &Stop,
) -> anyhow::Result<Ceiling> {
    let server = Server::start_noop()?;
    let mut plan = Plan::new(server.address, Duration::from_secs_f64(seconds));
    plan.warm_up = warm_up(seconds);
    plan.control = stop.control();
    // Every answer has the same number: none is worth keeping.
    let scripts = workload.carts("noop", connections).into_iter().map(|carts| Submits::new("none", carts)).collect();
    plan.keys_bytes_max = usize::MAX;
    let before = server.cpu_seconds()?;
    let result = with_bar(progress, "no-op", &plan, scripts)?;
    stop.check()?;
    let cpu_server_seconds = server.cpu_seconds()? - before;
    server.kill()?;
    Ok(Ceiling { result, cpu_server_seconds })
}

/// Measures the ceiling beside a scenario: answers 201 per second.
pub(super) fn beside(
    workload: Workload,
    connections: usize,
    seconds: f64,
    progress: Progress,
    stop: &Stop,
) -> anyhow::Result<f64> {
    let ceiling = measure(workload, connections, seconds.min(BESIDE_SECONDS_MAX), progress, stop)?;
    anyhow::ensure!(ceiling.result.errors_total() == 0, "the no-op had errors: {:?}", ceiling.result.errors);
    Ok(ceiling.result.accepted_per_second)
}
