//! A receiver of webhooks: verifies what arrives, takes each event once, and answers at once.
//!
//! `WEBHOOK_SECRET=whsec_… cargo run -p holdline-outbound --example receive_webhooks` listens on 127.0.0.1:8088.
//! `tests/receiver.rs` runs it against the sender.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// How old, or how far in the future, a request may be.
const TOLERANCE_S: u64 = 300;

/// What the receiver knows.
pub(crate) struct Receiver {
    /// The key behind `whsec_`.
    key: Vec<u8>,
    /// Ids of what was taken. A real receiver keeps them in its database, in the transaction of what it does.
    taken: Mutex<HashSet<String>>,
    /// Events in the order in which they were taken.
    pub(crate) events: Mutex<Vec<serde_json::Value>>,
}

impl Receiver {
    /// A receiver with the secret that `PUT /v1/webhooks/{name}` showed once.
    pub(crate) fn try_new(secret: &str) -> Option<Arc<Self>> {
        let key = STANDARD.decode(secret.strip_prefix("whsec_")?).ok()?;
        Some(Arc::new(Self { key, taken: Mutex::default(), events: Mutex::default() }))
    }

    /// Whether the request was signed with our secret, a moment ago. Compares in constant time.
    fn is_genuine(&self, headers: &HeaderMap, body: &[u8], now_s: u64) -> Option<String> {
        let header = |name: &str| headers.get(name)?.to_str().ok();
        let (id, timestamp) = (header("webhook-id")?, header("webhook-timestamp")?);
        if timestamp.parse::<u64>().ok()?.abs_diff(now_s) > TOLERANCE_S {
            return None;
        }
        // Several signatures while a secret is being replaced: one of them must be ours.
        let mut signatures = header("webhook-signature")?.split(' ').filter_map(|each| each.strip_prefix("v1,"));
        let is_ours = signatures.any(|signature| {
            let Ok(signature) = STANDARD.decode(signature) else { return false };
            let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
            mac.update(format!("{id}.{timestamp}.").as_bytes());
            mac.update(body);
            mac.verify_slice(&signature).is_ok()
        });
        is_ours.then(|| id.to_owned())
    }
}

async fn receive(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    // The bytes as they arrived are what is signed: verify before parsing.
    let Some(id) = receiver.is_genuine(&headers, &body, now_s) else { return StatusCode::UNAUTHORIZED };
    let Ok(event) = serde_json::from_slice(&body) else { return StatusCode::BAD_REQUEST };
    // The same event may come twice; only the first time counts. Both times the answer is the same.
    if receiver.taken.lock().expect("no holder panics").insert(id) {
        receiver.events.lock().expect("no holder panics").push(event);
    }
    StatusCode::NO_CONTENT
}

/// The routes of the receiver.
pub(crate) fn router(receiver: Arc<Receiver>) -> Router {
    Router::new().route("/holdline", post(receive)).with_state(receiver)
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let secret = std::env::var("WEBHOOK_SECRET").unwrap_or_default();
    let receiver = Receiver::try_new(&secret).ok_or_else(|| std::io::Error::other("set WEBHOOK_SECRET=whsec_…"))?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8088").await?;
    axum::serve(listener, router(receiver)).await
}
