//! The SQL of lookups and writes: a statement takes one array per column and handles all rows at once, and writes to several
//! tables are one statement. The driver has each statement answered by itself, so each costs both sides a message and a wake-up,
//! which is more than most of them do.

use holdline_domain::fault::{Fault, FaultKind};
use tokio_postgres::types::{ToSql, Type};

use super::session::quoted;
use crate::engine::{Column, Lookup, Row, Value, Write};

/// A statement but for its values: the key under which it is prepared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    /// [`Lookup`].
    Lookup {
        table: &'static str,
        columns: &'static [&'static str],
        key: &'static [&'static str],
        types: Types,
        lock: bool,
    },
    /// Writes to tables that differ, in one statement: it divides by zero if a [`Write::Update`] has not found each of its rows. So
    /// COMMIT can be sent without waiting for the count.
    Writes(Vec<WriteShape>),
    /// A statement of `sql/`.
    Query(&'static str),
    /// The server's clock, in milliseconds.
    Now,
}

/// A write but for its values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum WriteShape {
    /// [`Write::Insert`].
    Insert { table: &'static str, columns: &'static [&'static str], types: Types, or_ignore: bool },
    /// [`Write::Update`].
    Update {
        table: &'static str,
        key: &'static [&'static str],
        set: &'static [&'static str],
        add: &'static [&'static str],
        types: Types,
    },
    /// [`Write::Delete`].
    Delete { table: &'static str, key: &'static [&'static str], types: Types },
}

/// The server's clock, in milliseconds, at the instant at which this is evaluated.
const CLOCK: &str = "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// The SQL types of some columns, two bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Types {
    bits: u128,
    count: usize,
}

impl Types {
    fn of(columns: &[Column]) -> Self {
        assert!(columns.len() <= 64, "128 bits name the types of 64 columns");
        let bits = columns.iter().enumerate().fold(0, |bits, (place, column)| {
            let code: u128 = match column {
                Column::Int(_) | Column::OptInt(_) => 0,
                Column::Text(_) | Column::OptText(_) => 1,
                Column::Bytes(_) | Column::OptBytes(_) => 2,
            };
            bits | code << (2 * place)
        });
        Self { bits, count: columns.len() }
    }

    /// `unnest($1::bigint[], $2::text[], …)`, numbered from after the parameters of what stands before.
    fn unnested(self, before: usize) -> String {
        let casts: Vec<String> = (0..self.count).map(|place| self.cast(place, before)).collect();
        format!("unnest({})", casts.join(", "))
    }

    /// The array of one of the columns.
    fn cast(self, place: usize, before: usize) -> String {
        let name = match self.bits >> (2 * place) & 3 {
            0 => "bigint",
            1 => "text",
            _ => "bytea",
        };
        format!("${}::{name}[]", before + place + 1)
    }
}

impl Shape {
    pub(super) fn of_lookup(lookup: &Lookup) -> Self {
        let Lookup { table, columns, key, keys, lock } = lookup;
        Self::Lookup { table, columns, key, types: Types::of(keys), lock: *lock }
    }

    pub(super) fn of_writes(writes: &[&Write]) -> Self {
        Self::Writes(writes.iter().map(|write| WriteShape::of(write)).collect())
    }

    pub(super) fn sql(&self) -> String {
        match self {
            Self::Lookup { table, columns, key, types, lock } => {
                let columns = each(columns, |name| format!("t.{}", quoted(name)), ", ");
                let (keys, matches) = (aliases(key.len()), matching(key));
                let (unnested, table) = (types.unnested(0), quoted(table));
                if *lock {
                    // The clock outside: inside, it is read before the lock is waited for.
                    format!(
                        "SELECT t.*, {CLOCK} FROM (SELECT {columns} FROM {unnested} AS k({keys}) \
                         JOIN {table} t ON {matches} FOR UPDATE OF t) t"
                    )
                } else {
                    // OFFSET 0: the planner must look up key by key. Where it believes that a key has very many rows, or a
                    // table very few, it would walk a whole index and compare every row with every key.
                    format!(
                        "SELECT t.* FROM {unnested} AS k({keys}) \
                         CROSS JOIN LATERAL (SELECT {columns} FROM {table} t WHERE {matches} OFFSET 0) t"
                    )
                }
            }
            Self::Writes(writes) => {
                let (mut parts, mut found, mut before) = (Vec::new(), Vec::new(), 0);
                for (place, write) in writes.iter().enumerate() {
                    parts.push(format!("w{place} AS ({})", write.sql(before)));
                    if let WriteShape::Update { types, .. } = write {
                        let keys = types.cast(0, before);
                        found.push(format!("1 / ((SELECT count(*) FROM w{place}) = cardinality({keys}))::int"));
                    }
                    before += write.types().count;
                }
                format!("WITH {} SELECT {}", parts.join(", "), found.join(", "))
            }
            Self::Query(sql) => (*sql).to_owned(),
            Self::Now => format!("SELECT {CLOCK}"),
        }
    }
}

