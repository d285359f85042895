//! The stored forms of orders, in one place: groups, orders, lines, events.
//!
//! `order_group.state` is the JSON of [`GroupState`], `orders.adjustments` the JSON of its list (NULL:
//! none): formats that may only gain fields with a default. States and event kinds are stored by name.

use holdline_domain::fault::Fault;
use holdline_domain::id::{BuyerId, ClientId, Fingerprint, GroupKey, Quantity, SellerId, SkuCode, TenantId, Version};
use holdline_domain::money::{Currency, Minor};
use holdline_domain::order::change::{Event, Timer};
use holdline_domain::order::{
    Actor, EndReason, EventKind, FulfillmentStatus, GroupState, HoldAxis, Life, Order, OrderGroup, OrderLine, OrderNo,
    OrderStatus, PaymentStatus, Snapshot,
};
use holdline_domain::payment::AttemptId;
use holdline_domain::time::UnixMillis;

use crate::engine::Row;
use crate::rows::{Fields, json, schema};

pub(crate) const ORDERS: &str = "orders";

pub(super) const GROUP_COLUMNS: &[&str] = &["tenant", "group_key", "content", "buyer", "state", "created_ms"];

pub(super) const ORDER_COLUMNS: &[&str] = &[
    "tenant",
    "order_no",
    "group_key",
    "hold_n",
    "client",
    "buyer",
    "seller",
    "channel",
    "status",
    "payment",
    "fulfillment",
    "hold",
    "version",
    "currency",
    "goods",
    "freight",
    "discount",
    "total",
    "adjustments",
    "address",
    "note",
    "created_ms",
    "pay_deadline_ms",
    "ended_by",
    "ended_ms",
    "attempt",
    "captured",
    "refunding",
    "refunded",
    "hold_until_ms",
    "paused",
    "delivered_ms",
    "completed_ms",
];

pub(super) const LINE_COLUMNS: &[&str] = &[
    "tenant",
    "order_no",
    "line_no",
    "sku",
    "quantity",
    "title",
    "unit_price",
    "total",
    "snapshot_version",
    "snapshot",
];

pub(super) const EVENT_COLUMNS: &[&str] = &["seq", "tenant", "order_no", "seller", "version", "kind", "at_ms"];

/// A group, from [`GROUP_COLUMNS`].
pub(super) fn group(row: Row) -> Result<OrderGroup, Fault> {
    let mut fields = Fields::of(ORDERS, row);
    Ok(OrderGroup {
        tenant: TenantId(fields.int()?),
        key: GroupKey::from_stored(fields.text()?),
        content: fields.opt_hash()?.map(Fingerprint),
        buyer: fields.opt_text()?.map(BuyerId::from_stored),
        state: fields.json("group state")?,
        created: UnixMillis(fields.int()?),
    })
}

pub(super) fn state_text(state: &GroupState) -> String {
    json(state)
}

/// An order without its lines, from [`ORDER_COLUMNS`].
pub(super) fn order(row: Row) -> Result<Order, Fault> {
    let mut fields = Fields::of(ORDERS, row);
    let fields = &mut fields;
    Ok(Order {
        tenant: TenantId(fields.int()?),
        no: OrderNo::from_stored(fields.text()?),
        group: GroupKey::from_stored(fields.text()?),
        hold_n: small(fields.int()?)?,
        client: ClientId::from_stored(fields.text()?),
        buyer: BuyerId::from_stored(fields.text()?),
        seller: SellerId::from_stored(fields.text()?),
        channel: fields.text()?,
        status: fields.parsed("order status", OrderStatus::parse)?,
        payment: fields.parsed("payment status", PaymentStatus::parse)?,
        fulfillment: fields.parsed("fulfillment status", FulfillmentStatus::parse)?,
        hold: fields.parsed("hold state", HoldAxis::parse)?,
        version: Version(fields.int()?),
        currency: fields.parsed("currency", |code| Currency::try_new(code).ok())?,
        goods: Minor(fields.int()?),
        freight: Minor(fields.int()?),
        discount: Minor(fields.int()?),
        total: Minor(fields.int()?),
        lines: Vec::new(),
        adjustments: fields.opt_json("list of adjustments")?.unwrap_or_default(),
        address: fields.opt_text()?,
        note: fields.opt_text()?,
        created: UnixMillis(fields.int()?),
        pay_deadline: UnixMillis(fields.int()?),
        ended: ended(fields)?,
        life: Life {
            attempt: fields.opt_parsed("attempt's id", AttemptId::from_stored)?,
            captured: Minor(fields.int()?),
            refunding: Minor(fields.int()?),
            refunded: Minor(fields.int()?),
            hold_until: fields.opt_int()?.map(UnixMillis),
            paused: fields.opt_text()?,
            delivered: fields.opt_int()?.map(UnixMillis),
            completed: fields.opt_int()?.map(UnixMillis),
        },
    })
}

fn ended(fields: &mut Fields) -> Result<Option<EndReason>, Fault> {
    let (by, at) = (fields.opt_text()?, fields.opt_int()?);
    match (by, at) {
        (Some(by), Some(at)) => {
            let actor = Actor::parse(&by).ok_or_else(|| fields.unknown("actor", &by))?;
            Ok(Some(EndReason { actor, at: UnixMillis(at) }))
        }
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => Err(schema(ORDERS, "an order ended either without actor or without time")),
    }
}

/// The adjustments' text; `None` where there are none.
pub(super) fn adjustments_text(order: &Order) -> Option<String> {
    (!order.adjustments.is_empty()).then(|| json(&order.adjustments))
}

/// The order number a line belongs to, and the line, from [`LINE_COLUMNS`].
pub(super) fn line(row: Row) -> Result<(OrderNo, OrderLine), Fault> {
    let mut fields = Fields::of(ORDERS, row);
    let _tenant = fields.int()?;
    let order_no = OrderNo::from_stored(fields.text()?);
    let line_no = small(fields.int()?)?;
    let sku = SkuCode::from_stored(fields.text()?);
    let quantity = Quantity::try_new(fields.int()?).map_err(|_| schema(ORDERS, "a line has no valid quantity"))?;
    let title = fields.text()?;
    let (unit_price, total) = (Minor(fields.int()?), Minor(fields.int()?));
    let snapshot = match (fields.opt_int()?, fields.opt_text()?) {
        (Some(version), _) => Snapshot::Catalog(Version(version)),
        (None, sent) => Snapshot::Caller(sent),
    };
    Ok((order_no, OrderLine { line_no, sku, quantity, title, unit_price, total, snapshot }))
}

/// An event, from [`EVENT_COLUMNS`].
pub(super) fn event(row: Row) -> Result<Event, Fault> {
    let mut fields = Fields::of(ORDERS, row);
    Ok(Event {
        seq: fields.int()?,
        tenant: TenantId(fields.int()?),
        order_no: OrderNo::from_stored(fields.text()?),
        seller: SellerId::from_stored(fields.text()?),
        version: Version(fields.int()?),
        kind: fields.parsed("event kind", EventKind::parse)?,
        at: UnixMillis(fields.int()?),
    })
}

/// A timer, from `due_ms, tenant, order_no`.
pub(super) fn timer(row: Row) -> Result<Timer, Fault> {
    let mut fields = Fields::of(ORDERS, row);
    Ok(Timer {
        due: UnixMillis(fields.int()?),
        tenant: TenantId(fields.int()?),
        order_no: OrderNo::from_stored(fields.text()?),
    })
}

pub(super) fn small(number: i64) -> Result<i32, Fault> {
    i32::try_from(number).map_err(|_| schema(ORDERS, format!("{number} is too large a small number")))
}
