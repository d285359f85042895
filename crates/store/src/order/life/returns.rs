//! The stored form of returns. `lines` and `restocked` are the JSON of units by line.

use holdline_domain::fault::Fault;
use holdline_domain::fulfillment::{Return, ReturnState};
use holdline_domain::id::{Fingerprint, TenantId, Version};
use holdline_domain::money::Minor;
use holdline_domain::order::OrderNo;
use holdline_domain::time::UnixMillis;

use super::Table;
use crate::engine::{Column, Row};
use crate::order::stored::{ORDERS, small};
use crate::rows::{Fields, ints, json, made_texts, opt_ints, opt_texts, texts};

pub(super) const TABLE: Table = Table {
    name: "goods_return",
    key: &["tenant", "order_no", "n"],
    version: &["tenant", "order_no", "n", "version"],
    columns: &[
        "tenant",
        "order_no",
        "n",
        "version",
        "lines",
        "state",
        "reason",
        "amount",
        "restocked",
        "refund_n",
        "request",
        "requested_ms",
        "decided_ms",
    ],
};

pub(super) fn values(returns: &[&Return]) -> Vec<Column> {
    vec![
        ints(returns, |returned| returned.tenant.0),
        texts(returns, |returned| returned.order_no.as_str()),
        ints(returns, |returned| i64::from(returned.n)),
        ints(returns, |returned| returned.version.0),
        made_texts(returns, |returned| json(&returned.lines)),
        texts(returns, |returned| returned.state.as_str()),
        opt_texts(returns, |returned| returned.reason.clone()),
        ints(returns, |returned| returned.amount.0),
        made_texts(returns, |returned| json(&returned.restocked)),
        opt_ints(returns, |returned| returned.refund_n.map(i64::from)),
        Column::Bytes(returns.iter().map(|returned| returned.request.0.to_vec()).collect()),
        ints(returns, |returned| returned.requested.0),
        opt_ints(returns, |returned| returned.decided.map(|decided| decided.0)),
    ]
}

/// A return, from the columns of [`TABLE`].
pub(super) fn read(row: Row) -> Result<Return, Fault> {
    let mut fields = Fields::of(ORDERS, row);
    Ok(Return {
        tenant: TenantId(fields.int()?),
        order_no: OrderNo::from_stored(fields.text()?),
        n: small(fields.int()?)?,
        version: Version(fields.int()?),
        lines: fields.json("list of units")?,
        state: fields.parsed("state of a return", ReturnState::parse)?,
        reason: fields.opt_text()?,
        amount: Minor(fields.int()?),
        restocked: fields.json("list of units")?,
        refund_n: fields.opt_int()?.map(small).transpose()?,
        request: Fingerprint(fields.hash()?),
        requested: UnixMillis(fields.int()?),
        decided: fields.opt_int()?.map(UnixMillis),
    })
}
