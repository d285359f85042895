//! What the adapter knows after a call that did not go well, and what it does not believe.

mod shop;

use anyhow::Result;
use holdline_domain::fault::{Fault, FaultKind, Outcome};
use holdline_domain::payment::{ProviderAccount, ProviderKind};
use holdline_domain::port::{CallbackRefused, PaymentProvider as _, ProviderWord, RawCallback};
use holdline_outbound::{Networks, Providers, SigningKey};
use reqwest::Method;
use serde_json::{Value, json};
use shop::receiver::parrot;
use shop::{OTHER_SECRET, SECRET, Shop, account, assert_fault, attempt, networks, now_ms};

/// The same account with other settings.
fn elsewhere(shop: &Shop, url: &str) -> ProviderAccount {
    ProviderAccount { settings: json!({"url": url, "secret": SECRET}).to_string(), ..shop.account.clone() }
}

/// Every call at an account: create, query, close, refund.
async fn every_call(shop: &Shop, account: &ProviderAccount) -> [Result<(), Fault>; 4] {
    let providers = &shop.providers;
    let payment = attempt(1).to_string();
    [
        providers.create(account, &shop.order(1, 100)).await.map(drop),
        providers.query(account, &payment).await.map(drop),
        providers.close(account, &payment).await.map(drop),
        providers.refund(account, &shop.refund_order(1, 1, 10)).await.map(drop),
    ]
}

#[tokio::test]
async fn without_a_connection_nothing_was_done() -> Result<()> {
    let shop = Shop::open().await?;
    let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    for result in every_call(&shop, &elsewhere(&shop, &format!("http://{free}/"))).await {
        assert_fault(result, FaultKind::Unavailable, Outcome::NotDone);
    }
    Ok(())
}

