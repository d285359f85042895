//! An SQLite file, read-only, beside whoever writes it: a read transaction of WAL sees one state and stops nobody.
//!
//! While it is open the log cannot start anew, so it grows by what is written meanwhile.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, params_from_iter};
use tokio::sync::mpsc;

use super::{Command, Rows, Statement};
use crate::audit::rows::{CHUNK_ROWS, Chunk, Value};

/// How long a statement waits for a lock; readers of WAL wait only for a recovery after a crash.
const BUSY_WAIT: Duration = Duration::from_secs(10);
/// Page cache, and with it the size of the runs that large sorts are made of.
const CACHE_KIB: i64 = 65_536;
/// How much of the file is mapped instead of copied.
const MMAP_BYTES: i64 = 1 << 30;

/// Opens the file and starts the thread that reads it. The thread ends when nobody can ask any more.
pub(super) fn open(path: &Path, name: &'static str, mut asked: mpsc::Receiver<Command>) -> anyhow::Result<()> {
    if !path.is_file() {
        bail!("there is no {name} database: {} does not exist", path.display());
    }
    let connection = connect(path).with_context(|| format!("cannot open {}", path.display()))?;
    std::thread::Builder::new()
        .name(format!("audit-{name}"))
        .spawn(move || {
            while let Some(command) = asked.blocking_recv() {
                // Whoever asked and went away needs no answer.
                match command {
                    Command::Freeze(done) => drop(done.send(freeze(&connection))),
                    Command::Run { statement, parameters, rows } => {
                        if let Err(error) = run(&connection, statement, &parameters, &rows) {
                            let _ = rows.blocking_send(Err(error));
                        }
                    }
                }
            }
        })
        .context("cannot start a thread")?;
    Ok(())
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.pragma_update(None, "query_only", 1)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "mmap_size", MMAP_BYTES)?;
    Ok(connection)
}

fn freeze(connection: &Connection) -> anyhow::Result<()> {
    // A transaction sees the state at its first read, not at its BEGIN.
    connection.execute_batch("BEGIN; SELECT version FROM schema_version")?;
    Ok(())
}

fn run(connection: &Connection, statement: Statement, parameters: &[i64], rows: &Rows) -> anyhow::Result<()> {
    let mut prepared = connection.prepare(statement.text)?;
    let columns = prepared.column_count();
    let mut found = prepared.query(params_from_iter(parameters))?;
    loop {
        let mut chunk = Chunk { columns, values: Vec::with_capacity(columns * CHUNK_ROWS) };
        while chunk.values.len() < columns * CHUNK_ROWS
            && let Some(row) = found.next()?
        {
            for place in 0..columns {
                chunk.values.push(match row.get_ref(place)? {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(whole) => Value::Int(whole),
                    ValueRef::Text(text) => Value::Text(std::str::from_utf8(text)?.to_owned()),
                    ValueRef::Real(_) | ValueRef::Blob(_) => bail!("column {} is neither number nor text", place + 1),
                });
            }
        }
        let last = chunk.values.len() < columns * CHUNK_ROWS;
        if rows.blocking_send(Ok(chunk)).is_err() || last {
            return Ok(());
        }
    }
}
