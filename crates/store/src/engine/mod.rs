//! What a database must be able to do for Holdline: run a [`Program`] in one durable transaction, and answer reads.
//!
//! A program is a batch seen from the database: it asks for rows by key, decides, and hands over the rows to write. It
//! never holds a transaction, so the same program runs on SQLite (row by row, cached statements, on the writer's own
//! thread) and on PostgreSQL (set-wise by arrays, one round trip per step, all writes in one or two statements with COMMIT behind them).
//!
//! Every program locks one head row first. All writers of a database therefore decide one after the other on what is
//! committed: no deadlocks, no lost updates, gapless sequences. What that costs is the overlap of guard reads between
//! processes; batches make up for it.
//!
//! Values are `i64`, text and bytes only: instants are milliseconds, flags 0 or 1, structures JSON text.

pub mod migration;
pub mod postgres;
pub mod sqlite;

use std::future::Future;

use holdline_domain::fault::Fault;
use holdline_domain::time::UnixMillis;

/// One value of a row or parameter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// A whole number.
    Int(i64),
    /// A text without NUL.
    Text(String),
    /// Raw bytes.
    Bytes(Vec<u8>),
}

/// The values of one column, row by row. All columns of one write or lookup have the same length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// Whole numbers.
    Int(Vec<i64>),
    /// Whole numbers or NULL.
    OptInt(Vec<Option<i64>>),
    /// Texts.
    Text(Vec<String>),
    /// Texts or NULL.
    OptText(Vec<Option<String>>),
    /// Bytes.
    Bytes(Vec<Vec<u8>>),
    /// Bytes or NULL.
    OptBytes(Vec<Option<Vec<u8>>>),
}

impl Column {
    /// How many values it has.
    pub fn len(&self) -> usize {
        match self {
            Self::Int(values) => values.len(),
            Self::OptInt(values) => values.len(),
            Self::Text(values) => values.len(),
            Self::OptText(values) => values.len(),
            Self::Bytes(values) => values.len(),
            Self::OptBytes(values) => values.len(),
        }
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One row of a result, in the order of the columns asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(pub Vec<Value>);

/// Rows asked for by key: `SELECT columns FROM table WHERE key[0] = … AND key[1] = …`, once per key.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// The table.
    pub table: &'static str,
    /// The columns to return; include the key's where the caller must tell rows apart.
    pub columns: &'static [&'static str],
    /// The columns of the key; an index must lead with them.
    pub key: &'static [&'static str],
    /// One column of values per column of the key.
    pub keys: Vec<Column>,
    /// Hold the rows until the transaction ends (the head row).
    pub lock: bool,
}

/// Rows to write. Each is executed as a whole, and sees what those before it wrote to its table.
#[derive(Debug, Clone)]
pub enum Write {
    /// New rows. A unique key that is taken is a fault of kind `Conflict`, outcome `NotDone`.
    Insert {
        /// The table.
        table: &'static str,
        /// Its columns.
        columns: &'static [&'static str],
        /// One column of values per column.
        values: Vec<Column>,
        /// Leave rows whose key is taken as they are, instead of failing.
        or_ignore: bool,
    },
    /// Changed rows: `SET set[i] = …, add[j] = add[j] + … WHERE key = …`. Every row must exist, else `Conflict`.
    Update {
        /// The table.
        table: &'static str,
        /// The columns of the key.
        key: &'static [&'static str],
        /// Columns that get a new value.
        set: &'static [&'static str],
        /// Columns that get a delta.
        add: &'static [&'static str],
        /// One column of values per column of `key`, then `set`, then `add`.
        values: Vec<Column>,
    },
    /// Rows to remove by key; absent ones are no error.
    Delete {
        /// The table.
        table: &'static str,
        /// The columns of the key.
        key: &'static [&'static str],
        /// One column of values per column of the key.
        values: Vec<Column>,
    },
}

/// What a program wants next.
pub enum Step<O> {
    /// Rows, in one round trip, in this order; [`Program::next`] is called with them.
    Read(Vec<Lookup>),
    /// These rows written and committed durably; the program's outcome is `O`.
    Write(Vec<Write>, O),
}

/// A transaction as a state machine.
pub trait Program: Send + 'static {
    /// What the caller gets once everything is durable.
    type Outcome: Send + 'static;

    /// The next step. Called first with no results, then with the rows of each `Read`, one list per lookup. `now` is the
    /// database's own clock, read inside the transaction once the first row was locked, so after whatever another program
    /// has committed under that lock; where no row is locked, after the rows of the first step.
    fn next(&mut self, results: Vec<Vec<Row>>, now: UnixMillis) -> Result<Step<Self::Outcome>, Fault>;
}

/// A database.
pub trait Engine: Clone + Send + Sync + 'static {
    /// Runs a program in one transaction. An error before the commit rolls back (`NotDone`); an error of the commit
    /// itself is `Unknown` unless the database said that it rolled back.
    fn run<P: Program>(&self, program: P) -> impl Future<Output = Result<P::Outcome, Fault>> + Send;

    /// Rows by key, outside any transaction, from what is committed; one list per lookup.
    fn lookup(&self, lookups: Vec<Lookup>) -> impl Future<Output = Result<Vec<Vec<Row>>, Fault>> + Send;

    /// The rows of one statement of `sql/`, with parameters `$1`, `$2`, … numbered in the order of first appearance.
    fn query(&self, sql: &'static str, parameters: Vec<Value>) -> impl Future<Output = Result<Vec<Row>, Fault>> + Send;

    /// The database's clock.
    fn now(&self) -> impl Future<Output = Result<UnixMillis, Fault>> + Send;
}
