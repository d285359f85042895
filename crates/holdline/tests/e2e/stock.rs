//! Stock under several processes: the last units, units that come back, and units that are sold at once.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::client::{Client, at_once};
use crate::installation::{Installation, MALL};
use crate::process::{WITHIN, wait_until};
use crate::shop::{self, cart, only_order, order_nos};

/// Those who want one of the last units.
const BUYERS: usize = 40;
/// The last units.
const UNITS: i64 = 5;
/// What one process gives back, another sells within 1 s; the rest is for a busy machine.
const SELLABLE_WITHIN: Duration = Duration::from_secs(5);

/// As many orders as units, everyone else is told how many there are, and no balance was ever below zero.
pub(crate) fn the_last_units_are_sold_once(at: &Installation) -> Result<()> {
    let key = at.key(MALL)?;
    let clients = at.both(&key);
    shop::open(&clients[0], &[("LAST", "cups", 1_000, UNITS)])?;
    let buy =
        |n: usize| clients[n % 2].submit(&format!("last-{n}"), &cart(&format!("buyer-{n}"), &[("LAST", 1, 1_000)]));
    let (sold, refused): (Vec<_>, Vec<_>) = at_once(BUYERS, buy)?.into_iter().partition(|answer| answer.status == 201);
    assert_eq!((sold.len(), refused.len()), (5, 35));
    let groups: Vec<_> = sold.into_iter().map(|answer| answer.ok(201)).collect();
    assert_eq!(groups.iter().flat_map(order_nos).collect::<BTreeSet<_>>().len(), 5);
    for answer in refused {
        let errors = answer.refused(422, "order_refused");
        assert_eq!((errors.as_array().map(Vec::len), &errors[0]["code"]), (Some(1), &"insufficient_stock".into()));
        assert!(errors[0]["requested"] == 1 && errors[0]["available"].as_i64() < Some(1), "{errors}");
    }
    for client in &clients {
        assert_eq!(client.sums("LAST")?, [UNITS, UNITS, 0, 0]);
        let mut available = 0;
        for (kind, quantity) in movements(client, "LAST")? {
            available += if kind == "hold" { -quantity } else { quantity };
            assert!(available >= 0, "{kind} {quantity} leaves {available}");
        }
    }
    Ok(())
}

/// The second process has just refused, and marked the SKU as sold out.
pub(crate) fn stock_given_back_here_is_sold_there(at: &Installation) -> Result<()> {
    let key = at.key(MALL)?;
    let (first, second) = (at.first(&key), at.second(&key));
    shop::open(&first, &[("ONE", "cups", 1_000, 1)])?;
    let group = first.place("given-back", &cart("ann", &[("ONE", 1, 1_000)]))?;
    let bob = cart("bob", &[("ONE", 1, 1_000)]);
    for n in 0..3 {
        let errors = second.submit(&format!("too-early-{n}"), &bob)?.refused(422, "order_refused");
        assert_eq!((&errors[0]["code"], &errors[0]["available"]), (&"insufficient_stock".into(), &0.into()));
    }
    first.cancel(only_order(&group)?)?.ok(200);
    let mut tries = 0;
    let elapsed = wait_until(SELLABLE_WITHIN, || {
        tries += 1;
        Ok(second.submit(&format!("again-{tries}"), &bob)?.status == 201)
    });
    let elapsed = elapsed.context("what was given back is not for sale")?;
    println!("sold on the second process {elapsed:?} after the cancel on the first, at try {tries}");
    assert_eq!(first.sums("ONE")?, [1, 1, 0, 0]);
    Ok(())
}

/// Sold as soon as the order exists, given back when it ends unpaid.
pub(crate) fn a_tenant_that_commits_at_creation_allocates_at_once(at: &Installation) -> Result<()> {
    let key = at.key("--tenant outlet --client app --scope shop --scope admin --commit-on order-created")?;
    let (first, second) = (at.first(&key), at.second(&key));
    shop::open(&first, &[("CUP", "cups", 1_000, 10), ("TEA", "tea", 2_000, 10)])?;
    let mut limited = shop::entry("cups", 1_000);
    limited["quota_per_buyer"] = 3.into();
    shop::change(&first, "CUP", &limited)?;
    let group = first.place("sold-1", &cart("ann", &[("CUP", 3, 1_000), ("TEA", 2, 2_000)]))?;
    for client in [&first, &second] {
        client.wait_for_sums("CUP", [10, 0, 3, 7])?;
        client.wait_for_sums("TEA", [10, 0, 2, 8])?;
    }
    let cups = order_nos(&group)[0];
    assert_eq!(second.get(&format!("/v1/orders/{cups}"))?.ok(200)["status"], "pending_payment");
    assert_eq!(second.cancel(cups)?.ok(200)["status"], "cancelled");
    for client in [&first, &second] {
        client.wait_for_sums("CUP", [10, 0, 0, 10])?;
        assert_eq!(client.sums("TEA")?, [10, 0, 2, 8], "the other seller's order stands");
    }
    let told = |sku: &str| movements(&second, sku);
    let of = |kind: &str, quantity: i64| (kind.to_owned(), quantity);
    assert_eq!(told("CUP")?, [of("adjust", 10), of("hold", 3), of("commit", 3), of("unallocate", 3)]);
    assert_eq!(told("TEA")?, [of("adjust", 10), of("hold", 2), of("commit", 2)]);
    // The buyer's quota is given back as well.
    let again = cart("ann", &[("CUP", 3, 1_000)]);
    let sold = || Ok(second.submit("sold-2", &again)?.status == 201);
    wait_until(WITHIN, sold).context("the quota is not given back")?;
    first.wait_for_sums("CUP", [10, 0, 3, 7])?;
    second.submit("sold-3", &cart("ann", &[("CUP", 1, 1_000)]))?.refused(422, "order_refused");
    Ok(())
}

/// What happened to a SKU's stock, oldest first: kind and quantity.
fn movements(client: &Client, sku: &str) -> Result<Vec<(String, i64)>> {
    let page = client.get(&format!("/v1/stock/{sku}/movements?limit=100"))?.ok(200);
    assert_eq!(page["has_more"], false, "{page}");
    let of = |movement: &Value| {
        let kind = movement["kind"].as_str().context("a kind")?;
        Ok((kind.to_owned(), movement["quantity"].as_i64().context("a quantity")?))
    };
    page["movements"].as_array().context("movements")?.iter().rev().map(of).collect()
}
