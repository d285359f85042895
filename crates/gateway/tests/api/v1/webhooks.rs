//! Endpoints of webhooks over HTTP.

use serde_json::{Value, json};

use crate::harness::{ALL, Api, FOREIGN, Reply};

async fn put(api: &Api, name: &str, body: Value) -> Reply {
    api.put(ALL, &format!("/v1/webhooks/{name}")).json(&body).reply().await
}

fn hook() -> Value {
    json!({ "url": "https://shop.example/hooks" })
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_shown_when_it_is_made_and_never_again() {
    let api = Api::start().await;
    let made = put(&api, "erp", json!({ "url": "https://shop.example/hooks", "types": ["order.placed"] })).await;
    assert_eq!(made.outcome(), (201, "ok"), "{made:?}");
    assert!(made.body["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!((&made.body["enabled"], &made.body["types"]), (&json!(true), &json!(["order.placed"])));
    let read = api.get(ALL, "/v1/webhooks/erp").reply().await;
    assert_eq!((read.outcome(), &read.body["secret"], &read.body["waiting"]), ((200, "ok"), &Value::Null, &json!(0)));
    let changed = put(&api, "erp", json!({ "url": "https://shop.example/other", "enabled": false })).await;
    assert_eq!((changed.outcome(), &changed.body["secret"]), ((200, "ok"), &Value::Null));
    assert_eq!((&changed.body["types"], &changed.body["disabled_reason"]), (&json!([]), &json!("by_owner")));
    let list = api.get(ALL, "/v1/webhooks").reply().await;
    assert_eq!(list.body["webhooks"], json!([changed.body]));
    assert_eq!(api.get(FOREIGN, "/v1/webhooks/erp").reply().await.outcome(), (404, "not_found"));
    let rotated = api.post(ALL, "/v1/webhooks/erp/rotate-secret").reply().await;
    assert!(rotated.body["secret"].is_string() && rotated.body["old_secret_until"].is_string(), "{rotated:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_endpoint_is_refused() {
    let api = Api::start().await;
    for body in [
        json!({ "url": "https://shop.example/\n" }),
        json!({ "url": "" }),
        json!({ "url": format!("https://{}", "x".repeat(1_024)) }),
        json!({ "url": "https://shop.example", "types": ["order.gone"] }),
    ] {
        assert_eq!(put(&api, "erp", body.clone()).await.outcome(), (422, "invalid_field"), "{body}");
    }
    assert_eq!(put(&api, "Erp", hook()).await.outcome(), (422, "invalid_field"));
    for n in 0..16 {
        assert_eq!(put(&api, &format!("n{n}"), hook()).await.outcome(), (201, "ok"));
    }
    assert_eq!(put(&api, "erp", hook()).await.outcome(), (422, "too_many_webhooks"));
    assert_eq!(put(&api, "n3", hook()).await.outcome(), (200, "ok"));
}

#[tokio::test(start_paused = true)]
async fn events_are_asked_for_again_by_their_places_in_the_feed() {
    let api = Api::start().await;
    api.place_two_orders("k").await;
    assert_eq!(put(&api, "erp", hook()).await.outcome(), (201, "ok"));
    let again = |body: Value| api.post(ALL, "/v1/webhooks/erp/redeliver").json(&body).reply();
    for (body, events) in [
        (json!({ "sequence": 1 }), 1),
        (json!({ "after": 0, "before": 1_001 }), 2),
        (json!({ "after": 1, "before": 2 }), 0),
        (json!({ "sequence": 99 }), 0),
    ] {
        let reply = again(body.clone()).await;
        assert_eq!((reply.outcome(), &reply.body["events"]), ((200, "ok"), &json!(events)), "{body}");
    }
    for body in [
        json!({}),
        json!({ "after": 1 }),
        json!({ "sequence": 1, "after": 1, "before": 2 }),
        json!({ "sequence": 0 }),
        json!({ "after": 0, "before": 1_002 }),
        json!({ "after": 5, "before": 5 }),
        json!({ "after": -1, "before": 1 }),
        json!({ "after": i64::MIN, "before": i64::MAX }),
    ] {
        assert_eq!(again(body.clone()).await.outcome(), (422, "invalid_field"), "{body}");
    }
    let shown = api.get(ALL, "/v1/webhooks/erp").reply().await;
    assert_eq!(shown.body["waiting"], 2, "nobody sends here");
    let log = api.get(ALL, "/v1/webhooks/erp/deliveries").reply().await;
    assert_eq!(log.body, json!({ "deliveries": [], "has_more": false }));
    assert_eq!(api.get(ALL, "/v1/webhooks/none/deliveries").reply().await.outcome(), (404, "not_found"));
}
