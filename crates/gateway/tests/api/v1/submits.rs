//! `/v1/submits`, and the 202 that leads there.

use std::time::Duration;

use holdline_app::Settings;
use serde_json::{Value, json};

use crate::harness::{ALL, Api, Reply, submit};

async fn accept(api: &Api, key: &str, preference: &str, body: &Value) -> Reply {
    api.post(ALL, "/v1/orders").key(key).header("prefer", preference).json(body).reply().await
}

#[tokio::test(start_paused = true)]
async fn an_accepted_submit_is_answered_with_numbers_that_its_orders_then_have() {
    let api = Api::start().await;
    let body = submit("ann", &[("B", 2, 2_000), ("A", 1, 1_000)]);
    let reply = accept(&api, "a/b c".replace(' ', "-").as_str(), "respond-async", &body).await;
    assert_eq!((reply.outcome(), &reply.body["status"]), ((202, "ok"), &json!("creating")));
    assert_eq!(reply.header("preference-applied"), "respond-async");
    assert_eq!(reply.header("retry-after"), "1");
    assert_eq!(reply.header("location"), "/v1/submits/a%2Fb-c?buyer_id=ann");
    assert!(reply.body["decide_by"].is_string());
    let promised = reply.body["order_nos"].clone();
    assert_eq!(promised.as_array().unwrap().len(), 2);
    let status = api.get(ALL, &format!("{}&wait=30s", reply.header("location"))).reply().await;
    assert_eq!((status.outcome(), &status.body["status"]), ((200, "ok"), &json!("created")));
    assert_eq!(status.body["order_nos"], promised);
    assert_eq!(status.body["group"]["orders"][0]["order_no"], promised[0]);
    assert_eq!(status.body["group"]["total"]["amount"], 5_000);
    assert!(status.body["decide_by"].is_null() && status.header("retry-after").is_empty());
    // Sent again, with or without the preference, it is the same submit.
    for preference in ["respond-async", "return=minimal"] {
        let again = accept(&api, "a/b-c", preference, &body).await;
        assert_eq!((again.outcome(), again.header("idempotent-replayed")), ((201, "ok"), "true"), "{preference}");
        assert_eq!(again.body["orders"][1]["order_no"], promised[1]);
    }
    let other = accept(&api, "a/b-c", "respond-async", &submit("ann", &[("A", 2, 1_000)])).await;
    assert_eq!(other.outcome(), (422, "idempotency_key_reused"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_would_rather_wait_gets_its_orders() {
    let api = Api::start().await;
    let reply = accept(&api, "k", "respond-async, wait=5", &submit("ann", &[("A", 1, 1_000)])).await;
    assert_eq!((reply.outcome(), reply.header("idempotent-replayed")), ((201, "ok"), ""));
    assert_eq!(reply.body["orders"][0]["status"], "pending_payment");
}

#[tokio::test(start_paused = true)]
async fn a_submit_that_is_refused_at_once_is_promised_nothing() {
    let api = Api::start().await;
    let reply = accept(&api, "k", "respond-async", &submit("ann", &[("A", 1, 999)])).await;
    assert_eq!((reply.outcome(), &reply.body["errors"][0]["code"]), ((422, "order_refused"), &json!("price_changed")));
    assert_eq!(api.get(ALL, "/v1/submits/k?buyer_id=ann").reply().await.outcome(), (404, "not_found"));
}

#[tokio::test(start_paused = true)]
async fn an_accepted_submit_whose_stock_is_gone_fails_with_the_reasons() {
    let api = Api::start().await;
    let body = submit("ann", &[("LAST", 2, 500)]);
    let reply = accept(&api, "k", "respond-async", &body).await;
    assert_eq!(reply.outcome(), (202, "ok"));
    let no = reply.body["order_nos"][0].as_str().unwrap().to_owned();
    let status = api.get(ALL, "/v1/submits/k?buyer_id=ann&wait=10s").reply().await;
    assert_eq!((status.outcome(), &status.body["status"]), ((200, "ok"), &json!("create_failed")));
    let failure = &status.body["failure"];
    assert_eq!(
        (&failure["code"], &failure["errors"][0]["code"]),
        (&json!("order_refused"), &json!("insufficient_stock"))
    );
    assert_eq!((&failure["errors"][0]["requested"], &failure["errors"][0]["available"]), (&json!(2), &json!(1)));
    // The key is spent, and the number leads to the reason for ever.
    let again = api.post(ALL, "/v1/orders").key("k").json(&body).reply().await;
    assert_eq!(again.outcome(), (422, "order_refused"));
    let created = api.get(ALL, &format!("/order/is-created?order_no={no}")).reply().await;
    assert_eq!(
        (&created.body["data"]["state"], &created.body["data"]["reason"]["code"]),
        (&json!("failed"), &json!("order_refused"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_status_is_its_buyers_and_its_clients_only() {
    let api = Api::start().await;
    accept(&api, "k", "respond-async", &submit("ann", &[("A", 1, 1_000)])).await;
    assert_eq!(api.get(ALL, "/v1/submits/k").reply().await.outcome(), (422, "invalid_field"));
    assert_eq!(api.get(ALL, "/v1/submits/other?buyer_id=ann").reply().await.outcome(), (404, "not_found"));
    assert_eq!(api.get(ALL, "/v1/submits/k?buyer_id=bob").reply().await.outcome(), (404, "not_found"));
    assert_eq!(api.get(ALL, "/v1/submits/k?buyer_id=ann&wait=1m").reply().await.outcome(), (422, "invalid_field"));
    assert_eq!(
        api.get(ALL, "/v1/submits/k?buyer_id=ann&decide_by=soon").reply().await.outcome(),
        (422, "invalid_field")
    );
}

#[tokio::test(start_paused = true)]
async fn a_status_of_an_unknown_outcome_is_definite_past_its_instant() {
    let api = Api::start().await;
    let (past, future) = ("2000-01-01T00:00:00.000Z", "2900-01-01T00:00:00.000Z");
    let status = api.get(ALL, &format!("/v1/submits/k?buyer_id=ann&decide_by={future}")).reply().await;
    assert_eq!((status.outcome(), &status.body["status"]), ((200, "ok"), &json!("creating")));
    let status = api.get(ALL, &format!("/v1/submits/k?buyer_id=ann&decide_by={past}")).reply().await;
    assert_eq!(
        (&status.body["status"], &status.body["failure"]["code"]),
        (&json!("create_failed"), &json!("submit_abandoned"))
    );
    // Whatever arrives later under the key finds that it never will be.
    let late = api.post(ALL, "/v1/orders").key("k").json(&submit("ann", &[("A", 1, 1_000)])).reply().await;
    assert_eq!(late.outcome(), (409, "submit_abandoned"));
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_ends_when_its_time_is_over() {
    let api = Api::start().await;
    let begun = tokio::time::Instant::now();
    let path = "/v1/submits/k?buyer_id=ann&decide_by=2900-01-01T00:00:00Z&wait=30s";
    let status = api.get(ALL, path).reply().await;
    assert_eq!(
        (status.outcome(), &status.body["status"], status.header("retry-after")),
        ((200, "ok"), &json!("creating"), "1")
    );
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(30) && waited < Duration::from_secs(32), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn events_tell_each_status_until_the_last() {
    let api = Api::start().await;
    let body = submit("ann", &[("A", 1, 1_000)]);
    let reply = accept(&api, "k", "respond-async", &body).await;
    let stream = api.get(ALL, reply.header("location")).header("accept", "text/event-stream").text().await;
    let (status, headers, text) = stream;
    assert_eq!((status.as_u16(), &headers["content-type"]), (200, &"text/event-stream".parse().unwrap()));
    let events: Vec<Value> = text
        .split("\n\n")
        .filter_map(|event| event.strip_prefix("event: status\ndata: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    let last = events.last().unwrap();
    assert_eq!((&last["status"], &last["order_nos"]), (&json!("created"), &reply.body["order_nos"]), "{text}");
    let unknown = api.get(ALL, "/v1/submits/none?buyer_id=ann").header("accept", "text/event-stream").reply().await;
    assert_eq!(unknown.outcome(), (404, "not_found"));
}

#[tokio::test(start_paused = true)]
async fn events_that_nobody_may_wait_for_end_with_what_is_known() {
    let api = Api::start_with(Settings { watchers_max: 0, ..Settings::default() }).await;
    let path = "/v1/submits/k?buyer_id=ann&decide_by=2900-01-01T00:00:00Z";
    let (status, _, text) = api.get(ALL, path).header("accept", "text/event-stream").text().await;
    assert_eq!(status.as_u16(), 200);
    assert!(text.starts_with("event: status\ndata: {\"status\":\"creating\"") && !text.contains(": waiting"), "{text}");
}
