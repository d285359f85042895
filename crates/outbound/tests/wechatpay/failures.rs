//! What an answer is worth when it is not what was hoped for.

use holdline_domain::fault::{Fault, FaultKind, Outcome};
use holdline_domain::port::{PaymentProvider as _, ProviderWord};
use holdline_outbound::{Networks, Providers};

use crate::fake::{Fake, Spoilt, Trouble};
use crate::{NO, account, account_with, adapter, keys, order, refund, settings};

async fn create(fake: &Fake) -> Result<ProviderWord, Fault> {
    adapter().create(&account(fake), &order()).await
}

#[tokio::test]
async fn an_answer_that_is_not_signed_well_leaves_all_unknown_and_the_next_request_finds_the_order() {
    for spoilt in [
        Spoilt::Unsigned,
        Spoilt::Forged,
        Spoilt::Probe,
        Spoilt::Old,
        Spoilt::UnknownKey,
        Spoilt::OtherAlgorithm,
        Spoilt::TooLong,
        Spoilt::NotJson,
        Spoilt::Lost,
        Spoilt::Accepted,
        Spoilt::Moved,
    ] {
        let fake = Fake::start().await;
        fake.trouble("/native", Trouble::Answered(spoilt));
        let fault = create(&fake).await.unwrap_err();
        assert_eq!(fault.outcome, Outcome::Unknown, "{spoilt:?}: {fault}");
        assert!(fake.orders(|orders| orders.orders.contains_key(NO)), "{spoilt:?}");
        assert!(matches!(create(&fake).await.unwrap(), ProviderWord::Pending { pay: Some(_), .. }), "{spoilt:?}");
    }
}

#[tokio::test]
async fn a_query_believes_nothing_that_is_not_signed_well() {
    let fake = Fake::start().await;
    create(&fake).await.unwrap();
    fake.orders(|orders| orders.pay(NO, 990));
    for spoilt in [Spoilt::Unsigned, Spoilt::Forged, Spoilt::Probe, Spoilt::Old, Spoilt::UnknownKey, Spoilt::NotJson] {
        fake.trouble("?mchid=", Trouble::Answered(spoilt));
        adapter().query(&account(&fake), NO).await.unwrap_err();
    }
}

#[tokio::test]
async fn a_refusal_that_was_changed_on_the_way_is_not_believed() {
    let fake = Fake::start().await;
    fake.trouble("?mchid=", Trouble::RefusedForged(404, "ORDER_NOT_EXIST"));
    let fault = adapter().query(&account(&fake), NO).await.unwrap_err();
    assert_eq!(fault.outcome, Outcome::Unknown);
}

/// Which refusals end an attempt, and which only this request.
#[tokio::test]
async fn each_refusal_of_a_create_has_its_class() {
    enum Class {
        Failed,
        Fault(Outcome, FaultKind),
    }
    use Class::{Failed, Fault};
    for (status, code, class) in [
        (400, "PARAM_ERROR", Failed),
        (400, "INVALID_REQUEST", Failed),
        (400, "APPID_MCHID_NOT_MATCH", Failed),
        (400, "MCH_NOT_EXISTS", Failed),
        (403, "NO_AUTH", Failed),
        (403, "TRADE_ERROR", Failed),
        (401, "SIGN_ERROR", Fault(Outcome::NotDone, FaultKind::Rejected)),
        (429, "FREQUENCY_LIMITED", Fault(Outcome::NotDone, FaultKind::Unavailable)),
        (429, "QUOTA_EXCEEDED", Fault(Outcome::NotDone, FaultKind::Unavailable)),
        (403, "FREQUENCY_LIMITED", Fault(Outcome::NotDone, FaultKind::Unavailable)),
        (403, "RULE_LIMIT", Fault(Outcome::NotDone, FaultKind::Unavailable)),
        (408, "TIMEOUT", Fault(Outcome::Unknown, FaultKind::Unavailable)),
        (400, "SYSTEM_ERROR", Fault(Outcome::Unknown, FaultKind::Unavailable)),
        (400, "no code", Fault(Outcome::Unknown, FaultKind::Unavailable)),
        (500, "SYSTEM_ERROR", Fault(Outcome::Unknown, FaultKind::Unavailable)),
        (502, "BAD_GATEWAY", Fault(Outcome::Unknown, FaultKind::Unavailable)),
        (503, "SYSTEM_ERROR", Fault(Outcome::Unknown, FaultKind::Unavailable)),
    ] {
        let fake = Fake::start().await;
        fake.trouble("/native", Trouble::Refused(status, code));
        match (create(&fake).await, class) {
            (Ok(ProviderWord::Failed { reason }), Failed) => assert_eq!(reason, format!("{code}: told to")),
            (Err(fault), Fault(outcome, kind)) => assert_eq!((fault.outcome, fault.kind), (outcome, kind), "{fault}"),
            (result, _) => panic!("{status} {code}: {result:?}"),
        }
    }
}

