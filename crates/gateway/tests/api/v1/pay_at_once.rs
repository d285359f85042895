//! `pay_at_once`: a submit and its payment in one request.

use serde_json::{Value, json};

use crate::harness::{ALL, Api, submit};

#[tokio::test(start_paused = true)]
async fn a_submit_may_open_its_payment_and_stands_whatever_becomes_of_it() {
    let api = Api::start().await;
    let place = |key: &str, provider: &str| {
        let mut body = submit("ann", &[("A", 1, 1_000), ("B", 1, 2_000)]);
        body["pay_at_once"] = json!({"provider": provider});
        api.post(ALL, "/v1/orders").key(key).json(&body).reply()
    };
    let placed = place("a", "model").await;
    assert_eq!((placed.outcome(), placed.body["orders"].as_array().unwrap().len()), ((201, "ok"), 2));
    let payment = &placed.body["payment"];
    assert_eq!((&payment["state"], &payment["amount"]["amount"]), (&json!("open"), &json!(3_000)), "one for the group");
    let again = place("a", "model").await;
    assert_eq!((again.header("idempotent-replayed"), &again.body["payment"]), ("true", payment));
    let attempt = payment["attempt"].as_str().unwrap();
    api.call_back(api.provider.pay(attempt, None, false).unwrap()).await;
    for order in placed.body["orders"].as_array().unwrap() {
        let path = format!("/v1/orders/{}", order["order_no"].as_str().unwrap());
        api.until(&path, |order| order["status"] == "confirmed").await;
    }
    let paid = place("a", "model").await;
    assert_eq!((paid.outcome(), &paid.body["payment"]), ((201, "ok"), &Value::Null), "nothing is owed any more");
    let stands = place("b", "nobody").await;
    assert_eq!((stands.outcome(), &stands.body["payment_failure"]["code"]), ((201, "ok"), &json!("not_found")));
    let path = format!("/v1/orders/{}", stands.body["orders"][0]["order_no"].as_str().unwrap());
    assert_eq!(api.get(ALL, &path).reply().await.body["status"], "pending_payment");
    let mut later = submit("ann", &[("A", 1, 1_000)]);
    later["pay_at_once"] = json!({"provider": "model"});
    let refused = api.post(ALL, "/v1/orders").key("c").header("prefer", "respond-async").json(&later).reply().await;
    assert_eq!(
        (refused.outcome(), &refused.body["errors"][0]["pointer"]),
        ((422, "invalid_field"), &json!("/pay_at_once"))
    );
}
