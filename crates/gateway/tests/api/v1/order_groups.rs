//! `/v1/order-groups`.

use serde_json::json;

use crate::harness::{ALL, Api, submit};

#[tokio::test(start_paused = true)]
async fn a_group_is_read_by_its_id_and_by_its_key() {
    let api = Api::start().await;
    let placed = api.place_two_orders("a/b").await;
    let by_id = api.get(ALL, &format!("/v1/order-groups/{}", placed["order_group"].as_str().unwrap())).reply().await;
    let by_key = api.get(ALL, "/v1/order-groups/by-key/a%2Fb?buyer_id=ann").reply().await;
    for read in [&by_id, &by_key] {
        assert_eq!(read.outcome(), (200, "ok"));
        assert_eq!(read.body["order_group"], placed["order_group"]);
        assert_eq!(read.body["orders"].as_array().unwrap().len(), 2);
    }
    // Only the first order's number names the group.
    let second = format!("/v1/order-groups/g{}", placed["orders"][1]["order_no"].as_str().unwrap());
    assert_eq!(api.get(ALL, &second).reply().await.outcome(), (404, "not_found"));
    assert_eq!(api.get(ALL, "/v1/order-groups/x").reply().await.outcome(), (404, "not_found"));
    assert_eq!(api.get(ALL, "/v1/order-groups/by-key/none?buyer_id=ann").reply().await.outcome(), (404, "not_found"));
    assert_eq!(api.get(ALL, "/v1/order-groups/by-key/a%2Fb?buyer_id=bob").reply().await.outcome(), (404, "not_found"));
    assert_eq!(api.get(ALL, "/v1/order-groups/by-key/a%2Fb").reply().await.outcome(), (422, "invalid_field"));
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_submit_never_becomes_an_order() {
    let api = Api::start().await;
    let abandon = |key: &str| {
        api.post(ALL, &format!("/v1/order-groups/by-key/{key}/abandon")).json(&json!({"buyer_id": "ann"})).reply()
    };
    assert_eq!(abandon("k").await.body, json!({"outcome": "never"}));
    assert_eq!(abandon("k").await.body, json!({"outcome": "never"}));
    let late = api.post(ALL, "/v1/orders").key("k").json(&submit("ann", &[("A", 1, 1_000)])).reply().await;
    assert_eq!(late.outcome(), (409, "submit_abandoned"));
    let read = api.get(ALL, "/v1/order-groups/by-key/k?buyer_id=ann").reply().await;
    assert_eq!(read.outcome(), (409, "submit_abandoned"));
    let placed = api.place_two_orders("l").await;
    let reply = abandon("l").await;
    assert_eq!((&reply.body["outcome"], &reply.body["order_group"]), (&json!("placed"), &placed["order_group"]));
}
