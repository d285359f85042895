//! What an error of SQLite means to the caller.
//!
//! Before COMMIT every error is `NotDone`: the transaction is rolled back. An error of COMMIT itself (WAL mode) is judged
//! by [`of_commit`]: SQLite writes the transaction's pages to the log, the last one marked as the commit, and flushes
//! the log. If a write fails, the commit mark is not valid, a rollback forgets the pages and the next transaction
//! overwrites them: `NotDone`. If the *flush* fails, a valid commit mark may or may not have reached the disk, and a
//! recovery after a crash would honour it: `Unknown`, and nothing may be written any more, since the kernel drops what
//! it could not flush and a second flush that succeeds proves nothing. A restart recovers from what is really there.

use holdline_domain::fault::{Fault, FaultKind};
use rusqlite::ffi;

/// An error of a statement, or of opening: nothing was written.
pub(super) fn of_statement(database: &'static str, error: rusqlite::Error) -> Fault {
    Fault::not_done(database, kind(&error), error.to_string()).caused_by(error)
}

/// An error of COMMIT. `rolled_back`: the ROLLBACK after it succeeded.
pub(super) fn of_commit(database: &'static str, error: rusqlite::Error, rolled_back: bool) -> Fault {
    let (kind, message) = (kind(&error), error.to_string());
    if rolled_back && !is_flush(&error) {
        Fault::not_done(database, kind, message).caused_by(error)
    } else {
        Fault::unknown(database, kind, message).caused_by(error)
    }
}

/// The database file could not be flushed beside SQLite.
pub(super) fn of_flush(database: &'static str, error: std::io::Error) -> Fault {
    Fault::not_done(database, FaultKind::Unavailable, error.to_string()).caused_by(error)
}

/// Whether a flush to disk failed: this process must not write any more.
pub(super) fn is_flush(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error().map(|e| e.extended_code), Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC))
}

fn kind(error: &rusqlite::Error) -> FaultKind {
    use rusqlite::ErrorCode as Code;
    let Some(sqlite) = error.sqlite_error() else { return FaultKind::Rejected };
    match (sqlite.code, sqlite.extended_code) {
        (Code::DiskFull, _) => FaultKind::Full,
        (_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID) => {
            FaultKind::Conflict
        }
        (
            Code::DatabaseBusy
            | Code::DatabaseLocked
            | Code::SystemIoFailure
            | Code::CannotOpen
            | Code::OutOfMemory
            | Code::ReadOnly
            | Code::PermissionDenied
            | Code::FileLockingProtocolFailed
            | Code::OperationInterrupted,
            _,
        ) => FaultKind::Unavailable,
        (Code::DatabaseCorrupt | Code::NotADatabase | Code::SchemaChanged, _) => FaultKind::Schema,
        _ => FaultKind::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(extended_code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(extended_code), None)
    }

    #[test]
    fn failed_write_of_a_commit_is_not_done_once_rolled_back() {
        let fault = of_commit("orders", sqlite(ffi::SQLITE_IOERR_WRITE), true);
        assert_eq!(fault.outcome, holdline_domain::fault::Outcome::NotDone);
        let fault = of_commit("orders", sqlite(ffi::SQLITE_IOERR_WRITE), false);
        assert_eq!(fault.outcome, holdline_domain::fault::Outcome::Unknown);
    }

    #[test]
    fn failed_flush_of_a_commit_is_unknown_even_if_rolled_back() {
        let fault = of_commit("orders", sqlite(ffi::SQLITE_IOERR_FSYNC), true);
        assert_eq!(fault.outcome, holdline_domain::fault::Outcome::Unknown);
        assert!(is_flush(&sqlite(ffi::SQLITE_IOERR_FSYNC)));
    }

    #[test]
    fn codes_map_to_kinds() {
        for (code, expected) in [
            (ffi::SQLITE_FULL, FaultKind::Full),
            (ffi::SQLITE_CONSTRAINT_PRIMARYKEY, FaultKind::Conflict),
            (ffi::SQLITE_CONSTRAINT_CHECK, FaultKind::Rejected),
            (ffi::SQLITE_BUSY, FaultKind::Unavailable),
            (ffi::SQLITE_CORRUPT, FaultKind::Schema),
        ] {
            assert_eq!(of_statement("orders", sqlite(code)).kind, expected, "{code}");
        }
    }
}
