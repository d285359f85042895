//! The usual program: take a head row, read, decide, write.

use holdline_domain::fault::Fault;
use holdline_domain::time::UnixMillis;

use crate::engine::migration::check_writer;
use crate::engine::{Column, Lookup, Program, Row, Step, Write};
use crate::rows::{Fields, schema};

/// A program of one read and one decision. `decide` gets the rows of each lookup and the database's clock.
pub(crate) struct Once<F> {
    lookups: Option<Vec<Lookup>>,
    decide: Option<F>,
}

impl<F> Once<F> {
    pub(crate) fn new<O>(lookups: Vec<Lookup>, decide: F) -> Self
    where
        F: FnOnce(Results, UnixMillis) -> Result<(Vec<Write>, O), Fault> + Send + 'static,
    {
        Self { lookups: Some(lookups), decide: Some(decide) }
    }
}

impl<F, O> Program for Once<F>
where
    F: FnOnce(Results, UnixMillis) -> Result<(Vec<Write>, O), Fault> + Send + 'static,
    O: Send + 'static,
{
    type Outcome = O;

    fn next(&mut self, results: Vec<Vec<Row>>, now: UnixMillis) -> Result<Step<O>, Fault> {
        if let Some(lookups) = self.lookups.take() {
            return Ok(Step::Read(lookups));
        }
        let decide = self.decide.take().expect("an engine calls a program once after its last read");
        let (writes, outcome) = decide(Results::new(results), now)?;
        Ok(Step::Write(writes, outcome))
    }
}

/// The rows of the lookups of one step, taken in their order.
pub(crate) struct Results(std::vec::IntoIter<Vec<Row>>);

impl Results {
    pub(crate) fn new(results: Vec<Vec<Row>>) -> Self {
        Self(results.into_iter())
    }

    /// The rows of the next lookup.
    pub(crate) fn take(&mut self) -> Vec<Row> {
        self.0.next().expect("an engine answers every lookup of a step")
    }

    /// The head row: its fields after `min_writer`, which is checked.
    pub(crate) fn head(&mut self, database: &'static str) -> Result<Fields, Fault> {
        let row = self.take().pop().ok_or_else(|| schema(database, "the head row is missing"))?;
        let mut fields = Fields::of(database, row);
        check_writer(database, fields.int()?)?;
        Ok(fields)
    }
}

/// The head row of a table, locked until the transaction ends. `columns` start with `min_writer`.
pub(crate) fn head(table: &'static str, columns: &'static [&'static str]) -> Lookup {
    Lookup { table, columns, key: &["id"], keys: vec![Column::Int(vec![1])], lock: true }
}

/// The head row's `min_writer`, not locked: for writers that lock a row of their own instead.
pub(crate) fn head_unlocked(table: &'static str) -> Lookup {
    Lookup { lock: false, ..head(table, &["min_writer"]) }
}

/// New values of the head row; one column per name in `set`.
pub(crate) fn set_head(table: &'static str, set: &'static [&'static str], values: &[i64]) -> Write {
    let values = std::iter::once(&1).chain(values).map(|value| Column::Int(vec![*value])).collect();
    Write::Update { table, key: &["id"], set, add: &[], values }
}
