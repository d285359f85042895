//! Closings on SQL. A page is read outside any transaction, because movements and older closings never change; the write
//! is guarded by the closing's own row, so it stops neither placing nor, on PostgreSQL, anything but another walk.

use std::collections::BTreeMap;

use holdline_domain::fault::Fault;
use holdline_domain::ledger::{AccountSums, ClosedMovement, Closing, Closings, MovementKind, walk};
use holdline_domain::time::UnixMillis;

use super::stored::LEDGER;
use crate::engine::{Column, Engine, Lookup, Row, Value, Write};
use crate::program::{Once, Results, head, head_unlocked};
use crate::rows::{Fields, ints, schema};

const CLOSING_COLUMNS: &[&str] = &["closing_no", "seq", "at_ms", "walked_seq", "accounts", "checksum"];
const SUMS_COLUMNS: &[&str] = &[
    "account_no",
    "closing_no",
    "adjusted",
    "transferred",
    "shipped",
    "taken",
    "committed",
    "released",
    "unallocated",
    "changes",
    "flags_set",
    "last_seq",
];

fn closing_by_no(no: i64, lock: bool) -> Lookup {
    Lookup { table: "closing", columns: CLOSING_COLUMNS, key: &["closing_no"], keys: vec![Column::Int(vec![no])], lock }
}

fn closing(row: Row) -> Result<Closing, Fault> {
    let mut fields = Fields::of(LEDGER, row);
    Ok(Closing {
        no: fields.int()?,
        seq: fields.int()?,
        at: UnixMillis(fields.int()?),
        walked_seq: fields.int()?,
        accounts: fields.int()?,
        checksum: fields.int()?,
    })
}

/// Account, closing, sums.
fn sums(row: Row) -> Result<(i64, (i64, AccountSums)), Fault> {
    let mut fields = Fields::of(LEDGER, row);
    let (account_no, closing_no) = (fields.int()?, fields.int()?);
    let sums = AccountSums {
        adjusted: fields.int()?,
        transferred: fields.int()?,
        shipped: fields.int()?,
        taken: fields.int()?,
        committed: fields.int()?,
        released: fields.int()?,
        unallocated: fields.int()?,
        changes: fields.int()?,
        flags_set: fields.int()?,
        last_seq: fields.int()?,
    };
    Ok((account_no, (closing_no, sums)))
}

fn movement(row: Row) -> Result<ClosedMovement, Fault> {
    let mut fields = Fields::of(LEDGER, row);
    let (seq, account_no, code, quantity) = (fields.int()?, fields.int()?, fields.int()?, fields.int()?);
    let kind = MovementKind::from_code(code)
        .ok_or_else(|| schema(LEDGER, format!("movement {seq} has the unknown kind {code}")))?;
    Ok(ClosedMovement { seq, account_no, kind, quantity })
}

pub(super) async fn closings<E: Engine>(engine: &E) -> Result<Closings, Fault> {
    let newest = engine.query(include_str!("../../sql/ledger/newest_closing.sql"), vec![]).await?;
    let newest = newest.into_iter().next().map(closing).transpose()?;
    let first =
        Lookup { table: "movement", columns: &["at_ms"], key: &["seq"], keys: vec![Column::Int(vec![1])], lock: false };
    let head = Lookup { lock: false, ..head("ledger_head", &["min_writer", "next_seq"]) };
    let mut results = Results::new(engine.lookup(vec![head, first]).await?);
    let newest_seq = results.head(LEDGER)?.int()? - 1;
    let first = results.take().pop().map(|row| Fields::of(LEDGER, row).int()).transpose()?;
    Ok(Closings { now: engine.now().await?, newest_seq, first: first.map(UnixMillis), newest })
}

