//! Prices: the catalog's, which every process must know, and a caller's own, which must add up.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::client::Client;
use crate::installation::{Installation, MALL};
use crate::process::wait_until;
use crate::shop::{self, cart, cny};

/// No process sells at a price that is older than 1 s; the rest is for a busy machine.
const KNOWN_WITHIN: Duration = Duration::from_secs(5);

/// The old price is refused after a moment, the new one is accepted at once.
pub(crate) fn a_changed_price_holds_on_every_process(at: &Installation) -> Result<()> {
    let key = at.key(MALL)?;
    let (first, second) = (at.first(&key), at.second(&key));
    shop::open(&first, &[("CUP", "cups", 1_000, 100_000)])?;
    second.place("price-1000", &cart("ann", &[("CUP", 1, 1_000)]))?;
    shop::change(&first, "CUP", &shop::entry("cups", 1_200))?;
    let (mut tries, mut errors) = (0, Value::Null);
    let elapsed = wait_until(KNOWN_WITHIN, || {
        tries += 1;
        let answer = second.submit(&format!("old-{tries}"), &cart("ann", &[("CUP", 1, 1_000)]))?;
        if answer.status == 201 {
            return Ok(false);
        }
        errors = answer.refused(422, "order_refused");
        Ok(true)
    });
    let elapsed = elapsed.context("the old price is still accepted")?;
    println!(
        "the old price is refused on the second process {elapsed:?} after the change on the first, at try {tries}"
    );
    let differs = |errors: &Value, old: i64, new: i64| {
        assert_eq!((&errors[0]["code"], &errors[0]["sku"]), (&json!("price_changed"), &json!("CUP")));
        assert_eq!((&errors[0]["old_price"], &errors[0]["new_price"]), (&cny(old), &cny(new)));
    };
    differs(&errors, 1_000, 1_200);

    // A refusal reads the catalog first: no wait for the new price, whatever the second process knew.
    for price in [1_300, 1_400, 1_500] {
        shop::change(&first, "CUP", &shop::entry("cups", price))?;
        let group = second.place(&format!("new-{price}"), &cart("bob", &[("CUP", 2, price)]))?;
        assert_eq!(group["total"], cny(2 * price));
    }
    let errors = first.submit("never", &cart("ann", &[("CUP", 1, 1_400)]))?.refused(422, "order_refused");
    differs(&errors, 1_400, 1_500);
    Ok(())
}

/// The caller's prices, titles, freight and discounts are taken as they are; sums, stock and scope are checked.
pub(crate) fn a_caller_that_sets_prices_is_held_to_its_sums(at: &Installation) -> Result<()> {
    let admin = at.key("--tenant bazaar --client app --scope shop --scope admin --price-source caller")?;
    let key = at.key("--tenant bazaar --client app --scope shop --scope price")?;
    let (first, second) = (at.first(&key), at.second(&key));
    shop::open(&at.first(&admin), &[("CUP", "cups", 9_999, 10), ("TEA", "tea", 9_999, 10)])?;

    let cart = own_prices();
    let group = first.place("own-1", &cart)?;
    assert_eq!(group["total"], cny(2_100), "{group:#}");
    it_is_kept(&second, &group)?;
    assert_eq!(second.sums("CUP")?, [10, 2, 0, 8]);

    let mut wrong = cart.clone();
    wrong["expected_total"] = cny(2_000);
    let errors = second.submit("own-2", &wrong)?.refused(422, "order_refused");
    assert_eq!(errors[0]["code"], "total_differs", "{errors}");
    assert_eq!((&errors[0]["expected_total"], &errors[0]["actual_total"]), (&cny(2_000), &cny(2_100)));
    let mut below_zero = cart.clone();
    below_zero["adjustments"][1]["amount"] = cny(1_701);
    let errors = second.submit("own-2", &below_zero)?.refused(422, "order_refused");
    let codes: Vec<_> = errors.as_array().into_iter().flatten().map(|error| &error["code"]).collect();
    assert!(codes.contains(&&json!("discount_too_large")), "{errors}");
    at.second(&admin).submit("own-2", &cart)?.refused(403, "scope_missing");
    assert_eq!(first.sums("CUP")?, [10, 2, 0, 8], "a refusal holds nothing");

    // A tenant whose prices are the catalog's takes nobody else's sums.
    let mall = at.key("--tenant mall --client app --scope shop --scope admin --scope price")?;
    shop::open(&at.first(&mall), &[("CUP", "cups", 700, 10), ("TEA", "tea", 500, 10)])?;
    at.second(&mall).submit("own-1", &cart)?.refused(422, "invalid_field");
    Ok(())
}

/// Cups for 14.00 with freight 3.00 and discount 1.00, tea for 5.00.
fn own_prices() -> Value {
    let mut cart = cart("ann", &[("CUP", 2, 700), ("TEA", 1, 500)]);
    cart["lines"][0]["title"] = json!("Cup, blue 蓝");
    cart["lines"][0]["snapshot"] = json!({ "colour": "blue", "pictures": [1, 2] });
    cart["lines"][1]["title"] = json!("Tea");
    cart["adjustments"] = json!([
        { "kind": "freight", "seller": "cups", "amount": cny(300), "reference": "post" },
        { "kind": "discount", "line": 1, "amount": cny(100), "reference": "spring" },
    ]);
    cart["expected_total"] = cny(2_100);
    cart
}

fn it_is_kept(client: &Client, group: &Value) -> Result<()> {
    let amounts = |goods: i64, freight: i64, discount: i64| {
        json!({ "goods": cny(goods), "freight": cny(freight), "discount": cny(discount),
            "total": cny(goods + freight - discount) })
    };
    let orders = group["orders"].as_array().context("orders")?;
    assert_eq!((&orders[0]["amounts"], &orders[1]["amounts"]), (&amounts(1_400, 300, 100), &amounts(500, 0, 0)));
    let target = format!("/v1/orders/{}", orders[0]["order_no"].as_str().context("a number")?);
    let order = client.get(&target)?.ok(200);
    let line = &order["lines"][0];
    assert_eq!((&line["title"], &line["unit_price"]), (&json!("Cup, blue 蓝"), &cny(700)));
    assert_eq!(line["snapshot"], json!({ "colour": "blue", "pictures": [1, 2] }));
    assert_eq!(
        order["adjustments"],
        json!([
            { "kind": "freight", "seller": "cups", "amount": cny(300), "reference": "post" },
            { "kind": "discount", "line": 1, "amount": cny(100), "reference": "spring" },
        ])
    );
    Ok(())
}
