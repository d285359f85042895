//! Webhooks: signed, in order, tried again, and ended where the receiver says so.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::client::Client;
use crate::installation::{Installation, MALL};
use crate::process::{WITHIN, wait_until};
use crate::receiver::{Heard, Receiver};
use crate::shop::{self, cart, only_order};

/// Makes an endpoint; its secret.
fn endpoint(client: &Client, name: &str, body: &Value) -> Result<String> {
    let made = client.put(&format!("/v1/webhooks/{name}"), body)?.ok(201);
    Ok(made["secret"].as_str().context("a secret")?.to_owned())
}

/// Waits until so many requests arrived; all of them.
fn heard(receiver: &Receiver, count: usize) -> Result<Vec<Heard>> {
    let waited = wait_until(WITHIN, || Ok(receiver.heard().len() >= count));
    waited.with_context(|| format!("{} requests, not {count}", receiver.heard().len()))?;
    Ok(receiver.heard())
}

fn place(client: &Client, key: &str) -> Result<String> {
    let group = client.place(key, &cart("ann", &[("CUP", 1, 1_000)]))?;
    Ok(only_order(&group)?.to_owned())
}

/// Placed here, told there; replaced secrets, the log, and the same event again under the same id.
pub(crate) fn an_event_arrives_signed_and_can_be_had_again(at: &Installation) -> Result<()> {
    let key = at.key(MALL)?;
    let (first, second) = (at.first(&key), at.second(&key));
    shop::open(&first, &[("CUP", "cups", 1_000, 10)])?;
    place(&first, "before")?;
    let (all, ends) = (Receiver::listen(204)?, Receiver::listen(200)?);
    let secret = endpoint(&first, "all", &json!({ "url": all.url() }))?;
    endpoint(&first, "ends", &json!({ "url": ends.url(), "types": ["order.cancelled"] }))?;
    let order = place(&second, "after")?;
    let placed = heard(&all, 1)?;
    assert_eq!(placed[0].told(), ("order.placed", order.as_str(), 1), "nothing from before");
    assert!(placed[0].is_signed_with(&secret)?);
    assert_eq!(placed[0].event["tenant"], "mall");
    let rotated = second.post("/v1/webhooks/all/rotate-secret", &json!({}))?.ok(200);
    let new = rotated["secret"].as_str().context("a secret")?;
    first.cancel(&order)?.ok(200);
    let cancelled = heard(&all, 2)?;
    assert_eq!(cancelled[1].told(), ("order.cancelled", order.as_str(), 2));
    // The other process may have sent it before it read the new secret; what it sends from then on has both.
    assert!(cancelled[1].is_signed_with(&secret)?);
    let sequence = cancelled[1].event["sequence"].as_i64().context("a sequence")?;
    wait_until(WITHIN, || {
        let again = second.post("/v1/webhooks/all/redeliver", &json!({ "sequence": sequence }))?.ok(200);
        assert_eq!(again["events"], 1);
        let count = all.heard().len();
        let last = heard(&all, count + 1)?.pop().context("a request")?;
        assert_eq!((&last.id, last.told()), (&cancelled[1].id, cancelled[1].told()));
        assert!(last.is_signed_with(&secret)?);
        last.is_signed_with(new)
    })?;
    assert_eq!(heard(&ends, 1)?[0].told(), ("order.cancelled", order.as_str(), 2));
    wait_until(WITHIN, || {
        let log = first.get("/v1/webhooks/all/deliveries")?.ok(200);
        let tries = log["deliveries"].as_array().context("a list")?;
        Ok(tries.len() == all.heard().len() && tries.iter().all(|each| each["taken"] == true && each["status"] == 204))
    })?;
    assert_eq!(ends.heard().len(), 1, "of the other types nothing arrives");
    Ok(())
}

/// What one order's later event waits for arrives first; another order's events go on meanwhile.
pub(crate) fn an_endpoint_that_was_down_gets_its_events_in_order(at: &Installation) -> Result<()> {
    let key = at.key(MALL)?;
    let (first, second) = (at.first(&key), at.second(&key));
    shop::open(&first, &[("CUP", "cups", 1_000, 10)])?;
    let receiver = Receiver::listen(503)?;
    endpoint(&first, "erp", &json!({ "url": receiver.url() }))?;
    let order = place(&first, "one")?;
    heard(&receiver, 1)?;
    second.cancel(&order)?.ok(200);
    let waiting = |count: i64| {
        wait_until(WITHIN, || Ok(second.get("/v1/webhooks/erp")?.ok(200)["waiting"] == count))
            .with_context(|| format!("not {count} waiting"))
    };
    waiting(2)?;
    let log = second.get("/v1/webhooks/erp/deliveries")?.ok(200);
    assert_eq!((&log["deliveries"][0]["status"], &log["deliveries"][0]["taken"]), (&json!(503), &json!(false)));
    receiver.will_answer(200);
    let other = place(&first, "two")?;
    // Tried again after 5 s.
    waiting(0)?;
    let last_tries = receiver.heard();
    let place_of = |told: (&str, &str, i64)| last_tries.iter().rposition(|heard| heard.told() == told);
    let (placed, cancelled) = (("order.placed", order.as_str(), 1), ("order.cancelled", order.as_str(), 2));
    assert!(place_of(placed).context("it was placed")? < place_of(cancelled).context("it was cancelled")?);
    assert!(place_of(("order.placed", other.as_str(), 1)) < place_of(cancelled), "it did not wait");
    assert_eq!(last_tries.iter().filter(|heard| heard.told() == cancelled).count(), 1);
    Ok(())
}

/// 410 ends it until its owner enables it; an address inside is refused before anything is sent.
pub(crate) fn an_endpoint_that_is_gone_or_inside_is_left_alone(at: &Installation) -> Result<()> {
    let key = at.key(MALL)?;
    let (first, second) = (at.first(&key), at.second(&key));
    shop::open(&first, &[("CUP", "cups", 1_000, 10)])?;
    for url in ["http://10.0.0.1/", "https://169.254.169.254/", "http://shop.example/", "https://[::1]/", "file:///x"] {
        let errors = first.put("/v1/webhooks/inside", &json!({ "url": url }))?.refused(422, "invalid_field");
        assert_eq!(errors[0]["pointer"], "/url", "{url}");
    }
    let receiver = Receiver::listen(410)?;
    let hook = json!({ "url": receiver.url() });
    endpoint(&first, "erp", &hook)?;
    let order = place(&first, "one")?;
    wait_until(WITHIN, || Ok(second.get("/v1/webhooks/erp")?.ok(200)["disabled_reason"] == "gone"))?;
    let sent = receiver.heard().len();
    receiver.will_answer(200);
    let later = place(&second, "two")?;
    second.put("/v1/webhooks/erp", &hook)?.ok(200);
    let heard = heard(&receiver, sent + 2)?;
    let told: Vec<_> = heard[sent..].iter().map(Heard::told).collect();
    assert!(told.contains(&("order.placed", &order, 1)) && told.contains(&("order.placed", &later, 1)), "{told:?}");
    Ok(())
}
