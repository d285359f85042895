//! Shipments and returns: `/v1/orders/{order_no}/shipments`, `…/returns`, `…/receive`, `…/pause`.

use std::num::NonZeroU32;
use std::time::Duration;

use holdline_app::Settings;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::harness::{ALL, Api, MERCHANT, SELLING, submit};

fn units(quantity: i64) -> Value {
    json!({"lines": [{"line_no": 1, "quantity": quantity}]})
}

async fn paid(api: &Api, quantity: i64) -> String {
    let (order, _) = api.place_paid_units("p", quantity).await;
    format!("/v1/orders/{}", order["order_no"].as_str().unwrap())
}

async fn order(api: &Api, path: &str) -> Value {
    api.get(ALL, path).reply().await.body
}

#[tokio::test(start_paused = true)]
async fn an_order_is_shipped_in_parts_and_the_ledger_follows() {
    let api = Api::start().await;
    let path = paid(&api, 3).await;
    let ship = |key: &str, body: Value| api.post(MERCHANT, &format!("{path}/shipments")).key(key).json(&body).reply();
    let first = ship("a", json!({"lines": [{"line_no": 1, "quantity": 1}], "carrier": "SF", "tracking": "1"})).await;
    assert_eq!((first.outcome(), &first.body["n"], &first.body["carrier"]), ((201, "ok"), &json!(1), &json!("SF")));
    assert_eq!(order(&api, &path).await["fulfillment_status"], "partially_shipped");
    let again = ship("a", json!({"lines": [{"line_no": 1, "quantity": 1}], "carrier": "SF", "tracking": "1"})).await;
    assert_eq!((again.outcome(), again.header("idempotent-replayed")), ((201, "ok"), "true"));
    assert_eq!(ship("a", units(2)).await.outcome(), (422, "idempotency_key_reused"));
    let beyond = ship("b", units(3)).await;
    assert_eq!(beyond.outcome(), (422, "line_quantity"));
    assert_eq!(
        (&beyond.body["errors"][0]["requested"], &beyond.body["errors"][0]["available"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(ship("c", json!({})).await.body["lines"][0]["quantity"], 2, "without lines, all that is left");
    assert_eq!(ship("d", json!({})).await.outcome(), (422, "line_quantity"), "nothing is left");
    assert_eq!(order(&api, &path).await["fulfillment_status"], "shipped");
    let cancel = api.post(ALL, &format!("{path}/cancel")).reply().await;
    assert_eq!(cancel.outcome(), (409, "goods_shipped"));
    api.until("/v1/stock/A", |stock| stock["on_hand"] == 7 && stock["allocated"] == 0).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_not_paid_or_is_stopped_does_not_ship() {
    let api = Api::start().await;
    let placed = api.place_two_orders("k").await;
    let waiting = format!("/v1/orders/{}/shipments", placed["orders"][0]["order_no"].as_str().unwrap());
    let refused = api.post(ALL, &waiting).key("s").json(&json!({})).reply().await;
    assert_eq!(refused.outcome(), (409, "order_state"));
    let path = paid(&api, 1).await;
    let pause = |reason: &str| api.post(ALL, &format!("{path}/pause")).json(&json!({"reason": reason})).reply();
    assert_eq!(pause("").await.outcome(), (422, "invalid_field"));
    let paused = pause("address looks wrong").await;
    assert_eq!((paused.outcome(), &paused.body["paused"]), ((200, "ok"), &json!("address looks wrong")));
    assert_eq!(
        pause("address looks wrong").await.body["version"],
        paused.body["version"],
        "the same again changes nothing"
    );
    let stopped = api.post(ALL, &format!("{path}/shipments")).key("s").json(&json!({})).reply().await;
    assert_eq!(stopped.outcome(), (409, "order_paused"));
    let resumed = api.post(ALL, &format!("{path}/resume")).reply().await;
    assert_eq!((resumed.outcome(), &resumed.body["paused"]), ((200, "ok"), &Value::Null));
    let shipped = api.post(ALL, &format!("{path}/shipments")).key("s").json(&json!({})).reply().await;
    assert_eq!(shipped.outcome(), (201, "ok"));
}

#[tokio::test(start_paused = true)]
async fn an_order_is_completed_by_the_buyer_or_by_time_once_all_of_it_arrived() {
    let api = Api::start().await;
    let path = paid(&api, 2).await;
    for key in ["a", "b"] {
        let shipped = api.post(ALL, &format!("{path}/shipments")).key(key).json(&units(1)).reply().await;
        assert_eq!(shipped.outcome(), (201, "ok"));
    }
    let deliver = |n: i32| api.post(ALL, &format!("{path}/shipments/{n}/deliver")).reply();
    let receive = || api.post(ALL, &format!("{path}/receive")).reply();
    assert_eq!(deliver(1).await.body["state"], "delivered");
    assert_eq!(order(&api, &path).await["fulfillment_status"], "partially_delivered");
    assert_eq!(receive().await.outcome(), (409, "not_delivered"));
    assert_eq!(deliver(9).await.outcome(), (404, "not_found"));
    assert_eq!(deliver(2).await.outcome(), (200, "ok"));
    assert_eq!(deliver(2).await.outcome(), (200, "ok"), "reported again");
    let completed = receive().await;
    assert_eq!((completed.outcome(), &completed.body["status"]), ((200, "ok"), &json!("completed")));
    assert_eq!(receive().await.body["version"], completed.body["version"]);

    let policies = json!({"receive_after": 60, "return_within": 60});
    assert_eq!(api.put(ALL, "/v1/policies").json(&policies).reply().await.outcome(), (200, "ok"));
    let silent = api.place_delivered_order("q", 1).await;
    let path = format!("/v1/orders/{}", silent["order_no"].as_str().unwrap());
    tokio::time::sleep(Duration::from_secs(58)).await;
    assert_eq!(order(&api, &path).await["status"], "confirmed");
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(order(&api, &path).await["status"], "completed", "nobody complained");
}

#[tokio::test(start_paused = true)]
async fn a_return_is_asked_for_approved_received_and_paid_back_and_restocked_by_decision() {
    let api = Api::start().await;
    let delivered = api.place_delivered_order("d", 3).await;
    let path = format!("/v1/orders/{}", delivered["order_no"].as_str().unwrap());
    let ask = |key: &str, quantity| api.post(ALL, &format!("{path}/returns")).key(key).json(&units(quantity)).reply();
    let first = ask("a", 2).await;
    assert_eq!((first.outcome(), &first.body["state"]), ((201, "ok"), &json!("requested")));
    assert_eq!(ask("a", 2).await.header("idempotent-replayed"), "true");
    assert_eq!(ask("b", 2).await.outcome(), (422, "line_quantity"), "one is left");
    let decide = |what: &str, body: Value| api.post(MERCHANT, &format!("{path}/returns/1/{what}")).json(&body).reply();
    assert_eq!(decide("receive", json!({})).await.outcome(), (409, "return_state"), "it is not approved yet");
    let approved = decide("approve", json!({"amount": {"amount": 1_500, "currency": "CNY"}})).await;
    assert_eq!((approved.outcome(), &approved.body["amount"]["amount"]), ((200, "ok"), &json!(1_500)));
    assert_eq!(order(&api, &path).await["payment_status"], "paid", "nothing goes back before the goods are here");
    let restocked = json!({"restocked": [{"line_no": 1, "quantity": 1}]});
    let received = decide("receive", restocked.clone()).await;
    assert_eq!((received.outcome(), &received.body["state"]), ((200, "ok"), &json!("received")));
    assert_eq!(decide("receive", restocked).await.outcome(), (200, "ok"), "said again, it pays nothing twice");
    let refunded = api.until(&path, |order| order["payment_status"] == "partially_refunded").await;
    assert_eq!(
        (&refunded["paid"]["refunded"]["amount"], &refunded["fulfillment_status"]),
        (&json!(1_500), &json!("partially_returned"))
    );
    // Ten were there, three left, one of two that came back may be sold again.
    api.until("/v1/stock/A", |stock| stock["on_hand"] == 8 && stock["available"] == 8).await;
    assert_eq!(api.provider.book().refunds.len(), 1);
}

/// Each later change of the order brings the ledger to where all of its returns are, again.
#[tokio::test(start_paused = true)]
async fn restocked_units_are_put_back_once_whatever_comes_next() {
    let api = Api::start().await;
    let delivered = api.place_delivered_order("d", 3).await;
    let path = format!("/v1/orders/{}", delivered["order_no"].as_str().unwrap());
    let ask = |key: &str| api.post(ALL, &format!("{path}/returns")).key(key).json(&units(1)).reply();
    let decide = |what: &str, body: Value| api.post(MERCHANT, &format!("{path}/returns/1/{what}")).json(&body).reply();
    assert_eq!(ask("a").await.outcome(), (201, "ok"));
    assert_eq!(decide("approve", json!({})).await.outcome(), (200, "ok"));
    for _ in 0..2 {
        assert_eq!(decide("receive", json!({"restocked": units(1)["lines"]})).await.outcome(), (200, "ok"));
    }
    api.until("/v1/stock/A", |stock| stock["on_hand"] == 8).await;
    assert_eq!(ask("b").await.outcome(), (201, "ok"));
    api.until(&path, |order| order["payment_status"] == "partially_refunded").await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let stock = api.get(ALL, "/v1/stock/A").reply().await.body;
    assert_eq!((&stock["on_hand"], &stock["available"]), (&json!(8), &json!(8)));
}

#[tokio::test(start_paused = true)]
async fn goods_that_come_back_are_received_although_their_money_went_back_before() {
    let api = Api::start().await;
    let delivered = api.place_delivered_order("d", 2).await;
    let path = format!("/v1/orders/{}", delivered["order_no"].as_str().unwrap());
    let asked = api.post(ALL, &format!("{path}/returns")).key("a").json(&units(1)).reply().await;
    assert_eq!(asked.outcome(), (201, "ok"));
    let approved = api.post(ALL, &format!("{path}/returns/1/approve")).reply().await;
    assert_eq!(approved.body["amount"]["amount"], 1_000);
    let goodwill = json!({"amount": {"amount": 1_700, "currency": "CNY"}});
    let refund = api.post(ALL, &format!("{path}/refunds")).key("g").json(&goodwill).reply().await;
    assert_eq!(refund.outcome(), (201, "ok"));
    let restocked = json!({"restocked": [{"line_no": 1, "quantity": 1}]});
    let received = api.post(ALL, &format!("{path}/returns/1/receive")).json(&restocked).reply().await;
    assert_eq!((received.outcome(), &received.body["amount"]["amount"]), ((200, "ok"), &json!(300)), "what is left");
    let refunded = api.until(&path, |order| order["payment_status"] == "refunded").await;
    assert_eq!(refunded["paid"]["refunded"]["amount"], 2_000);
    api.until("/v1/stock/A", |stock| stock["on_hand"] == 9).await;
}

#[tokio::test(start_paused = true)]
async fn a_rejected_return_pays_nothing_and_its_goods_may_be_asked_for_again() {
    let api = Api::start().await;
    let delivered = api.place_delivered_order("d", 1).await;
    let path = format!("/v1/orders/{}", delivered["order_no"].as_str().unwrap());
    let ask = |key: &str| api.post(ALL, &format!("{path}/returns")).key(key).json(&units(1)).reply();
    assert_eq!(ask("a").await.outcome(), (201, "ok"));
    assert_eq!(api.post(ALL, &format!("{path}/returns/1/reject")).reply().await.body["state"], "rejected");
    assert_eq!(api.post(ALL, &format!("{path}/returns/1/approve")).reply().await.outcome(), (409, "return_state"));
    assert_eq!(ask("b").await.outcome(), (201, "ok"));
    assert_eq!(order(&api, &path).await["paid"]["refunding"]["amount"], 0);
}

#[tokio::test(start_paused = true)]
async fn goods_are_taken_back_within_the_window_only() {
    let api = Api::start().await;
    let policies = json!({"receive_after": 3_600, "return_within": 60});
    assert_eq!(api.put(ALL, "/v1/policies").json(&policies).reply().await.outcome(), (200, "ok"));
    let delivered = api.place_delivered_order("d", 1).await;
    let path = format!("/v1/orders/{}", delivered["order_no"].as_str().unwrap());
    tokio::time::sleep(Duration::from_secs(61)).await;
    let late = api.post(ALL, &format!("{path}/returns")).key("a").json(&units(1)).reply().await;
    assert_eq!(late.outcome(), (422, "return_window_closed"));
    assert!(late.body["errors"][0]["closed"].is_string());
}

#[tokio::test(start_paused = true)]
async fn taking_the_last_unshipped_units_off_leaves_a_delivered_order() {
    let api = Api::start().await;
    let path = paid(&api, 2).await;
    let shipped = api.post(ALL, &format!("{path}/shipments")).key("a").json(&units(1)).reply().await;
    assert_eq!(shipped.outcome(), (201, "ok"));
    assert_eq!(api.post(ALL, &format!("{path}/shipments/1/deliver")).reply().await.outcome(), (200, "ok"));
    let refund = api.post(ALL, &format!("{path}/refunds")).key("r").json(&units(1)).reply().await;
    assert_eq!((refund.outcome(), &refund.body["amount"]["amount"]), ((201, "ok"), &json!(1_000)));
    assert_eq!(order(&api, &path).await["fulfillment_status"], "delivered");
    assert_eq!(api.post(ALL, &format!("{path}/receive")).reply().await.body["status"], "completed");
    api.until("/v1/stock/A", |stock| stock["on_hand"] == 9 && stock["available"] == 9).await;
}

#[tokio::test(start_paused = true)]
async fn orders_that_arrived_before_their_deadline_keep_the_sweep_from_nobody() {
    let api = Api::start_with(Settings { expire_per_second_max: NonZeroU32::MIN, ..Settings::default() }).await;
    let more = json!({"delta": 30, "reference": "more"});
    assert_eq!(api.post(ALL, "/v1/stock/A/adjustments").json(&more).reply().await.outcome(), (200, "ok"));
    for n in 0..30 {
        api.place_delivered_order(&format!("d{n}"), 1).await;
    }
    tokio::time::sleep(Duration::from_mins(1)).await;
    let (placed, submit) = (Instant::now(), submit("bob", &[("A", 1, 1_000)]));
    let reply = api.post(ALL, "/v1/orders").key("w").json(&submit).reply().await;
    assert_eq!(reply.outcome(), (201, "ok"));
    // The deadlines of the thirty are the older ones, and what they wait for comes in days.
    api.until("/v1/stock/A", |stock| stock["held"] == 0).await;
    let late = placed.elapsed().saturating_sub(Duration::from_mins(15));
    assert!(late < Duration::from_secs(5), "one order of which the sweep may end one in a second took it {late:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_sold_at_creation_and_never_paid_is_given_back() {
    let api = Api::start().await;
    let reply = api.post(SELLING, "/v1/orders").key("w").json(&submit("bob", &[("A", 2, 1_000)])).reply().await;
    assert_eq!(reply.outcome(), (201, "ok"));
    api.until_seen_by(SELLING, "/v1/stock/A", |stock| stock["allocated"] == 2 && stock["held"] == 0).await;
    tokio::time::sleep(Duration::from_mins(15)).await;
    api.until_seen_by(SELLING, "/v1/stock/A", |stock| stock["allocated"] == 0 && stock["available"] == 10).await;
}