impl WriteShape {
    fn of(write: &Write) -> Self {
        let types = Types::of(columns_of(write));
        match write {
            Write::Insert { table, columns, or_ignore, .. } => {
                Self::Insert { table, columns, types, or_ignore: *or_ignore }
            }
            Write::Update { table, key, set, add, .. } => Self::Update { table, key, set, add, types },
            Write::Delete { table, key, .. } => Self::Delete { table, key, types },
        }
    }

    fn types(&self) -> Types {
        match self {
            Self::Insert { types, .. } | Self::Update { types, .. } | Self::Delete { types, .. } => *types,
        }
    }

    /// The write, its parameters numbered from after those of the writes before it.
    fn sql(&self, before: usize) -> String {
        let unnested = self.types().unnested(before);
        match self {
            Self::Insert { table, columns, or_ignore, .. } => {
                let conflict = if *or_ignore { " ON CONFLICT DO NOTHING" } else { "" };
                let (table, columns) = (quoted(table), each(columns, quoted, ", "));
                format!("INSERT INTO {table} ({columns}) SELECT * FROM {unnested}{conflict}")
            }
            Self::Update { table, key, set, add, .. } => {
                let first_add = key.len() + set.len();
                let sets =
                    set.iter().enumerate().map(|(place, name)| format!("{} = k.c{}", quoted(name), key.len() + place));
                let adds = add
                    .iter()
                    .enumerate()
                    .map(|(place, name)| format!("{0} = t.{0} + k.c{1}", quoted(name), first_add + place));
                let assignments = sets.chain(adds).collect::<Vec<_>>().join(", ");
                let (keys, matches, table) = (aliases(first_add + add.len()), matching(key), quoted(table));
                format!("UPDATE {table} t SET {assignments} FROM {unnested} AS k({keys}) WHERE {matches} RETURNING 1")
            }
            Self::Delete { table, key, .. } => {
                let (keys, matches, table) = (aliases(key.len()), matching(key), quoted(table));
                format!("DELETE FROM {table} t USING {unnested} AS k({keys}) WHERE {matches}")
            }
        }
    }
}

/// The table of a write.
fn table_of(write: &Write) -> &'static str {
    match write {
        Write::Insert { table, .. } | Write::Update { table, .. } | Write::Delete { table, .. } => table,
    }
}

/// The tables of the updates among writes.
pub(super) fn updated_tables<'a>(writes: &'a [&Write]) -> impl Iterator<Item = &'static str> + use<'a> {
    writes.iter().filter(|write| matches!(write, Write::Update { .. })).map(|write| table_of(write))
}

/// Writes in as few statements as may be, in their order. The parts of one statement do not see what the others wrote, so a
/// table that is written again begins a new one.
pub(super) fn statements<'a>(writes: impl Iterator<Item = &'a Write>) -> Vec<Vec<&'a Write>> {
    let mut statements: Vec<Vec<&Write>> = Vec::new();
    for write in writes {
        match statements.last_mut() {
            Some(last) if last.iter().all(|before| table_of(before) != table_of(write)) => last.push(write),
            _ => statements.push(vec![write]),
        }
    }
    statements
}

