//! Every published operation, asked without a key, with a wrong one, with each scope, and by others.

use std::collections::BTreeSet;

use holdline_domain::money::Minor;
use holdline_domain::tenant::Scope;
use holdline_gateway::Op;
use serde_json::{Value, json};

use crate::harness::{
    ALL, Api, Ask, FOREIGN, MERCHANT, NOT_PRICING, OTHER_MERCHANT, PRICING, mall_cart, submit, with_scope,
};

/// What the shop's own data is for the key of another tenant.
enum Foreign {
    /// It does not exist.
    NotFound,
    /// The operation answers for the caller's own tenant, where there is none of it.
    OwnTenant(fn(&Value) -> bool),
}

/// What the walks act on: two orders of one submit, one that waits for payment by itself, one that is
/// paid; their events as a consumer `walk` has parked them, a callback about nothing known, and an endpoint.
async fn place_for_walk(api: &Api) -> Value {
    let mut placed = api.place_two_orders("k").await;
    let waiting = api.post(ALL, "/v1/orders").key("w").json(&submit("ann", &[("A", 1, 1_000)])).reply().await;
    placed["waiting"] = waiting.body["orders"][0]["order_no"].clone();
    let (paid, attempt) = api.place_paid_order("p").await;
    placed["paid"] = paid["order_no"].clone();
    placed["payment"] = attempt["payment"].clone();
    let delivered = api.place_delivered_order("d", 4).await;
    placed["delivered"] = delivered["order_no"].clone();
    let path = format!("/v1/orders/{}", delivered["order_no"].as_str().unwrap());
    let one = json!({"lines": [{"line_no": 1, "quantity": 1}]});
    for key in ["1", "2", "3"] {
        let asked = api.post(ALL, &format!("{path}/returns")).key(key).json(&one).reply().await;
        assert_eq!(asked.outcome(), (201, "ok"));
    }
    let approved = api.post(ALL, &format!("{path}/returns/3/approve")).reply().await;
    assert_eq!(approved.outcome(), (200, "ok"));
    api.park_all("walk").await;
    api.call_back(api.provider.pay_unknown("P260801120000007000100000042-1", Minor(500))).await;
    let orphan = api.until("/v1/payments/unsettled", |unsettled| unsettled["callbacks"][0]["state"] == "orphan").await;
    placed["event_id"] = orphan["callbacks"][0]["event_id"].clone();
    let hook = json!({"url": "https://shop.example/hooks"});
    assert_eq!(api.put(ALL, "/v1/webhooks/erp").json(&hook).reply().await.outcome(), (201, "ok"));
    placed
}

/// Path and query of the operation on what exists.
fn target(op: Op, placed: &Value) -> String {
    let first = placed["orders"][0]["order_no"].as_str().unwrap();
    let order_no = match op {
        Op::PayOrder => &placed["waiting"],
        Op::ListPayments | Op::CreateRefund | Op::ListRefunds | Op::ShipOrder | Op::PauseOrder | Op::ResumeOrder => {
            &placed["paid"]
        }
        Op::ListShipments
        | Op::DeliverShipment
        | Op::ReceiveOrder
        | Op::RequestReturn
        | Op::ListReturns
        | Op::ApproveReturn
        | Op::RejectReturn
        | Op::ReceiveReturn => &placed["delivered"],
        _ => &placed["orders"][0]["order_no"],
    };
    let path = op
        .entry()
        .path
        .replace("{order_no}", order_no.as_str().unwrap())
        .replace("{order_group}", placed["order_group"].as_str().unwrap())
        .replace("{key}", "k")
        .replace("{seller}", "s1")
        .replace("{sku}", "A")
        .replace("{period}", "walk")
        .replace("{hold_id}", "h")
        .replace("{name}", "erp")
        .replace("{consumer}", "walk")
        .replace("{payment}", placed["payment"].as_str().unwrap())
        .replace(
            "{n}",
            match op {
                Op::RejectReturn => "2",
                Op::ReceiveReturn => "3",
                _ => "1",
            },
        )
        .replace("{tenant}", "shop")
        .replace("{provider}", "model")
        .replace("{event_id}", placed["event_id"].as_str().unwrap())
        .replace("{seq}", if op == Op::SkipParkedEvent { "1" } else { "2" });
    let query = match op {
        Op::GetOrderGroupByKey | Op::GetSubmit => "?buyer_id=ann".to_owned(),
        Op::ListStock => "?sku=A".to_owned(),
        Op::ListOrders => "?seller=s1".to_owned(),
        Op::MallIsCreated => format!("?order_no={first}"),
        _ => String::new(),
    };
    path + &query
}

