//! A shop to buy in: sellers, SKUs with stock, and carts.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::client::Client;

/// A SKU with its seller, price in fen, and units on hand.
pub(crate) type Goods<'a> = (&'a str, &'a str, i64, i64);

/// Writes sellers, SKUs and stock.
pub(crate) fn open(admin: &Client, goods: &[Goods<'_>]) -> Result<()> {
    for (_, seller, _, _) in goods {
        admin.put(&format!("/v1/sellers/{seller}"), &json!({ "name": seller }))?.ok(200);
    }
    let skus: Vec<Value> = goods.iter().map(|(sku, seller, price, _)| with_code(sku, entry(seller, *price))).collect();
    let written = admin.post("/v1/skus:batch", &json!({ "skus": skus }))?.ok(200);
    for result in written["results"].as_array().context("a list")? {
        assert_eq!(result["outcome"], "stored", "{written}");
    }
    for (sku, _, _, units) in goods.iter().filter(|(.., units)| *units > 0) {
        stock_in(admin, sku, *units, "stock-in")?;
    }
    Ok(())
}

/// What the catalog is told of a SKU.
pub(crate) fn entry(seller: &str, price: i64) -> Value {
    json!({ "seller": seller, "title": format!("Goods of {seller} 商品"), "price": cny(price), "on_shelf": true })
}

/// The same in a batch.
pub(crate) fn with_code(sku: &str, mut entry: Value) -> Value {
    entry["sku"] = json!(sku);
    entry
}

/// Writes a SKU as it shall be from now on.
pub(crate) fn change(admin: &Client, sku: &str, entry: &Value) -> Result<()> {
    let written = admin.put(&format!("/v1/skus/{sku}"), entry)?.ok(200);
    assert_eq!(written["outcome"], "stored", "{sku}");
    Ok(())
}

/// Adds units under a reference; the answer.
pub(crate) fn stock_in(admin: &Client, sku: &str, units: i64, reference: &str) -> Result<Value> {
    let adjustment = json!({ "delta": units, "reference": reference });
    Ok(admin.post(&format!("/v1/stock/{sku}/adjustments"), &adjustment)?.ok(200))
}

/// An amount of fen.
pub(crate) fn cny(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "CNY" })
}

/// A cart of lines: SKU, quantity, price that the buyer saw.
pub(crate) fn cart(buyer: &str, lines: &[(&str, i64, i64)]) -> Value {
    let line = |&(sku, quantity, price): &(&str, i64, i64)| {
        let unit_price = cny(price);
        json!({ "sku": sku, "quantity": quantity, "unit_price": unit_price })
    };
    json!({ "buyer_id": buyer, "lines": lines.iter().map(line).collect::<Vec<_>>() })
}

/// The order numbers of a group or a list.
pub(crate) fn order_nos(orders: &Value) -> Vec<&str> {
    let numbers = orders["orders"].as_array().into_iter().flatten();
    numbers.filter_map(|order| order["order_no"].as_str()).collect()
}

/// The number of the only order of a group.
pub(crate) fn only_order(group: &Value) -> Result<&str> {
    match order_nos(group)[..] {
        [only] => Ok(only),
        _ => anyhow::bail!("not one order: {group}"),
    }
}
