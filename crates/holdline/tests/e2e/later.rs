//! Submits that are answered before they are decided, and the source documents' own paths.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::client::{Client, at_once};
use crate::installation::{Installation, MALL};
use crate::shop::{self, cart};

/// Buyers who want the last units at the same moment.
const CROWD: usize = 12;
const UNITS: i64 = 5;

fn numbers(answer: &Value) -> Result<Vec<String>> {
    let numbers = answer["order_nos"].as_array().context("no order_nos")?;
    Ok(numbers.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// Asks the first process, and sees the end on the second; who asks again, anyhow, gets the same.
pub(crate) fn an_accepted_submit_is_seen_to_its_end_on_every_process(at: &Installation) -> Result<()> {
    let key = at.key(MALL)?;
    let (first, second) = (at.first(&key), at.second(&key));
    shop::open(&first, &[("CUP", "cups", 1_000, UNITS), ("TEA", "teas", 500, 100)])?;
    let submits = at_once(CROWD, |n| {
        let cart = cart("ann", &[("CUP", 1, 1_000), ("TEA", 1, 500)]);
        Ok((format!("later-{n}"), first.submit_for_later(&format!("later-{n}"), &cart)?))
    })?;
    let (mut created, mut failed) = (0, 0);
    for (submit, answer) in submits {
        // The sold-out mark may refuse at once who comes after the last unit was taken.
        if answer.status == 422 {
            answer.refused(422, "order_refused");
            failed += 1;
            continue;
        }
        let promised = numbers(&answer.ok(202))?;
        let status = second.get(&format!("/v1/submits/{submit}?buyer_id=ann&wait=30s"))?.ok(200);
        let asked = second.get(&format!("/order/is-created?order_no={}&wait=30s", promised[1]))?.ok(200);
        match status["status"].as_str() {
            Some("created") => {
                assert_eq!((numbers(&status)?, &asked["data"]["state"]), (promised.clone(), &json!("success")));
                let again = second.submit(&submit, &cart("ann", &[("CUP", 1, 1_000), ("TEA", 1, 500)]))?;
                assert!(again.is_replayed());
                assert_eq!(again.ok(201)["orders"][0]["order_no"], promised[0].as_str());
                created += 1;
            }
            Some("create_failed") => {
                assert_eq!(status["failure"]["errors"][0]["code"], "insufficient_stock");
                assert_eq!(
                    (&asked["data"]["state"], &asked["data"]["reason"]["code"]),
                    (&json!("failed"), &json!("order_refused"))
                );
                failed += 1;
            }
            _ => panic!("{submit} is not decided: {status}"),
        }
    }
    assert_eq!((created, failed), (UNITS, i64::try_from(CROWD)? - UNITS));
    second.wait_for_sums("CUP", [UNITS, UNITS, 0, 0])
}

/// A storefront of the source documents: decimals, ids as numbers, one number per seller.
pub(crate) fn a_mall_submits_and_asks_in_its_own_words(at: &Installation) -> Result<()> {
    let key = at.key(MALL)?;
    let (first, second) = (at.first(&key), at.second(&key));
    shop::open(&first, &[("1001", "7", 2_999, 10)])?;
    let line = json!({"commodity_id": 1001, "user_id": 7, "num": 2, "prices": 29.99, "actual_price": "59.98"});
    let cart = json!({
        "request_id": "cart-1", "uid": 100_001, "to_uid": 100_002, "origin_price": 59.98, "actual_price": 59.98,
        "pay_at_once": false, "commodity_details": [line]
    });
    let submit = |client: &Client| client.post("/order/submit", &cart).map(|answer| answer.ok(200));
    let numbers = submit(&first)?["data"]["order_no"].clone();
    assert_eq!(submit(&second)?["data"]["order_no"], numbers, "one request_id is one cart");
    let number = numbers[0].as_str().context("no number")?;
    let created = second.get(&format!("/order/is-created?order_no={number}&wait=30s"))?.ok(200);
    assert_eq!(created["data"]["state"], "success");
    let order = second.get(&format!("/v1/orders/{number}"))?.ok(200);
    assert_eq!((&order["amounts"]["total"]["amount"], &order["buyer_id"]), (&json!(5_998), &json!("100001")));
    first.wait_for_sums("1001", [10, 2, 0, 8])
}
