//! One call from a process to a database: delays, faults, and the one instant at which it reads or commits.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use holdline_domain::fault::{Fault, FaultKind};
use parking_lot::Mutex;

use super::Databases;
use super::clock::SteppingClock;
use super::fault::{Fate, Faults};
use super::process::{Moment, Process};
use crate::history::{History, Seen};

/// One database: rows that outlive every process.
pub(super) struct Database<Rows> {
    name: &'static str,
    clock: SteppingClock,
    /// The rows. Locked for one read or one commit, never across an await.
    rows: Mutex<Rows>,
    /// It refuses connections until this instant of virtual time.
    down_until_ms: AtomicI64,
    /// Counts its crashes: an answer does not survive one.
    crashes: AtomicU64,
}

impl<Rows> Database<Rows> {
    pub(super) fn new(name: &'static str, clock: SteppingClock, rows: Rows) -> Self {
        let (down_until_ms, crashes) = (AtomicI64::new(0), AtomicU64::new(0));
        Self { name, clock, rows: Mutex::new(rows), down_until_ms, crashes }
    }

    pub(super) fn clock(&self) -> &SteppingClock {
        &self.clock
    }

    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Rows) -> T) -> T {
        act(&mut self.rows.lock())
    }

    fn is_down(&self) -> bool {
        self.clock.elapsed_ms() < self.down_until_ms.load(Ordering::Relaxed)
    }

    fn crash(&self, outage_ms: u64) {
        let outage_ms = i64::try_from(outage_ms).unwrap_or(i64::MAX);
        self.crashes.fetch_add(1, Ordering::Relaxed);
        self.down_until_ms.fetch_max(self.clock.elapsed_ms().saturating_add(outage_ms), Ordering::Relaxed);
    }

    fn unavailable(&self, why: &str) -> Fault {
        Fault::not_done(self.name, FaultKind::Unavailable, why)
    }

    fn unknown(&self, why: &str) -> Fault {
        Fault::unknown(self.name, FaultKind::Unavailable, why)
    }
}

/// How a commit came to its instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delivery {
    /// True time of the commit, in virtual milliseconds.
    pub(super) at_ms: i64,
    /// It comes long after it was asked for.
    pub(super) late: bool,
}

/// A process's connection to a database.
pub(super) struct Wire<Rows> {
    database: Arc<Database<Rows>>,
    process: Arc<Process>,
    faults: Arc<Faults>,
    history: Arc<History>,
}

impl<Rows> Clone for Wire<Rows> {
    fn clone(&self) -> Self {
        Self {
            database: Arc::clone(&self.database),
            process: Arc::clone(&self.process),
            faults: Arc::clone(&self.faults),
            history: Arc::clone(&self.history),
        }
    }
}

