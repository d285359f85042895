//! `/v1/holds`.

use serde_json::{Value, json};

use crate::harness::{ALL, Api};

fn hold(id: &str, units: i64) -> Value {
    json!({"hold_id": id, "lines": [{"sku": "A", "quantity": units}], "expires_in": 60})
}

fn two_parts(id: &str) -> Value {
    let line = |part: &str| json!({"sku": "A", "quantity": 2, "part": part});
    json!({"hold_id": id, "lines": [line("s1"), line("s2")], "expires_in": 60})
}

async fn available(api: &Api) -> Value {
    api.get(ALL, "/v1/stock/A").reply().await.body["available"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_hold_is_taken_once_under_its_id() {
    let api = Api::start().await;
    let first = api.post(ALL, "/v1/holds").json(&hold("po-1/x", 3)).reply().await;
    assert_eq!((first.outcome(), first.header("location")), ((201, "ok"), "/v1/holds/po-1%2Fx"));
    assert_eq!(first.body["parts"][0]["state"], "held");
    let again = api.post(ALL, "/v1/holds").json(&hold("po-1/x", 3)).reply().await;
    assert_eq!((again.outcome(), again.header("idempotent-replayed")), ((201, "ok"), "true"));
    assert_eq!(again.body, first.body);
    assert_eq!(available(&api).await, 7);
    let read = api.get(ALL, "/v1/holds/po-1%2Fx").reply().await;
    assert_eq!(read.body, first.body);
    let other = api.post(ALL, "/v1/holds").json(&hold("po-1/x", 4)).reply().await;
    assert_eq!(other.outcome(), (422, "idempotency_key_reused"));
    assert_eq!(api.get(ALL, "/v1/holds/none").reply().await.outcome(), (404, "not_found"));
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_is_short_names_every_account_and_holds_nothing() {
    let api = Api::start().await;
    let line = |sku: &str, quantity: i64| json!({"sku": sku, "quantity": quantity});
    let body = json!({"hold_id": "h", "lines": [line("A", 99), line("NONE", 1), line("A", 1)], "expires_in": 60});
    let refused = api.post(ALL, "/v1/holds").json(&body).reply().await;
    assert_eq!(refused.outcome(), (422, "hold_refused"));
    let facts = |place: usize| refused.body["errors"][place].clone();
    assert_eq!(
        (&facts(0)["sku"], &facts(0)["requested"], &facts(0)["available"]),
        (&json!("A"), &json!(100), &json!(10))
    );
    assert_eq!((&facts(1)["sku"], &facts(1)["code"]), (&json!("NONE"), &json!("insufficient_stock")));
    assert_eq!(available(&api).await, 10);
}

#[tokio::test(start_paused = true)]
async fn parts_are_committed_released_and_extended_by_name() {
    let api = Api::start().await;
    let taken = api.post(ALL, "/v1/holds").json(&two_parts("h")).reply().await;
    let deadline = taken.body["parts"][1]["deadline"].clone();
    let ask = |what: &str, body: Value| api.post(ALL, &format!("/v1/holds/h/{what}")).json(&body).reply();
    let sold = ask("commit", json!({"part": "s1"})).await;
    assert_eq!(
        (&sold.body["parts"][0]["state"], &sold.body["parts"][1]["state"]),
        (&json!("committed"), &json!("held"))
    );
    assert_eq!(sold.body["parts"][0].get("deadline"), None, "what has ended has no deadline");
    let longer = ask("extend", json!({"part": "s2", "expires_in": 600})).await;
    assert!(longer.body["parts"][1]["deadline"].as_str() > deadline.as_str(), "{longer:?}");
    assert_eq!(ask("extend", json!({"part": "s1", "expires_in": 600})).await.outcome(), (409, "hold_ended"));
    let released = ask("release", json!({"part": "s2"})).await;
    assert_eq!(
        (&released.body["outcome"], &released.body["parts"][1]["state"]),
        (&json!("released"), &json!("released"))
    );
    assert_eq!(ask("release", json!({"part": "s2"})).await.outcome(), (200, "ok"), "the same again");
    let late = ask("commit", json!({"part": "s2"})).await;
    assert_eq!((late.outcome(), &late.body["errors"][0]["hold_state"]), ((409, "hold_ended"), &json!("released")));
    assert_eq!(ask("commit", json!({"part": "s3"})).await.outcome(), (404, "not_found"));
    assert_eq!(available(&api).await, 8);
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_was_given_up_first_is_refused_when_it_arrives() {
    let api = Api::start().await;
    let given_up = api.post(ALL, "/v1/holds/h/release").reply().await;
    assert_eq!((given_up.outcome(), &given_up.body), ((200, "ok"), &json!({"outcome": "never"})));
    assert_eq!(api.post(ALL, "/v1/holds").json(&hold("h", 1)).reply().await.outcome(), (409, "hold_given_up"));
    assert_eq!(api.get(ALL, "/v1/holds/h").reply().await.outcome(), (409, "hold_given_up"));
    assert_eq!(available(&api).await, 10);
}

#[tokio::test(start_paused = true)]
async fn a_hold_past_its_deadline_is_released_and_cannot_be_sold() {
    let api = Api::start().await;
    let mut body = hold("h", 4);
    body["expires_in"] = json!(2);
    api.post(ALL, "/v1/holds").json(&body).reply().await;
    assert_eq!(available(&api).await, 6);
    while available(&api).await == 6 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(available(&api).await, 10);
    assert_eq!(api.post(ALL, "/v1/holds/h/commit").reply().await.outcome(), (409, "hold_ended"));
    let again = api.post(ALL, "/v1/holds").json(&body).reply().await;
    assert_eq!(again.body["parts"][0]["state"], "released", "taken once is taken once: {again:?}");
}

#[tokio::test(start_paused = true)]
async fn bad_fields_are_named() {
    let api = Api::start().await;
    let line = json!({"sku": "A", "quantity": 1});
    let with = |field: &str, value: Value| {
        let mut body = hold("h", 1);
        body[field] = value;
        body
    };
    for (body, pointer) in [
        (with("hold_id", json!("")), "/hold_id"),
        (with("hold_id", json!("a b")), "/hold_id"),
        (with("lines", json!([])), "/lines"),
        (with("lines", json!(vec![line.clone(); 1_001])), "/lines"),
        (with("lines", json!([{"sku": "A", "quantity": 0}])), "/lines/0/quantity"),
        (with("lines", json!([line, {"sku": "A", "quantity": 1, "part": ""}])), "/lines/1/part"),
        (with("expires_in", json!(0)), "/expires_in"),
        (with("expires_in", json!(2_592_001)), "/expires_in"),
        (with("check_url", json!("ftp://example.com/")), "/check_url"),
        (with("check_url", json!("https://example.com/")), "/check_url"),
    ] {
        let reply = api.post(ALL, "/v1/holds").json(&body).reply().await;
        assert_eq!((reply.outcome(), &reply.body["errors"][0]["pointer"]), ((422, "invalid_field"), &json!(pointer)));
    }
    assert_eq!(available(&api).await, 10);
}
