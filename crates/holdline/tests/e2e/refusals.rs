//! A submit that cannot be: every difference is named at once, nothing is held, and the key may be used again.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::client::Client;
use crate::installation::{Installation, MALL};
use crate::shop::{self, cart, cny};

/// Five causes in one submit; once they are gone, the same submit becomes an order elsewhere.
pub(crate) fn a_refusal_names_every_difference_and_spends_nothing(at: &Installation) -> Result<()> {
    let key = at.key(MALL)?;
    let (first, second) = (at.first(&key), at.second(&key));
    let goods = ["GOOD", "DEAR", "HIDDEN", "SCARCE", "FEW"].map(|sku| (sku, "cups", 1_000, 10));
    shop::open(&first, &goods)?;
    shop::change(&first, "HIDDEN", &with(&json!({ "on_shelf": false })))?;
    shop::change(&first, "SCARCE", &with(&json!({ "quota_per_buyer": 2 })))?;
    shop::stock_in(&first, "FEW", -9, "write-off")?;
    let lines = [("GOOD", 1), ("DEAR", 1), ("HIDDEN", 1), ("SCARCE", 3), ("FEW", 2), ("NONE", 1)];
    let mut lines = lines.map(|(sku, quantity)| (sku, quantity, 1_000));
    lines[1].2 = 900;
    let cart = cart("ann", &lines);

    it_is_refused(&first, &cart)?;
    it_is_refused(&second, &cart)?;
    for (sku, on_hand) in [("GOOD", 10), ("DEAR", 10), ("HIDDEN", 10), ("SCARCE", 10), ("FEW", 1)] {
        assert_eq!(second.sums(sku)?, [on_hand, 0, 0, on_hand], "{sku}: nothing is held");
    }
    second.get("/v1/order-groups/by-key/refused-1?buyer_id=ann")?.refused(404, "not_found");

    shop::change(&first, "DEAR", &with(&json!({ "price": cny(900) })))?;
    shop::change(&first, "HIDDEN", &with(&json!({})))?;
    shop::change(&first, "SCARCE", &with(&json!({ "quota_per_buyer": 3 })))?;
    shop::stock_in(&first, "FEW", 1, "found")?;
    shop::change(&first, "NONE", &with(&json!({})))?;
    shop::stock_in(&first, "NONE", 1, "stock-in")?;
    let placed = second.submit("refused-1", &cart)?;
    assert!(!placed.is_replayed(), "{placed:?}");
    assert_eq!(placed.ok(201)["total"], cny(8_900));
    for (sku, sums) in [("GOOD", [10, 1, 0, 9]), ("SCARCE", [10, 3, 0, 7]), ("FEW", [2, 2, 0, 0])] {
        assert_eq!(first.sums(sku)?, sums, "{sku}");
    }
    Ok(())
}

/// What the catalog is told of a SKU, with changes.
fn with(changes: &Value) -> Value {
    let mut entry = shop::entry("cups", 1_000);
    for (name, value) in changes.as_object().into_iter().flatten() {
        entry[name] = value.clone();
    }
    entry
}

fn it_is_refused(client: &Client, cart: &Value) -> Result<()> {
    let errors = client.submit("refused-1", cart)?.refused(422, "order_refused");
    let mut seen = errors.as_array().context("a list of reasons")?.clone();
    for error in &mut seen {
        // What else it says is for people, or counts what happened before.
        let facts = error.as_object_mut().context("facts")?;
        facts.retain(|name, _| !["detail", "account_version", "pointer"].contains(&name.as_str()));
    }
    seen.sort_by_key(|error| error["sku"].to_string());
    let expected = [
        json!({ "code": "price_changed", "sku": "DEAR", "old_price": cny(900), "new_price": cny(1_000) }),
        json!({ "code": "insufficient_stock", "sku": "FEW", "requested": 2, "available": 1 }),
        json!({ "code": "off_shelf", "sku": "HIDDEN" }),
        json!({ "code": "unknown_sku", "sku": "NONE" }),
        json!({ "code": "quota_exceeded", "sku": "SCARCE", "requested": 3, "available": 2 }),
    ];
    assert_eq!(seen, expected);
    Ok(())
}
