//! Promised submits on SQL: the to-do beside the group rows, and the numbers that were told.
//!
//! `request` is the JSON of a [`Submit`], `order_nos` that of its promised numbers by seller, both in `format` 1: formats
//! that may only gain fields with a default.
//!
//! [`Submit`]: holdline_domain::order::Submit

use holdline_domain::fault::Fault;
use holdline_domain::id::{BuyerId, Fingerprint, GroupKey, TenantId};
use holdline_domain::order::change::Decided;
use holdline_domain::order::{Acceptance, AcceptedSubmit, OrderNo};
use holdline_domain::time::UnixMillis;

use super::stored::ORDERS;
use crate::engine::{Column, Engine, Lookup, Row, Write};
use crate::program::Results;
use crate::rows::{Fields, count, ints, json, made_texts, schema, texts};

/// The format of `order_nos` and `request` that this version writes and reads.
const FORMAT: i64 = 1;

/// What a promise needs to be judged: its key and all but the request.
const ACCEPTANCE_COLUMNS: &[&str] =
    &["tenant", "group_key", "format", "buyer", "content", "order_nos", "accepted_ms", "decide_by_ms"];

const SUBMIT_COLUMNS: &[&str] = &["format", "request", "buyer", "content", "order_nos", "accepted_ms", "decide_by_ms"];

fn keyed(columns: &'static [&'static str], keys: Vec<Column>) -> Lookup {
    Lookup { table: "accepted_submit", columns, key: &["tenant", "group_key"], keys, lock: false }
}

/// Promises by the key of their submit.
pub(super) fn acceptances(keys: Vec<Column>) -> Lookup {
    keyed(ACCEPTANCE_COLUMNS, keys)
}

/// A promise with its key, from the rows of [`acceptances`].
pub(super) fn acceptance(row: Row) -> Result<((TenantId, GroupKey), Acceptance), Fault> {
    let mut fields = Fields::of(ORDERS, row);
    let key = (TenantId(fields.int()?), GroupKey::from_stored(fields.text()?));
    check_format(&mut fields)?;
    Ok((key, promise(&mut fields)?))
}

fn check_format(fields: &mut Fields) -> Result<(), Fault> {
    match fields.int()? {
        FORMAT => Ok(()),
        other => Err(schema(ORDERS, format!("an accepted submit has the format {other}, this version knows {FORMAT}"))),
    }
}

fn promise(fields: &mut Fields) -> Result<Acceptance, Fault> {
    Ok(Acceptance {
        buyer: BuyerId::from_stored(fields.text()?),
        content: Fingerprint(fields.hash()?),
        order_nos: fields.json("list of promised numbers")?,
        accepted: UnixMillis(fields.int()?),
        decide_by: UnixMillis(fields.int()?),
    })
}

fn accepted_submit(row: Row) -> Result<AcceptedSubmit, Fault> {
    let mut fields = Fields::of(ORDERS, row);
    check_format(&mut fields)?;
    Ok(AcceptedSubmit { submit: fields.json("request")?, acceptance: promise(&mut fields)? })
}

/// One promised submit with its request.
pub(super) async fn by_key<E: Engine>(
    engine: &E,
    tenant: TenantId,
    key: &GroupKey,
) -> Result<Option<AcceptedSubmit>, Fault> {
    let keys = vec![Column::Int(vec![tenant.0]), Column::Text(vec![key.as_str().to_owned()])];
    let mut results = Results::new(engine.lookup(vec![keyed(SUBMIT_COLUMNS, keys)]).await?);
    results.take().into_iter().next().map(accepted_submit).transpose()
}

/// The oldest promised submits.
pub(super) async fn oldest<E: Engine>(engine: &E, limit: usize) -> Result<Vec<AcceptedSubmit>, Fault> {
    let sql = include_str!("../../sql/order/list_accepted.sql");
    engine.query(sql, vec![count(limit)]).await?.into_iter().map(accepted_submit).collect()
}

/// The submit that a number was promised to.
pub(super) async fn of_number<E: Engine>(
    engine: &E,
    tenant: TenantId,
    order_no: &OrderNo,
) -> Result<Option<GroupKey>, Fault> {
    let lookup = Lookup {
        table: "accepted_number",
        columns: &["group_key"],
        key: &["tenant", "order_no"],
        keys: vec![Column::Int(vec![tenant.0]), Column::Text(vec![order_no.as_str().to_owned()])],
        lock: false,
    };
    let row = Results::new(engine.lookup(vec![lookup]).await?).take().into_iter().next();
    row.map(|row| Fields::of(ORDERS, row).text().map(GroupKey::from_stored)).transpose()
}

/// What a decided batch makes of promises: new ones, then those that are kept.
pub(super) fn writes(decided: &Decided) -> Vec<Write> {
    let mut writes = Vec::new();
    if !decided.accepted.is_empty() {
        writes.push(insert_submits(&decided.accepted));
        let numbers: Vec<(&AcceptedSubmit, &OrderNo)> = decided.accepted.iter().flat_map(promised_numbers).collect();
        writes.push(insert_numbers(&numbers));
    }
    if !decided.kept.is_empty() {
        writes.push(Write::Delete {
            table: "accepted_submit",
            key: &["tenant", "group_key"],
            values: vec![ints(&decided.kept, |key| key.0.0), texts(&decided.kept, |key| key.1.as_str())],
        });
    }
    if !decided.numbers_used.is_empty() {
        let used = &decided.numbers_used;
        writes.push(Write::Delete {
            table: "accepted_number",
            key: &["tenant", "order_no"],
            values: vec![ints(used, |number| number.0.0), texts(used, |number| number.1.as_str())],
        });
    }
    writes
}

fn promised_numbers(accepted: &AcceptedSubmit) -> impl Iterator<Item = (&AcceptedSubmit, &OrderNo)> {
    accepted.acceptance.order_nos.iter().map(move |(_, order_no)| (accepted, order_no))
}

fn insert_submits(accepted: &[AcceptedSubmit]) -> Write {
    Write::Insert {
        table: "accepted_submit",
        columns: &[
            "tenant",
            "group_key",
            "buyer",
            "content",
            "format",
            "order_nos",
            "request",
            "accepted_ms",
            "decide_by_ms",
        ],
        values: vec![
            ints(accepted, |each| each.submit.tenant.0),
            texts(accepted, |each| each.submit.key.as_str()),
            texts(accepted, |each| each.acceptance.buyer.as_str()),
            Column::Bytes(accepted.iter().map(|each| each.acceptance.content.0.to_vec()).collect()),
            ints(accepted, |_| FORMAT),
            made_texts(accepted, |each| json(&each.acceptance.order_nos)),
            made_texts(accepted, |each| json(&each.submit)),
            ints(accepted, |each| each.acceptance.accepted.0),
            ints(accepted, |each| each.acceptance.decide_by.0),
        ],
        or_ignore: false,
    }
}

fn insert_numbers(numbers: &[(&AcceptedSubmit, &OrderNo)]) -> Write {
    Write::Insert {
        table: "accepted_number",
        columns: &["tenant", "order_no", "group_key"],
        values: vec![
            ints(numbers, |(accepted, _)| accepted.submit.tenant.0),
            texts(numbers, |(_, order_no)| order_no.as_str()),
            texts(numbers, |(accepted, _)| accepted.submit.key.as_str()),
        ],
        or_ignore: false,
    }
}
