//! `serve`: opens the store, starts the app, answers HTTP until it is told to stop, and ends in order.
//!
//! When it is ready it prints exactly one line on standard output:
//! `holdline serving on http://127.0.0.1:7070 (store sqlite, durability synchronous=full)`.
//!
//! The end: SIGTERM or SIGINT stops listening, answers what was accepted and writes it down within
//! `server.shutdown_within` (status 0; 1 if something was cut off). A second signal ends the process at once. A store
//! that can no longer be trusted with writes ends it at once too (status 1), and so does a background loop that panicked:
//! what is not acknowledged is not promised, and only a start finds out what is on disk. Whatever keeps it from starting is one sentence and status 2.

mod figures;
pub(crate) mod signals;
mod witness;

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use clap::Args;
use holdline_app::{App, Ports};
use holdline_domain::fault::Fault;
use holdline_gateway::Setup;
use holdline_store::Stores;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;

use crate::cli::ConfigArgs;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::{logging, provision, stores};
use signals::Signals;

/// Connections that the kernel may keep for us while all threads are busy.
const BACKLOG: u32 = 4_096;

/// What a child of `serve` prints first, before its URL.
pub(crate) const READY_PREFIX: &str = "holdline serving on ";

/// Run the order center and answer its HTTP API until it is stopped.
///
/// Stop it with SIGTERM or Ctrl-C: it answers what it has accepted and ends. A second signal ends it at once.
#[derive(Args)]
pub(crate) struct ServeArgs {
    /// Address and port to listen on; port 0 takes a free one (`server.listen`) [default: 127.0.0.1:7070]
    #[arg(long, value_name = "ADDRESS", help_heading = "Settings")]
    pub(crate) listen: Option<String>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Serve a store where the demo's key is in force; only on a loopback address
    #[arg(long, hide = true)]
    pub(crate) demo_key: bool,
    /// Answer submits without keys and without a store: the ceiling that the bench compares with
    #[arg(long, hide = true)]
    pub(crate) noop: bool,
}

pub(crate) fn run(args: &ServeArgs) -> anyhow::Result<ExitCode> {
    let listen = args.listen.iter().map(|address| ("server.listen", address, "--listen"));
    let listen = listen.map(|(key, value, flag)| (key.to_owned(), value.clone(), flag.to_owned())).collect();
    let config = Config::load(&args.config, listen)?;
    logging::start(&config.log)?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if config.server.worker_threads > 0 {
        runtime.worker_threads(config.server.worker_threads);
    }
    let runtime = runtime.thread_name("serve").enable_all().build().context("cannot start threads")?;
    let status = runtime
        .block_on(async { if args.noop { serve_noop(&config).await } else { serve(&config, args.demo_key).await } });
    // Whatever still runs has had its time.
    runtime.shutdown_background();
    status
}

