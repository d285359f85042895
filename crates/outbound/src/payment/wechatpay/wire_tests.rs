//! States, instants and ways of paying, by table.

use std::net::{IpAddr, Ipv4Addr};

use holdline_domain::money::{Currency, Minor};
use holdline_domain::port::{ProviderWord, RefundWord};
use holdline_domain::time::UnixMillis;
use serde_json::{Value, json};

use super::means::Means;
use super::settings::TradeType;
use super::wire::{RefundAnswer, RefundNotice, Transaction, time_expire};

fn transaction(state: &str, more: &Value) -> Result<ProviderWord, String> {
    let mut value = json!({ "mchid": "1900000001", "out_trade_no": "P1", "trade_state": state });
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value::<Transaction>(value).unwrap().word()
}

#[test]
fn each_trade_state_has_one_meaning() {
    let paid = json!({ "transaction_id": "42000", "amount": { "total": 990, "payer_total": 890, "currency": "CNY" } });
    let captured = ProviderWord::Captured {
        amount: Minor(990),
        currency: Currency::try_new("CNY").unwrap(),
        reference: Some("42000".to_owned()),
    };
    let pending = ProviderWord::Pending { pay: None, reference: None };
    for (state, more, word) in [
        ("SUCCESS", &paid, captured.clone()),
        ("REFUND", &paid, captured),
        ("NOTPAY", &json!({}), pending.clone()),
        ("USERPAYING", &json!({}), pending.clone()),
        ("ACCEPT", &json!({}), pending.clone()),
        ("PAYERROR", &json!({}), pending),
        ("CLOSED", &json!({}), ProviderWord::Closed),
        ("REVOKED", &json!({}), ProviderWord::Closed),
    ] {
        assert_eq!(transaction(state, more), Ok(word), "{state}");
    }
    assert!(transaction("success", &paid).is_err());
    assert!(transaction("", &paid).is_err());
}

#[test]
fn a_capture_without_a_sum_is_not_believed() {
    for amount in [
        json!({}),
        json!({ "amount": {} }),
        json!({ "amount": { "total": 0 } }),
        json!({ "amount": { "total": -1 } }),
        json!({ "amount": { "total": Minor::MAX.0 + 1 } }),
    ] {
        assert!(transaction("SUCCESS", &amount).is_err(), "{amount}");
    }
    assert!(transaction("SUCCESS", &json!({ "amount": { "total": 1, "currency": "yuan" } })).is_err());
    let word = transaction("SUCCESS", &json!({ "amount": { "total": 1, "currency": "HKD" } })).unwrap();
    assert!(matches!(word, ProviderWord::Captured { currency, .. } if currency.as_str() == "HKD"), "told as it is");
}

#[test]
fn a_reference_that_cannot_be_kept_is_left_out() {
    for reference in [String::new(), "4\0".to_owned(), "4\n2".to_owned(), "4".repeat(65)] {
        let word = transaction("SUCCESS", &json!({ "transaction_id": reference, "amount": { "total": 1 } })).unwrap();
        assert!(matches!(word, ProviderWord::Captured { reference: None, .. }), "{reference:?}");
    }
}

#[test]
fn each_refund_status_has_one_meaning() {
    let answer = |status: &str| {
        let value = json!({ "out_refund_no": "R1", "refund_id": "50000", "status": status });
        serde_json::from_value::<RefundAnswer>(value).unwrap().word("R1")
    };
    assert_eq!(answer("SUCCESS"), Ok(RefundWord::Succeeded { reference: Some("50000".to_owned()) }));
    assert_eq!(answer("PROCESSING"), Ok(RefundWord::Pending));
    for status in ["CLOSED", "ABNORMAL"] {
        assert!(matches!(answer(status), Ok(RefundWord::Failed { reason }) if reason.starts_with(status)), "{status}");
    }
    assert!(answer("DONE").is_err());
    let of_another = json!({ "out_refund_no": "R2", "refund_id": "50000", "status": "SUCCESS" });
    assert!(serde_json::from_value::<RefundAnswer>(of_another).unwrap().word("R1").is_err());
    let notice = json!({ "mchid": "1", "out_refund_no": "R1", "refund_id": "50000", "refund_status": "SUCCESS" });
    let word = serde_json::from_value::<RefundNotice>(notice).unwrap().word();
    assert_eq!(word, Ok(RefundWord::Succeeded { reference: Some("50000".to_owned()) }));
}

#[test]
fn the_deadline_is_told_in_whole_seconds_of_beijing_and_never_later() {
    for (ms, text) in [
        (1_528_425_296_000, "2018-06-08T10:34:56+08:00"),
        (1_528_425_296_999, "2018-06-08T10:34:56+08:00"),
        (1_704_038_399_000, "2023-12-31T23:59:59+08:00"),
        (-1, "1970-01-01T07:59:59+08:00"),
    ] {
        assert_eq!(time_expire(UnixMillis(ms)).as_deref(), Some(text), "{ms}");
    }
    assert_eq!(time_expire(UnixMillis(i64::MAX)), None);
}

#[test]
fn a_method_names_the_way_and_what_it_needs() {
    let read = |method: &str| Means::try_new(Some(method), TradeType::Native);
    assert_eq!(read("native"), Ok(Means::Native));
    assert_eq!(read("app"), Ok(Means::App));
    assert_eq!(read("jsapi:oUpF8uMuAJO_M2-1"), Ok(Means::Jsapi { openid: "oUpF8uMuAJO_M2-1".to_owned() }));
    assert_eq!(read("h5:203.0.113.7"), Ok(Means::H5 { client_ip: IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7)) }));
    assert!(read("h5:2001:db8::7").is_ok());
    for method in ["", "cash", "native:1", "app:1", "jsapi", "jsapi:", "jsapi:a\"b", "h5", "h5:", "h5:localhost"] {
        assert!(read(method).is_err(), "{method:?}");
    }
    assert_eq!(Means::try_new(None, TradeType::Native), Ok(Means::Native));
    assert_eq!(Means::try_new(None, TradeType::App), Ok(Means::App));
    assert!(Means::try_new(None, TradeType::Jsapi).is_err());
    assert!(Means::try_new(None, TradeType::H5).is_err());
}
