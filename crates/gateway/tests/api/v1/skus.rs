//! `/v1/skus` and `/v1/skus:batch`.

use serde_json::{Value, json};

use crate::harness::{ALL, Api};

fn sku(seller: &str) -> Value {
    json!({"seller": seller, "title": "Mug 杯", "price": {"amount": 2_999, "currency": "CNY"}, "on_shelf": true})
}

#[tokio::test(start_paused = true)]
async fn a_sku_is_written_and_read_back() {
    let api = Api::start().await;
    let put = api.put(ALL, "/v1/skus/MUG").json(&sku("s1")).reply().await;
    assert_eq!(put.body, json!({"outcome": "stored", "version": 1}));
    assert_eq!(api.put(ALL, "/v1/skus/MUG").json(&sku("s1")).reply().await.body["outcome"], "unchanged");
    let mut expected = sku("s1");
    expected["sku"] = json!("MUG");
    expected["version"] = json!(1);
    assert_eq!(api.get(ALL, "/v1/skus/MUG").reply().await.body, expected);
    let unknown = api.put(ALL, "/v1/skus/MUG").json(&sku("nobody")).reply().await;
    assert_eq!((unknown.outcome(), &unknown.body["errors"][0]["seller"]), ((422, "unknown_seller"), &json!("nobody")));
    assert_eq!(api.get(ALL, "/v1/skus/NONE").reply().await.outcome(), (404, "not_found"));
}

#[tokio::test(start_paused = true)]
async fn a_batch_answers_for_each_sku_and_leaves_out_those_of_unknown_sellers() {
    let api = Api::start().await;
    let with_code = |code: &str, seller: &str| {
        let mut sku = sku(seller);
        sku["sku"] = json!(code);
        sku
    };
    let post = |skus: Vec<Value>| api.post(ALL, "/v1/skus:batch").json(&json!({"skus": skus})).reply();
    let reply = post(vec![with_code("M1", "s1"), with_code("M2", "nobody"), with_code("M3", "s2")]).await;
    assert_eq!(
        reply.body["results"],
        json!([
            {"sku": "M1", "outcome": "stored", "version": 1},
            {"sku": "M2", "outcome": "unknown_seller"},
            {"sku": "M3", "outcome": "stored", "version": 1},
        ])
    );
    for (skus, pointer) in [
        (vec![], "/skus"),
        ((0..501).map(|n| with_code(&n.to_string(), "s1")).collect(), "/skus"),
        (vec![with_code("M1", "s1"), with_code("M1", "s1")], "/skus/1/sku"),
        (vec![with_code("M1", "s1"), with_code("", "s1")], "/skus/1/sku"),
    ] {
        let reply = post(skus).await;
        assert_eq!((reply.outcome(), &reply.body["errors"][0]["pointer"]), ((422, "invalid_field"), &json!(pointer)));
    }
}
