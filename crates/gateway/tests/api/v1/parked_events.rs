//! Parked events over HTTP.

use serde_json::{Value, json};

use crate::harness::{ALL, Api};

/// Two orders, the first one cancelled: its cancellation waits behind its first event.
async fn api() -> (Api, Value) {
    let api = Api::start().await;
    let placed = api.place_two_orders("k").await;
    let first = placed["orders"][0]["order_no"].as_str().unwrap();
    assert_eq!(api.post(ALL, &format!("/v1/orders/{first}/cancel")).reply().await.outcome(), (200, "ok"));
    api.park_all("walk").await;
    (api, placed)
}

async fn listed(api: &Api, query: &str) -> Value {
    let reply = api.get(ALL, &format!("/v1/parked-events{query}")).reply().await;
    assert_eq!(reply.outcome(), (200, "ok"), "{reply:?}");
    reply.body
}

fn seqs(page: &Value) -> Vec<i64> {
    page["parked_events"].as_array().unwrap().iter().map(|event| event["seq"].as_i64().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn parked_events_are_listed_with_what_went_wrong_in_pages() {
    let (api, placed) = api().await;
    assert_eq!(listed(&api, "").await, json!({ "parked_events": [], "has_more": false }), "of the ledger");
    let page = listed(&api, "?consumer=walk&limit=2").await;
    assert_eq!((seqs(&page), &page["has_more"]), (vec![1, 3], &json!(true)));
    let [first, behind] = [&page["parked_events"][0], &page["parked_events"][1]];
    assert_eq!((&first["error"], &first["attempts"]), (&json!("as the test wants it"), &json!(2)));
    assert_eq!((&first["type"], &first["order_no"]), (&json!("order.placed"), &placed["orders"][0]["order_no"]));
    assert_eq!((&behind["type"], &behind["next_try_at"]), (&json!("order.cancelled"), &Value::Null));
    let rest = listed(&api, &format!("?consumer=walk&cursor={}", page["next_cursor"].as_str().unwrap())).await;
    assert_eq!((seqs(&rest), &rest["has_more"]), (vec![2], &json!(false)));
}

#[tokio::test(start_paused = true)]
async fn a_parked_event_is_skipped_with_a_reason_and_the_next_one_is_due() {
    let (api, _) = api().await;
    let skip = |body: Value| api.post(ALL, "/v1/parked-events/walk/1/skip").json(&body).reply();
    for reason in ["", "  ", "two\nlines", &"x".repeat(501)] {
        assert_eq!(skip(json!({ "reason": reason })).await.outcome(), (422, "invalid_field"), "{reason:?}");
    }
    let skipped = skip(json!({ "reason": "counted by hand" })).await;
    assert_eq!((skipped.outcome(), &skipped.body["seq"]), ((200, "ok"), &json!(1)));
    assert_eq!(skip(json!({ "reason": "again" })).await.outcome(), (404, "not_found"));
    let page = listed(&api, "?consumer=walk").await;
    assert_eq!(seqs(&page), [3, 2]);
    assert!(page["parked_events"][0]["next_try_at"].is_string(), "{page:#}");
}

#[tokio::test(start_paused = true)]
async fn whoever_wants_an_event_tried_gets_the_first_of_its_order_tried() {
    let (api, _) = api().await;
    let before = listed(&api, "?consumer=walk").await;
    let reply = api.post(ALL, "/v1/parked-events/walk/3/retry").reply().await;
    assert_eq!((reply.outcome(), &reply.body["seq"]), ((200, "ok"), &json!(3)));
    let after = listed(&api, "?consumer=walk").await;
    let next_try = |page: &Value| page["parked_events"][0]["next_try_at"].as_str().unwrap().to_owned();
    assert!(next_try(&after) < next_try(&before), "{after:#}");
    for path in ["walk/4", "walk/x", "ledger/1", "%00/1", "walk/99999999999999999999"] {
        let reply = api.post(ALL, &format!("/v1/parked-events/{path}/retry")).reply().await;
        assert_eq!(reply.outcome(), (404, "not_found"), "{path}");
    }
}
