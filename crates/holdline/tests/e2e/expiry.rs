//! An order that nobody pays: expired at its deadline on every process, its stock for sale again.

use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::client::Client;
use crate::installation::Installation;
use crate::process::{WITHIN, wait_until};
use crate::shop::{self, cart, only_order};

/// An order is shown as expired at its deadline; the rest is for a busy machine.
const SHOWN_WITHIN: Duration = Duration::from_secs(5);

/// Nobody sees it expired before its deadline, everybody soon after, and then it stays as it is.
pub(crate) fn an_unpaid_order_expires_everywhere_and_gives_its_stock_back(at: &Installation) -> Result<()> {
    // The shortest time to pay that there is.
    let key = at.key("--tenant flash --client app --scope shop --scope admin --pay-within 1s")?;
    let (first, second) = (at.first(&key), at.second(&key));
    shop::open(&first, &[("ONE", "cups", 1_000, 1)])?;
    let group = first.place("unpaid-1", &cart("ann", &[("ONE", 1, 1_000)]))?;
    let order_no = only_order(&group)?;
    let instant =
        |name: &str| Ok::<Timestamp, anyhow::Error>(group["orders"][0][name].as_str().context("an instant")?.parse()?);
    let deadline = instant("pay_deadline")?;
    assert_eq!(deadline.as_millisecond() - instant("created_at")?.as_millisecond(), 1_000);
    for client in [&second, &first] {
        let order = it_expires(client, order_no, deadline)?;
        assert_eq!((&order["expires_in"], &order["payment_status"]), (&Value::Null, &json!("unpaid")));
    }
    let errors = second.cancel(order_no)?.refused(409, "order_state");
    assert_eq!((&errors[0]["order_no"], &errors[0]["order_status"]), (&json!(order_no), &json!("expired")));
    for client in [&first, &second] {
        client.wait_for_sums("ONE", [1, 0, 0, 1])?;
        let ended = client.get(&format!("/v1/orders/{order_no}"))?.ok(200)["ended"].clone();
        assert_eq!(ended["actor"], "system", "{ended}");
        assert!(ended["at"].as_str().context("an instant")?.parse::<Timestamp>()? >= deadline, "{ended}");
        let replayed = client.submit("unpaid-1", &cart("ann", &[("ONE", 1, 1_000)]))?;
        assert!(replayed.is_replayed(), "{replayed:?}");
        assert_eq!(replayed.ok(201)["orders"][0]["status"], "expired");
    }
    // Another buyer has it now; it is given back again.
    second.place("unpaid-2", &cart("bob", &[("ONE", 1, 1_000)]))?;
    first.wait_for_sums("ONE", [1, 0, 0, 1])
}

/// A row that makes no order stays as it is, and is tried again; the orders behind it end.
pub(crate) fn an_order_that_cannot_be_read_keeps_the_sweep_from_no_other(at: &Installation) -> Result<()> {
    let key = at.key("--tenant flash --client app --scope shop --scope admin --pay-within 3s")?;
    let client = at.first(&key);
    shop::open(&client, &[("CUP", "cups", 1_000, 10)])?;
    let one = cart("ann", &[("CUP", 1, 1_000)]);
    let group = client.place("odd", &one)?;
    let set = |status: &str| {
        Ok::<_, anyhow::Error>(format!(
            "UPDATE orders SET status = '{status}' WHERE order_no = '{}'",
            only_order(&group)?
        ))
    };
    at.execute("orders", &set("odd")?)?;
    client.place("plain", &one)?;
    client.wait_for_sums("CUP", [10, 2, 0, 8])?;
    client.wait_for_sums("CUP", [10, 1, 0, 9])?;
    at.execute("orders", &set("pending_payment")?)?;
    client.wait_for_sums("CUP", [10, 0, 0, 10])
}

/// Waits until a process shows the order as expired; the order.
fn it_expires(client: &Client, order_no: &str, deadline: Timestamp) -> Result<Value> {
    let mut order = Value::Null;
    let mut seen = Timestamp::MIN;
    wait_until(WITHIN, || {
        order = client.get(&format!("/v1/orders/{order_no}"))?.ok(200);
        seen = Timestamp::now();
        assert!(order["status"] == "expired" || order["status"] == "pending_payment", "{order}");
        Ok(order["status"] == "expired")
    })
    .context("an overdue order waits for payment")?;
    assert!(seen >= deadline, "expired at {seen}, before {deadline}");
    let late_ms = seen.as_millisecond() - deadline.as_millisecond();
    assert!(u128::try_from(late_ms)? < SHOWN_WITHIN.as_millis(), "{late_ms} ms late");
    println!("shown as expired {late_ms} ms after its deadline");
    Ok(order)
}
