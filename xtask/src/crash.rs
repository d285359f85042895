//! `crash`: the real server under load, killed with SIGKILL at a random moment, restarted, audited, and compared with
//! the client's own list of acknowledged orders.
//!
//! The contract with the binary: `holdline crash --rounds N --store sqlite|postgres --processes N [--database-url URL]`,
//! status 0 when nothing was lost. The address is a superuser's; the command makes a database of its own in that server.

use anyhow::Result;
use clap::ValueEnum;

use crate::postgres::{Postgres, URL_VARIABLE};
use crate::process;
use crate::workspace::Workspace;

/// A store that is killed and reopened.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Store {
    /// The embedded one.
    Sqlite,
    /// A PostgreSQL server; it stays up, the processes that use it are killed.
    Postgres,
}

impl Store {
    /// Every store, in the order they are tried.
    pub(crate) const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    /// How many processes serve a store, one run each.
    fn processes(self) -> &'static [&'static str] {
        match self {
            // A data directory has one owner.
            Self::Sqlite => &["1"],
            // Alone nobody goes on; with others somebody does.
            Self::Postgres => &["1", "3"],
        }
    }
}

/// Runs `rounds` kills on each store; `server` is required for PostgreSQL.
pub(crate) fn run(workspace: &Workspace, rounds: u32, stores: &[Store], server: Option<&Postgres>) -> Result<()> {
    process::run(&mut workspace.cargo(&["build", "--locked", "--release", "-p", "holdline"]))?;
    for (store, processes) in stores.iter().flat_map(|store| store.processes().iter().map(move |n| (store, n))) {
        // Quiet: cargo would show the server's password among the words it runs.
        let mut crash = workspace.cargo(&["run", "--quiet", "--locked", "--release", "-p", "holdline", "--", "crash"]);
        crash.args(["--rounds", &rounds.to_string(), "--store", store.name(), "--processes", processes]);
        if let (Store::Postgres, Some(server)) = (store, server) {
            crash.args(["--database-url", server.url()]).env(URL_VARIABLE, server.url());
        }
        process::run(&mut crash)?;
    }
    Ok(())
}
