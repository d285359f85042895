//! What every connection is told first, and what the server says of itself. All limits on waiting are here.

use std::time::Duration;

use holdline_domain::fault::{Fault, FaultKind};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use super::connection::Connection;
use crate::engine::Value;
use crate::engine::migration::SchemaVersion;

/// One attempt to connect. A server on the same network answers in milliseconds.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// The longest that one statement may take. Batches take milliseconds; what takes this long is stuck.
const STATEMENT_MS: u64 = 10_000;

/// The longest wait for a lock. All locks are head rows, held for one flush each.
const LOCK_MS: u64 = 5_000;

/// A transaction that says nothing for this long is a paused process: it must not keep the head row.
const IDLE_IN_TRANSACTION_MS: u64 = 10_000;

/// The longest that this program waits for the answers of one step. More than the server allows itself, so that it
/// strikes only when the server says nothing at all.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// A network that swallows packets is noticed after this long.
const NETWORK_DEAD_AFTER: Duration = Duration::from_secs(10);

/// Two processes that start together must not both migrate. The number is arbitrary and ours: "hold" in ASCII.
pub(super) const BEGIN_MIGRATION: &str = "SET statement_timeout = 0; SET lock_timeout = 0; \
     SET idle_in_transaction_session_timeout = 0; BEGIN; SELECT pg_advisory_xact_lock(1752132708)";

/// A server and a schema on it: how to reach it, and how to greet it.
#[derive(Debug)]
pub(super) struct Server {
    /// The schema, and the dependency's name in faults.
    pub(super) database: &'static str,
    pub(super) config: Config,
    pub(super) greeting: String,
}

impl Server {
    pub(super) fn try_new(url: &str, schema: &'static str) -> Result<Self, Fault> {
        // The error's text may repeat parts of the URL, and that has the password.
        let mut config: Config = url.parse().map_err(|_| {
            let message = "the database URL is not understood: postgres://user:password@host:port/database is expected";
            Fault::not_done(schema, FaultKind::Rejected, message)
        })?;
        if config.get_ssl_mode() == SslMode::Require {
            let message = "TLS to PostgreSQL is not supported yet: leave sslmode=require out of the database URL";
            return Err(Fault::not_done(schema, FaultKind::Rejected, message));
        }
        config
            .ssl_mode(SslMode::Disable)
            .application_name("holdline")
            .connect_timeout(CONNECT_WITHIN)
            .keepalives_idle(NETWORK_DEAD_AFTER / 2)
            .keepalives_interval(NETWORK_DEAD_AFTER / 10)
            .keepalives_retries(5)
            .tcp_user_timeout(NETWORK_DEAD_AFTER);
        Ok(Self { database: schema, config, greeting: greeting(schema) })
    }
}

/// The settings of a session. Plans: every statement joins a handful of keys with an index. The planner would rather
/// read a table, or an index, whole while it is small, and keep that plan while it grows; so it is told that rows are dear.
fn greeting(schema: &str) -> String {
    let settings = [
        ("search_path", quoted(schema)),
        ("statement_timeout", STATEMENT_MS.to_string()),
        ("lock_timeout", LOCK_MS.to_string()),
        ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_MS.to_string()),
        ("default_transaction_isolation", "'read committed'".to_owned()),
        ("client_min_messages", "warning".to_owned()),
        ("plan_cache_mode", "force_generic_plan".to_owned()),
        ("enable_seqscan", "off".to_owned()),
        ("enable_hashjoin", "off".to_owned()),
        ("enable_mergejoin", "off".to_owned()),
        ("cpu_tuple_cost", "10".to_owned()),
        ("cpu_index_tuple_cost", "10".to_owned()),
        ("max_parallel_workers_per_gather", "0".to_owned()),
        ("jit", "off".to_owned()),
    ];
    let mut greeting = settings.map(|(name, value)| format!("SET {name} = {value}; ")).concat();
    // What was acknowledged survives power loss; a server that is set to wait for replicas too keeps that.
    greeting.push_str(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    );
    greeting
}

/// An identifier as SQL.
pub(super) fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// Makes the schema if it is missing. Asks first: who may not make schemas may still use one that is there.
pub(super) async fn create_schema(connection: &Connection) -> Result<(), Fault> {
    let schema = connection.database();
    let sql = "SELECT count(*) FROM pg_namespace WHERE nspname = $1";
    let found = connection.query_once(sql, vec![Value::Text(schema.to_owned())]).await?;
    if found.iter().all(|row| row.0 == [Value::Int(0)]) {
        // "BEGIN" and "COMMIT" around one script: two processes that start together must not both find it missing.
        let create = format!("CREATE SCHEMA IF NOT EXISTS {}", quoted(schema));
        let lock = "SELECT pg_advisory_xact_lock(1752132708)";
        connection.script(&format!("BEGIN; {lock}; {create}; COMMIT")).await?;
    }
    Ok(())
}

/// How safe an acknowledged write is, as PostgreSQL says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durability {
    /// `on` or stronger: a commit is answered after its log record was flushed.
    pub synchronous_commit: String,
    /// `on`: a flush reaches the disk. `off` survives nothing but the end of the process.
    pub fsync: String,
}

impl Durability {
    /// Whether an acknowledged write survives power loss.
    pub fn survives_power_loss(&self) -> bool {
        self.fsync == "on" && !matches!(self.synchronous_commit.as_str(), "off")
    }
}

pub(super) async fn read_durability(connection: &Connection) -> Result<Durability, Fault> {
    let sql = "SELECT current_setting('synchronous_commit'), current_setting('fsync')";
    match connection.query_once(sql, Vec::new()).await?.pop().map(|row| row.0).as_deref() {
        Some([Value::Text(synchronous_commit), Value::Text(fsync)]) => {
            Ok(Durability { synchronous_commit: synchronous_commit.clone(), fsync: fsync.clone() })
        }
        _ => Err(unreadable(connection, "its settings")),
    }
}

pub(super) async fn read_schema_version(connection: &Connection) -> Result<Option<SchemaVersion>, Fault> {
    let rows = connection.query_once("SELECT version, min_writer FROM schema_version", Vec::new()).await?;
    match rows.first().map(|row| row.0.as_slice()) {
        None => Ok(None),
        Some([Value::Int(version), Value::Int(min_writer)]) => {
            Ok(Some(SchemaVersion { version: *version, min_writer: *min_writer }))
        }
        Some(_) => Err(unreadable(connection, "schema_version")),
    }
}

fn unreadable(connection: &Connection, what: &str) -> Fault {
    Fault::not_done(
        connection.database(),
        FaultKind::Schema,
        format!("the server's answer to {what} is not understood"),
    )
}
