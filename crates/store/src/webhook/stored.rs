//! The stored forms of endpoints and their tries.

use holdline_domain::fault::Fault;
use holdline_domain::id::{EndpointName, TenantId, WebhookUrl};
use holdline_domain::order::{EventKind, OrderNo};
use holdline_domain::time::UnixMillis;
use holdline_domain::webhook::{Delivery, Disabled, Endpoint, EndpointKey, WebhookSecret};

use super::{KEY, key_columns};
use crate::engine::{Column, Row, Write};
use crate::order::stored::ORDERS;
use crate::rows::{Fields, ints, json, opt_ints, schema, texts};

pub(super) const ENDPOINT_COLUMNS: &[&str] =
    &["tenant", "name", "url", "types", "disabled", "created_ms", "secret", "old_secret", "old_until_ms"];

/// An endpoint, from [`ENDPOINT_COLUMNS`].
pub(super) fn endpoint(row: Row) -> Result<Endpoint, Fault> {
    let mut fields = Fields::of(ORDERS, row);
    Ok(Endpoint {
        key: EndpointKey { tenant: TenantId(fields.int()?), name: EndpointName::from_stored(fields.text()?) },
        url: WebhookUrl::from_stored(fields.text()?),
        kinds: fields.json("list of event kinds")?,
        disabled: match fields.opt_text()? {
            None => None,
            Some(why) => Some(Disabled::parse(&why).ok_or_else(|| fields.unknown("reason", &why))?),
        },
        created: UnixMillis(fields.int()?),
        secret: WebhookSecret::from_stored(fields.text()?),
        old_secret: match (fields.opt_text()?, fields.opt_int()?) {
            (Some(secret), Some(until)) => Some((WebhookSecret::from_stored(secret), UnixMillis(until))),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(schema(ORDERS, "an old secret has no end, or no secret")),
        },
    })
}

/// What may change of an endpoint, and what else a new one has.
fn columns(endpoint: &Endpoint) -> Vec<Column> {
    let mut columns = key_columns(&endpoint.key);
    columns.extend([
        Column::Text(vec![endpoint.url.as_str().to_owned()]),
        Column::Text(vec![json(&endpoint.kinds)]),
        Column::OptText(vec![endpoint.disabled.map(|why| why.as_str().to_owned())]),
        Column::Int(vec![endpoint.created.0]),
        Column::Text(vec![endpoint.secret.reveal().to_owned()]),
        Column::OptText(vec![endpoint.old_secret.as_ref().map(|(secret, _)| secret.reveal().to_owned())]),
        Column::OptInt(vec![endpoint.old_secret.as_ref().map(|(_, until)| until.0)]),
    ]);
    columns
}

pub(super) fn update(endpoint: &Endpoint) -> Write {
    Write::Update {
        table: "webhook_endpoint",
        key: KEY,
        set: &["url", "types", "disabled", "created_ms", "secret", "old_secret", "old_until_ms"],
        add: &[],
        values: columns(endpoint),
    }
}

/// A new endpoint: nothing was tried, and nobody sends.
pub(super) fn insert(endpoint: &Endpoint) -> Write {
    let mut values = columns(endpoint);
    let none = Column::Int(vec![0]);
    let first = Column::Int(vec![1]);
    values.extend([first.clone(), first, Column::Text(vec![String::new()]), none]);
    Write::Insert {
        table: "webhook_endpoint",
        columns: &[
            "tenant",
            "name",
            "url",
            "types",
            "disabled",
            "created_ms",
            "secret",
            "old_secret",
            "old_until_ms",
            "first_no",
            "next_no",
            "lease",
            "lease_until_ms",
        ],
        values,
        or_ignore: false,
    }
}

/// A row of `list_deliveries.sql`.
pub(super) fn delivery(row: Row) -> Result<Delivery, Fault> {
    let mut fields = Fields::of(ORDERS, row);
    Ok(Delivery {
        no: fields.int()?,
        seq: fields.int()?,
        order_no: OrderNo::from_stored(fields.text()?),
        kind: fields.parsed("event kind", EventKind::parse)?,
        attempt: i32::try_from(fields.int()?).map_err(|_| schema(ORDERS, "tries are counted too high"))?,
        status: match fields.opt_int()? {
            None => None,
            Some(status) => Some(u16::try_from(status).map_err(|_| schema(ORDERS, "a status is no status"))?),
        },
        error: fields.text()?,
        at: UnixMillis(fields.int()?),
        took_ms: fields.int()?,
    })
}

fn of_endpoint(key: &EndpointKey, rows: usize) -> Vec<Column> {
    vec![Column::Int(vec![key.tenant.0; rows]), Column::Text(vec![key.name.as_str().to_owned(); rows])]
}

pub(super) fn insert_deliveries(key: &EndpointKey, tries: &[Delivery]) -> Write {
    let mut values = of_endpoint(key, tries.len());
    values.extend([
        ints(tries, |delivery| delivery.no),
        ints(tries, |delivery| delivery.seq),
        texts(tries, |delivery| delivery.order_no.as_str()),
        texts(tries, |delivery| delivery.kind.as_str()),
        ints(tries, |delivery| i64::from(delivery.attempt)),
        opt_ints(tries, |delivery| delivery.status.map(i64::from)),
        texts(tries, |delivery| delivery.error.as_str()),
        ints(tries, |delivery| delivery.at.0),
        ints(tries, |delivery| delivery.took_ms),
    ]);
    Write::Insert {
        table: "webhook_delivery",
        columns: &["tenant", "name", "no", "seq", "order_no", "kind", "attempt", "status", "error", "at_ms", "took_ms"],
        values,
        or_ignore: false,
    }
}

pub(super) fn delete_deliveries(key: &EndpointKey, numbers: Vec<i64>) -> Write {
    let mut values = of_endpoint(key, numbers.len());
    values.push(Column::Int(numbers));
    Write::Delete { table: "webhook_delivery", key: &["tenant", "name", "no"], values }
}
