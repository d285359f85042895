//! A merchant's key: its own seller's orders, as if there were no others.

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::installation::{Installation, MALL};
use crate::process::{WITHIN, wait_until};
use crate::shop::{self, cart, order_nos};

/// Other sellers' orders are not found; buyers' lists and placing are not a merchant's.
pub(crate) fn a_merchant_sees_and_cancels_its_own_orders_only(at: &Installation) -> Result<()> {
    let key = at.key(MALL)?;
    shop::open(&at.first(&key), &[("CUP", "cups", 1_000, 10), ("TEA", "tea", 2_000, 10)])?;
    let merchant = at.key("--tenant mall --client cups-desk --scope merchant --seller cups")?;
    let (first, second) = (at.first(&merchant), at.second(&merchant));
    let group = at.second(&key).place("mixed-1", &cart("ann", &[("CUP", 1, 1_000), ("TEA", 1, 2_000)]))?;
    let (own, other) = (order_nos(&group)[0], order_nos(&group)[1]);

    for client in [&first, &second] {
        assert_eq!(client.get(&format!("/v1/orders/{own}"))?.ok(200)["seller"], "cups");
        client.get(&format!("/v1/orders/{other}"))?.refused(404, "not_found");
        client.cancel(other)?.refused(404, "not_found");
        for target in ["/v1/orders", "/v1/orders?seller=cups"] {
            wait_until(WITHIN, || Ok(order_nos(&client.get(target)?.ok(200)) == [own])).context(target)?;
        }
        client.get("/v1/orders?seller=tea")?.refused(404, "not_found");
        client.get("/v1/orders?buyer_id=ann")?.refused(403, "scope_missing");
        let groups = format!("/v1/order-groups/{}", group["order_group"].as_str().context("a group")?);
        client.get(&groups)?.refused(403, "scope_missing");
        client.submit("mixed-2", &cart("ann", &[("CUP", 1, 1_000)]))?.refused(403, "scope_missing");
        client.get("/v1/stock/CUP")?.refused(403, "scope_missing");
    }

    let as_buyer = first.post(&format!("/v1/orders/{own}/cancel"), &json!({ "actor": "buyer" }))?;
    as_buyer.refused(403, "scope_missing");
    let cancelled = first.cancel(own)?.ok(200);
    assert_eq!((&cancelled["status"], &cancelled["ended"]["actor"]), (&json!("cancelled"), &json!("merchant")));
    assert_eq!(second.get(&format!("/v1/orders/{own}"))?.ok(200)["status"], "cancelled");
    let shop = at.first(&key);
    assert_eq!(shop.get(&format!("/v1/orders/{other}"))?.ok(200)["status"], "pending_payment");
    shop.wait_for_sums("CUP", [10, 0, 0, 10])?;
    assert_eq!(shop.sums("TEA")?, [10, 1, 0, 9]);
    Ok(())
}
