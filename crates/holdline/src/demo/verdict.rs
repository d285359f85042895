//! Whether the demo is ok: the clients' answers, the server's own data and the audit must agree.

use std::fmt::Write as _;

use holdline_load::generator::RunResult;
use serde::Serialize;

use super::catalog::{FLASH_SKU, FLASH_UNITS, openings};
use super::flash::Sale;
use crate::child::{Audit, Client, Lookup, StockRow, stock};

/// The balances after all acts, with what each SKU was opened with.
pub(super) struct Stock(Vec<(String, i64, StockRow)>);

impl Stock {
    /// Asks the server.
    pub(super) fn read(client: &mut Client) -> anyhow::Result<Self> {
        let openings = openings();
        let skus: Vec<&str> = openings.iter().map(|(sku, _)| sku.as_str()).collect();
        let rows = stock(client, &skus)?;
        Ok(Self(openings.iter().zip(rows).map(|((sku, opening), row)| (sku.clone(), *opening, row)).collect()))
    }

    /// Units of the flash sale that are held or sold.
    fn flash_taken(&self) -> i64 {
        let flash = self.0.iter().filter(|(sku, ..)| sku == FLASH_SKU);
        flash.map(|(_, _, row)| row.held + row.allocated).sum()
    }

    /// Units promised beyond what there is.
    fn beyond(&self) -> u64 {
        self.0.iter().map(|(_, _, row)| (-row.available).max(0).unsigned_abs()).sum()
    }
}

/// The demo's figures and what is wrong with them.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Verdict {
    pub(super) sold: u64,
    pub(super) refused: u64,
    pub(super) repeated: u64,
    pub(super) hung_up: u64,
    pub(super) acknowledged: u64,
    pub(super) stored: u64,
    pub(super) lost: u64,
    pub(super) oversold: u64,
    pub(super) audit: &'static str,
    pub(super) orders_per_second: u64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    failures: Vec<String>,
}

impl Verdict {
    pub(super) fn new(
        sale: &Sale,
        speed: &RunResult,
        cut: &RunResult,
        lookup: &Lookup,
        stock: &Stock,
        audit: &Audit,
    ) -> Self {
        let sold = sale.orders().count() as u64;
        let units = FLASH_UNITS.unsigned_abs();
        let mut failures = sale.wrong.clone();
        let mut must = |right: bool, what: String| failures.extend((!right).then_some(what));
        must(sold == units, format!("{sold} buyers have an order for {units} units"));
        must(sale.untold() == 0, format!("{} buyers have no definite answer", sale.untold()));
        let taken = stock.flash_taken();
        must(taken == FLASH_UNITS, format!("the server says that {taken} units are taken"));
        let acknowledged = sold + (speed.acknowledged.len() + cut.acknowledged.len()) as u64;
        must(lookup.acknowledged == acknowledged, format!("of {acknowledged} numbers {} differ", lookup.acknowledged));
        must(lookup.is_complete(), format!("{} orders lost: {:?}", lookup.lost, lookup.named));
        must(speed.errors_total() == 0, format!("errors at full speed: {:?}", speed.errors));
        must(speed.counts.refused == 0, format!("{} refused from endless stock", speed.counts.refused));
        must(audit.orders >= acknowledged, format!("the store has {} orders", audit.orders));
        must(audit.clean, "the audit found mismatches".to_owned());
        let oversold = audit.oversold + stock.beyond() + sold.saturating_sub(units);
        must(oversold == 0, format!("{oversold} units oversold"));
        failures.extend(audit.evidence.iter().cloned());
        let latency = speed.accepted();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate is positive and far below 2^53"
        )]
        let orders_per_second = speed.accepted_per_second.round() as u64;
        Self {
            sold,
            refused: sale.refused(),
            repeated: sale.repeated,
            hung_up: sale.hung_up,
            acknowledged,
            stored: lookup.stored,
            lost: lookup.lost,
            oversold,
            audit: audit.word(),
            orders_per_second,
            p50_ms: latency.p50_ms,
            p99_ms: latency.p99_ms,
            failures,
        }
    }

    /// Whether everything agrees.
    pub(super) fn is_ok(&self) -> bool {
        self.failures.is_empty()
    }

    /// What is wrong, if anything, and the last line.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for failure in &self.failures {
            writeln!(text, "{failure}").expect("a String takes every text");
        }
        let Self { sold, refused, repeated, lost, oversold, audit, orders_per_second, .. } = self;
        let word = if self.is_ok() { "ok" } else { "FAILED" };
        writeln!(
            text,
            "DEMO {word} sold={sold} refused={refused} repeated={repeated} lost={lost} oversold={oversold} audit={audit} \
             orders_per_second={orders_per_second}"
        )
        .expect("a String takes every text");
        text
    }
}
