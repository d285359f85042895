//! `import catalog`: sellers, SKUs and opening stock from a file.
//!
//! The whole file is judged before anything is written: one rejected line means that nothing is, unless `--keep-going`
//! leaves the rejected ones out. Then sellers are written, SKUs in transactions of 500, and opening stock. An import that
//! was interrupted is simply run again: what is stored already is left unchanged, and opening stock is brought once.

mod file;
mod target;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use holdline_domain::id::TenantName;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::ConfigArgs;
use crate::config::Config;
use file::{Catalog, Format, Rejected, Row};
use target::{Direct, Http, Opened, Target, Written};

/// SKUs of one transaction: what the API takes at once.
const SKUS_PER_BATCH: usize = 500;
/// Opening stocks on their way at once: they share the ledger's durable transactions.
const STOCK_UNDER_WAY_MAX: usize = 64;
/// Rejected lines shown; the rest are counted.
const REJECTED_SHOWN_MAX: usize = 100;

const COLUMNS: &str = "\
Columns (CSV, with a header line) or members (JSON lines):
  seller           the seller's id; required
  seller_name      its name; needed in one line for a seller that does not exist yet
  sku              the SKU's code, up to 64 bytes, case is kept; required, each once
  title            for people, up to 512 bytes; required
  price_minor      unit price in minor units (cents, fen): 990 is 9.90; required
  currency         ISO 4217: CNY, EUR, GBP; required
  on_shelf         true or false: whether it is for sale [default: true]
  quota_per_buyer  the most units that one buyer may ever buy [default: any number]
  source_version   counts changes at the source: an older one than stored changes nothing
  stock            opening stock in units, brought once; later imports leave stock alone

Status: 0 all lines are written; 1 lines were rejected; 2 the import could not be done.

Examples:
  holdline import catalog skus.csv --target http://127.0.0.1:7070 --key hl_…
  holdline import catalog skus.jsonl --data ./holdline-data --tenant mall --keep-going";

/// Write sellers, SKUs and opening stock from CSV or JSON lines.
///
/// Everything is checked first: one rejected line and nothing is written, unless --keep-going leaves the rejected ones
/// out. With --target it goes to a running server, otherwise straight into a store that is not being served.
#[derive(Args)]
#[command(after_help = COLUMNS)]
pub(crate) struct CatalogArgs {
    /// The file
    file: PathBuf,
    /// How it is written [default: by the file's name]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write the good lines although others are rejected
    #[arg(long)]
    keep_going: bool,
    /// A running server: http://HOST:PORT
    #[arg(long, value_name = "URL", requires = "key")]
    target: Option<String>,
    /// A key of scope admin, for --target
    #[arg(long, value_name = "SECRET", env = "HOLDLINE_KEY", hide_env_values = true)]
    key: Option<String>,
    /// The tenant, without --target [default: the only one]
    #[arg(long, value_parser = TenantName::try_new, conflicts_with = "target")]
    tenant: Option<TenantName>,
    #[command(flatten)]
    config: ConfigArgs,
}

/// What was written.
#[derive(Debug, Default)]
struct Sums {
    sellers: usize,
    stored: usize,
    unchanged: usize,
    older: usize,
    stock_added: usize,
    stock_already: usize,
    stock_other: usize,
}

