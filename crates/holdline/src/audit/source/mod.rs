//! A database as the audit sees it: statements in, rows out, from one state of the database after [`Source::freeze`].
//!
//! Each database has one connection, owned by a thread (SQLite) or a task (PostgreSQL) that runs one statement at a time
//! and sends rows ahead of the judge, a few chunks at most. Nothing here can write: the connections are read-only.

mod postgres;
mod sqlite;

use std::path::Path;

use anyhow::Context as _;
use tokio::sync::{mpsc, oneshot};

use super::rows::{CHUNKS_AHEAD, Chunk, Cursor};

/// A statement of `sql/`, by its file's name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Statement {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
}

/// The statement in `sql/<name>.sql`.
macro_rules! statement {
    ($name:literal) => {
        $crate::audit::source::Statement { name: $name, text: include_str!(concat!("sql/", $name, ".sql")) }
    };
}
pub(super) use statement;

/// Where the rows of a statement go.
type Rows = mpsc::Sender<anyhow::Result<Chunk>>;

/// What the owner of a connection is asked to do.
enum Command {
    /// From now on, every statement sees the same state of the database.
    Freeze(oneshot::Sender<anyhow::Result<()>>),
    /// Run a statement. A dropped receiver ends it early.
    Run { statement: Statement, parameters: Vec<i64>, rows: Rows },
}

/// Commands that may wait for a connection: the judge asks for one statement at a time.
const COMMANDS_AHEAD: usize = 4;

/// One of the two databases. The connection closes when this is dropped.
pub(super) struct Source {
    name: &'static str,
    commands: mpsc::Sender<Command>,
}

impl Source {
    /// `<directory>/<name>.sqlite`, read-only.
    pub(super) fn open_sqlite(directory: &Path, name: &'static str) -> anyhow::Result<Self> {
        let (commands, asked) = mpsc::channel(COMMANDS_AHEAD);
        sqlite::open(&directory.join(format!("{name}.sqlite")), name, asked)?;
        Ok(Self { name, commands })
    }

    /// The schema `name` of the PostgreSQL at `url`, read-only.
    pub(super) async fn connect_postgres(url: &str, name: &'static str) -> anyhow::Result<Self> {
        let (commands, asked) = mpsc::channel(COMMANDS_AHEAD);
        postgres::connect(url, name, asked).await?;
        Ok(Self { name, commands })
    }

    /// Which database this is, in words for the operator.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Fixes the state of the database that all later statements see. Blocks.
    pub(super) fn freeze(&self) -> anyhow::Result<()> {
        let (done, frozen) = oneshot::channel();
        self.send(Command::Freeze(done))?;
        let frozen = frozen.blocking_recv().unwrap_or_else(|_| Err(gone(self.name)));
        frozen.with_context(|| format!("cannot read the {} database", self.name))
    }

    /// Starts a statement. The cursor of the one before must have been read to its end, or dropped. Blocks.
    pub(super) fn rows(&self, statement: Statement, parameters: &[i64]) -> anyhow::Result<Cursor> {
        let (rows, chunks) = mpsc::channel(CHUNKS_AHEAD);
        self.send(Command::Run { statement, parameters: parameters.to_vec(), rows })?;
        Ok(Cursor::new(statement.name, chunks))
    }

    fn send(&self, command: Command) -> anyhow::Result<()> {
        self.commands.blocking_send(command).map_err(|_| gone(self.name))
    }
}

fn gone(name: &str) -> anyhow::Error {
    anyhow::anyhow!("the connection to the {name} database is gone")
}
