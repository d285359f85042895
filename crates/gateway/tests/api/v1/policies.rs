//! `/v1/policies` and `/v1/payment-providers`.

use serde_json::json;

use crate::harness::{ALL, Api, submit};

#[tokio::test(start_paused = true)]
async fn policies_are_replaced_as_a_whole_and_checked() {
    let api = Api::start().await;
    let wish = json!({"channel_pay_within": {"flash": 60}, "hold_within": 30, "late_payment": "revive_else_refund",
        "receive_after": 86_400, "return_within": 172_800});
    let put = api.put(ALL, "/v1/policies").json(&wish).reply().await;
    assert_eq!((put.outcome(), &put.body), ((200, "ok"), &wish));
    assert_eq!(api.get(ALL, "/v1/policies").reply().await.body, wish);
    for (field, body) in [
        ("/receive_after", json!({"receive_after": 0, "return_within": 60})),
        ("/return_within", json!({"receive_after": 60, "return_within": 99_999_999})),
        ("/channel_pay_within", json!({"receive_after": 60, "return_within": 60, "channel_pay_within": {"x": -1}})),
    ] {
        let refused = api.put(ALL, "/v1/policies").json(&body).reply().await;
        assert_eq!((refused.outcome(), &refused.body["errors"][0]["pointer"]), ((422, "invalid_field"), &json!(field)));
    }
    assert_eq!(api.get(ALL, "/v1/policies").reply().await.body, wish, "what was refused changed nothing");
}

#[tokio::test(start_paused = true)]
async fn a_channel_may_have_its_own_deadline() {
    let api = Api::start().await;
    let policies = json!({"channel_pay_within": {"flash": 60}, "receive_after": 60, "return_within": 60});
    assert_eq!(api.put(ALL, "/v1/policies").json(&policies).reply().await.outcome(), (200, "ok"));
    let mut flash = submit("ann", &[("A", 1, 1_000)]);
    flash["channel"] = json!("flash");
    let flash = api.post(ALL, "/v1/orders").key("f").json(&flash).reply().await;
    assert_eq!(flash.body["orders"][0]["expires_in"], 60);
    let usual = api.post(ALL, "/v1/orders").key("u").json(&submit("ann", &[("A", 1, 1_000)])).reply().await;
    assert_eq!(usual.body["orders"][0]["expires_in"], 900);
}

#[tokio::test(start_paused = true)]
async fn an_account_at_a_provider_is_written_listed_and_never_shown() {
    let api = Api::start().await;
    let account = json!({"kind": "http", "enabled": false, "settings": {"secret": "whsec_x"}});
    let put = api.put(ALL, "/v1/payment-providers/bank").json(&account).reply().await;
    assert_eq!(put.body, json!({"provider": "bank", "kind": "http", "enabled": false, "version": 1}));
    let again = api.put(ALL, "/v1/payment-providers/bank").json(&account).reply().await;
    assert_eq!(again.body["version"], 2);
    let list = api.get(ALL, "/v1/payment-providers").reply().await.body;
    assert_eq!(list["providers"][0], again.body);
    assert!(!list.to_string().contains("whsec_"), "settings are written, never shown");
    let unknown = json!({"kind": "gold", "settings": {}});
    let refused = api.put(ALL, "/v1/payment-providers/bank").json(&unknown).reply().await;
    assert_eq!(refused.outcome(), (422, "invalid_field"));
}