/// The operation on what exists: order and group of `placed`, seller `s1`, SKU `A`, key `k`, endpoint `erp`.
fn ask(api: &Api, op: Op, placed: &Value, secret: Option<&str>) -> Ask {
    let ask = api.ask(op.entry().verb.method(), &target(op, placed)).key("another");
    let ask = match secret {
        Some(secret) => ask.header("authorization", &format!("Bearer {secret}")),
        None => ask,
    };
    let sku = json!({"seller": "s1", "title": "t", "price": {"amount": 1_000, "currency": "CNY"}, "on_shelf": true});
    match op {
        Op::PlaceOrders => ask.json(&submit("bob", &[("A", 1, 1_000)])),
        Op::MallSubmit => ask.json(&mall_cart()),
        Op::AbandonSubmit => ask.json(&json!({"buyer_id": "ann"})),
        Op::PutSeller => ask.json(&json!({"name": "s1"})),
        Op::PutSku => ask.json(&sku),
        Op::PutSkus => {
            let mut sku = sku;
            sku["sku"] = json!("A");
            ask.json(&json!({"skus": [sku]}))
        }
        Op::AdjustStock => ask.json(&json!({"delta": 1, "reference": "walk"})),
        Op::PutPeriod => ask.json(&json!({
            "channel": "walk", "start": "2030-01-01T00:00:00Z", "end": "2030-01-02T00:00:00Z", "rest": "next"
        })),
        Op::TakeHold => ask.json(&hold()),
        Op::CommitHold => ask.json(&json!({"part": "a"})),
        Op::ReleaseHold => ask.json(&json!({"part": "b"})),
        Op::ExtendHold => ask.json(&json!({"part": "c", "expires_in": 60})),
        Op::PutWebhook => ask.json(&json!({"url": "https://shop.example/hooks"})),
        Op::Redeliver => ask.json(&json!({"sequence": 1})),
        Op::PayOrder | Op::PayOrderGroup => ask.json(&json!({"provider": "model"})),
        Op::CreateRefund => ask.json(&json!({"amount": {"amount": 1, "currency": "CNY"}})),
        Op::PauseOrder | Op::SkipParkedEvent | Op::SettleCallback => ask.json(&json!({"reason": "walk"})),
        Op::RequestReturn => ask.json(&json!({"lines": [{"line_no": 1, "quantity": 1}]})),
        Op::PutPaymentProvider => ask.json(&json!({"kind": "http", "settings": {}})),
        Op::PutPolicies => ask.json(&json!({"receive_after": 864_000, "return_within": 604_800})),
        Op::ShipOrder | Op::TakeCallback => ask.json(&json!({})),
        Op::PutFlags => ask.json(&json!({"infinite": false, "shortage_max": 0, "sold_out": false})),
        Op::ListOrders
        | Op::GetOrder
        | Op::CancelOrder
        | Op::GetOrderGroup
        | Op::GetOrderGroupByKey
        | Op::GetSubmit
        | Op::MallIsCreated
        | Op::GetSeller
        | Op::GetSku
        | Op::ListStock
        | Op::GetStock
        | Op::ListMovements
        | Op::ListPeriods
        | Op::GetHold
        | Op::ListEvents
        | Op::ListParkedEvents
        | Op::RetryParkedEvent
        | Op::ListWebhooks
        | Op::GetWebhook
        | Op::RotateWebhookSecret
        | Op::ListDeliveries
        | Op::ListPayments
        | Op::GetPayment
        | Op::ListUnsettled
        | Op::ListRefunds
        | Op::ListPaymentProviders
        | Op::GetPolicies
        | Op::ListShipments
        | Op::DeliverShipment
        | Op::ReceiveOrder
        | Op::ResumeOrder
        | Op::ListReturns
        | Op::ApproveReturn
        | Op::RejectReturn
        | Op::ReceiveReturn
        | Op::GetHealth
        | Op::GetReadiness
        | Op::GetMetrics
        | Op::GetOpenApi => ask,
    }
}

/// A hold of three parts.
fn hold() -> Value {
    let line = |part| json!({"sku": "A", "quantity": 1, "part": part});
    json!({"hold_id": "h", "lines": [line("a"), line("b"), line("c")], "expires_in": 60})
}