impl<Rows: Send + 'static> Wire<Rows> {
    pub(super) fn new(databases: &Databases, database: &Arc<Database<Rows>>, process: &Arc<Process>) -> Self {
        Self {
            database: Arc::clone(database),
            process: Arc::clone(process),
            faults: Arc::clone(&databases.faults),
            history: Arc::clone(&databases.history),
        }
    }

    pub(super) fn process(&self) -> &Arc<Process> {
        &self.process
    }

    pub(super) fn database_clock(&self) -> &SteppingClock {
        &self.database.clock
    }

    pub(super) fn history(&self) -> &Arc<History> {
        &self.history
    }

    /// Reads at one instant; the answer may be old when it arrives.
    pub(super) async fn read<T>(&self, call: &'static str, read: impl FnOnce(&Rows) -> T) -> Result<T, Fault> {
        self.process.wait_ms(0).await;
        let (plan, fails) = self.faults.read_plan(self.database.clock.elapsed_ms());
        self.process.wait_ms(plan.before_ms).await;
        self.history.note(self.database.clock.elapsed_ms(), format_args!("{} {call}", self.process.name()));
        if fails || self.database.is_down() {
            return Err(self.database.unavailable("the read failed"));
        }
        let rows = self.database.with(|rows| read(rows));
        self.process.wait_ms(plan.after_ms).await;
        Ok(rows)
    }

    /// Commits at one instant, or not, or twice. `commit` must be atomic: it changes the rows only if it succeeds.
    pub(super) async fn write<T: Debug + Send + 'static>(
        &self,
        call: &'static str,
        commit: impl Fn(&mut Rows, Delivery) -> Result<T, Fault> + Send + Sync + 'static,
    ) -> Result<T, Fault> {
        self.process.wait_ms(0).await;
        let moment = self.process.moment_of(call);
        match moment {
            Some(Moment::DiesUnsent) => self.process.die().await,
            Some(Moment::DiesInFlight(after_ms)) => {
                self.commit_later(call, after_ms, Fate::Late { after_ms }, commit);
                self.process.die().await;
                return Err(self.database.unknown("the process is dead"));
            }
            Some(Moment::DiesUnanswered | Moment::Stalls(_)) | None => {}
        }
        let plan = self.faults.write_plan(self.database.clock.elapsed_ms());
        self.process.wait_ms(plan.before_ms).await;
        if self.database.is_down() {
            return Err(self.database.unavailable("the database is away"));
        }
        let crashes = self.database.crashes.load(Ordering::Relaxed);
        let done = match plan.fate {
            Fate::Conflict => {
                return Err(Fault::not_done(self.database.name, FaultKind::Conflict, "two writers collided"));
            }
            Fate::CrashBefore { outage_ms } => {
                self.history.saw(Seen::CrashBeforeCommit);
                self.database.crash(outage_ms);
                return Err(self.database.unavailable("the database crashed before the commit"));
            }
            Fate::LostRequest => {
                self.history.saw(Seen::LostRequest);
                self.process.wait_ms(plan.after_ms).await;
                return Err(self.database.unknown("no answer came"));
            }
            Fate::Late { after_ms } => {
                self.commit_later(call, after_ms, plan.fate, commit);
                self.process.wait_ms(plan.after_ms).await;
                return Err(self.database.unknown("no answer came yet"));
            }
            Fate::Duplicate { after_ms } => {
                let done = self.commit_now(call, plan.fate, &commit)?;
                self.commit_later(call, after_ms, plan.fate, commit);
                done
            }
            Fate::Clean | Fate::Stalled => self.commit_now(call, plan.fate, &commit)?,
            Fate::LostAnswer => {
                self.commit_now(call, plan.fate, &commit)?;
                self.history.saw(Seen::LostAnswer);
                self.process.wait_ms(plan.after_ms).await;
                return Err(self.database.unknown("the answer was lost"));
            }
            Fate::CrashAfter { outage_ms } => {
                self.commit_now(call, plan.fate, &commit)?;
                self.history.saw(Seen::CrashAfterCommit);
                self.database.crash(outage_ms);
                return Err(self.database.unknown("the database crashed after the commit"));
            }
        };
        self.process.go_on(moment).await;
        self.process.wait_ms(plan.after_ms).await;
        if self.database.crashes.load(Ordering::Relaxed) != crashes {
            self.history.saw(Seen::CrashAfterCommit);
            return Err(self.database.unknown("the database crashed before it answered"));
        }
        Ok(done)
    }

    fn commit_now<T: Debug>(
        &self,
        call: &'static str,
        fate: Fate,
        commit: &impl Fn(&mut Rows, Delivery) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let at_ms = self.database.clock.elapsed_ms();
        let late = matches!(fate, Fate::Stalled | Fate::Late { .. });
        let done = self.database.with(|rows| commit(rows, Delivery { at_ms, late }));
        self.history.note(at_ms, format_args!("{} {call} {fate:?} -> {done:?}", self.process.name()));
        done
    }

    /// The batch is on its way already: it arrives even if the process is dead by then.
    fn commit_later<T: Debug>(
        &self,
        call: &'static str,
        after_ms: u64,
        fate: Fate,
        commit: impl Fn(&mut Rows, Delivery) -> Result<T, Fault> + Send + Sync + 'static,
    ) {
        let wire = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(after_ms)).await;
            if !wire.database.is_down() {
                if matches!(fate, Fate::Duplicate { .. }) {
                    wire.history.saw(Seen::Duplicate);
                }
                // Nobody waits for this answer.
                let _ = wire.commit_now(call, fate, &commit);
            }
        });
    }
}
