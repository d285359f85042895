//! The file, read as a whole before anything is sent: a line that cannot be understood stops the import by its number.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

use super::stock_factor::StockFactor;
use crate::child::{SellerRow, Shop, SkuRow};

/// The currency of the file.
pub(super) const CURRENCY: &str = "GBP";
/// Most lines of a file: everything is kept in memory. The whole data set has half a million.
const LINES_MAX: usize = 2_000_000;

/// A line as it stands in the file.
#[derive(Debug, Deserialize)]
struct Row {
    #[serde(rename = "InvoiceNo")]
    invoice: String,
    #[serde(rename = "StockCode")]
    code: String,
    #[serde(rename = "Description")]
    description: String,
    #[serde(rename = "Quantity")]
    quantity: i64,
    #[serde(rename = "UnitPrice")]
    unit_price: String,
    #[serde(rename = "CustomerID")]
    customer: String,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Sold at a price.
    Sold,
    /// Taken off the stock.
    WrittenOff,
    /// Part of a cancellation.
    Cancelled,
}

/// A line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InvoiceLine {
    /// Its place in the file, the header being 1.
    pub(super) number: u64,
    pub(super) kind: Kind,
    pub(super) code: String,
    pub(super) title: String,
    /// Units, positive.
    pub(super) units: i64,
    /// The price of one unit, in pence.
    pub(super) price_minor: i64,
}

/// Consecutive lines of one invoice.
#[derive(Clone, Debug)]
pub(super) struct Invoice {
    pub(super) number: String,
    pub(super) buyer: String,
    pub(super) lines: Vec<InvoiceLine>,
}

impl Invoice {
    /// Its sold lines, in the order of its submit.
    pub(super) fn sold(&self) -> impl Iterator<Item = &InvoiceLine> {
        self.lines.iter().filter(|line| line.kind == Kind::Sold)
    }
}

/// The file's invoices in its order.
#[derive(Clone, Debug)]
pub(super) struct Invoices {
    pub(super) invoices: Vec<Invoice>,
    /// Lines in all, without the header.
    pub(super) lines: u64,
}

impl Invoices {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path);
        let reader = reader.with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(reader).with_context(|| format!("{} cannot be replayed", path.display()))
    }

    fn parse<R: std::io::Read>(mut reader: csv::Reader<R>) -> anyhow::Result<Self> {
        let headers = reader.headers()?.iter().map(|name| name.trim_start_matches('\u{feff}')).collect();
        let mut invoices: Vec<Invoice> = Vec::new();
        let mut lines = 0;
        for record in reader.records() {
            let record = record?;
            // The header is line 1; quoted line breaks do not count.
            let number = lines as u64 + 2;
            let row: Row = record.deserialize(Some(&headers)).with_context(|| format!("line {number}"))?;
            lines += 1;
            ensure!(lines <= LINES_MAX, "it has more than {LINES_MAX} lines");
            let line = understand(&row, number).with_context(|| format!("line {number}"))?;
            match invoices.last_mut() {
                Some(invoice) if invoice.number == row.invoice => invoice.lines.push(line),
                _ => invoices.push(Invoice { buyer: buyer(&row), number: row.invoice, lines: vec![line] }),
            }
        }
        ensure!(lines > 0, "it has no lines");
        let mut numbers: Vec<&str> = invoices.iter().map(|invoice| invoice.number.as_str()).collect();
        numbers.sort_unstable();
        if let Some([twice, _]) = numbers.array_windows().find(|[one, next]| one == next) {
            bail!("the lines of invoice {twice} do not stand together");
        }
        Ok(Self { invoices, lines: lines as u64 })
    }

    /// Every line.
    pub(super) fn all_lines(&self) -> impl Iterator<Item = &InvoiceLine> {
        self.invoices.iter().flat_map(|invoice| &invoice.lines)
    }

    /// Units that the file takes from the stock of each code, 0 for codes that only cancellations name.
    pub(super) fn units_taken(&self) -> BTreeMap<&str, i64> {
        let mut units = BTreeMap::new();
        for line in self.all_lines() {
            let taken: &mut i64 = units.entry(line.code.as_str()).or_default();
            if line.kind != Kind::Cancelled {
                *taken += line.units;
            }
        }
        units
    }

    /// Catalog and opening stock. A code's title and price in the catalog are those of its first line.
    pub(super) fn shop(&self, factor: StockFactor) -> anyhow::Result<Shop> {
        let taken = self.units_taken();
        let mut skus: BTreeMap<&str, SkuRow> = BTreeMap::new();
        for line in self.all_lines() {
            if skus.contains_key(line.code.as_str()) {
                continue;
            }
            let opening = factor.of(taken[line.code.as_str()]).context("an opening stock beyond 64 bits")?;
            let row = SkuRow {
                code: line.code.clone(),
                seller: seller(&line.code),
                title: line.title.clone(),
                price_minor: line.price_minor,
                currency: CURRENCY,
                quota_per_buyer: None,
                opening,
            };
            skus.insert(&line.code, row);
        }
        let mut sellers: Vec<String> = skus.values().map(|sku| sku.seller.clone()).collect();
        sellers.sort_unstable();
        sellers.dedup();
        let sellers = sellers.into_iter().map(|id| SellerRow { name: format!("Codes {id}"), id }).collect();
        Ok(Shop { sellers, skus: skus.into_values().collect() })
    }
}

