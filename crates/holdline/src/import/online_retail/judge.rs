//! Whether the replay did what the file says: sums of lines, units, money, balances, and the audit.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::file::Invoices;
use super::replay::Replayed;
use super::stock_factor::StockFactor;
use crate::child::{Audit, Client, Home, Keys, Lookup, Progress, Server, Stop, audit, look_up, stock};

/// Stock codes that the report names.
const NAMED_MAX: usize = 10;

/// The replay's result.
pub(super) struct Verdict {
    lines: u64,
    replayed: Replayed,
    audit: Audit,
    lookup: Lookup,
    oversold: u64,
    failures: Vec<String>,
}

/// What the judge needs beside the answers.
#[expect(clippy::too_many_arguments, reason = "everything that a replay has made is judged in one place")]
pub(super) fn judge(
    invoices: &Invoices,
    factor: StockFactor,
    replayed: Replayed,
    home: &Home,
    server: Server,
    keys: &Keys,
    progress: Progress,
    stop: &Stop,
) -> anyhow::Result<Verdict> {
    let lookup = look_up(server.address, &keys.shop, replayed.orders.iter().map(String::as_str), progress, stop)?;
    let mut failures = Vec::new();
    let beyond = judge_balances(invoices, factor, &replayed, server.address, keys, &mut failures)?;
    server.terminate()?;
    progress.say("audit");
    let audit = audit(home)?;
    let counted = replayed.placed + replayed.written_off + replayed.unsupported + replayed.refused;
    let mut must = |right: bool, what: String| failures.extend((!right).then_some(what));
    must(counted == invoices.lines, format!("{counted} of {} lines were counted", invoices.lines));
    must(lookup.is_complete(), format!("{} of {} orders were found", lookup.stored, lookup.acknowledged));
    must(audit.clean, "the audit found mismatches".to_owned());
    must(audit.left_out_total() == 0, format!("the audit left out {:?}", audit.left_out));
    must(audit.orders == lookup.acknowledged, format!("the store has {} orders", audit.orders));
    must(
        replayed.total_minor == replayed.answered_minor,
        format!("the placed lines come to {}, the server says {}", replayed.total_minor, replayed.answered_minor),
    );
    must(!factor.is_one() || replayed.refused == 0, format!("{} lines were refused", replayed.refused));
    failures.extend(audit.evidence.iter().cloned());
    let oversold = audit.oversold + beyond;
    Ok(Verdict { lines: invoices.lines, replayed, audit, lookup, oversold, failures })
}

/// Compares every code's balances with what the answers say; returns units promised beyond what there is.
fn judge_balances(
    invoices: &Invoices,
    factor: StockFactor,
    replayed: &Replayed,
    address: std::net::SocketAddr,
    keys: &Keys,
    failures: &mut Vec<String>,
) -> anyhow::Result<u64> {
    let taken = invoices.units_taken();
    let codes: Vec<&str> = taken.keys().copied().collect();
    let rows = stock(&mut Client::new(address, &keys.admin)?, &codes)?;
    let mut beyond = 0;
    for (code, row) in codes.iter().zip(rows) {
        let of = |units: &BTreeMap<String, i64>| units.get(*code).copied().unwrap_or_default();
        let (sold, written_off) = (of(&replayed.sold_units), of(&replayed.written_off_units));
        let on_hand = factor.of(taken[code]).unwrap_or_default() - written_off;
        if row.on_hand != on_hand || row.held + row.allocated != sold {
            failures.push(format!("{code}: {row:?}, but {on_hand} must be on hand and {sold} sold"));
        }
        if factor.is_one() && row.available != 0 {
            failures.push(format!("{code}: {} units are left", row.available));
        }
        beyond += (-row.available).max(0).unsigned_abs();
    }
    Ok(beyond)
}

impl Verdict {
    /// Whether everything is as it must be.
    pub(super) fn is_ok(&self) -> bool {
        self.failures.is_empty() && self.oversold == 0
    }

    /// The report; its last line says it all.
    pub(super) fn text(&self) -> String {
        let Self { lines, replayed, audit, lookup, oversold, failures } = self;
        let mut text = String::new();
        let mut line = |words: String| writeln!(text, "{words}").expect("a String takes every text");
        line(format!(
            "{} orders of {} submits, worth {}.{:02} GBP",
            lookup.stored,
            replayed.orders.len(),
            replayed.total_minor / 100,
            replayed.total_minor % 100
        ));
        if replayed.refused_requests > 0 {
            line(format!("{} requests refused, for these reasons:", replayed.refused_requests));
        }
        for (code, count) in &replayed.reasons {
            line(format!("  {code:<24} {count:>6}"));
        }
        let mut short: Vec<_> = replayed.short.iter().collect();
        short.sort_by_key(|(code, count)| (std::cmp::Reverse(**count), *code));
        if !short.is_empty() {
            line(format!("{} stock codes were short, most often:", short.len()));
        }
        for (code, count) in short.iter().take(NAMED_MAX) {
            line(format!("  {code:<24} {count:>6}"));
        }
        for failure in failures.iter().take(NAMED_MAX) {
            line(format!("FAILED {failure}"));
        }
        let Replayed { placed, written_off, unsupported, refused, .. } = replayed;
        let word = if self.is_ok() { "ok" } else { "FAILED" };
        line(format!(
            "REPLAY {word} lines={lines} placed={placed} written_off={written_off} unsupported={unsupported} \
             refused={refused} oversold={oversold} audit={}",
            audit.word()
        ));
        text
    }
}
