//! The figures of `/metrics`: recorded in memory, rendered when asked for.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

/// Upper bounds of durations in seconds: fine around the milliseconds in which a submit is answered.
const SECONDS: [f64; 18] =
    [0.000_5, 0.001, 0.002, 0.003, 0.005, 0.007_5, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];
/// Upper bounds of batch sizes.
const SIZES: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];
/// Samples wait in memory until they are put into their buckets: 20,000 orders/s have some 10^5 of them by then.
const UPKEEP_EVERY: Duration = Duration::from_secs(1);

/// Records from now on; the closure renders.
pub(super) fn record() -> anyhow::Result<Arc<dyn Fn() -> String + Send + Sync>> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), &SIZES))
        .context("the buckets of histograms")?
        .install_recorder()
        .context("cannot record figures")?;
    let upkeep = recorder.clone();
    // Ends with the runtime.
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(UPKEEP_EVERY);
        loop {
            ticks.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(Arc::new(move || recorder.render()))
}
