//! Where the captured money is by the orders themselves, each of them read.

use anyhow::Context as _;
use serde_json::Value;

use crate::child::{Client, percent_encoded};

/// Orders of one page, as many as the API gives.
const PAGE: usize = 100;

/// Sums in minor units of the one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Books {
    pub(super) captured: i64,
    pub(super) refunded: i64,
    /// What live orders keep of it.
    pub(super) kept: i64,
}

impl Books {
    /// Reads every order of the tenant.
    pub(super) fn read(client: &mut Client) -> anyhow::Result<Self> {
        let mut books = Self::default();
        let mut next = format!("/v1/orders?limit={PAGE}");
        loop {
            let page = client.get(&next)?.success().context("the orders were not read")?;
            for order in page["orders"].as_array().context("a page without `orders`")? {
                books.add(order)?;
            }
            let Some(cursor) = page["next_cursor"].as_str() else { return Ok(books) };
            next = format!("/v1/orders?limit={PAGE}&cursor={}", percent_encoded(cursor));
        }
    }

    fn add(&mut self, order: &Value) -> anyhow::Result<()> {
        let paid = &order["paid"];
        if paid.is_null() {
            return Ok(());
        }
        let sum = |name: &str| paid[name]["amount"].as_i64().with_context(|| format!("no {name} in {order}"));
        let (captured, refunded) = (sum("captured")?, sum("refunded")?);
        self.captured += captured;
        self.refunded += refunded;
        if matches!(order["status"].as_str(), Some("confirmed" | "completed")) {
            self.kept += captured - refunded;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cancelled_order_keeps_nothing() {
        let paid =
            |captured: i64, refunded: i64| json!({"captured": {"amount": captured}, "refunded": {"amount": refunded}});
        let mut books = Books::default();
        books.add(&json!({"status": "pending_payment"})).unwrap();
        books.add(&json!({"status": "completed", "paid": paid(700, 200)})).unwrap();
        books.add(&json!({"status": "cancelled", "paid": paid(300, 100)})).unwrap();
        assert_eq!(books, Books { captured: 1_000, refunded: 300, kept: 500 });
    }
}
