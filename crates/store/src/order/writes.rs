//! The rows of a decided batch of changes.

use holdline_domain::order::change::{Decided, Event, Timer};
use holdline_domain::order::{Order, OrderGroup, OrderLine, Snapshot};
use holdline_domain::payment::AttemptId;
use holdline_domain::time::UnixMillis;

use super::stored::{EVENT_COLUMNS, GROUP_COLUMNS, LINE_COLUMNS, ORDER_COLUMNS, adjustments_text, state_text};
use super::{accepted, life};
use crate::engine::{Column, Write};
use crate::program::set_head;
use crate::rows::{ints, made_texts, opt_ints, opt_texts, texts};

/// Every write of the batch. The head is written even if nothing else is: an answer that tells "now" must not be taken
/// back by a clock that steps back.
pub(super) fn writes(decided: &Decided, now: UnixMillis) -> Vec<Write> {
    let mut writes = Vec::with_capacity(11);
    if !decided.groups.is_empty() {
        writes.push(insert_groups(&decided.groups));
    }
    writes.extend(accepted::writes(decided));
    if !decided.inserts.is_empty() {
        writes.push(insert_orders(&decided.inserts));
        let lines: Vec<(&Order, &OrderLine)> =
            decided.inserts.iter().flat_map(|order| order.lines.iter().map(move |line| (order, line))).collect();
        writes.push(insert_lines(&lines));
    }
    if !decided.updates.is_empty() {
        writes.push(update_orders(&decided.updates));
    }
    writes.extend(life::writes(decided));
    if !decided.timers.is_empty() {
        writes.push(insert_timers(&decided.timers));
    }
    if !decided.events.is_empty() {
        writes.push(insert_events(&decided.events));
    }
    writes.push(set_head("feed_head", &["next_seq", "last_ms"], &[decided.next_seq, now.0]));
    writes
}

fn insert_groups(groups: &[OrderGroup]) -> Write {
    Write::Insert {
        table: "order_group",
        columns: GROUP_COLUMNS,
        values: vec![
            ints(groups, |group| group.tenant.0),
            texts(groups, |group| group.key.as_str()),
            Column::OptBytes(groups.iter().map(|group| group.content.map(|content| content.0.to_vec())).collect()),
            opt_texts(groups, |group| group.buyer.as_ref().map(|buyer| buyer.as_str().to_owned())),
            made_texts(groups, |group| state_text(&group.state)),
            ints(groups, |group| group.created.0),
        ],
        or_ignore: false,
    }
}

fn insert_orders(orders: &[Order]) -> Write {
    Write::Insert {
        table: "orders",
        columns: ORDER_COLUMNS,
        values: [
            vec![
                ints(orders, |order| order.tenant.0),
                texts(orders, |order| order.no.as_str()),
                texts(orders, |order| order.group.as_str()),
                ints(orders, |order| i64::from(order.hold_n)),
                texts(orders, |order| order.client.as_str()),
                texts(orders, |order| order.buyer.as_str()),
                texts(orders, |order| order.seller.as_str()),
                texts(orders, |order| order.channel.as_str()),
                texts(orders, |order| order.status.as_str()),
                texts(orders, |order| order.payment.as_str()),
                texts(orders, |order| order.fulfillment.as_str()),
                texts(orders, |order| order.hold.as_str()),
                ints(orders, |order| order.version.0),
                texts(orders, |order| order.currency.as_str()),
                ints(orders, |order| order.goods.0),
                ints(orders, |order| order.freight.0),
                ints(orders, |order| order.discount.0),
                ints(orders, |order| order.total.0),
                opt_texts(orders, adjustments_text),
                opt_texts(orders, |order| order.address.clone()),
                opt_texts(orders, |order| order.note.clone()),
                ints(orders, |order| order.created.0),
                ints(orders, |order| order.pay_deadline.0),
            ],
            ended_values(orders),
            life_values(orders),
        ]
        .concat(),
        or_ignore: false,
    }
}

