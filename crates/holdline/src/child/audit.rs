//! `holdline audit --json` as a child, on the same home; its answer is read strictly.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::{Home, Stop};

/// The check that judges promises beyond what there was.
const OVERSOLD: &str = "oversold";
/// How often, and how many times, a running server is looked at until it has come to rest.
const REST_EVERY: Duration = Duration::from_millis(500);
const REST_LOOKS: u32 = 60;
/// Evidence lines that are kept.
const EVIDENCE_MAX: usize = 20;

/// What the audit said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Audit {
    /// Nothing breaks any rule.
    pub(crate) clean: bool,
    /// Holds granted beyond what was available.
    pub(crate) oversold: u64,
    /// Things that were not judged yet, by name: holds under way and the like.
    pub(crate) left_out: BTreeMap<String, u64>,
    /// Some of what breaks a rule.
    pub(crate) evidence: Vec<String>,
    /// Orders read.
    pub(crate) orders: u64,
    /// Where captured money is, in the one currency.
    pub(crate) money: Money,
}

/// Sums of money in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Money {
    /// All that providers said they had captured.
    pub(crate) captured: i64,
    /// Given back.
    pub(crate) refunded: i64,
    /// Set aside to be given back.
    pub(crate) on_its_way_back: i64,
    /// What orders were paid with and keep.
    pub(crate) kept: i64,
    /// What belongs to no order and is not on its way back yet.
    pub(crate) undecided: i64,
}

impl Audit {
    /// `clean` or `mismatch`, for a last line.
    pub(crate) fn word(&self) -> &'static str {
        if self.clean { "clean" } else { "mismatch" }
    }

    /// Holds and orders that were not judged yet.
    pub(crate) fn left_out_total(&self) -> u64 {
        self.left_out.values().sum()
    }
}

#[derive(Deserialize)]
struct Report {
    status: String,
    checks: Vec<Check>,
    left_out: BTreeMap<String, u64>,
    orders: u64,
    #[serde(default)]
    money: BTreeMap<String, Money>,
}

#[derive(Deserialize)]
struct Check {
    code: String,
    judged: u64,
    mismatches: u64,
    evidence: Vec<String>,
}

/// Audits a home, with or without a server on it.
pub(crate) fn audit(home: &Home) -> anyhow::Result<Audit> {
    let program = std::env::current_exe().context("cannot tell where this program lies")?;
    let directory = home.url().is_none().then(|| [OsStr::new("--data"), home.data().as_os_str()]);
    let output = Command::new(program)
        .args(["audit", "--json"])
        .args(directory.into_iter().flatten())
        .envs(home.environment())
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .context("cannot start the audit")?;
    let said = || String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).trim().to_owned();
    let report: Report = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("the audit could not judge ({}): {}", output.status, said()))?;
    read(report, output.status.code())
}

/// Audits a home whose server runs until nothing is left out any more: the ledger follows the orders a moment later, and
/// the reaper visits holds that are 10 s old. The last answer, also when something is still left out in the end.
pub(crate) fn audit_at_rest(home: &Home, stop: &Stop) -> anyhow::Result<Audit> {
    let mut found = audit(home)?;
    for _ in 0..REST_LOOKS {
        if found.left_out_total() == 0 {
            break;
        }
        stop.check()?;
        stop.pause(REST_EVERY);
        found = audit(home)?;
    }
    Ok(found)
}

fn read(report: Report, status: Option<i32>) -> anyhow::Result<Audit> {
    let clean = match (report.status.as_str(), status) {
        ("clean", Some(0)) => true,
        ("mismatch", Some(1)) => false,
        (word, status) => bail!("the audit contradicts itself: {word} with status {status:?}"),
    };
    let Some(oversold) = report.checks.iter().find(|check| check.code == OVERSOLD) else {
        bail!("the audit has no check {OVERSOLD}")
    };
    anyhow::ensure!(report.checks.iter().any(|check| check.judged > 0), "the audit judged nothing");
    let broken = report.checks.iter().filter(|check| check.mismatches > 0);
    let evidence = broken.flat_map(|check| check.evidence.iter().map(|line| format!("{}: {line}", check.code)));
    anyhow::ensure!(report.money.len() <= 1, "the audit found several currencies where one is used");
    Ok(Audit {
        clean,
        money: report.money.into_values().next().unwrap_or_default(),
        oversold: oversold.mismatches,
        evidence: evidence.take(EVIDENCE_MAX).collect(),
        left_out: report.left_out,
        orders: report.orders,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(status: &str, mismatches: u64) -> Report {
        let check = Check { code: OVERSOLD.to_owned(), judged: 3, mismatches, evidence: vec!["a".to_owned()] };
        Report {
            status: status.to_owned(),
            checks: vec![check],
            left_out: BTreeMap::new(),
            orders: 3,
            money: BTreeMap::new(),
        }
    }

    #[test]
    fn the_status_and_the_word_must_agree() {
        assert!(read(report("clean", 0), Some(0)).unwrap().clean);
        assert_eq!(read(report("mismatch", 2), Some(1)).unwrap().oversold, 2);
        assert!(read(report("clean", 0), Some(1)).is_err());
        assert!(read(report("clean", 0), None).is_err());
    }

    #[test]
    fn an_audit_without_the_check_for_overselling_is_no_audit() {
        let mut without = report("clean", 0);
        without.checks[0].code = "other".to_owned();
        assert!(read(without, Some(0)).is_err());
    }
}
