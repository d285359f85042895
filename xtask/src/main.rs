//! The house's tasks, run as `cargo xtask <command>`: everything a change must pass, in one place.
//!
//! `cargo xtask test` is exactly what CI runs. The other commands are its steps, each runnable alone.
//! Deliberately absent: any of the product's crates. xtask talks to them only through their binaries, so that it
//! builds in seconds and still runs when the product does not compile.

mod breakages;
mod crash;
mod deny;
mod fuzz;
mod fuzz_api;
mod generate;
mod postgres;
mod power_cut;
mod process;
mod setup;
mod simulate;
mod steps;
mod tidy;
mod workspace;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::crash::Store;
use crate::postgres::Postgres;
use crate::workspace::Workspace;

/// Holdline's house tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Find, or install, what the tests need: PostgreSQL server programs, rustfmt, clippy, cargo-deny.
    Setup,
    /// Everything CI runs, in its order; the first failure stops it.
    #[command(visible_alias = "ci")]
    Test,
    /// House rules that no compiler checks: dependency walls, sizes, words, file shapes.
    Tidy {
        /// Rewrite the ratchet file with today's sizes; refused where a size grew.
        #[arg(long)]
        update: bool,
        /// With --update: accept growth as well. The commit must say why.
        #[arg(long, requires = "update")]
        force: bool,
    },
    /// Run the simulator over a range of seeds.
    Sim {
        /// How many seeds to run.
        #[arg(long, default_value_t = 300)]
        seeds: u32,
        /// The first seed; replays a failing one together with `--seeds 1`.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Break one rule at a time and prove that the simulator notices.
    Breakages {
        /// Seeds a breakage may survive before it counts as unnoticed.
        #[arg(long, default_value_t = 300)]
        seeds: u32,
        /// Only the patches whose file name contains this.
        #[arg(long)]
        only: Option<String>,
    },
    /// Kill the real server under load, restart it, and compare what it acknowledged with what it kept.
    Crash {
        /// Kills per store.
        #[arg(long, default_value_t = 3)]
        rounds: u32,
        /// Only this store; both when left out.
        #[arg(long)]
        store: Option<Store>,
    },
    /// Cut the power of the disk under the real server, fail and hold its flushes, fill it; needs root, FUSE, loop devices.
    PowerCut {
        /// Power cuts per store.
        #[arg(long, default_value_t = 3)]
        rounds: u32,
        /// Only this store; both when left out.
        #[arg(long)]
        store: Option<Store>,
    },
    /// Fuzz the parsers of outside bytes, guided by coverage.
    Fuzz {
        /// Only this target; each in turn when left out.
        #[arg(long)]
        target: Option<String>,
        /// Seconds per target.
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Drive the real server from its OpenAPI document with schemathesis.
    FuzzApi {
        /// Cases to send, at least; rounds with further seeds run until then.
        #[arg(long, default_value_t = 100_000)]
        cases: u64,
        /// The first seed; replays a failing round.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Minutes after which no further round begins.
        #[arg(long, default_value_t = 120)]
        minutes: u64,
    },
    /// Regenerate api/openapi.json and api/errors.md from the code.
    Gen {
        /// Write nothing; fail and name the files that are stale.
        #[arg(long)]
        check: bool,
    },
    /// Check licences, bans and sources of every dependency.
    Deny {
        /// Ask the advisory database too; needs the internet.
        #[arg(long)]
        advisories: bool,
    },
    /// Run one command beside a private PostgreSQL, its address in `HOLDLINE_TEST_POSTGRES`.
    WithPostgres {
        /// The command and its arguments, after `--`.
        #[arg(required = true, last = true)]
        command: Vec<String>,
    },
    /// Owns one private PostgreSQL until its standard input ends; started by the commands above.
    #[command(hide = true)]
    PostgresKeeper {
        /// Folder of the server programs.
        #[arg(long)]
        programs: PathBuf,
        /// Folder under which the data directory is made.
        #[arg(long)]
        base: PathBuf,
    },
}

fn main() -> ExitCode {
    match perform(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> Result<()> {
    if let Task::PostgresKeeper { programs, base } = task {
        return postgres::keep(&programs, &base);
    }
    let workspace = Workspace::open()?;
    match task {
        Task::Setup => setup::prepare(),
        Task::Test => steps::run_all(&workspace),
        Task::Tidy { update: true, force } => tidy::update_ratchet(&workspace, force),
        Task::Tidy { update: false, .. } => tidy::check(&workspace),
        Task::Sim { seeds, seed } => simulate::run(&workspace, seeds, seed),
        Task::Breakages { seeds, only } => {
            breakages::run(&workspace, seeds, only.as_deref(), breakages::Baseline::Simulate)
        }
        Task::Crash { rounds, store } => {
            let stores = store.map_or(Store::ALL.to_vec(), |one| vec![one]);
            let server = if stores.contains(&Store::Postgres) { Some(Postgres::start(&workspace)?) } else { None };
            crash::run(&workspace, rounds, &stores, server.as_ref())
        }
        Task::PowerCut { rounds, store } => {
            let stores = store.map_or(Store::ALL.to_vec(), |one| vec![one]);
            power_cut::run(&workspace, rounds, &stores, power_cut::Lacking::Fails)
        }
        Task::Fuzz { target, seconds } => fuzz::run(&workspace, target.as_deref(), seconds),
        Task::FuzzApi { cases, seed, minutes } => {
            fuzz_api::run(&workspace, fuzz_api::Plan { cases, seed, within: Duration::from_secs(60 * minutes) })
        }
        Task::Gen { check: true } => generate::check(&workspace),
        Task::Gen { check: false } => generate::write(&workspace),
        Task::Deny { advisories } => deny::run(&workspace, advisories),
        Task::WithPostgres { command } => {
            let server = Postgres::start(&workspace)?;
            let (program, arguments) = command.split_first().context("a command is required after `--`")?;
            process::run(Command::new(program).args(arguments).env(postgres::URL_VARIABLE, server.url()))
        }
        Task::PostgresKeeper { .. } => unreachable!("handled before the workspace is opened"),
    }
}