#[tokio::test]
async fn a_create_that_was_refused_is_failed_only_once_that_is_known() {
    let fake = Fake::start().await;
    fake.trouble("/native", Trouble::Refused(400, "PARAM_ERROR"));
    fake.trouble("?mchid=", Trouble::Refused(500, "SYSTEM_ERROR"));
    create(&fake).await.unwrap_err();
}

#[tokio::test]
async fn a_query_that_is_refused_tells_nothing_of_the_payment() {
    for (status, code) in [(400, "PARAM_ERROR"), (403, "NO_AUTH"), (404, "NOT_FOUND"), (400, "ORDER_NOT_EXIST")] {
        let fake = Fake::start().await;
        fake.trouble("?mchid=", Trouble::Refused(status, code));
        adapter().query(&account(&fake), NO).await.unwrap_err();
    }
}

#[tokio::test]
async fn an_answer_about_something_else_is_not_believed_however_well_it_is_signed() {
    let fake = Fake::start().await;
    let (adapter, account) = (adapter(), account(&fake));
    for text in [
        "{}",
        r#"{"mchid":"1900000001","out_trade_no":"P261125093000123000100000742-2","trade_state":"CLOSED"}"#,
        r#"{"mchid":"1900000002","out_trade_no":"P261125093000123000100000742-1","trade_state":"CLOSED"}"#,
        r#"{"mchid":"1900000001","out_trade_no":"P261125093000123000100000742-1","trade_state":"CLOSING"}"#,
    ] {
        fake.trouble("?mchid=", Trouble::Says(text));
        let fault = adapter.query(&account, NO).await.unwrap_err();
        assert_eq!(fault.outcome, Outcome::Unknown, "{text}");
    }
    for text in ["{}", r#"{"prepay_id":"wx1"}"#, r#"{"code_url":""}"#, r#"{"code_url":"a\u0000b"}"#] {
        fake.trouble("/native", Trouble::Says(text));
        let fault = create(&fake).await.unwrap_err();
        assert_eq!(fault.outcome, Outcome::Unknown, "{text}");
    }
    for text in ["{}", r#"{"out_refund_no":"R2","refund_id":"50","status":"SUCCESS"}"#] {
        fake.trouble("POST /v3/refund", Trouble::Says(text));
        let fault = adapter.refund(&account, &refund()).await.unwrap_err();
        assert_eq!(fault.outcome, Outcome::Unknown, "{text}");
    }
}

#[tokio::test]
async fn a_request_under_another_key_is_refused_and_blamed_on_settings_or_clock() {
    let fake = Fake::start().await;
    let mut other = settings::json(&fake.base_url());
    other["merchant_private_key"] = include_str!("keys/test-only-platform.pem").into();
    let other = account_with(&other);
    let fault = adapter().create(&other, &order()).await.unwrap_err();
    assert_eq!((fault.outcome, fault.kind), (Outcome::NotDone, FaultKind::Rejected));
    assert!(fake.orders(|orders| orders.orders.is_empty()));
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_was_asked_nothing() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let account = account_with(&settings::json(&base_url));
    let fault = adapter().create(&account, &order()).await.unwrap_err();
    assert_eq!((fault.outcome, fault.kind), (Outcome::NotDone, FaultKind::Unavailable));
}

#[tokio::test]
async fn a_server_that_hangs_up_may_have_done_it() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            connection.readable().await.unwrap();
        }
    });
    let account = account_with(&settings::json(&base_url));
    let fault = adapter().create(&account, &order()).await.unwrap_err();
    assert_eq!(fault.outcome, Outcome::Unknown, "{fault}");
}

#[tokio::test]
async fn no_private_network_is_asked_unless_it_is_allowed() {
    let fake = Fake::start().await;
    let public_only = Providers::try_new(Networks::default()).unwrap();
    let fault = public_only.create(&account(&fake), &order()).await.unwrap_err();
    assert_eq!((fault.outcome, fault.kind), (Outcome::NotDone, FaultKind::Rejected));
    assert_eq!(fake.asked(), [""; 0]);
}

#[tokio::test]
async fn a_fault_carries_no_secret() {
    let fake = Fake::start().await;
    for trouble in
        [Trouble::Refused(500, "SYSTEM_ERROR"), Trouble::Answered(Spoilt::Forged), Trouble::Answered(Spoilt::Moved)]
    {
        fake.trouble("/native", trouble);
        let shown = format!("{:?}", create(&fake).await.unwrap_err());
        assert!(
            !shown.contains(keys::API_V3_KEY) && !shown.contains("PRIVATE KEY") && !shown.contains("WECHATPAY2"),
            "{shown}"
        );
    }
}
