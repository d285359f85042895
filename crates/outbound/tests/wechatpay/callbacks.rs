//! Callbacks: signed, encrypted, and refused where either is wrong.

use holdline_domain::money::{Currency, Minor};
use holdline_domain::payment::ProviderAccount;
use holdline_domain::port::{
    CallbackRefused, CallbackWord, PaymentProvider as _, ProviderWord, RawCallback, RefundWord,
};
use serde_json::{Value, json};

use crate::keys::{API_V3_KEY, CERTIFICATE_SERIAL, PUBLIC_KEY_ID, now_s, platform_signs, seal};
use crate::orders::{Order, transaction};
use crate::{NO, account_with, adapter, settings};

const NONCE: &str = "fdasflkja484";

fn account() -> ProviderAccount {
    account_with(&settings::json("https://api.mch.weixin.qq.com"))
}

/// A notice with a resource encrypted under a key.
fn notice(event_type: &str, resource: &Value, api_v3_key: &str) -> Value {
    json!({
        "id": "EV-2018022511223320873", "create_time": "2018-06-08T10:34:56+08:00", "resource_type": "encrypt-resource",
        "event_type": event_type, "summary": "…",
        "resource": {
            "original_type": "transaction", "algorithm": "AEAD_AES_256_GCM", "associated_data": "transaction",
            "nonce": NONCE, "ciphertext": seal(api_v3_key, NONCE, "transaction", &resource.to_string()),
        },
    })
}

/// Signs a body as WeChat Pay.
fn signed(body: &str, key_id: &str, made_s: i64) -> RawCallback {
    let nonce = "ukDaEPvYjkM5choqNcYJwAjiC64BonHH";
    let signature = platform_signs(key_id, format!("{made_s}\n{nonce}\n{body}\n").as_bytes());
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("wechatpay-signature", signature),
        ("wechatpay-timestamp", made_s.to_string()),
        ("wechatpay-nonce", nonce.to_owned()),
        ("wechatpay-serial", key_id.to_owned()),
    ];
    RawCallback {
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        body: body.as_bytes().to_vec(),
    }
}

fn paid(total: i64) -> Value {
    transaction(NO, &Order { created: json!({}), state: "SUCCESS", paid: total })
}

fn payment() -> String {
    notice("TRANSACTION.SUCCESS", &paid(990), API_V3_KEY).to_string()
}

fn verify(raw: &RawCallback) -> Result<CallbackWord, CallbackRefused> {
    adapter().verify(&account(), raw, now_s()).map(|verified| {
        assert_eq!(verified.event_id, "EV-2018022511223320873");
        verified.word
    })
}

#[test]
fn a_payment_is_told_with_the_sum_that_was_captured() {
    for (total, key_id) in [(990, PUBLIC_KEY_ID), (123, CERTIFICATE_SERIAL)] {
        let body = notice("TRANSACTION.SUCCESS", &paid(total), API_V3_KEY).to_string();
        let word = ProviderWord::Captured {
            amount: Minor(total),
            currency: Currency::try_new("CNY").unwrap(),
            reference: Some(format!("42{NO}")),
        };
        let expected = CallbackWord::Payment { payment: NO.to_owned(), word };
        assert_eq!(verify(&signed(&body, key_id, now_s())), Ok(expected), "{key_id}");
    }
}

#[test]
fn a_refund_is_told_with_its_status() {
    let tell = |event: &str, status: &str| {
        let resource = json!({
            "mchid": "1900000001", "out_trade_no": NO, "out_refund_no": "R1", "refund_id": "50", "refund_status": status,
            "user_received_account": "…", "amount": { "total": 990, "refund": 300 },
        });
        let body = notice(event, &resource, API_V3_KEY).to_string();
        match verify(&signed(&body, PUBLIC_KEY_ID, now_s())).unwrap() {
            CallbackWord::Refund { key, word } if key == "R1" => word,
            other => panic!("{other:?}"),
        }
    };
    let succeeded = RefundWord::Succeeded { reference: Some("50".to_owned()) };
    assert_eq!(tell("REFUND.SUCCESS", "SUCCESS"), succeeded);
    assert!(
        matches!(tell("REFUND.ABNORMAL", "ABNORMAL"), RefundWord::Failed { reason } if reason.contains("ABNORMAL"))
    );
    assert!(matches!(tell("REFUND.CLOSED", "CLOSED"), RefundWord::Failed { reason } if reason.contains("CLOSED")));
}

#[test]
fn what_is_not_about_payments_is_acknowledged_without_being_opened() {
    let body = notice("PAYSCORE.USER_OPEN_SERVICE", &json!({}), &"x".repeat(32)).to_string();
    assert_eq!(verify(&signed(&body, PUBLIC_KEY_ID, now_s())), Ok(CallbackWord::Other));
}

