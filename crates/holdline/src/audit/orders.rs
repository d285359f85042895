//! Orders by themselves: amounts, states, numbers, timers, and the history that the feed tells of each.

use super::number;
use super::report::Check;
use super::source::{Source, statement};
use super::stored::Adjustment;

/// The checks of this file.
pub(super) struct Orders {
    sequence: Check,
    history: Check,
    amount: Check,
    state: Check,
    number: Check,
    timer: Check,
}

impl Orders {
    fn new() -> Self {
        Self {
            sequence: Check::new("event_sequence", "events are numbered without a gap up to the feed's head"),
            history: Check::new("order_history", "an order's events are its versions 1 to n and lead to its status"),
            amount: Check::new("order_amount", "an order's amounts follow from its lines and adjustments"),
            state: Check::new("order_state", "an order's status, payment, hold, end and deadline fit together"),
            number: Check::new("order_number", "an order's number is well formed, its buyer's, and nobody else's"),
            timer: Check::new("order_timer", "an order that waits for payment has the timer that ends it"),
        }
    }

    pub(super) fn into_checks(self) -> [Check; 6] {
        [self.sequence, self.history, self.amount, self.state, self.number, self.timer]
    }
}

/// Returns the checks and how many orders there are. `next_seq`: what the feed's head says.
pub(super) fn judge(orders: &Source, next_seq: i64, tenants: usize) -> anyhow::Result<(Orders, u64)> {
    let mut checks = Orders::new();
    judge_feed(orders, next_seq, &mut checks.sequence)?;
    let mut count = 0;
    let mut current: Option<Order> = None;
    let mut rows = orders.rows(statement!("order"), &[])?;
    while let Some(row) = rows.next()? {
        let (tenant, order_no, what, n) = (row.int(0)?, row.text(1)?, row.int(2)?, row.int(3)?);
        if current.as_ref().is_none_or(|order| order.tenant != tenant || order.no != order_no) {
            if let Some(order) = current.take() {
                order.judge(&mut checks);
            }
            current = Some(Order::new(tenant, order_no));
        }
        let Some(order) = current.as_mut() else { continue };
        match what {
            0 => {
                count += 1;
                order.row = Some(OrderRow {
                    amounts: [row.int(4)?, row.int(5)?, row.int(6)?, row.int(7)?],
                    version: row.int(8)?,
                    created_ms: row.int(9)?,
                    pay_deadline_ms: row.int(10)?,
                    ended_ms: row.opt_int(11)?,
                    has_timer: row.opt_int(12)?.is_some(),
                    status: row.text(13)?.to_owned(),
                    payment: row.text(14)?.to_owned(),
                    hold: row.text(15)?.to_owned(),
                    ended_by: row.opt_text(16)?.map(str::to_owned),
                    buyer: row.text(17)?.to_owned(),
                    adjustments: row.opt_text(18)?.map(str::to_owned),
                });
            }
            1 => order.lines.push(Line { no: n, quantity: row.int(4)?, unit_price: row.int(5)?, total: row.int(6)? }),
            _ => {
                let kind = row.text(13)?.to_owned();
                order.events.push(Event { version: n, seq: row.int(4)?, at_ms: row.int(5)?, kind });
            }
        }
    }
    if let Some(order) = current {
        order.judge(&mut checks);
    }
    // Within one tenant the primary key keeps numbers apart.
    if tenants < 2 {
        return Ok((checks, count));
    }
    let mut shared = orders.rows(statement!("shared_number"), &[])?;
    while let Some(row) = shared.next()? {
        let (order_no, one, other) = (row.text(0)?, row.int(1)?, row.int(2)?);
        checks.number.mismatch(|| format!("order {order_no} exists twice: with tenant {one} and with tenant {other}"));
    }
    Ok((checks, count))
}

fn judge_feed(orders: &Source, next_seq: i64, check: &mut Check) -> anyhow::Result<()> {
    let mut expected = 1_i64;
    let mut rows = orders.rows(statement!("event"), &[])?;
    while let Some(row) = rows.next()? {
        let seq = row.int(0)?;
        check.judge(seq == expected, || format!("events {expected} to {} are missing", seq - 1));
        expected = seq.saturating_add(1);
    }
    if expected != next_seq {
        let newest = expected - 1;
        check.mismatch(|| format!("the head says that event {next_seq} comes next, but the newest event is {newest}"));
    }
    Ok(())
}

struct Order {
    tenant: i64,
    no: String,
    row: Option<OrderRow>,
    lines: Vec<Line>,
    events: Vec<Event>,
}

struct OrderRow {
    /// Goods, freight, discount, total.
    amounts: [i64; 4],
    version: i64,
    created_ms: i64,
    pay_deadline_ms: i64,
    ended_ms: Option<i64>,
    has_timer: bool,
    status: String,
    payment: String,
    hold: String,
    ended_by: Option<String>,
    buyer: String,
    adjustments: Option<String>,
}

struct Line {
    no: i64,
    quantity: i64,
    unit_price: i64,
    total: i64,
}

struct Event {
    version: i64,
    seq: i64,
    at_ms: i64,
    kind: String,
}

impl Order {
    fn new(tenant: i64, no: &str) -> Self {
        Self { tenant, no: no.to_owned(), row: None, lines: Vec::new(), events: Vec::new() }
    }

