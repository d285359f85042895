//! `/order/is-created`.

use serde_json::json;

use crate::harness::{ALL, Api};

#[tokio::test(start_paused = true)]
async fn an_order_that_was_placed_at_once_is_created() {
    let api = Api::start().await;
    let placed = api.place_two_orders("k").await;
    let no = placed["orders"][1]["order_no"].as_str().unwrap();
    let reply = api.get(ALL, &format!("/order/is-created?order_no={no}")).reply().await;
    assert_eq!((reply.outcome(), reply.header("retry-after")), ((200, "ok"), ""));
    assert_eq!(reply.body, json!({"data": {"order_no": no, "state": "success"}, "message": "OK", "status": 200}));
}

#[tokio::test(start_paused = true)]
async fn a_number_that_was_never_given_out_does_not_exist() {
    let api = Api::start().await;
    for no in ["260801120000007000100000042", "42", ""] {
        let reply = api.get(ALL, &format!("/order/is-created?order_no={no}")).reply().await;
        assert_eq!(reply.outcome(), (404, "not_found"), "{no}");
    }
    assert_eq!(api.get(ALL, "/order/is-created").reply().await.outcome(), (422, "invalid_field"));
}
