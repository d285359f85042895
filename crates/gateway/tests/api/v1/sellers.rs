//! `/v1/sellers`.

use serde_json::json;

use crate::harness::{ALL, Api};

#[tokio::test(start_paused = true)]
async fn a_seller_is_written_in_versions_and_never_by_an_older_source() {
    let api = Api::start().await;
    let put = |body| api.put(ALL, "/v1/sellers/%E5%BA%97%201").json(&body).reply();
    let outcome = |version| json!({"outcome": "stored", "version": version});
    assert_eq!(put(json!({"name": "杯子店", "source_version": 5})).await.body, outcome(1));
    let older = put(json!({"name": "old", "source_version": 4})).await;
    assert_eq!(older.body, json!({"outcome": "older", "version": 1}));
    assert_eq!(put(json!({"name": "新杯子店", "source_version": 6})).await.body, outcome(2));
    let read = api.get(ALL, "/v1/sellers/%E5%BA%97%201").reply().await;
    assert_eq!(read.body, json!({"seller": "店 1", "name": "新杯子店", "version": 2, "source_version": 6}));
    let nameless = put(json!({"name": ""})).await;
    assert_eq!((nameless.outcome(), &nameless.body["errors"][0]["pointer"]), ((422, "invalid_field"), &json!("/name")));
    assert_eq!(api.get(ALL, "/v1/sellers/none").reply().await.outcome(), (404, "not_found"));
    assert_eq!(api.get(ALL, "/v1/sellers/%ff").reply().await.outcome(), (400, "malformed_request"));
}
