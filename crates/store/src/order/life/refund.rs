//! The stored form of refunds. `attempt` is the attempt's id as a text, `lines` the JSON of units by line (NULL: none).

use holdline_domain::fault::Fault;
use holdline_domain::id::{Fingerprint, TenantId, Version};
use holdline_domain::money::{Currency, Minor};
use holdline_domain::order::OrderNo;
use holdline_domain::payment::{AttemptId, Refund, RefundReason, RefundState};
use holdline_domain::time::UnixMillis;

use super::Table;
use crate::engine::{Column, Row};
use crate::order::stored::{ORDERS, small};
use crate::rows::{Fields, ints, json, made_texts, opt_ints, opt_texts, texts};

pub(super) const TABLE: Table = Table {
    name: "refund",
    key: &["tenant", "attempt", "n"],
    version: &["tenant", "attempt", "n", "version"],
    columns: &[
        "tenant",
        "attempt",
        "n",
        "version",
        "order_no",
        "amount",
        "currency",
        "reason",
        "note",
        "lines",
        "state",
        "request",
        "reference",
        "error",
        "created_ms",
        "tries",
        "next_try_ms",
    ],
};

pub(super) fn values(refunds: &[&Refund]) -> Vec<Column> {
    vec![
        ints(refunds, |refund| refund.tenant.0),
        made_texts(refunds, |refund| refund.attempt.to_string()),
        ints(refunds, |refund| i64::from(refund.n)),
        ints(refunds, |refund| refund.version.0),
        opt_texts(refunds, |refund| refund.order_no.as_ref().map(|order_no| order_no.as_str().to_owned())),
        ints(refunds, |refund| refund.amount.0),
        texts(refunds, |refund| refund.currency.as_str()),
        texts(refunds, |refund| refund.reason.as_str()),
        opt_texts(refunds, |refund| refund.note.clone()),
        opt_texts(refunds, |refund| (!refund.lines.is_empty()).then(|| json(&refund.lines))),
        texts(refunds, |refund| refund.state.as_str()),
        Column::OptBytes(refunds.iter().map(|refund| refund.request.map(|request| request.0.to_vec())).collect()),
        opt_texts(refunds, |refund| refund.reference.clone()),
        opt_texts(refunds, |refund| refund.error.clone()),
        ints(refunds, |refund| refund.created.0),
        ints(refunds, |refund| i64::from(refund.tries)),
        opt_ints(refunds, |refund| refund.next_try.map(|next| next.0)),
    ]
}

/// A refund, from the columns of [`TABLE`].
pub(super) fn read(row: Row) -> Result<Refund, Fault> {
    let mut fields = Fields::of(ORDERS, row);
    let fields = &mut fields;
    Ok(Refund {
        tenant: TenantId(fields.int()?),
        attempt: fields.parsed("attempt's id", AttemptId::from_stored)?,
        n: small(fields.int()?)?,
        version: Version(fields.int()?),
        order_no: fields.opt_text()?.map(OrderNo::from_stored),
        amount: Minor(fields.int()?),
        currency: fields.parsed("currency", |code| Currency::try_new(code).ok())?,
        reason: fields.parsed("reason of a refund", RefundReason::parse)?,
        note: fields.opt_text()?,
        lines: fields.opt_json("list of units")?.unwrap_or_default(),
        state: fields.parsed("state of a refund", RefundState::parse)?,
        request: fields.opt_hash()?.map(Fingerprint),
        reference: fields.opt_text()?,
        error: fields.opt_text()?,
        created: UnixMillis(fields.int()?),
        tries: small(fields.int()?)?,
        next_try: fields.opt_int()?.map(UnixMillis),
    })
}
