//! Opening one SQLite file: its settings, each with its reason, and its migrations.

use std::path::Path;
use std::time::Duration;

use holdline_domain::fault::{Fault, FaultKind};
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::error::of_statement;
use super::statement::PREPARED_MAX;
use crate::engine::migration::{CREATE_SCHEMA_VERSION, Database, SchemaVersion};

/// Bytes of a page. Every row in random order writes a whole page to the log; rows in arrival order share theirs.
pub(super) const PAGE_BYTES: i64 = 4_096;
/// Page cache of the writer: the inner pages of all indexes of some 10^7 orders, and the leaves that grow. More costs
/// more than it gives: a commit whose transaction split pages makes SQLite walk its whole cache (with 128 MiB 10 to 15 %
/// of the writer's time went there, with 8 MiB 4 %; batches of 100, 100,000 orders, 2 shared cores, 2026-11-22), while
/// a leaf that is not in it is one read from the kernel's cache.
const WRITER_CACHE_KIB: i64 = 8_192;
/// Page cache of one reader: it is thrown away whenever the writer commits, so it need not be large.
const READER_CACHE_KIB: i64 = 4_096;
/// How much of the file readers map: pages that are not in the log any more are read without copying.
const MMAP_BYTES: i64 = 1 << 30;
/// The log is cut back to this when it starts anew after it once grew larger (a long reader, a slow disk).
const LOG_BYTES_KEPT: i64 = 256 << 20;
/// How long a statement waits for another process (a backup, an operator's shell) before it is a fault.
const BUSY_WAIT: Duration = Duration::from_secs(2);

/// How safe an acknowledged write is, as read back from the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durability {
    /// The journal mode: `wal`.
    pub journal_mode: String,
    /// The level of flushing: `full` survives power loss.
    pub synchronous: &'static str,
}

/// The connection that writes, of the file's owner. Creates the file and migrates it.
pub(super) fn open_owned(path: &Path, database: &Database) -> Result<(Connection, Durability), Fault> {
    let (mut connection, durability) = open_writer(path, database, OpenFlags::SQLITE_OPEN_CREATE)?;
    migrate(&mut connection, database)?;
    Ok((connection, durability))
}

/// A connection that writes beside the owner's, into a file that exists and as it is: only an owner migrates.
pub(super) fn open_beside(path: &Path, database: &Database) -> Result<(Connection, Durability), Fault> {
    open_writer(path, database, OpenFlags::empty())
}

/// Opens a connection that writes, and reads the settings back.
fn open_writer(path: &Path, database: &Database, create: OpenFlags) -> Result<(Connection, Durability), Fault> {
    let fault = |error| of_statement(database.name, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
    let connection = Connection::open_with_flags(path, flags).map_err(fault)?;
    connection.busy_timeout(BUSY_WAIT).map_err(fault)?;
    connection.set_prepared_statement_cache_capacity(PREPARED_MAX);
    let settings = [
        // Before the first table: later the page size stays as it is.
        ("page_size", PAGE_BYTES.to_string()),
        ("journal_mode", "wal".to_owned()),
        ("synchronous", "full".to_owned()),
        // The checkpointer does it, beside the writer: see checkpoint.rs.
        ("wal_autocheckpoint", "0".to_owned()),
        ("journal_size_limit", LOG_BYTES_KEPT.to_string()),
        ("cache_size", (-WRITER_CACHE_KIB).to_string()),
        ("temp_store", "memory".to_owned()),
    ];
    for (name, value) in settings {
        connection.pragma_update(None, name, value).map_err(fault)?;
    }
    let durability = read_durability(&connection).map_err(fault)?;
    if durability.journal_mode != "wal" || durability.synchronous != "full" {
        let message = format!("{} cannot be written durably here: {durability:?}", path.display());
        return Err(Fault::not_done(database.name, FaultKind::Unavailable, message));
    }
    Ok((connection, durability))
}

/// A connection that only reads.
pub(super) fn open_reader(path: &Path, database: &'static str) -> Result<Connection, Fault> {
    let open = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_WAIT)?;
        connection.set_prepared_statement_cache_capacity(PREPARED_MAX);
        connection.pragma_update(None, "cache_size", (-READER_CACHE_KIB).to_string())?;
        connection.pragma_update(None, "mmap_size", MMAP_BYTES)?;
        connection.pragma_update(None, "temp_store", "memory")?;
        Ok(connection)
    };
    open().map_err(|e| of_statement(database, e))
}

/// A connection that copies the log into the file, beside the writer.
pub(super) fn open_checkpointer(path: &Path, database: &'static str) -> Result<Connection, Fault> {
    let open = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        Ok(connection)
    };
    open().map_err(|e| of_statement(database, e))
}

fn read_durability(connection: &Connection) -> rusqlite::Result<Durability> {
    let journal_mode = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    let synchronous = match synchronous {
        0 => "off",
        1 => "normal",
        2 => "full",
        _ => "extra",
    };
    Ok(Durability { journal_mode, synchronous })
}

fn migrate(connection: &mut Connection, database: &Database) -> Result<(), Fault> {
    let fault = |error| of_statement(database.name, error);
    connection.execute_batch(CREATE_SCHEMA_VERSION).map_err(fault)?;
    let stored = connection
        .query_row("SELECT version, min_writer FROM schema_version", [], |row| {
            Ok(SchemaVersion { version: row.get(0)?, min_writer: row.get(1)? })
        })
        .optional()
        .map_err(fault)?;
    for migration in database.missing(stored)? {
        let transaction = connection.transaction().map_err(fault)?;
        transaction.execute_batch(migration.sqlite).map_err(fault)?;
        for statement in database.record(migration) {
            transaction.execute_batch(&statement).map_err(fault)?;
        }
        transaction.commit().map_err(fault)?;
    }
    Ok(())
}
