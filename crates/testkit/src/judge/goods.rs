//! Goods that were paid: what left is off the shelf, what came back is on it if somebody said so, each unit once.

use std::collections::BTreeMap;

use holdline_domain::fulfillment::{LineQuantity, ReturnState, ShipmentState};
use holdline_domain::ledger::{AccountKey, MovementKind, PartState};
use holdline_domain::order::{Order, OrderStatus};

use super::{Evidence, Findings};
use crate::model::StoredHold;

/// What became of the units of one line.
#[derive(Debug, Clone, Copy, Default)]
struct Units {
    ordered: i64,
    shipped: i64,
    delivered: i64,
    taken_off: i64,
    coming_back: i64,
}

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    for order in evidence.orders.orders.values() {
        judge_lines(evidence, order, findings);
    }
    judge_movements(evidence, findings);
    judge_returns(evidence, findings);
    judge_told(evidence, findings);
}

pub(super) fn of_line(line_no: i32, lines: &[LineQuantity]) -> i64 {
    lines.iter().filter(|line| line.line_no == line_no).map(|line| line.quantity).sum()
}

/// Nothing leaves twice, or after it was paid back; nothing comes back that did not arrive; what is cancelled has not left.
fn judge_lines(evidence: &Evidence, order: &Order, findings: &mut Findings) {
    let mut left = 0;
    for line in &order.lines {
        let mut units = Units { ordered: line.quantity.units(), ..Units::default() };
        for shipment in evidence.orders.shipments().filter(|shipment| shipment.order_no == order.no) {
            let quantity = of_line(line.line_no, &shipment.lines);
            units.shipped += quantity;
            units.delivered += if shipment.state == ShipmentState::Delivered { quantity } else { 0 };
        }
        for refund in evidence.orders.refunds().filter(|refund| refund.order_no.as_ref() == Some(&order.no)) {
            units.taken_off += of_line(line.line_no, &refund.lines);
        }
        for returned in evidence.orders.returns().filter(|returned| returned.order_no == order.no) {
            let counts = returned.state != ReturnState::Rejected;
            units.coming_back += if counts { of_line(line.line_no, &returned.lines) } else { 0 };
        }
        left += units.shipped;
        let once = units.shipped + units.taken_off <= units.ordered && units.coming_back <= units.delivered;
        findings
            .unless(once, "each_unit_goes_one_way", || format!("order {}, line {}: {units:?}", order.no, line.line_no));
    }
    let may_have_left = matches!(order.status, OrderStatus::Confirmed | OrderStatus::Completed);
    findings.unless(left == 0 || may_have_left, "only_sold_goods_leave", || {
        format!("order {} is {}, {left} units of it have left", order.no, order.status)
    });
}

fn was_committed(evidence: &Evidence, order: &Order) -> bool {
    let current = |stored: &&StoredHold| {
        (stored.hold.tenant, &stored.hold.id.key, stored.hold.id.n) == (order.tenant, &order.group, order.hold_n)
    };
    let hold = evidence.ledger.holds.values().find(current);
    hold.and_then(|stored| stored.hold.part(&order.part())) == Some(PartState::Committed)
}

/// By reference and SKU, units that the ledger moved for orders are those of their parcels, line refunds and inspections.
fn judge_movements(evidence: &Evidence, findings: &mut Findings) {
    let mut wanted: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut want = |order_no: &holdline_domain::order::OrderNo, what: &str, n: i32, lines: &[LineQuantity]| {
        let Some(order) = evidence.orders.orders.values().find(|order| order.no == *order_no) else { return };
        // Cancelled before the ledger had heard of the payment: its whole part was released at once.
        if !was_committed(evidence, order) {
            return;
        }
        for line in &order.lines {
            let units = of_line(line.line_no, lines);
            if units > 0 {
                *wanted.entry((format!("{order_no}/{what}/{n}"), line.sku.to_string())).or_default() += units;
            }
        }
    };
    for shipment in evidence.orders.shipments() {
        want(&shipment.order_no, "shipment", shipment.n, &shipment.lines);
    }
    for refund in evidence.orders.refunds() {
        if let Some(order_no) = &refund.order_no {
            want(order_no, "refund", refund.n, &refund.lines);
        }
    }
    for returned in evidence.orders.returns().filter(|returned| returned.state == ReturnState::Received) {
        want(&returned.order_no, "return", returned.n, &returned.restocked);
    }
    let mut moved: BTreeMap<(String, String), i64> = BTreeMap::new();
    for stored in &evidence.ledger.movements {
        let movement = &stored.movement;
        let Some(reference) = movement.reference.as_ref().map(ToString::to_string) else { continue };
        let is_of_goods = match movement.kind {
            MovementKind::Ship => true,
            MovementKind::Unallocate => reference.contains("/refund/"),
            MovementKind::Adjust => reference.contains("/return/"),
            _ => false,
        };
        let account = evidence.ledger.accounts.get(&movement.account_no).map(|account| &account.key);
        if let (true, Some(AccountKey::Stock(stock))) = (is_of_goods, account) {
            *moved.entry((reference, stock.sku.to_string())).or_default() += movement.quantity;
        }
    }
    for (fact, units) in &wanted {
        let done = moved.remove(fact).unwrap_or(0);
        findings.unless(done == *units, "the_ledger_follows_the_goods", || {
            format!("{fact:?}: {units} units, moved {done}")
        });
    }
    findings.unless(moved.is_empty(), "the_ledger_follows_the_goods", || format!("moved for nothing: {moved:?}"));
}

/// What came back is paid back once, and no more of it is sold again than came.
fn judge_returns(evidence: &Evidence, findings: &mut Findings) {
    for returned in evidence.orders.returns() {
        let is_back = returned.state == ReturnState::Received;
        let fits = returned.restocked.iter().all(|line| line.quantity <= of_line(line.line_no, &returned.lines));
        let nothing = returned.restocked.is_empty() && returned.refund_n.is_none();
        findings.unless(if is_back { fits } else { nothing }, "returns_are_decided_once", || format!("{returned:?}"));
        let order = evidence.orders.orders.values().find(|order| order.no == returned.order_no);
        let attempt = order.and_then(|order| order.life.attempt.as_ref());
        let refund = evidence.orders.refunds().find(|refund| {
            Some(&refund.attempt) == attempt && Some(refund.n) == returned.refund_n && refund.amount == returned.amount
        });
        let owes = is_back && returned.amount.0 > 0;
        findings
            .unless(refund.is_some() == owes, "returned_goods_are_paid_back", || format!("{returned:?}: {refund:?}"));
    }
}

/// Who was told of a parcel or of a decision finds it so.
fn judge_told(evidence: &Evidence, findings: &mut Findings) {
    for (key, told) in &evidence.goods.shipments {
        let there = evidence.orders.shipments().find(|row| row.order_no == told.order_no && row.n == told.n);
        let same = there.is_some_and(|row| (row.request, &row.lines) == (told.request, &told.lines));
        findings.unless(same, "acknowledged_parcels_exist", || format!("{key}: told {told:?}, there is {there:?}"));
    }
    for (key, told) in &evidence.goods.returns {
        let there = evidence.orders.returns().find(|row| row.order_no == told.order_no && row.n == told.n);
        let stays = there.is_some_and(|row| match told.state {
            ReturnState::Received | ReturnState::Rejected => {
                (row.state, &row.restocked, row.refund_n) == (told.state, &told.restocked, told.refund_n)
            }
            ReturnState::Requested | ReturnState::Approved => row.version >= told.version,
        });
        findings.unless(stays, "acknowledged_decisions_stay", || format!("{key}: told {told:?}, there is {there:?}"));
    }
}