#[test]
fn a_signature_that_does_not_hold_is_refused() {
    let whole = signed(&payment(), PUBLIC_KEY_ID, now_s());
    let changed = |name: &str, value: &str| {
        let mut raw = whole.clone();
        raw.headers.iter_mut().find(|(of, _)| of == name).unwrap().1 = value.to_owned();
        raw
    };
    let mut tampered = whole.clone();
    tampered.body = payment().replace("TRANSACTION.SUCCESS", "TRANSACTION.success").into_bytes();
    let mut bare = whole.clone();
    bare.headers.clear();
    let probe = format!("WECHATPAY/SIGNTEST/{}", whole.header("wechatpay-signature").unwrap());
    for (why, raw) in [
        ("tampered", tampered),
        ("no headers", bare),
        ("a probe", changed("wechatpay-signature", &probe)),
        ("another nonce", changed("wechatpay-nonce", "another")),
        ("another instant", changed("wechatpay-timestamp", &(now_s() - 60).to_string())),
        ("the key of a certificate", changed("wechatpay-serial", CERTIFICATE_SERIAL)),
        ("a key that is not in the settings", changed("wechatpay-serial", "PUB_KEY_ID_0")),
        ("old", signed(&payment(), PUBLIC_KEY_ID, now_s() - 360)),
        ("of the future", signed(&payment(), PUBLIC_KEY_ID, now_s() + 360)),
    ] {
        let refused = verify(&raw);
        assert!(matches!(refused, Err(CallbackRefused::Signature(_))), "{why}: {refused:?}");
    }
}

#[test]
fn what_is_signed_and_cannot_be_read_is_refused_as_that() {
    let of_another = paid(990).to_string().replace("1900000001", "1900000002");
    let mut without_sum = paid(990);
    without_sum.as_object_mut().unwrap().remove("amount");
    let number_of_none = paid(990).to_string().replace(NO, "P\\u0000");
    let mut without_id = notice("TRANSACTION.SUCCESS", &paid(990), API_V3_KEY);
    without_id["id"] = "E\0".into();
    let mut cut = notice("TRANSACTION.SUCCESS", &paid(990), API_V3_KEY);
    cut["resource"].as_object_mut().unwrap().remove("nonce");
    let mut changed = notice("TRANSACTION.SUCCESS", &paid(990), API_V3_KEY);
    changed["resource"]["associated_data"] = "refund".into();
    for (why, body) in [
        ("not JSON", "{".to_owned()),
        ("no notice", "{}".to_owned()),
        ("under another key", notice("TRANSACTION.SUCCESS", &paid(990), &"x".repeat(32)).to_string()),
        ("other data along with it", changed.to_string()),
        ("a resource that lacks something", cut.to_string()),
        ("for another merchant", notice("TRANSACTION.SUCCESS", &of_another.parse().unwrap(), API_V3_KEY).to_string()),
        (
            "a number of nothing",
            notice("TRANSACTION.SUCCESS", &number_of_none.parse().unwrap(), API_V3_KEY).to_string(),
        ),
        ("an id that cannot be kept", without_id.to_string()),
        ("no sum", notice("TRANSACTION.SUCCESS", &without_sum, API_V3_KEY).to_string()),
        ("no transaction", notice("TRANSACTION.SUCCESS", &json!({}), API_V3_KEY).to_string()),
        ("no refund", notice("REFUND.SUCCESS", &paid(990), API_V3_KEY).to_string()),
    ] {
        let refused = verify(&signed(&body, PUBLIC_KEY_ID, now_s()));
        assert!(matches!(refused, Err(CallbackRefused::Malformed(_))), "{why}: {refused:?}");
    }
}

/// A stored callback is read again later, with the instant at which it came.
#[test]
fn a_callback_is_judged_by_the_clock_that_is_given() {
    let raw = signed(&payment(), PUBLIC_KEY_ID, now_s() - 86_400);
    assert!(adapter().verify(&account(), &raw, now_s()).is_err());
    assert!(adapter().verify(&account(), &raw, now_s() - 86_400).is_ok());
}

#[test]
fn only_what_is_stored_is_answered_with_success() {
    let answer = |refused: Option<CallbackRefused>| {
        let answer = adapter().answer(&account(), refused.as_ref());
        let code = serde_json::from_str(&answer.body).map_or(Value::Null, |body: Value| body["code"].clone());
        (answer.status, code, answer.body.contains("secret"))
    };
    assert_eq!(answer(None), (204, Value::Null, false));
    assert_eq!(answer(Some(CallbackRefused::Signature("secret".to_owned()))), (401, "FAIL".into(), false));
    assert_eq!(answer(Some(CallbackRefused::Malformed("secret".to_owned()))), (400, "FAIL".into(), false));
}
