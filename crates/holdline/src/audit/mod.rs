//! `holdline audit`: an independent judge of a store.
//!
//! It has its own SQL and its own reading of the schema, and calls nothing of the code that writes stores: a mistake
//! there cannot hide here. It reads a store at rest as well as one that is being written.
//!
//! Ledger and orders are two databases, so a live audit cannot see both at one instant. It reads in an order that
//! explains every difference: first how far settlement has come and where the feed ends, then the state of the ledger,
//! then the state of the orders. Causes come before effects: a hold is taken before its order is written, and a part is
//! sold or given back after the order said so. What was under way meanwhile is told by sequence numbers, never by
//! clocks, and is counted as left out.
//!
//! Deliberately absent: repair, and anything that writes.

mod accounts;
mod balances;
mod callbacks;
mod closings;
mod goods;
mod group_rows;
mod groups;
mod holds;
mod movement;
mod number;
mod order_faults;
mod order_hold;
mod orders;
mod outside;
mod payments;
mod promises;
mod references;
mod report;
mod rows;
mod source;
mod stored;
mod transfer;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use accounts::Accounts;
use balances::{Balances, Head, Quotas};
use closings::Closings;
use groups::{Horizon, Judge};
use report::{Aside, Check, Counts};
pub(crate) use report::{LeftOut, Report};
use source::{Source, statement};

/// The exit status of a store that breaks a rule.
const MISMATCH: u8 = 1;
/// The exit status of a store that could not be judged.
const NOT_JUDGED: u8 = 2;

/// Where the setting `store.database_url` may stand, so that no password is in the list of processes.
const URL_VARIABLE: &str = "HOLDLINE_STORE__DATABASE_URL";
/// The default of the setting `store.data`.
const DATA_DEFAULT: &str = "holdline-data";

/// Proves a store from its own rows: balances from movements, holds from orders, nothing oversold, nothing lost.
///
/// Exit status: 0 clean, 1 mismatch (with the evidence), 2 could not judge.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The data directory of an embedded store; a server may be running on it [default: holdline-data]
    #[arg(long, value_name = "DIR", conflicts_with = "database_url")]
    data: Option<PathBuf>,
    /// The PostgreSQL of a store. Others on this machine can read flags: better set `HOLDLINE_STORE__DATABASE_URL`
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Prove from the first movement, and every closing; without it, the audit starts from the last daily closing.
    #[arg(long)]
    full: bool,
    /// Print one JSON document instead of text.
    #[arg(long)]
    json: bool,
    /// How old a hold without an order must be before it counts: not less than the server's own setting.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    orphan_after: Duration,
}

/// When a tenant's stock is sold; `None` for a tenant that does not exist.
type CommitOn = BTreeMap<i64, String>;

/// Which store.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    /// SQLite files in this directory.
    Embedded(PathBuf),
    /// PostgreSQL at this URL.
    Postgres(String),
}

/// Runs the command.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { data, database_url, full, json, orphan_after } = args;
    let store = match (data, database_url.or_else(|| std::env::var(URL_VARIABLE).ok())) {
        (Some(directory), _) => Store::Embedded(directory),
        (None, Some(url)) => Store::Postgres(url),
        (None, None) => Store::Embedded(PathBuf::from(DATA_DEFAULT)),
    };
    match audit(store, full, orphan_after).await {
        Ok(report) => {
            crate::print(&if json { format!("{}\n", serde_json::to_string(&report)?) } else { report.to_text() })?;
            Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(MISMATCH) })
        }
        Err(error) => {
            let reason = format!("{error:#}");
            let document = || serde_json::json!({ "status": "not_judged", "reason": reason });
            crate::print(&if json { format!("{}\n", document()) } else { format!("AUDIT not_judged: {reason}\n") })?;
            Ok(ExitCode::from(NOT_JUDGED))
        }
    }
}

/// Judges a store. An error means that it could not be judged.
pub(crate) async fn audit(store: Store, full: bool, orphan_after: Duration) -> anyhow::Result<Report> {
    let (ledger, orders) = match &store {
        Store::Embedded(directory) => {
            (Source::open_sqlite(directory, "ledger")?, Source::open_sqlite(directory, "orders")?)
        }
        Store::Postgres(url) => {
            (Source::connect_postgres(url, "ledger").await?, Source::connect_postgres(url, "orders").await?)
        }
    };
    let orphan_after_ms = i64::try_from(orphan_after.as_millis()).unwrap_or(i64::MAX);
    tokio::task::spawn_blocking(move || judge(&ledger, &orders, full, orphan_after_ms))
        .await
        .context("the audit panicked")?
}

/// What the two databases said of themselves, read in the order that the module's head explains.
struct Frozen {
    ledger: Head,
    orders: FeedHead,
    horizon: Horizon,
}

/// What the feed's head says.
#[derive(Debug, Clone, Copy)]
struct FeedHead {
    next_seq: i64,
    last_ms: i64,
    /// How far the ledger has followed.
    settled_seq: i64,
}