    fn judge(&self, checks: &mut Orders) {
        let Self { tenant, no, .. } = self;
        let Some(row) = &self.row else {
            if !self.lines.is_empty() {
                checks.amount.judge(false, || format!("order {no} does not exist, but has lines"));
            }
            if let Some(event) = self.events.first() {
                checks
                    .history
                    .judge(false, || format!("order {no} does not exist, but event {} tells of it", event.seq));
            }
            return;
        };
        let put = |check: &mut Check, fault: Option<String>| {
            check.judge(fault.is_none(), || format!("order {no}: {}", fault.unwrap_or_default()));
        };
        put(&mut checks.history, history_fault(row, &self.events));
        put(&mut checks.amount, amount_fault(row, &self.lines));
        put(&mut checks.state, state_fault(row));
        put(&mut checks.number, number::fault(no, *tenant, &row.buyer));
        if row.status == "pending_payment" {
            let due = row.pay_deadline_ms;
            let missing = || format!("it waits for payment, but no timer ends it at {due} ms");
            put(&mut checks.timer, (!row.has_timer).then(missing));
        }
    }
}

fn history_fault(row: &OrderRow, events: &[Event]) -> Option<String> {
    let OrderRow { version, status, created_ms, .. } = row;
    let versions: Vec<i64> = events.iter().map(|event| event.version).collect();
    if !versions.iter().copied().eq(1..=*version) {
        return Some(format!("its version is {version}, but its events are of the versions {versions:?}"));
    }
    let mut told: Option<&str> = None;
    for Event { seq, kind, .. } in events {
        told = Some(match (kind.as_str(), told) {
            ("order.placed", None) => "pending_payment",
            ("order.confirmed", None | Some("pending_payment")) => "confirmed",
            ("order.cancelled", Some("pending_payment" | "confirmed")) => "cancelled",
            ("order.expired", Some("pending_payment")) => "expired",
            ("order.hold_raised", Some(same @ ("pending_payment" | "confirmed"))) => same,
            (_, before) => {
                let before = before.unwrap_or("nothing");
                return Some(format!("event {seq} ({kind}) cannot follow upon {before}"));
            }
        });
    }
    if told != Some(status.as_str()) {
        return Some(format!("its status is {status}, but its events lead to {}", told.unwrap_or("nothing")));
    }
    let placed_ms = events.first().map_or(0, |event| event.at_ms);
    (placed_ms != *created_ms)
        .then(|| format!("it was placed at {created_ms} ms, but its first event says {placed_ms}"))
}

fn amount_fault(row: &OrderRow, lines: &[Line]) -> Option<String> {
    if lines.is_empty() {
        return Some("it has no lines".to_owned());
    }
    let wide = i128::from;
    for Line { no, quantity, unit_price, total } in lines {
        if wide(*quantity) * wide(*unit_price) != wide(*total) {
            return Some(format!("line {no} is {quantity} × {unit_price}, but its total is {total}"));
        }
    }
    let [goods, freight, discount, total] = row.amounts;
    let sum: i128 = lines.iter().map(|line| wide(line.total)).sum();
    if wide(goods) != sum {
        return Some(format!("its goods are {goods}, but its lines come to {sum}"));
    }
    let Ok(adjustments) = serde_json::from_str::<Vec<Adjustment>>(row.adjustments.as_deref().unwrap_or("[]")) else {
        return Some("its adjustments cannot be understood".to_owned());
    };
    let of = |kind: &str| adjustments.iter().filter(|a| a.kind == kind).map(|a| wide(a.amount)).sum::<i128>();
    if wide(freight) != of("freight") || wide(discount) != of("discount") {
        let (freights, discounts) = (of("freight"), of("discount"));
        return Some(format!(
            "its freight is {freight} and its discount {discount}, but its adjustments come to {freights} and {discounts}"
        ));
    }
    let owed = sum + wide(freight) - wide(discount);
    (wide(total) != owed).then(|| format!("its total is {total}, but goods + freight − discount is {owed}"))
}

fn state_fault(row: &OrderRow) -> Option<String> {
    let OrderRow { status, payment, hold, ended_by, ended_ms, created_ms, pay_deadline_ms, .. } = row;
    if pay_deadline_ms < created_ms {
        return Some(format!("its deadline {pay_deadline_ms} ms lies before {created_ms} ms, when it was placed"));
    }
    let unpaid = ["unpaid", "processing", "authorized", "partially_paid"].as_slice();
    let paid = ["paid", "overpaid", "partially_refunded", "refunded"].as_slice();
    let given_up = ["unpaid", "processing", "partially_refunded", "refunded"].as_slice();
    let (payments, holds, ends) = match status.as_str() {
        "creating" => (unpaid, ["held"].as_slice(), false),
        "pending_payment" => (unpaid, ["held", "lapsed"].as_slice(), false),
        "confirmed" | "completed" => (paid, ["committed"].as_slice(), false),
        "create_failed" | "cancelled" | "expired" => (given_up, ["released"].as_slice(), true),
        _ => return Some(format!("its status {status:?} is none that this program knows")),
    };
    if !payments.contains(&payment.as_str()) || !holds.contains(&hold.as_str()) {
        return Some(format!("status {status}, payment {payment} and hold {hold} do not fit together"));
    }
    match (ended_by, ended_ms) {
        (None, None) if !ends => None,
        (Some(_), Some(at)) if ends && at < created_ms => Some(format!("it ended at {at} ms, before it was placed")),
        (Some(_), Some(at)) if status == "expired" && at < pay_deadline_ms => {
            Some(format!("it expired at {at} ms, before its deadline {pay_deadline_ms} ms"))
        }
        (Some(_), Some(_)) if ends => None,
        _ => Some(format!("status {status} does not fit with ended by {ended_by:?} at {ended_ms:?}")),
    }
}
