//! An order's life, from an empty shop to a cancelled order whose stock is for sale again.

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::client::Client;
use crate::installation::{Installation, MALL};
use crate::process::{WITHIN, wait_until};
use crate::shop::{self, cart, cny, order_nos};

/// How long a tenant's orders may stay unpaid if nobody says otherwise, in seconds.
const PAY_WITHIN_S: i64 = 900;

/// Two sellers, one submit, one order cancelled by its buyer.
pub(crate) fn an_order_lives_from_its_submit_to_its_end(at: &Installation) -> Result<()> {
    let key = at.key(MALL)?;
    let (first, second) = (at.first(&key), at.second(&key));
    the_shop_opens(&first, &second)?;
    let mut cart = cart("ann", &[("TEA", 2, 2_000), ("CUP", 1, 1_000), ("POT", 1, 3_000)]);
    cart["address"] = json!({ "city": "上海", "street": ["Nanjing Rd", 1] });
    cart["note"] = json!("ring twice");
    let placed = first.submit("life-1", &cart)?;
    assert!(!placed.is_replayed(), "{placed:?}");
    let location = placed.header("location").context("a location")?.to_owned();
    let group = placed.ok(201);
    assert_eq!(location, format!("/v1/order-groups/{}", group["order_group"].as_str().context("a group")?));
    it_says_what_was_bought(&group)?;
    assert_eq!(second.sums("TEA")?, [10, 2, 0, 8]);
    everyone_reads_it(&first, &second, &group, &location)?;
    it_keeps_its_price(&first, &second, &group)?;
    let cancelled = its_buyer_cancels(&first, &second, &group)?;
    // The same key again, elsewhere: the orders as they are now, nothing placed.
    let replayed = second.submit("life-1", &cart)?;
    assert!(replayed.is_replayed(), "{replayed:?}");
    let replayed = replayed.ok(201);
    assert_eq!((&replayed["order_group"], order_nos(&replayed)), (&group["order_group"], order_nos(&group)));
    let statuses = [&replayed["orders"][0]["status"], &replayed["orders"][1]["status"]];
    assert_eq!(statuses, ["pending_payment", "cancelled"]);
    assert_eq!(replayed["orders"][1]["version"], cancelled["version"]);
    assert_eq!((first.sums("TEA")?, first.sums("CUP")?), ([10, 0, 0, 10], [10, 1, 0, 9]));
    Ok(())
}

fn the_shop_opens(first: &Client, second: &Client) -> Result<()> {
    shop::open(first, &[("CUP", "cups", 1_000, 10), ("POT", "cups", 3_000, 10), ("TEA", "tea", 2_000, 10)])?;
    // A SKU of a seller that nobody has written is left out, the others are written.
    let batch = [("MILK", "tea"), ("LOST", "nobody")].map(|(sku, of)| shop::with_code(sku, shop::entry(of, 500)));
    let written = second.post("/v1/skus:batch", &json!({ "skus": batch }))?.ok(200);
    let outcomes = [&written["results"][0]["outcome"], &written["results"][1]["outcome"]];
    assert_eq!(outcomes, ["stored", "unknown_seller"], "{written}");
    // The same delivery told again, elsewhere.
    let again = shop::stock_in(second, "TEA", 10, "stock-in")?;
    assert_eq!((&again["already"], &again["account"]["on_hand"]), (&json!(true), &json!(10)));
    Ok(())
}

