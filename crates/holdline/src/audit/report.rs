//! What the audit found, for an operator and for a program.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

/// Pieces of evidence kept per check: enough to see the pattern; the count tells how many there are.
const EVIDENCE_MAX: usize = 20;

/// One rule, what was judged by it, and what breaks it.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    /// The stable code.
    pub(crate) code: &'static str,
    /// The rule in words.
    pub(crate) rule: &'static str,
    /// How many things were judged.
    pub(crate) judged: u64,
    /// How many of them break the rule.
    pub(crate) mismatches: u64,
    /// Some of them, in words.
    pub(crate) evidence: Vec<String>,
}

impl Check {
    pub(super) fn new(code: &'static str, rule: &'static str) -> Self {
        Self { code, rule, judged: 0, mismatches: 0, evidence: Vec::new() }
    }

    /// Judges one thing: `evidence` is asked for only when it is not right.
    pub(super) fn judge(&mut self, right: bool, evidence: impl FnOnce() -> String) {
        self.judged += 1;
        if !right {
            self.mismatch(evidence);
        }
    }

    /// Notes a mismatch of something that was counted as judged elsewhere.
    pub(super) fn mismatch(&mut self, evidence: impl FnOnce() -> String) {
        self.mismatches += 1;
        if self.evidence.len() < EVIDENCE_MAX {
            self.evidence.push(evidence());
        }
    }
}

/// What could not be judged yet, or at all, by name.
#[derive(Debug, Default, Serialize)]
pub(crate) struct LeftOut {
    /// Open holds without an order that are younger than `--orphan-after`.
    pub(crate) young_holds: u64,
    /// Older open holds without an order that the reaper has not visited yet.
    pub(crate) unvisited_holds: u64,
    /// Orders whose last event the ledger has not followed yet: their hold may still stand as before it.
    pub(crate) unsettled_orders: u64,
    /// Orders placed after the ledger was read: their hold may be missing.
    pub(crate) new_orders: u64,
    /// Holds taken between two changes of an account's flags, which do not say what the flags were.
    pub(crate) holds_between_flag_changes: u64,
    /// Quota accounts of a SKU whose catalog never named a limit.
    pub(crate) quotas_without_limit: u64,
}

/// What is no mismatch, but somebody should know.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Notes {
    /// Callbacks that contradict what is known: nobody believed them.
    pub(crate) flagged_callbacks: u64,
    /// Callbacks about captured money of which no attempt is known: it goes back in the end.
    pub(crate) orphan_callbacks: u64,
    /// Events that settlement could not work off. Their orders are judged as settled: a mismatch of one says what is wrong.
    pub(crate) parked_events: u64,
}

/// Refunds of one attempt, or of one order of it.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Returned {
    /// Of those that have not succeeded.
    pub(super) on_its_way: i64,
    /// Of those that have.
    pub(super) refunded: i64,
}

/// Where the money of one currency is, in minor units: captured = kept + refunded + on its way back + undecided.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Money {
    /// All that providers said they had captured of attempts.
    pub(crate) captured: i64,
    /// Of that: what belongs to orders, or did until it was refunded.
    pub(crate) attached: i64,
    /// Of that: what never belonged to an order.
    pub(crate) unattached: i64,
    /// Given back.
    pub(crate) refunded: i64,
    /// Set aside to be given back.
    pub(crate) on_its_way_back: i64,
    /// What orders were paid with and keep.
    pub(crate) kept: i64,
    /// What belongs to no order and is not on its way back yet.
    pub(crate) undecided: i64,
}

impl Money {
    /// Counts what one attempt captured, and the refunds of it.
    pub(super) fn add(&mut self, captured: i64, is_attached: bool, Returned { on_its_way, refunded }: &Returned) {
        let left = captured.saturating_sub(*on_its_way).saturating_sub(*refunded);
        let (of, rest) = if is_attached {
            (&mut self.attached, &mut self.kept)
        } else {
            (&mut self.unattached, &mut self.undecided)
        };
        let sums = [
            (of, captured),
            (rest, left),
            (&mut self.captured, captured),
            (&mut self.refunded, *refunded),
            (&mut self.on_its_way_back, *on_its_way),
        ];
        for (sum, amount) in sums {
            *sum = sum.saturating_add(amount);
        }
    }
}

/// The audit's answer.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// `clean` or `mismatch`.
    pub(crate) status: &'static str,
    /// Every check, in the order of the documentation.
    pub(crate) checks: Vec<Check>,
    /// What was left out, and how much of it.
    pub(crate) left_out: LeftOut,
    /// What somebody should know all the same.
    pub(crate) notes: Notes,
    /// Where captured money is, by currency.
    pub(crate) money: BTreeMap<String, Money>,
    /// How long it took.
    pub(crate) seconds: f64,
    /// Orders read.
    pub(crate) orders: u64,
    /// Holds judged: those that were taken or moved since the closing.
    pub(crate) holds: u64,
    /// Movements judged: those after the closing.
    pub(crate) movements: u64,
    /// The movement up to which the audit took a closing's word; 0: it proved from zero.
    pub(crate) closed_seq: i64,
}

