//! What the rounds came to, and the line that says it.

use std::fmt::Write as _;

/// Counts over all rounds.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) rounds: u32,
    pub(super) acknowledged: usize,
    pub(super) retried: u64,
    /// Submits that were accepted before they were decided.
    pub(super) promised: u64,
    pub(super) lost: u64,
    pub(super) oversold: u64,
    pub(super) clean: bool,
    /// At the end, in minor units: what the payment center has captured and given back, and what orders keep of it.
    pub(super) captured: i64,
    pub(super) refunded: i64,
    pub(super) kept: i64,
    pub(super) seed: u64,
    /// Servers that were loaded.
    pub(super) processes: usize,
    /// Orders placed under load, and how long the load was, troubles included.
    pub(super) placed_under_load: usize,
    pub(super) load_seconds: f64,
    pub(super) failures: Vec<String>,
}

impl Verdict {
    /// Whether nothing is lost, twice or wrong.
    pub(super) fn is_ok(&self) -> bool {
        self.failures.is_empty() && self.clean && self.lost == 0 && self.oversold == 0
    }

    /// What is wrong, if anything, and the line that says it all.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for failure in &self.failures {
            writeln!(text, "{failure}").expect("a String takes every text");
        }
        let word = if self.is_ok() { "ok" } else { "FAILED" };
        let Self { processes, .. } = self;
        #[expect(clippy::cast_precision_loss, reason = "a run has far fewer than 2^52 orders")]
        let rate = self.placed_under_load as f64 / self.load_seconds.max(f64::MIN_POSITIVE);
        let Self { rounds, acknowledged, retried, promised, lost, oversold, seed, .. } = self;
        let Self { captured, refunded, kept, .. } = self;
        let audit = if self.clean { "clean" } else { "mismatch" };
        writeln!(
            text,
            "CRASH {word} rounds={rounds} acknowledged={acknowledged} retried={retried} promised={promised} lost={lost} \
             oversold={oversold} captured={captured} refunded={refunded} kept={kept} audit={audit} processes={processes} orders_per_second={rate:.0} seed={seed}"
        )
        .expect("a String takes every text");
        text
    }
}
