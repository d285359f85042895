//! A slow sale: the stock of a SKU is spread over periods, what comes back comes back to its own, the rest moves on.

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::client::Client;
use crate::installation::{Installation, MALL};
use crate::process::{WITHIN, wait_until};
use crate::shop::{self, cart, only_order};

/// How long the first period is: the time for a few requests on a busy machine.
const OPEN_FOR: Duration = Duration::from_secs(6);

/// An instant of the sale, counted from now, as the API writes it.
fn at(offset: i64) -> Result<String> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let seconds = i64::try_from(now.as_secs())? + offset;
    Ok(jiff::Timestamp::from_second(seconds)?.to_string())
}

fn put(admin: &Client, name: &str, start: &str, end: &str) -> Result<Value> {
    let period = json!({ "start": start, "end": end, "rest": "next" });
    Ok(admin.put(&format!("/v1/stock/CUP/periods/{name}"), &period)?.ok(200))
}

/// What is available on each account of the SKU, by period.
fn available(client: &Client) -> Result<Vec<(String, i64)>> {
    let stock = client.get("/v1/stock/CUP")?.ok(200);
    let of = |account: &Value| {
        let period = account["period"].as_str().context("a period")?;
        Ok((period.to_owned(), account["available"].as_i64().context("a number")?))
    };
    stock["accounts"].as_array().context("accounts")?.iter().map(of).collect()
}

fn wait_for(client: &Client, expected: &[(&str, i64)]) -> Result<()> {
    let expected: Vec<(String, i64)> = expected.iter().map(|(period, units)| ((*period).to_owned(), *units)).collect();
    let mut last = Vec::new();
    let waited = wait_until(WITHIN, || {
        last = available(client)?;
        Ok(last == expected)
    });
    waited.with_context(|| format!("{last:?} is available, not {expected:?}")).map(drop)
}

/// Two periods with a gap: each sells its own units; a unit that comes back after the end goes the way of the rest.
pub(crate) fn a_slow_sale_sells_each_period_and_moves_its_rest_on(at_all: &Installation) -> Result<()> {
    let key = at_all.key(MALL)?;
    let (first, second) = (at_all.first(&key), at_all.second(&key));
    shop::open(&first, &[("CUP", "cups", 1_000, 3)])?;
    let (ten, noon) = ((at(-5)?, at(i64::try_from(OPEN_FOR.as_secs())?)?), (at(3_600)?, at(7_200)?));
    assert_eq!(put(&first, "ten", &ten.0, &ten.1)?["already"], false);
    put(&first, "noon", &noon.0, &noon.1)?;
    let stock_in = json!({ "delta": 5, "reference": "slow sale", "period": "ten" });
    first.post("/v1/stock/CUP/adjustments", &stock_in)?.ok(200);
    let buy = |key: &str, units: i64| first.submit(key, &cart("ann", &[("CUP", units, 1_000)]));
    let kept = buy("kept", 1)?.ok(201);
    let back = buy("back", 2)?.ok(201);
    assert_eq!(available(&first)?, [(String::new(), 3), ("ten".to_owned(), 2)]);
    let short = buy("too-many", 3)?.refused(422, "order_refused");
    assert_eq!((&short[0]["code"], &short[0]["available"]), (&json!("insufficient_stock"), &json!(2)));
    // It ends; the two that nobody claimed go to the period that starts next.
    wait_for(&second, &[("", 3), ("noon", 2), ("ten", 0)])?;
    let closed = buy("closed", 1)?.refused(422, "order_refused");
    assert_eq!((&closed[0]["code"], &closed[0]["sku"]), (&json!("between_periods"), &json!("CUP")));
    assert!(closed[0]["period_opens"].as_str().is_some_and(|opens| opens[..19] == noon.0[..19]), "{closed}");
    // A known key goes on as it is, whichever period is open.
    let again = buy("kept", 1)?;
    assert!(again.is_replayed() && again.body["order_group"] == kept["order_group"], "{again:?}");
    // What comes back comes back to its own period, and goes on from there.
    second.cancel(only_order(&back)?)?.ok(200);
    wait_for(&first, &[("", 3), ("noon", 4), ("ten", 0)])?;
    assert_eq!(first.sums("CUP")?, [8, 1, 0, 7], "no unit was made or lost");
    first
        .put("/v1/stock/CUP/periods/ten", &json!({ "start": ten.0, "end": noon.0, "rest": "next" }))?
        .refused(409, "period_begun");
    Ok(())
}
