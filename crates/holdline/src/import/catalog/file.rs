//! The file of a catalog import: its columns, and every line judged before anything is written.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use anyhow::{Context as _, bail};
use holdline_domain::catalog::{SkuDraft, check_title};
use holdline_domain::id::{InvalidField, Quantity, SellerId, SkuCode};
use holdline_domain::money::{Currency, Minor};
use serde::Deserialize;

/// The most units that a line may bring: a thousand of the largest order quantities.
const STOCK_MAX: i64 = 1_000_000_000_000;

/// One line as it is written. CSV has a header line with these names, in any order; an empty field is an absent one. In
/// JSON lines each line is one object of these members.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    seller: String,
    /// The seller's name; needed once for a seller that does not exist yet.
    seller_name: Option<String>,
    sku: String,
    title: String,
    price_minor: i64,
    currency: String,
    /// Absent: for sale.
    on_shelf: Option<bool>,
    /// Absent: any number.
    quota_per_buyer: Option<i64>,
    /// Absent: the file always wins.
    source_version: Option<i64>,
    /// The opening stock; absent: none.
    stock: Option<i64>,
}

/// A line that can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Its line in the file.
    pub(super) line: u64,
    pub(super) draft: SkuDraft,
    pub(super) opening_stock: Option<i64>,
}

/// A line that cannot, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rejected {
    pub(super) line: u64,
    pub(super) reason: String,
}

/// A file as read.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    pub(super) rows: Vec<Row>,
    /// The name of each seller that the file names.
    pub(super) names: HashMap<SellerId, String>,
    pub(super) rejected: Vec<Rejected>,
    seen: HashSet<SkuCode>,
}

/// How the lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// Comma-separated with a header line
    Csv,
    /// One JSON object per line
    Jsonl,
}

impl Format {
    /// What the file's name says.
    pub(super) fn of(path: &Path) -> anyhow::Result<Self> {
        match path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("csv") => Ok(Self::Csv),
            Some("jsonl" | "ndjson") => Ok(Self::Jsonl),
            _ => bail!("cannot tell the format of {}: say --format csv or --format jsonl", path.display()),
        }
    }
}

impl Catalog {
    /// Reads and judges every line.
    pub(super) fn read(path: &Path, format: Format) -> anyhow::Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        // Spreadsheets put a byte order mark in front.
        let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&text);
        let mut catalog = Self::default();
        match format {
            Format::Csv => catalog.read_csv(text).with_context(|| path.display().to_string())?,
            Format::Jsonl => catalog.read_json_lines(text),
        }
        Ok(catalog)
    }

    fn read_csv(&mut self, text: &[u8]) -> anyhow::Result<()> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
        let headers = reader.headers().context("the header line")?.clone();
        for needed in ["seller", "sku", "title", "price_minor", "currency"] {
            if !headers.iter().any(|header| header == needed) {
                bail!("the header line has no column {needed}");
            }
        }
        for record in reader.records() {
            match record {
                Ok(record) => {
                    let line = record.position().map_or(0, csv::Position::line);
                    let parsed = record.deserialize(Some(&headers)).map_err(|error| csv_reason(&error, &headers));
                    self.take(line, parsed);
                }
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    self.take(line, Err(csv_reason(&error, &headers)));
                }
            }
        }
        Ok(())
    }

    fn read_json_lines(&mut self, text: &[u8]) {
        for (text, line) in text.split(|byte| *byte == b'\n').zip(1..) {
            // What serde says of its column would be of the line; the line is named already.
            if !text.trim_ascii().is_empty() {
                self.take(line, serde_json::from_slice(text).map_err(|error| error.to_string()));
            }
        }
    }

    fn take(&mut self, line: u64, parsed: Result<Line, String>) {
        let judged = parsed.and_then(|parsed| self.judge(line, parsed));
        match judged {
            Ok(row) => self.rows.push(row),
            Err(reason) => self.rejected.push(Rejected { line, reason }),
        }
    }

    fn judge(&mut self, line: u64, parsed: Line) -> Result<Row, String> {
        let row = row(line, &parsed).map_err(|invalid| invalid.to_string())?;
        let seller = &row.draft.seller;
        let name = parsed.seller_name.filter(|name| !name.is_empty());
        if let Some(name) = &name {
            check_title("seller_name", name).map_err(|invalid| invalid.to_string())?;
            if let Some(other) = self.names.get(seller).filter(|other| *other != name) {
                return Err(format!("seller_name: an earlier line calls {seller} \"{other}\""));
            }
        }
        if !self.seen.insert(row.draft.code.clone()) {
            return Err(format!("sku: an earlier line has {} already", row.draft.code));
        }
        if let Some(name) = name {
            self.names.entry(seller.clone()).or_insert(name);
        }
        Ok(row)
    }

    /// Sellers that lines need and none names: they must exist.
    pub(super) fn unnamed(&self) -> HashSet<SellerId> {
        let sellers = self.rows.iter().map(|row| &row.draft.seller);
        sellers.filter(|seller| !self.names.contains_key(seller)).cloned().collect()
    }

    /// Rejects the lines of sellers that do not exist.
    pub(super) fn reject_unknown(&mut self, unknown: &HashSet<SellerId>) {
        let rows = std::mem::take(&mut self.rows);
        let (bad, good) = rows.into_iter().partition(|row: &Row| unknown.contains(&row.draft.seller));
        self.rows = good;
        self.rejected.extend(bad.into_iter().map(|row| Rejected {
            line: row.line,
            reason: format!("seller: {} does not exist, and no line has its seller_name", row.draft.seller),
        }));
        self.rejected.sort_by_key(|rejected| rejected.line);
    }
}

