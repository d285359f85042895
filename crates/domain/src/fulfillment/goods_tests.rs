//! Tests of where an order's goods are, and of what the ledger is told of them.

use super::*;
use crate::id::{Fingerprint, Quantity, SkuCode, Version};
use crate::ledger::{AccountKey, LedgerRequest, QuotaKey, StockKey};
use crate::money::Minor;
use crate::order::change_tests::{number, order};
use crate::order::{FulfillmentStatus, Order, OrderLine, Snapshot};
use crate::payment::{AttemptId, PaymentNo, Refund, RefundReason};
use crate::time::UnixMillis;

/// An order of 3 units of `A` (line 1) and 2 of `B` (line 2).
fn ordered() -> Order {
    let line = |line_no, sku: &str, quantity: i64| OrderLine {
        line_no,
        sku: SkuCode::try_new(sku).unwrap(),
        quantity: Quantity::try_new(quantity).unwrap(),
        title: sku.to_owned(),
        unit_price: Minor(10),
        total: Minor(10 * quantity),
        snapshot: Snapshot::Caller(None),
    };
    Order { lines: vec![line(1, "A", 3), line(2, "B", 2)], ..order(&number(1)) }
}

fn units(lines: &[(i32, i64)]) -> Vec<LineQuantity> {
    lines.iter().map(|(line_no, quantity)| LineQuantity { line_no: *line_no, quantity: *quantity }).collect()
}

fn shipment(n: i32, lines: &[(i32, i64)], state: ShipmentState) -> Shipment {
    let order = ordered();
    Shipment {
        tenant: order.tenant,
        order_no: order.no,
        n,
        version: Version::FIRST,
        lines: units(lines),
        carrier: None,
        tracking: None,
        state,
        request: Fingerprint([0; 32]),
        shipped: UnixMillis(1),
        delivered: None,
    }
}

fn taken_off(n: i32, lines: &[(i32, i64)]) -> Refund {
    let order = ordered();
    let attempt = AttemptId { payment: PaymentNo::of_order(&order.no), n: 1 };
    let refund = Refund::of_order(&order, attempt, n, Minor(1), RefundReason::Unshipped);
    Refund { lines: units(lines), ..refund }
}

fn returned(n: i32, lines: &[(i32, i64)], restocked: &[(i32, i64)], state: ReturnState) -> Return {
    let order = ordered();
    Return {
        tenant: order.tenant,
        order_no: order.no,
        n,
        version: Version::FIRST,
        lines: units(lines),
        state,
        reason: None,
        amount: Minor(1),
        restocked: units(restocked),
        refund_n: None,
        request: Fingerprint([0; 32]),
        requested: UnixMillis(1),
        decided: None,
    }
}

fn stock(sku: &str, units: i64) -> Claim {
    Claim { account: AccountKey::Stock(StockKey::of(SkuCode::try_new(sku).unwrap())), units }
}

#[test]
fn the_axis_follows_the_goods() {
    use FulfillmentStatus as Is;
    use ShipmentState::{Delivered, Shipped};
    let order = ordered();
    let goods = |shipments: Vec<Shipment>, refunds: Vec<Refund>, returns: Vec<Return>| {
        let goods = Goods { shipments, refunds, returns };
        (goods.status(&order), goods.all_delivered(&order))
    };
    assert_eq!(goods(vec![], vec![], vec![]), (Is::Unfulfilled, false));
    assert_eq!(goods(vec![shipment(1, &[(1, 2)], Shipped)], vec![], vec![]), (Is::PartiallyShipped, false));
    let both = |a, b| vec![shipment(1, &[(1, 2)], a), shipment(2, &[(1, 1), (2, 2)], b)];
    assert_eq!(goods(both(Shipped, Shipped), vec![], vec![]), (Is::Shipped, false));
    assert_eq!(goods(both(Delivered, Shipped), vec![], vec![]), (Is::PartiallyDelivered, false));
    assert_eq!(goods(both(Delivered, Delivered), vec![], vec![]), (Is::Delivered, true));
    let one = || vec![shipment(1, &[(1, 3)], Delivered)];
    assert_eq!(goods(one(), vec![taken_off(1, &[(2, 2)])], vec![]), (Is::Delivered, true), "the rest was taken off");
    let back = |lines, state| vec![returned(1, lines, &[], state)];
    let all = both(Delivered, Delivered);
    assert_eq!(goods(all.clone(), vec![], back(&[(1, 1)], ReturnState::Approved)).0, Is::Delivered);
    assert_eq!(goods(all.clone(), vec![], back(&[(1, 1)], ReturnState::Received)).0, Is::PartiallyReturned);
    assert_eq!(goods(all, vec![], back(&[(1, 3), (2, 2)], ReturnState::Received)).0, Is::Returned);
}

