//! Payments: `/v1/orders/{order_no}/payments`, `/v1/order-groups/{order_group}/payments`, `/callbacks/{tenant}/{provider}`.

use std::time::Duration;

use holdline_domain::money::Minor;
use serde_json::{Value, json};

use crate::harness::{ALL, Api, submit};

fn model() -> Value {
    json!({"provider": "model"})
}

/// One order of `A` at 10.00 that waits: its path.
async fn waiting(api: &Api, key: &str) -> String {
    let placed = api.post(ALL, "/v1/orders").key(key).json(&submit("ann", &[("A", 1, 1_000)])).reply().await;
    assert_eq!(placed.outcome(), (201, "ok"));
    format!("/v1/orders/{}", placed.body["orders"][0]["order_no"].as_str().unwrap())
}

/// Opens an attempt: its id.
async fn open(api: &Api, order: &str, key: &str) -> String {
    let reply = api.post(ALL, &format!("{order}/payments")).key(key).json(&model()).reply().await;
    assert_eq!((reply.outcome(), &reply.body["state"]), ((201, "ok"), &json!("open")), "{reply:?}");
    reply.body["attempt"].as_str().unwrap().to_owned()
}

async fn order(api: &Api, path: &str) -> Value {
    api.get(ALL, path).reply().await.body
}

async fn payment(api: &Api, order: &str) -> Value {
    api.get(ALL, &format!("{order}/payments")).reply().await.body["payments"][0].clone()
}

