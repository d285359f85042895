//! Callbacks on SQL: each event of a provider once, as it came. No batch of orders waits for them: they lock no head.

use holdline_domain::fault::Fault;
use holdline_domain::id::TenantId;
use holdline_domain::payment::{Callback, CallbackState, ProviderName};
use holdline_domain::time::UnixMillis;

use crate::engine::{Column, Engine, Lookup, Row, Write};
use crate::order::stored::{ORDERS, small};
use crate::program::{Once, head_unlocked};
use crate::rows::{Fields, json};

const NAME: &str = "payment_callback";
const KEY: &[&str] = &["tenant", "provider", "event_id"];

/// What [`read`] reads.
const COLUMNS: &[&str] =
    &["tenant", "provider", "event_id", "received_ms", "headers", "body", "state", "note", "tries", "next_try_ms"];

fn key(callback: &Callback) -> Vec<Column> {
    key_of(callback.tenant, &callback.provider, &callback.event_id)
}

fn key_of(tenant: TenantId, provider: &ProviderName, event_id: &str) -> Vec<Column> {
    vec![
        Column::Int(vec![tenant.0]),
        Column::Text(vec![provider.as_str().to_owned()]),
        Column::Text(vec![event_id.to_owned()]),
    ]
}

/// A callback by its key.
pub(super) async fn find<E: Engine>(
    engine: &E,
    tenant: TenantId,
    provider: &ProviderName,
    event_id: &str,
) -> Result<Option<Callback>, Fault> {
    let keys = key_of(tenant, provider, event_id);
    let mut found = engine.lookup(vec![Lookup { table: NAME, columns: COLUMNS, key: KEY, keys, lock: false }]).await?;
    found.pop().and_then(|mut rows| rows.pop()).map(read).transpose()
}

/// Stores a callback; false if its event is stored already.
pub(super) async fn keep<E: Engine>(engine: &E, callback: &Callback) -> Result<bool, Fault> {
    let known = Lookup { table: NAME, columns: &["tenant"], key: KEY, keys: key(callback), lock: true };
    let callback = callback.clone();
    let program = Once::new(vec![head_unlocked("feed_head"), known], move |mut results, now| {
        results.head(ORDERS)?;
        if !results.take().is_empty() {
            return Ok((Vec::new(), false));
        }
        let mut values = key(&callback);
        values.extend([
            Column::Int(vec![now.0]),
            Column::Text(vec![json(&callback.headers)]),
            Column::Bytes(vec![callback.body]),
            Column::Text(vec![callback.state.as_str().to_owned()]),
            Column::OptText(vec![callback.note]),
            Column::Int(vec![i64::from(callback.tries)]),
            Column::OptInt(vec![callback.next_try.map(|next| next.0)]),
        ]);
        let insert = Write::Insert {
            table: NAME,
            columns: COLUMNS,
            values,
            // A twin on another process may have come between: the event is stored once all the same.
            or_ignore: true,
        };
        Ok((vec![insert], true))
    });
    engine.run(program).await
}

/// Notes what became of a callback, unless it is done.
pub(super) async fn note<E: Engine>(engine: &E, callback: &Callback) -> Result<(), Fault> {
    let callback = callback.clone();
    let stored = Lookup { table: NAME, columns: &["state"], key: KEY, keys: key(&callback), lock: true };
    let program = Once::new(vec![head_unlocked("feed_head"), stored], move |mut results, _now| {
        results.head(ORDERS)?;
        for row in results.take() {
            if Fields::of(ORDERS, row).text()? == CallbackState::Done.as_str() {
                return Ok((Vec::new(), ()));
            }
        }
        let mut values = key(&callback);
        values.extend([
            Column::Text(vec![callback.state.as_str().to_owned()]),
            Column::OptText(vec![callback.note]),
            Column::Int(vec![i64::from(callback.tries)]),
            Column::OptInt(vec![callback.next_try.map(|next| next.0)]),
        ]);
        let set = &["state", "note", "tries", "next_try_ms"];
        Ok((vec![Write::Update { table: NAME, key: KEY, set, add: &[], values }], ()))
    });
    engine.run(program).await
}

/// A callback, from [`COLUMNS`].
pub(super) fn read(row: Row) -> Result<Callback, Fault> {
    let mut fields = Fields::of(ORDERS, row);
    Ok(Callback {
        tenant: TenantId(fields.int()?),
        provider: ProviderName::from_stored(fields.text()?),
        event_id: fields.text()?,
        received: UnixMillis(fields.int()?),
        headers: fields.json("list of headers")?,
        body: fields.bytes()?,
        state: fields.parsed("state of a callback", CallbackState::parse)?,
        note: fields.opt_text()?,
        tries: small(fields.int()?)?,
        next_try: fields.opt_int()?.map(UnixMillis),
    })
}