#[test]
fn a_unit_is_shipped_taken_off_or_returned_once() {
    let order = ordered();
    let mut goods = Goods::default();
    assert_eq!(goods.all_unshipped(&order), units(&[(1, 3), (2, 2)]));
    goods.shipments.push(shipment(1, &[(1, 2)], ShipmentState::Delivered));
    goods.refunds.push(taken_off(1, &[(1, 1), (2, 1)]));
    assert_eq!(goods.all_unshipped(&order), units(&[(2, 1)]));
    assert_eq!((goods.unshipped(&order, 1), goods.unshipped(&order, 9)), (0, 0));
    assert_eq!(goods.returnable(1), 2);
    goods.returns.push(returned(1, &[(1, 1)], &[], ReturnState::Requested));
    assert_eq!(goods.returnable(1), 1);
    goods.returns.push(returned(2, &[(1, 1)], &[], ReturnState::Rejected));
    assert_eq!((goods.returnable(1), goods.returnable(2)), (1, 0), "what was rejected may be asked for again");
}

#[test]
fn the_ledger_is_told_each_fact_under_its_own_reference() {
    let order = ordered();
    let goods = Goods {
        shipments: vec![shipment(1, &[(1, 1)], ShipmentState::Delivered)],
        refunds: vec![taken_off(4, &[(1, 1)])],
        returns: vec![returned(2, &[(1, 1)], &[(1, 1)], ReturnState::Received)],
    };
    let told: Vec<(String, i64)> = goods
        .movements(&order, &stock("A", 3), true)
        .into_iter()
        .map(|request| match request {
            LedgerRequest::Ship { quantity, reference, .. } | LedgerRequest::Unallocate { quantity, reference, .. } => {
                (reference.to_string(), quantity.units())
            }
            LedgerRequest::Adjust { delta, reference, force: false, .. } => (reference.to_string(), delta),
            other => panic!("{other:?}"),
        })
        .collect();
    let at = |what: &str| format!("{}/{what}", order.no);
    let expected = [(at("shipment/1"), 1), (at("refund/4"), 1), (at("ended"), 1), (at("return/2"), 1)];
    assert_eq!(told, expected);
    assert_eq!(goods.movements(&order, &stock("B", 2), false), [], "nothing happened to it");
}

#[test]
fn what_was_bought_stays_used_of_a_quota_and_what_was_taken_off_does_not() {
    let order = ordered();
    let goods = Goods {
        shipments: vec![shipment(1, &[(1, 2)], ShipmentState::Shipped)],
        refunds: vec![taken_off(1, &[(1, 1)])],
        returns: vec![returned(1, &[(1, 2)], &[(1, 2)], ReturnState::Received)],
    };
    let quota = QuotaKey { sku: SkuCode::try_new("A").unwrap(), buyer: order.buyer.clone() };
    let told = goods.movements(&order, &Claim { account: AccountKey::Quota(quota), units: 3 }, false);
    assert!(matches!(told.as_slice(), [LedgerRequest::Unallocate { .. }]), "{told:?}");
}