async fn serve(config: &Config, demo_key: bool) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let figures = figures::record()?;
    let socket = bind(config.server.listen)?;
    let Stores { ledger, orders, life, feed, webhooks, catalog, tenants, pair, durability, mut writing_ended } =
        stores::open(&config.store).await?;
    if !(demo_key && config.server.listen.ip().is_loopback()) {
        provision::refuse_demo_key(tenants.as_ref()).await?;
    }
    let clock = Arc::new(SystemClock::new());
    let (checker, providers, sender) = (config.hold_checker()?, config.providers()?, config.webhook_sender()?);
    let spawner = holdline_app::tokio_spawner();
    let ports =
        Ports { ledger, orders, life, feed, webhooks, catalog, tenants, checker, providers, sender, clock, spawner };
    let own_address = socket.local_addr().context("a bound socket has an address")?;
    let settings = holdline_app::Settings { public_url: config.public_url(own_address), ..config.app_settings() };
    let app = App::start(ports, settings).await.map_err(stores::sentence)?;
    let extra = demo_key.then(|| crate::demo::page(&config.store.data));
    let witness = witness::start(pair);
    let router = holdline_gateway::router(Setup { app: app.clone(), render_metrics: figures, extra });
    let listener = listen(socket, config.server.listen)?;
    let address = listener.local_addr()?;
    let within = config.server.shutdown_within.duration();
    let limits = config.server.limits();
    let stop = CancellationToken::new();
    // The server is one task among many: its own loop must not wait for this one.
    let server = tokio::spawn(holdline_gateway::serve_within(listener, router, limits, stop.clone().cancelled_owned()));
    let kind = stores::kind_name(config.store.kind);
    crate::print(&format!("{READY_PREFIX}http://{address} (store {kind}, durability {durability})\n"))?;
    tracing::info!(%address, store = kind, durability, version = env!("CARGO_PKG_VERSION"), "serving");

    tokio::select! {
        fault = &mut writing_ended => return Ok(untrusted(&fault)),
        name = app.broken_loop() => return Ok(broken(name)),
        signal = signals.next() => tracing::info!(signal, "stopping: what was accepted is answered first"),
    }
    stop.cancel();
    let drain = async {
        let served = server.await.context("the server's task failed")?;
        app.drain().await;
        witness.end().await;
        anyhow::Ok(served.cut_off)
    };
    let drained = tokio::select! {
        drained = tokio::time::timeout(within, drain) => drained,
        fault = &mut writing_ended => return Ok(untrusted(&fault)),
        name = app.broken_loop() => return Ok(broken(name)),
        signal = signals.next() => exit_at_once(signal),
    };
    match drained {
        Ok(Ok(0)) => {
            tracing::info!("stopped");
            Ok(ExitCode::SUCCESS)
        }
        Ok(Ok(cut_off)) => {
            tracing::error!(cut_off, "stopped; connections were closed before their requests were answered");
            Ok(ExitCode::FAILURE)
        }
        Ok(Err(error)) => Err(error),
        Err(_) => {
            let seconds = within.as_secs_f64();
            tracing::error!(seconds, "stopped before everything that was accepted was written; its keys tell what was");
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn serve_noop(config: &Config) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let listener = listen(bind(config.server.listen)?, config.server.listen)?;
    let address = listener.local_addr()?;
    let stop = async move {
        signals.next().await;
    };
    let server = tokio::spawn(holdline_gateway::serve(listener, holdline_gateway::noop_router(), stop));
    crate::print(&format!("{READY_PREFIX}http://{address} (noop: no store)\n"))?;
    server.await.context("the server's task failed")?;
    Ok(ExitCode::SUCCESS)
}

/// Takes the address before the store is opened, so that a second server fails before it touches anything; nobody can
/// connect until [`listen`].
pub(crate) fn bind(address: SocketAddr) -> anyhow::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let bound = socket.and_then(|socket| {
        // As every server: a port whose last connections are still fading away is free.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(socket)
    });
    bound.map_err(|error| cannot_listen(address, &error))
}

pub(crate) fn listen(socket: TcpSocket, address: SocketAddr) -> anyhow::Result<TcpListener> {
    socket.listen(BACKLOG).map_err(|error| cannot_listen(address, &error))
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> anyhow::Error {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => anyhow!(
            "port {} of {} is in use by another process; choose another with --listen, or 0 for a free one",
            address.port(),
            address.ip()
        ),
        std::io::ErrorKind::AddrNotAvailable => anyhow!("this machine has no address {} (--listen)", address.ip()),
        _ => anyhow!("cannot listen on {address}: {error}"),
    }
}

fn untrusted(fault: &Fault) -> ExitCode {
    ended(&format!("writing has ended, because the disk cannot be trusted any more; start the server again: {fault}"))
}

fn broken(name: &str) -> ExitCode {
    ended(&format!("the loop `{name}` has panicked (a bug: please report what is above); start the server again"))
}

/// Said even where logs are turned down: the operator must know why the process is gone.
fn ended(said: &str) -> ExitCode {
    // Standard error may be closed; then nobody can be told.
    let _ = writeln!(std::io::stderr(), "holdline: {said}");
    ExitCode::FAILURE
}

#[expect(clippy::disallowed_methods, reason = "a second signal means now: no destructor may keep the operator waiting")]
fn exit_at_once(signal: &str) -> ! {
    tracing::error!(signal, "a second signal: ending at once");
    std::process::exit(1)
}