impl Report {
    pub(super) fn new(checks: Vec<Check>, left_out: LeftOut, aside: Aside, counts: Counts, took: Duration) -> Self {
        let clean = checks.iter().all(|check| check.mismatches == 0);
        let Counts { orders, holds, movements, closed_seq } = counts;
        // Milliseconds are all that means anything here.
        let seconds = (took.as_secs_f64() * 1_000.0).round() / 1_000.0;
        let status = if clean { "clean" } else { "mismatch" };
        let Aside { notes, money } = aside;
        Self { status, checks, left_out, notes, money, seconds, orders, holds, movements, closed_seq }
    }

    /// Whether nothing breaks any rule.
    pub(crate) fn is_clean(&self) -> bool {
        self.status == "clean"
    }

    /// The report for people: a table, the evidence, what was left out, and one line that says it all.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        let mut line = |words: String| {
            text.push_str(&words);
            text.push('\n');
        };
        line(format!("{:<18} {:>10} {:>10}  rule", "check", "judged", "mismatches"));
        for Check { code, rule, judged, mismatches, .. } in &self.checks {
            line(format!("{code:<18} {judged:>10} {mismatches:>10}  {rule}"));
        }
        for check in self.checks.iter().filter(|check| check.mismatches > 0) {
            line(format!("\n{}: {} of {}: {}", check.code, check.mismatches, check.judged, check.rule));
            for evidence in &check.evidence {
                line(format!("  - {evidence}"));
            }
            let more = check.mismatches.saturating_sub(check.evidence.len() as u64);
            if more > 0 {
                line(format!("  - and {more} more"));
            }
        }
        for (count, words) in self.left_out.in_words() {
            if count > 0 {
                line(format!("\nleft out: {count} {words}"));
            }
        }
        for (count, words) in self.notes.in_words() {
            if count > 0 {
                line(format!("\nnote: {count} {words}"));
            }
        }
        for (currency, money) in &self.money {
            line(format!("\n{}", money.in_words(currency)));
        }
        let Self { status, orders, holds, movements, seconds, closed_seq, .. } = self;
        if *closed_seq > 0 {
            line(format!("\nproved from the closing at movement {closed_seq}; --full proves from zero"));
        }
        let mut last = format!("\nAUDIT {status} orders={orders} holds={holds} movements={movements}");
        if !self.is_clean() {
            let broken: Vec<&str> = self.checks.iter().filter(|c| c.mismatches > 0).map(|c| c.code).collect();
            write!(last, " broken={}", broken.join(",")).expect("a String takes every text");
        }
        line(format!("{last} seconds={seconds:.1}"));
        text
    }
}

impl LeftOut {
    fn in_words(&self) -> [(u64, &'static str); 6] {
        [
            (
                self.young_holds,
                "holds without an order yet, younger than --orphan-after: their submit may be under way",
            ),
            (
                self.unvisited_holds,
                "holds without an order, which the reaper visits next; if it does not fall while a server runs, the \
                 reaper is stuck",
            ),
            (
                self.unsettled_orders,
                "orders that the ledger has not followed to their last event; if it does not fall while a server runs, \
                 settlement is stuck",
            ),
            (self.new_orders, "orders placed while the audit began"),
            (self.holds_between_flag_changes, "holds taken between two changes of an account's flags: not judged"),
            (self.quotas_without_limit, "quota accounts of SKUs without a limit in any version of the catalog"),
        ]
    }
}

impl Notes {
    fn in_words(&self) -> [(u64, &'static str); 3] {
        [
            (
                self.flagged_callbacks,
                "callbacks contradict what is known and were not believed: see /v1/payments/unsettled",
            ),
            (
                self.orphan_callbacks,
                "callbacks tell of captured money of which no attempt is known; it goes back in the end",
            ),
            (self.parked_events, "events are parked that settlement could not work off: see `holdline events parked`"),
        ]
    }
}

impl Money {
    fn in_words(&self, currency: &str) -> String {
        let Self { captured, attached, unattached, refunded, on_its_way_back, kept, undecided } = self;
        format!(
            "money in {currency}, minor units: captured {captured} (attached {attached}, unattached {unattached}) = kept \
             {kept} + refunded {refunded} + on its way back {on_its_way_back} + undecided {undecided}"
        )
    }
}

/// What a report has besides its checks.
#[derive(Debug, Default)]
pub(super) struct Aside {
    pub(super) notes: Notes,
    pub(super) money: BTreeMap<String, Money>,
}

/// How much was read.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Counts {
    pub(super) orders: u64,
    pub(super) holds: u64,
    pub(super) movements: u64,
    pub(super) closed_seq: i64,
}
