//! `/order/submit`.

use serde_json::{Value, json};

use crate::harness::{ALL, Api, PRICING, Reply, mall_cart};

async fn send(api: &Api, body: &Value) -> Reply {
    api.post(ALL, "/order/submit").json(body).reply().await
}

#[tokio::test(start_paused = true)]
async fn a_cart_becomes_one_number_per_seller_in_the_mall_s_envelope() {
    let api = Api::start().await;
    let mut cart = mall_cart();
    cart["to_uid"] = json!("200002");
    cart["commodity_details"].as_array_mut().unwrap().push(json!({
        "commodity_id": "B", "user_id": "s2", "num": 2, "prices": 20.0, "actual_price": "40.00", "page_type": "x"
    }));
    (cart["origin_price"], cart["actual_price"]) = (json!("50"), json!(50.00));
    let reply = send(&api, &cart).await;
    assert_eq!((reply.outcome(), &reply.body["message"]), ((200, "ok"), &json!("OK")));
    assert_eq!(reply.body["status"], 200);
    let numbers = reply.body["data"]["order_no"].as_array().unwrap().clone();
    assert_eq!(numbers.len(), 2);
    let created = format!("/order/is-created?order_no={}&wait=5s", numbers[1].as_str().unwrap());
    assert_eq!(api.get(ALL, &created).reply().await.body["data"]["state"], "success");
    let order = api.get(ALL, &format!("/v1/orders/{}", numbers[1].as_str().unwrap())).reply().await.body;
    assert_eq!((&order["seller"], &order["buyer_id"]), (&json!("s2"), &json!("100001")));
    assert_eq!(
        (&order["amounts"]["total"]["amount"], &order["address"]),
        (&json!(4_000), &json!({"to_uid": "200002"}))
    );
    // The same request_id is the same cart; the header means the same.
    let again = send(&api, &cart).await;
    assert_eq!((again.header("idempotent-replayed"), &again.body["data"]["order_no"]), ("true", &json!(numbers)));
    let mut without = cart.clone();
    without.as_object_mut().unwrap().remove("request_id");
    let by_header = api.post(ALL, "/order/submit").key("cart-1").json(&without).reply().await;
    assert_eq!(by_header.body["data"]["order_no"], json!(numbers));
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_cart_is_said_with_its_place() {
    let api = Api::start().await;
    let cases: [(&str, Value, &str); 8] = [
        ("/request_id", Value::Null, "/request_id"),
        ("/uid", json!(-5), "/uid"),
        ("/origin_price", json!(10.01), "/origin_price"),
        ("/origin_price", json!("1e1"), "/origin_price"),
        ("/commodity_details/0/num", json!(0), "/commodity_details/0/num"),
        ("/commodity_details/0/prices", json!("10.001"), "/commodity_details/0/prices"),
        ("/commodity_details/0/actual_price", json!(10.01), "/commodity_details/0/actual_price"),
        ("/commodity_details/0/user_id", json!(""), "/commodity_details/0/user_id"),
    ];
    for (at, value, pointer) in cases {
        let mut cart = mall_cart();
        *cart.pointer_mut(at).unwrap() = value;
        let reply = send(&api, &cart).await;
        assert_eq!(reply.outcome(), (422, "invalid_field"), "{at}");
        assert_eq!(reply.body["errors"][0]["pointer"], pointer);
    }
    let mut unknown = mall_cart();
    unknown["coupon"] = json!(1);
    assert_eq!(send(&api, &unknown).await.outcome(), (400, "malformed_body"));
}

#[tokio::test(start_paused = true)]
async fn a_line_of_another_seller_or_price_is_refused_with_the_facts() {
    let api = Api::start().await;
    let mut cart = mall_cart();
    cart["commodity_details"][0]["user_id"] = json!("s2");
    let reply = send(&api, &cart).await;
    let error = &reply.body["errors"][0];
    assert_eq!((reply.outcome(), &error["code"]), ((422, "order_refused"), &json!("seller_differs")));
    assert_eq!((&error["seller"], &error["given_seller"]), (&json!("s1"), &json!("s2")));
    let mut cart = mall_cart();
    cart["actual_price"] = json!("9.99");
    let reply = send(&api, &cart).await;
    assert_eq!((reply.outcome(), &reply.body["errors"][0]["code"]), ((422, "order_refused"), &json!("total_differs")));
    let mut cart = mall_cart();
    cart["commodity_details"][0]["actual_price"] = json!("9.99");
    assert_eq!(
        send(&api, &cart).await.outcome(),
        (422, "invalid_field"),
        "only callers that set prices give discounts"
    );
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_sets_prices_gives_a_line_for_less() {
    let api = Api::start().await;
    let mut cart = mall_cart();
    let line = &mut cart["commodity_details"][0];
    (line["title"], line["actual_price"], line["page_type"]) = (json!("杯"), json!("9.30"), json!({"a": 1.50}));
    cart["actual_price"] = json!(9.3);
    let reply = api.post(PRICING, "/order/submit").json(&cart).reply().await;
    assert_eq!(reply.outcome(), (200, "ok"), "{reply:?}");
    let no = reply.body["data"]["order_no"][0].as_str().unwrap().to_owned();
    let state = api.get(PRICING, &format!("/order/is-created?order_no={no}&wait=5s")).reply().await;
    assert_eq!(state.body["data"]["state"], "success");
    let order = api.get(PRICING, &format!("/v1/orders/{no}")).reply().await.body;
    let amounts = &order["amounts"];
    assert_eq!((&amounts["goods"]["amount"], &amounts["discount"]["amount"]), (&json!(1_000), &json!(70)));
    assert_eq!(order["lines"][0]["snapshot"], json!({"good_type": 1, "page_type": {"a": 1.50}}));
}

#[tokio::test(start_paused = true)]
async fn a_cart_may_be_paid_with_its_submit() {
    let api = Api::start().await;
    let mut cart = mall_cart();
    cart["pay_at_once"] = json!(true);
    let paid = send(&api, &cart).await;
    assert_eq!(paid.outcome(), (200, "ok"));
    let payment = &paid.body["data"]["payment"];
    assert_eq!((&payment["provider"], &payment["state"]), (&json!("model"), &json!("open")), "the only provider");
    let order = paid.body["data"]["order_no"][0].as_str().unwrap();
    assert_eq!(payment["orders"][0]["order_no"], order);
    let again = send(&api, &cart).await;
    assert_eq!(&again.body["data"]["payment"]["attempt"], &payment["attempt"], "sent again, it opens nothing again");
    let account = json!({"kind": "http", "settings": {}});
    assert_eq!(api.put(ALL, "/v1/payment-providers/other").json(&account).reply().await.outcome(), (200, "ok"));
    cart["request_id"] = json!("cart-2");
    let which = send(&api, &cart).await;
    assert_eq!((which.outcome(), &which.body["errors"][0]["pointer"]), ((422, "invalid_field"), &json!("/provider")));
    cart["provider"] = json!("model");
    assert_eq!(send(&api, &cart).await.body["data"]["payment"]["state"], "open");
}
