//! What one thread of a run has seen. Owned by the thread; its connections share it through a mutex that is never
//! contended and never held across an await.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::AcknowledgedKeys;
use super::script::Outcome;

/// Kinds of outcome with a latency of their own, in the order of [`super::OutcomeCounts`].
pub(super) const OUTCOMES: usize = 5;
/// Longest latency a histogram tells apart, in microseconds (10 minutes); beyond it counts as this.
const LATENCY_US_MAX: u64 = 600_000_000;
/// Statuses above are counted as 999.
const STATUS_MAX: usize = 999;

/// When an answered request was meant to start, and when it ended, relative to the measured part of the run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// From intended start to complete answer, in microseconds.
    pub(super) latency_us: u64,
    /// Whether the intended start is inside the measured part: only then it counts in the histograms.
    pub(super) measured: bool,
    /// Second of the measured part in which the answer arrived; `None` in the warm-up and after the deadline.
    pub(super) second: Option<usize>,
}

#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) latency_us: [Histogram<u64>; OUTCOMES],
    pub(super) start_delay_us: Histogram<u64>,
    pub(super) statuses: Vec<u64>,
    pub(super) errors: BTreeMap<&'static str, u64>,
    /// Completed and accepted answers per second of the measured part.
    pub(super) seconds: Vec<(u64, u64)>,
    pub(super) keys: AcknowledgedKeys,
    pub(super) keys_bytes_max: usize,
    pub(super) keys_full: bool,
    pub(super) hung_up: u64,
    pub(super) late: u64,
    pub(super) not_started: u64,
    pub(super) reconnects: u64,
    pub(super) gave_up: u64,
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new(0)
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).expect("1 µs to 10 minutes with 3 digits is a valid range")
}

impl Recorder {
    pub(super) fn new(keys_bytes_max: usize) -> Self {
        Self {
            latency_us: std::array::from_fn(|_| histogram()),
            start_delay_us: histogram(),
            statuses: vec![0; STATUS_MAX + 1],
            errors: BTreeMap::new(),
            seconds: Vec::new(),
            keys: AcknowledgedKeys::default(),
            keys_bytes_max,
            keys_full: false,
            hung_up: 0,
            late: 0,
            not_started: 0,
            reconnects: 0,
            gave_up: 0,
        }
    }

    /// Counts one answer. Keys are kept whenever they were acknowledged.
    pub(super) fn answer(&mut self, status: u16, outcome: Outcome<'_>, timing: Timing) {
        let (index, accepted) = match outcome {
            Outcome::Accepted(key) => {
                self.keep(key);
                (0, true)
            }
            Outcome::Replayed(key) => {
                self.keep(key);
                (1, false)
            }
            Outcome::Refused => (2, false),
            Outcome::Busy => (3, false),
            Outcome::Error(kind) => {
                if timing.measured {
                    self.error(kind);
                }
                (4, false)
            }
        };
        if timing.measured {
            self.latency_us[index].saturating_record(timing.latency_us);
            self.statuses[usize::from(status).min(STATUS_MAX)] += 1;
        }
        if let Some(second) = timing.second {
            if second >= self.seconds.len() {
                self.seconds.resize(second + 1, (0, 0));
            }
            self.seconds[second].0 += 1;
            self.seconds[second].1 += u64::from(accepted);
        }
    }

    pub(super) fn error(&mut self, kind: &'static str) {
        *self.errors.entry(kind).or_default() += 1;
    }

    fn keep(&mut self, key: &str) {
        if !key.is_empty() && (!self.keys.push(key) || self.keys.bytes() >= self.keys_bytes_max) {
            self.keys_full = true;
        }
    }

    /// Adds what another thread has seen.
    pub(super) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.latency_us.iter_mut().zip(&other.latency_us) {
            mine.add(theirs).expect("both have the same bounds");
        }
        self.start_delay_us.add(&other.start_delay_us).expect("both have the same bounds");
        for (mine, theirs) in self.statuses.iter_mut().zip(&other.statuses) {
            *mine += theirs;
        }
        for (kind, count) in &other.errors {
            *self.errors.entry(kind).or_default() += count;
        }
        if self.seconds.len() < other.seconds.len() {
            self.seconds.resize(other.seconds.len(), (0, 0));
        }
        for (mine, theirs) in self.seconds.iter_mut().zip(&other.seconds) {
            mine.0 += theirs.0;
            mine.1 += theirs.1;
        }
        self.keys_full |= other.keys_full | !self.keys.append(&other.keys);
        self.hung_up += other.hung_up;
        self.late += other.late;
        self.not_started += other.not_started;
        self.reconnects += other.reconnects;
        self.gave_up += other.gave_up;
    }
}
