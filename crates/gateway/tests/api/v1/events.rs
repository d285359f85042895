//! The feed over HTTP.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::harness::{ALL, Api, FOREIGN, MERCHANT};

async fn read(api: &Api, query: &str) -> Value {
    let reply = api.get(ALL, &format!("/v1/events{query}")).reply().await;
    assert_eq!(reply.outcome(), (200, "ok"), "{reply:?}");
    assert_eq!(reply.header("cache-control"), "no-store");
    reply.body
}

fn told(page: &Value) -> Vec<(i64, &str, i64)> {
    let events = page["events"].as_array().unwrap().iter();
    events
        .map(|event| {
            let of = |name: &str| event[name].as_i64().unwrap();
            (of("sequence"), event["type"].as_str().unwrap(), of("version"))
        })
        .collect()
}

/// Two orders, the first one cancelled.
async fn api() -> (Api, Value) {
    let api = Api::start().await;
    let placed = api.place_two_orders("k").await;
    let first = placed["orders"][0]["order_no"].as_str().unwrap();
    assert_eq!(api.post(ALL, &format!("/v1/orders/{first}/cancel")).reply().await.outcome(), (200, "ok"));
    (api, placed)
}

#[tokio::test(start_paused = true)]
async fn events_are_read_in_sequence_page_by_page() {
    let (api, placed) = api().await;
    let first = read(&api, "?limit=2").await;
    assert_eq!(told(&first), [(1, "order.placed", 1), (2, "order.placed", 1)]);
    assert_eq!(first["has_more"], true);
    let event = &first["events"][0];
    assert_eq!((&event["order_no"], &event["tenant"]), (&placed["orders"][0]["order_no"], &json!("shop")));
    assert_eq!((&event["data"], &event["timestamp"]), (&json!({"seller": "s1"}), &placed["orders"][0]["created_at"]));
    let rest = read(&api, &format!("?after={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!((told(&rest), &rest["has_more"]), (vec![(3, "order.cancelled", 2)], &json!(false)));
    let end = read(&api, &format!("?after={}", rest["next_cursor"].as_str().unwrap())).await;
    assert_eq!((told(&end), &end["next_cursor"]), (vec![], &rest["next_cursor"]));
}

#[tokio::test(start_paused = true)]
async fn only_the_types_asked_for_are_read_and_the_cursor_goes_on() {
    let (api, _) = api().await;
    let page = read(&api, "?types=order.cancelled,order.expired").await;
    assert_eq!(told(&page), [(3, "order.cancelled", 2)]);
    let none = read(&api, "?types=order.expired").await;
    assert_eq!((told(&none), &none["next_cursor"]), (vec![], &page["next_cursor"]), "it has seen the whole feed");
    assert_eq!(told(&read(&api, "?after=newest").await), []);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_gets_the_next_event_as_soon_as_it_is_there() {
    let (api, _) = api().await;
    let began = tokio::time::Instant::now();
    let (woken, placed) = tokio::join!(read(&api, "?after=newest&wait=30s"), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        api.place_two_orders("later").await
    });
    assert_eq!(told(&woken)[0], (4, "order.placed", 1));
    assert_eq!(woken["events"][0]["order_no"], placed["orders"][0]["order_no"]);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let began = tokio::time::Instant::now();
    assert_eq!(told(&read(&api, "?after=newest&wait=2s").await), []);
    assert!((2..4).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_cursor_of_another_epoch_is_refused_and_says_to_start_anew() {
    let (api, _) = api().await;
    let cursor = URL_SAFE_NO_PAD.encode("e0/3");
    let reply = api.get(ALL, &format!("/v1/events?after={cursor}")).reply().await;
    assert_eq!(reply.outcome(), (410, "cursor_of_another_epoch"));
    for after in ["x", "", &URL_SAFE_NO_PAD.encode("e1/-1"), &URL_SAFE_NO_PAD.encode("m1")] {
        let reply = api.get(ALL, &format!("/v1/events?after={after}")).reply().await;
        assert_eq!(reply.outcome(), (422, "invalid_field"), "{after}");
    }
    assert_eq!(api.get(ALL, "/v1/events?types=order.gone").reply().await.outcome(), (422, "invalid_field"));
}

#[tokio::test(start_paused = true)]
async fn another_tenant_reads_nothing_of_it_and_a_merchant_is_refused() {
    let (api, _) = api().await;
    let reply = api.get(FOREIGN, "/v1/events").reply().await;
    assert_eq!((reply.outcome(), &reply.body["events"]), ((200, "ok"), &json!([])));
    assert_eq!(api.get(MERCHANT, "/v1/events").reply().await.outcome(), (403, "scope_missing"));
}
