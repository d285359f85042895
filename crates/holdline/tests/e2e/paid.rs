//! Orders that are paid through a payment center of their own, a real process, and live to their end.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::center::{Center, SECRET};
use crate::client::Client;
use crate::installation::{Installation, MALL};
use crate::process::{WITHIN, call, wait_until};
use crate::shop::{self, cart, cny, only_order};

const TOKEN: &str = "control";
/// Orders of the story with the confused center: enough for each of its habits to strike.
const ORDERS: usize = 24;

/// The shop with one SKU, its center, and its account there.
fn open(at: &Installation, mischief: &str) -> Result<(Client, Client, Center)> {
    let key = at.key(MALL)?;
    let (first, second) = (at.first(&key), at.second(&key));
    shop::open(&first, &[("TEA", "tea", 2_000, 100)])?;
    let center = at.center(&["--secret", SECRET, "--control-token", TOKEN, "--mischief", mischief])?;
    register(&first, &center)?;
    Ok((first, second, center))
}

/// Says where the center is.
fn register(at: &Client, center: &Center) -> Result<()> {
    let settings = json!({ "url": format!("http://{}/", center.address), "secret": SECRET });
    at.put("/v1/payment-providers/center", &json!({ "kind": "http", "settings": settings })).map(|answer| {
        answer.ok(200);
    })
}

/// Places an order of some units: its path.
fn place(at: &Client, key: &str, units: i64) -> Result<String> {
    let group = at.place(key, &cart("ann", &[("TEA", units, 2_000)]))?;
    Ok(format!("/v1/orders/{}", only_order(&group)?))
}

/// Opens an attempt: its id.
fn pay(at: &Client, order: &str, key: &str) -> Result<String> {
    let body = json!({ "provider": "center" }).to_string();
    let answer = at.send("POST", &format!("{order}/payments"), Some(key), body.as_bytes())?;
    ensure!(matches!(answer.status, 201 | 202), "{answer:?}");
    Ok(answer.body["attempt"].as_str().context("an attempt")?.to_owned())
}

fn control(center: &Center, what: &str, payment: &str) -> Result<(u16, Value)> {
    call(center.address, TOKEN, "POST", &format!("/control/{what}"), Some(&json!({ "payment": payment })))
}

/// The buyer pays, once the center knows the payment.
fn buyer_pays(center: &Center, payment: &str) -> Result<()> {
    wait_until(WITHIN, || Ok(control(center, "pay", payment)?.0 == 200)).map(drop)
}

fn until(at: &Client, path: &str, is_so: impl Fn(&Value) -> bool) -> Result<Value> {
    let mut last = Value::Null;
    let met = wait_until(WITHIN, || {
        last = at.get(path)?.ok(200);
        Ok(is_so(&last))
    });
    met.with_context(|| format!("{path} never became so: {last:#}"))?;
    Ok(last)
}

/// One order from its payment to its end, each step asked of another process than the one before.
pub(crate) fn an_order_is_paid_shipped_returned_in_part_and_completed(at: &Installation) -> Result<()> {
    let (first, second, center) = open(at, "{}")?;
    let order = place(&first, "life", 3)?;
    let attempt = pay(&second, &order, "pay")?;
    let open = until(&first, &format!("{order}/payments"), |all| all["payments"][0]["attempts"][0]["state"] == "open")?;
    let page = open["payments"][0]["attempts"][0]["pay"]["url"].as_str().context("a page to pay on")?;
    assert!(page.contains(&attempt), "{page}");
    buyer_pays(&center, &attempt)?;
    let paid = until(&first, &order, |order| order["status"] == "confirmed")?;
    assert_eq!(paid["paid"]["captured"], cny(6_000));
    let post = |at: &Client, path: &str, key: &str, body: Value| {
        at.send("POST", &format!("{order}/{path}"), Some(key), body.to_string().as_bytes())
    };
    post(&second, "shipments", "s", json!({ "carrier": "SF" }))?.ok(201);
    assert_eq!(first.cancel(order.trim_start_matches("/v1/orders/"))?.status, 409);
    post(&first, "shipments/1/deliver", "d", json!({}))?.ok(200);
    until(&second, "/v1/stock/TEA", |stock| stock["on_hand"] == 97 && stock["allocated"] == 0)?;
    post(&second, "returns", "r", json!({ "lines": [{ "line_no": 1, "quantity": 1 }] }))?.ok(201);
    post(&first, "returns/1/approve", "a", json!({}))?.ok(200);
    let inspected = json!({ "restocked": [{ "line_no": 1, "quantity": 1 }] });
    post(&second, "returns/1/receive", "i", inspected)?.ok(200);
    let refunded = until(&first, &order, |order| order["payment_status"] == "partially_refunded")?;
    assert_eq!((&refunded["paid"]["refunded"], &refunded["paid"]["refunding"]), (&cny(2_000), &cny(0)));
    until(&first, "/v1/stock/TEA", |stock| stock["on_hand"] == 98 && stock["available"] == 98)?;
    assert_eq!(post(&first, "receive", "c", json!({}))?.ok(200)["status"], "completed");
    its_books_agree(&first, &center, &[order])
}