pub(crate) async fn run(args: CatalogArgs) -> anyhow::Result<ExitCode> {
    let format = args.format.map_or_else(|| Format::of(&args.file), Ok)?;
    let mut catalog = Catalog::read(&args.file, format)?;
    if !catalog.rejected.is_empty() && !args.keep_going {
        return Ok(refuse(&catalog.rejected));
    }
    let target = match (&args.target, &args.key) {
        (Some(url), Some(key)) => Target::Http(Http::new(url, key)?),
        _ => Target::Direct(Direct::open(&Config::load(&args.config, Vec::new())?, args.tenant.as_ref()).await?),
    };
    let outcome = import(&mut catalog, &target, args.keep_going).await;
    target.close().await;
    let Some(sums) = outcome? else { return Ok(refuse(&catalog.rejected)) };
    show_rejected(&catalog.rejected);
    crate::print(&summary(&sums, catalog.rejected.len()))?;
    Ok(if catalog.rejected.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes what can be written; `None` if a line is rejected and none shall be written then.
async fn import(catalog: &mut Catalog, target: &Target, keep_going: bool) -> anyhow::Result<Option<Sums>> {
    let mut unknown = HashSet::new();
    for seller in catalog.unnamed() {
        if !target.has_seller(&seller).await? {
            unknown.insert(seller);
        }
    }
    catalog.reject_unknown(&unknown);
    if !catalog.rejected.is_empty() && !keep_going {
        return Ok(None);
    }
    write(catalog, target).await.map(Some).context("stopped; run it again to go on, what is stored is left unchanged")
}

async fn write(catalog: &Catalog, target: &Target) -> anyhow::Result<Sums> {
    let mut sums = Sums { sellers: catalog.names.len(), ..Sums::default() };
    for (seller, name) in &catalog.names {
        target.put_seller(seller, name).await?;
    }
    let stocked: Vec<(&Row, i64)> = catalog.rows.iter().filter_map(|row| Some((row, row.opening_stock?))).collect();
    let bar = progress_bar(catalog.rows.len() + stocked.len());
    for rows in catalog.rows.chunks(SKUS_PER_BATCH) {
        let written = target.put_skus(rows.iter().map(|row| row.draft.clone()).collect()).await?;
        anyhow::ensure!(written.len() == rows.len(), "the server answered {} of {} SKUs", written.len(), rows.len());
        for (row, written) in rows.iter().zip(written) {
            match written {
                Written::Stored => sums.stored += 1,
                Written::Unchanged => sums.unchanged += 1,
                Written::Older => sums.older += 1,
                // Sellers are never removed, so this one was there a moment ago.
                Written::UnknownSeller => anyhow::bail!("line {}: its seller is gone", row.line),
            }
        }
        bar.inc(rows.len() as u64);
    }
    let opened = stream::iter(stocked).map(|(row, units)| target.open_stock(&row.draft.code, units));
    let mut opened = opened.buffer_unordered(STOCK_UNDER_WAY_MAX);
    while let Some(opened) = opened.try_next().await? {
        match opened {
            Opened::Added => sums.stock_added += 1,
            Opened::Already => sums.stock_already += 1,
            Opened::Other => sums.stock_other += 1,
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(sums)
}

/// Nothing is written: says why.
fn refuse(rejected: &[Rejected]) -> ExitCode {
    show_rejected(rejected);
    let lines = if rejected.len() == 1 { "1 line is" } else { &format!("{} lines are", rejected.len()) };
    eprintln!("{lines} rejected, nothing is written; --keep-going writes the others");
    ExitCode::FAILURE
}

fn show_rejected(rejected: &[Rejected]) {
    for Rejected { line, reason } in rejected.iter().take(REJECTED_SHOWN_MAX) {
        eprintln!("line {line}: {reason}");
    }
    if rejected.len() > REJECTED_SHOWN_MAX {
        eprintln!("… and {} more", rejected.len() - REJECTED_SHOWN_MAX);
    }
}

fn summary(sums: &Sums, rejected: usize) -> String {
    let Sums { sellers, stored, unchanged, older, stock_added, stock_already, stock_other } = sums;
    let mut text = format!(
        "sellers {sellers}; SKUs stored {stored}, unchanged {unchanged}, older than stored {older}; opening stock added \
         {stock_added}, there before {stock_already}; lines rejected {rejected}\n"
    );
    if *stock_other > 0 {
        // A String takes every text.
        let _ = writeln!(
            text,
            "{stock_other} SKUs had another opening stock before, which stays: change stock with adjustments"
        );
    }
    text
}

/// On a terminal only.
fn progress_bar(steps: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} [{bar:32}] {pos}/{len} {elapsed}")
        .expect("the template is a constant that parses");
    ProgressBar::new(steps as u64).with_style(style).with_message("writing")
}
