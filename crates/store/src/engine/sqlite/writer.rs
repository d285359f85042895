//! The one thread that writes a database file: it owns the connection and runs programs from a bounded queue.
//!
//! A program that panics is rolled back and answers its caller; the thread goes on. The thread ends when the engine's
//! end of the queue is dropped, after it has run what it accepted.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use holdline_domain::fault::{Fault, FaultKind};
use rusqlite::Connection;
use tokio::sync::mpsc;

use super::checkpoint::Checkpoints;
use super::error::{is_flush, of_commit, of_statement};
use super::failure::Failure;
use super::room::Room;
use super::statement::Statements;
use crate::engine::{Program, Step};
use crate::time::WallClock;

/// Programs waiting for the writer. Callers are committers with one batch each and a few consumers; beyond that they
/// wait at the queue's door.
pub(super) const QUEUE_MAX: usize = 64;

/// Something for the writer to do.
pub(super) type Job = Box<dyn FnOnce(&mut Writer) + Send>;

/// The writer's state.
pub(super) struct Writer {
    database: &'static str,
    connection: Connection,
    statements: Statements,
    clock: WallClock,
    checkpoints: Checkpoints,
    /// `None` beside the owner.
    room: Option<Room>,
    failure: Arc<Failure>,
}

impl Writer {
    pub(super) fn new(
        database: &'static str,
        connection: Connection,
        clock: WallClock,
        checkpoints: Checkpoints,
        room: Option<Room>,
        failure: Arc<Failure>,
    ) -> Self {
        Self { database, connection, statements: Statements::new(database), clock, checkpoints, room, failure }
    }

    /// The thread's body.
    pub(super) fn serve(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(job) = jobs.blocking_recv() {
            job(&mut self);
            self.checkpoints.after_commit(&self.connection, &self.failure);
        }
    }

    /// The file may not grow beyond so many pages: what a full disk looks like to SQLite.
    #[cfg(test)]
    pub(super) fn limit_pages(&self, pages_max: i64) {
        self.connection.pragma_update(None, "max_page_count", pages_max).expect("the limit is a number");
    }

    /// One program in one transaction.
    pub(super) fn run<P: Program>(&mut self, program: P) -> Result<P::Outcome, Fault> {
        self.failure.check(self.database)?;
        self.execute("BEGIN IMMEDIATE")?;
        if let Some(room) = &mut self.room {
            room.make(&self.failure);
        }
        let stepped = catch_unwind(AssertUnwindSafe(|| self.steps(program)));
        let fault = match stepped {
            Ok(Ok(outcome)) => return self.commit().map(|()| outcome),
            Ok(Err(fault)) => fault,
            Err(panic) => {
                let message = format!("a program panicked: {}", panic_text(panic.as_ref()));
                Fault::not_done(self.database, FaultKind::Rejected, message)
            }
        };
        if !self.roll_back() {
            self.failure.set(fault.clone());
        }
        Err(fault)
    }

    fn steps<P: Program>(&mut self, mut program: P) -> Result<P::Outcome, Fault> {
        let mut results = Vec::new();
        loop {
            match program.next(std::mem::take(&mut results), (self.clock)())? {
                Step::Read(lookups) => {
                    for lookup in &lookups {
                        results.push(self.statements.look_up(&self.connection, lookup)?);
                    }
                }
                Step::Write(writes, outcome) => {
                    for write in &writes {
                        self.statements.write(&self.connection, write)?;
                    }
                    return Ok(outcome);
                }
            }
        }
    }

    fn commit(&mut self) -> Result<(), Fault> {
        let Err(error) = self.execute_raw("COMMIT") else { return self.failure.check_committed(self.database) };
        let flush = is_flush(&error);
        let rolled_back = self.roll_back();
        let fault = of_commit(self.database, error, rolled_back);
        if flush || !rolled_back {
            self.failure.set(fault.clone());
        }
        Err(fault)
    }

    /// Whether no transaction is open any more.
    fn roll_back(&self) -> bool {
        self.connection.is_autocommit() || self.execute_raw("ROLLBACK").is_ok()
    }

    fn execute(&self, sql: &str) -> Result<(), Fault> {
        self.execute_raw(sql).map_err(|e| of_statement(self.database, e))
    }

    fn execute_raw(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.raw_execute().map(|_| ())
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without words")
}
