//! Holds for callers with their own orders: taken here, ended there, and at their deadline by what their taker says.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::client::at_once;
use crate::installation::Installation;
use crate::process::{WITHIN, wait_until};
use crate::shop::{self, cart};
use crate::taker::Taker;

const KEY: &str = "--tenant erp --client erp --scope hold --scope shop --scope admin";

fn hold(id: &str, units: i64, expires_in: i64) -> Value {
    json!({ "hold_id": id, "lines": [{ "sku": "CUP", "quantity": units }], "expires_in": expires_in })
}

/// Holds compete with orders for the same units; two processes and many callers agree on every one of them.
pub(crate) fn a_hold_is_taken_once_and_ended_once_whoever_asks(at: &Installation) -> Result<()> {
    let key = at.key(KEY)?;
    let (first, second) = (at.first(&key), at.second(&key));
    shop::open(&first, &[("CUP", "cups", 1_000, 10)])?;
    let taken = at_once(8, |n| at.both(&key)[n % 2].post("/v1/holds", &hold("po-1", 4, 600)))?;
    assert_eq!(taken.iter().filter(|answer| !answer.is_replayed()).count(), 1, "one of them took it");
    assert!(taken.iter().all(|answer| answer.status == 201), "{taken:?}");
    second.wait_for_sums("CUP", [10, 4, 0, 6])?;
    first.place("order-1", &cart("ann", &[("CUP", 6, 1_000)]))?;
    let refused = second.post("/v1/holds", &hold("po-2", 1, 600))?.refused(422, "hold_refused");
    assert_eq!((&refused[0]["sku"], &refused[0]["available"]), (&json!("CUP"), &json!(0)));
    let ends = at_once(8, |n| {
        let what = if n % 2 == 0 { "commit" } else { "release" };
        Ok((what, at.both(&key)[n / 2 % 2].post(&format!("/v1/holds/po-1/{what}"), &json!({}))?.status))
    })?;
    let [_, held, allocated, _] = first.sums("CUP")?;
    let won = if allocated == 4 { "commit" } else { "release" };
    assert!(ends.iter().all(|(what, status)| *status == if *what == won { 200 } else { 409 }), "{won} won: {ends:?}");
    assert_eq!(held, 6, "the order's own units");
    Ok(())
}

/// What was given up before it arrived is never taken, on any process.
pub(crate) fn a_hold_given_up_before_it_arrives_stays_away(at: &Installation) -> Result<()> {
    let key = at.key(KEY)?;
    let (first, second) = (at.first(&key), at.second(&key));
    shop::open(&first, &[("CUP", "cups", 1_000, 3)])?;
    first.place("order-1", &cart("ann", &[("CUP", 1, 1_000)]))?;
    assert_eq!(first.post("/v1/holds/lost/release", &json!({}))?.ok(200), json!({ "outcome": "never" }));
    second.post("/v1/holds", &hold("lost", 2, 600))?.refused(409, "hold_given_up");
    assert_eq!(second.sums("CUP")?, [3, 1, 0, 2]);
    Ok(())
}

/// Past its deadline a hold is released; with a taker to ask, only when it says so, and sold when it says that.
pub(crate) fn an_overdue_hold_ends_as_its_taker_says(at: &Installation) -> Result<()> {
    let key = at.key(KEY)?;
    let (first, second) = (at.first(&key), at.second(&key));
    shop::open(&first, &[("CUP", "cups", 1_000, 10)])?;
    first.place("order-1", &cart("ann", &[("CUP", 1, 1_000)]))?;
    let taker = Taker::listen()?;
    for (id, says) in [("sold", "committed"), ("gone", "released"), ("open", "unknown")] {
        taker.will_say(id, says);
        let mut hold = hold(id, 2, 1);
        hold["check_url"] = json!(taker.url("/check"));
        first.post("/v1/holds", &hold)?.ok(201);
    }
    // Nobody to ask: simply released.
    first.post("/v1/holds", &hold("silent", 2, 1))?.ok(201);
    assert_eq!(second.sums("CUP")?, [10, 9, 0, 1]);
    second.wait_for_sums("CUP", [10, 3, 2, 5])?;
    let state =
        |id: &str| Ok::<_, anyhow::Error>(second.get(&format!("/v1/holds/{id}"))?.ok(200)["parts"][0]["state"].clone());
    assert_eq!(
        [state("sold")?, state("gone")?, state("open")?, state("silent")?],
        [json!("committed"), json!("released"), json!("held"), json!("released")]
    );
    wait_until(WITHIN, || Ok(!taker.asked("open").is_empty())).context("nobody asked about the third")?;
    let question = &taker.asked("open")[0];
    assert_eq!(
        (&question["type"], &question["tenant"], &question["asked"]),
        (&json!("hold.check"), &json!("erp"), &json!(0))
    );
    // The taker may still end it itself, or extend it.
    first.post("/v1/holds/open/extend", &json!({ "expires_in": 600 }))?.ok(200);
    first.post("/v1/holds/open/commit", &json!({}))?.ok(200);
    second.wait_for_sums("CUP", [10, 1, 4, 5])
}

/// Addresses of private networks that were not allowed, and plain HTTP to the world, are refused before anything is held.
pub(crate) fn an_address_that_may_not_be_asked_is_refused(at: &Installation) -> Result<()> {
    let key = at.key(KEY)?;
    let client = at.first(&key);
    shop::open(&client, &[("CUP", "cups", 1_000, 3)])?;
    client.place("order-1", &cart("ann", &[("CUP", 1, 1_000)]))?;
    for url in
        ["http://10.0.0.1/", "https://169.254.169.254/latest/meta-data", "http://example.com/", "https://[fe80::1]/"]
    {
        let mut hold = hold("h", 1, 600);
        hold["check_url"] = json!(url);
        let errors = client.post("/v1/holds", &hold)?.refused(422, "invalid_field");
        assert_eq!(errors[0]["pointer"], "/check_url", "{url}");
    }
    assert_eq!(client.sums("CUP")?, [3, 1, 0, 2]);
    Ok(())
}