async fn put_policies(api: &Api, policies: Value) {
    let mut all = json!({"receive_after": 864_000, "return_within": 604_800});
    all.as_object_mut().unwrap().extend(policies.as_object().unwrap().clone());
    assert_eq!(api.put(ALL, "/v1/policies").json(&all).reply().await.outcome(), (200, "ok"));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_opened_once_under_its_key_and_keeps_its_order() {
    let api = Api::start().await;
    let path = waiting(&api, "k").await;
    let first = open(&api, &path, "a").await;
    assert_eq!(order(&api, &path).await["payment_status"], "processing");
    let again = api.post(ALL, &format!("{path}/payments")).key("a").json(&model()).reply().await;
    assert_eq!((again.outcome(), again.header("idempotent-replayed")), ((201, "ok"), "true"));
    assert_eq!(again.body["attempt"], json!(first));
    let other = json!({"provider": "model", "method": "card"});
    let reused = api.post(ALL, &format!("{path}/payments")).key("a").json(&other).reply().await;
    assert_eq!(reused.outcome(), (422, "idempotency_key_reused"));
    let missing = api.post(ALL, &format!("{path}/payments")).json(&model()).reply().await;
    assert_eq!(missing.outcome(), (400, "idempotency_key_missing"));
    let cancel = api.post(ALL, &format!("{path}/cancel")).reply().await;
    assert_eq!(cancel.outcome(), (409, "payment_open"));
    assert_eq!(cancel.body["errors"][0]["attempt"], json!(first));
    let nobody = json!({"provider": "nobody"});
    let unknown = api.post(ALL, &format!("{path}/payments")).key("b").json(&nobody).reply().await;
    assert_eq!(unknown.outcome(), (404, "not_found"));
}

#[tokio::test(start_paused = true)]
async fn an_open_attempt_keeps_its_order_past_the_deadline_and_its_money_counts() {
    let api = Api::start().await;
    let path = waiting(&api, "k").await;
    let attempt = open(&api, &path, "a").await;
    // The buyer pays in the last second; nobody hears of it until the deadline has passed.
    tokio::time::sleep(Duration::from_millis(899_500)).await;
    api.provider.pay(&attempt, None, false).unwrap();
    let paid = api.until(&path, |order| order["status"] != "pending_payment").await;
    assert_eq!((&paid["status"], &paid["payment_status"]), (&json!("confirmed"), &json!("paid")));
    assert_eq!(paid["paid"]["captured"]["amount"], 1_000);
}

#[tokio::test(start_paused = true)]
async fn nobody_pays_and_the_attempt_is_closed_before_its_order_expires() {
    let api = Api::start().await;
    let path = waiting(&api, "k").await;
    open(&api, &path, "a").await;
    let ended = api.until(&path, |order| order["status"] != "pending_payment").await;
    assert_eq!((&ended["status"], &ended["payment_status"]), (&json!("expired"), &json!("unpaid")));
    assert_eq!(payment(&api, &path).await["attempts"][0]["state"], "closed");
    let stock = api.until("/v1/stock/A", |stock| stock["available"] == 10).await;
    assert_eq!(stock["held"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_callback_counts_once_and_a_wrong_signature_never() {
    let api = Api::start().await;
    let path = waiting(&api, "k").await;
    let attempt = open(&api, &path, "a").await;
    let callback = api.provider.pay(&attempt, None, false).unwrap();
    let forged = api.post_unsigned("/callbacks/shop/model").raw(callback.body.clone()).text().await.0;
    assert_eq!(forged, 401);
    assert_eq!(order(&api, &path).await["status"], "pending_payment");
    for _ in 0..3 {
        api.call_back(callback.clone()).await;
    }
    let paid = api.until(&path, |order| order["status"] == "confirmed").await;
    api.call_back(callback).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(order(&api, &path).await["version"], paid["version"], "the same money said again changes nothing");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_amount_is_kept_flagged_and_goes_back_and_the_order_can_be_paid() {
    let api = Api::start().await;
    let path = waiting(&api, "k").await;
    let attempt = open(&api, &path, "a").await;
    let callback = api.provider.pay(&attempt, Some(Minor(999)), false).unwrap();
    api.call_back(callback).await;
    api.until(&format!("{path}/payments"), |payments| payments["payments"][0]["refunds"][0]["state"] == "succeeded")
        .await;
    let first = payment(&api, &path).await;
    assert_eq!(first["attempts"][0]["flag"], "captured_other");
    assert_eq!(first["attempts"][0]["captured"]["attached"], false);
    assert_eq!(
        (&first["refunds"][0]["amount"]["amount"], &first["refunds"][0]["reason"]),
        (&json!(999), &json!("wrong_amount"))
    );
    assert_eq!(order(&api, &path).await["payment_status"], "unpaid");
    let unsettled = api.get(ALL, "/v1/payments/unsettled").reply().await.body;
    assert_eq!(unsettled["callbacks"][0]["state"], "flagged", "somebody should look at it");
    let event = unsettled["callbacks"][0]["event_id"].as_str().unwrap();
    let settle = |event: &str, reason: &str| {
        api.post(ALL, &format!("/v1/payment-callbacks/model/{event}/settle")).json(&json!({ "reason": reason })).reply()
    };
    assert_eq!(settle(event, " ").await.outcome(), (422, "invalid_field"));
    assert_eq!(settle("nothing", "seen").await.outcome(), (404, "not_found"));
    let settled = settle(event, "the center was asked, it was its mistake").await;
    assert_eq!((settled.outcome(), &settled.body["state"]), ((200, "ok"), &json!("done")));
    let again = settle(event, "another reason").await;
    assert_eq!((again.outcome(), &again.body), ((200, "ok"), &settled.body), "the first word stays");
    assert_eq!(api.get(ALL, "/v1/payments/unsettled").reply().await.body["callbacks"], json!([]));
    let second = open(&api, &path, "b").await;
    api.call_back(api.provider.pay(&second, None, false).unwrap()).await;
    api.until(&path, |order| order["status"] == "confirmed").await;
    // The provider's books have settled what the callback was doubted for.
    api.until("/v1/payments/unsettled", |unsettled| unsettled["callbacks"] == json!([])).await;
}

#[tokio::test(start_paused = true)]
async fn another_means_of_payment_closes_the_former_attempt_first() {
    let api = Api::start().await;
    let path = waiting(&api, "k").await;
    let first = open(&api, &path, "a").await;
    let second = open(&api, &path, "b").await;
    assert_ne!(first, second);
    let attempts = payment(&api, &path).await["attempts"].clone();
    assert_eq!((&attempts[0]["state"], &attempts[1]["state"]), (&json!("closed"), &json!("open")));
    // The buyer pays both: the closed one by a confused center, too late.
    api.call_back(api.provider.pay(&second, None, false).unwrap()).await;
    api.until(&path, |order| order["status"] == "confirmed").await;
    api.call_back(api.provider.pay(&first, None, true).unwrap()).await;
    let paid = format!("{path}/payments");
    api.until(&paid, |payments| payments["payments"][0]["refunds"][0]["state"] == "succeeded").await;
    assert_eq!(payment(&api, &path).await["refunds"][0]["reason"], "duplicate_payment");
    assert_eq!(order(&api, &path).await["paid"]["attempt"], json!(second));
}

#[tokio::test(start_paused = true)]
async fn another_amount_for_an_attempt_that_has_ended_goes_back_too() {
    let api = Api::start().await;
    let path = waiting(&api, "k").await;
    let first = open(&api, &path, "a").await;
    let second = open(&api, &path, "b").await;
    api.call_back(api.provider.pay(&second, None, false).unwrap()).await;
    api.until(&path, |order| order["status"] == "confirmed").await;
    // The closed one captures all the same, and another amount than was owed.
    api.call_back(api.provider.pay(&first, Some(Minor(999)), true).unwrap()).await;
    let payments = format!("{path}/payments");
    api.until(&payments, |payments| payments["payments"][0]["refunds"][0]["state"] == "succeeded").await;
    let refund = payment(&api, &path).await["refunds"][0].clone();
    assert_eq!((&refund["amount"]["amount"], &refund["reason"]), (&json!(999), &json!("wrong_amount")));
}

#[tokio::test(start_paused = true)]
async fn a_former_attempt_that_was_paid_meanwhile_pays_the_order() {
    let api = Api::start().await;
    let path = waiting(&api, "k").await;
    let first = open(&api, &path, "a").await;
    api.provider.pay(&first, None, false).unwrap();
    let second = api.post(ALL, &format!("{path}/payments")).key("b").json(&model()).reply().await;
    assert_eq!(second.outcome(), (409, "order_state"));
    assert_eq!(order(&api, &path).await["paid"]["attempt"], json!(first));
}

#[tokio::test(start_paused = true)]
async fn a_group_is_paid_by_one_payment_for_all_its_orders() {
    let api = Api::start().await;
    let placed = api.place_two_orders("k").await;
    let group = format!("/v1/order-groups/{}", placed["order_group"].as_str().unwrap());
    let reply = api.post(ALL, &format!("{group}/payments")).key("a").json(&model()).reply().await;
    assert_eq!((reply.outcome(), &reply.body["amount"]["amount"]), ((201, "ok"), &json!(3_000)));
    let attempt = reply.body["attempt"].as_str().unwrap();
    let single = format!("/v1/orders/{}", placed["orders"][1]["order_no"].as_str().unwrap());
    assert_eq!(api.post(ALL, &format!("{single}/cancel")).reply().await.outcome(), (409, "payment_open"));
    api.call_back(api.provider.pay(attempt, None, false).unwrap()).await;
    for number in [0, 1] {
        let path = format!("/v1/orders/{}", placed["orders"][number]["order_no"].as_str().unwrap());
        let paid = api.until(&path, |order| order["status"] == "confirmed").await;
        assert_eq!(paid["paid"]["captured"], placed["orders"][number]["amounts"]["total"]);
    }
}

#[tokio::test(start_paused = true)]
async fn late_money_goes_back_by_itself() {
    let api = Api::start().await;
    let path = waiting(&api, "k").await;
    let attempt = open(&api, &path, "a").await;
    api.until(&path, |order| order["status"] == "expired").await;
    api.call_back(api.provider.pay(&attempt, None, true).unwrap()).await;
    let payments = format!("{path}/payments");
    api.until(&payments, |payments| payments["payments"][0]["refunds"][0]["state"] == "succeeded").await;
    let refund = payment(&api, &path).await["refunds"][0].clone();
    assert_eq!((&refund["reason"], &refund["amount"]["amount"]), (&json!("late_payment"), &json!(1_000)));
    assert_eq!(order(&api, &path).await["status"], "expired");
    assert_eq!(api.get(ALL, "/v1/payments/unsettled").reply().await.body["attempts"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn late_money_revives_its_order_by_policy_if_the_goods_can_be_held_again() {
    let api = Api::start().await;
    put_policies(&api, json!({"late_payment": "revive_else_refund"})).await;
    let (first, second) = (waiting(&api, "k").await, waiting(&api, "l").await);
    let (paid, short) = (open(&api, &first, "a").await, open(&api, &second, "b").await);
    api.until(&first, |order| order["status"] == "expired").await;
    api.until(&second, |order| order["status"] == "expired").await;
    api.call_back(api.provider.pay(&paid, None, true).unwrap()).await;
    let revived = api.until(&first, |order| order["status"] == "confirmed").await;
    assert_eq!((&revived["paid"]["attempt"], &revived["ended"]), (&json!(paid), &Value::Null));
    api.until("/v1/stock/A", |stock| stock["allocated"] == 1 && stock["held"] == 0).await;
    // Nine are left; somebody else takes them all.
    let rest = api.post(ALL, "/v1/orders").key("m").json(&submit("bob", &[("A", 9, 1_000)])).reply().await;
    assert_eq!(rest.outcome(), (201, "ok"));
    api.call_back(api.provider.pay(&short, None, true).unwrap()).await;
    let payments = format!("{second}/payments");
    api.until(&payments, |payments| payments["payments"][0]["refunds"][0]["state"] == "succeeded").await;
    assert_eq!(order(&api, &second).await["status"], "expired");
}

#[tokio::test(start_paused = true)]
async fn a_lapsed_hold_is_taken_again_before_an_attempt_opens_or_nothing_opens() {
    let api = Api::start().await;
    put_policies(&api, json!({"hold_within": 60})).await;
    let (first, second) = (waiting(&api, "k").await, waiting(&api, "l").await);
    for path in [&first, &second] {
        api.until(path, |order| order["hold_status"] == "lapsed").await;
    }
    api.until("/v1/stock/A", |stock| stock["available"] == 10).await;
    let attempt = open(&api, &first, "a").await;
    assert_eq!(order(&api, &first).await["hold_status"], "held");
    api.call_back(api.provider.pay(&attempt, None, false).unwrap()).await;
    api.until(&first, |order| order["status"] == "confirmed").await;
    api.until("/v1/stock/A", |stock| stock["allocated"] == 1 && stock["available"] == 9).await;
    let rest = api.post(ALL, "/v1/orders").key("m").json(&submit("bob", &[("A", 9, 1_000)])).reply().await;
    assert_eq!(rest.outcome(), (201, "ok"));
    let refused = api.post(ALL, &format!("{second}/payments")).key("b").json(&model()).reply().await;
    assert_eq!(refused.outcome(), (422, "order_refused"));
    assert_eq!(refused.body["errors"][0]["code"], "insufficient_stock");
    assert_eq!(order(&api, &second).await["payment_status"], "unpaid");
}

#[tokio::test(start_paused = true)]
async fn money_for_nothing_known_is_kept_and_in_the_end_goes_back() {
    let api = Api::start().await;
    let callback = api.provider.pay_unknown("P260801120000007000100000042-1", Minor(500));
    api.call_back(callback).await;
    let unsettled = "/v1/payments/unsettled";
    api.until(unsettled, |unsettled| unsettled["callbacks"][0]["state"] == "orphan").await;
    for _ in 0..24 {
        tokio::time::sleep(Duration::from_mins(10)).await;
    }
    assert_eq!(api.get(ALL, unsettled).reply().await.body["callbacks"], json!([]));
    let refunds = api.provider.book().refunds;
    let (payment, amount, succeeded) = refunds.values().next().unwrap();
    assert_eq!(
        (refunds.len(), payment.as_str(), *amount, *succeeded),
        (1, "P260801120000007000100000042-1", Minor(500), true)
    );
}
