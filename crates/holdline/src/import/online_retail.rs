//! `import online-retail FILE`: real invoices, sent one by one as submits to a server of our own on a fresh store.
//!
//! The file is the CSV of *Online Retail* (UCI Machine Learning Repository, D. Chen 2015). Every line is one of:
//! - **sold**: positive quantity; an invoice's sold lines are one submit, in the order of the file;
//! - **written off**: negative quantity outside of a cancellation, at price zero: a negative stock adjustment;
//! - **unsupported**: a line of a cancellation (invoice `C…`), reported until refunds exist.
//!
//! What becomes of the columns: seller = the code's first character if it is a digit, else `misc`; currency GBP; the
//! code keeps its case; a missing customer is `guest-<invoice>`; a missing description is the code; prices go with the
//! submit (`price_source = caller`), exact in pence: a price with a part of a penny stops the import, nothing is rounded.
//! Opening stock of a code = F × (units sold + units written off), rounded down to whole units, F an exact decimal.
//! A refused submit counts with all its sold lines, since it is all or nothing; a submit beyond the API's limits is
//! refused by the server like any other.
//!
//! Exit status 0 only when the sums match: every line counted once, every placed order found, the balances of every
//! code as the placed and written-off lines say, nothing oversold, the audit clean; and with F = 1 nothing refused and
//! nothing left over.

mod file;
mod judge;
mod replay;
mod stock_factor;

use std::path::PathBuf;
use std::process::ExitCode;

use holdline_domain::tenant::PriceSource;

use crate::child::{Client, Home, Keys, Progress, Server, Stop, StoreArgs};
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
    let mut shop = Client::new(server.address, &keys.shop)?;
    let replayed = replay::replay(&invoices, &mut shop, &mut admin, progress, stop)?;
    let judge =
        judge::Judge { invoices: &invoices, factor: args.stock_factor, home: &home, keys: &keys, progress, stop };
    let verdict = judge.judge(replayed, server)?;
    home.close()?;
    Ok(verdict)
}
