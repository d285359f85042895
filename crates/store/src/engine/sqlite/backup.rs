//! Copies of both files of a directory as they were at one instant, beside whoever serves it.
//!
//! The cut: both write locks are taken, the ledger's first, so that no batch is under way in either; a read transaction
//! is opened on each file; the locks are let go. That takes microseconds once the locks are had, and writers wait no
//! longer than that. Then the pages are copied out of the two read transactions, which stop nobody: while they are open
//! the logs cannot start anew, so they grow by what is written meanwhile.
//!
//! A copy names its backup in its row `pair`, and is no store until a restore takes that name away.

use std::path::Path;
use std::time::{Duration, Instant};

use holdline_domain::fault::{Fault, FaultKind};
use rusqlite::backup::Backup;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::connection::{open_beside, open_reader};
use super::error::of_statement;
use crate::engine::migration::{Database, LEDGER, ORDERS, SchemaVersion};
use crate::pair::{Cut, Side, Sides};

/// How long the cut waits for its turn between the batches of a busy server.
const CUT_WITHIN: Duration = Duration::from_secs(30);
/// How long the ledger's lock is kept while the orders' is not had: far below the 2 s that the server's own writer waits.
const LEDGER_KEPT: Duration = Duration::from_millis(250);
/// Pages of one step of a copy; between two steps nothing happens, as no lock is to be let go.
const PAGES_PER_STEP: i32 = 4_096;

/// One file: a connection for its write lock, and one whose read transaction is copied.
struct File {
    database: &'static Database,
    writer: Connection,
    reader: Connection,
}

/// Copies `ledger.sqlite` and `orders.sqlite` from one directory to another, where they must not exist, as they are at one
/// instant between two batches. The copies are not flushed yet.
pub fn copy_pair(from: &Path, to: &Path, backup_id: &str) -> Result<Cut, Fault> {
    let (ledger, orders) = (File::open(from, &LEDGER)?, File::open(from, &ORDERS)?);
    pin_both(&ledger, &orders)?;
    let cut = Cut {
        sides: Sides { ledger: side(&ledger.reader, &LEDGER)?, orders: side(&orders.reader, &ORDERS)? },
        feed_epoch: orders.figure("SELECT epoch FROM feed_head")?,
        newest_hold_no: ledger.figure("SELECT coalesce(max(hold_no), 0) FROM hold")?,
        ledger_schema: ledger.schema()?,
        orders_schema: orders.schema()?,
    };
    ledger.copy(to, backup_id, cut.sides.orders.next_seq)?;
    orders.copy(to, backup_id, cut.sides.ledger.next_seq)?;
    Ok(cut)
}

/// What the two files of a directory say, whoever serves them.
pub fn sides(directory: &Path) -> Result<Sides, Fault> {
    let read = |database: &'static Database| {
        let path = directory.join(format!("{}.sqlite", database.name));
        side(&open_reader(&path, database.name)?, database)
    };
    Ok(Sides { ledger: read(&LEDGER)?, orders: read(&ORDERS)? })
}

/// Whether SQLite finds nothing wrong in the file `<directory>/<name>.sqlite`; what it says otherwise.
pub fn check_pages(directory: &Path, name: &'static str) -> Result<Option<String>, Fault> {
    let connection = open_reader(&directory.join(format!("{name}.sqlite")), name)?;
    let said: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| of_statement(name, error))?;
    Ok((said != "ok").then_some(said))
}

/// Brings what lies in the log into the file, and leaves one plain file that can be moved. Nobody may have it open.
pub fn fold_log(directory: &Path, name: &'static str) -> Result<(), Fault> {
    let path = directory.join(format!("{name}.sqlite"));
    let fold = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags)?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "journal_mode", "delete")?;
        connection.close().map_err(|(_, error)| error)
    };
    fold().map_err(|error| of_statement(name, error))
}

/// The directory inside a data directory in which a restore works. Without a database beside it, it is what a restore
/// left that was cut off between moving the old files away and the new ones to their place.
pub const RESTORE_WORKPLACE: &str = "restoring";

