//! Where a store of our own lives: a directory, and with PostgreSQL a database. Fresh at first, removed at the end
//! unless the caller named the place.

mod database;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::ValueEnum;
use holdline_load::machine::{Machine, filesystem_type, is_tmpfs};
use holdline_load::private_postgres::{Options, PrivatePostgres};
use holdline_load::process::Log;
use holdline_store::Clocks;
use tempfile::TempDir;

use database::OwnDatabase;

use super::Progress;
use crate::stores::sentence;

/// The log of a run of some minutes, 3 GiB, put in stock for a PostgreSQL that is measured: where it runs out, whoever commits waits for
/// a new file of 16 MiB.
const MEASURED_LOG_SEGMENTS: u32 = 192;

/// What else it has: room in memory for all its tables (1.3 GB after a storm), or whoever writes must write the pages of others
/// first, the more of them the longer a run lasts; a quarter of the machine's is what its manual recommends.
fn measured_settings() -> Vec<(String, String)> {
    let quarter_mb = (Machine::read().memory_bytes >> 22).max(256);
    vec![("shared_buffers".to_owned(), format!("{quarter_mb}MB"))]
}

/// Which engine keeps the orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// SQLite in the data directory.
    Sqlite,
    /// PostgreSQL: a database of our own in the server of `--database-url`, or a private server.
    Postgres,
}

impl Engine {
    /// Its name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// Where the store is, as the commands take it.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct StoreArgs {
    /// The engine that keeps the orders
    #[arg(long, value_enum, default_value = "sqlite")]
    pub(crate) store: Engine,
    /// A PostgreSQL server to use: a database of its own is made in it and dropped at the end; without it
    /// --store postgres starts a private server and removes it
    #[arg(long, value_name = "URL")]
    pub(crate) database_url: Option<String>,
    /// An empty or new directory for the data, kept at the end; without it a temporary one, removed at the end
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

/// A place for one store. Dropping it removes what was made for it.
#[derive(Debug)]
pub(crate) struct Home {
    engine: Engine,
    /// Set for PostgreSQL.
    url: Option<String>,
    own_database: Option<OwnDatabase>,
    // Order matters: the private server stops before the directory goes.
    postgres: Option<PrivatePostgres>,
    data: PathBuf,
    temporary: Option<TempDir>,
}

impl Home {
    /// Makes a fresh embedded home in a temporary directory.
    pub(crate) fn embedded() -> anyhow::Result<Self> {
        Self::fresh(&StoreArgs { store: Engine::Sqlite, database_url: None, data: None }, Progress::new(true))
    }

    /// Makes a fresh home, and starts a private PostgreSQL where one is asked for.
    pub(crate) fn fresh(args: &StoreArgs, progress: Progress) -> anyhow::Result<Self> {
        Self::with_settings(args, Vec::new(), progress)
    }

    /// Makes a fresh home to measure on: a private PostgreSQL has a stock of log, as one that has run for a while.
    pub(crate) fn measured(args: &StoreArgs, progress: Progress) -> anyhow::Result<Self> {
        let home = Self::with_settings(args, measured_settings(), progress)?;
        if let Some(postgres) = &home.postgres {
            postgres.stock_log(MEASURED_LOG_SEGMENTS)?;
        }
        Ok(home)
    }

    fn with_settings(args: &StoreArgs, settings: Vec<(String, String)>, progress: Progress) -> anyhow::Result<Self> {
        let (data, temporary) = if let Some(directory) = &args.data {
            (fresh_directory(directory)?, None)
        } else {
            let temporary = tempfile::Builder::new().prefix("holdline-").tempdir_in(durable_parent()?)?;
            (temporary.path().to_owned(), Some(temporary))
        };
        ensure!(
            !is_tmpfs(&data)?,
            "{} is in memory (tmpfs): what is measured there says nothing; name a directory on a disk with --data",
            data.display()
        );
        let mut home = Self { engine: args.store, url: None, own_database: None, postgres: None, data, temporary };
        match (args.store, &args.database_url) {
            (Engine::Sqlite, Some(_)) => bail!("--database-url needs --store postgres"),
            (Engine::Sqlite, None) => {}
            (Engine::Postgres, Some(url)) => {
                let own = OwnDatabase::create(url)?;
                home.url = Some(own.url.clone());
                home.own_database = Some(own);
            }
            (Engine::Postgres, None) => {
                progress.say("starting a private PostgreSQL");
                // Where the caller wants the data, the server's own are as well.
                let parent = if args.data.is_some() { home.data.clone() } else { durable_parent()? };
                let options = Options { parent: Some(parent), settings, ..Options::default() };
                let postgres = PrivatePostgres::start(options)?;
                postgres.create_database("holdline")?;
                home.url = Some(postgres.url("holdline"));
                home.postgres = Some(postgres);
            }
        }
        Ok(home)
    }

    /// Which engine.
    pub(crate) fn engine(&self) -> Engine {
        self.engine
    }

