//! `holdline`: the program. It parses the command line, wires adapters into the app, and turns errors into one sentence.
//!
//! Exit status: 0 done; 1 the command did its work and the answer is no (rejected lines, a mismatch, a failed gate);
//! 2 it could not do its work. A command says more where it is documented.
//!
//! Deliberately absent: rules, SQL and wire formats. This is the only crate that knows which adapter runs.

mod audit;
mod backup;
mod bench;
mod child;
mod cli;
mod clock;
mod close;
mod config;
mod crash;
mod demo;
mod events;
mod r#gen;
mod import;
mod key;
mod logging;
mod provision;
mod sandbox_provider;
mod serve;
mod stores;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;

use cli::{Cli, Command, ImportCommand};

/// Many short-lived small values per request, on all cores.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(status) => status,
        Err(error) => {
            // Standard error may be closed; then nobody can be told.
            let _ = writeln!(std::io::stderr(), "holdline: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => serve::run(&args),
        Command::Config(args) => config::run(&args),
        Command::Gen(args) => r#gen::run(&args),
        Command::Events(args) => runtime()?.block_on(events::run(args)),
        Command::Key(args) => runtime()?.block_on(key::run(args)),
        Command::Import(ImportCommand::Catalog(args)) => runtime()?.block_on(import::catalog::run(args)),
        Command::Import(ImportCommand::OnlineRetail(args)) => runtime()?.block_on(import::online_retail::run(args)),
        Command::Bench(args) => runtime()?.block_on(bench::run(args)),
        Command::Demo(args) => runtime()?.block_on(demo::run(args)),
        Command::Crash(args) => runtime()?.block_on(crash::run(args)),
        Command::Audit(args) => runtime()?.block_on(audit::run(args)),
        Command::Backup(args) => runtime()?.block_on(backup::run(args)),
        Command::Restore(args) => runtime()?.block_on(backup::run_restore(args)),
        Command::SandboxProvider(args) => runtime()?.block_on(sandbox_provider::run(args)),
        Command::CloseAccounts(args) => runtime()?.block_on(close::run(args)),
    }
}

/// The runtime of every command but `serve`, which has settings for its own.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")
}

/// Writes to standard output. A reader that has gone (`| head`) is no error.
fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error).context("cannot write the output"),
        _ => Ok(()),
    }
}
