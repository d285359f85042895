//! `demo`: in a minute, what Holdline is for, on a fresh embedded store and over real HTTP.
//!
//! Three acts: a flash sale with clients that repeat themselves and hang up, and then pay at a payment center, pay twice or
//! too late, cancel, or leave; ten seconds of endless stock; a server that is killed under load and reopened. Every figure is
//! counted twice, from the clients' answers and from the server's own data, money a third time from the center's books, and
//! the store is audited; the last line says ok only when all of it agrees. Then a server with one small page and the payment
//! center run until Ctrl-C.
//!
//! Exit status 0 when ok, 1 when it is not, 2 when it could not begin.

mod catalog;
mod endless;
mod flash;
mod page;
mod paying;
mod verdict;

use std::net::{Ipv4Addr, TcpListener};
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;

use crate::child::{Center, Client, Home, Keys, Progress, Server, Stop, audit, look_up};
use crate::provision::DEMO_KEY;
pub(crate) use page::router as page;
use paying::Paying;
use verdict::{Money, Verdict};

/// The tenant's name.
const TENANT: &str = "demo";
/// Connections of every act.
const CONNECTIONS: usize = 100;

/// Show in a minute what Holdline does.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// End after the last line instead of serving the page
    #[arg(long)]
    exit: bool,
    /// Port of the page and the API on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 7070)]
    port: u16,
    /// Keep the data directory at the end, and say where it is
    #[arg(long)]
    keep: bool,
}

/// Runs the command.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    if !args.exit {
        // Said before the acts and not after a minute of them.
        TcpListener::bind((Ipv4Addr::LOCALHOST, args.port))
            .with_context(|| format!("port {} of 127.0.0.1 cannot be used; choose another with --port", args.port))?;
    }
    let stop = Stop::on_interrupt()?;
    let acting = stop.clone();
    let Played { home, center, verdict } = match tokio::task::spawn_blocking(move || acts(&acting)).await? {
        Ok(acted) => acted,
        Err(error) => {
            crate::print(&format!("DEMO FAILED {error:#}\n"))?;
            return Ok(ExitCode::FAILURE);
        }
    };
    crate::print(&verdict.text())?;
    if !args.exit {
        serve_page(&args, &home, &verdict, &stop).await?;
    }
    tokio::task::block_in_place(|| center.terminate())?;
    if args.keep {
        crate::print(&format!("kept: {}\n", home.keep().display()))?;
    } else {
        home.close()?;
    }
    Ok(if verdict.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the acts leave behind.
struct Played {
    home: Home,
    center: Center,
    verdict: Verdict,
}

fn acts(stop: &Stop) -> anyhow::Result<Played> {
    let progress = Progress::new(false);
    let home = Home::embedded()?;
    let keys = Keys::create(&home, TENANT)?;
    let server = Server::start(&home)?;
    // Its pay pages take money after they were closed: how else would anybody pay too late, or twice.
    let center = Center::start(&home, &json!({ "pay_after_close": 1 }))?;
    let mut admin = Client::new(server.address, &keys.admin)?;
    catalog::shop().write(&mut admin, "opening")?;
    center.register(&mut admin)?;
    paying::write_deadline(&mut admin)?;

    progress.say("Act 1: 1,000 units, 20,000 buyers; some ask twice, some hang up and ask again");
    let sale = flash::sell(server.address, &keys, progress, stop)?;
    progress.say("  those with an order pay at a payment center; some twice, some too late, some never, some cancel");
    let paying = Paying { address: server.address, keys: &keys, center: &center, progress, stop };
    let mut payers = paying.pay(&sale)?;
    progress.say("Act 2: endless stock, 100 buyers at a time, for 10 seconds");
    let speed = endless::sell(server.address, &keys, progress, stop)?;
    progress.say("  the deadline passes: what was not paid is for sale again, late money goes back");
    paying.settle(&mut payers)?;
    progress.say("Act 3: the server is killed with SIGKILL under load, and started again");
    let cut = endless::sell_until_killed(server, &keys, progress, stop)?;

    let server = Server::start(&home)?;
    let answers = sale.orders().chain(speed.acknowledged.iter()).chain(cut.acknowledged.iter());
    let lookup = look_up(server.address, &keys.shop, answers, progress, stop)?;
    let paying = Paying { address: server.address, keys: &keys, center: &center, progress, stop };
    paying.ends(&mut payers)?;
    let stock = verdict::Stock::at_rest(&mut Client::new(server.address, &keys.admin)?, stop)?;
    server.terminate()?;
    progress.say("auditing the store with SQL of its own");
    let audit = audit(&home)?;
    let money = Money::new(&payers, center.books()?);
    let verdict = Verdict::new(&sale, &speed, &cut, &lookup, &stock, &audit, &money);
    Ok(Played { home, center, verdict })
}

/// Serves the page until Ctrl-C.
async fn serve_page(args: &Args, home: &Home, verdict: &Verdict, stop: &Stop) -> anyhow::Result<()> {
    page::write_figures(home.data(), verdict)?;
    let (settings, port) = (home.data().to_owned(), args.port);
    let server = tokio::task::block_in_place(|| {
        Keys::add_known(home, TENANT, DEMO_KEY)?;
        Server::start_demo(home, port).with_context(|| format!("no server on {}", settings.display()))
    })?;
    let url = format!("http://{}", server.address);
    crate::print(&page::invitation(&url))?;
    stop.asked().await;
    tokio::task::block_in_place(|| server.terminate())
}
