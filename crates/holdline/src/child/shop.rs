//! A shop to sell from: sellers, SKUs and opening stock, written over HTTP with an admin key.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::client::{Answer, Client, percent_encoded};

/// SKUs of one batch call; the API takes up to 500.
const SKUS_PER_CALL: usize = 500;
/// SKUs of one stock query; the API takes up to 100.
const STOCK_PER_CALL: usize = 100;

/// A seller to write.
#[derive(Clone, Debug)]
pub(crate) struct SellerRow {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// A SKU to write.
#[derive(Clone, Debug)]
pub(crate) struct SkuRow {
    pub(crate) code: String,
    pub(crate) seller: String,
    pub(crate) title: String,
    pub(crate) price_minor: i64,
    pub(crate) currency: &'static str,
    pub(crate) quota_per_buyer: Option<i64>,
    /// Units on hand at the start; 0 leaves the SKU without an account.
    pub(crate) opening: i64,
}

/// Balances of one SKU as the API shows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StockRow {
    pub(crate) on_hand: i64,
    pub(crate) held: i64,
    pub(crate) allocated: i64,
    pub(crate) available: i64,
}

/// What a shop sells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shop {
    pub(crate) sellers: Vec<SellerRow>,
    pub(crate) skus: Vec<SkuRow>,
}

impl Shop {
    /// Writes sellers, SKUs and opening stock. `admin` has the scope admin; `reference` makes the adjustments unique.
    pub(crate) fn write(&self, admin: &mut Client, reference: &str) -> anyhow::Result<()> {
        for seller in &self.sellers {
            let target = format!("/v1/sellers/{}", percent_encoded(&seller.id));
            admin.put(&target, &json!({"name": seller.name}))?.success().context("a seller was not written")?;
        }
        for skus in self.skus.chunks(SKUS_PER_CALL) {
            let body = json!({"skus": skus.iter().map(SkuRow::json).collect::<Vec<_>>()});
            let answer = admin.post("/v1/skus:batch", &body)?.success().context("the SKUs were not written")?;
            let results = answer["results"].as_array().context("the answer has no `results`")?;
            let refused =
                results.iter().find(|result| result["outcome"] != "stored" && result["outcome"] != "unchanged");
            ensure!(refused.is_none(), "a SKU was not written: {}", refused.unwrap_or(&Value::Null));
        }
        for sku in self.skus.iter().filter(|sku| sku.opening != 0) {
            let answer = adjust(admin, &sku.code, sku.opening, reference)?;
            answer.success().with_context(|| format!("the opening stock of {} was not written", sku.code))?;
        }
        Ok(())
    }
}

impl SkuRow {
    fn json(&self) -> Value {
        let mut row = json!({
            "sku": self.code,
            "seller": self.seller,
            "title": self.title,
            "price": {"amount": self.price_minor, "currency": self.currency},
            "on_shelf": true,
        });
        if let Some(quota) = self.quota_per_buyer {
            row["quota_per_buyer"] = json!(quota);
        }
        row
    }
}

/// Changes on hand by a delta; the answer may be a refusal.
pub(crate) fn adjust(admin: &mut Client, sku: &str, delta: i64, reference: &str) -> anyhow::Result<Answer> {
    let target = format!("/v1/stock/{}/adjustments", percent_encoded(sku));
    admin.post(&target, &json!({"delta": delta, "reference": reference}))
}

/// The balances of SKUs, in their order; a SKU without an account has none.
pub(crate) fn stock(client: &mut Client, skus: &[&str]) -> anyhow::Result<Vec<StockRow>> {
    let mut rows = Vec::with_capacity(skus.len());
    for skus in skus.chunks(STOCK_PER_CALL) {
        let list = skus.iter().map(|sku| percent_encoded(sku)).collect::<Vec<_>>().join(",");
        let answer = client.get(&format!("/v1/stock?sku={list}"))?.success().context("the stock was not read")?;
        let stock = answer["stock"].as_array().context("the answer has no `stock`")?;
        for sku in skus {
            rows.push(stock.iter().find(|row| row["sku"] == *sku).map(StockRow::of).transpose()?.unwrap_or_default());
        }
    }
    Ok(rows)
}

impl StockRow {
    fn of(row: &Value) -> anyhow::Result<Self> {
        let number = |name: &str| row[name].as_i64().with_context(|| format!("a stock row without `{name}`: {row}"));
        Ok(Self {
            on_hand: number("on_hand")?,
            held: number("held")?,
            allocated: number("allocated")?,
            available: number("available")?,
        })
    }
}
