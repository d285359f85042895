//! `/v1/stock`.

use std::time::Duration;

use holdline_app::Settings;
use serde_json::{Value, json};

use crate::harness::{ALL, Api};

#[tokio::test(start_paused = true)]
async fn stock_is_read_for_many_skus_and_for_one() {
    let api = Api::start().await;
    api.place_two_orders("k").await;
    let many = api.get(ALL, "/v1/stock?sku=A,NONE&sku=LAST").reply().await.body;
    let stock = many["stock"].as_array().unwrap();
    assert_eq!(stock.iter().map(|each| &each["sku"]).collect::<Vec<_>>(), ["A", "NONE", "LAST"]);
    let of = |place: usize, field: &str| stock[place][field].as_i64().unwrap();
    assert_eq!((of(0, "on_hand"), of(0, "held"), of(0, "allocated"), of(0, "available")), (10, 1, 0, 9));
    assert_eq!((of(1, "available"), &stock[1]["accounts"]), (0, &json!([])));
    let one = api.get(ALL, "/v1/stock/A").reply().await;
    assert_eq!(one.body, stock[0]);
    assert_eq!(api.get(ALL, "/v1/stock/NONE").reply().await.outcome(), (404, "not_found"));
}

#[tokio::test(start_paused = true)]
async fn an_adjustment_happens_once_under_its_reference() {
    let api = Api::start().await;
    let adjust = |body: Value| api.post(ALL, "/v1/stock/A/adjustments").json(&body).reply();
    let first = adjust(json!({"delta": 5, "reference": "r1"})).await;
    assert_eq!((&first.body["already"], &first.body["account"]["on_hand"]), (&json!(false), &json!(15)));
    let again = adjust(json!({"delta": 5, "reference": "r1"})).await;
    assert_eq!((&again.body["already"], &again.body["account"]["on_hand"]), (&json!(true), &json!(15)));
    let other = adjust(json!({"delta": 6, "reference": "r1"})).await;
    assert_eq!(
        (other.outcome(), &other.body["errors"][0]["movement_quantity"]),
        ((422, "reference_reused"), &json!(5))
    );
    api.place_two_orders("k").await;
    let breaking = adjust(json!({"delta": -15, "reference": "r2"})).await;
    assert_eq!((breaking.outcome(), &breaking.body["errors"][0]["held"]), ((422, "breaks_holds"), &json!(1)));
    let forced = adjust(json!({"delta": -15, "reference": "r2", "force": true})).await;
    assert_eq!(forced.body["account"]["available"], -1);
    let elsewhere = adjust(json!({"delta": 3, "reference": "r1", "location": "east"})).await;
    assert_eq!(
        (&elsewhere.body["account"]["location"], &elsewhere.body["account"]["on_hand"]),
        (&json!("east"), &json!(3))
    );
    for (body, pointer) in [
        (json!({"delta": 0, "reference": "r3"}), "/delta"),
        (json!({"delta": 1, "reference": ""}), "/reference"),
        (json!({"delta": 1, "reference": "r3", "location": "a\tb"}), "/location"),
    ] {
        assert_eq!(adjust(body).await.body["errors"][0]["pointer"], pointer);
    }
}

#[tokio::test(start_paused = true)]
async fn movements_are_read_by_cursor_newest_first() {
    let api = Api::start().await;
    for n in 0..3 {
        let body = json!({"delta": n + 1, "reference": format!("r{n}")});
        api.post(ALL, "/v1/stock/A/adjustments").json(&body).reply().await;
    }
    let first = api.get(ALL, "/v1/stock/A/movements?limit=3").reply().await.body;
    let cursor = first["next_cursor"].as_str().unwrap();
    let last = api.get(ALL, &format!("/v1/stock/A/movements?limit=3&cursor={cursor}")).reply().await.body;
    let quantities = |page: &Value| -> Vec<_> {
        page["movements"].as_array().unwrap().iter().map(|each| each["quantity"].as_i64().unwrap()).collect()
    };
    assert_eq!((quantities(&first), quantities(&last)), (vec![3, 2, 1], vec![10]));
    assert_eq!((&last["has_more"], &last["next_cursor"]), (&json!(false), &Value::Null));
    assert_eq!(
        (&last["movements"][0]["kind"], &last["movements"][0]["reference"]),
        (&json!("adjust"), &json!("stock-in"))
    );
}

#[tokio::test(start_paused = true)]
async fn flags_are_replaced_as_a_whole() {
    let api = Api::start().await;
    let put = |body: Value| api.put(ALL, "/v1/stock/A/flags").json(&body).reply();
    let flags = json!({"infinite": false, "shortage_max": 2, "sold_out": true, "danger_level": 3});
    assert_eq!(put(flags.clone()).await.body["flags"], flags);
    let refused =
        api.post(ALL, "/v1/orders").key("k").json(&crate::harness::submit("ann", &[("A", 1, 1_000)])).reply().await;
    assert_eq!(refused.body["errors"][0]["code"], "sold_out");
    let open = json!({"infinite": false, "shortage_max": 0, "sold_out": false});
    assert_eq!(put(open.clone()).await.body["flags"], open);
    assert_eq!(put(json!({"infinite": false})).await.outcome(), (400, "malformed_body"));
    let negative = json!({"infinite": false, "shortage_max": -1, "sold_out": false});
    assert_eq!(put(negative).await.body["errors"][0]["pointer"], "/shortage_max");
}

#[tokio::test(start_paused = true)]
async fn accounts_are_closed_once_a_day_and_only_if_something_moved() {
    const HOUR: Duration = Duration::from_hours(1);
    // The other loops look seldom: three days go by.
    let api = Api::start_with(Settings { tick_ms: 60_000, ..Settings::default() }).await;
    let closings = async || api.ledger.closings().await.unwrap();
    tokio::time::sleep(HOUR).await;
    assert_eq!(closings().await.newest, None, "the day of the first movement is not over");
    for _ in 0..25 {
        tokio::time::sleep(HOUR).await;
    }
    let first = closings().await.newest.unwrap();
    assert!(first.is_complete() && first.seq == closings().await.newest_seq, "{first:?}");
    for _ in 0..25 {
        tokio::time::sleep(HOUR).await;
    }
    assert_eq!(closings().await.newest, Some(first), "nothing moved that day");
    let adjusted = api.post(ALL, "/v1/stock/A/adjustments").json(&json!({"delta": 1, "reference": "r"})).reply().await;
    assert_eq!(adjusted.outcome(), (200, "ok"));
    for _ in 0..25 {
        tokio::time::sleep(HOUR).await;
    }
    let second = closings().await.newest.unwrap();
    assert!(second.is_complete() && second.no == first.no + 1 && second.accounts == 1, "{second:?}");
}
