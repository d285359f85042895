//! A buyer: one life after the other, each step over HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use holdline_load::generator::Control;
use holdline_load::http::{Connection, HttpError, RESPONSE_BYTES_MAX, write_request};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::{Measured, Seen};
use crate::bench::carts::RandomCarts;
use crate::child::submit::{Carts as _, new_key};
use crate::child::{Center, PROVIDER};

/// One life of so many is cancelled after it was paid.
const CANCELLED_EACH: u64 = 10;
/// Most time for one call.
const CALL_WITHIN: Duration = Duration::from_secs(10);
/// Most time until an order has become what it must: a lost callback is made good after five seconds.
const BECOMES_WITHIN: Duration = Duration::from_mins(1);
/// Pauses between two looks at what an order has become, and after a busy answer: doubling from the first to the second.
const PAUSES: (Duration, Duration) = (Duration::from_millis(4), Duration::from_millis(128));

/// What a life met that it may not meet.
struct Failed(String);

impl Failed {
    fn at(step: &'static str, what: impl std::fmt::Display) -> Self {
        Self(format!("{step}: {what}"))
    }
}

/// A connection to the shop, and one to the payment center.
pub(super) struct Buyer {
    shop: Caller,
    center: Caller,
    carts: RandomCarts,
    /// Counts lives; buyers begin at different numbers, so that they do not all cancel at once.
    life: u64,
}

impl Buyer {
    pub(super) fn new(shop: SocketAddr, center: SocketAddr, secret: &str, carts: RandomCarts, number: u64) -> Self {
        let (shop, center) = (Caller::new(shop, secret), Caller::new(center, Center::CONTROL_SECRET));
        Self { shop, center, carts, life: number }
    }

    /// Lives until the measured part is over, or the command is told to stop.
    pub(super) async fn live(mut self, measured: Measured, control: Control, seen: Arc<Mutex<Seen>>) {
        while Instant::now() < measured.until && !control.is_stopped() {
            let began = Instant::now();
            let lived = self.one_life(measured, &seen).await;
            let mut seen = seen.lock();
            seen.busy += std::mem::take(&mut self.shop.busy);
            match lived {
                Ok(()) if measured.contains(Instant::now()) => seen.lives.add(began.elapsed()),
                Ok(()) => {}
                Err(Failed(what)) => *seen.errors.entry(what).or_default() += 1,
            }
        }
    }

    async fn one_life(&mut self, measured: Measured, seen: &Mutex<Seen>) -> Result<(), Failed> {
        self.life += 1;
        let (mut key, mut cart) = (String::new(), Vec::new());
        new_key(&mut key);
        self.carts.next(&mut cart);
        let began = Instant::now();
        let placed = self.shop.done("submit", "/v1/orders", &key, &cart).await?;
        let order_no = text(&placed["orders"][0], "order_no")?;
        {
            let mut seen = seen.lock();
            seen.acknowledged.push(order_no.clone());
            if measured.contains(Instant::now()) {
                seen.placing.add(began.elapsed());
            }
        }
        let order = format!("/v1/orders/{order_no}");
        self.pay(&order, &key).await?;
        self.becomes(&order, "status", "confirmed").await?;
        if self.life.is_multiple_of(CANCELLED_EACH) {
            self.shop.done("cancel", &format!("{order}/cancel"), &key, b"{}").await?;
            return self.becomes(&order, "payment_status", "refunded").await;
        }
        self.shop.done("ship", &format!("{order}/shipments"), &key, b"{}").await?;
        self.shop.done("deliver", &format!("{order}/shipments/1/deliver"), &key, b"").await?;
        let received = self.shop.done("receive", &format!("{order}/receive"), &key, b"").await?;
        (received["status"] == "completed").then_some(()).ok_or_else(|| Failed::at("receive", "not completed"))
    }

