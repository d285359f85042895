//! The pay page as a browser meets it, and the list that a script reads.

mod shop;

use anyhow::{Context as _, Result};
use holdline_domain::port::ProviderWord;
use reqwest::Method;
use serde_json::{Value, json};
use shop::{Shop, attempt};

/// The address of the page, as the storefront gets it.
fn address(word: &ProviderWord) -> Result<String> {
    let ProviderWord::Pending { pay: Some(pay), .. } = word else { anyhow::bail!("nothing to pay: {word:?}") };
    let pay: Value = serde_json::from_str(pay)?;
    Ok(pay["url"].as_str().context("a url")?.to_owned())
}

/// The address that the form of a button posts to.
fn form<'page>(page: &'page str, action: &str) -> Result<&'page str> {
    let actions = page.split("action=\"").skip(1).filter_map(|rest| rest.split('"').next());
    actions.into_iter().find(|address| address.contains(&format!("/{action}?"))).context("a form")
}

#[tokio::test]
async fn a_buyer_pays_on_the_page() -> Result<()> {
    let shop = Shop::open().await?;
    let url = address(&shop.create(1, 12_345).await?)?;
    let (status, page) = shop.visit(Method::GET, &url, None, &Value::Null).await?;
    assert_eq!(status, 200);
    assert!(page.contains("123.45 CNY") && page.contains("Tea &amp; &lt;pots&gt;"), "{page}");
    assert!(page.contains("lang=\"zh\"") && !page.contains("<script"), "{page}");

    let (status, _) = shop.visit(Method::POST, form(&page, "pay")?, None, &Value::Null).await?;
    assert_eq!(status, 303);
    let (_, page) = shop.visit(Method::GET, &url, None, &Value::Null).await?;
    assert!(page.contains("Paid") && !page.contains("<form"), "{page}");
    assert!(page.contains("href=\"https://shop.example.com/orders/1\""), "{page}");
    assert!(matches!(shop.query(1).await?, ProviderWord::Captured { .. }));
    Ok(())
}

#[tokio::test]
async fn a_buyer_declines_on_the_page() -> Result<()> {
    let shop = Shop::open().await?;
    let url = address(&shop.create(1, 100).await?)?;
    let (_, page) = shop.visit(Method::GET, &url, None, &Value::Null).await?;
    assert_eq!(shop.visit(Method::POST, form(&page, "decline")?, None, &Value::Null).await?.0, 303);
    assert!(matches!(shop.query(1).await?, ProviderWord::Failed { .. }));
    Ok(())
}

#[tokio::test]
async fn without_its_token_there_is_no_payment() -> Result<()> {
    let shop = Shop::open().await?;
    let url = address(&shop.create(1, 100).await?)?;
    let other = address(&shop.create(2, 100).await?)?;
    let token = other.rsplit_once('=').context("a token")?.1;
    let page = url.split('?').next().context("a path")?;
    for (method, address) in [
        (Method::GET, page.to_owned()),
        (Method::GET, format!("{page}?token={token}")),
        (Method::POST, format!("{page}/pay?token={token}")),
        (Method::POST, format!("{page}/decline")),
        (Method::POST, format!("{page}/pay?token=")),
    ] {
        assert_eq!(shop.visit(method, &address, None, &Value::Null).await?.0, 404, "{address}");
    }
    assert!(matches!(shop.query(1).await?, ProviderWord::Pending { .. }));
    Ok(())
}

#[tokio::test]
async fn payments_are_listed_in_pages_and_by_state() -> Result<()> {
    let shop = Shop::open().await?;
    for n in 1..=4 {
        shop.create(n, 100).await?;
    }
    shop.decide("pay", 3).await?;
    let list = async |query: &str| {
        let (status, list) = shop.control(Method::GET, &format!("/control/payments?{query}"), &Value::Null).await?;
        anyhow::ensure!(status == 200, "{list}");
        anyhow::Ok(list)
    };
    let first = list("limit=3").await?;
    assert_eq!(first["payments"].as_array().map(Vec::len), Some(3));
    assert_eq!(first["next"], json!(attempt(3).to_string()));
    let rest = list(&format!("limit=3&after={}", attempt(3))).await?;
    assert_eq!(rest["payments"].as_array().map(Vec::len), Some(1));
    assert_eq!(rest["next"], Value::Null);
    let captured = list("state=captured").await?;
    assert_eq!(captured["payments"][0]["payment"], json!(attempt(3).to_string()));
    assert_eq!(captured["payments"][0]["captured"], 100);
    assert_eq!(captured["payments"].as_array().map(Vec::len), Some(1));
    Ok(())
}
