//! `/v1/payments/unsettled`, and the gauges of what it lists.

use std::time::Duration;

use holdline_domain::money::Minor;
use serde_json::json;

use crate::harness::{ALL, Api};

#[tokio::test(start_paused = true)]
async fn gauges_show_what_is_unsettled_for_long_and_fall_when_it_is_settled() {
    let figures = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    // Every task of this test runs on this thread.
    let _recorded = metrics::set_default_local_recorder(&figures);
    let handle = figures.handle();
    let gauge = |name: &str, kind: &str| -> String {
        let line = format!("{name}{{kind=\"{kind}\"}} ");
        let text = handle.render();
        let value = text.lines().find_map(|given| given.strip_prefix(&line));
        value.unwrap_or_else(|| panic!("no {line}in {text}")).to_owned()
    };
    let (overdue, oldest) = ("holdline_unsettled", "holdline_unsettled_oldest_seconds");
    let api = Api::start().await;
    let placed = api.place_two_orders("k").await;
    let path = format!("/v1/orders/{}/payments", placed["orders"][0]["order_no"].as_str().unwrap());
    let opened = api.post(ALL, &path).key("a").json(&json!({"provider": "model"})).reply().await;
    assert_eq!(opened.outcome(), (201, "ok"));
    api.call_back(api.provider.pay_unknown("P260801120000007000100000042-1", Minor(500))).await;
    tokio::time::sleep(Duration::from_mins(14)).await;
    assert_eq!(
        (gauge(overdue, "attempt"), gauge(oldest, "attempt")),
        ("0".to_owned(), "0".to_owned()),
        "it is open, as it should be"
    );
    assert_eq!(gauge(overdue, "callback"), "0", "it may still be matched");
    assert!((835.0..841.0).contains(&gauge(oldest, "callback").parse::<f64>().unwrap()), "{}", handle.render());
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(gauge(overdue, "callback"), "1");
    assert_eq!(gauge(overdue, "refund"), "0");
    // Its money goes back.
    tokio::time::sleep(Duration::from_hours(4)).await;
    assert_eq!((gauge(overdue, "callback"), gauge(oldest, "callback")), ("0".to_owned(), "0".to_owned()));
}
