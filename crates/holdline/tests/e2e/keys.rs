//! Idempotency keys and API keys: what a key stands for, everywhere and whoever sends it.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::client::at_once;
use crate::installation::{Installation, MALL};
use crate::process::wait_until;
use crate::shop::{self, cart, order_nos};

/// Clients that send one submit at the same moment.
const TWINS: usize = 16;
/// A revoked key is refused within 5 s; the rest is for a busy machine.
const REVOKED_WITHIN: Duration = Duration::from_secs(10);

/// Another quantity, another buyer's note: not the submit that the key names.
pub(crate) fn a_key_with_another_content_is_refused(at: &Installation) -> Result<()> {
    let key = at.key(MALL)?;
    let (first, second) = (at.first(&key), at.second(&key));
    shop::open(&first, &[("CUP", "cups", 1_000, 10)])?;
    let group = first.place("reused-1", &cart("ann", &[("CUP", 1, 1_000)]))?;
    second.submit("reused-1", &cart("ann", &[("CUP", 2, 1_000)]))?.refused(422, "idempotency_key_reused");
    // What would be refused by itself is refused for its key all the same.
    second.submit("reused-1", &cart("ann", &[("CUP", 99, 1)]))?.refused(422, "idempotency_key_reused");
    let mut noted = cart("ann", &[("CUP", 1, 1_000)]);
    noted["note"] = json!("as a gift");
    second.submit("reused-1", &noted)?.refused(422, "idempotency_key_reused");
    assert_eq!(first.sums("CUP")?, [10, 1, 0, 9]);
    let listed = second.get("/v1/orders?buyer_id=ann")?.ok(200);
    assert_eq!(order_nos(&listed), order_nos(&group));
    Ok(())
}

/// All are answered the same orders, and one of them is told that they are new.
pub(crate) fn one_key_sent_by_many_at_once_is_one_order_group(at: &Installation) -> Result<()> {
    let key = at.key(MALL)?;
    let clients = at.both(&key);
    shop::open(&clients[0], &[("CUP", "cups", 1_000, 100), ("TEA", "tea", 2_000, 100)])?;
    for round in 0..5 {
        let (twin, buyer) = (format!("twin-{round}"), format!("ann-{round}"));
        let cart = cart(&buyer, &[("CUP", 1, 1_000), ("TEA", 1, 2_000)]);
        let answers = at_once(TWINS, |n| clients[n % 2].submit(&twin, &cart))?;
        assert_eq!(answers.iter().filter(|answer| !answer.is_replayed()).count(), 1, "one is new: {answers:?}");
        let groups: Vec<_> = answers.into_iter().map(|answer| answer.ok(201)).collect();
        let numbers: BTreeSet<_> = groups.iter().map(order_nos).collect();
        assert_eq!(numbers.len(), 1, "{numbers:?}");
        let listed = clients[1].get(&format!("/v1/orders?buyer_id={buyer}"))?.ok(200);
        assert_eq!(order_nos(&listed).len(), 2, "{listed}");
        let held = round + 1;
        assert_eq!(clients[1].sums("CUP")?, [100, held, 0, 100 - held]);
    }
    Ok(())
}

/// The client outlives its keys; another client's orders are another's.
pub(crate) fn a_revoked_key_is_refused_and_its_successor_finds_the_orders(at: &Installation) -> Result<()> {
    let leaked = at.key(MALL)?;
    shop::open(&at.first(&leaked), &[("CUP", "cups", 1_000, 10)])?;
    let cart = cart("ann", &[("CUP", 1, 1_000)]);
    let group = at.first(&leaked).place("renewed-1", &cart)?;
    at.revoke(&leaked)?;
    for client in at.both(&leaked) {
        let refused = || Ok(client.get("/v1/stock/CUP")?.status == 401);
        wait_until(REVOKED_WITHIN, refused).context("a revoked key is in force")?;
        client.submit("renewed-1", &cart)?.refused(401, "api_key_invalid");
        client.cancel(order_nos(&group)[0])?.refused(401, "api_key_invalid");
    }
    let renewed = at.key(MALL)?;
    for client in at.both(&renewed) {
        let again = client.submit("renewed-1", &cart)?;
        assert!(again.is_replayed(), "{again:?}");
        assert_eq!(order_nos(&again.ok(201)), order_nos(&group));
        let read = client.get("/v1/order-groups/by-key/renewed-1?buyer_id=ann")?.ok(200);
        assert_eq!(read["order_group"], group["order_group"]);
    }
    let other = at.second(&at.key("--tenant mall --client erp --scope shop")?);
    other.get("/v1/order-groups/by-key/renewed-1?buyer_id=ann")?.refused(404, "not_found");
    assert_ne!(order_nos(&other.place("renewed-1", &cart)?), order_nos(&group));
    assert_eq!(at.first(&renewed).sums("CUP")?, [10, 2, 0, 8]);
    Ok(())
}

/// "never" is kept, whichever process the submit comes to; what was placed stays placed.
pub(crate) fn an_abandoned_submit_never_becomes_an_order(at: &Installation) -> Result<()> {
    let key = at.key(MALL)?;
    let (first, second) = (at.first(&key), at.second(&key));
    shop::open(&first, &[("CUP", "cups", 1_000, 10)])?;
    let cart = cart("ann", &[("CUP", 1, 1_000)]);
    for client in [&first, &second] {
        assert_eq!(client.abandon("late-1", "ann")?.ok(200), json!({ "outcome": "never" }));
    }
    for client in [&second, &first] {
        client.submit("late-1", &cart)?.refused(409, "submit_abandoned");
        client.get("/v1/order-groups/by-key/late-1?buyer_id=ann")?.refused(409, "submit_abandoned");
    }
    second.wait_for_sums("CUP", [10, 0, 0, 10])?;

    let group = second.place("late-2", &cart)?;
    let abandoned = first.abandon("late-2", "ann")?.ok(200);
    assert_eq!((&abandoned["outcome"], &abandoned["order_group"]), (&json!("placed"), &group["order_group"]));
    assert_eq!(order_nos(&abandoned), order_nos(&group));
    assert_eq!(abandoned["orders"][0]["status"], "pending_payment");
    assert_eq!(second.sums("CUP")?, [10, 1, 0, 9]);
    Ok(())
}
