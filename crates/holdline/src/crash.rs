//! `crash`: the real binary, killed with SIGKILL under load again and again, on the same data.
//!
//! A round: the server takes submits, repetitions and cancels on several connections until it is killed at a random
//! instant; the store is audited as the kill left it; the server starts again; every submit without a definite answer is
//! sent again under its key until it has one, and once more to see the same; every order acknowledged in the round is
//! looked up. With several processes on one PostgreSQL one of them is killed, the others serve on, and who asks again asks
//! any of them. A round may instead kill, restart or pause the PostgreSQL itself, or the network to it: the servers
//! must find back by themselves. On a disk that a program can harm (`--disk-switch`) a round may cut its power, fail or hold
//! its flushes, or fill it. With `--payments` orders are paid at a payment center of our own (`holdline sandbox-provider`), which may be killed
//! as well; every acknowledged attempt is looked up, and in the end what the center captured is what it gave back and what orders keep, by
//! the center's books, the audit, and the clients. After the last round every acknowledged order of all rounds is looked up, the server comes to rest, the
//! audit must leave nothing out, and the balances of each SKU must be what the clients know.
//!
//! Deliberately absent: the disk itself. A killed process has lost nothing that the kernel already had, so power cuts need
//! a device that forgets; `cargo xtask power-cut` brings one.

mod again;
mod book;
mod client;
mod disk;
mod goods;
mod harm;
mod paid;
mod proxy;
mod rounds;
mod trouble;
mod verdict;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::ensure;

use crate::child::{Engine, Stop, StoreArgs};
use trouble::Trouble;

/// Most rounds of one run.
const ROUNDS_MAX: u32 = 10_000;
/// Most servers of one run: each has up to 24 connections to a PostgreSQL that takes 200.
const PROCESSES_MAX: usize = 8;

/// Kill a server under load again and again, and look for lost orders.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// How often the server is killed
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: u32,
    #[command(flatten)]
    store: StoreArgs,
    /// Servers on the one PostgreSQL; one of them is killed in each round
    #[arg(long, value_name = "N", default_value_t = 1)]
    processes: usize,
    /// What happens in a round; of several each round has one at random. All but `process` need something to harm
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT", default_value = "process")]
    trouble: Vec<Trouble>,
    /// A payment center beside the servers: some orders are paid at it, and some of those cancelled
    #[arg(long)]
    payments: bool,
    /// The program that harms the disk under --data, called with a word such as `off`
    #[arg(long, value_name = "PROGRAM", requires = "data")]
    disk_switch: Option<PathBuf>,
    /// The disk answers flushes without doing them: a run that must FAIL, which shows that a cheat is caught
    #[arg(long, requires = "disk_switch")]
    disk_lies: bool,
    /// Longest load before a kill; each round is killed at a random instant of it
    #[arg(long, value_name = "S", default_value_t = 1.0)]
    seconds_per_round: f64,
    /// Requests per second: enough for full batches, few enough that the audit stays quick after many rounds
    #[arg(long, value_name = "R", default_value_t = 1_000.0)]
    rate: f64,
    /// Connections
    #[arg(long, value_name = "N", default_value_t = 16)]
    connections: usize,
    /// Chooses carts and instants [default: at random, printed]
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
}

/// Runs the command.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    ensure!((1..=ROUNDS_MAX).contains(&args.rounds), "--rounds must be 1 to {ROUNDS_MAX}");
    ensure!((1..=PROCESSES_MAX).contains(&args.processes), "--processes must be 1 to {PROCESSES_MAX}");
    ensure!(
        args.processes == 1 || args.store.store == Engine::Postgres,
        "--processes needs --store postgres: an embedded store has one owner"
    );
    ensure!(
        args.trouble.iter().all(|trouble| !trouble.is_of_database())
            || (args.store.store == Engine::Postgres && args.store.database_url.is_none()),
        "troubles of the database need --store postgres without --database-url: it must be ours to harm"
    );
    ensure!(
        !args.trouble.contains(&Trouble::DatabasePromoted)
            || args.trouble.iter().all(|trouble| trouble.network().is_none()),
        "a network that fails and a standby that is promoted need runs of their own: the proxy leads to one server"
    );
    ensure!(
        args.disk_switch.is_some() || args.trouble.iter().all(|trouble| !trouble.is_of_disk()),
        "troubles of the disk need --disk-switch: without it there is no disk to harm"
    );
    ensure!(
        args.payments || !args.trouble.contains(&Trouble::ProviderKilled),
        "the trouble of a payment center needs --payments: without it there is none to kill"
    );
    ensure!((0.1..=60.0).contains(&args.seconds_per_round), "--seconds-per-round must be 0.1 to 60");
    ensure!((1.0..=100_000.0).contains(&args.rate), "--rate must be 1 to 100,000");
    ensure!((1..=1_000).contains(&args.connections), "--connections must be 1 to 1,000");
    let stop = Stop::on_interrupt()?;
    let verdict = tokio::task::spawn_blocking(move || rounds::run(&args, &stop)).await??;
    crate::print(&verdict.text())?;
    Ok(if verdict.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
