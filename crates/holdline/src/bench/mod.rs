//! `bench`: how many orders this machine places durably, over real HTTP, and the proof that each of them is there.
//!
//! One run: the no-op's rate (and with a private PostgreSQL the plain design's), the workload in a closed loop or at a
//! rate, the same at 0.7 of the rate in an open loop; then the server is killed with SIGKILL and reopened, every
//! acknowledged order is looked up, and the store is audited. Load and server share the machine's cores.
//!
//! Exit status 0 when nothing is lost, oversold, wrong or mismatched; speed alone never fails a run. 2 when it could
//! not be measured.

mod carts;
mod growth;
mod life;
mod noop;
mod plain;
mod plot;
mod report;
mod run;
mod storm;
mod target;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::ValueEnum;

use carts::Workload;
use report::Report;

use crate::child::submit::KeyOrder;
use crate::child::{Progress, Stop, StoreArgs};

/// Most connections: the server's own limit is 10,000, the machine's ports and files come first.
const CONNECTIONS_MAX: usize = 5_000;
/// The sizes of growth: each power of ten that a shop lives through, and beyond.
const GROWTH_ORDERS: [u64; 4] = [10_000, 100_000, 1_000_000, 3_000_000];
/// Longest measured part in seconds: acknowledged numbers are kept in memory until the end.
const SECONDS_MAX: f64 = 3_600.0;

/// Measure how many orders per second this machine places durably.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// What to measure
    #[arg(value_enum)]
    scenario: Scenario,
    /// plot: files with the JSON lines of growth runs
    #[arg(value_name = "RUN")]
    runs: Vec<PathBuf>,
    #[command(flatten)]
    store: StoreArgs,
    /// Load a server that runs already, instead of one of our own; it is not killed, and nothing is said of its audit
    #[arg(long, value_name = "URL", conflicts_with_all = ["store", "database_url", "data"])]
    target: Option<String>,
    /// API key for --target, of scopes shop, read and admin [default: the demo's fixed key]
    #[arg(long, value_name = "SECRET", requires = "target", env = "HOLDLINE_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Connections, each with one request at a time
    #[arg(long, value_name = "N", default_value_t = 100)]
    connections: usize,
    /// Length of the measured part in seconds
    #[arg(long, value_name = "S", default_value_t = 10.0)]
    seconds: f64,
    /// Open loop: this many arrivals per second, latency from the intended start [default: closed loop; expiry-storm: half
    /// of the closed loop's rate]
    #[arg(long, value_name = "R")]
    rate: Option<f64>,
    /// growth: the sizes to measure at, in orders [default: 10000,100000,1000000,3000000]; expiry-storm: how many become due
    /// [default: 100000]
    #[arg(long, value_name = "N", value_delimiter = ',')]
    orders: Vec<u64>,
    /// growth: idempotency keys in the order of time (UUID version 7) or at random (version 4)
    #[arg(long, value_enum, default_value_t)]
    keys: KeyOrder,
    /// growth: draw the run as an SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// plot: where the SVG goes
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one JSON line and nothing else on standard output
    #[arg(long)]
    json: bool,
}

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// The ceiling: the same HTTP and JSON, no key, no store
    Noop,
    /// One SKU with plenty of stock and a quota for each buyer
    HotSku,
    /// 1 to 3 of 10 SKUs at random, 100 buyers
    Mixed,
    /// 1,000 units and very many attempts
    FlashSale,
    /// The baseline: one plain PostgreSQL transaction per order, no HTTP
    PlainPostgres,
    /// Whole lives: submitted, paid at a payment center, shipped, received; each tenth cancelled and refunded
    Life,
    /// Very many orders due in one second, while others are placed and read
    ExpiryStorm,
    /// hot-sku among more and more orders
    Growth,
    /// No measurement: draw runs of growth that `--json` has printed, as one SVG
    Plot,
}

impl Scenario {
    fn name(self) -> &'static str {
        match self {
            Self::Noop => "noop",
            Self::HotSku => "hot-sku",
            Self::Mixed => "mixed",
            Self::FlashSale => "flash-sale",
            Self::PlainPostgres => "plain-postgres",
            Self::Life => "life",
            Self::ExpiryStorm => "expiry-storm",
            Self::Growth => "growth",
            Self::Plot => "plot",
        }
    }
}

/// Runs the command.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    ensure!((1..=CONNECTIONS_MAX).contains(&args.connections), "--connections must be 1 to {CONNECTIONS_MAX}");
    ensure!(args.seconds >= 0.1 && args.seconds <= SECONDS_MAX, "--seconds must be 0.1 to {SECONDS_MAX}");
    ensure!(args.rate.is_none_or(|rate| rate.is_finite() && rate >= 1.0), "--rate must be at least 1");
    ensure!(args.orders.is_sorted(), "--orders must be in rising order");
    let alone = matches!(args.scenario, Scenario::Life | Scenario::ExpiryStorm);
    ensure!(
        !alone || args.target.is_none(),
        "{} needs a server of its own: it takes no --target",
        args.scenario.name()
    );
    ensure!(
        args.scenario != Scenario::ExpiryStorm || args.orders.len() <= 1,
        "expiry-storm takes one number of --orders"
    );
    ensure!(args.scenario != Scenario::Life || args.rate.is_none(), "life is a closed loop: it takes no --rate");
    ensure!(args.orders.iter().all(|orders| *orders > 0), "--orders must be above 0");
    ensure!(args.scenario == Scenario::Plot || args.runs.is_empty(), "only plot reads files of runs");
    ensure!(args.scenario == Scenario::Growth || args.plot.is_none(), "only growth is drawn with --plot");
    if args.scenario == Scenario::Plot {
        plot::draw_files(&args.runs, args.out.as_deref().context("plot needs --out FILE")?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (json, picture) = (args.json, args.plot.clone());
    let stop = Stop::on_interrupt()?;
    if args.scenario == Scenario::Growth {
        ensure!(args.target.is_none(), "growth fills a store of its own: it takes no --target");
        let growth = tokio::task::spawn_blocking(move || growth::measure(&args, Progress::new(false), &stop)).await??;
        if let Some(picture) = picture {
            plot::draw(&[serde_json::from_value(serde_json::to_value(&growth)?)?], &picture)?;
        }
        crate::print(&if json { format!("{}\n", serde_json::to_string(&growth)?) } else { growth.table() })?;
        return Ok(if growth.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let report = tokio::task::spawn_blocking(move || measure(&args, &stop)).await??;
    let text = if json { format!("{}\n", serde_json::to_string(&report)?) } else { report.table() };
    crate::print(&text)?;
    Ok(if report.failures().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn measure(args: &Args, stop: &Stop) -> anyhow::Result<Report> {
    let progress = Progress::new(false);
    let workload = match args.scenario {
        Scenario::HotSku => Workload::HotSku,
        Scenario::Mixed => Workload::Mixed,
        Scenario::FlashSale => Workload::FlashSale,
        Scenario::Noop => return run::noop(args, progress, stop),
        Scenario::PlainPostgres => return run::plain(args, progress),
        Scenario::Life => return life::measure(args, progress, stop),
        Scenario::ExpiryStorm => return storm::measure(args, progress, stop),
        Scenario::Growth | Scenario::Plot => unreachable!("they have reports of their own"),
    };
    match &args.target {
        Some(target) => target::measure(args, workload, target, progress, stop),
        None => run::own_server(args, workload, progress, stop),
    }
}
