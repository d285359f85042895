//! One order by itself: what its amounts, events, states and money say of each other.

use super::stored::Adjustment;

/// An order's row.
pub(super) struct OrderRow {
    /// Goods, freight, discount, total.
    pub(super) amounts: [i64; 4],
    pub(super) version: i64,
    pub(super) created_ms: i64,
    pub(super) pay_deadline_ms: i64,
    pub(super) ended_ms: Option<i64>,
    /// Whether there is a timer at [`OrderRow::due_ms`].
    pub(super) has_timer: bool,
    pub(super) captured: i64,
    pub(super) refunding: i64,
    pub(super) refunded: i64,
    pub(super) delivered_ms: Option<i64>,
    pub(super) completed_ms: Option<i64>,
    pub(super) hold_until_ms: Option<i64>,
    pub(super) status: String,
    pub(super) payment: String,
    pub(super) hold: String,
    pub(super) ended_by: Option<String>,
    pub(super) buyer: String,
    pub(super) adjustments: Option<String>,
    pub(super) has_attempt: bool,
}

impl OrderRow {
    /// When somebody looks at it next while it waits for payment.
    pub(super) fn due_ms(&self) -> i64 {
        let until = self.hold_until_ms.filter(|_| self.hold == "held");
        until.map_or(self.pay_deadline_ms, |until| until.min(self.pay_deadline_ms))
    }
}

/// One of its lines.
pub(super) struct Line {
    pub(super) no: i64,
    pub(super) quantity: i64,
    pub(super) unit_price: i64,
    pub(super) total: i64,
}

/// One of its events.
pub(super) struct Event {
    pub(super) version: i64,
    pub(super) seq: i64,
    pub(super) at_ms: i64,
    pub(super) kind: String,
}

pub(super) fn history_fault(row: &OrderRow, events: &[Event]) -> Option<String> {
    let OrderRow { version, status, created_ms, .. } = row;
    let versions: Vec<i64> = events.iter().map(|event| event.version).collect();
    if !versions.iter().copied().eq(1..=*version) {
        return Some(format!("its version is {version}, but its events are of the versions {versions:?}"));
    }
    let mut told: Option<&str> = None;
    for Event { seq, kind, .. } in events {
        let Some(after) = after_event(kind, told) else {
            let before = told.unwrap_or("nothing");
            return Some(format!("event {seq} ({kind}) cannot follow upon {before}"));
        };
        told = Some(after);
    }
    if told != Some(status.as_str()) {
        return Some(format!("its status is {status}, but its events lead to {}", told.unwrap_or("nothing")));
    }
    let placed_ms = events.first().map_or(0, |event| event.at_ms);
    (placed_ms != *created_ms)
        .then(|| format!("it was placed at {created_ms} ms, but its first event says {placed_ms}"))
}

/// The status that an event leads to; `None` if it cannot happen in this one.
fn after_event<'a>(kind: &str, before: Option<&'a str>) -> Option<&'a str> {
    match (kind, before) {
        ("order.placed", None) => Some("pending_payment"),
        // Paid in time, or revived by late money.
        ("order.confirmed", None | Some("pending_payment" | "expired")) => Some("confirmed"),
        ("order.cancelled", Some("pending_payment" | "confirmed")) => Some("cancelled"),
        ("order.expired", Some("pending_payment")) => Some("expired"),
        ("order.completed", Some("confirmed")) => Some("completed"),
        (
            "order.payment_started" | "order.payment_ended" | "order.hold_lapsed" | "order.held_again",
            Some("pending_payment"),
        )
        | ("order.hold_raised", Some("pending_payment" | "confirmed" | "expired"))
        | ("order.paused" | "order.resumed" | "order.shipped" | "order.delivered", Some("confirmed"))
        | ("order.refund_started" | "order.return_changed", Some("confirmed" | "completed"))
        | ("order.refund_ended", Some("confirmed" | "completed" | "cancelled")) => before,
        _ => None,
    }
}

pub(super) fn amount_fault(row: &OrderRow, lines: &[Line]) -> Option<String> {
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

pub(super) fn state_fault(row: &OrderRow) -> Option<String> {
    let OrderRow { status, payment, hold, ended_by, ended_ms, created_ms, pay_deadline_ms, .. } = row;
    if pay_deadline_ms < created_ms {
        return Some(format!("its deadline {pay_deadline_ms} ms lies before {created_ms} ms, when it was placed"));
    }
    let unpaid = ["unpaid", "processing"].as_slice();
    let paid = ["paid", "partially_refunded", "refunded"].as_slice();
    let cancelled = ["unpaid", "paid", "partially_refunded", "refunded"].as_slice();
    let (payments, holds, ends) = match status.as_str() {
        "creating" => (unpaid, ["held"].as_slice(), false),
        "pending_payment" => (unpaid, ["held", "lapsed"].as_slice(), false),
        "confirmed" | "completed" => (paid, ["committed"].as_slice(), false),
        "cancelled" => (cancelled, ["released"].as_slice(), true),
        "create_failed" | "expired" => (["unpaid"].as_slice(), ["released"].as_slice(), true),
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

pub(super) fn money_fault(row: &OrderRow) -> Option<String> {
    let OrderRow { captured, refunding, refunded, status, payment, has_attempt, .. } = row;
    let total = row.amounts[3];
    let sums = || format!("captured {captured}, on its way back {refunding}, given back {refunded}, total {total}");
    let returned = i128::from(*refunding) + i128::from(*refunded);
    if [captured, refunding, refunded].into_iter().any(|sum| *sum < 0) || returned > i128::from(*captured) {
        return Some(format!("more goes back than came, or less than nothing: {}", sums()));
    }
    let of_status = match status.as_str() {
        "confirmed" | "completed" => *captured == total,
        "cancelled" => *captured == 0 || (*captured == total && returned == i128::from(*captured)),
        _ => *captured == 0,
    };
    if !of_status {
        return Some(format!("it is {status}, which does not fit with: {}", sums()));
    }
    let of_payment = match payment.as_str() {
        "unpaid" => *captured == 0 && !has_attempt,
        "processing" => *captured == 0 && *has_attempt,
        "paid" => *refunded == 0 && *captured == total && *has_attempt == (total > 0),
        "partially_refunded" => *has_attempt && 0 < *refunded && refunded < captured,
        "refunded" => *has_attempt && 0 < *refunded && refunded == captured,
        _ => false,
    };
    if !of_payment {
        let attempt = if *has_attempt { "an" } else { "no" };
        return Some(format!("its payment is {payment}, which does not fit with {attempt} attempt and: {}", sums()));
    }
    match (row.delivered_ms, row.completed_ms) {
        (Some(delivered), Some(completed)) if status == "completed" && delivered <= completed => None,
        (_, None) if status != "completed" => None,
        (delivered, completed) => {
            Some(format!("it is {status}, but was delivered at {delivered:?} ms and completed at {completed:?} ms"))
        }
    }
}
