//! The threads that read a database file, each with a read-only connection, from one shared queue.
//!
//! A thread that panicked on a row would leave its caller with a closed channel, which is a fault; the others go on.

use std::sync::Arc;

use holdline_domain::fault::Fault;
use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::mpsc;

use super::error::of_statement;
use super::statement::{Statements, query};
use crate::engine::{Lookup, Row, Value};

/// Threads per database: one may scan a page of a list while another answers lookups of the hot path.
pub(super) const THREADS: usize = 2;
/// Reads waiting for a thread: lookups come in batches, so this is far more than one per waiting request.
pub(super) const QUEUE_MAX: usize = 1_024;

/// Something for a reader to do.
pub(super) type Job = Box<dyn FnOnce(&mut Reader) + Send>;

/// The queue that all readers of a database take from: whoever holds the lock waits for the next job.
pub(super) type Jobs = Arc<Mutex<mpsc::Receiver<Job>>>;

/// One reader's state.
pub(super) struct Reader {
    database: &'static str,
    connection: Connection,
    statements: Statements,
}

impl Reader {
    pub(super) fn new(database: &'static str, connection: Connection) -> Self {
        Self { database, connection, statements: Statements::new(database) }
    }

    /// The thread's body.
    pub(super) fn serve(mut self, jobs: &Jobs) {
        loop {
            let job = jobs.lock().blocking_recv();
            let Some(job) = job else { return };
            job(&mut self);
        }
    }

    /// All lookups from one state of the database.
    pub(super) fn look_up(&mut self, lookups: &[Lookup]) -> Result<Vec<Vec<Row>>, Fault> {
        self.execute("BEGIN")?;
        let found = lookups.iter().map(|lookup| self.statements.look_up(&self.connection, lookup)).collect();
        self.execute("COMMIT")?;
        found
    }

    /// The rows of one statement.
    pub(super) fn query(&self, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, Fault> {
        query(&self.connection, self.database, sql, parameters)
    }

    fn execute(&self, sql: &str) -> Result<(), Fault> {
        let run = || self.connection.prepare_cached(sql)?.raw_execute().map(|_| ());
        run().map_err(|e| of_statement(self.database, e))
    }
}
