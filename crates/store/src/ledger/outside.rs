//! What is stored beside holds of outside callers: one row per hold or tombstone, one per open part with its deadline.
//!
//! Batches without such holds read and write none of it.

use std::collections::{BTreeMap, BTreeSet};

use holdline_domain::fault::Fault;
use holdline_domain::id::{GroupKey, TenantId};
use holdline_domain::ledger::{CheckUrl, Deadline, DeadlineWrite, HoldId, Outside, OutsideWrite, Part};
use holdline_domain::port::DueDeadline;
use holdline_domain::time::UnixMillis;

use super::stored::{LEDGER, part, part_text};
use crate::engine::{Column, Lookup, Row, Write};
use crate::rows::{Fields, ints, made_texts, opt_ints, opt_texts, texts};

/// Rows by hold.
pub(super) type OutsideRows = BTreeMap<(TenantId, HoldId), Outside>;

pub(super) fn lookup_outside(keys: &BTreeSet<(TenantId, HoldId)>) -> Lookup {
    Lookup {
        table: "outside_hold",
        columns: &["tenant", "hold_key", "hold_no", "check_url"],
        key: &["tenant", "hold_key"],
        keys: vec![
            Column::Int(keys.iter().map(|(tenant, _)| tenant.0).collect()),
            Column::Text(keys.iter().map(|(_, id)| id.key.as_str().to_owned()).collect()),
        ],
        lock: false,
    }
}

/// The rows of [`lookup_outside`], deadlines still missing.
pub(super) fn outside_rows(rows: Vec<Row>) -> Result<OutsideRows, Fault> {
    let row = |row| {
        let mut fields = Fields::of(LEDGER, row);
        let tenant = TenantId(fields.int()?);
        let id = HoldId::first(GroupKey::from_stored(fields.text()?));
        let hold_no = fields.opt_int()?;
        let check_url = fields.opt_text()?.map(CheckUrl::from_stored);
        let outside = match hold_no {
            Some(hold_no) => Outside::Taken { hold_no, check_url, deadlines: Vec::new() },
            None => Outside::Never,
        };
        Ok(((tenant, id), outside))
    };
    rows.into_iter().map(row).collect()
}

/// The deadlines of holds that were taken; `None` where there is none such.
pub(super) fn lookup_deadlines(outside: &OutsideRows) -> Option<Lookup> {
    let hold_nos: Vec<i64> = outside
        .values()
        .filter_map(|outside| match outside {
            Outside::Taken { hold_no, .. } => Some(*hold_no),
            Outside::Never => None,
        })
        .collect();
    (!hold_nos.is_empty()).then(|| Lookup {
        table: "hold_deadline",
        columns: &["hold_no", "part", "deadline_ms", "visit_ms", "visits"],
        key: &["hold_no"],
        keys: vec![Column::Int(hold_nos)],
        lock: false,
    })
}

/// Puts the rows of [`lookup_deadlines`] where they belong.
pub(super) fn take_deadlines(outside: &mut OutsideRows, rows: Vec<Row>) -> Result<(), Fault> {
    let mut by_no: BTreeMap<i64, Vec<(Part, Deadline)>> = BTreeMap::new();
    for row in rows {
        let mut fields = Fields::of(LEDGER, row);
        let hold_no = fields.int()?;
        by_no.entry(hold_no).or_default().push(part_and_deadline(&mut fields)?);
    }
    for row in outside.values_mut() {
        if let Outside::Taken { hold_no, deadlines, .. } = row {
            *deadlines = by_no.remove(hold_no).unwrap_or_default();
            deadlines.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
    }
    Ok(())
}

fn part_and_deadline(fields: &mut Fields) -> Result<(Part, Deadline), Fault> {
    let name = fields.text()?;
    let part = part(&name).ok_or_else(|| fields.unknown("part", &name))?;
    let (at, visit) = (UnixMillis(fields.int()?), UnixMillis(fields.int()?));
    let visits = fields.int()?;
    let visits = i32::try_from(visits).map_err(|_| fields.unknown("count of visits", &visits.to_string()))?;
    Ok((part, Deadline { at, visit, visits }))
}

/// A row of `list_due_deadlines.sql`.
pub(super) fn due_deadline(row: Row) -> Result<DueDeadline, Fault> {
    let mut fields = Fields::of(LEDGER, row);
    let tenant = TenantId(fields.int()?);
    let id = HoldId::first(GroupKey::from_stored(fields.text()?));
    let (part, deadline) = part_and_deadline(&mut fields)?;
    let check_url = fields.opt_text()?.map(CheckUrl::from_stored);
    Ok(DueDeadline { tenant, id, part, deadline, check_url })
}

pub(super) fn insert_outside(rows: &[OutsideWrite]) -> Write {
    Write::Insert {
        table: "outside_hold",
        columns: &["tenant", "hold_key", "hold_no", "check_url"],
        values: vec![
            ints(rows, |row| row.tenant.0),
            texts(rows, |row| row.id.key.as_str()),
            opt_ints(rows, |row| row.hold_no),
            opt_texts(rows, |row| row.check_url.as_ref().map(|url| url.as_str().to_owned())),
        ],
        or_ignore: false,
    }
}

/// Changed deadlines are taken out and put in anew: a part has none once it has ended.
pub(super) fn delete_deadlines(changed: &[DeadlineWrite]) -> Write {
    Write::Delete {
        table: "hold_deadline",
        key: &["hold_no", "part"],
        values: vec![ints(changed, |write| write.hold_no), made_texts(changed, |write| part_text(&write.part))],
    }
}

pub(super) fn insert_deadlines(standing: &[(i64, &Part, Deadline)]) -> Write {
    Write::Insert {
        table: "hold_deadline",
        columns: &["hold_no", "part", "deadline_ms", "visit_ms", "visits"],
        values: vec![
            ints(standing, |(hold_no, ..)| *hold_no),
            made_texts(standing, |(_, part, _)| part_text(part)),
            ints(standing, |(.., deadline)| deadline.at.0),
            ints(standing, |(.., deadline)| deadline.visit.0),
            ints(standing, |(.., deadline)| i64::from(deadline.visits)),
        ],
        or_ignore: false,
    }
}
