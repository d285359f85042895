//! Somebody who pays: a connection to the server, and one to the payment center's control calls.

use std::fmt::Display;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use super::{Center, Client, Keys, PROVIDER, Stop};

/// Pause between two looks at something that is to become so.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Most time until it is so: a lost callback is asked for after 5 s, 10 s, 20 s.
const WITHIN: Duration = Duration::from_mins(1);

/// The connections of one buyer after the other. Orders are named by their numbers.
pub(crate) struct Buyer<'a> {
    shop: Client,
    center: Client,
    stop: &'a Stop,
}

impl<'a> Buyer<'a> {
    /// Connects with the first calls.
    pub(crate) fn new(address: SocketAddr, keys: &Keys, center: &Center, stop: &'a Stop) -> anyhow::Result<Self> {
        Ok(Self { shop: Client::new(address, &keys.shop)?, center: center.control()?, stop })
    }

    /// Opens an attempt at an order by some means of payment: what the center knows it by.
    pub(crate) fn open(&mut self, order: &str, method: &str) -> anyhow::Result<String> {
        let body = json!({ "provider": PROVIDER, "method": method });
        let key = format!("{method}-{order}");
        let attempt = self.shop.submit(&format!("/v1/orders/{order}/payments"), &key, &body)?.success()?;
        Ok(attempt["attempt"].as_str().context("an attempt without its id")?.to_owned())
    }

    /// Pays, as soon as the center knows the payment: what it captured, in minor units.
    pub(crate) fn pay(&mut self, payment: &str) -> anyhow::Result<i64> {
        let begun = Instant::now();
        loop {
            let answer = self.center.post("/control/pay", &json!({ "payment": payment }))?;
            if answer.status == 200 {
                return answer.json()?["amount"].as_i64().context("a payment without its amount");
            }
            ensure!(answer.status == 404, "the center answered {}", String::from_utf8_lossy(&answer.body));
            self.look_again(begun, payment)?;
        }
    }

    /// Cancels an order: what was captured for it goes back.
    pub(crate) fn cancel(&mut self, order: &str) -> anyhow::Result<()> {
        self.shop.post(&format!("/v1/orders/{order}/cancel"), &json!({}))?.success().map(drop)
    }

    /// Takes unshipped units off an order: pairs of line number and units. Their price goes back.
    pub(crate) fn take_off(&mut self, order: &str, key: &str, lines: &[(usize, i64)]) -> anyhow::Result<()> {
        let lines = lines.iter().map(|(line_no, units)| json!({ "line_no": line_no, "quantity": units }));
        let body = json!({ "lines": lines.collect::<Vec<_>>() });
        self.shop.submit(&format!("/v1/orders/{order}/refunds"), key, &body)?.success().map(drop)
    }

    /// What stands below `/v1/orders/`.
    pub(crate) fn read(&mut self, order: &str) -> anyhow::Result<Value> {
        self.shop.get(&format!("/v1/orders/{order}"))?.success()
    }

    /// Reads until what stands there is so.
    pub(crate) fn until(&mut self, order: &str, is_so: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let begun = Instant::now();
        loop {
            let answer = self.read(order)?;
            if is_so(&answer) {
                return Ok(answer);
            }
            self.look_again(begun, answer)?;
        }
    }

    fn look_again(&self, begun: Instant, last: impl Display) -> anyhow::Result<()> {
        if begun.elapsed() > WITHIN {
            bail!("waited in vain: {last}");
        }
        self.stop.pause(LOOK_EVERY);
        self.stop.check()
    }
}
