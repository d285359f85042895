//! Creating and asking: what is sent, what the storefront gets, and what is never sent.

use holdline_domain::money::{Currency, Minor};
use holdline_domain::port::{PaymentOrder, PaymentProvider as _, ProviderWord};
use holdline_domain::time::UnixMillis;
use serde_json::{Value, json};

use crate::fake::Fake;
use crate::{NO, account, account_with, adapter, keys, order, settings};

/// What the storefront gets.
fn pay(word: &ProviderWord) -> Value {
    let ProviderWord::Pending { pay: Some(pay), reference: None } = word else { panic!("{word:?}") };
    serde_json::from_str(pay).unwrap()
}

fn by(method: &str) -> PaymentOrder {
    PaymentOrder { method: Some(method.to_owned()), ..order() }
}

#[tokio::test]
async fn a_native_order_is_created_with_its_deadline_and_answers_a_code() {
    let fake = Fake::start().await;
    let order = order();
    let word = adapter().create(&account(&fake), &order).await.unwrap();
    assert_eq!(pay(&word), json!({ "code_url": format!("weixin://wxpay/bizpayurl?pr={NO}") }));
    let seen = fake.seen().remove(0);
    assert_eq!(seen.url, "/v3/pay/transactions/native");
    assert_eq!(seen.headers["wechatpay-serial"], keys::PUBLIC_KEY_ID);
    let time_expire = seen.body["time_expire"].as_str().unwrap();
    let instant: jiff::Timestamp = time_expire.parse().unwrap();
    assert_eq!(instant.as_millisecond(), order.deadline.0);
    assert_eq!(
        seen.body,
        json!({
            "appid": "wx8888888888888888", "mchid": "1900000001", "description": "2 × mug", "out_trade_no": NO,
            "time_expire": time_expire, "notify_url": order.notify_url, "amount": { "total": 990, "currency": "CNY" },
        })
    );
}

#[tokio::test]
async fn a_payment_inside_wechat_answers_parameters_that_the_merchant_signed() {
    let fake = Fake::start().await;
    let word = adapter().create(&account(&fake), &by("jsapi:oUpF8uMuAJO_M2pxb1Q9zNjWeS6o")).await.unwrap();
    let pay = pay(&word);
    let text = |name: &str| pay[name].as_str().unwrap();
    assert_eq!(text("appId"), "wx8888888888888888");
    assert_eq!(text("package"), format!("prepay_id=wx{NO}"));
    assert_eq!(text("signType"), "RSA");
    let message = format!("{}\n{}\n{}\n{}\n", text("appId"), text("timeStamp"), text("nonceStr"), text("package"));
    assert!(keys::merchant_signed(message.as_bytes(), text("paySign")));
    assert_eq!(pay.as_object().unwrap().len(), 6);
    let seen = fake.seen().remove(0);
    assert_eq!(seen.url, "/v3/pay/transactions/jsapi");
    assert_eq!(seen.body["payer"], json!({ "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" }));
}

#[tokio::test]
async fn a_payment_in_an_app_answers_parameters_that_the_merchant_signed() {
    let fake = Fake::start().await;
    let word = adapter().create(&account(&fake), &by("app")).await.unwrap();
    let pay = pay(&word);
    let text = |name: &str| pay[name].as_str().unwrap();
    assert_eq!((text("partnerid"), text("package")), ("1900000001", "Sign=WXPay"));
    assert_eq!(text("prepayid"), format!("wx{NO}"));
    let message = format!("{}\n{}\n{}\n{}\n", text("appid"), text("timestamp"), text("noncestr"), text("prepayid"));
    assert!(keys::merchant_signed(message.as_bytes(), text("sign")));
}

#[tokio::test]
async fn a_payment_in_a_browser_answers_an_address_that_leads_back() {
    let fake = Fake::start().await;
    let order =
        PaymentOrder { return_url: Some("https://mall.example.com/paid?no=1&x=ü".to_owned()), ..by("h5:203.0.113.7") };
    let word = adapter().create(&account(&fake), &order).await.unwrap();
    let pay = pay(&word);
    let url: reqwest::Url = pay["h5_url"].as_str().unwrap().parse().unwrap();
    let back = url.query_pairs().find(|(name, _)| name == "redirect_url").unwrap().1.into_owned();
    assert_eq!(back, order.return_url.unwrap());
    assert_eq!(fake.seen()[0].body["scene_info"]["payer_client_ip"], "203.0.113.7");
}

#[tokio::test]
async fn the_same_order_created_twice_is_one_order() {
    let fake = Fake::start().await;
    let (adapter, account, order) = (adapter(), account(&fake), order());
    let first = adapter.create(&account, &order).await.unwrap();
    assert_eq!(adapter.create(&account, &order).await.unwrap(), first);
    assert_eq!(fake.orders(|orders| orders.orders.len()), 1);
}

