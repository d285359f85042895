//! Whether the demo is ok: the clients' answers, the server's own data and the audit must agree.

use std::fmt::Write as _;
use std::time::Duration;

use holdline_load::generator::RunResult;
use serde::Serialize;

use super::catalog::{FLASH_SKU, FLASH_UNITS, openings, price_minor};
use super::flash::Sale;
use super::paying::{Kind, Payer};
use crate::child::{Audit, CenterBooks, Client, Lookup, StockRow, Stop, stock};

/// Looks at the stock until it is at rest: 10 s in all, where the ledger follows within milliseconds.
const REST_LOOKS: u32 = 200;
/// Pause between two of them.
const REST_EVERY: Duration = Duration::from_millis(50);

/// The balances after all acts, with what each SKU was opened with.
pub(super) struct Stock(Vec<(String, i64, StockRow)>);

impl Stock {
    /// Asks the server, until its ledger has heard how every order of the flash sale ended: then none of its units is held.
    pub(super) fn at_rest(client: &mut Client, stop: &Stop) -> anyhow::Result<Self> {
        for _ in 0..REST_LOOKS {
            let stock = Self::read(client)?;
            if stock.0.iter().all(|(sku, _, row)| sku != FLASH_SKU || row.held == 0) {
                return Ok(stock);
            }
            stop.check()?;
            stop.pause(REST_EVERY);
        }
        Self::read(client)
    }

    fn read(client: &mut Client) -> anyhow::Result<Self> {
        let openings = openings();
        let skus: Vec<&str> = openings.iter().map(|(sku, _)| sku.as_str()).collect();
        let rows = stock(client, &skus)?;
        Ok(Self(openings.iter().zip(rows).map(|((sku, opening), row)| (sku.clone(), *opening, row)).collect()))
    }

    /// Units of the flash sale that are held or sold, and that are for sale.
    fn flash_units(&self) -> (i64, i64) {
        let flash = self.0.iter().filter(|(sku, ..)| sku == FLASH_SKU);
        flash.fold((0, 0), |(taken, left), (_, _, row)| (taken + row.held + row.allocated, left + row.available))
    }

    /// Units promised beyond what there is.
    fn beyond(&self) -> u64 {
        self.0.iter().map(|(_, _, row)| (-row.available).max(0).unsigned_abs()).sum()
    }
}

/// Orders, units and money in fen of one kind of buyers, or of all.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Row {
    orders: i64,
    sold: i64,
    back: i64,
    captured: i64,
    refunded: i64,
}

impl Row {
    fn of<'p>(payers: impl Iterator<Item = &'p Payer>) -> Self {
        payers.fold(Self::default(), |row, payer| Self {
            orders: row.orders + 1,
            sold: row.sold + i64::from(payer.end.is_sold),
            back: row.back + i64::from(!payer.end.is_sold),
            captured: row.captured + payer.end.captured,
            refunded: row.refunded + payer.end.refunded,
        })
    }

    fn kept(&self) -> i64 {
        self.captured - self.refunded
    }

    fn text(&self, words: &str) -> String {
        let Self { orders, sold, back, .. } = self;
        let (captured, refunded, kept) = (yuan(self.captured), yuan(self.refunded), yuan(self.kept()));
        format!("{words:<22}{orders:>8}{sold:>8}{back:>10}{captured:>14}{refunded:>14}{kept:>14}")
    }
}

/// Where the money of the flash sale is, counted three times.
#[derive(Clone, Debug)]
pub(super) struct Money {
    kinds: Vec<(&'static str, Row)>,
    all: Row,
    /// What buyers were told that they paid.
    told: i64,
    /// What those who keep their order owe.
    owed: i64,
    books: CenterBooks,
}

impl Money {
    /// By what the payers were told, by their orders' ends, and by the center's books.
    pub(super) fn new(payers: &[Payer], books: CenterBooks) -> Self {
        let kinds = Kind::ALL.map(|(kind, words)| (words, Row::of(payers.iter().filter(|payer| payer.kind == kind))));
        let keep = payers.iter().filter(|payer| matches!(payer.kind, Kind::Pays | Kind::PaysTwice)).count();
        Self {
            kinds: kinds.into(),
            all: Row::of(payers.iter()),
            told: payers.iter().map(|payer| payer.told).sum(),
            owed: price_minor(FLASH_SKU) * i64::try_from(keep).unwrap_or(i64::MAX),
            books,
        }
    }

