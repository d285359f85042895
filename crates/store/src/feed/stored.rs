//! The stored forms of parked and skipped events.

use holdline_domain::fault::Fault;
use holdline_domain::feed::{ParkedEvent, ParkedKey, ParkedWrite, SkippedEvent};
use holdline_domain::id::{ConsumerName, TenantId, Version};
use holdline_domain::order::{EventKind, OrderNo};
use holdline_domain::time::UnixMillis;

use crate::engine::{Column, Row, Write};
use crate::order::stored::ORDERS;
use crate::rows::{Fields, ints, opt_ints, schema, texts};

pub(super) const PARKED_COLUMNS: &[&str] =
    &["consumer", "tenant", "order_no", "seq", "version", "kind", "error", "attempts", "parked_ms", "next_try_ms"];

const KEY: &[&str] = &["consumer", "tenant", "order_no", "seq"];

/// A parked event, from [`PARKED_COLUMNS`].
pub(super) fn parked(row: Row) -> Result<ParkedEvent, Fault> {
    let mut fields = Fields::of(ORDERS, row);
    let key = ParkedKey {
        consumer: ConsumerName::from_stored(fields.text()?),
        tenant: TenantId(fields.int()?),
        order_no: OrderNo::from_stored(fields.text()?),
        seq: fields.int()?,
    };
    Ok(ParkedEvent {
        key,
        version: Version(fields.int()?),
        kind: fields.parsed("event kind", EventKind::parse)?,
        error: fields.text()?,
        attempts: i32::try_from(fields.int()?).map_err(|_| schema(ORDERS, "attempts are counted too high"))?,
        parked: UnixMillis(fields.int()?),
        next_try: fields.opt_int()?.map(UnixMillis),
    })
}

/// Decided rows, sorted by what is done with them: each kind is one write.
#[derive(Default)]
pub(super) struct ParkedRows {
    inserts: Vec<ParkedEvent>,
    updates: Vec<ParkedEvent>,
    removes: Vec<ParkedKey>,
    skipped: Vec<SkippedEvent>,
}

impl Extend<ParkedWrite> for ParkedRows {
    fn extend<T: IntoIterator<Item = ParkedWrite>>(&mut self, writes: T) {
        for write in writes {
            match write {
                ParkedWrite::Insert(event) => self.inserts.push(event),
                ParkedWrite::Update(event) => self.updates.push(event),
                ParkedWrite::Remove(key) => self.removes.push(key),
                ParkedWrite::Skipped(log) => self.skipped.push(log),
            }
        }
    }
}

impl ParkedRows {
    pub(super) fn writes(self) -> Vec<Write> {
        let Self { inserts, updates, removes, skipped } = self;
        let mut writes = Vec::new();
        if !removes.is_empty() {
            writes.push(Write::Delete { table: "parked_event", key: KEY, values: keys(&removes) });
        }
        if !inserts.is_empty() {
            writes.push(insert(&inserts));
        }
        if !updates.is_empty() {
            writes.push(update(&updates));
        }
        if !skipped.is_empty() {
            writes.push(insert_skipped(&skipped));
        }
        writes
    }
}

fn keys(keys: &[ParkedKey]) -> Vec<Column> {
    vec![
        texts(keys, |key| key.consumer.as_str()),
        ints(keys, |key| key.tenant.0),
        texts(keys, |key| key.order_no.as_str()),
        ints(keys, |key| key.seq),
    ]
}

fn keys_of(events: &[ParkedEvent]) -> Vec<Column> {
    keys(&events.iter().map(|event| event.key.clone()).collect::<Vec<_>>())
}

fn insert(events: &[ParkedEvent]) -> Write {
    let mut values = keys_of(events);
    values.extend([
        ints(events, |event| event.version.0),
        texts(events, |event| event.kind.as_str()),
        texts(events, |event| event.error.as_str()),
        ints(events, |event| i64::from(event.attempts)),
        ints(events, |event| event.parked.0),
        opt_ints(events, |event| event.next_try.map(|at| at.0)),
    ]);
    Write::Insert { table: "parked_event", columns: PARKED_COLUMNS, values, or_ignore: false }
}

fn update(events: &[ParkedEvent]) -> Write {
    let mut values = keys_of(events);
    values.extend([
        texts(events, |event| event.error.as_str()),
        ints(events, |event| i64::from(event.attempts)),
        opt_ints(events, |event| event.next_try.map(|at| at.0)),
    ]);
    Write::Update { table: "parked_event", key: KEY, set: &["error", "attempts", "next_try_ms"], add: &[], values }
}

fn insert_skipped(logs: &[SkippedEvent]) -> Write {
    let mut values = keys(&logs.iter().map(|log| log.event.key.clone()).collect::<Vec<_>>());
    values.extend([
        ints(logs, |log| log.skipped.0),
        ints(logs, |log| log.event.version.0),
        texts(logs, |log| log.event.kind.as_str()),
        texts(logs, |log| log.event.error.as_str()),
        ints(logs, |log| i64::from(log.event.attempts)),
        ints(logs, |log| log.event.parked.0),
        texts(logs, |log| log.reason.as_str()),
        texts(logs, |log| log.by.as_str()),
    ]);
    Write::Insert {
        table: "skipped_event",
        columns: &[
            "consumer",
            "tenant",
            "order_no",
            "seq",
            "skipped_ms",
            "version",
            "kind",
            "error",
            "attempts",
            "parked_ms",
            "reason",
            "skipped_by",
        ],
        values,
        or_ignore: true,
    }
}