#[tokio::test]
async fn creating_what_is_paid_closed_or_otherwise_taken_tells_how_it_stands() {
    let fake = Fake::start().await;
    let (adapter, account, order) = (adapter(), account(&fake), order());
    adapter.create(&account, &order).await.unwrap();
    let other = PaymentOrder { amount: Minor(991), ..order.clone() };
    let word = adapter.create(&account, &other).await.unwrap();
    assert_eq!(word, ProviderWord::Pending { pay: None, reference: None }, "the number is taken by another order");
    fake.orders(|orders| orders.set(NO, "CLOSED"));
    assert_eq!(adapter.create(&account, &order).await.unwrap(), ProviderWord::Closed);
    fake.orders(|orders| {
        orders.set(NO, "NOTPAY");
        orders.pay(NO, 990);
    });
    let word = adapter.create(&account, &order).await.unwrap();
    assert!(matches!(word, ProviderWord::Captured { amount: Minor(990), .. }), "{word:?}");
}

#[tokio::test]
async fn what_can_never_be_sent_fails_without_a_request() {
    let fake = Fake::start().await;
    let orders = [
        PaymentOrder { currency: Currency::try_new("USD").unwrap(), ..order() },
        PaymentOrder { amount: Minor(0), ..order() },
        PaymentOrder { deadline: UnixMillis(i64::MAX), ..order() },
    ];
    for order in orders {
        let word = adapter().create(&account(&fake), &order).await.unwrap();
        assert!(matches!(word, ProviderWord::Failed { .. }), "{word:?}");
    }
    assert_eq!(fake.asked(), [""; 0]);
}

#[tokio::test]
async fn an_order_that_could_be_paid_after_its_deadline_is_not_created() {
    let fake = Fake::start().await;
    for left_s in [-1, 0, 60, 69] {
        let order = PaymentOrder { deadline: UnixMillis((keys::now_s() + left_s) * 1_000), ..order() };
        let word = adapter().create(&account(&fake), &order).await.unwrap();
        assert!(matches!(word, ProviderWord::Failed { .. }), "{left_s}: {word:?}");
    }
    assert!(fake.orders(|orders| orders.orders.is_empty()));
    let order = PaymentOrder { deadline: UnixMillis((keys::now_s() + 80) * 1_000), ..order() };
    pay(&adapter().create(&account(&fake), &order).await.unwrap());
}

#[tokio::test]
async fn a_way_that_lacks_something_fails_only_if_the_payment_is_not_known() {
    let fake = Fake::start().await;
    for method in ["jsapi", "h5", "cash"] {
        let word = adapter().create(&account(&fake), &by(method)).await.unwrap();
        assert!(matches!(&word, ProviderWord::Failed { reason } if reason.contains("method")), "{method}: {word:?}");
    }
    // The account was for native payments when the order was created first.
    adapter().create(&account(&fake), &order()).await.unwrap();
    let mut changed = settings::json(&fake.base_url());
    changed["trade_type"] = "jsapi".into();
    let changed = account_with(&changed);
    let word = adapter().create(&changed, &order()).await.unwrap();
    assert_eq!(word, ProviderWord::Pending { pay: None, reference: None });
}

#[tokio::test]
async fn long_descriptions_are_cut_between_characters() {
    let fake = Fake::start().await;
    let order = PaymentOrder { description: "茶".repeat(100), ..order() };
    pay(&adapter().create(&account(&fake), &order).await.unwrap());
    assert_eq!(fake.seen()[0].body["description"], "茶".repeat(42));
}

#[tokio::test]
async fn a_query_tells_what_was_captured_even_if_it_is_another_sum() {
    let fake = Fake::start().await;
    let (adapter, account) = (adapter(), account(&fake));
    assert_eq!(adapter.query(&account, NO).await.unwrap(), ProviderWord::Unknown);
    adapter.create(&account, &order()).await.unwrap();
    let pending = ProviderWord::Pending { pay: None, reference: None };
    assert_eq!(adapter.query(&account, NO).await.unwrap(), pending);
    fake.orders(|orders| orders.pay(NO, 123));
    let captured = ProviderWord::Captured {
        amount: Minor(123),
        currency: Currency::try_new("CNY").unwrap(),
        reference: Some(format!("42{NO}")),
    };
    assert_eq!(adapter.query(&account, NO).await.unwrap(), captured);
    fake.orders(|orders| orders.set(NO, "REFUND"));
    assert_eq!(adapter.query(&account, NO).await.unwrap(), captured, "a refund undoes no capture");
    assert_eq!(fake.asked().last().unwrap(), &format!("GET /v3/pay/transactions/out-trade-no/{NO}?mchid=1900000001"));
}

#[tokio::test]
async fn a_number_that_wechat_pay_cannot_know_is_not_asked_for() {
    let fake = Fake::start().await;
    for payment in ["", "short", "../../../v3/certificates", "P1?mchid=2", "ÜÜÜÜÜÜ", &"1".repeat(33)] {
        assert_eq!(adapter().query(&account(&fake), payment).await.unwrap(), ProviderWord::Unknown, "{payment}");
        assert_eq!(adapter().close(&account(&fake), payment).await.unwrap(), ProviderWord::Unknown, "{payment}");
    }
    assert_eq!(fake.asked(), [""; 0]);
}

#[tokio::test]
async fn with_certificates_alone_answers_are_signed_by_one() {
    let fake = Fake::start().await;
    let mut settings = settings::json(&fake.base_url());
    settings["platform_keys"].as_array_mut().unwrap().remove(0);
    let account = account_with(&settings);
    pay(&adapter().create(&account, &order()).await.unwrap());
    assert!(!fake.seen()[0].headers.contains_key("wechatpay-serial"));
}
