//! PostgreSQL as an [`Engine`]: a few connections that write, a few that read, statements that take whole columns.
//!
//! Invariants: a program runs in one READ COMMITTED transaction on one connection; the statements of a step are sent
//! together and executed in order, so each reads what was committed when the lock of the head row before it had been
//! granted (`tests/engine_postgres.rs` proves it with two connections). The last step's writes and COMMIT go out together: the
//! writes themselves fail where an update misses a row, so nothing has to be waited for in between. A connection on which anything
//! went wrong is never used again. Nothing waits for ever: see session.rs.
//!
//! Deliberately absent: TLS (so far the server is on the same machine or network segment), transactions that a caller
//! could hold open, and retries: the committer above knows whether one is safe.

mod connection;
mod error;
mod mark;
mod pipeline;
mod pool;
mod session;
mod statement;
mod transaction;

use std::sync::Arc;

use holdline_domain::fault::{Fault, FaultKind};
use holdline_domain::time::UnixMillis;

use self::connection::Connection;
pub(crate) use self::mark::mark;
pub use self::mark::{Mark, other_sessions};
use self::pool::Pool;
pub use self::session::Durability;
use self::session::Server;
use super::migration::{CREATE_SCHEMA_VERSION, Database, SchemaVersion};
use super::{Engine, Lookup, Program, Row, Value};

/// Connections that write. All writers of orders queue at one head row anyway; the others are for programs that take
/// another one (consumers' positions, catalog, numbers), so that they do not wait behind a flush of the hot batch.
const WRITERS_MAX: usize = 4;

/// Connections that read: a few more than cores, since a read waits for the network most of its time.
const READERS_MAX: usize = 8;

/// One schema of one PostgreSQL database. Clones share the connections.
#[derive(Clone)]
pub struct Postgres {
    open: Arc<Open>,
}

struct Open {
    server: Arc<Server>,
    writers: Pool,
    readers: Pool,
    durability: Durability,
}

impl Postgres {
    /// Connects to `url` (`postgres://user:password@host/database`, or `host=/run/postgresql …` for a unix socket) and
    /// makes `schema` if it is missing. `schema` also names the dependency in faults. TLS is not supported: a URL with
    /// `sslmode=require` is refused.
    pub async fn connect(url: &str, schema: &'static str) -> Result<Self, Fault> {
        let server = Arc::new(Server::try_new(url, schema)?);
        let connection = Connection::open(&server).await?;
        session::create_schema(&connection).await?;
        let durability = session::read_durability(&connection).await?;
        let writers = Pool::new(Arc::clone(&server), WRITERS_MAX);
        writers.put(connection);
        let readers = Pool::new(Arc::clone(&server), READERS_MAX);
        Ok(Self { open: Arc::new(Open { server, writers, readers, durability }) })
    }

    /// How safe an acknowledged write is, as read back from the server.
    pub fn durability(&self) -> &Durability {
        &self.open.durability
    }

    /// Brings the schema to what this program knows, in one transaction. Several processes may do it at once: one works,
    /// the others wait for it.
    pub async fn migrate(&self, database: &'static Database) -> Result<(), Fault> {
        let connection = Connection::open(&self.open.server).await?;
        connection.script(session::BEGIN_MIGRATION).await?;
        connection.script(CREATE_SCHEMA_VERSION).await?;
        let stored = session::read_schema_version(&connection).await?;
        for migration in database.missing(stored)? {
            connection.script(migration.postgres).await?;
            for statement in database.record(migration) {
                connection.script(&statement).await?;
            }
        }
        connection.script("COMMIT").await
    }

    /// What the schema says of itself; `None` if it was never migrated.
    pub async fn schema_version(&self) -> Result<Option<SchemaVersion>, Fault> {
        let connection = Connection::open(&self.open.server).await?;
        connection.script(CREATE_SCHEMA_VERSION).await?;
        session::read_schema_version(&connection).await
    }

    /// Runs any number of statements in one transaction, on a connection of its own and for as long as they take.
    pub async fn execute_script(&self, sql: &str) -> Result<(), Fault> {
        let connection = Connection::open(&self.open.server).await?;
        connection.script(session::BEGIN_MIGRATION).await?;
        connection.script(sql).await?;
        connection.script("COMMIT").await
    }
}

impl Engine for Postgres {
    async fn run<P: Program>(&self, program: P) -> Result<P::Outcome, Fault> {
        let mut lease = self.open.writers.take().await?;
        transaction::run(&mut lease, program).await
    }

    async fn lookup(&self, lookups: Vec<Lookup>) -> Result<Vec<Vec<Row>>, Fault> {
        let mut lease = self.open.readers.take().await?;
        lease.alone(async |connection| connection.look_up(&lookups).await).await
    }

    async fn query(&self, sql: &'static str, parameters: Vec<Value>) -> Result<Vec<Row>, Fault> {
        let mut lease = self.open.readers.take().await?;
        lease.alone(async |connection| connection.query(sql, parameters).await).await
    }

    async fn now(&self) -> Result<UnixMillis, Fault> {
        let mut lease = self.open.readers.take().await?;
        lease.alone(async |connection| connection.now().await).await
    }
}

/// A fault of this engine before anything was written.
fn unavailable(database: &'static str, message: impl Into<String>) -> Fault {
    Fault::not_done(database, FaultKind::Unavailable, message)
}