fn row(line: u64, parsed: &Line) -> Result<Row, InvalidField> {
    let code = SkuCode::try_new(&parsed.sku)?;
    let seller = SellerId::try_new(&parsed.seller)?;
    check_title("title", &parsed.title)?;
    let price = Minor::try_new("price_minor", parsed.price_minor)?;
    let currency = Currency::try_new(&parsed.currency)?;
    if let Some(quota) = parsed.quota_per_buyer {
        Quantity::try_new(quota).map_err(|invalid| invalid.at("quota_per_buyer"))?;
    }
    if let Some(stock) = parsed.stock.filter(|stock| !(0..=STOCK_MAX).contains(stock)) {
        use holdline_domain::id::InvalidCode::OutOfRange;
        return Err(InvalidField::new("stock", OutOfRange, format!("must be 0 to {STOCK_MAX}, is {stock}")));
    }
    let draft = SkuDraft {
        code,
        seller,
        title: parsed.title.clone(),
        price,
        currency,
        on_shelf: parsed.on_shelf.unwrap_or(true),
        quota_per_buyer: parsed.quota_per_buyer,
        source_version: parsed.source_version,
    };
    Ok(Row { line, draft, opening_stock: parsed.stock.filter(|stock| *stock > 0) })
}

/// What is wrong with a CSV line, without the line number that is told anyway.
fn csv_reason(error: &csv::Error, headers: &csv::StringRecord) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => {
            let field = err.field().and_then(|field| headers.get(usize::try_from(field).ok()?));
            field.map_or_else(|| err.kind().to_string(), |field| format!("{field}: {}", err.kind()))
        }
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("has {len} fields, the header line has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(text: &str) -> Catalog {
        let mut catalog = Catalog::default();
        catalog.read_csv(text.as_bytes()).unwrap();
        catalog
    }

    fn reasons(catalog: &Catalog) -> Vec<(u64, &str)> {
        catalog.rejected.iter().map(|rejected| (rejected.line, rejected.reason.as_str())).collect()
    }

    #[test]
    fn reads_csv_and_json_lines_alike() {
        let from_csv =
            csv("sku,seller,seller_name,title,price_minor,currency,stock\na,s,Shop,\"Tea, 100 g\",990,CNY,5\n");
        let mut from_json = Catalog::default();
        let json = r#"{"sku":"a","seller":"s","seller_name":"Shop","title":"Tea, 100 g","price_minor":990,
                       "currency":"CNY","stock":5}"#
            .replace('\n', " ");
        from_json.read_json_lines(format!("\n{json}\n").as_bytes());
        assert_eq!(from_csv.rows, from_json.rows);
        assert_eq!(from_csv.rows[0].line, 2);
        assert_eq!(from_csv.rows[0].opening_stock, Some(5));
        assert!(from_csv.rows[0].draft.on_shelf && from_csv.names == from_json.names);
    }

    #[test]
    fn rejects_lines_with_their_number_and_reason() {
        let catalog = csv("seller,seller_name,sku,title,price_minor,currency,on_shelf\n\
                           s,Shop,a,Tea,990,CNY,\n\
                           s,,b,Tea,9.90,CNY,\n\
                           s,,a,Tea,990,CNY,\n\
                           s,,c,,990,CNY,true\n\
                           s,,d,Tea,990,yuan,true\n\
                           s,Other,e,Tea,990,CNY,true\n\
                           s,,f,Tea\n");
        assert_eq!(catalog.rows.len(), 1);
        assert_eq!(
            reasons(&catalog),
            [
                (3, "price_minor: invalid digit found in string"),
                (4, "sku: an earlier line has a already"),
                (5, "title: must not be empty"),
                (6, "currency: must be three upper-case letters"),
                (7, "seller_name: an earlier line calls s \"Shop\""),
                (8, "has 4 fields, the header line has 7"),
            ]
        );
    }

    #[test]
    fn sellers_without_a_name_must_exist() {
        let mut catalog = csv("seller,seller_name,sku,title,price_minor,currency\n\
                               known,,a,Tea,1,CNY\nnew,,b,Tea,1,CNY\nnamed,N,c,Tea,1,CNY\n");
        assert_eq!(catalog.unnamed().len(), 2);
        catalog.reject_unknown(&HashSet::from([SellerId::try_new("new").unwrap()]));
        assert_eq!(catalog.rows.len(), 2);
        assert_eq!(reasons(&catalog), [(3, "seller: new does not exist, and no line has its seller_name")]);
    }

    #[test]
    fn a_missing_or_unknown_column_is_told_before_any_line() {
        let mut catalog = Catalog::default();
        assert!(catalog.read_csv(b"seller,sku,title,currency\n").unwrap_err().to_string().contains("price_minor"));
        catalog.read_json_lines(br#"{"sku":"a","colour":"red"}"#);
        assert!(catalog.rejected[0].reason.contains("unknown field `colour`"));
    }

    proptest::proptest! {
        /// A file from outside is read, or rejected with words; it never ends the program.
        #[test]
        fn any_bytes_are_read_or_rejected(
            text in "(seller,sku,title,price_minor,currency\n)?([s,A\"{}:0-9\n\\-]|CNY|é){0,80}",
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80),
        ) {
            let bytes = [text.as_bytes(), &bytes].concat();
            let _ = Catalog::default().read_csv(&bytes);
            Catalog::default().read_json_lines(&bytes);
        }
    }
}
