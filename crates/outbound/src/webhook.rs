//! Sending events to the endpoints of shops, as Standard Webhooks 1.0.0 says.
//!
//! What a body looks like is given from outside ([`Render`]); the answer's body is not read.

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holdline_domain::id::{TenantName, WebhookUrl};
use holdline_domain::order::change::Event;
use holdline_domain::port::{WebhookAnswer, WebhookMessage, WebhookSender};
use holdline_domain::webhook::WebhookSecret;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};

use crate::guard::Networks;
use crate::request::{Bounds, Post, SignedClient};
use crate::signature::SigningKey;

/// Standard Webhooks asks for 15 to 30 s; the answer's body is not read.
const BOUNDS: Bounds = Bounds { within: Duration::from_secs(20), answer_bytes_max: 0 };
/// The longest body: events have a few hundred bytes, and nothing in them grows.
const BODY_BYTES_MAX: usize = 16 * 1_024;

/// The body of an event.
pub type Render = fn(&Event, &TenantName) -> Vec<u8>;

/// Sends over HTTP, and signs what it sends.
pub struct SignedWebhooks {
    client: SignedClient,
    render: Render,
}

impl SignedWebhooks {
    /// A sender that may reach the public internet and `networks`.
    pub fn try_new(networks: Networks, render: Render) -> Result<Self, String> {
        Ok(Self { client: SignedClient::try_new(networks, BOUNDS)?, render })
    }

    async fn post(&self, message: &WebhookMessage) -> Result<Response, String> {
        let body = (self.render)(&message.event, &message.tenant);
        if body.len() > BODY_BYTES_MAX {
            return Err(format!("the event has {} bytes, at most {BODY_BYTES_MAX} are sent", body.len()));
        }
        let keys: Vec<SigningKey> =
            message.secrets.iter().map(|secret| SigningKey::try_new(secret.reveal())).collect::<Result<_, _>>()?;
        let post = Post { url: message.url.as_str(), keys: &keys, id: &message.id, body };
        self.client.send(post).await.map_err(|error| error.to_string())
    }
}

/// `Retry-After` in seconds; a date is not understood, and the schedule holds.
fn retry_after_ms(headers: &HeaderMap) -> Option<i64> {
    let seconds: u32 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(i64::from(seconds) * 1_000)
}

#[async_trait]
impl WebhookSender for SignedWebhooks {
    fn objection(&self, url: &WebhookUrl) -> Option<String> {
        let scheme = url.as_str().split(':').next().unwrap_or_default();
        if !["https", "http"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return Some("must be https".to_owned());
        }
        self.client.objection(url.as_str())
    }

    fn new_secret(&self) -> WebhookSecret {
        // Two random UUIDs: 244 random bits in 32 bytes.
        let bytes = [*uuid::Uuid::new_v4().as_bytes(), *uuid::Uuid::new_v4().as_bytes()].concat();
        WebhookSecret::from_stored(format!("whsec_{}", STANDARD.encode(bytes)))
    }

    fn new_owner(&self) -> String {
        uuid::Uuid::new_v4().to_string()
    }

