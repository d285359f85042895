//! The stored form of shipments. `lines` is the JSON of units by line.

use holdline_domain::fault::Fault;
use holdline_domain::fulfillment::{Shipment, ShipmentState};
use holdline_domain::id::{Fingerprint, TenantId, Version};
use holdline_domain::order::OrderNo;
use holdline_domain::time::UnixMillis;

use super::Table;
use crate::engine::{Column, Row};
use crate::order::stored::{ORDERS, small};
use crate::rows::{Fields, ints, json, made_texts, opt_ints, opt_texts, texts};

pub(super) const TABLE: Table = Table {
    name: "shipment",
    key: &["tenant", "order_no", "n"],
    version: &["tenant", "order_no", "n", "version"],
    columns: &[
        "tenant",
        "order_no",
        "n",
        "version",
        "lines",
        "carrier",
        "tracking",
        "state",
        "request",
        "shipped_ms",
        "delivered_ms",
    ],
};

pub(super) fn values(shipments: &[&Shipment]) -> Vec<Column> {
    vec![
        ints(shipments, |shipment| shipment.tenant.0),
        texts(shipments, |shipment| shipment.order_no.as_str()),
        ints(shipments, |shipment| i64::from(shipment.n)),
        ints(shipments, |shipment| shipment.version.0),
        made_texts(shipments, |shipment| json(&shipment.lines)),
        opt_texts(shipments, |shipment| shipment.carrier.clone()),
        opt_texts(shipments, |shipment| shipment.tracking.clone()),
        texts(shipments, |shipment| shipment.state.as_str()),
        Column::Bytes(shipments.iter().map(|shipment| shipment.request.0.to_vec()).collect()),
        ints(shipments, |shipment| shipment.shipped.0),
        opt_ints(shipments, |shipment| shipment.delivered.map(|delivered| delivered.0)),
    ]
}

/// A shipment, from the columns of [`TABLE`].
pub(super) fn read(row: Row) -> Result<Shipment, Fault> {
    let mut fields = Fields::of(ORDERS, row);
    Ok(Shipment {
        tenant: TenantId(fields.int()?),
        order_no: OrderNo::from_stored(fields.text()?),
        n: small(fields.int()?)?,
        version: Version(fields.int()?),
        lines: fields.json("list of units")?,
        carrier: fields.opt_text()?,
        tracking: fields.opt_text()?,
        state: fields.parsed("state of a shipment", ShipmentState::parse)?,
        request: Fingerprint(fields.hash()?),
        shipped: UnixMillis(fields.int()?),
        delivered: fields.opt_int()?.map(UnixMillis),
    })
}