#[tokio::test]
async fn after_a_bad_answer_only_a_question_is_known_to_have_done_nothing() -> Result<()> {
    let shop = Shop::open().await?;
    let ok = |body: &str| format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let large = format!(r#"{{"state":"closed","reason":"{}"}}"#, "x".repeat(64 * 1_024));
    for (answer, kind) in [
        ("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n".to_owned(), FaultKind::Unavailable),
        ("HTTP/1.1 429 Later\r\ncontent-length: 0\r\n\r\n".to_owned(), FaultKind::Unavailable),
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(), FaultKind::Rejected),
        ("HTTP/1.1 201 Created\r\ncontent-length: 18\r\n\r\n{\"state\":\"closed\"}".to_owned(), FaultKind::Rejected),
        ("HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n".to_owned(), FaultKind::Rejected),
        (ok("paid"), FaultKind::Rejected),
        (ok(r#"{"state":"captured","amount":"100"}"#), FaultKind::Rejected),
        (ok(&large), FaultKind::Unavailable),
        ("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"state\":\"closed\"}".to_owned(), FaultKind::Unavailable),
        (String::new(), FaultKind::Unavailable),
    ] {
        let account = elsewhere(&shop, &format!("http://{}/", parrot(answer.clone()).await?));
        let [create, query, close, refund] = every_call(&shop, &account).await;
        for write in [create, close, refund] {
            let fault = write.expect_err(&answer);
            assert_eq!((fault.kind, fault.outcome), (kind, Outcome::Unknown), "{answer}: {fault}");
        }
        let fault = query.expect_err(&answer);
        assert_eq!((fault.kind, fault.outcome), (kind, Outcome::NotDone), "{answer}: {fault}");
    }
    Ok(())
}

#[tokio::test]
async fn a_center_cannot_know_nothing_of_what_it_was_asked_to_do() -> Result<()> {
    let shop = Shop::open().await?;
    let body = r#"{"state":"unknown"}"#;
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let account = elsewhere(&shop, &format!("http://{}/", parrot(answer).await?));
    let [create, query, close, _] = every_call(&shop, &account).await;
    assert_fault(create, FaultKind::Rejected, Outcome::Unknown);
    assert_fault(close, FaultKind::Rejected, Outcome::Unknown);
    assert!(query.is_ok());
    Ok(())
}

#[tokio::test]
async fn private_networks_are_asked_only_where_the_operator_allows_them() -> Result<()> {
    let shop = Shop::open().await?;
    assert_eq!(shop.providers.objection(&shop.account), None);
    let careful = Providers::try_new(Networks::default()).map_err(anyhow::Error::msg)?;
    assert!(careful.objection(&shop.account).is_some());
    let result = careful.create(&shop.account, &shop.order(1, 100)).await;
    assert_fault(result, FaultKind::Unavailable, Outcome::NotDone);
    assert_eq!(shop.query(1).await?, ProviderWord::Unknown);
    Ok(())
}

#[tokio::test]
async fn settings_are_judged_before_they_are_stored_and_never_shown() -> Result<()> {
    let providers = Providers::try_new(networks()).map_err(anyhow::Error::msg)?;
    let objection = |settings: Value| {
        let settings = settings.to_string();
        providers.objection(&ProviderAccount { settings, ..account("", SECRET, None) })
    };
    assert_eq!(objection(json!({"url": "https://pay.example.com/", "secret": SECRET})), None);
    assert_eq!(
        objection(json!({"url": "https://pay.example.com/", "secret": SECRET, "former_secret": OTHER_SECRET})),
        None
    );
    for settings in [
        json!({"url": "https://pay.example.com/"}),
        json!({"url": "http://pay.example.com/", "secret": SECRET}),
        json!({"url": "https://10.0.0.1/", "secret": SECRET}),
        json!({"url": "https://u:p@pay.example.com/", "secret": SECRET}),
        json!({"url": "nowhere", "secret": SECRET}),
        json!({"url": "https://pay.example.com/", "secret": "whsec_hunter2"}),
        json!({"url": "https://pay.example.com/", "secret": SECRET, "key": 1}),
    ] {
        let said = objection(settings.clone()).unwrap_or_else(|| panic!("{settings} is accepted"));
        assert!(!said.contains("whsec_M") && !said.contains("hunter2"), "{said}");
    }
    let wechat = ProviderAccount { kind: ProviderKind::WechatPay, ..account("https://x", SECRET, None) };
    assert!(providers.objection(&wechat).is_some());
    Ok(())
}

#[tokio::test]
async fn a_center_believes_only_who_signs_with_its_secret() -> Result<()> {
    let shop = Shop::open().await?;
    let stranger = account(&shop.base_url, OTHER_SECRET, None);
    for (index, result) in every_call(&shop, &stranger).await.into_iter().enumerate() {
        let outcome = if index == 1 { Outcome::NotDone } else { Outcome::Unknown };
        assert_fault(result, FaultKind::Rejected, outcome);
    }
    assert_eq!(shop.summary().await?["payments"], json!({}));
    Ok(())
}

#[tokio::test]
async fn a_secret_is_changed_without_losing_a_call() -> Result<()> {
    let shop = Shop::open().await?;
    // Holdline has the new secret already, the center only the old one.
    let changing = account(&shop.base_url, OTHER_SECRET, Some(SECRET));
    shop.providers.create(&changing, &shop.order(1, 100)).await?;
    shop.decide("pay", 1).await?;
    let told = shop.wait_told(1).await?;
    assert!(shop.providers.verify(&changing, &told[0].raw, now_ms() / 1_000).is_ok());
    // Once the old one is dropped, nothing signed with it is believed any more.
    let changed = account(&shop.base_url, OTHER_SECRET, None);
    let refused = shop.providers.verify(&changed, &told[0].raw, now_ms() / 1_000);
    assert!(matches!(refused, Err(CallbackRefused::Signature(_))), "{refused:?}");
    Ok(())
}

fn signed(id: &str, now_s: i64, body: &[u8]) -> RawCallback {
    let key = SigningKey::try_new(SECRET).expect("a key");
    let signature = key.sign(id, now_s.unsigned_abs(), body);
    let headers = [("webhook-id", id), ("webhook-timestamp", &now_s.to_string()), ("webhook-signature", &signature)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    RawCallback { headers: headers.to_vec(), body: body.to_vec() }
}

#[tokio::test]
async fn a_callback_is_believed_only_as_it_was_signed_and_only_for_five_minutes() -> Result<()> {
    let providers = Providers::try_new(networks()).map_err(anyhow::Error::msg)?;
    let account = account("https://pay.example.com/", SECRET, None);
    let now_s = now_ms() / 1_000;
    let raw = signed("evt_1", now_s, br#"{"type":"payment","payment":"P1-1","state":"closed"}"#);
    let verify = |raw: &RawCallback, now_s| providers.verify(&account, raw, now_s);
    assert_eq!(verify(&raw, now_s).expect("believed").event_id, "evt_1");
    assert!(verify(&raw, now_s + 300).is_ok());

    let not_signed = |raw: &RawCallback, now_s| {
        let refused = verify(raw, now_s).expect_err("not believed");
        assert!(matches!(refused, CallbackRefused::Signature(_)), "{refused:?}");
        assert_eq!(providers.answer(&account, Some(&refused)).status, 401);
    };
    not_signed(&raw, now_s + 301);
    not_signed(&raw, now_s - 301);
    let mut changed = raw.clone();
    changed.body[30] ^= 1;
    not_signed(&changed, now_s);
    for missing in 0..3 {
        let mut without = raw.clone();
        without.headers.remove(missing);
        not_signed(&without, now_s);
    }
    Ok(())
}

#[tokio::test]
async fn a_signed_callback_that_cannot_be_read_is_answered_400() -> Result<()> {
    let providers = Providers::try_new(networks()).map_err(anyhow::Error::msg)?;
    let account = account("https://pay.example.com/", SECRET, None);
    let now_s = now_ms() / 1_000;
    let long_id = "x".repeat(129);
    for (id, body) in [
        ("evt_1", "{}"),
        ("evt_1", r#"{"type":"payment","payment":"P1-1","state":"captured","amount":-1,"currency":"CNY"}"#),
        ("evt 1", r#"{"type":"payment","payment":"P1-1","state":"closed"}"#),
        ("", r#"{"type":"payment","payment":"P1-1","state":"closed"}"#),
        (&long_id, r#"{"type":"payment","payment":"P1-1","state":"closed"}"#),
    ] {
        let refused = providers.verify(&account, &signed(id, now_s, body.as_bytes()), now_s).expect_err(body);
        assert!(matches!(refused, CallbackRefused::Malformed(_)), "{refused:?}");
        assert_eq!(providers.answer(&account, Some(&refused)).status, 400);
    }
    assert_eq!(providers.answer(&account, None).status, 204);
    Ok(())
}

#[tokio::test]
async fn the_sandbox_calls_back_only_where_it_may() -> Result<()> {
    let shop = Shop::open().await?;
    for url in ["http://10.0.0.1/notify", "https://1.1.1.1/notify", "http://pay.example.com/notify", "nowhere"] {
        let mut order = shop.order(1, 100);
        url.clone_into(&mut order.notify_url);
        let result = shop.providers.create(&shop.account, &order).await;
        assert_fault(result, FaultKind::Rejected, Outcome::Unknown);
    }
    assert_eq!(shop.query(1).await?, ProviderWord::Unknown);
    Ok(())
}

#[tokio::test]
async fn whoever_has_no_control_token_moves_no_money() -> Result<()> {
    let shop = Shop::open().await?;
    shop.create(1, 100).await?;
    let payment = json!({"payment": attempt(1).to_string()});
    for (method, path, body) in [
        (Method::POST, "/control/pay", payment.clone()),
        (Method::POST, "/control/decline", payment),
        (Method::GET, "/control/payments", Value::Null),
        (Method::GET, "/control/summary", Value::Null),
        (Method::PUT, "/control/mischief", json!({})),
    ] {
        for token in [None, Some(""), Some("contro"), Some("control1")] {
            assert_eq!(shop.visit(method.clone(), path, token, &body).await?.0, 401, "{path} {token:?}");
        }
    }
    assert!(matches!(shop.query(1).await?, ProviderWord::Pending { .. }));
    Ok(())
}
