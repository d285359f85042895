//! The command line: what a newcomer reads first.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::{audit, backup, bench, close, crash, demo, events, r#gen, import, key, sandbox_provider, serve};

/// The order center behind a shop's "submit order" button: places orders, never oversells.
#[derive(Parser)]
#[command(name = "holdline", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  holdline demo
      Watch a flash sale, a speed run and a crash in a minute, then try the API yourself.
  holdline key create --tenant mall --client storefront --scope shop --scope admin
      Make the first API key; its secret is shown once.
  holdline serve
      Serve on http://127.0.0.1:7070 with everything in ./holdline-data.
  HOLDLINE_STORE__DATABASE_URL=postgres://… holdline serve --store postgres --listen 10.0.0.5:7070
      The same on PostgreSQL, reachable by others.
  holdline import catalog skus.csv --target http://127.0.0.1:7070 --key hl_…
      Write sellers, SKUs and opening stock into a running server.

`holdline COMMAND --help` says more about each command.";

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the order center and answer its HTTP API until it is stopped
    Serve(serve::ServeArgs),
    /// Show in a minute what Holdline does: a flash sale, a speed run and a crash on a fresh store
    Demo(demo::Args),
    /// Measure how many orders per second this machine places durably
    Bench(bench::Args),
    /// Prove from the stored rows that nothing is oversold, lost or counted twice
    Audit(audit::Args),
    /// Sum up every account to now, so that the next audit starts from here
    CloseAccounts(close::CloseArgs),
    /// Copy ledger and orders as one pair, also while the server runs
    Backup(backup::BackupArgs),
    /// Bring a backup back: checked, compared and renewed before anything serves it
    Restore(backup::RestoreArgs),
    /// Read sellers and SKUs, or a history of real invoices, from a file
    #[command(subcommand)]
    Import(ImportCommand),
    /// Create, list and revoke API keys, also while the server runs
    Key(key::KeyArgs),
    /// See to events that a consumer of the feed could not work off, also while the server runs
    Events(events::EventsArgs),
    /// Run a payment center to try things with: it moves no money, and misbehaves on demand
    SandboxProvider(sandbox_provider::SandboxArgs),
    /// Print every setting with its value, default, unit and source
    Config(ConfigArgs),
    /// Kill a server under load again and again, and look for lost orders
    #[command(hide = true)]
    Crash(crash::Args),
    /// Print a generated file of the repository
    #[command(hide = true)]
    Gen(r#gen::GenArgs),
}

/// What to read.
#[derive(Subcommand)]
pub(crate) enum ImportCommand {
    /// Write sellers, SKUs and opening stock from CSV or JSON lines
    Catalog(import::catalog::CatalogArgs),
    /// Replay a year of real invoices through a server of its own
    OnlineRetail(import::online_retail::Args),
}

/// Where settings come from, and the settings that every command with a store needs.
#[derive(Args, Default)]
pub(crate) struct ConfigArgs {
    /// Read settings from this file [default: ./holdline.toml, if there is one]
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    pub(crate) config: Option<PathBuf>,
    /// Change one setting; may be repeated. `holdline config` lists them all
    #[arg(long, value_name = "SECTION.KEY=VALUE", help_heading = "Settings")]
    pub(crate) set: Vec<String>,
    /// Where orders live: sqlite or postgres (`store.kind`)
    #[arg(long, value_name = "KIND", help_heading = "Settings")]
    pub(crate) store: Option<String>,
    /// Directory of the SQLite files (`store.data`) [default: holdline-data]
    #[arg(long, value_name = "DIR", help_heading = "Settings")]
    pub(crate) data: Option<String>,
    /// PostgreSQL to use (`store.database_url`); means `--store postgres`. Others on this machine can read flags: better
    /// set `HOLDLINE_STORE__DATABASE_URL`
    #[arg(long, value_name = "URL", help_heading = "Settings")]
    pub(crate) database_url: Option<String>,
}

impl ConfigArgs {
    /// The settings that flags name: key, value, the flag.
    pub(crate) fn flags(&self) -> anyhow::Result<Vec<(String, String, String)>> {
        let mut flags = Vec::new();
        for assignment in &self.set {
            let Some((key, value)) = assignment.split_once('=') else {
                anyhow::bail!("--set {assignment}: must have the form SECTION.KEY=VALUE");
            };
            flags.push((key.trim().to_owned(), value.trim().to_owned(), "--set".to_owned()));
        }
        let kind = self.store.as_deref().or(self.database_url.as_ref().map(|_| "postgres"));
        let own = [
            ("store.kind", kind, if self.store.is_some() { "--store" } else { "--database-url" }),
            ("store.data", self.data.as_deref(), "--data"),
            ("store.database_url", self.database_url.as_deref(), "--database-url"),
        ];
        let own = own.into_iter().filter_map(|(key, value, flag)| Some((key, value?, flag)));
        flags.extend(own.map(|(key, value, flag)| (key.to_owned(), value.to_owned(), flag.to_owned())));
        Ok(flags)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn database_url_means_postgres() {
        let args = ConfigArgs { database_url: Some("postgres://h/d".to_owned()), ..ConfigArgs::default() };
        let flags = args.flags().unwrap();
        assert_eq!(flags[0], ("store.kind".to_owned(), "postgres".to_owned(), "--database-url".to_owned()));
    }
}
