//! Moving pages from the log into the database file, beside the writer.
//!
//! A thread with a connection of its own copies while the writer goes on. Since the writer appends meanwhile, that alone
//! never empties the log: when little is left, the thread asks the writer to copy the rest between two batches, after
//! which the log starts anew. The writer thus stalls for a small rest only.
//!
//! SQLite flushes the database file at the end of a pass only if that pass reached the end of the log, which none beside
//! the writer does. So all that was copied would be flushed by the writer's own pass, some 35 ms in which nothing is
//! committed. The thread therefore flushes the file itself after each of its passes; the writer finds little to flush.
//!
//! Ends when the writer's end of the channel is dropped.

use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use holdline_domain::fault::Fault;
use rusqlite::Connection;

use super::connection::{PAGE_BYTES, open_checkpointer};
use super::error::{of_flush, of_statement};
use super::failure::Failure;

/// Pages of log at which copying starts: 128 MiB, which a full load writes in about a second. Larger: a leaf that is hit
/// again and again is copied less often. Smaller: readers search a shorter log, recovery after a crash is quicker, and a
/// pass hinders the writer's own flushes for a shorter time. `bench growth --keys random` on 2 CPUs, 2026-11-22: among
/// 10^6 orders 0.51 of the first rate with 32 MiB, 0.76 with 128 MiB; 256 MiB gave no more.
const LOG_PAGES: i64 = (128 << 20) / PAGE_BYTES;
/// Pages that the writer may have to copy by itself at the end: 2 MiB, a few milliseconds.
const REST_PAGES: i64 = (2 << 20) / PAGE_BYTES;
/// Passes beside the writer before the rest is handed over, however large it is.
const PASSES_MAX: usize = 4;
/// How often the writer lets the thread look at the log, in commits.
const COMMITS_PER_LOOK: u32 = 32;

/// The writer's end.
pub(super) struct Checkpoints {
    database: &'static str,
    commits: u32,
    look: mpsc::SyncSender<()>,
    /// Set by the thread, cleared by the writer: copy the rest now.
    finish: Arc<AtomicBool>,
}

impl Checkpoints {
    /// Starts the thread.
    pub(super) fn start(
        path: &Path,
        database: &'static str,
        failure: Arc<Failure>,
    ) -> Result<(Self, std::thread::JoinHandle<()>), Fault> {
        let connection = open_checkpointer(path, database)?;
        let mut copier = Copier { database, connection, path: path.to_owned(), file: None };
        let (look, looks) = mpsc::sync_channel(1);
        let finish = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&finish);
        let thread = super::spawn(database, "checkpoint", move || {
            while looks.recv().is_ok() {
                match copier.copy() {
                    Ok(true) => asked.store(true, Ordering::Release),
                    Ok(false) => {}
                    Err(CopyError::Sqlite(error)) => note(database, &failure, error),
                    Err(CopyError::Flush(error)) => failure.set(of_flush(database, error)),
                }
            }
        })?;
        Ok((Self { database, commits: 0, look, finish }, thread))
    }

    /// Called by the writer after each commit, outside any transaction.
    pub(super) fn after_commit(&mut self, writer: &Connection, failure: &Failure) {
        self.commits += 1;
        if self.finish.swap(false, Ordering::Acquire) {
            if let Err(error) = pass(writer) {
                note(self.database, failure, error);
            }
        } else if self.commits >= COMMITS_PER_LOOK {
            self.commits = 0;
            // Full means that a look is waiting already.
            let _ = self.look.try_send(());
        }
    }
}

/// What copies beside the writer.
struct Copier {
    database: &'static str,
    connection: Connection,
    path: PathBuf,
    /// The database file, for flushing it; opened when first needed. Never closed: when a process closes any descriptor of a file,
    /// it loses all locks that it has on it, and SQLite's are among them.
    file: Option<ManuallyDrop<File>>,
}

/// Why copying ended early.
enum CopyError {
    Sqlite(rusqlite::Error),
    /// The database file could not be flushed: as bad as in a commit.
    Flush(io::Error),
}

impl From<rusqlite::Error> for CopyError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Copier {
    /// Copies until little is left. True if the writer shall copy the rest.
    fn copy(&mut self) -> Result<bool, CopyError> {
        let (mut log, mut copied) = length(&self.connection)?;
        if log < LOG_PAGES {
            return Ok(false);
        }
        for _ in 0..PASSES_MAX {
            if log - copied <= REST_PAGES {
                break;
            }
            pass(&self.connection)?;
            self.flush().map_err(CopyError::Flush)?;
            (log, copied) = length(&self.connection)?;
        }
        Ok(true)
    }

    /// Flushes the database file. Where it cannot be opened, that is left to the writer's pass.
    fn flush(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            match File::open(&self.path) {
                Ok(file) => self.file = Some(ManuallyDrop::new(file)),
                Err(error) => tracing::warn!(self.database, %error, "the file cannot be opened for flushing it"),
            }
        }
        self.file.as_ref().map_or(Ok(()), |file| file.sync_data())
    }
}

/// One checkpoint that waits for nobody.
fn pass(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

/// Pages in the log, and how many of them are copied.
fn length(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    connection.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| Ok((row.get(1)?, row.get(2)?)))
}

/// A checkpoint that failed loses nothing: the log keeps every page. Only a failed flush ends the writing.
fn note(database: &'static str, failure: &Failure, error: rusqlite::Error) {
    let flush = super::error::is_flush(&error);
    let fault = of_statement(database, error);
    tracing::warn!(database, error = %fault, "checkpoint failed");
    if flush {
        failure.set(fault);
    }
}
