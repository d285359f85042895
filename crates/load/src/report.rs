//! Latency summaries as reports print them: milliseconds, from HDR histograms in microseconds with three digits.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Percentiles of one set of latencies, in milliseconds. All zero when `count` is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencySummary {
    /// Number of values.
    pub count: u64,
    /// Mean.
    pub mean_ms: f64,
    /// Half of the values are at most this.
    pub p50_ms: f64,
    /// 95 of 100 values are at most this.
    pub p95_ms: f64,
    /// 99 of 100 values are at most this.
    pub p99_ms: f64,
    /// The largest value.
    pub max_ms: f64,
}

impl LatencySummary {
    /// Summarizes a histogram of microseconds.
    pub fn from_microseconds(histogram: &Histogram<u64>) -> Self {
        if histogram.is_empty() {
            return Self::default();
        }
        let percentile = |quantile| milliseconds(histogram.value_at_quantile(quantile));
        Self {
            count: histogram.len(),
            mean_ms: histogram.mean() / 1000.0,
            p50_ms: percentile(0.50),
            p95_ms: percentile(0.95),
            p99_ms: percentile(0.99),
            max_ms: milliseconds(histogram.max()),
        }
    }
}

/// Latencies of what is not one request, as they come in.
#[derive(Clone, Debug)]
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        Self(Histogram::new(3).expect("3 digits are a valid precision"))
    }
}

impl Latencies {
    /// Adds one.
    pub fn add(&mut self, latency: Duration) {
        let microseconds = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.0.record(microseconds).expect("a histogram that grows takes every value");
    }

    /// What they come to.
    pub fn summary(&self) -> LatencySummary {
        LatencySummary::from_microseconds(&self.0)
    }
}

fn milliseconds(microseconds: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a latency is far below 2^52 µs")]
    let microseconds = microseconds as f64;
    microseconds / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_in_milliseconds() {
        let mut histogram = Histogram::new(3).expect("3 digits");
        for microseconds in 1..=1000 {
            histogram.record(microseconds).expect("in range");
        }
        let summary = LatencySummary::from_microseconds(&histogram);
        assert_eq!((summary.count, summary.p50_ms, summary.p99_ms, summary.max_ms), (1000, 0.5, 0.99, 1.0));
    }

    #[test]
    fn latencies_are_summed_up() {
        let mut latencies = Latencies::default();
        latencies.add(Duration::from_millis(1));
        latencies.add(Duration::from_hours(1));
        let summary = latencies.summary();
        assert_eq!((summary.count, summary.p50_ms), (2, 1.0));
        assert!(summary.max_ms >= 3_600_000.0, "{summary:?}");
    }

    #[test]
    fn an_empty_histogram_has_no_figures() {
        let empty = Histogram::new(3).expect("3 digits");
        assert_eq!(LatencySummary::from_microseconds(&empty), LatencySummary::default());
    }
}
