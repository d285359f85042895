//! A plain client for the few calls around a load: one connection, one call at a time, JSON in and out.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use holdline_load::http::{Connection, HttpError, write_request};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// Most time for one call: a batch of 500 SKUs on a busy machine stays far below.
const CALL_WITHIN: Duration = Duration::from_secs(30);
/// Bound of one answer in bytes; the largest, `/metrics` and a page of stock, stay far below.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// An answer as it came.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// Whether the server says that it repeats an earlier answer.
    pub(crate) replayed: bool,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("an answer that is not JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The `code` of a problem; empty when there is none.
    pub(crate) fn code(&self) -> String {
        let code = self.json().ok().and_then(|body| body["code"].as_str().map(str::to_owned));
        code.unwrap_or_default()
    }

    /// The body as JSON, when the status is one of 2xx.
    pub(crate) fn success(&self) -> anyhow::Result<Value> {
        ensure!(
            (200..300).contains(&self.status),
            "the server answered {}: {}",
            self.status,
            String::from_utf8_lossy(&self.body)
        );
        self.json()
    }
}

/// A client with one key. Calls block; use it outside of an async context.
pub(crate) struct Client {
    runtime: Runtime,
    address: SocketAddr,
    authorization: String,
    connection: Option<Connection>,
    request: Vec<u8>,
}

impl Client {
    /// A client of the server at `address`; connects with the first call.
    pub(crate) fn new(address: SocketAddr, secret: &str) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let authorization = format!("Bearer {secret}");
        Ok(Self { runtime, address, authorization, connection: None, request: Vec::new() })
    }

    /// The answer to a GET.
    pub(crate) fn get(&mut self, target: &str) -> anyhow::Result<Answer> {
        self.write("GET", target, None, None);
        self.repeatable(target)
    }

    /// The answer to a PUT, which may be sent again after a lost answer.
    pub(crate) fn put(&mut self, target: &str, body: &Value) -> anyhow::Result<Answer> {
        self.write("PUT", target, None, Some(body));
        self.repeatable(target)
    }

    /// The answer to a POST that may be sent again after a lost answer, because its body names what it does.
    pub(crate) fn post(&mut self, target: &str, body: &Value) -> anyhow::Result<Answer> {
        self.write("POST", target, None, Some(body));
        self.repeatable(target)
    }

    /// The answer to a POST with an idempotency key: sent again, unchanged, after a lost answer.
    pub(crate) fn submit(&mut self, target: &str, key: &str, body: &Value) -> anyhow::Result<Answer> {
        self.write("POST", target, Some(key), Some(body));
        self.repeatable(target)
    }

    fn write(&mut self, method: &str, target: &str, key: Option<&str>, body: Option<&Value>) {
        let mut headers = vec![("host", "127.0.0.1"), ("authorization", self.authorization.as_str())];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        headers.extend(body.map(|_| ("content-type", "application/json")));
        let body = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        self.request.clear();
        write_request(&mut self.request, method, target, &headers, &body);
    }

    fn repeatable(&mut self, target: &str) -> anyhow::Result<Answer> {
        match self.exchange() {
            Ok(answer) => Ok(answer),
            // A kept connection may have been closed while it was idle; a new one tells.
            Err(HttpError::Connect { address, source }) => bail!("cannot connect to {address}: {source}"),
            Err(_) => self.exchange().with_context(|| format!("no answer from {target}")),
        }
    }

    fn exchange(&mut self) -> Result<Answer, HttpError> {
        let Self { runtime, address, connection, request, .. } = self;
        runtime.block_on(async {
            let mut kept = match connection.take() {
                Some(kept) => kept,
                None => Connection::connect(*address, ANSWER_BYTES_MAX).await?,
            };
            let response = timeout(CALL_WITHIN, kept.exchange(request)).await.unwrap_or(Err(HttpError::Timeout))?;
            let (status, replayed) = (response.status, response.is_replayed());
            let body = response.body.to_vec();
            if kept.is_reusable() {
                *connection = Some(kept);
            }
            Ok(Answer { status, replayed, body })
        })
    }
}

/// A path segment or query value, percent-encoded: stock codes have spaces.
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a String takes every text");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::percent_encoded;

    #[test]
    fn spaces_and_commas_are_encoded() {
        assert_eq!(percent_encoded("BANK CHARGES,é"), "BANK%20CHARGES%2C%C3%A9");
    }
}
