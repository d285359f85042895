//! Two different events at once: one wins, and the other gets the answer that is right after it.

use serde_json::{Value, json};

use super::place::{From, Place};
use crate::harness::ALL;

type Outcome = (u16, &'static str);

/// Asks for both at once, in both orders of sending. Each pair of answers is one of two: the first event won, or the second one.
async fn race(from: From, events: [(&str, Value); 2], first_won: [Outcome; 2], second_won: [Outcome; 2]) -> Vec<Place> {
    let mut places = Vec::new();
    for swapped in [false, true] {
        let place = Place::at(from).await;
        let ask = |n: usize| {
            let (path, body) = &events[n];
            let key = ["a", "b"][n];
            place.api.post(ALL, &format!("{}/{path}", place.path)).key(key).json(body).reply()
        };
        let (a, b) = if swapped {
            let (b, a) = tokio::join!(ask(1), ask(0));
            (a, b)
        } else {
            tokio::join!(ask(0), ask(1))
        };
        let answers = [a.outcome(), b.outcome()];
        assert!(answers == first_won || answers == second_won, "{answers:?} at {from:?}");
        places.push(place);
    }
    places
}

#[tokio::test(start_paused = true)]
async fn pay_started_or_cancel() {
    let events = [("payments", json!({"provider": "model"})), ("cancel", json!({}))];
    let (paying, cancelled) = ([(201, "ok"), (409, "payment_open")], [(409, "order_state"), (200, "ok")]);
    for place in race(From::Waiting, events, paying, cancelled).await {
        let order = place.order().await;
        let ends = (&order["status"], &order["payment_status"]);
        let paying = (&json!("pending_payment"), &json!("processing"));
        assert!(ends == paying || ends == (&json!("cancelled"), &json!("unpaid")), "{order:#}");
    }
}

#[tokio::test(start_paused = true)]
async fn ship_or_cancel() {
    let events = [("shipments", json!({})), ("cancel", json!({}))];
    let (shipped, cancelled) = ([(201, "ok"), (409, "goods_shipped")], [(409, "order_state"), (200, "ok")]);
    for place in race(From::Confirmed, events, shipped, cancelled).await {
        assert_eq!(place.told("order.shipped").await + place.told("order.cancelled").await, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn ship_or_hold() {
    let events = [("shipments", json!({})), ("pause", json!({"reason": "risk"}))];
    race(From::Confirmed, events, [(201, "ok"), (200, "ok")], [(409, "order_paused"), (200, "ok")]).await;
}

#[tokio::test(start_paused = true)]
async fn ship_all_by_two_pickers() {
    let events = [("shipments", json!({"carrier": "SF"})), ("shipments", json!({"carrier": "YT"}))];
    let (first, second) = ([(201, "ok"), (422, "line_quantity")], [(422, "line_quantity"), (201, "ok")]);
    for place in race(From::Confirmed, events, first, second).await {
        place.api.until("/v1/stock/A", |stock| stock["on_hand"] == 8 && stock["allocated"] == 0).await;
    }
}

#[tokio::test(start_paused = true)]
async fn refund_all_or_cancel() {
    let events = [("refunds", json!({"amount": {"amount": 2_000, "currency": "CNY"}})), ("cancel", json!({}))];
    let (refunded, cancelled) = ([(201, "ok"), (200, "ok")], [(422, "refund_too_large"), (200, "ok")]);
    for place in race(From::Confirmed, events, refunded, cancelled).await {
        place.api.until(&place.path, |order| order["payment_status"] == "refunded").await;
        let refunds = place.api.provider.book().refunds;
        assert_eq!(refunds.values().map(|(_, amount, _)| amount.0).sum::<i64>(), 2_000, "once");
    }
}

#[tokio::test(start_paused = true)]
async fn refund_of_a_unit_or_ship_all() {
    let lines = json!({"lines": [{"line_no": 1, "quantity": 1}]});
    let events = [("refunds", lines), ("shipments", json!({}))];
    let (taken_off, shipped) = ([(201, "ok"), (201, "ok")], [(422, "line_quantity"), (201, "ok")]);
    for place in race(From::Confirmed, events, taken_off, shipped).await {
        // Whoever won: what was shipped was not given back as unshipped.
        let refunds = place.told("order.refund_started").await;
        let left = 8 + i64::try_from(refunds).unwrap();
        place.api.until("/v1/stock/A", |stock| stock["on_hand"] == left && stock["available"] == left).await;
    }
}

#[tokio::test(start_paused = true)]
async fn return_of_the_same_units_twice() {
    let lines = |note: &str| json!({"lines": [{"line_no": 1, "quantity": 2}], "reason": note});
    let events = [("returns", lines("too big")), ("returns", lines("too small"))];
    let (first, second) = ([(201, "ok"), (422, "line_quantity")], [(422, "line_quantity"), (201, "ok")]);
    race(From::Delivered, events, first, second).await;
}

#[tokio::test(start_paused = true)]
async fn received_or_return() {
    let events = [("receive", json!({})), ("returns", super::place::one_unit())];
    for place in race(From::Delivered, events, [(200, "ok"), (201, "ok")], [(200, "ok"), (201, "ok")]).await {
        assert_eq!((place.told("order.completed").await, place.told("order.return_changed").await), (1, 1));
    }
}

/// The buyer pays while the merchant cancels: an open attempt keeps its order, so the money counts.
#[tokio::test(start_paused = true)]
async fn payment_succeeded_or_cancel() {
    let place = Place::at(From::Waiting).await;
    let attempt = place.open("a").await;
    let cancel = place.api.post(ALL, &format!("{}/cancel", place.path)).reply();
    let (cancel, ()) = tokio::join!(cancel, place.buyer_pays(&attempt, false));
    if cancel.outcome() == (409, "payment_open") {
        place.api.until(&place.path, |order| order["status"] == "confirmed").await;
    } else {
        // It was confirmed already, and was cancelled as a paid order.
        assert_eq!(cancel.outcome(), (200, "ok"));
        place.api.until(&place.path, |order| order["payment_status"] == "refunded").await;
    }
}
