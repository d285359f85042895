//! Whether the replay did what the file says: sums of lines, units, money, balances, and the audit.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;

use super::file::Invoices;
use super::replay::{Money, Replayed};
use super::stock_factor::StockFactor;
use crate::child::{Audit, Client, Home, Keys, Lookup, Progress, Server, Stop, audit, audit_at_rest, look_up, stock};

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

/// What a replay is judged by.
pub(super) struct Judge<'a> {
    pub(super) invoices: &'a Invoices,
    pub(super) factor: StockFactor,
    pub(super) home: &'a Home,
    pub(super) keys: &'a Keys,
    pub(super) progress: Progress,
    pub(super) stop: &'a Stop,
}

impl Judge<'_> {
    /// Looks up, compares, stops the server and audits.
    pub(super) fn judge(&self, replayed: Replayed, money: &Money, server: Server) -> anyhow::Result<Verdict> {
        let answers = replayed.orders.iter().map(String::as_str);
        let lookup = look_up(server.address, &self.keys.shop, answers, self.progress, self.stop)?;
        self.progress.say("audit");
        // The ledger hears of payments and cancellations after the orders: the balances are read once it has.
        let left_out = audit_at_rest(self.home, self.stop)?.left_out;
        let (mut failures, beyond) = self.balances(&replayed, server.address)?;
        server.terminate()?;
        let audit = audit(self.home)?;
        let lines = self.invoices.lines;
        let taken_back = replayed.cancelled + replayed.refunded + replayed.cancelled_elsewhere;
        let counted = replayed.placed + replayed.written_off + taken_back + replayed.refused;
        let mut must = |right: bool, what: String| failures.extend((!right).then_some(what));
        must(counted == lines, format!("{counted} of {lines} lines were counted"));
        must(lookup.is_complete(), format!("{} of {} orders were found", lookup.stored, lookup.acknowledged));
        must(audit.clean, "the audit found mismatches".to_owned());
        must(audit.left_out_total() == 0, format!("at rest the audit left out {left_out:?}"));
        must(audit.orders == lookup.acknowledged, format!("the store has {} orders", audit.orders));
        must(
            replayed.total_minor == replayed.answered_minor,
            format!("the placed lines come to {}, the server says {}", replayed.total_minor, replayed.answered_minor),
        );
        let (captured, refunded) = (replayed.captured_minor, replayed.refunded_minor);
        must(
            (money.captured, money.refunded) == (captured, refunded),
            format!("{captured} were paid and {refunded} must go back, the server says {money:?}"),
        );
        must(
            (money.books.captured, money.books.refunded) == (captured, refunded),
            format!("{captured} were paid and {refunded} must go back, the center says {:?}", money.books),
        );
        must(!self.factor.is_one() || replayed.refused == 0, format!("{} lines were refused", replayed.refused));
        failures.extend(audit.evidence.iter().cloned());
        let oversold = audit.oversold + beyond;
        Ok(Verdict { lines, replayed, audit, lookup, oversold, failures })
    }

    /// Compares every code's balances with what the answers say; with the differences, how many units were promised
    /// beyond what there is.
    fn balances(&self, replayed: &Replayed, address: SocketAddr) -> anyhow::Result<(Vec<String>, u64)> {
        let taken = self.invoices.units_taken();
        let codes: Vec<&str> = taken.keys().copied().collect();
        let rows = stock(&mut Client::new(address, &self.keys.admin)?, &codes)?;
        let (mut failures, mut beyond) = (Vec::new(), 0);
        for (code, row) in codes.iter().zip(rows) {
            let of = |units: &BTreeMap<String, i64>| units.get(*code).copied().unwrap_or_default();
            let (returned, written_off) = (of(&replayed.returned_units), of(&replayed.written_off_units));
            let sold = of(&replayed.sold_units) - returned;
            let on_hand = self.factor.of(taken[code]).unwrap_or_default() - written_off;
            if row.on_hand != on_hand || row.held + row.allocated != sold {
                failures.push(format!("{code}: {row:?}, but {on_hand} must be on hand and {sold} sold"));
            }
            if self.factor.is_one() && row.available != returned {
                failures.push(format!("{code}: {} units are left, {returned} came back", row.available));
            }
            beyond += (-row.available).max(0).unsigned_abs();
        }
        Ok((failures, beyond))
    }
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
            "{} orders of {} submits, worth {} GBP",
            lookup.stored,
            replayed.orders.len(),
            pounds(replayed.total_minor)
        ));
        let (captured, refunded) = (replayed.captured_minor, replayed.refunded_minor);
        line(format!(
            "of orders that were cancelled later, wholly or in part: captured {} GBP = refunded {} + kept {}",
            pounds(captured),
            pounds(refunded),
            pounds(captured - refunded)
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
        let Replayed { placed, written_off, cancelled, refunded, cancelled_elsewhere, refused, .. } = replayed;
        let word = if self.is_ok() { "ok" } else { "FAILED" };
        line(format!(
            "REPLAY {word} lines={lines} placed={placed} written_off={written_off} cancelled={cancelled} \
             refunded={refunded} cancelled_elsewhere={cancelled_elsewhere} refused={refused} oversold={oversold} audit={}",
            audit.word()
        ));
        text
    }
}

/// Pence as pounds.
fn pounds(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}
