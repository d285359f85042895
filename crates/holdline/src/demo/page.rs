//! The demo's page: stock, last orders and figures, in one file that asks the API of the same server.
//!
//! It carries the demo's key, which everyone knows; a server that is not the demo's neither has this page nor accepts
//! that key. Nothing is loaded from outside.

use std::path::Path;

use anyhow::Context as _;
use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::routing::get;
use serde_json::{Value, json};

use super::catalog::{CURL_SKU, CURRENCY, price_minor, shop};
use super::verdict::Verdict;
use crate::provision::DEMO_KEY;

/// The page's text; `__DATA__` stands for its figures.
const PAGE: &str = include_str!("page.html");
/// Where the figures of the acts wait for the server that shows them, in the data directory.
const FIGURES_FILE: &str = "demo.json";
/// The page asks this server and loads nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'";

/// The page at `/`, with the figures of the acts that were played on this data.
pub(crate) fn router(data: &Path) -> Router {
    let figures = std::fs::read(data.join(FIGURES_FILE)).ok();
    let figures = figures.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or(Value::Null);
    let page: &'static str = page(&figures).leak();
    let headers =
        [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-store"), (CONTENT_SECURITY_POLICY, POLICY)];
    Router::new().route("/", get(async move || (headers, page)))
}

/// Leaves the figures for the server.
pub(super) fn write_figures(data: &Path, verdict: &Verdict) -> anyhow::Result<()> {
    let path = data.join(FIGURES_FILE);
    std::fs::write(&path, serde_json::to_vec(verdict)?).with_context(|| format!("cannot write {}", path.display()))
}

fn page(figures: &Value) -> String {
    let skus: Vec<Value> =
        shop().skus.iter().map(|sku| json!({"sku": sku.code, "title": sku.title, "seller": sku.seller})).collect();
    let data = json!({"key": DEMO_KEY, "skus": skus, "figures": figures});
    // A script ends at the first `<` of its end tag, wherever that stands.
    PAGE.replace("__DATA__", &data.to_string().replace('<', "\\u003c"))
}

/// What to try, printed once the server runs.
pub(super) fn invitation(url: &str) -> String {
    let body = json!({
        "buyer_id": "me",
        "lines": [{"sku": CURL_SKU, "quantity": 1, "unit_price": {"amount": price_minor(CURL_SKU), "currency": CURRENCY}}],
    });
    let program = if std::env::var_os("CARGO").is_some() { "cargo run --release --" } else { "holdline" };
    format!(
        "\nPage:  {url}/\nAPI:   {url}/docs\nKey:   {DEMO_KEY}\n\nPlace an order (send it twice: the key makes it one):\n\n  \
         curl -sS {url}/v1/orders \\\n    -H 'Authorization: Bearer {DEMO_KEY}' \\\n    -H 'Idempotency-Key: my-first-order' \
         \\\n    -H 'Content-Type: application/json' \\\n    -d '{body}'\n\nPut it under load:\n\n  {program} bench hot-sku \
         --target {url}\n\nCtrl-C ends it.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_whole_and_loads_nothing_from_outside() {
        let page = page(&json!({"sold": 1, "words": "</script>"}));
        assert!(!page.contains("__DATA__") && page.contains(DEMO_KEY));
        assert_eq!(page.matches("</script>").count(), 1);
        assert!(!page.contains("http://") && !page.contains("https://"));
    }

    #[test]
    fn the_printed_curl_has_a_body_that_is_json() {
        let text = invitation("http://127.0.0.1:7070");
        let body = text.split("-d '").nth(1).unwrap().split('\'').next().unwrap();
        assert_eq!(serde_json::from_str::<Value>(body).unwrap()["lines"][0]["sku"], CURL_SKU);
    }
}