fn foreign(op: Op) -> Option<Foreign> {
    match op {
        Op::GetOrder
        | Op::CancelOrder
        | Op::GetOrderGroup
        | Op::GetOrderGroupByKey
        | Op::GetSubmit
        | Op::MallIsCreated
        | Op::GetSeller
        | Op::GetSku
        | Op::GetStock
        | Op::ListPeriods
        | Op::GetHold
        | Op::CommitHold
        | Op::ReleaseHold
        | Op::ExtendHold
        | Op::RetryParkedEvent
        | Op::SkipParkedEvent
        | Op::SettleCallback
        | Op::GetWebhook
        | Op::RotateWebhookSecret
        | Op::ListDeliveries
        | Op::Redeliver
        | Op::PayOrder
        | Op::PayOrderGroup
        | Op::ListPayments
        | Op::GetPayment
        | Op::CreateRefund
        | Op::ListRefunds
        | Op::ShipOrder
        | Op::ListShipments
        | Op::DeliverShipment
        | Op::ReceiveOrder
        | Op::PauseOrder
        | Op::ResumeOrder
        | Op::RequestReturn
        | Op::ListReturns
        | Op::ApproveReturn
        | Op::RejectReturn
        | Op::ReceiveReturn => Some(Foreign::NotFound),
        Op::ListWebhooks => Some(Foreign::OwnTenant(|body| body["webhooks"] == json!([]))),
        Op::PutWebhook => Some(Foreign::OwnTenant(|body| body["secret"].is_string())),
        Op::ListEvents => Some(Foreign::OwnTenant(|body| body["events"] == json!([]))),
        Op::ListParkedEvents => Some(Foreign::OwnTenant(|body| body["parked_events"] == json!([]))),
        Op::ListUnsettled => Some(Foreign::OwnTenant(|body| body["attempts"] == json!([]))),
        Op::ListPaymentProviders => Some(Foreign::OwnTenant(|body| body["providers"] == json!([]))),
        Op::PutPaymentProvider => Some(Foreign::OwnTenant(|body| body["version"] == 1)),
        Op::GetPolicies | Op::PutPolicies => Some(Foreign::OwnTenant(|body| body["receive_after"] == 864_000)),
        Op::ListOrders => Some(Foreign::OwnTenant(|body| body["orders"] == json!([]))),
        Op::AbandonSubmit => Some(Foreign::OwnTenant(|body| body["outcome"] == "never")),
        Op::ListStock => Some(Foreign::OwnTenant(|body| body["stock"][0]["accounts"] == json!([]))),
        Op::ListMovements => Some(Foreign::OwnTenant(|body| body["movements"] == json!([]))),
        Op::AdjustStock => Some(Foreign::OwnTenant(|body| body["account"]["on_hand"] == 1)),
        Op::PutFlags => Some(Foreign::OwnTenant(|body| body["on_hand"] == 0)),
        Op::PutPeriod => Some(Foreign::OwnTenant(|body| body["already"] == false)),
        Op::PutSeller => Some(Foreign::OwnTenant(|body| body["outcome"] == "stored" && body["version"] == 1)),
        Op::PlaceOrders | Op::MallSubmit => Some(Foreign::OwnTenant(|body| body["errors"][0]["code"] == "unknown_sku")),
        Op::TakeHold => Some(Foreign::OwnTenant(|body| body["code"] == "hold_refused")),
        Op::PutSku => Some(Foreign::OwnTenant(|body| body["code"] == "unknown_seller")),
        Op::PutSkus => Some(Foreign::OwnTenant(|body| body["results"][0]["outcome"] == "unknown_seller")),
        Op::GetHealth | Op::GetReadiness | Op::GetMetrics | Op::GetOpenApi | Op::TakeCallback => None,
    }
}

/// The walks below are over the table; the document that callers read has nothing beside it.
#[tokio::test(start_paused = true)]
async fn every_published_operation_is_walked() {
    let api = Api::start().await;
    let document = api.ask(axum::http::Method::GET, "/openapi.json").reply().await.body;
    let mut published = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for verb in item.as_object().unwrap().keys() {
            published.insert((verb.to_uppercase(), path.clone()));
        }
    }
    let table = Op::ALL.iter().map(|op| op.entry());
    let walked: BTreeSet<_> = table.map(|entry| (entry.verb.method().to_string(), entry.path.to_owned())).collect();
    assert_eq!(published, walked);
}