fn understand(row: &Row, number: u64) -> anyhow::Result<InvoiceLine> {
    ensure!(!row.invoice.is_empty() && !row.code.is_empty(), "InvoiceNo or StockCode is empty");
    let price_minor = pence(&row.unit_price)?;
    let kind = match (row.invoice.starts_with('C'), row.quantity) {
        (_, 0) => bail!("Quantity is 0"),
        (true, _) => Kind::Cancelled,
        (false, 1..) => Kind::Sold,
        (false, _) if price_minor == 0 => Kind::WrittenOff,
        (false, _) => bail!("a negative Quantity with a price, outside of a cancellation"),
    };
    let title = if row.description.is_empty() { &row.code } else { &row.description };
    let units = row.quantity.checked_abs().context("Quantity is too large")?;
    Ok(InvoiceLine { number, kind, code: row.code.clone(), title: title.clone(), units, price_minor })
}

fn buyer(row: &Row) -> String {
    if row.customer.is_empty() { format!("guest-{}", row.invoice) } else { row.customer.clone() }
}

/// Who sells a code.
pub(super) fn seller(code: &str) -> String {
    match code.chars().next() {
        Some(first) if first.is_ascii_digit() => first.to_string(),
        _ => "misc".to_owned(),
    }
}

/// A price in pounds as exact pence. Digits after the second must be zeros: a part of a penny is an error.
fn pence(text: &str) -> anyhow::Result<i64> {
    let (pounds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    ensure!(!pounds.is_empty() && digits(pounds) && digits(fraction), "UnitPrice {text} is not a decimal of 0 or more");
    let (pence, rest) = fraction.split_at(fraction.len().min(2));
    ensure!(rest.bytes().all(|byte| byte == b'0'), "UnitPrice {text} has a part of a penny");
    let pounds: i64 = pounds.parse().with_context(|| format!("UnitPrice {text} is too large"))?;
    let pence: i64 = format!("{pence:0<2}").parse()?;
    pounds.checked_mul(100).and_then(|minor| minor.checked_add(pence)).context("UnitPrice is too large")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str =
        "\u{feff}InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\r\n";

    fn parse(lines: &str) -> anyhow::Result<Invoices> {
        let text = format!("{HEADER}{lines}");
        Invoices::parse(csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes()))
    }

    #[test]
    fn prices_are_exact_pence() {
        for (text, minor) in [("2.55", 255), ("0", 0), ("4.5", 450), ("887.520", 88_752), ("12", 1_200)] {
            assert_eq!(pence(text).unwrap(), minor, "{text}");
        }
        for text in ["0.001", "-1", "1,5", "", ".5", "1e2", "99999999999999999999"] {
            assert!(pence(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lines_are_told_apart() {
        let file = "1,85123a,MUG,2,1/12/2010,2.55,17850,UK\r\n1,85123a,MUG,1,1/12/2010,2.55,17850,UK\r\n\
                    2,POST,,1,1/12/2010,18,,UK\r\n3,22139,?,-5,1/12/2010,0,,UK\r\nC4,D,Discount,-1,1/12/2010,27.5,1,UK\r\n";
        let invoices = parse(file).unwrap();
        assert_eq!((invoices.lines, invoices.invoices.len()), (5, 4));
        let kinds: Vec<_> = invoices.all_lines().map(|line| line.kind).collect();
        assert_eq!(kinds, [Kind::Sold, Kind::Sold, Kind::Sold, Kind::WrittenOff, Kind::Cancelled]);
        assert_eq!(
            (invoices.invoices[1].buyer.as_str(), invoices.invoices[1].lines[0].title.as_str()),
            ("guest-2", "POST")
        );
        let taken = invoices.units_taken();
        assert_eq!((taken["85123a"], taken["22139"], taken["D"]), (3, 5, 0));
        let shop = invoices.shop("0.5".parse().unwrap()).unwrap();
        assert_eq!(shop.sellers.iter().map(|seller| seller.id.as_str()).collect::<Vec<_>>(), ["2", "8", "misc"]);
        assert_eq!(shop.skus.iter().find(|sku| sku.code == "85123a").unwrap().opening, 1);
    }

    #[test]
    fn a_line_that_makes_no_sense_is_named() {
        for (line, reason) in [
            ("1,a,x,-1,d,2.55,1,UK", "negative Quantity"),
            ("1,a,x,0,d,2.55,1,UK", "Quantity is 0"),
            ("1,a,x,1,d,0.005,1,UK", "part of a penny"),
            ("1,,x,1,d,1,1,UK", "StockCode is empty"),
        ] {
            let error = format!("{:#}", parse(line).unwrap_err());
            assert!(error.contains(reason) && error.contains("line 2"), "{error}");
        }
        let apart = parse("1,a,x,1,d,1,1,UK\r\n2,a,x,1,d,1,1,UK\r\n1,a,x,1,d,1,1,UK\r\n").unwrap_err();
        assert!(apart.to_string().contains("do not stand together"));
    }

    proptest::proptest! {
        /// A file from outside is read, or refused with words; it never ends the program.
        #[test]
        fn any_bytes_are_read_or_refused(
            number in "-?[0-9]{0,25}(\\.[0-9]{0,25})?",
            units in "-?[0-9]{0,22}",
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80),
        ) {
            let header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";
            let line = format!("1,A,cup,{units},d,{number},7,UK\n");
            for text in [header.as_bytes(), b""] {
                let bytes = [text, line.as_bytes(), &bytes].concat();
                let reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes.as_slice());
                if let Ok(invoices) = Invoices::parse(reader) {
                    let _ = invoices.units_taken();
                }
            }
        }
    }
}