    async fn send(&self, message: &WebhookMessage) -> WebhookAnswer {
        let answer = match self.post(message).await {
            Ok(answer) => answer,
            Err(why) => return WebhookAnswer::None { why },
        };
        match answer.status() {
            StatusCode::GONE => WebhookAnswer::Gone,
            status if status.is_success() => WebhookAnswer::Taken { status: status.as_u16() },
            status => {
                let retry_after_ms = retry_after_ms(answer.headers());
                WebhookAnswer::Refused { status: status.as_u16(), retry_after_ms }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::http::HeaderValue;
    use axum::response::IntoResponse as _;
    use axum::routing::any;
    use holdline_domain::id::{SellerId, TenantId, Version};
    use holdline_domain::order::{EventKind, OrderNo};
    use holdline_domain::time::UnixMillis;

    use super::*;

    fn networks(allowed: &[&str]) -> Networks {
        Networks::try_new(&allowed.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
    }

    fn sender(allowed: &[&str]) -> SignedWebhooks {
        SignedWebhooks::try_new(networks(allowed), |event, tenant| format!("{} {tenant}", event.seq).into()).unwrap()
    }

    fn message(url: &str, secrets: Vec<WebhookSecret>) -> WebhookMessage {
        let event = Event {
            seq: 7,
            tenant: TenantId(1),
            order_no: OrderNo::from_stored("260801120000007000100000042"),
            seller: SellerId::from_stored("s1"),
            version: Version(1),
            kind: EventKind::Placed,
            at: UnixMillis(0),
        };
        let tenant = TenantName::try_new("shop").unwrap();
        WebhookMessage { url: WebhookUrl::try_new(url).unwrap(), id: "evt_1_7".to_owned(), event, tenant, secrets }
    }

    type Heard = Arc<Mutex<Vec<(HeaderMap, Vec<u8>)>>>;

    /// A receiver that answers a status to everything.
    async fn receiver(status: StatusCode, heard: &Heard) -> String {
        let heard = Arc::clone(heard);
        let answer = move |headers: HeaderMap, body: axum::body::Bytes| {
            heard.lock().unwrap().push((headers, body.to_vec()));
            let wait = [(RETRY_AFTER, HeaderValue::from_static("120"))];
            std::future::ready((status, wait).into_response())
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(any(answer))).await });
        format!("http://{address}/hooks")
    }

    #[tokio::test]
    async fn what_is_sent_is_signed_with_every_secret_and_named() {
        let (heard, sender) = (Heard::default(), sender(&["127.0.0.0/8"]));
        let url = receiver(StatusCode::NO_CONTENT, &heard).await;
        let secrets = vec![sender.new_secret(), sender.new_secret()];
        assert_ne!(secrets[0], secrets[1]);
        let answer = sender.send(&message(&url, secrets.clone())).await;
        assert_eq!(answer, WebhookAnswer::Taken { status: 204 });
        let heard = heard.lock().unwrap();
        let (headers, body) = &heard[0];
        assert_eq!((headers["webhook-id"].as_bytes(), body.as_slice()), (&b"evt_1_7"[..], &b"7 shop"[..]));
        let timestamp_s: u64 = headers["webhook-timestamp"].to_str().unwrap().parse().unwrap();
        let sign = |secret: &WebhookSecret| {
            SigningKey::try_new(secret.reveal()).unwrap().sign("evt_1_7", timestamp_s, b"7 shop")
        };
        let expected = format!("{} {}", sign(&secrets[0]), sign(&secrets[1]));
        assert_eq!(headers["webhook-signature"], expected.as_str());
    }

    #[tokio::test]
    async fn only_2xx_is_taken_and_what_the_answer_says_is_told() {
        let sender = sender(&["127.0.0.0/8"]);
        let refused = |status| WebhookAnswer::Refused { status, retry_after_ms: Some(120_000) };
        for (status, expected) in [
            (StatusCode::ACCEPTED, WebhookAnswer::Taken { status: 202 }),
            (StatusCode::FOUND, refused(302)),
            (StatusCode::TOO_MANY_REQUESTS, refused(429)),
            (StatusCode::INTERNAL_SERVER_ERROR, refused(500)),
            (StatusCode::GONE, WebhookAnswer::Gone),
        ] {
            let url = receiver(status, &Heard::default()).await;
            assert_eq!(sender.send(&message(&url, vec![sender.new_secret()])).await, expected, "{status}");
        }
    }

    #[tokio::test]
    async fn a_private_network_is_neither_accepted_nor_asked() {
        let heard = Heard::default();
        let url = receiver(StatusCode::OK, &heard).await;
        let strict = sender(&[]);
        for refused in [url.as_str(), "https://10.0.0.1/", "http://shop.example/", "ftp://shop.example/", "x"] {
            assert!(strict.objection(&WebhookUrl::try_new(refused).unwrap()).is_some(), "{refused}");
        }
        assert_eq!(strict.objection(&WebhookUrl::try_new("https://shop.example/hooks").unwrap()), None);
        let answer = strict.send(&message(&url, vec![strict.new_secret()])).await;
        assert!(
            matches!(&answer, WebhookAnswer::None { why } if why.contains("its address must not be")),
            "{answer:?}"
        );
        assert!(heard.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_endpoint_that_does_not_listen_is_told_without_its_address() {
        let sender = sender(&["127.0.0.0/8"]);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let answer = sender.send(&message(&format!("http://{address}/secret-path"), vec![sender.new_secret()])).await;
        let WebhookAnswer::None { why } = answer else { panic!("{answer:?}") };
        assert!(why.contains("refused") && !why.contains("secret-path"), "{why}");
    }
}