fn each(names: &[&'static str], form: impl Fn(&str) -> String, between: &str) -> String {
    names.iter().map(|name| form(name)).collect::<Vec<_>>().join(between)
}

fn aliases(count: usize) -> String {
    (0..count).map(|place| format!("c{place}")).collect::<Vec<_>>().join(", ")
}

/// `t.<key> = k.<alias>` for every column of the key.
fn matching(key: &[&'static str]) -> String {
    let equal = key.iter().enumerate().map(|(place, name)| format!("t.{} = k.c{place}", quoted(name)));
    equal.collect::<Vec<_>>().join(" AND ")
}

/// The values of a write.
pub(super) fn columns_of(write: &Write) -> &[Column] {
    match write {
        Write::Insert { values, .. } | Write::Update { values, .. } | Write::Delete { values, .. } => values,
    }
}

/// Columns as arrays.
pub(super) fn parameters<'a>(columns: impl IntoIterator<Item = &'a Column>) -> Vec<&'a (dyn ToSql + Sync)> {
    let array = |column: &'a Column| match column {
        Column::Int(values) => values as &(dyn ToSql + Sync),
        Column::OptInt(values) => values,
        Column::Text(values) => values,
        Column::OptText(values) => values,
        Column::Bytes(values) => values,
        Column::OptBytes(values) => values,
    };
    columns.into_iter().map(array).collect()
}

/// A value in the type that the server gave its parameter.
pub(super) type Bound = Box<dyn ToSql + Sync + Send>;

/// Values for a prepared statement of `sql/`.
pub(super) fn bound(database: &'static str, values: Vec<Value>, types: &[Type]) -> Result<Vec<Bound>, Fault> {
    let rejected = |message| Fault::not_done(database, FaultKind::Rejected, message);
    if values.len() != types.len() {
        return Err(rejected(format!("{} parameters for {}", values.len(), types.len())));
    }
    values.into_iter().zip(types).map(|(value, wanted)| bound_value(value, wanted).map_err(rejected)).collect()
}

fn bound_value(value: Value, wanted: &Type) -> Result<Bound, String> {
    match (value, wanted) {
        (Value::Int(whole), &Type::INT8) => Ok(Box::new(whole)),
        (Value::Int(whole), &Type::INT4) => i32::try_from(whole)
            .map(|whole| Box::new(whole) as Bound)
            .map_err(|_| "a parameter is too large".to_owned()),
        (Value::Text(text), &(Type::TEXT | Type::VARCHAR | Type::NAME)) => Ok(Box::new(text)),
        (Value::Bytes(bytes), &Type::BYTEA) => Ok(Box::new(bytes)),
        (Value::Null, &Type::INT8) => Ok(Box::new(None::<i64>)),
        (Value::Null, &Type::INT4) => Ok(Box::new(None::<i32>)),
        (Value::Null, &(Type::TEXT | Type::VARCHAR | Type::NAME)) => Ok(Box::new(None::<String>)),
        (Value::Null, &Type::BYTEA) => Ok(Box::new(None::<Vec<u8>>)),
        (_, other) => Err(format!("a parameter of type {other} got a value of another type")),
    }
}

/// Rows of the driver as rows of the engine.
pub(super) fn decoded(database: &'static str, rows: &[tokio_postgres::Row]) -> Result<Vec<Row>, Fault> {
    rows.iter()
        .map(|row| decoded_row(row).map_err(|message| Fault::not_done(database, FaultKind::Schema, message)))
        .collect()
}

fn decoded_row(row: &tokio_postgres::Row) -> Result<Row, String> {
    let value = |place: usize| {
        let column = &row.columns()[place];
        let value = match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(place).map(|whole| whole.map(Value::Int)),
            Type::INT4 => row.try_get::<_, Option<i32>>(place).map(|whole| whole.map(|whole| Value::Int(whole.into()))),
            Type::TEXT | Type::VARCHAR | Type::NAME => {
                row.try_get::<_, Option<String>>(place).map(|text| text.map(Value::Text))
            }
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(place).map(|bytes| bytes.map(Value::Bytes)),
            ref other => {
                return Err(format!("column {} has type {other}: cast it to bigint, text or bytea", column.name()));
            }
        };
        value.map(|value| value.unwrap_or(Value::Null)).map_err(|_| format!("column {} cannot be read", column.name()))
    };
    (0..row.len()).map(value).collect::<Result<_, _>>().map(Row)
}
