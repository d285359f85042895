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

fn key(callback: &Callback) -> Vec<Column> {
    vec![
        Column::Int(vec![callback.tenant.0]),
        Column::Text(vec![callback.provider.as_str().to_owned()]),
        Column::Text(vec![callback.event_id.clone()]),
    ]
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
            columns: &[
                "tenant",
                "provider",
                "event_id",
                "received_ms",
                "headers",
                "body",
                "state",
                "note",
                "tries",
                "next_try_ms",
            ],
            values,
            // A twin on another process may have come between: the event is stored once all the same.
            or_ignore: true,
        };
        Ok((vec![insert], true))
    });
    engine.run(program).await
}

/// Notes what became of a callback.
pub(super) async fn note<E: Engine>(engine: &E, callback: &Callback) -> Result<(), Fault> {
    let callback = callback.clone();
    let program = Once::new(vec![head_unlocked("feed_head")], move |mut results, _now| {
        results.head(ORDERS)?;
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

/// A callback, from `tenant, provider, event_id, received_ms, headers, body, state, note, tries, next_try_ms`.
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