/// The center's books against the orders': every fen that it captured is on a live order, or went back.
fn its_books_agree(at: &Client, center: &Center, orders: &[String]) -> Result<()> {
    let (status, summary) = call(center.address, TOKEN, "GET", "/control/summary", None)?;
    ensure!(status == 200, "{summary}");
    let (captured, refunded) = (summary["captured"]["CNY"].as_i64(), summary["refunded"]["CNY"].as_i64());
    let mut kept = 0;
    for order in orders {
        let paid = at.get(order)?.ok(200)["paid"].clone();
        kept += paid["captured"]["amount"].as_i64().unwrap_or(0) - paid["refunded"]["amount"].as_i64().unwrap_or(0);
    }
    let went_back = refunded.unwrap_or(0);
    ensure!(captured.unwrap_or(0) == kept + went_back, "kept {kept}, {went_back} went back: {summary:#}");
    Ok(())
}

/// Callbacks are lost, late, sent twice, out of order, wrong; answers are lost; some refunds fail at first.
pub(crate) fn a_center_that_misbehaves_costs_nobody_money(at: &Installation) -> Result<()> {
    let mischief = json!({
        "seed": 7, "lost_answer": 0.3, "lost_callback": 0.3, "twice_callback": 0.4, "stale_callback": 0.3,
        "wrong_amount": 0.2, "wrong_signature": 0.2, "refund_fails_first": 0.5
    });
    let (first, second, center) = open(at, &mischief.to_string())?;
    let mut orders = Vec::new();
    for number in 0..ORDERS {
        let at = if number % 2 == 0 { &first } else { &second };
        let order = place(at, &format!("o{number}"), 1)?;
        let attempt = pay(at, &order, &format!("p{number}"))?;
        buyer_pays(&center, &attempt)?;
        orders.push(order);
    }
    for (number, order) in orders.iter().enumerate() {
        let paid = until(&first, order, |order| order["status"] == "confirmed")?;
        assert_eq!(paid["paid"]["captured"], cny(2_000));
        // Every third buyer does not want it any more: the money goes back.
        if number % 3 == 0 {
            second.cancel(order.trim_start_matches("/v1/orders/"))?.ok(200);
        }
    }
    for order in orders.iter().step_by(3) {
        until(&first, order, |order| order["payment_status"] == "refunded")?;
    }
    until(&second, "/v1/stock/TEA", |stock| stock["allocated"] == 16 && stock["held"] == 0)?;
    let (_, summary) = call(center.address, TOKEN, "GET", "/control/summary", None)?;
    for habit in ["lost_answer", "lost_callback", "twice_callback", "refund_fails_first"] {
        ensure!(summary["mischief"][habit]["done"].as_i64() > Some(0), "{habit} never struck: {summary:#}");
    }
    its_books_agree(&first, &center, &orders)
}

/// While the center is down nothing is lost and nothing is guessed; once it is back, everything goes on.
pub(crate) fn a_center_that_is_down_is_waited_for(at: &Installation) -> Result<()> {
    let (first, second, center) = open(at, "{}")?;
    let order = place(&first, "down", 1)?;
    ensure!(center.process.terminate(WITHIN)?.code() == Some(0), "the center ends in order");
    let attempt = pay(&second, &order, "pay")?;
    let waiting = first.get(&order)?.ok(200);
    assert_eq!((&waiting["status"], &waiting["payment_status"]), (&json!("pending_payment"), &json!("processing")));
    assert_eq!(first.cancel(order.trim_start_matches("/v1/orders/"))?.status, 409, "its money may still come");
    let center = at.center(&[])?;
    register(&second, &center)?;
    buyer_pays(&center, &attempt)?;
    until(&second, &order, |order| order["status"] == "confirmed")?;
    its_books_agree(&first, &center, &[order])
}