    /// What does not agree.
    fn failures(&self, (taken, left): (i64, i64)) -> Vec<String> {
        let Self { all, told, owed, books, .. } = self;
        let counts = [
            ("units taken, by the server's stock", taken, "by its orders", all.sold),
            ("units for sale, by the server's stock", left, "by its orders", all.back),
            ("units", all.sold + all.back, "there were", FLASH_UNITS),
            ("captured, by the buyers", *told, "by the server", all.captured),
            ("captured, by the center", books.captured, "by the server", all.captured),
            ("refunded, by the center", books.refunded, "by the server", all.refunded),
            ("kept, by the buyers", *owed, "by the server", all.kept()),
        ];
        let differing = counts.into_iter().filter(|(_, one, _, other)| one != other);
        differing.map(|(what, one, whose, other)| format!("{what}: {one}, {whose}: {other}")).collect()
    }

    /// The table: one row per kind, then the sums.
    fn table(&self) -> String {
        let head = ["orders", "sold", "on shelf", "captured", "refunded", "kept"];
        let mut text = format!(
            "{:<22}{:>8}{:>8}{:>10}{:>14}{:>14}{:>14}\n",
            "CNY", head[0], head[1], head[2], head[3], head[4], head[5]
        );
        let mut line = |words: String| writeln!(text, "{words}").expect("a String takes every text");
        for (words, row) in &self.kinds {
            line(row.text(words));
        }
        line(self.all.text("all, by the server"));
        let (told, owed, books) = (self.told, self.owed, self.books);
        let others = [
            ("by the buyers", told, told - owed, owed),
            ("by the center's books", books.captured, books.refunded, books.captured - books.refunded),
        ];
        for (words, captured, refunded, kept) in others {
            line(format!("{words:<48}{:>14}{:>14}{:>14}", yuan(captured), yuan(refunded), yuan(kept)));
        }
        text
    }
}

/// Fen as yuan.
fn yuan(minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", (minor / 100).abs(), (minor % 100).abs())
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
    /// Money in fen, as the server says.
    pub(super) captured: i64,
    pub(super) refunded: i64,
    pub(super) kept: i64,
    #[serde(skip)]
    table: String,
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
        money: &Money,
    ) -> Self {
        let sold = sale.orders().count() as u64;
        let units = FLASH_UNITS.unsigned_abs();
        let mut failures = sale.wrong.clone();
        let mut must = |right: bool, what: String| failures.extend((!right).then_some(what));
        must(sold == units, format!("{sold} buyers have an order for {units} units"));
        must(sale.untold() == 0, format!("{} buyers have no definite answer", sale.untold()));
        let acknowledged = sold + (speed.acknowledged.len() + cut.acknowledged.len()) as u64;
        must(lookup.acknowledged == acknowledged, format!("of {acknowledged} numbers {} differ", lookup.acknowledged));
        must(lookup.is_complete(), format!("{} orders lost: {:?}", lookup.lost, lookup.named));
        must(speed.errors_total() == 0, format!("errors at full speed: {:?}", speed.errors));
        must(speed.counts.refused == 0, format!("{} refused from endless stock", speed.counts.refused));
        must(audit.orders >= acknowledged, format!("the store has {} orders", audit.orders));
        must(audit.clean, "the audit found mismatches".to_owned());
        let oversold = audit.oversold + stock.beyond() + sold.saturating_sub(units);
        must(oversold == 0, format!("{oversold} units oversold"));
        failures.extend(money.failures(stock.flash_units()));
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
            captured: money.all.captured,
            refunded: money.all.refunded,
            kept: money.all.kept(),
            table: money.table(),
            failures,
        }
    }

    /// Whether everything agrees.
    pub(super) fn is_ok(&self) -> bool {
        self.failures.is_empty()
    }

    /// Where units and money of the flash sale are, what is wrong, if anything, and the last line.
    pub(super) fn text(&self) -> String {
        let mut text = self.table.clone();
        for failure in &self.failures {
            writeln!(text, "{failure}").expect("a String takes every text");
        }
        let Self { sold, refused, repeated, lost, oversold, audit, orders_per_second, .. } = self;
        let (captured, refunded, kept) = (yuan(self.captured), yuan(self.refunded), yuan(self.kept));
        let word = if self.is_ok() { "ok" } else { "FAILED" };
        writeln!(
            text,
            "DEMO {word} sold={sold} refused={refused} repeated={repeated} lost={lost} oversold={oversold} audit={audit} \
             orders_per_second={orders_per_second} captured={captured} refunded={refunded} kept={kept}"
        )
        .expect("a String takes every text");
        text
    }
}
