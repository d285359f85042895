//! What a bench run reports: one JSON line, or a table for people. A figure that was not measured is null.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use holdline_load::machine::Machine;
use serde::Serialize;

use super::life::LifeFigures;
use super::storm::StormFigures;

/// The least share of the no-op's rate, in a closed loop.
const RATIO_TO_NOOP_MIN: f64 = 0.15;
/// The longest p99 in a closed loop, in milliseconds.
const P99_MS_MAX: f64 = 50.0;
/// How many times the plain design PostgreSQL must reach.
const RATIO_TO_PLAIN_MIN: f64 = 5.0;
/// Orders per second below which the baseline itself is broken.
const PLAIN_MIN: f64 = 500.0;

/// The figures of one run.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Report {
    /// The scenario's name.
    pub(super) scenario: &'static str,
    /// `sqlite`, `postgres`, `none` or `target`.
    pub(super) store: &'static str,
    /// How safe an acknowledged order is, read back from the store.
    pub(super) durability: Option<String>,
    /// The filesystem that it is written to.
    pub(super) filesystem: Option<String>,
    /// Connections of the load.
    pub(super) connections: usize,
    /// Length of the measured part.
    pub(super) seconds: f64,
    /// Arrivals per second, in an open loop.
    pub(super) rate: Option<f64>,
    /// Submits answered 201 per second.
    pub(super) orders_per_second: Option<f64>,
    /// Submits answered in any way per second.
    pub(super) attempts_per_second: f64,
    /// Answers per second of the no-op in this run.
    pub(super) noop_per_second: Option<f64>,
    /// `orders_per_second` / `noop_per_second`.
    pub(super) ratio_to_noop: Option<f64>,
    /// Orders per second of the plain design on the same private PostgreSQL.
    pub(super) plain_per_second: Option<f64>,
    /// `orders_per_second` / `plain_per_second`.
    pub(super) ratio_to_plain: Option<f64>,
    /// Of all answers; in an open loop from the intended start.
    pub(super) p50_ms: f64,
    pub(super) p95_ms: f64,
    pub(super) p99_ms: f64,
    /// In an open loop at 0.7 of the closed loop's rate.
    pub(super) p99_ms_at_70_percent: Option<f64>,
    /// Answers that no submit may have, and requests without an answer.
    pub(super) errors: u64,
    /// The same by kind.
    pub(super) errors_by_kind: BTreeMap<String, u64>,
    /// Business refusals.
    pub(super) refused: u64,
    /// 503 with nothing begun.
    pub(super) busy: u64,
    /// How soon these were told.
    pub(super) busy_p99_ms: Option<f64>,
    /// Open loop: arrivals that found no free connection until the end.
    pub(super) not_started: u64,
    /// Durable transactions of the order and ledger committers during the load.
    pub(super) flushes: Option<f64>,
    /// Requests per transaction.
    pub(super) avg_batch: Option<f64>,
    /// Median of an fdatasync of 64 KiB in the data directory.
    pub(super) fdatasync_p50_ms: Option<f64>,
    /// Cores that the server (with its private PostgreSQL) used.
    pub(super) cpu_server: Option<f64>,
    /// Cores that the load used.
    pub(super) cpu_load: Option<f64>,
    /// Resident memory of the server at the end of the load, in MiB.
    pub(super) rss_mb: Option<f64>,
    /// The same before the load.
    pub(super) rss_mb_before: Option<f64>,
    /// Orders acknowledged over the whole run.
    pub(super) acknowledged: Option<u64>,
    /// Of these, found after the server was killed and reopened.
    pub(super) stored: Option<u64>,
    /// Of these, not found.
    pub(super) lost: Option<u64>,
    /// Units promised beyond what there was.
    pub(super) oversold: Option<u64>,
    /// Whether `holdline audit` found everything in order.
    pub(super) audit_ok: Option<bool>,
    /// expiry-storm.
    #[serde(flatten)]
    pub(super) storm: StormFigures,
    /// life.
    #[serde(flatten)]
    pub(super) life: LifeFigures,
    /// The machine.
    pub(super) machine: Option<Machine>,
    /// Day of the run, UTC.
    pub(super) date: String,
    /// The version of this program.
    pub(super) version: &'static str,
}

