//! The baseline: what the plain design reaches on the same kind of server. See `holdline_load::plain_postgres`.

use std::time::Duration;

use holdline_load::plain_postgres::{PlainPlan, PlainResult, run};

use super::run::warm_up;
use crate::child::{Home, Progress};

/// Longest measurement of the baseline beside a scenario.
const BESIDE_SECONDS_MAX: f64 = 5.0;

/// Measures the baseline in an empty database.
pub(super) fn measure(url: &str, connections: usize, seconds: f64, progress: Progress) -> anyhow::Result<PlainResult> {
    progress.say("plain-postgres: one transaction per order");
    let plan = PlainPlan {
        url: url.to_owned(),
        connections,
        warm_up: warm_up(seconds),
        duration: Duration::from_secs_f64(seconds),
    };
    let result = run(&plan)?;
    anyhow::ensure!(result.consistent, "the baseline's own sums do not agree");
    Ok(result)
}

/// Measures the baseline beside a scenario, in a database of its own on the private server, when there is one.
pub(super) fn beside(home: &Home, connections: usize, seconds: f64, progress: Progress) -> anyhow::Result<Option<f64>> {
    let Some(postgres) = home.postgres() else { return Ok(None) };
    postgres.create_database("plain")?;
    let result = measure(&postgres.url("plain"), connections, seconds.min(BESIDE_SECONDS_MAX), progress)?;
    Ok(Some(result.orders_per_second))
}
