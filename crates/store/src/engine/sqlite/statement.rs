//! Lookups and writes as SQLite statements, row by row: the text is made once per description, the statement is
//! prepared once per connection.
//!
//! Descriptions are `&'static`, so their addresses identify them. Two equal descriptions at two addresses only make two
//! equal texts.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use holdline_domain::fault::{Fault, FaultKind};
use rusqlite::types::{Null, ValueRef};
use rusqlite::{Connection, Statement};

use super::error::of_statement;
use crate::engine::{Column, Lookup, Row, Value, Write};

/// Statements kept prepared on each connection: more than there are descriptions and `.sql` files.
pub(super) const PREPARED_MAX: usize = 256;

type Address = (usize, usize);

/// What a statement text is made from: verb, table, and its lists of columns.
#[derive(PartialEq, Eq, Hash, Clone, Copy)]
struct Shape(Verb, Address, [Address; 3]);

#[derive(PartialEq, Eq, Hash, Clone, Copy)]
enum Verb {
    Select,
    Insert,
    InsertOrIgnore,
    Update,
    Delete,
}

fn text_address(text: &'static str) -> Address {
    (text.as_ptr().addr(), text.len())
}

fn list_address(list: &'static [&'static str]) -> Address {
    (list.as_ptr().addr(), list.len())
}

/// The texts made so far, one cache per connection.
pub(super) struct Statements {
    database: &'static str,
    texts: HashMap<Shape, Arc<str>>,
}

impl Statements {
    pub(super) fn new(database: &'static str) -> Self {
        Self { database, texts: HashMap::new() }
    }

    /// All rows of one lookup, in the order of its keys.
    pub(super) fn look_up(&mut self, connection: &Connection, lookup: &Lookup) -> Result<Vec<Row>, Fault> {
        let Lookup { table, columns, key, keys, .. } = lookup;
        let shape = Shape(Verb::Select, text_address(table), [list_address(columns), list_address(key), (0, 0)]);
        let text =
            self.text(shape, || format!("SELECT {} FROM {table} WHERE {}", columns.join(", "), matching(key, 1)));
        let mut statement = connection.prepare_cached(&text).map_err(|e| of_statement(self.database, e))?;
        let mut found = Vec::new();
        for place in 0..rows_of(keys) {
            bind_row(&mut statement, keys, place).map_err(|e| of_statement(self.database, e))?;
            fetch(&mut statement, columns.len(), &mut found).map_err(|e| of_statement(self.database, e))?;
        }
        Ok(found)
    }

    /// Executes one write, row by row.
    pub(super) fn write(&mut self, connection: &Connection, write: &Write) -> Result<(), Fault> {
        let (shape, values) = match write {
            Write::Insert { table, columns, values, or_ignore } => {
                let verb = if *or_ignore { Verb::InsertOrIgnore } else { Verb::Insert };
                (Shape(verb, text_address(table), [list_address(columns), (0, 0), (0, 0)]), values)
            }
            Write::Update { table, key, set, add, values } => {
                let lists = [list_address(key), list_address(set), list_address(add)];
                (Shape(Verb::Update, text_address(table), lists), values)
            }
            Write::Delete { table, key, values } => {
                (Shape(Verb::Delete, text_address(table), [list_address(key), (0, 0), (0, 0)]), values)
            }
        };
        let text = self.text(shape, || text_of(write));
        let mut statement = connection.prepare_cached(&text).map_err(|e| of_statement(self.database, e))?;
        for place in 0..rows_of(values) {
            bind_row(&mut statement, values, place).map_err(|e| of_statement(self.database, e))?;
            let changed = statement.raw_execute().map_err(|e| of_statement(self.database, e))?;
            if let Write::Update { table, .. } = write
                && changed == 0
            {
                let message = format!("a row of {table} to change is not there");
                return Err(Fault::not_done(self.database, FaultKind::Conflict, message));
            }
        }
        Ok(())
    }

    fn text(&mut self, shape: Shape, make: impl FnOnce() -> String) -> Arc<str> {
        self.texts.entry(shape).or_insert_with(|| make().into()).clone()
    }
}

