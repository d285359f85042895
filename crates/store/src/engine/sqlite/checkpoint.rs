//! Moving pages from the log into the database file, beside the writer.
//!
//! A thread with a connection of its own copies and flushes while the writer goes on. Since the writer appends
//! meanwhile, that alone never empties the log: when little is left, the thread asks the writer to copy the rest
//! between two batches, after which the log starts anew. The writer thus stalls for a small rest only.
//!
//! Ends when the writer's end of the channel is dropped.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use holdline_domain::fault::Fault;
use rusqlite::Connection;

use super::connection::{PAGE_BYTES, open_checkpointer};
use super::error::of_statement;
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
        let (look, looks) = mpsc::sync_channel(1);
        let finish = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&finish);
        let thread = super::spawn(database, "checkpoint", move || {
            while looks.recv().is_ok() {
                match copy(&connection) {
                    Ok(true) => asked.store(true, Ordering::Release),
                    Ok(false) => {}
                    Err(error) => note(database, &failure, error),
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

/// Copies until little is left. True if the writer shall copy the rest.
fn copy(connection: &Connection) -> rusqlite::Result<bool> {
    let (mut log, mut copied) = length(connection)?;
    if log < LOG_PAGES {
        return Ok(false);
    }
    for _ in 0..PASSES_MAX {
        if log - copied <= REST_PAGES {
            break;
        }
        pass(connection)?;
        (log, copied) = length(connection)?;
    }
    Ok(true)
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