/// Refuses a directory in which one file stands without the other, or an interrupted restore without any: opening it would
/// make new, empty ones. A file that nothing was written into yet is what an interrupted first start leaves.
pub(crate) fn refuse_lone_file(directory: &Path) -> Result<(), Fault> {
    let refused = |message| Err(Fault::not_done("data", FaultKind::Schema, message));
    let place = directory.display();
    let exists = |database: &Database| directory.join(format!("{}.sqlite", database.name)).exists();
    let (there, missing) = match (exists(&LEDGER), exists(&ORDERS)) {
        (true, false) => (&LEDGER, &ORDERS),
        (false, true) => (&ORDERS, &LEDGER),
        (false, false) if directory.join(RESTORE_WORKPLACE).exists() => {
            return refused(format!("a restore of {place} was interrupted: finish with `holdline restore`"));
        }
        (true, true) | (false, false) => return Ok(()),
    };
    let connection = open_reader(&directory.join(format!("{}.sqlite", there.name)), there.name)?;
    // A file that does not even have a head row is one of those.
    let sql = format!("SELECT next_seq FROM {}", there.heads[0]);
    let next_seq: i64 = connection.query_row(&sql, [], |row| row.get(0)).unwrap_or(1);
    if next_seq <= 1 {
        return Ok(());
    }
    refused(format!(
        "{place} holds {}.sqlite without {}.sqlite: one is of no use without the other; bring back both of one backup with \
         `holdline restore`",
        there.name, missing.name
    ))
}

impl File {
    fn open(directory: &Path, database: &'static Database) -> Result<Self, Fault> {
        let path = directory.join(format!("{}.sqlite", database.name));
        let (writer, _) = open_beside(&path, database)?;
        // The lock is asked for again and again, so that a gap between two batches is not slept through.
        writer.busy_timeout(Duration::ZERO).map_err(|error| of_statement(database.name, error))?;
        Ok(Self { database, writer, reader: open_reader(&path, database.name)? })
    }

    /// Tries for the write lock until then. False: somebody else had it all the time.
    fn lock(&self, until: Instant) -> Result<bool, Fault> {
        loop {
            match self.writer.execute_batch("BEGIN IMMEDIATE") {
                Ok(()) => return Ok(true),
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
                Err(error) => return Err(of_statement(self.database.name, error)),
            }
            if Instant::now() >= until {
                return Ok(false);
            }
            std::thread::yield_now();
        }
    }

    fn unlock(&self) -> Result<(), Fault> {
        self.writer.execute_batch("ROLLBACK").map_err(|error| of_statement(self.database.name, error))
    }

    /// Everything read from now on is of this instant: a transaction sees the state at its first read.
    fn pin(&self) -> Result<(), Fault> {
        let pinned = self.reader.execute_batch("BEGIN; SELECT version FROM schema_version");
        pinned.map_err(|error| of_statement(self.database.name, error))
    }

    fn figure(&self, sql: &str) -> Result<i64, Fault> {
        self.reader.query_row(sql, [], |row| row.get(0)).map_err(|error| of_statement(self.database.name, error))
    }

    fn schema(&self) -> Result<SchemaVersion, Fault> {
        let (version, min_writer) =
            (self.figure("SELECT version FROM schema_version")?, self.figure("SELECT min_writer FROM schema_version")?);
        Ok(SchemaVersion { version, min_writer })
    }

    /// Copies the pinned state, notes in the copy what it is, and leaves one plain file without a log.
    fn copy(&self, to: &Path, backup_id: &str, other_seq: i64) -> Result<(), Fault> {
        let path = to.join(format!("{}.sqlite", self.database.name));
        let copy = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
            let mut copy = Connection::open_with_flags(&path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
            // Whoever asked for the copy flushes it when it is whole.
            copy.pragma_update(None, "synchronous", "off")?;
            Backup::new(&self.reader, &mut copy)?.run_to_completion(PAGES_PER_STEP, Duration::ZERO, None)?;
            copy.pragma_update(None, "journal_mode", "delete")?;
            copy.execute("UPDATE pair SET backup_id = ?1, other_seq = ?2", (backup_id, other_seq))?;
            copy.close().map_err(|(_, error)| error)
        };
        copy().map_err(|error| of_statement(self.database.name, error))
    }
}

/// Opens the read transactions of both between two batches of each.
fn pin_both(ledger: &File, orders: &File) -> Result<(), Fault> {
    let until = Instant::now() + CUT_WITHIN;
    while Instant::now() < until && ledger.lock(until)? {
        if orders.lock(until.min(Instant::now() + LEDGER_KEPT))? {
            let pinned = ledger.pin().and_then(|()| orders.pin());
            orders.unlock().and(ledger.unlock()).and(pinned)?;
            return Ok(());
        }
        ledger.unlock()?;
    }
    let message = format!("no gap between two batches was found within {} s", CUT_WITHIN.as_secs());
    Err(Fault::not_done("data", FaultKind::Unavailable, message))
}

fn side(connection: &Connection, database: &'static Database) -> Result<Side, Fault> {
    let sql = format!("SELECT next_seq, pair_id, other_seq, backup_id FROM pair, {}", database.heads[0]);
    let read = connection.query_row(&sql, [], |row| {
        Ok(Side { next_seq: row.get(0)?, pair_id: row.get(1)?, other_seq: row.get(2)?, backup_id: row.get(3)? })
    });
    read.map_err(|error| of_statement(database.name, error))
}