/// The rows of one statement of `sql/`.
pub(super) fn query(
    connection: &Connection,
    database: &'static str,
    sql: &str,
    parameters: &[Value],
) -> Result<Vec<Row>, Fault> {
    let run = || {
        let mut statement = connection.prepare_cached(sql)?;
        for (place, value) in parameters.iter().enumerate() {
            match value {
                Value::Null => statement.raw_bind_parameter(place + 1, Null)?,
                Value::Int(whole) => statement.raw_bind_parameter(place + 1, whole)?,
                Value::Text(text) => statement.raw_bind_parameter(place + 1, text)?,
                Value::Bytes(bytes) => statement.raw_bind_parameter(place + 1, bytes)?,
            }
        }
        let mut found = Vec::new();
        let columns = statement.column_count();
        fetch(&mut statement, columns, &mut found)?;
        Ok(found)
    };
    run().map_err(|e| of_statement(database, e))
}

fn text_of(write: &Write) -> String {
    match write {
        Write::Insert { table, columns, or_ignore, .. } => {
            let mut text = format!("INSERT INTO {table} ({}) VALUES (", columns.join(", "));
            for place in 1..=columns.len() {
                let comma = if place == 1 { "" } else { ", " };
                write!(text, "{comma}?{place}").expect("a String takes every text");
            }
            text.push_str(if *or_ignore { ") ON CONFLICT DO NOTHING" } else { ")" });
            text
        }
        Write::Update { table, key, set, add, .. } => {
            let first_set = key.len() + 1;
            let sets = set.iter().enumerate().map(|(i, column)| format!("{column} = ?{}", first_set + i));
            let first_add = first_set + set.len();
            let adds = add.iter().enumerate().map(|(i, column)| format!("{column} = {column} + ?{}", first_add + i));
            let assignments: Vec<String> = sets.chain(adds).collect();
            format!("UPDATE {table} SET {} WHERE {}", assignments.join(", "), matching(key, 1))
        }
        Write::Delete { table, key, .. } => format!("DELETE FROM {table} WHERE {}", matching(key, 1)),
    }
}

fn matching(key: &[&str], first: usize) -> String {
    let terms: Vec<String> = key.iter().enumerate().map(|(i, column)| format!("{column} = ?{}", first + i)).collect();
    terms.join(" AND ")
}

fn rows_of(columns: &[Column]) -> usize {
    let rows = columns.first().map_or(0, Column::len);
    debug_assert!(columns.iter().all(|column| column.len() == rows), "all columns have the same length");
    rows
}

fn bind_row(statement: &mut Statement<'_>, columns: &[Column], place: usize) -> rusqlite::Result<()> {
    for (index, column) in columns.iter().enumerate() {
        let parameter = index + 1;
        match column {
            Column::Int(values) => statement.raw_bind_parameter(parameter, values[place])?,
            Column::OptInt(values) => statement.raw_bind_parameter(parameter, values[place])?,
            Column::Text(values) => statement.raw_bind_parameter(parameter, values[place].as_str())?,
            Column::OptText(values) => statement.raw_bind_parameter(parameter, values[place].as_deref())?,
            Column::Bytes(values) => statement.raw_bind_parameter(parameter, values[place].as_slice())?,
            Column::OptBytes(values) => statement.raw_bind_parameter(parameter, values[place].as_deref())?,
        }
    }
    Ok(())
}

fn fetch(statement: &mut Statement<'_>, columns: usize, into: &mut Vec<Row>) -> rusqlite::Result<()> {
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let mut values = Vec::with_capacity(columns);
        for index in 0..columns {
            values.push(match row.get_ref(index)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(whole) => Value::Int(whole),
                ValueRef::Text(_) => Value::Text(row.get_ref(index)?.as_str()?.to_owned()),
                ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
                ValueRef::Real(_) => {
                    return Err(rusqlite::Error::InvalidColumnType(
                        index,
                        "a column without fractions".to_owned(),
                        rusqlite::types::Type::Real,
                    ));
                }
            });
        }
        into.push(Row(values));
    }
    Ok(())
}