fn judge(ledger: &Source, orders: &Source, full: bool, orphan_after_ms: i64) -> anyhow::Result<Report> {
    let began = Instant::now();
    let frozen = freeze(ledger, orders, orphan_after_ms)?;
    let mut left_out = LeftOut::default();
    let quotas = read_quotas(orders)?;
    let commit_on = read_commit_on(orders)?;
    let accounts = Accounts::read(ledger)?;
    let mut closings = Closings::read(ledger, frozen.ledger.next_seq)?;
    let closed_seq = if full { 0 } else { closings.closed_seq() };
    // The two databases by themselves, side by side; then the one against the other.
    let (of_ledger, of_orders) = std::thread::scope(|scope| {
        let of_orders = scope.spawn(|| orders::judge(orders, frozen.orders.next_seq, commit_on.len()));
        let from = (frozen.ledger, closed_seq);
        let of_ledger = judge_ledger(ledger, from, (&accounts, &quotas), &mut closings, &mut left_out);
        (of_ledger, of_orders.join())
    });
    let LedgerChecks { balances, hold, reference, holds, movements } = of_ledger?;
    let (of_orders, order_count) = of_orders.map_err(|_| anyhow::anyhow!("the audit of the orders panicked"))??;
    let both = Judge {
        ledger,
        orders,
        accounts: &accounts,
        commit_on: &commit_on,
        open_holds: frozen.ledger.open_holds,
        horizon: frozen.horizon,
    };
    let groups = both.run(&mut left_out)?;
    let checks = balances.into_checks().into_iter().chain([closings.check, hold, reference]);
    let promises = promises::judge(orders, frozen.horizon.newest_ms)?;
    let checks = checks.chain(of_orders.into_checks()).chain(groups.into_checks());
    let mut payments = payments::judge(orders)?;
    let mut aside = Aside { money: std::mem::take(&mut payments.money), ..Aside::default() };
    let callback = callbacks::judge(orders, &mut aside.notes)?;
    let parked = orders.rows(statement!("parked_event"), &[])?.only(|row| row.int(0))?;
    aside.notes.parked_events = u64::try_from(parked)?;
    let checks = checks.chain(payments.into_checks()).chain([callback, outside::judge(ledger)?, promises]).collect();
    let counts = Counts { orders: order_count, holds, movements, closed_seq };
    Ok(Report::new(checks, left_out, aside, counts, began.elapsed()))
}

struct LedgerChecks {
    balances: Balances,
    hold: Check,
    reference: Check,
    holds: u64,
    movements: u64,
}

fn judge_ledger(
    ledger: &Source,
    (head, after): (Head, i64),
    (accounts, quotas): (&Accounts, &Quotas),
    closings: &mut Closings,
    left_out: &mut LeftOut,
) -> anyhow::Result<LedgerChecks> {
    let (balances, movements) = balances::judge(ledger, (head, after), (accounts, quotas), closings, left_out)?;
    closings.compare();
    if after == 0 {
        closings.prove(ledger, accounts)?;
    }
    let (hold, holds) = holds::judge(ledger, accounts, after)?;
    let reference = references::judge(ledger, accounts, after)?;
    Ok(LedgerChecks { balances, hold, reference, holds, movements })
}

fn freeze(ledger: &Source, orders: &Source, orphan_after_ms: i64) -> anyhow::Result<Frozen> {
    check_schema(ledger)?;
    check_schema(orders)?;
    let before = read_feed_head(orders)?;
    ledger.freeze()?;
    orders.freeze()?;
    let head = ledger.rows(statement!("ledger_head"), &[])?.only(|row| {
        let (next_seq, next_account_no) = (row.int(0)?, row.int(1)?);
        Ok(Head { next_seq, next_account_no, reaper_cursor: row.int(2)?, open_holds: row.int(3)? })
    })?;
    let newest = ledger.rows(statement!("newest_movement"), &[])?.next()?.map(|row| row.int(0)).transpose()?;
    let after = read_feed_head(orders)?;
    let horizon = Horizon {
        placed_before_seq: before.next_seq,
        settled_seq: before.settled_seq,
        reaper_cursor: head.reaper_cursor,
        newest_ms: after.last_ms.max(newest.unwrap_or(0)),
        orphan_after_ms,
    };
    Ok(Frozen { ledger: head, orders: after, horizon })
}

fn check_schema(source: &Source) -> anyhow::Result<()> {
    let name = source.name();
    let read = || source.rows(statement!("schema_version"), &[])?.only(|row| row.int(0));
    let version = read().with_context(|| format!("the {name} database has no readable schema"))?;
    ensure!(
        version <= stored::SCHEMA_KNOWN,
        "the {name} database has schema {version}, and this program knows {}: run the newer Holdline",
        stored::SCHEMA_KNOWN
    );
    Ok(())
}

fn read_feed_head(orders: &Source) -> anyhow::Result<FeedHead> {
    orders
        .rows(statement!("feed_head"), &[])?
        .only(|row| Ok(FeedHead { next_seq: row.int(0)?, last_ms: row.int(1)?, settled_seq: row.int(2)? }))
}

fn read_quotas(orders: &Source) -> anyhow::Result<Quotas> {
    let mut quotas = Quotas::new();
    let mut rows = orders.rows(statement!("quota"), &[])?;
    while let Some(row) = rows.next()? {
        quotas.insert((row.int(0)?, row.text(1)?.to_owned()), row.int(2)?);
    }
    Ok(quotas)
}

fn read_commit_on(orders: &Source) -> anyhow::Result<CommitOn> {
    let mut commit_on = CommitOn::new();
    let mut rows = orders.rows(statement!("tenant"), &[])?;
    while let Some(row) = rows.next()? {
        commit_on.insert(row.int(0)?, row.text(1)?.to_owned());
    }
    Ok(commit_on)
}

/// `500ms`, `10s`, `2m`: a whole number and a unit.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| format!("{text:?} is not a duration such as 10s"))?;
    match &text[digits.len()..] {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs).ok_or_else(|| format!("{text:?} is too long")),
        other => Err(format!("{other:?} is not a unit of time: ms, s, m")),
    }
}
