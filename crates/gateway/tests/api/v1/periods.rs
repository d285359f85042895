//! `/v1/stock/{sku}/periods`.

use serde_json::{Value, json};

use crate::harness::{ALL, Api, submit};

/// The simulated clock begins at 2026-03-01T00:00:00Z.
fn period(start: &str, end: &str, rest: &str) -> Value {
    json!({"start": format!("2026-03-01T{start}Z"), "end": format!("2026-03-01T{end}Z"), "rest": rest})
}

async fn put(api: &Api, name: &str, body: &Value) -> crate::harness::Reply {
    api.put(ALL, &format!("/v1/stock/A/periods/{name}")).json(body).reply().await
}

#[tokio::test(start_paused = true)]
async fn periods_are_written_once_and_listed_by_start() {
    let api = Api::start().await;
    let noon = put(&api, "noon%20%E2%98%80", &period("12:00:00", "13:00:00", "base")).await;
    assert_eq!((noon.outcome(), &noon.body["already"]), ((200, "ok"), &json!(false)));
    assert_eq!(
        noon.body["period"],
        json!({"period": "noon \u{2600}", "channel": "", "start": "2026-03-01T12:00:00.000Z",
            "end": "2026-03-01T13:00:00.000Z", "rest": "base"})
    );
    put(&api, "ten", &period("10:00:00", "11:00:00", "next")).await;
    assert_eq!(put(&api, "ten", &period("10:00:00", "11:00:00", "next")).await.body["already"], true);
    let listed = api.get(ALL, "/v1/stock/A/periods").reply().await.body;
    let names: Vec<_> = listed["periods"].as_array().unwrap().iter().map(|period| &period["period"]).collect();
    assert_eq!(names, ["ten", "noon \u{2600}"]);
    assert_eq!(api.get(ALL, "/v1/stock/B/periods").reply().await.body, json!({"periods": []}));
    assert_eq!(api.get(ALL, "/v1/stock/NONE/periods").reply().await.outcome(), (404, "not_found"));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_a_period_is_refused_by_its_own_code() {
    let api = Api::start().await;
    put(&api, "ten", &period("10:00:00", "11:00:00", "next")).await;
    let overlap = put(&api, "noon", &period("10:59:59", "13:00:00", "next")).await;
    assert_eq!((overlap.outcome(), &overlap.body["errors"][0]["period"]), ((409, "period_overlaps"), &json!("ten")));
    put(&api, "open", &json!({"start": "2026-02-28T00:00:00Z", "end": "2026-03-01T09:00:00Z", "rest": "next"})).await;
    let shorter = json!({"start": "2026-02-28T00:00:00Z", "end": "2026-03-01T08:00:00Z", "rest": "next"});
    assert_eq!(put(&api, "open", &shorter).await.outcome(), (409, "period_begun"));
    for (body, pointer) in [
        (period("12:00:00", "12:00:00", "next"), "/end"),
        (json!({"start": "2026-02-27T00:00:00Z", "end": "2026-02-27T01:00:00Z", "rest": "next"}), "/end"),
        (period("noon", "13:00:00", "next"), "/start"),
        (period("12:00:00", "13:00:00", "sell"), "/rest"),
        (
            json!({"channel": "a\tb", "start": "2026-03-01T12:00:00Z", "end": "2026-03-01T13:00:00Z", "rest": "keep"}),
            "/channel",
        ),
    ] {
        let refused = put(&api, "bad", &body).await;
        assert_eq!(
            (refused.outcome(), &refused.body["errors"][0]["pointer"]),
            ((422, "invalid_field"), &json!(pointer))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_submit_claims_the_open_period_and_is_told_when_the_next_one_opens() {
    let api = Api::start().await;
    let open = json!({"start": "2026-02-28T00:00:00Z", "end": "2026-03-01T09:00:00Z", "rest": "next"});
    put(&api, "open", &open).await;
    let stock_in = json!({"delta": 1, "reference": "r", "period": "open"});
    api.post(ALL, "/v1/stock/A/adjustments").json(&stock_in).reply().await;
    let place = async |key: &str, sku: &str| {
        let body = submit("ann", &[(sku, 1, if sku == "A" { 1_000 } else { 2_000 })]);
        api.post(ALL, "/v1/orders").key(key).json(&body).reply().await
    };
    assert_eq!(place("k1", "A").await.outcome(), (201, "ok"));
    let short = place("k2", "A").await;
    let error = &short.body["errors"][0];
    assert_eq!((&error["code"], &error["available"]), (&json!("insufficient_stock"), &json!(0)), "ten lie elsewhere");
    let stock = api.get(ALL, "/v1/stock/A").reply().await.body;
    let held: Vec<_> = stock["accounts"].as_array().unwrap().iter().map(|a| (&a["period"], &a["held"])).collect();
    assert_eq!(held, [(&json!(""), &json!(0)), (&json!("open"), &json!(1))]);
    let body = period("10:00:00", "11:00:00", "next");
    api.put(ALL, "/v1/stock/B/periods/ten").json(&body).reply().await;
    let closed = place("k3", "B").await;
    assert_eq!(
        closed.body["errors"],
        json!([{"code": "between_periods", "pointer": "/lines/0/sku", "sku": "B",
            "period_opens": "2026-03-01T10:00:00.000Z"}])
    );
    assert_eq!(closed.outcome(), (422, "order_refused"));
}
