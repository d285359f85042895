//! Events that a caller asks for, in every state.

use serde_json::{Value, json};

use super::place::{From, Place, one_unit};
use crate::harness::{ALL, Api, PRICING, Reply, submit};

/// What an event comes to.
#[derive(Debug, Clone, Copy)]
enum Cell {
    /// It happens: the status of the answer, and fields of the order afterwards.
    To(u16, &'static [(&'static str, &'static str)]),
    /// A success that changes nothing.
    Already,
    /// Refused, and nothing changes.
    No(u16, &'static str),
}
use Cell::{Already, No, To};

/// One event of the table.
struct Event {
    /// Behind `/v1/orders/{order_no}/`.
    path: &'static str,
    body: Value,
    /// Its type in the feed.
    told: &'static str,
}

/// Asks for it.
async fn ask(place: &Place, event: &Event, key: &str) -> Reply {
    place.api.post(ALL, &format!("{}/{}", place.path, event.path)).key(key).json(&event.body).reply().await
}

/// Each state has one cell, in the order of [`From::ALL`].
async fn row(event: Event, cells: &[Cell; From::ALL.len()]) {
    for (from, cell) in From::ALL.into_iter().zip(cells.iter().copied()) {
        let place = Place::at(from).await;
        let (before, told) = (place.order().await, place.told(event.told).await);
        // Two at once, and one more when they have their answers.
        let (a, b) = tokio::join!(ask(&place, &event, "event"), ask(&place, &event, "event"));
        let c = ask(&place, &event, "event").await;
        let (after, new) = (place.order().await, place.told(event.told).await - told);
        let at = format!("{} from {from:?}: {a:?}\n{b:?}\n{c:?}\n{after:#}", event.path);
        match cell {
            To(status, fields) => {
                // 202: an attempt's twin that comes while its provider is being asked.
                for reply in [&a, &b, &c] {
                    assert!([(status, "ok"), (202, "ok")].contains(&reply.outcome()), "{at}");
                }
                assert_eq!(c.outcome(), (status, "ok"), "{at}");
                for (field, value) in fields {
                    assert_eq!(after[field], *value, "{field} of {at}");
                }
                assert_eq!(new, 1, "told once: {at}");
            }
            Already => {
                assert!(a.status.is_success() && b.status.is_success() && c.status.is_success(), "{at}");
                assert_eq!((new, &after), (0, &before), "{at}");
            }
            No(status, code) => {
                for reply in [&a, &b, &c] {
                    assert_eq!(reply.outcome(), (status, code), "{at}");
                }
                assert_eq!((new, &after), (0, &before), "{at}");
            }
        }
    }
}

const NOT_NOW: Cell = No(409, "order_state");
const SHIPPED: Cell = No(409, "goods_shipped");
const NO_UNITS: Cell = No(422, "line_quantity");
const NO_MONEY: Cell = No(422, "refund_too_large");
const UNKNOWN: Cell = No(404, "not_found");

#[tokio::test(start_paused = true)]
async fn submit_by_a_buyer_is_reserved_once() {
    let api = Api::start().await;
    let cart = submit("ann", &[("A", 2, 1_000)]);
    let place = || api.post(ALL, "/v1/orders").key("k").json(&cart).reply();
    let (a, b) = tokio::join!(place(), place());
    let c = place().await;
    assert_eq!((a.outcome(), b.outcome(), c.outcome()), ((201, "ok"), (201, "ok"), (201, "ok")));
    assert_eq!((&a.body, &a.body), (&b.body, &c.body));
    let replayed = [&a, &b, &c].iter().filter(|reply| reply.header("idempotent-replayed") == "true").count();
    assert_eq!((replayed, c.header("idempotent-replayed")), (2, "true"));
    assert_eq!(a.body["orders"][0]["status"], "pending_payment");
    assert_eq!(api.get(ALL, "/v1/stock/A").reply().await.body["held"], 2);
}

#[tokio::test(start_paused = true)]
async fn creating_reserved_with_nothing_to_pay_is_confirmed() {
    let api = Api::start().await;
    let coupon = json!({"kind": "discount", "reference": "coupon", "seller": "s1",
        "amount": {"amount": 700, "currency": "CNY"}});
    let mut cart = submit("ann", &[("A", 1, 700)]);
    cart["lines"][0]["title"] = json!("cup");
    cart["adjustments"] = json!([coupon]);
    cart["expected_total"] = json!({"amount": 0, "currency": "CNY"});
    let placed = api.post(PRICING, "/v1/orders").key("k").json(&cart).reply().await;
    assert_eq!(placed.outcome(), (201, "ok"), "{placed:?}");
    let order = &placed.body["orders"][0];
    assert_eq!((&order["status"], &order["payment_status"]), (&json!("confirmed"), &json!("paid")));
    let again = api.post(PRICING, "/v1/orders").key("k").json(&cart).reply().await;
    assert_eq!((again.outcome(), &again.body), ((201, "ok"), &placed.body));
}

#[tokio::test(start_paused = true)]
async fn pay_started_by_a_buyer() {
    let opened = To(201, &[("status", "pending_payment"), ("payment_status", "processing"), ("hold_status", "held")]);
    row(
        Event { path: "payments", body: json!({"provider": "model"}), told: "order.payment_started" },
        &[opened, opened, opened, NOT_NOW, NOT_NOW, NOT_NOW, NOT_NOW, NOT_NOW, NOT_NOW, NOT_NOW, NOT_NOW, NOT_NOW],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn cancel_by_buyer_or_merchant() {
    let unpaid = To(200, &[("status", "cancelled"), ("payment_status", "unpaid"), ("hold_status", "released")]);
    let paid = To(200, &[("status", "cancelled"), ("hold_status", "released")]);
    let open = No(409, "payment_open");
    row(
        Event { path: "cancel", body: json!({}), told: "order.cancelled" },
        &[unpaid, open, unpaid, paid, paid, SHIPPED, SHIPPED, SHIPPED, NOT_NOW, Already, Already, NOT_NOW],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn hold_by_risk() {
    let held = To(200, &[("paused", "risk")]);
    row(
        Event { path: "pause", body: json!({"reason": "risk"}), told: "order.paused" },
        &[NOT_NOW, NOT_NOW, NOT_NOW, held, held, held, held, held, NOT_NOW, NOT_NOW, NOT_NOW, NOT_NOW],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn unhold_by_risk() {
    let resumed = To(200, &[("status", "confirmed")]);
    row(
        Event { path: "resume", body: json!({}), told: "order.resumed" },
        &[NOT_NOW, NOT_NOW, NOT_NOW, Already, resumed, Already, Already, Already, NOT_NOW, NOT_NOW, NOT_NOW, NOT_NOW],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn ship_what_is_left() {
    let shipped = To(201, &[("status", "confirmed"), ("fulfillment_status", "shipped")]);
    let paused = No(409, "order_paused");
    row(
        Event { path: "shipments", body: json!({}), told: "order.shipped" },
        &[NOT_NOW, NOT_NOW, NOT_NOW, shipped, paused, shipped, NO_UNITS, NO_UNITS, NOT_NOW, NOT_NOW, NOT_NOW, NOT_NOW],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn deliver_a_parcel() {
    let partly = To(200, &[("fulfillment_status", "partially_delivered")]);
    let arrived = To(200, &[("fulfillment_status", "delivered")]);
    row(
        Event { path: "shipments/1/deliver", body: json!({}), told: "order.delivered" },
        &[UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, partly, arrived, Already, Already, UNKNOWN, UNKNOWN, UNKNOWN],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn received_by_the_buyer() {
    let early = No(409, "not_delivered");
    let completed = To(200, &[("status", "completed")]);
    row(
        Event { path: "receive", body: json!({}), told: "order.completed" },
        &[NOT_NOW, NOT_NOW, NOT_NOW, early, early, early, early, completed, Already, NOT_NOW, NOT_NOW, NOT_NOW],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn refund_of_a_part() {
    let refunds = To(201, &[]);
    row(
        Event {
            path: "refunds",
            body: json!({"amount": {"amount": 500, "currency": "CNY"}}),
            told: "order.refund_started",
        },
        &[
            NO_MONEY, NO_MONEY, NO_MONEY, refunds, refunds, refunds, refunds, refunds, refunds, NO_MONEY, NO_MONEY,
            NO_MONEY,
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn return_of_a_unit() {
    let asked = To(201, &[]);
    row(
        Event { path: "returns", body: one_unit(), told: "order.return_changed" },
        &[NOT_NOW, NOT_NOW, NOT_NOW, NO_UNITS, NO_UNITS, NO_UNITS, NO_UNITS, asked, asked, NOT_NOW, NOT_NOW, NOT_NOW],
    )
    .await;
}
