//! Tests of how a submit is written and its answer read.

use super::*;

#[test]
fn a_body_is_json() {
    let mut body = Vec::new();
    let line = Line { sku: "a", quantity: 2, price_minor: 100, currency: "CNY" };
    write_body(&mut body, 7, &[line, line]);
    let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(value["buyer_id"], "7");
    assert_eq!(value["lines"][1]["unit_price"]["amount"], 100);
    body.clear();
    write_body_in(&mut body, "app", 7, &[line]);
    let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&value["channel"], &value["lines"][0]["quantity"]), (&"app".into(), &2.into()));
}

#[test]
fn promised_numbers_are_read_in_their_order() {
    let mut numbers = String::new();
    promised_numbers(br#"{"status":"creating","order_nos":["2","1"],"decide_by":"2026-01-01"}"#, &mut numbers);
    assert_eq!(numbers, "2,1");
    numbers.clear();
    promised_numbers(br#"{"status":"creating","order_nos":[],"decide_by":"2026-01-01"}"#, &mut numbers);
    assert_eq!(numbers, "");
}

#[test]
fn every_order_number_is_read_once() {
    let mut numbers = String::new();
    let body = br#"{"a":"\"","orders":[{"order_no":"1"},{"order_no":"2","lines":[{"order_no":"2"}]}]}"#;
    order_numbers(body, &mut numbers);
    assert_eq!(numbers, "1,2");
}

#[test]
fn a_no_that_stands_is_known_by_its_code_alone() {
    assert_eq!(no_that_stands(br#"{"code":"submit_abandoned"}"#), Some(Meaning::Abandoned));
    assert_eq!(no_that_stands(br#"{"code":"not_decided_in_time"}"#), Some(Meaning::Lapsed));
    assert_eq!(no_that_stands(br#"{"code":"order_state","detail":"submit_abandoned"}"#), None);
}
