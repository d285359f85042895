//! Refunds: `/v1/orders/{order_no}/refunds`, and the cancelling of a paid order.

use serde_json::{Value, json};

use crate::harness::{ALL, Api, MERCHANT};

fn sum(amount: i64) -> Value {
    json!({"amount": {"amount": amount, "currency": "CNY"}})
}

async fn paid(api: &Api) -> String {
    let (order, _) = api.place_paid_order("p").await;
    format!("/v1/orders/{}", order["order_no"].as_str().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_paid_order_is_cancelled_before_shipment_and_all_its_money_goes_back() {
    let api = Api::start().await;
    let path = paid(&api).await;
    api.until("/v1/stock/A", |stock| stock["allocated"] == 1).await;
    let cancelled = api.post(ALL, &format!("{path}/cancel")).reply().await;
    assert_eq!((cancelled.outcome(), &cancelled.body["status"]), ((200, "ok"), &json!("cancelled")));
    assert_eq!(cancelled.body["paid"]["refunding"]["amount"], 1_000, "set aside with the cancel, not after it");
    let again = api.post(ALL, &format!("{path}/cancel")).reply().await;
    assert_eq!(again.outcome(), (200, "ok"));
    let refunded = api.until(&path, |order| order["payment_status"] == "refunded").await;
    assert_eq!((&refunded["status"], &refunded["paid"]["refunding"]["amount"]), (&json!("cancelled"), &json!(0)));
    let refunds = api.get(ALL, &format!("{path}/refunds")).reply().await.body["refunds"].clone();
    assert_eq!((refunds.as_array().unwrap().len(), &refunds[0]["reason"]), (1, &json!("cancelled")));
    api.until("/v1/stock/A", |stock| stock["allocated"] == 0 && stock["available"] == 10).await;
}

#[tokio::test(start_paused = true)]
async fn refunds_at_once_never_exceed_what_was_captured() {
    let api = Api::start().await;
    let path = paid(&api).await;
    let refund = |key: &str, amount| api.post(ALL, &format!("{path}/refunds")).key(key).json(&sum(amount)).reply();
    let replies = futures_util::future::join_all((0..5).map(|n| refund(["a", "b", "c", "d", "e"][n], 300))).await;
    let granted = replies.iter().filter(|reply| reply.outcome() == (201, "ok")).count();
    let refused = replies.iter().filter(|reply| reply.outcome() == (422, "refund_too_large")).count();
    assert_eq!((granted, refused), (3, 2));
    let last = refund("f", 101).await;
    assert_eq!(last.body["errors"][0]["refundable"]["amount"], 100);
    assert_eq!(refund("g", 100).await.outcome(), (201, "ok"));
    let refunded = api.until(&path, |order| order["payment_status"] == "refunded").await;
    assert_eq!((&refunded["paid"]["refunded"]["amount"], &refunded["status"]), (&json!(1_000), &json!("confirmed")));
    let booked: i64 = api.provider.book().refunds.values().map(|(_, amount, _)| amount.0).sum();
    assert_eq!(booked, 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_refund_is_created_once_under_its_key() {
    let api = Api::start().await;
    let path = paid(&api).await;
    let ask = |body: Value| api.post(ALL, &format!("{path}/refunds")).key("r").json(&body).reply();
    let first = ask(sum(10)).await;
    assert_eq!((first.outcome(), &first.body["state"]), ((201, "ok"), &json!("created")));
    let again = ask(sum(10)).await;
    assert_eq!((again.outcome(), again.header("idempotent-replayed")), ((201, "ok"), "true"));
    assert_eq!(ask(sum(11)).await.outcome(), (422, "idempotency_key_reused"));
    let other_currency = json!({"amount": {"amount": 1, "currency": "USD"}});
    let refused = api.post(ALL, &format!("{path}/refunds")).key("s").json(&other_currency).reply().await;
    assert_eq!(
        (refused.outcome(), &refused.body["errors"][0]["pointer"]),
        ((422, "invalid_field"), &json!("/amount/currency"))
    );
    api.until(&path, |order| order["payment_status"] == "partially_refunded").await;
    assert_eq!(api.provider.book().refunds.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn unshipped_units_are_taken_off_the_order_and_can_be_sold_again() {
    let api = Api::start().await;
    let path = paid(&api).await;
    api.until("/v1/stock/A", |stock| stock["allocated"] == 1).await;
    let lines = json!({"lines": [{"line_no": 1, "quantity": 1}]});
    let refund = api.post(MERCHANT, &format!("{path}/refunds")).key("r").json(&lines).reply().await;
    assert_eq!((refund.outcome(), &refund.body["amount"]["amount"]), ((201, "ok"), &json!(1_000)));
    assert_eq!(refund.body["reason"], "unshipped");
    api.until("/v1/stock/A", |stock| stock["allocated"] == 0 && stock["available"] == 10).await;
    let again = api.post(ALL, &format!("{path}/refunds")).key("s").json(&lines).reply().await;
    assert_eq!(again.outcome(), (422, "line_quantity"));
    assert_eq!((&again.body["errors"][0]["requested"], &again.body["errors"][0]["available"]), (&json!(1), &json!(0)));
}

#[tokio::test(start_paused = true)]
async fn what_was_never_paid_is_not_given_back() {
    let api = Api::start().await;
    let placed = api.place_two_orders("k").await;
    let path = format!("/v1/orders/{}", placed["orders"][0]["order_no"].as_str().unwrap());
    let refused = api.post(ALL, &format!("{path}/refunds")).key("r").json(&sum(1)).reply().await;
    assert_eq!(
        (refused.outcome(), &refused.body["errors"][0]["refundable"]["amount"]),
        ((422, "refund_too_large"), &json!(0))
    );
}
