//! What does not fit: each limit has its code and says where, and nothing of it is held.

use anyhow::Result;
use serde_json::{Value, json};

use crate::client::Client;
use crate::installation::{Installation, MALL};
use crate::shop::{self, cart, cny};

/// The largest body in bytes.
const BODY_BYTES_MAX: usize = 256 * 1_024;
/// The most lines of a submit.
const LINES_MAX: usize = 1_000;

/// Sizes, counts, characters and numbers beyond their limits; at its limit, a submit is placed.
pub(crate) fn what_does_not_fit_is_refused_by_its_own_code(at: &Installation) -> Result<()> {
    let key = at.key(MALL)?;
    let (first, second) = (at.first(&key), at.second(&key));
    shop::open(&first, &[("CUP", "cups", 1, 1_000)])?;
    for client in [&first, &second] {
        bodies(client)?;
        fields(client)?;
        keys(client)?;
        assert_eq!(client.sums("CUP")?, [1_000, 0, 0, 1_000], "nothing is held");
    }
    let mut cart = cart("ann", &vec![("CUP", 1, 1); LINES_MAX]);
    // In opaque JSON a NUL is an escape like any other: no database sees the character.
    cart["address"] = json!({ "street": "a\0b" });
    let group = second.place("many", &cart)?;
    assert_eq!(group["total"], cny(1_000));
    let order = first.get(&format!("/v1/orders/{}", shop::only_order(&group)?))?.ok(200);
    assert_eq!((&order["address"], order["lines"].as_array().map(Vec::len)), (&cart["address"], Some(LINES_MAX)));
    assert_eq!(first.sums("CUP")?, [1_000, 1_000, 0, 0]);
    Ok(())
}

fn bodies(client: &Client) -> Result<()> {
    let large = format!("\"{}\"", "a".repeat(BODY_BYTES_MAX));
    let errors = client.send("POST", "/v1/orders", Some("large"), large.as_bytes())?.refused(413, "body_too_large");
    assert_eq!(errors[0]["bytes_max"], BODY_BYTES_MAX);
    client.send("POST", "/v1/orders", Some("broken"), b"{\"buyer_id\":")?.refused(400, "malformed_body");
    client.send("POST", "/v1/orders", Some("no-text"), b"{\"buyer_id\":\"\xff\"}")?.refused(400, "malformed_body");
    client.submit("other", &json!({ "buyer_id": "ann", "lines": [], "coupon": 1 }))?.refused(400, "malformed_body");
    Ok(())
}

fn fields(client: &Client) -> Result<()> {
    let good = || cart("ann", &[("CUP", 1, 1)]);
    let with = |pointer: &str, value: Value| {
        let mut cart = good();
        match cart.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => cart[&pointer[1..]] = value,
        }
        (cart, pointer.to_owned())
    };
    let cases = [
        ("out_of_range", with("/lines/0/quantity", json!(0))),
        ("out_of_range", with("/lines/0/quantity", json!(-1))),
        ("out_of_range", with("/lines/0/quantity", json!(1_000_000_001))),
        ("out_of_range", with("/lines/0/unit_price/amount", json!(-1))),
        ("bad_character", with("/lines/0/sku", json!("CU\0P"))),
        ("bad_character", with("/buyer_id", json!("an\0n"))),
        ("bad_character", with("/note", json!("ring\0twice"))),
        ("bad_character", with("/channel", json!("a\0pp"))),
        ("too_long", with("/buyer_id", json!("a".repeat(65)))),
        ("too_long", with("/note", json!("a".repeat(1_025)))),
        ("too_long", (cart("ann", &vec![("CUP", 1, 1); LINES_MAX + 1]), "/lines".to_owned())),
        ("empty", with("/lines", json!([]))),
        ("empty", with("/buyer_id", json!(""))),
    ];
    for (code, (cart, pointer)) in cases {
        let errors = client.submit("field", &cart)?.refused(422, "invalid_field");
        assert_eq!((&errors[0]["code"], &errors[0]["pointer"]), (&json!(code), &json!(pointer)), "{errors}");
    }
    Ok(())
}

fn keys(client: &Client) -> Result<()> {
    let cart = cart("ann", &[("CUP", 1, 1)]);
    let body = cart.to_string();
    client.send("POST", "/v1/orders", None, body.as_bytes())?.refused(400, "idempotency_key_missing");
    for (key, code) in [("a".repeat(256), "too_long"), ("a b".to_owned(), "bad_character")] {
        let errors = client.submit(&key, &cart)?.refused(422, "invalid_field");
        assert_eq!(
            (&errors[0]["code"], &errors[0]["parameter"]),
            (&json!(code), &json!("Idempotency-Key")),
            "{errors}"
        );
    }
    client.get("/v1/orders?limit=101")?.refused(422, "invalid_field");
    client.get("/v1/orders?cursor=none")?.refused(422, "invalid_field");
    Ok(())
}
