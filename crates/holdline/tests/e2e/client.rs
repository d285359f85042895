//! A client of one process with one key: the calls that the stories make, and what they expect of the answers.

use std::net::SocketAddr;
use std::sync::Barrier;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::process::{Answer, WITHIN, exchange, wait_until};

/// Where requests go and with which key.
#[derive(Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    authorization: String,
}

/// A SKU's sums: on hand, held, allocated, available.
pub(crate) type Sums = [i64; 4];

impl Client {
    pub(crate) fn new(address: SocketAddr, secret: &str) -> Self {
        Self { address, authorization: format!("Bearer {secret}") }
    }

    pub(crate) fn get(&self, target: &str) -> Result<Answer> {
        self.send("GET", target, None, b"")
    }

    pub(crate) fn put(&self, target: &str, body: &Value) -> Result<Answer> {
        self.send("PUT", target, None, body.to_string().as_bytes())
    }

    pub(crate) fn post(&self, target: &str, body: &Value) -> Result<Answer> {
        self.send("POST", target, None, body.to_string().as_bytes())
    }

    /// Submits a cart under an idempotency key.
    pub(crate) fn submit(&self, key: &str, cart: &Value) -> Result<Answer> {
        self.send("POST", "/v1/orders", Some(key), cart.to_string().as_bytes())
    }

    /// Submits a cart that need not be decided before it is answered.
    pub(crate) fn submit_for_later(&self, key: &str, cart: &Value) -> Result<Answer> {
        let headers = [
            ("authorization", self.authorization.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", key),
            ("prefer", "respond-async"),
        ];
        exchange(self.address, "POST", "/v1/orders", &headers, cart.to_string().as_bytes())
    }

    /// Submits a cart that must become orders; the group.
    #[track_caller]
    pub(crate) fn place(&self, key: &str, cart: &Value) -> Result<Value> {
        self.submit(key, cart).map(|answer| answer.ok(201))
    }

    /// Cancels an order for whom the key stands for.
    pub(crate) fn cancel(&self, order_no: &str) -> Result<Answer> {
        self.send("POST", &format!("/v1/orders/{order_no}/cancel"), None, b"")
    }

    /// Gives up a submit of a buyer.
    pub(crate) fn abandon(&self, key: &str, buyer: &str) -> Result<Answer> {
        self.post(&format!("/v1/order-groups/by-key/{key}/abandon"), &json!({ "buyer_id": buyer }))
    }

    /// One request; `key` is its idempotency key. Whatever it says, it is no failure of the server.
    pub(crate) fn send(&self, method: &str, target: &str, key: Option<&str>, body: &[u8]) -> Result<Answer> {
        let mut headers = vec![("authorization", self.authorization.as_str()), ("content-type", "application/json")];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        let answer = exchange(self.address, method, target, &headers, body)?;
        assert!(answer.status < 500, "{method} {target}: {answer:?}");
        if answer.status >= 400 {
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{method} {target}");
            assert_eq!(answer.body["status"], answer.status, "{method} {target}");
        }
        Ok(answer)
    }

    /// What a SKU's accounts sum up to.
    pub(crate) fn sums(&self, sku: &str) -> Result<Sums> {
        let stock = self.get(&format!("/v1/stock/{sku}"))?.ok(200);
        let of = |name: &str| stock[name].as_i64().with_context(|| format!("no {name} in {stock}"));
        Ok([of("on_hand")?, of("held")?, of("allocated")?, of("available")?])
    }

    /// Waits until a SKU's sums are these.
    pub(crate) fn wait_for_sums(&self, sku: &str, expected: Sums) -> Result<()> {
        let mut sums = None;
        let waited = wait_until(WITHIN, || {
            sums = Some(self.sums(sku)?);
            Ok(sums == Some(expected))
        });
        waited.with_context(|| format!("{sku} has {sums:?}, not {expected:?}")).map(drop)
    }
}

impl Answer {
    /// The status and the problem's code, `ok` without one.
    pub(crate) fn outcome(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or("ok"))
    }

    /// The body of a success.
    #[track_caller]
    pub(crate) fn ok(self, status: u16) -> Value {
        assert_eq!(self.outcome(), (status, "ok"), "{:#}", self.body);
        self.body
    }

    /// The reasons of a refusal.
    #[track_caller]
    pub(crate) fn refused(mut self, status: u16, code: &str) -> Value {
        assert_eq!(self.outcome(), (status, code), "{:#}", self.body);
        self.body["errors"].take()
    }

    /// Whether it says that it repeats an earlier answer.
    pub(crate) fn is_replayed(&self) -> bool {
        self.header("idempotent-replayed") == Some("true")
    }
}

/// Lets `count` threads act at the same moment; what they got, in their order.
pub(crate) fn at_once<T: Send>(count: usize, act: impl Fn(usize) -> Result<T> + Sync) -> Result<Vec<T>> {
    let (start, act) = (Barrier::new(count), &act);
    std::thread::scope(|scope| {
        let spawn = |n| {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                act(n)
            })
        };
        let threads: Vec<_> = (0..count).map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread that does not panic")).collect()
    })
}
