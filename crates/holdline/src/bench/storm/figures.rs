//! What only expiry-storm measures.

use holdline_load::report::LatencySummary;
use serde::Serialize;

/// Longest time until nothing of overdue orders is held any more, in seconds.
pub(super) const RELEASE_SECONDS_MAX: f64 = 30.0;
/// How many times its p99 placing may take while orders expire.
const STORM_P99_RATIO_MAX: f64 = 2.0;

/// Its figures; `p50_ms`, `p95_ms` and `p99_ms` are then of placing while the storm lasted.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(in crate::bench) struct StormFigures {
    /// Orders that became due.
    pub(in crate::bench) due: Option<u64>,
    /// No two of them were due further apart.
    pub(in crate::bench) due_within_seconds: Option<f64>,
    /// Answers to reads of these orders, before and while they became due.
    pub(in crate::bench) reads: Option<u64>,
    /// Of these, not shown as waiting before their deadline, or not as expired from then on.
    pub(in crate::bench) reads_wrong: Option<u64>,
    /// From the beginning of the second in which they were due until none of their units was held.
    pub(in crate::bench) release_seconds: Option<f64>,
    /// Of placing at the same rate, beside the same reads, before the storm.
    pub(in crate::bench) p50_ms_before: Option<f64>,
    pub(in crate::bench) p95_ms_before: Option<f64>,
    pub(in crate::bench) p99_ms_before: Option<f64>,
    /// `p99_ms` / `p99_ms_before`.
    pub(in crate::bench) placing_p99_ratio: Option<f64>,
}

impl StormFigures {
    /// Notes what placing took before the storm, and how many times as long its p99 was meanwhile.
    pub(in crate::bench) fn compare(&mut self, before: &LatencySummary, p99_ms: f64) {
        self.p50_ms_before = Some(before.p50_ms);
        self.p95_ms_before = Some(before.p95_ms);
        self.p99_ms_before = Some(before.p99_ms);
        self.placing_p99_ratio = (before.p99_ms > 0.0).then(|| p99_ms / before.p99_ms);
    }

    /// The speed gates, with whether the run met them.
    pub(in crate::bench) fn gates(&self) -> Vec<(String, bool)> {
        let mut gates = Vec::new();
        if let Some(seconds) = self.release_seconds {
            gates.push((format!("all released within {RELEASE_SECONDS_MAX} s"), seconds <= RELEASE_SECONDS_MAX));
        }
        if let Some(ratio) = self.placing_p99_ratio {
            gates.push((format!("p99 ≤ {STORM_P99_RATIO_MAX} × before"), ratio <= STORM_P99_RATIO_MAX));
        }
        gates
    }

    /// The rows for people.
    pub(in crate::bench) fn rows(&self, row: &mut impl FnMut(&str, String)) {
        if let (Some(due), Some(within)) = (self.due, self.due_within_seconds) {
            row("orders due", format!("{due} within {within:.2} s"));
        }
        if let (Some(reads), Some(wrong)) = (self.reads, self.reads_wrong) {
            row("reads of them", format!("{reads}, wrong {wrong}"));
        }
        if let Some(seconds) = self.release_seconds {
            row("all released after", format!("{seconds:.1} s"));
        }
        if let (Some(p50), Some(p95), Some(p99)) = (self.p50_ms_before, self.p95_ms_before, self.p99_ms_before) {
            row("placing before", format!("p50 {p50:.2}, p95 {p95:.2}, p99 {p99:.2} ms"));
        }
        if let Some(ratio) = self.placing_p99_ratio {
            row("p99 against before", format!("{ratio:.2}"));
        }
    }
}
