//! SQLite as an [`Engine`]: one file per database, one writing thread, a few reading threads.
//!
//! Invariants: the data directory has one owner (lock.rs); an acknowledged program is on disk (`synchronous=FULL`, read
//! back at opening), and its flush needs nothing but its pages (room.rs); after a failed flush of any database of the
//! directory nothing is written or told any more (failure.rs). Callers never block a thread of the async runtime: they wait
//! on channels.
//!
//! Deliberately absent: pools of writers. SQLite has one writer at a time; batches are what makes it fast.

mod backup;
mod checkpoint;
mod connection;
mod error;
mod failure;
#[cfg(test)]
mod flush_tests;
#[cfg(test)]
mod full_tests;
mod lock;
mod reader;
mod room;
mod statement;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use holdline_domain::fault::{Fault, FaultKind};
use holdline_domain::time::UnixMillis;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

pub(crate) use self::backup::refuse_lone_file;
pub use self::backup::{RESTORE_WORKPLACE, check_pages, copy_pair, fold_log, sides};
use self::checkpoint::Checkpoints;
pub use self::connection::Durability;
pub(crate) use self::failure::Failure;
pub(crate) use self::lock::DirectoryLock;
use self::reader::Reader;
use self::room::Room;
use self::writer::Writer;
use super::migration::Database;
use super::{Engine, Lookup, Program, Row, Value};
use crate::time::WallClock;

/// One SQLite database file. Clones share it; it is closed when the last one is dropped.
#[derive(Clone)]
pub struct Sqlite {
    open: Arc<Open>,
}

struct Open {
    database: &'static str,
    clock: WallClock,
    durability: Durability,
    failure: Arc<Failure>,
    /// `None` only while closing.
    jobs: Option<Senders>,
    threads: Vec<JoinHandle<()>>,
    /// Let go after the threads have ended; `None` beside the owner.
    _owner: Option<Arc<DirectoryLock>>,
}

struct Senders {
    writer: mpsc::Sender<writer::Job>,
    readers: mpsc::Sender<reader::Job>,
}

impl Sqlite {
    /// Opens `<directory>/<name>.sqlite`. Its owner makes and migrates it if need be; without ownership it is taken as it
    /// is, beside whoever serves it: SQLite itself keeps two writers of one file apart, and each waits for the other's
    /// transaction. That is for rare writes only.
    pub(crate) fn open(
        directory: &Path,
        database: &'static Database,
        clock: WallClock,
        owner: Option<Arc<DirectoryLock>>,
    ) -> Result<Self, Fault> {
        let name = database.name;
        let path = directory.join(format!("{name}.sqlite"));
        let (mut connection, durability) = match owner {
            Some(_) => connection::open_owned(&path, database)?,
            None => connection::open_beside(&path, database)?,
        };
        let failure = owner.as_ref().map_or_else(|| Arc::new(Failure::new()), |owner| owner.failure());
        let (checkpoints, checkpointer) = Checkpoints::start(&path, name, Arc::clone(&failure))?;
        let mut threads = vec![checkpointer];
        let (read, reads) = mpsc::channel(reader::QUEUE_MAX);
        let reads = Arc::new(Mutex::new(reads));
        for _ in 0..reader::THREADS {
            let reader = Reader::new(name, connection::open_reader(&path, name)?);
            let reads = Arc::clone(&reads);
            threads.push(spawn(name, "read", move || reader.serve(&reads))?);
        }
        let (write, writes) = mpsc::channel(writer::QUEUE_MAX);
        let room = owner.as_ref().map(|_| Room::behind(&path, name, &mut connection)).transpose()?;
        let writer = Writer::new(name, connection, clock.clone(), checkpoints, room, Arc::clone(&failure));
        threads.push(spawn(name, "write", move || writer.serve(writes))?);
        let jobs = Some(Senders { writer: write, readers: read });
        Ok(Self { open: Arc::new(Open { database: name, clock, durability, failure, jobs, threads, _owner: owner }) })
    }

    /// How safe an acknowledged write is, as read back from the database.
    pub fn durability(&self) -> &Durability {
        &self.open.durability
    }

    fn jobs(&self) -> &Senders {
        self.open.jobs.as_ref().expect("taken only when the last clone is dropped")
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Reader) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (answer, answered) = oneshot::channel();
        let job: reader::Job = Box::new(move |reader| {
            // Nobody listens any more if the caller was dropped.
            let _ = answer.send(read(reader));
        });
        let gone = || Fault::not_done(self.open.database, FaultKind::Unavailable, "the reading thread is gone");
        self.jobs().readers.send(job).await.map_err(|_| gone())?;
        let read = answered.await.map_err(|_| gone())??;
        // Not before: what was read may be of a commit that the failure makes doubtful.
        self.open.failure.check(self.open.database)?;
        Ok(read)
    }
}

impl Engine for Sqlite {
    async fn run<P: Program>(&self, program: P) -> Result<P::Outcome, Fault> {
        let database = self.open.database;
        let (answer, answered) = oneshot::channel();
        let job: writer::Job = Box::new(move |writer| {
            // Nobody listens any more if the caller was dropped: what is done is done.
            let _ = answer.send(writer.run(program));
        });
        let gone = "the writing thread is gone";
        self.jobs().writer.send(job).await.map_err(|_| Fault::not_done(database, FaultKind::Unavailable, gone))?;
        answered.await.map_err(|_| Fault::unknown(database, FaultKind::Unavailable, gone))?
    }

    async fn lookup(&self, lookups: Vec<Lookup>) -> Result<Vec<Vec<Row>>, Fault> {
        self.read(move |reader| reader.look_up(&lookups)).await
    }

    async fn query(&self, sql: &'static str, parameters: Vec<Value>) -> Result<Vec<Row>, Fault> {
        self.read(move |reader| reader.query(sql, &parameters)).await
    }

    async fn now(&self) -> Result<UnixMillis, Fault> {
        Ok((self.open.clock)())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.jobs = None;
        // At most the batches in the queue: the file is closed and the directory free when this returns.
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!(database = self.database, "a database thread had panicked");
            }
        }
    }
}

/// A named thread, so that profiles and panics tell whose it is.
fn spawn(database: &'static str, role: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Fault> {
    std::thread::Builder::new().name(format!("{database}-{role}")).spawn(body).map_err(|error| {
        Fault::not_done(database, FaultKind::Unavailable, format!("cannot start a thread: {error}")).caused_by(error)
    })
}