pub(super) async fn begin<E: Engine>(engine: &E, before: Option<&Closing>) -> Result<(), Fault> {
    let before = before.copied();
    let no = before.map_or(1, |before| before.no + 1);
    let lookups = vec![head("ledger_head", &["min_writer", "next_seq"]), closing_by_no(no, false)];
    let program = Once::new(lookups, move |mut results, now| {
        let seq = results.head(LEDGER)?.int()? - 1;
        let begun = !results.take().is_empty();
        if begun || seq <= before.map_or(0, |before| before.seq) {
            return Ok((vec![], ()));
        }
        let begin = [Closing::begin(before.as_ref(), seq, now)];
        let values = vec![
            ints(&begin, |closing| closing.no),
            ints(&begin, |closing| closing.seq),
            ints(&begin, |closing| closing.at.0),
            ints(&begin, |closing| closing.walked_seq),
            ints(&begin, |closing| closing.accounts),
            ints(&begin, |closing| closing.checksum),
        ];
        Ok((vec![Write::Insert { table: "closing", columns: CLOSING_COLUMNS, values, or_ignore: false }], ()))
    });
    engine.run(program).await
}

pub(super) async fn walk_on<E: Engine>(engine: &E, begun: &Closing, limit: usize) -> Result<(), Fault> {
    let begun = *begun;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let to = begun.walked_seq.saturating_add(limit).min(begun.seq);
    let page = || vec![Value::Int(begun.walked_seq), Value::Int(to)];
    let movements = engine.query(include_str!("../../sql/ledger/list_movements_to_close.sql"), page()).await?;
    let movements = movements.into_iter().map(movement).collect::<Result<Vec<_>, _>>()?;
    if movements.last().map(|last| last.seq) != Some(to) || movements.len() as u64 != to.abs_diff(begun.walked_seq) {
        let after = begun.walked_seq;
        return Err(schema(LEDGER, format!("movements are missing between {after} and {to}: run an audit")));
    }
    // Read after `begun` was: if the closing's row still stands there when it is locked, no row of it was added meanwhile.
    let known = engine.query(include_str!("../../sql/ledger/list_sums_to_close.sql"), page()).await?;
    let known = known.into_iter().map(sums).collect::<Result<BTreeMap<_, _>, _>>()?;
    let walked = walk(begun, &movements, &known);
    let lookups = vec![head_unlocked("ledger_head"), closing_by_no(begun.no, true)];
    let program = Once::new(lookups, move |mut results, _now| {
        results.head(LEDGER)?;
        let stored = results.take().pop().map(closing).transpose()?;
        if stored != Some(begun) {
            return Ok((vec![], ()));
        }
        let mut writes = Vec::with_capacity(3);
        if !walked.new.is_empty() {
            let values = values_of(begun.no, &walked.new);
            writes.push(Write::Insert { table: "closing_account", columns: SUMS_COLUMNS, values, or_ignore: false });
        }
        if !walked.changed.is_empty() {
            writes.push(Write::Update {
                table: "closing_account",
                key: &["account_no", "closing_no"],
                set: &SUMS_COLUMNS[2..],
                add: &[],
                values: values_of(begun.no, &walked.changed),
            });
        }
        let after = [walked.closing];
        writes.push(Write::Update {
            table: "closing",
            key: &["closing_no"],
            set: &["walked_seq", "accounts", "checksum"],
            add: &[],
            values: vec![
                ints(&after, |closing| closing.no),
                ints(&after, |closing| closing.walked_seq),
                ints(&after, |closing| closing.accounts),
                ints(&after, |closing| closing.checksum),
            ],
        });
        Ok((writes, ()))
    });
    engine.run(program).await
}

fn values_of(closing_no: i64, rows: &[(i64, AccountSums)]) -> Vec<Column> {
    vec![
        ints(rows, |row| row.0),
        ints(rows, |_| closing_no),
        ints(rows, |row| row.1.adjusted),
        ints(rows, |row| row.1.transferred),
        ints(rows, |row| row.1.shipped),
        ints(rows, |row| row.1.taken),
        ints(rows, |row| row.1.committed),
        ints(rows, |row| row.1.released),
        ints(rows, |row| row.1.unallocated),
        ints(rows, |row| row.1.changes),
        ints(rows, |row| row.1.flags_set),
        ints(rows, |row| row.1.last_seq),
    ]
}