fn it_says_what_was_bought(group: &Value) -> Result<()> {
    assert_eq!((&group["total"], &group["currency"]), (&cny(8_000), &json!("CNY")), "{group:#}");
    let orders = group["orders"].as_array().context("orders")?;
    assert_eq!(orders.len(), 2, "one order per seller");
    for (order, seller, goods) in [(&orders[0], "cups", 4_000), (&orders[1], "tea", 4_000)] {
        assert_eq!((&order["seller"], &order["buyer_id"]), (&json!(seller), &json!("ann")));
        assert_eq!((&order["status"], &order["payment_status"]), (&json!("pending_payment"), &json!("unpaid")));
        assert_eq!((&order["hold_status"], &order["version"]), (&json!("held"), &json!(1)));
        assert_eq!((&order["amounts"]["goods"], &order["amounts"]["total"]), (&cny(goods), &cny(goods)));
        let instant = |name: &str| Ok::<Timestamp, anyhow::Error>(order[name].as_str().context("an instant")?.parse()?);
        let to_pay = instant("pay_deadline")?.as_millisecond() - instant("created_at")?.as_millisecond();
        assert_eq!(to_pay, PAY_WITHIN_S * 1_000);
        assert_eq!(order["pay_deadline"], group["pay_deadline"]);
    }
    let lines = orders.iter().filter_map(|order| order["lines"].as_array()).flatten();
    let lines: Vec<_> = lines.map(|line| (&line["line_no"], &line["sku"], &line["total"])).collect();
    assert_eq!(
        lines,
        [
            (&json!(2), &json!("CUP"), &cny(1_000)),
            (&json!(3), &json!("POT"), &cny(3_000)),
            (&json!(1), &json!("TEA"), &cny(4_000))
        ]
    );
    let expires_in = group["expires_in"].as_i64().context("seconds")?;
    assert!((PAY_WITHIN_S - 60..=PAY_WITHIN_S).contains(&expires_in), "{expires_in}");
    Ok(())
}

fn everyone_reads_it(first: &Client, second: &Client, group: &Value, location: &str) -> Result<()> {
    for order in group["orders"].as_array().context("orders")? {
        let target = format!("/v1/orders/{}", order["order_no"].as_str().context("a number")?);
        let read = second.get(&target)?;
        assert_eq!(read.header("etag"), Some("\"1\""));
        let read = read.ok(200);
        assert_eq!((&read["lines"], &read["amounts"]), (&order["lines"], &order["amounts"]));
        assert_eq!(read["address"], json!({ "city": "上海", "street": ["Nanjing Rd", 1] }));
        assert_eq!(read["note"], "ring twice");
    }
    for target in [location, "/v1/order-groups/by-key/life-1?buyer_id=ann"] {
        let read = second.get(target)?.ok(200);
        assert_eq!((&read["order_group"], order_nos(&read)), (&group["order_group"], order_nos(group)), "{target}");
        assert_eq!(read["total"], group["total"], "{target}");
    }
    let newest_first: Vec<_> = order_nos(group).into_iter().rev().collect();
    assert_eq!(order_nos(&second.get("/v1/orders?buyer_id=ann")?.ok(200)), newest_first);
    assert_eq!(order_nos(&first.get("/v1/orders?buyer_id=bob")?.ok(200)), Vec::<&str>::new());
    for (client, seller, place) in [(first, "cups", 0), (second, "tea", 1)] {
        let expected = [order_nos(group)[place]];
        let target = format!("/v1/orders?seller={seller}");
        wait_until(WITHIN, || Ok(order_nos(&client.get(&target)?.ok(200)) == expected)).context(target.clone())?;
    }
    Ok(())
}

fn it_keeps_its_price(first: &Client, second: &Client, group: &Value) -> Result<()> {
    shop::change(second, "TEA", &shop::entry("tea", 2_500))?;
    assert_eq!(second.get("/v1/skus/TEA")?.ok(200)["price"], cny(2_500));
    let target = format!("/v1/orders/{}", order_nos(group)[1]);
    for client in [first, second] {
        let order = client.get(&target)?.ok(200);
        assert_eq!((&order["lines"][0]["unit_price"], &order["lines"][0]["catalog_version"]), (&cny(2_000), &json!(1)));
        assert_eq!(order["amounts"]["total"], cny(4_000));
    }
    Ok(())
}

/// Cancels the order for tea; the order as it is then.
fn its_buyer_cancels(first: &Client, second: &Client, group: &Value) -> Result<Value> {
    let tea = order_nos(group)[1];
    let cancelled = second.cancel(tea)?;
    assert_eq!(cancelled.header("etag"), Some("\"2\""));
    let cancelled = cancelled.ok(200);
    assert_eq!((&cancelled["status"], &cancelled["version"]), (&json!("cancelled"), &json!(2)));
    assert_eq!((&cancelled["ended"]["actor"], &cancelled["expires_in"]), (&json!("buyer"), &Value::Null));
    assert_eq!(first.cancel(tea)?.ok(200), cancelled, "cancelled again, it answers the same");
    assert_eq!(first.get(&format!("/v1/orders/{tea}"))?.ok(200), cancelled);
    first.wait_for_sums("TEA", [10, 0, 0, 10])?;
    Ok(cancelled)
}