impl Report {
    /// A report of a scenario on this machine, today.
    pub(super) fn new(scenario: &'static str, store: &'static str, connections: usize) -> Self {
        Self {
            scenario,
            store,
            connections,
            machine: Some(Machine::read()),
            date: today(),
            version: env!("CARGO_PKG_VERSION"),
            ..Self::default()
        }
    }

    /// Counts errors of a kind.
    pub(super) fn add_error(&mut self, kind: &str, count: u64) {
        if count > 0 {
            self.errors += count;
            *self.errors_by_kind.entry(kind.to_owned()).or_default() += count;
        }
    }

    /// Why the run counts as failed; empty when nothing is wrong. Speed is not among the reasons.
    pub(super) fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        let counts = [
            ("errors", Some(self.errors)),
            ("lost", self.lost),
            ("oversold", self.oversold),
            ("reads_wrong", self.storm.reads_wrong),
        ];
        failures.extend(
            counts
                .into_iter()
                .filter(|(_, count)| count.unwrap_or(0) > 0)
                .map(|(name, count)| format!("{name} is {}, must be 0", count.unwrap_or(0))),
        );
        if self.audit_ok == Some(false) {
            failures.push("the audit found mismatches".to_owned());
        }
        if self.storm.due.is_some() && self.storm.release_seconds.is_none() {
            failures.push("units of overdue orders were still held at the end".to_owned());
        }
        failures.extend(self.life.failures());
        if self.acknowledged != self.stored {
            failures.push("not every acknowledged order was found".to_owned());
        }
        failures
    }

    /// The speed gates that this run could meet, with whether it did.
    fn gates(&self) -> Vec<(String, bool)> {
        let mut gates = Vec::new();
        if self.scenario == "hot-sku" && self.rate.is_none() {
            // PostgreSQL has the plain design as its measure: its aim is half of SQLite's rate.
            if let Some(ratio) = self.ratio_to_noop.filter(|_| self.store == "sqlite") {
                gates.push((format!("ratio_to_noop ≥ {RATIO_TO_NOOP_MIN}"), ratio >= RATIO_TO_NOOP_MIN));
            }
            gates.push((format!("p99 < {P99_MS_MAX} ms"), self.p99_ms < P99_MS_MAX));
        }
        if let Some(ratio) = self.ratio_to_plain.filter(|_| self.scenario == "hot-sku") {
            gates.push((format!("≥ {RATIO_TO_PLAIN_MIN} × plain-postgres"), ratio >= RATIO_TO_PLAIN_MIN));
        }
        if let Some(plain) = self.plain_per_second {
            gates.push((format!("plain-postgres ≥ {PLAIN_MIN}/s, else the baseline is broken"), plain >= PLAIN_MIN));
        }
        gates.extend(self.storm.gates());
        gates
    }

    /// The report for people.
    pub(super) fn table(&self) -> String {
        let mut table = String::new();
        let mut row = |name: &str, value: String| {
            writeln!(table, "  {name:<28}{value}").expect("a String takes every text");
        };
        if let Some(machine) = &self.machine {
            let gib = machine.memory_bytes >> 30;
            row(
                "machine",
                format!("{}, {} CPUs, {gib} GiB, Linux {}", machine.cpu_model, machine.cpus, machine.kernel),
            );
        }
        row(
            "store",
            [Some(self.store), self.durability.as_deref(), self.filesystem.as_deref()]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(", "),
        );
        let loop_kind = self.rate.map_or_else(|| "closed loop".to_owned(), |rate| format!("open loop at {rate:.0}/s"));
        row("load", format!("{} connections, {:.1} s, {loop_kind}", self.connections, self.seconds));
        if let Some(orders) = self.orders_per_second {
            row("orders per second", format!("{orders:.0}"));
        }
        row("attempts per second", format!("{:.0}", self.attempts_per_second));
        if let (Some(noop), Some(ratio)) = (self.noop_per_second, self.ratio_to_noop) {
            row("no-op per second", format!("{noop:.0} (ratio {ratio:.3})"));
        }
        if let Some(plain) = self.plain_per_second {
            let ratio = self.ratio_to_plain.map_or_else(String::new, |ratio| format!(" (ratio {ratio:.1})"));
            row("plain-postgres per second", format!("{plain:.0}{ratio}"));
        }
        row("latency p50 p95 p99", format!("{:.2} {:.2} {:.2} ms", self.p50_ms, self.p95_ms, self.p99_ms));
        if let Some(p99) = self.p99_ms_at_70_percent {
            row("p99 at 70 % of the rate", format!("{p99:.2} ms"));
        }
        row(
            "refused, busy, errors",
            format!("{}, {}, {} {:?}", self.refused, self.busy, self.errors, self.errors_by_kind),
        );
        if let Some(p99) = self.busy_p99_ms {
            row("busy p99", format!("{p99:.2} ms"));
        }
        if let (Some(flushes), Some(batch)) = (self.flushes, self.avg_batch) {
            row("flushes", format!("{flushes:.0}, {batch:.1} requests each"));
        }
        if let Some(fdatasync) = self.fdatasync_p50_ms {
            row("fdatasync p50", format!("{fdatasync:.2} ms"));
        }
        if let (Some(server), Some(load)) = (self.cpu_server, self.cpu_load) {
            let rss = [self.rss_mb_before, self.rss_mb].map(Option::unwrap_or_default);
            row("cores server, load", format!("{server:.2}, {load:.2}; memory {:.0} to {:.0} MiB", rss[0], rss[1]));
        }
        self.storm.rows(&mut row);
        self.life.rows(&mut row);
        if let (Some(acknowledged), Some(stored), Some(lost)) = (self.acknowledged, self.stored, self.lost) {
            let label = if self.store == "target" { "looked up" } else { "after SIGKILL" };
            row(label, format!("acknowledged {acknowledged}, stored {stored}, lost {lost}"));
        }
        if let (Some(oversold), Some(audit_ok)) = (self.oversold, self.audit_ok) {
            row("audit", format!("{}, oversold {oversold}", if audit_ok { "clean" } else { "MISMATCH" }));
        }
        for (gate, met) in self.gates() {
            row(if met { "gate met" } else { "gate MISSED" }, gate);
        }
        self.failures().into_iter().for_each(|failure| row("FAILED", failure));
        format!("{} · {} · {}\n{table}", self.scenario, self.date, self.version)
    }
}

/// The day in UTC, as `2026-08-01`.
pub(super) fn today() -> String {
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let (year, month, day) = civil(i64::try_from(seconds / 86_400).unwrap_or_default());
    format!("{year:04}-{month:02}-{day:02}")
}

/// Days since 1970-01-01 as a date of the proleptic Gregorian calendar. Source: Howard Hinnant, "chrono-compatible
/// low-level date algorithms", `civil_from_days`.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(19_782), (2024, 2, 29));
        assert_eq!(civil(20_666), (2026, 8, 1));
    }

    #[test]
    fn a_lost_order_fails_the_run_and_speed_does_not() {
        let slow = Report { p99_ms: 900.0, scenario: "hot-sku", ..Report::default() };
        assert!(slow.failures().is_empty());
        let lossy = Report { acknowledged: Some(2), stored: Some(1), lost: Some(1), ..Report::default() };
        assert_eq!(lossy.failures().len(), 2);
    }
}
