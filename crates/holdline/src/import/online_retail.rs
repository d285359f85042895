//! `import online-retail FILE`: real invoices, sent one by one as submits to a server of our own on a fresh store.
//!
//! The file is the CSV of *Online Retail* (UCI Machine Learning Repository, D. Chen 2015). Every line is one of:
//! - **sold**: positive quantity; an invoice's sold lines are one submit, in the order of the file;
//! - **written off**: negative quantity outside of a cancellation, at price zero: a negative stock adjustment;
//! - **cancelled**: a line of a cancellation (invoice `C…`) that takes back units of earlier lines (`cancellation.rs`). Where
//!   nothing of the order is left, the order is cancelled; else the units are taken off it and their price is refunded;
//! - **cancelled elsewhere**: a line of a cancellation whose original is not in the file; reported, nothing is sent.
//!
//! Orders that a later cancellation takes something back from are paid at a payment center of our own, by the real API;
//! all others stay unpaid, so `captured` is the money of these orders only.
//!
//! What becomes of the columns: seller = the code's first character if it is a digit, else `misc`; currency GBP; the
//! code keeps its case; a missing customer is `guest-<invoice>`; a missing description is the code; prices go with the
//! submit (`price_source = caller`), exact in pence: a price with a part of a penny stops the import, nothing is rounded.
//! Opening stock of a code = F × (units sold + units written off), rounded down to whole units, F an exact decimal.
//! A refused submit counts with all its sold lines, since it is all or nothing; a submit beyond the API's limits is
//! refused by the server like any other.
//!
//! Exit status 0 only when the sums match: every line counted once, every placed order found, the balances of every
//! code as the placed, written-off and cancelled lines say, captured = refunded + kept by the lines, by the server and by the
//! center's books, nothing oversold, the audit clean; and with F = 1 nothing refused and nothing left but what came back.

mod cancellation;
mod file;
mod judge;
mod replay;
mod stock_factor;

use std::path::PathBuf;
use std::process::ExitCode;

use holdline_domain::tenant::PriceSource;
use serde_json::json;

use crate::child::{Buyer, Center, Client, Home, Keys, Progress, Server, Stop, StoreArgs};
use file::Invoices;
use stock_factor::StockFactor;

/// The tenant's name.
const TENANT: &str = "online-retail";

/// Replay real invoices through a server of our own.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// The CSV file of the data set, with its header
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
    /// Opening stock of each code, as a share of the units that the file takes from it, rounded down
    #[arg(long, value_name = "F", default_value = "1")]
    stock_factor: StockFactor,
}

/// Runs the command.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let stop = Stop::on_interrupt()?;
    let verdict = tokio::task::spawn_blocking(move || replay(&args, &stop)).await??;
    crate::print(&verdict.text())?;
    Ok(if verdict.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn replay(args: &Args, stop: &Stop) -> anyhow::Result<judge::Verdict> {
    let progress = Progress::new(false);
    let invoices = Invoices::read(&args.file)?;
    let home = Home::fresh(&args.store, progress)?;
    let keys = Keys::create_with(&home, TENANT, PriceSource::Caller)?;
    let server = Server::start(&home)?;
    let mut admin = Client::new(server.address, &keys.admin)?;
    progress.say("writing the catalog and the opening stock");
    invoices.shop(args.stock_factor)?.write(&mut admin, "opening")?;
    stop.check()?;
    let center = Center::start(&home, &json!({}))?;
    center.register(&mut admin)?;
    let shop = Client::new(server.address, &keys.shop)?;
    let buyer = Buyer::new(server.address, &keys, &center, stop)?;
    let mut replay = replay::Replay { shop, admin, buyer };
    let replayed = replay.all(&invoices, progress, stop)?;
    let money = replay.money(&replayed, || center.books())?;
    let judge =
        judge::Judge { invoices: &invoices, factor: args.stock_factor, home: &home, keys: &keys, progress, stop };
    let verdict = judge.judge(replayed, &money, server)?;
    center.terminate()?;
    home.close()?;
    Ok(verdict)
}
