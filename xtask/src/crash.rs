//! `crash`: the real server under load, killed with SIGKILL at a random moment, restarted, audited, and compared with
//! the client's own list of acknowledged orders.
//!
//! The contract with the binary: `holdline crash --rounds N --store sqlite|postgres --processes N --trouble WHAT
//! [--payments] [--database-url URL]`, status 0 when nothing was lost. The address is a superuser's; the command makes a database of its
//! own in that server, or starts a server of its own where it means it harm.

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

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    /// The runs on a store.
    fn runs(self) -> &'static [Run] {
        match self {
            // A data directory has one owner.
            Self::Sqlite => &[Run { processes: "1", trouble: "process,provider-killed", harms: Harms::Provider }],
            // Alone nobody goes on; with others somebody does; and the database itself may be away.
            Self::Postgres => &[
                Run { processes: "1", trouble: "process", harms: Harms::Servers },
                Run { processes: "3", trouble: "process,provider-killed", harms: Harms::Provider },
                Run { processes: "2", trouble: DATABASE_TROUBLES, harms: Harms::Database },
                // Alone, because the network of the others leads to one server.
                Run { processes: "2", trouble: "database-promoted", harms: Harms::Database },
            ],
        }
    }
}

/// What befalls a database and the network to it.
const DATABASE_TROUBLES: &str = "connections-cut,database-killed,database-restarted,database-paused,\
     network-cut,network-silent,network-one-way";

/// One run of the command.
struct Run {
    processes: &'static str,
    trouble: &'static str,
    harms: Harms,
}

/// What a run means harm besides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Harms {
    /// Nothing: the servers of Holdline only.
    Servers,
    /// A payment center, which the command starts when it is told of payments.
    Provider,
    /// The database: it must be the command's own then.
    Database,
}

/// Runs `rounds` of trouble in each run on each store; `server` is required for PostgreSQL.
pub(crate) fn run(workspace: &Workspace, rounds: u32, stores: &[Store], server: Option<&Postgres>) -> Result<()> {
    process::run(&mut workspace.cargo(&["build", "--locked", "--release", "-p", "holdline"]))?;
    for (store, run) in stores.iter().flat_map(|store| store.runs().iter().map(move |run| (store, run))) {
        // Quiet: cargo would show the server's password among the words it runs.
        let mut crash = workspace.cargo(&["run", "--quiet", "--locked", "--release", "-p", "holdline", "--", "crash"]);
        crash.args(["--rounds", &rounds.to_string(), "--store", store.name()]);
        crash.args(["--processes", run.processes, "--trouble", run.trouble]);
        if run.harms == Harms::Provider {
            crash.arg("--payments");
        }
        if let (Store::Postgres, Some(server)) = (store, server)
            && run.harms != Harms::Database
        {
            crash.args(["--database-url", server.url()]).env(URL_VARIABLE, server.url());
        }
        process::run(&mut crash)?;
    }
    Ok(())
}
