//! The store: one SQLite file, one thread that writes it.
//!
//! Work that waits is done in one transaction, and answered after the commit: what a caller was told is on disk
//! (`synchronous = FULL`), and a hundred callers pay for one flush. A piece of work that fails is rolled back alone.
//! After a commit that failed nothing is known of the disk any more: the thread ends, and every later call is refused.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{mpsc, oneshot};

const SCHEMA: &str = include_str!("../migrations/0001_first.sql");
/// Which schema a file has. Another one is another version's.
const SCHEMA_VERSION: i64 = 1;
/// How much work may wait. Whoever comes then waits with it in his hands.
const QUEUE_MAX: usize = 1_024;
/// How much work is done in one transaction: enough to share a flush, and the first of it need not wait long.
const BATCH_MAX: usize = 256;
/// A sandbox that has just ended may still be closing the file.
const LOCK_WITHIN: Duration = Duration::from_secs(2);

/// Why the store did not do its work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreFailed {
    /// Another process has the directory.
    #[error("another process uses this directory")]
    InUse,
    /// It was made by another version.
    #[error("it was made by another version of the sandbox; take an empty directory")]
    OtherVersion,
    /// The disk, or a defect.
    #[error("{0}")]
    Disk(String),
    /// It has ended, after a failure that was logged.
    #[error("the store has ended")]
    Ended,
}

impl From<rusqlite::Error> for StoreFailed {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse,
            _ => Self::Disk(error.to_string()),
        }
    }
}

/// Tells a caller how his work ended; called after the commit.
type Tell = Box<dyn FnOnce() + Send>;
type Job = Box<dyn FnOnce(&Connection) -> Tell + Send>;

/// The store, open.
#[derive(Debug)]
pub(crate) struct Store {
    /// `None` only while closing.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Store {
    /// Opens the store of a directory, which is made if need be. Whoever opens it has it alone.
    pub(crate) fn open(directory: &Path) -> Result<Self, StoreFailed> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.map_err(|error| StoreFailed::Disk(format!("cannot make {}: {error}", directory.display())))?;
        let path = directory.join("sandbox.sqlite");
        // The secret and the control token are in it.
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
        file.map_err(|error| StoreFailed::Disk(format!("cannot open {}: {error}", path.display())))?;
        let connection = Connection::open(path)?;
        connection.busy_timeout(LOCK_WITHIN)?;
        connection.pragma_update(None, "locking_mode", "exclusive")?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        match connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))? {
            0 => {
                connection.execute_batch(SCHEMA)?;
                connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            }
            SCHEMA_VERSION => {}
            _ => return Err(StoreFailed::OtherVersion),
        }
        connection.execute_batch("COMMIT")?;
        let (jobs, waiting) = mpsc::channel(QUEUE_MAX);
        let thread =
            std::thread::Builder::new().name("sandbox-store".to_owned()).spawn(move || write(&connection, waiting));
        let thread = thread.map_err(|error| StoreFailed::Disk(format!("cannot start a thread: {error}")))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Does a piece of work, all of it or nothing; answered once it is on disk.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreFailed> {
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = alone(connection, work);
            Box::new(move || {
                // A caller that has gone needs no answer.
                let _ = tell.send(result);
            })
        });
        let jobs = self.jobs.as_ref().ok_or(StoreFailed::Ended)?;
        jobs.send(job).await.map_err(|_| StoreFailed::Ended)?;
        Ok(told.await.map_err(|_| StoreFailed::Ended)??)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Without senders the thread ends after what it has begun; the file is free for the next one then.
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the store has panicked");
        }
    }
}

fn alone<T>(connection: &Connection, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    connection.execute_batch("SAVEPOINT work")?;
    let result = work(connection);
    let end = if result.is_ok() { "RELEASE work" } else { "ROLLBACK TO work; RELEASE work" };
    connection.execute_batch(end)?;
    result
}

fn write(connection: &Connection, mut waiting: mpsc::Receiver<Job>) {
    while let Some(first) = waiting.blocking_recv() {
        if let Err(error) = write_batch(connection, first, &mut waiting) {
            tracing::error!(%error, "the store cannot be written any more: start the sandbox again");
            return;
        }
    }
}

fn write_batch(connection: &Connection, first: Job, waiting: &mut mpsc::Receiver<Job>) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut told = vec![first(connection)];
    while told.len() < BATCH_MAX
        && let Ok(job) = waiting.try_recv()
    {
        told.push(job(connection));
    }
    connection.execute_batch("COMMIT")?;
    for tell in told {
        tell();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn work_that_fails_leaves_nothing_and_harms_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let insert = |name: &'static str| {
            store.run(move |rows| rows.execute("INSERT INTO setting (name, value) VALUES (?1, '')", [name]))
        };
        let spoilt = store.run(|rows| {
            rows.execute("INSERT INTO setting (name, value) VALUES ('half', '')", [])?;
            rows.execute("INSERT INTO setting (name, value) VALUES (NULL, '')", [])
        });
        let (first, spoilt, second) = tokio::join!(insert("a"), spoilt, insert("b"));
        assert_eq!((first, second), (Ok(1), Ok(1)));
        assert!(matches!(spoilt, Err(StoreFailed::Disk(_))), "{spoilt:?}");
        let names = store.run(|rows| rows.query_row("SELECT group_concat(name) FROM setting", [], |row| row.get(0)));
        assert_eq!(names.await, Ok("a,b".to_owned()));
    }

    #[tokio::test]
    async fn a_directory_has_one_owner_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        assert_eq!(Store::open(directory.path()).unwrap_err(), StoreFailed::InUse);
        drop(store);
        assert!(Store::open(directory.path()).is_ok());
    }

    #[test]
    fn nobody_else_reads_its_secrets() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        for entry in std::fs::read_dir(directory.path()).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.path());
        }
        drop(store);
    }

    #[test]
    fn a_file_of_another_version_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let file = Connection::open(directory.path().join("sandbox.sqlite")).unwrap();
        file.pragma_update(None, "user_version", SCHEMA_VERSION + 1).unwrap();
        drop(file);
        assert_eq!(Store::open(directory.path()).unwrap_err(), StoreFailed::OtherVersion);
    }
}