fn ended_values(orders: &[Order]) -> Vec<Column> {
    vec![
        opt_texts(orders, |order| order.ended.map(|ended| ended.actor.as_str().to_owned())),
        opt_ints(orders, |order| order.ended.map(|ended| ended.at.0)),
    ]
}

fn life_values(orders: &[Order]) -> Vec<Column> {
    vec![
        opt_texts(orders, |order| order.life.attempt.as_ref().map(AttemptId::to_string)),
        ints(orders, |order| order.life.captured.0),
        ints(orders, |order| order.life.refunding.0),
        ints(orders, |order| order.life.refunded.0),
        opt_ints(orders, |order| order.life.hold_until.map(|until| until.0)),
        opt_texts(orders, |order| order.life.paused.clone()),
        opt_ints(orders, |order| order.life.delivered.map(|delivered| delivered.0)),
        opt_ints(orders, |order| order.life.completed.map(|completed| completed.0)),
    ]
}

fn insert_lines(lines: &[(&Order, &OrderLine)]) -> Write {
    Write::Insert {
        table: "order_line",
        columns: LINE_COLUMNS,
        values: vec![
            ints(lines, |(order, _)| order.tenant.0),
            texts(lines, |(order, _)| order.no.as_str()),
            ints(lines, |(_, line)| i64::from(line.line_no)),
            texts(lines, |(_, line)| line.sku.as_str()),
            ints(lines, |(_, line)| line.quantity.units()),
            texts(lines, |(_, line)| line.title.as_str()),
            ints(lines, |(_, line)| line.unit_price.0),
            ints(lines, |(_, line)| line.total.0),
            opt_ints(lines, |(_, line)| match &line.snapshot {
                Snapshot::Catalog(version) => Some(version.0),
                Snapshot::Caller(_) => None,
            }),
            opt_texts(lines, |(_, line)| match &line.snapshot {
                Snapshot::Catalog(_) => None,
                Snapshot::Caller(sent) => sent.clone(),
            }),
        ],
        or_ignore: false,
    }
}

/// What may change of an order: its axes, `hold_n`, version, end and life.
fn update_orders(orders: &[Order]) -> Write {
    Write::Update {
        table: "orders",
        key: &["tenant", "order_no"],
        set: &[
            "hold_n",
            "status",
            "payment",
            "fulfillment",
            "hold",
            "version",
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
        ],
        add: &[],
        values: [
            vec![
                ints(orders, |order| order.tenant.0),
                texts(orders, |order| order.no.as_str()),
                ints(orders, |order| i64::from(order.hold_n)),
                texts(orders, |order| order.status.as_str()),
                texts(orders, |order| order.payment.as_str()),
                texts(orders, |order| order.fulfillment.as_str()),
                texts(orders, |order| order.hold.as_str()),
                ints(orders, |order| order.version.0),
            ],
            ended_values(orders),
            life_values(orders),
        ]
        .concat(),
    }
}

fn insert_timers(timers: &[Timer]) -> Write {
    Write::Insert {
        table: "timer",
        columns: &["due_ms", "tenant", "order_no"],
        values: vec![
            ints(timers, |timer| timer.due.0),
            ints(timers, |timer| timer.tenant.0),
            texts(timers, |timer| timer.order_no.as_str()),
        ],
        or_ignore: true,
    }
}

fn insert_events(events: &[Event]) -> Write {
    Write::Insert {
        table: "event",
        columns: EVENT_COLUMNS,
        values: vec![
            ints(events, |event| event.seq),
            ints(events, |event| event.tenant.0),
            texts(events, |event| event.order_no.as_str()),
            texts(events, |event| event.seller.as_str()),
            ints(events, |event| event.version.0),
            texts(events, |event| event.kind.as_str()),
            ints(events, |event| event.at.0),
        ],
        or_ignore: false,
    }
}
