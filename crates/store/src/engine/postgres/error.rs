//! What an error of PostgreSQL or of the way to it means to the caller.
//!
//! Before COMMIT was sent every error is `NotDone`: the server rolls back what it was told, and a connection that breaks
//! rolls back too. From then on only an answer of severity ERROR, to COMMIT or to a statement sent with it, says that it rolled
//! back; a lost connection, a server that shuts down, or no answer at all is `Unknown`.
//!
//! Messages keep SQLSTATE, constraint and table. The server's own detail repeats values of rows, so it is left out, and
//! so is the error itself as source.

use std::error::Error as StdError;
use std::fmt::Write as _;

use holdline_domain::fault::{Fault, FaultKind};
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

/// An error before COMMIT was sent.
pub(super) fn of_statement(database: &'static str, error: Error) -> Fault {
    let (kind, message) = judged(&error);
    with_source(Fault::not_done(database, kind, message), error)
}

/// An error of COMMIT, or of a statement that COMMIT was sent with.
pub(super) fn of_commit(database: &'static str, error: Error) -> Fault {
    let (kind, message) = judged(&error);
    let rolled_back = error.as_db_error().is_some_and(|db| db.parsed_severity() == Some(Severity::Error));
    let fault =
        if rolled_back { Fault::not_done(database, kind, message) } else { Fault::unknown(database, kind, message) };
    with_source(fault, error)
}

/// Whether an update has not found its rows: see [`super::statement::Shape::Writes`], in which nothing else is divided.
pub(super) fn is_missed_update(error: &Error) -> bool {
    error.code() == Some(&SqlState::DIVISION_BY_ZERO)
}

fn judged(error: &Error) -> (FaultKind, String) {
    match error.as_db_error() {
        Some(db) => (kind_of(db.code()), described(db)),
        None if error.is_closed() || error.source().is_some_and(<dyn StdError>::is::<std::io::Error>) => {
            (FaultKind::Unavailable, error.to_string())
        }
        // A value that does not fit its parameter, an answer that makes no sense, a refused TLS or login handshake.
        None => (FaultKind::Rejected, error.to_string()),
    }
}

fn with_source(fault: Fault, error: Error) -> Fault {
    if error.as_db_error().is_some() { fault } else { fault.caused_by(error) }
}

fn described(db: &DbError) -> String {
    let mut text = format!("SQLSTATE {}", db.code().code());
    // Class 22 (a value that does not fit) repeats the value in the message itself.
    if !db.code().code().starts_with("22") {
        text.push_str(": ");
        text.push_str(db.message());
    }
    for (name, value) in [("constraint", db.constraint()), ("table", db.table()), ("column", db.column())] {
        if let Some(value) = value {
            write!(text, ", {name} {value}").expect("a String takes every text");
        }
    }
    text
}

/// The kind of a SQLSTATE; <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn kind_of(state: &SqlState) -> FaultKind {
    let code = state.code();
    match code {
        // Unique violation.
        "23505" => FaultKind::Conflict,
        "53100" => FaultKind::Full,
        // Query cancelled by timeout, lock not available in time, plan outdated by a migration, server turned replica.
        "57014" | "55P03" | "0A000" | "25006" => FaultKind::Unavailable,
        _ => match &code[..2] {
            // Serialization failure, deadlock.
            "40" => FaultKind::Conflict,
            // Connection, login, unknown database, too few resources, shutdown, system error.
            "08" | "28" | "3D" | "53" | "57" | "58" => FaultKind::Unavailable,
            // Unknown table or column, unknown schema.
            "42" | "3F" => FaultKind::Schema,
            // A value, a check, anything else.
            _ => FaultKind::Rejected,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sqlstate_has_the_kind_that_says_what_to_do_next() {
        for (code, kind) in [
            ("23505", FaultKind::Conflict),
            ("40001", FaultKind::Conflict),
            ("40P01", FaultKind::Conflict),
            ("53100", FaultKind::Full),
            ("53300", FaultKind::Unavailable),
            ("57P01", FaultKind::Unavailable),
            ("57P02", FaultKind::Unavailable),
            ("57P03", FaultKind::Unavailable),
            ("57014", FaultKind::Unavailable),
            ("55P03", FaultKind::Unavailable),
            ("08006", FaultKind::Unavailable),
            ("22021", FaultKind::Rejected),
            ("22003", FaultKind::Rejected),
            ("23514", FaultKind::Rejected),
            ("42P01", FaultKind::Schema),
        ] {
            assert_eq!(kind_of(&SqlState::from_code(code)), kind, "{code}");
        }
    }
}
