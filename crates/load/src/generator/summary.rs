//! The figures of a finished run.

use std::collections::BTreeMap;
use std::time::Instant;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::recorder::Recorder;
use super::{AcknowledgedKeys, Plan};
use crate::report::LatencySummary;

/// Answers by outcome whose intended start lies in the measured part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OutcomeCounts {
    /// Accepted.
    pub accepted: u64,
    /// Repeated answers.
    pub replayed: u64,
    /// Refused for a business reason.
    pub refused: u64,
    /// Turned away for lack of room.
    pub busy: u64,
    /// Answers that the script judged wrong. Requests without an answer are not here but in [`RunResult::errors`].
    pub error: u64,
}

/// Answers that arrived within one second of the measured part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SecondCount {
    /// All answers.
    pub completed: u64,
    /// Accepted ones.
    pub accepted: u64,
}

/// What a run has seen. Counts and latencies hold the requests whose intended start lies in the measured part, also
/// those answered in the drain; rates hold the answers that arrived within the measured part.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// When the first request could start (the warm-up's first).
    pub started: Instant,
    /// When the measured part began.
    pub measured_from: Instant,
    /// When the last worker was done.
    pub ended: Instant,
    /// Length of the measured part in seconds; shorter than planned when the run ended before its deadline.
    pub measured_seconds: f64,
    /// Answers by outcome.
    pub counts: OutcomeCounts,
    /// Answers by status code.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests without an answer, failed attempts to connect and answers judged wrong, by kind.
    pub errors: BTreeMap<&'static str, u64>,
    /// Answers per second of the measured part; the last entry may be a part of a second.
    pub seconds: Vec<SecondCount>,
    /// Answers of all kinds per second.
    pub requests_per_second: f64,
    /// Accepted answers per second.
    pub accepted_per_second: f64,
    /// Requests sent and not waited for.
    pub hung_up: u64,
    /// Open loop: arrivals that started [`super::LATE_AFTER_MS`] or more after their time. Their latency counts in full.
    pub late: u64,
    /// Open loop: arrivals that never started, because every connection was busy until the end or had given up.
    pub not_started: u64,
    /// Open loop: from intended start to actual start.
    pub start_delay: LatencySummary,
    /// Connections made anew after the start.
    pub reconnects: u64,
    /// Connections that found no server any more.
    pub gave_up: u64,
    /// Every acknowledged key, the warm-up's and the drain's included.
    pub acknowledged: AcknowledgedKeys,
    /// Whether the run stopped early because no more keys fit.
    pub keys_full: bool,
    latency_us: [Histogram<u64>; super::recorder::OUTCOMES],
}

impl RunResult {
    /// Latency of accepted requests.
    pub fn accepted(&self) -> LatencySummary {
        LatencySummary::from_microseconds(&self.latency_us[0])
    }

    /// Latency of repeated answers.
    pub fn replayed(&self) -> LatencySummary {
        LatencySummary::from_microseconds(&self.latency_us[1])
    }

    /// Latency of refusals.
    pub fn refused(&self) -> LatencySummary {
        LatencySummary::from_microseconds(&self.latency_us[2])
    }

    /// Latency of answers that said busy.
    pub fn busy(&self) -> LatencySummary {
        LatencySummary::from_microseconds(&self.latency_us[3])
    }

    /// Latency of all answers together, wrong ones included.
    pub fn all(&self) -> LatencySummary {
        let [first, others @ ..] = &self.latency_us;
        let mut all = first.clone();
        for other in others {
            all.add(other).expect("both have the same bounds");
        }
        LatencySummary::from_microseconds(&all)
    }

    /// Errors of all kinds.
    pub fn errors_total(&self) -> u64 {
        self.errors.values().sum()
    }
}

pub(super) fn summarize(plan: &Plan, started: Instant, ended: Instant, recorders: Vec<Recorder>) -> RunResult {
    let mut recorders = recorders.into_iter();
    let mut total = recorders.next().unwrap_or_default();
    for recorder in recorders {
        total.merge(&recorder);
    }
    let measured_from = started + plan.warm_up;
    let measured_seconds =
        ended.min(measured_from + plan.duration).saturating_duration_since(measured_from).as_secs_f64();
    let (completed, accepted) = total.seconds.iter().fold((0, 0), |sum, second| (sum.0 + second.0, sum.1 + second.1));
    let [accepted_count, replayed, refused, busy, error] = std::array::from_fn(|index| total.latency_us[index].len());
    RunResult {
        started,
        measured_from,
        ended,
        measured_seconds,
        counts: OutcomeCounts { accepted: accepted_count, replayed, refused, busy, error },
        statuses: (0..).zip(&total.statuses).filter(|(_, count)| **count > 0).map(|(s, count)| (s, *count)).collect(),
        errors: total.errors,
        seconds: total
            .seconds
            .iter()
            .map(|(completed, accepted)| SecondCount { completed: *completed, accepted: *accepted })
            .collect(),
        requests_per_second: per_second(completed, measured_seconds),
        accepted_per_second: per_second(accepted, measured_seconds),
        hung_up: total.hung_up,
        late: total.late,
        not_started: total.not_started,
        start_delay: LatencySummary::from_microseconds(&total.start_delay_us),
        reconnects: total.reconnects,
        gave_up: total.gave_up,
        acknowledged: total.keys,
        keys_full: total.keys_full,
        latency_us: total.latency_us,
    }
}

fn per_second(count: u64, seconds: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a run has far fewer than 2^52 answers")]
    let count = count as f64;
    if seconds > 0.0 { count / seconds } else { 0.0 }
}