#[tokio::test(start_paused = true)]
async fn without_a_valid_key_everything_that_needs_one_is_401() {
    let api = Api::start().await;
    let placed = place_for_walk(&api).await;
    for op in Op::ALL.iter().copied() {
        if op == Op::TakeCallback {
            // A provider has no key: its signature speaks, in the form that the provider expects.
            assert_eq!(ask(&api, op, &placed, None).text().await.0, 401);
            continue;
        }
        let reply = ask(&api, op, &placed, None).reply().await;
        if op.entry().scopes.is_none() {
            assert_eq!(reply.outcome(), (200, "ok"), "{op:?}");
            continue;
        }
        assert_eq!(reply.outcome(), (401, "api_key_missing"), "{op:?}");
        assert_eq!(reply.header("www-authenticate"), "Bearer");
        let reply = ask(&api, op, &placed, Some("hl_nobody")).reply().await;
        assert_eq!(reply.outcome(), (401, "api_key_invalid"), "{op:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_scope_may_do_what_the_table_says_and_nothing_else() {
    for scope in Scope::ALL {
        let api = Api::start().await;
        let placed = place_for_walk(&api).await;
        for op in Op::ALL.iter().copied() {
            let Some(allowed) = op.entry().scopes else { continue };
            let reply = ask(&api, op, &placed, Some(&with_scope(scope))).reply().await;
            if !allowed.contains(&scope) {
                assert_eq!(reply.outcome(), (403, "scope_missing"), "{op:?} {scope:?}");
            } else if scope == Scope::Merchant {
                // This merchant has no seller, so no order exists for it.
                assert_eq!(reply.outcome(), (404, "not_found"), "{op:?} {scope:?}");
            } else {
                assert!(reply.status.is_success(), "{op:?} {scope:?} {reply:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_belongs_to_another_tenant_does_not_exist() {
    for op in Op::ALL.iter().copied() {
        let Some(expected) = foreign(op) else { continue };
        let api = Api::start().await;
        let placed = place_for_walk(&api).await;
        assert_eq!(api.post(ALL, "/v1/holds").json(&hold()).reply().await.outcome(), (201, "ok"));
        let reply = ask(&api, op, &placed, Some(FOREIGN)).reply().await;
        match expected {
            Foreign::NotFound => assert_eq!(reply.outcome(), (404, "not_found"), "{op:?}"),
            Foreign::OwnTenant(check) => assert!(check(&reply.body), "{op:?} {reply:?}"),
        }
        let order = format!("/v1/orders/{}", placed["orders"][0]["order_no"].as_str().unwrap());
        assert_eq!(api.get(ALL, &order).reply().await.body["status"], "pending_payment", "{op:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn orders_of_another_seller_do_not_exist_for_a_merchant() {
    let api = Api::start().await;
    let placed = place_for_walk(&api).await;
    let mut walked = 0;
    for op in Op::ALL.iter().copied() {
        if !op.entry().scopes.is_some_and(|scopes| scopes.contains(&Scope::Merchant)) {
            continue;
        }
        let reply = ask(&api, op, &placed, Some(OTHER_MERCHANT)).reply().await;
        assert_eq!(reply.outcome(), (404, "not_found"), "{op:?}");
        walked += 1;
    }
    assert!(walked >= 3, "merchants read, list and cancel");
    let reply = ask(&api, Op::CancelOrder, &placed, Some(MERCHANT)).reply().await;
    assert_eq!((reply.outcome(), &reply.body["ended"]["actor"]), ((200, "ok"), &json!("merchant")));
}

#[tokio::test(start_paused = true)]
async fn a_merchant_does_not_act_for_the_buyer() {
    let api = Api::start().await;
    let placed = place_for_walk(&api).await;
    let reply = ask(&api, Op::CancelOrder, &placed, Some(MERCHANT)).json(&json!({"actor": "buyer"})).reply().await;
    assert_eq!(reply.outcome(), (403, "scope_missing"));
}

#[tokio::test(start_paused = true)]
async fn placing_at_own_prices_needs_the_scope_for_it() {
    let api = Api::start().await;
    let line = json!({"sku": "A", "quantity": 1, "unit_price": {"amount": 7, "currency": "CNY"}, "title": "t"});
    let body = json!({"buyer_id": "ann", "lines": [line]});
    let reply = api.post(NOT_PRICING, "/v1/orders").key("k").json(&body).reply().await;
    assert_eq!((reply.outcome(), &reply.body["errors"][0]["scopes"]), ((403, "scope_missing"), &json!(["price"])));
    let reply = api.post(PRICING, "/v1/orders").key("k").json(&body).reply().await;
    assert_eq!((reply.outcome(), &reply.body["total"]["amount"]), ((201, "ok"), &json!(7)));
    let reply = api.post(NOT_PRICING, "/order/submit").key("k").json(&mall_cart()).reply().await;
    assert_eq!((reply.outcome(), &reply.body["errors"][0]["scopes"]), ((403, "scope_missing"), &json!(["price"])));
}
