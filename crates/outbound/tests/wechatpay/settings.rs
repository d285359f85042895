//! What an account may say, and what is refused before it is stored.

use holdline_domain::payment::ProviderAccount;
use holdline_domain::port::PaymentProvider as _;
use holdline_outbound::{Networks, Providers};
use serde_json::{Value, json};

use crate::{account_with, keys};

/// An account with both kinds of platform keys.
pub(crate) fn json(base_url: &str) -> Value {
    json!({
        "mchid": "1900000001", "appid": "wx8888888888888888", "trade_type": "native", "base_url": base_url,
        "api_v3_key": keys::API_V3_KEY,
        "merchant_private_key": keys::MERCHANT, "merchant_serial_no": keys::MERCHANT_SERIAL,
        "platform_keys": [
            { "id": keys::PUBLIC_KEY_ID, "pem": keys::PLATFORM_PUBLIC },
            { "id": keys::CERTIFICATE_SERIAL, "pem": keys::CERTIFICATE },
        ],
    })
}

fn public_only() -> Providers {
    Providers::try_new(Networks::default()).unwrap()
}

#[test]
fn settings_that_are_whole_are_accepted() {
    let mut settings = json("https://api2.mch.weixin.qq.com");
    assert_eq!(public_only().objection(&account_with(&settings)), None);
    settings.as_object_mut().unwrap().remove("base_url");
    for trade_type in ["native", "jsapi", "h5", "app"] {
        settings["trade_type"] = trade_type.into();
        assert_eq!(public_only().objection(&account_with(&settings)), None, "{trade_type}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused_by_the_name_of_the_field() {
    for (field, value) in [
        ("mchid", json!("")),
        ("mchid", json!("19000x")),
        ("mchid", json!("1".repeat(33))),
        ("appid", json!("wx 1")),
        ("trade_type", json!("micropay")),
        ("api_v3_key", json!("too short")),
        ("merchant_private_key", json!(keys::PLATFORM_PUBLIC)),
        ("merchant_serial_no", json!("")),
        ("platform_keys", json!([])),
        ("platform_keys", json!([{ "id": keys::PUBLIC_KEY_ID, "pem": keys::MERCHANT }])),
        ("base_url", json!("https://api.mch.weixin.qq.com/v3")),
        ("base_url", json!("https://api.mch.weixin.qq.com/?a=1")),
        ("base_url", json!("ftp://api.mch.weixin.qq.com")),
        ("base_url", json!("http://api.mch.weixin.qq.com")),
        ("base_url", json!("https://u:p@api.mch.weixin.qq.com")),
        ("base_url", json!("https://127.0.0.1")),
        ("base_url", json!("not a URL")),
    ] {
        let mut settings = json("https://api.mch.weixin.qq.com");
        settings[field] = value.clone();
        let objection = public_only().objection(&account_with(&settings));
        assert!(objection.as_ref().is_some_and(|why| why.contains(field)), "{field} {value}: {objection:?}");
    }
}

#[test]
fn what_is_missing_or_unknown_is_refused() {
    let whole = json("https://api.mch.weixin.qq.com");
    for field in whole.as_object().unwrap().keys().filter(|field| *field != "base_url") {
        let mut settings = whole.clone();
        settings.as_object_mut().unwrap().remove(field);
        assert!(public_only().objection(&account_with(&settings)).is_some(), "{field}");
    }
    let in_order = [
        "mchid",
        "appid",
        "api_v3_key",
        "merchant_private_key",
        "merchant_serial_no",
        "platform_keys",
        "trade_type",
        "base_url",
    ];
    let array: Vec<&Value> = in_order.iter().map(|field| &whole[field]).collect();
    assert!(public_only().objection(&account_with(&json!(array))).is_some(), "an array of the right values");
    let mut settings = whole;
    settings["sub_mchid"] = "1900000002".into();
    assert!(public_only().objection(&account_with(&settings)).is_some());
    for text in ["", "null", "[]", "{"] {
        let account = ProviderAccount { settings: text.to_owned(), ..account_with(&settings) };
        assert!(public_only().objection(&account).is_some(), "{text:?}");
    }
}

#[test]
fn no_secret_is_in_an_objection() {
    let secrets = ["BEGIN PRIVATE KEY", keys::API_V3_KEY];
    let mut settings = json("https://api.mch.weixin.qq.com");
    // In the wrong place, where a parser's message would quote them.
    for field in ["trade_type", "platform_keys"] {
        for secret in [keys::MERCHANT, keys::API_V3_KEY] {
            settings[field] = secret.into();
            let objection = public_only().objection(&account_with(&settings)).unwrap();
            assert!(secrets.iter().all(|secret| !objection.contains(secret)), "{objection}");
        }
    }
}