    /// Opens a payment and pays it at the center.
    async fn pay(&mut self, order: &str, key: &str) -> Result<(), Failed> {
        let body = format!("{{\"provider\":\"{PROVIDER}\"}}");
        let mut pauses = Pauses::new("open a payment");
        let attempt = loop {
            let opened = self.shop.done("open a payment", &format!("{order}/payments"), key, body.as_bytes()).await?;
            if opened["state"] == "open" {
                break text(&opened, "attempt")?;
            }
            pauses.next().await?;
        };
        self.center.done("pay", "/control/pay", "", format!("{{\"payment\":\"{attempt}\"}}").as_bytes()).await?;
        Ok(())
    }

    /// Waits until an order has become what is told.
    async fn becomes(&mut self, order: &str, member: &str, wanted: &'static str) -> Result<(), Failed> {
        let mut pauses = Pauses::new(wanted);
        loop {
            let now = self.shop.call("GET", order, "", b"").await;
            match now.map_err(|error| Failed::at(wanted, error.kind()))? {
                (200, order) if order[member] == wanted => return Ok(()),
                (200, _) => {}
                (429 | 503, _) => self.shop.busy += 1,
                (status, _) => return Err(Failed::at(wanted, format_args!("a read answered {status}"))),
            }
            pauses.next().await?;
        }
    }
}

fn text(body: &Value, member: &'static str) -> Result<String, Failed> {
    body[member].as_str().map(str::to_owned).ok_or_else(|| Failed::at(member, "missing"))
}

/// Pauses while something is waited for, for a bounded time.
struct Pauses {
    what: &'static str,
    pause: Duration,
    until: Instant,
}

impl Pauses {
    fn new(what: &'static str) -> Self {
        Self { what, pause: PAUSES.0, until: Instant::now() + BECOMES_WITHIN }
    }

    async fn next(&mut self) -> Result<(), Failed> {
        if Instant::now() >= self.until {
            return Err(Failed::at(self.what, "not in time"));
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSES.1);
        Ok(())
    }
}

/// One connection and its key.
struct Caller {
    address: SocketAddr,
    authorization: String,
    connection: Option<Connection>,
    request: Vec<u8>,
    busy: u64,
}

impl Caller {
    fn new(address: SocketAddr, secret: &str) -> Self {
        let authorization = format!("Bearer {secret}");
        Self { address, authorization, connection: None, request: Vec::new(), busy: 0 }
    }

    /// The body of a POST's answer, which must be a success; asked again, under the same key, while the server is busy.
    async fn done(&mut self, step: &'static str, target: &str, key: &str, body: &[u8]) -> Result<Value, Failed> {
        let mut pauses = Pauses::new(step);
        loop {
            match self.call("POST", target, key, body).await.map_err(|error| Failed::at(step, error.kind()))? {
                (200..300, body) => return Ok(body),
                (429 | 503, _) => self.busy += 1,
                (status, body) => {
                    let code = body["code"].as_str().unwrap_or_default();
                    return Err(Failed::at(step, format_args!("answered {status} {code}")));
                }
            }
            pauses.next().await?;
        }
    }

    async fn call(&mut self, method: &str, target: &str, key: &str, body: &[u8]) -> Result<(u16, Value), HttpError> {
        let headers = [
            ("host", "127.0.0.1"),
            ("authorization", self.authorization.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", key),
        ];
        // The last two belong to who sends a body, and to who repeats.
        let given = if key.is_empty() { 3 } else { 4 };
        self.request.clear();
        write_request(&mut self.request, method, target, &headers[..given], body);
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::connect(self.address, RESPONSE_BYTES_MAX).await?,
        };
        let answer =
            timeout(CALL_WITHIN, connection.exchange(&self.request)).await.unwrap_or(Err(HttpError::Timeout))?;
        let (status, body) = (answer.status, serde_json::from_slice(answer.body).unwrap_or_default());
        if connection.is_reusable() {
            self.connection = Some(connection);
        }
        Ok((status, body))
    }
}