    /// The data directory.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// The database's URL, with PostgreSQL.
    pub(crate) fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// The private server, when there is one.
    pub(crate) fn postgres(&self) -> Option<&PrivatePostgres> {
        self.postgres.as_ref()
    }

    /// Puts a standby beside the private server. From now on Holdline is told of both.
    pub(crate) fn add_standby(&mut self) -> anyhow::Result<()> {
        let postgres = self.postgres.as_mut().context("there is no private PostgreSQL")?;
        postgres.add_standby()?;
        self.url = Some(postgres.url_of_both("holdline"));
        Ok(())
    }

    /// From now on the private server is reached through another port of 127.0.0.1.
    pub(crate) fn go_through(&mut self, port: u16) -> anyhow::Result<()> {
        let postgres = self.postgres.as_ref().context("there is no private PostgreSQL")?;
        let (own, other) = (format!(":{}/", postgres.port()), format!(":{port}/"));
        self.url = self.url.as_ref().map(|url| url.replace(&own, &other));
        Ok(())
    }

    /// The private server, for who means it harm.
    pub(crate) fn postgres_mut(&mut self) -> Option<&mut PrivatePostgres> {
        self.postgres.as_mut()
    }

    /// The flags that make a server work on this home, and on nothing of the caller's own settings file.
    pub(crate) fn settings(&self) -> Vec<OsString> {
        let data = self.data.clone().into_os_string();
        let mut settings: Vec<OsString> = vec!["--config".into(), "/dev/null".into()];
        settings.extend(["--store".into(), self.engine.name().into(), "--data".into(), data]);
        settings
    }

    /// The environment of every command on this home: the URL has a password and stays out of the list of processes, and a
    /// payment center of ours is on this machine.
    pub(crate) fn environment(&self) -> Vec<(OsString, OsString)> {
        let url = self.url.as_ref().map(|url| ("HOLDLINE_STORE__DATABASE_URL".into(), url.into()));
        url.into_iter().chain([("HOLDLINE_PAYMENT__NETWORKS".into(), "127.0.0.0/8".into())]).collect()
    }

    /// Where its server writes what it has to say.
    pub(crate) fn log(&self) -> Log {
        Log::File(self.data.join("server.log"))
    }

    /// The directory whose disk the orders are written to; `None` when it is another machine's.
    pub(crate) fn disk(&self) -> Option<PathBuf> {
        match (self.engine, &self.postgres) {
            (Engine::Sqlite, _) => Some(self.data.clone()),
            (Engine::Postgres, Some(postgres)) => Some(postgres.directory().to_owned()),
            (Engine::Postgres, None) => None,
        }
    }

    /// The filesystem of that disk.
    pub(crate) fn filesystem(&self) -> anyhow::Result<String> {
        match self.disk() {
            Some(directory) => Ok(filesystem_type(&directory)?),
            None => Ok("unknown".to_owned()),
        }
    }

    /// How durable the store is, read back from connections made as the server makes them, because `synchronous` and
    /// `synchronous_commit` belong to a connection. The server must be down.
    pub(crate) fn durability(&self) -> anyhow::Result<String> {
        let clocks = Clocks::of_machine();
        if let Some(url) = &self.url {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let stores = runtime.block_on(holdline_store::connect_postgres(url, url, &clocks)).map_err(sentence)?;
            return Ok(stores.durability);
        }
        Ok(holdline_store::open_sqlite(&self.data, &clocks).map_err(sentence)?.durability)
    }

    /// Leaves the data directory where it is, and says where.
    pub(crate) fn keep(mut self) -> PathBuf {
        self.temporary.take().map_or_else(|| self.data.clone(), TempDir::keep)
    }

    /// Removes what was made; says what a drop would hide.
    pub(crate) fn close(self) -> anyhow::Result<()> {
        if let Some(postgres) = self.postgres {
            postgres.stop()?;
        }
        if let Some(temporary) = self.temporary {
            temporary.close().context("cannot remove the temporary data directory")?;
        }
        Ok(())
    }
}

/// A directory for temporary data that is on a disk: the system's own, else `target` of the present one.
fn durable_parent() -> anyhow::Result<PathBuf> {
    let system = std::env::temp_dir();
    if !is_tmpfs(&system)? {
        return Ok(system);
    }
    let target = std::env::current_dir()?.join("target");
    std::fs::create_dir_all(&target).with_context(|| format!("cannot make {}", target.display()))?;
    Ok(target)
}

fn fresh_directory(directory: &Path) -> anyhow::Result<PathBuf> {
    let cannot = |what: &str| format!("cannot {what} {}", directory.display());
    std::fs::create_dir_all(directory).with_context(|| cannot("make"))?;
    let mut entries = std::fs::read_dir(directory).with_context(|| cannot("read"))?;
    ensure!(entries.next().is_none(), "{} is not empty: a fresh directory is needed", directory.display());
    directory.canonicalize().with_context(|| cannot("resolve"))
}
