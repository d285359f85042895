//! The way in: `POST /` with a signed call, as docs/guides/payment-center.md has it.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use holdline_outbound::SignedMessage;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::courier;
use crate::desk::{Center, Desk, now_ms};
use crate::mischief::Switch;
use crate::payment::Created;
use crate::refund::Refunded;

/// The largest amount: what Holdline calls money.
const AMOUNT_MAX: i64 = 1_000_000_000_000_000;
/// Keys of Holdline's, in characters.
const PAYMENT_CHARS_MAX: usize = 32;
const REFUND_CHARS_MAX: usize = 40;
/// Texts for people, and addresses, in bytes: a description may name a thousand orders.
const TEXT_BYTES_MAX: usize = 32 * 1_024;

/// What Holdline asks.
#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
enum Call {
    #[serde(rename = "payment.create")]
    Create(Create),
    #[serde(rename = "payment.query")]
    Query(Named),
    #[serde(rename = "payment.close")]
    Close(Named),
    #[serde(rename = "refund.create")]
    Refund(RefundRequest),
}

/// A payment to be made.
#[derive(Debug, Deserialize)]
pub(crate) struct Create {
    pub(crate) payment: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) expires_ms: i64,
    pub(crate) description: String,
    pub(crate) notify_url: String,
    pub(crate) return_url: Option<String>,
    pub(crate) method: Option<String>,
}

/// A payment by its key.
#[derive(Debug, Deserialize)]
struct Named {
    payment: String,
}

/// Money to be given back.
#[derive(Debug, Deserialize)]
pub(crate) struct RefundRequest {
    pub(crate) refund: String,
    pub(crate) payment: String,
    pub(crate) captured: i64,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) reason: String,
    pub(crate) notify_url: String,
}

/// What a call is answered, and by which mischief.
struct Answered {
    status: StatusCode,
    body: Value,
    /// Callbacks to be sent first; taken by this call.
    early: Vec<i64>,
    slow: bool,
    lost: bool,
}

/// An answer that says what was wrong.
pub(crate) fn refusal(status: StatusCode, error: impl std::fmt::Display) -> Response {
    (status, Json(json!({ "error": error.to_string() }))).into_response()
}

/// The handler of `POST /`.
pub(crate) async fn call(State(center): State<Arc<Center>>, headers: HeaderMap, body: Bytes) -> Response {
    match center.is_down().await {
        Ok(false) => {}
        Ok(true) => return refusal(StatusCode::SERVICE_UNAVAILABLE, "down for a while"),
        Err(failed) => return refusal(StatusCode::INTERNAL_SERVER_ERROR, failed),
    }
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let message = SignedMessage {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signatures: header("webhook-signature"),
        body: &body,
    };
    if let Err(distrust) = message.verify(std::slice::from_ref(&center.key), now_ms() / 1_000) {
        tracing::warn!(%distrust, "a call was not believed");
        return refusal(StatusCode::UNAUTHORIZED, distrust);
    }
    let call = match serde_json::from_slice::<Call>(&body) {
        Ok(call) => call,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, format!("not a call of the protocol: {error}")),
    };
    if let Some(objection) = call.objection(&center) {
        tracing::warn!(objection, "a call was refused");
        return refusal(StatusCode::BAD_REQUEST, objection);
    }
    let shared = Arc::clone(&center);
    let answered = center
        .at_desk(move |desk| {
            let answered = desk.answer(&call)?;
            // Last, because nothing takes it back.
            for id in &answered.early {
                shared.under_way.take(*id);
            }
            Ok(answered)
        })
        .await;
    center.wake.notify_one();
    match answered {
        Ok(answered) => give(&center, answered).await,
        Err(failed) => refusal(StatusCode::INTERNAL_SERVER_ERROR, failed),
    }
}

/// The answer, as late and as broken as mischief wants it.
async fn give(center: &Arc<Center>, answered: Answered) -> Response {
    courier::send_now(center, answered.early).await;
    if answered.slow {
        let slow_ms = center.mischief.read().slow_answer_ms;
        tokio::time::sleep(Duration::from_millis(slow_ms)).await;
    }
    if answered.lost {
        // A body that breaks off: the server closes the connection, and nobody learns what it would have been.
        let broken = stream::once(async { Err::<Bytes, _>(std::io::Error::other("lost by mischief")) });
        return Body::from_stream(broken).into_response();
    }
    (answered.status, Json(answered.body)).into_response()
}

impl Call {
    /// Why a call is refused whatever is stored; `None` if it is not.
    fn objection(&self, center: &Center) -> Option<String> {
        let objections = match self {
            Self::Create(call) => vec![
                key("payment", &call.payment, PAYMENT_CHARS_MAX),
                money(call.amount, &call.currency),
                texts(&[&call.description, &call.notify_url, call.return_url.as_deref().unwrap_or_default()]),
                texts(&[call.method.as_deref().unwrap_or_default()]),
                center.client.objection(&call.notify_url).map(|why| format!("notify_url {why}")),
            ],
            Self::Query(call) | Self::Close(call) => vec![key("payment", &call.payment, PAYMENT_CHARS_MAX)],
            Self::Refund(call) => vec![
                key("refund", &call.refund, REFUND_CHARS_MAX),
                key("payment", &call.payment, PAYMENT_CHARS_MAX),
                money(call.amount, &call.currency),
                texts(&[&call.reason, &call.notify_url]),
                center.client.objection(&call.notify_url).map(|why| format!("notify_url {why}")),
            ],
        };
        objections.into_iter().flatten().next()
    }
}

fn key(name: &str, text: &str, chars_max: usize) -> Option<String> {
    let known = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    let fine = (1..=chars_max).contains(&text.len()) && text.bytes().all(known);
    (!fine).then(|| format!("{name} must be 1 to {chars_max} of A-Z, 0-9 and -"))
}

fn money(amount: i64, currency: &str) -> Option<String> {
    if !(1..=AMOUNT_MAX).contains(&amount) {
        return Some(format!("amount must be 1 to {AMOUNT_MAX}"));
    }
    let code = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
    (!code).then(|| "currency must be three upper-case letters".to_owned())
}

fn texts(texts: &[&str]) -> Option<String> {
    let long = texts.iter().any(|text| text.len() > TEXT_BYTES_MAX);
    long.then(|| format!("a text must have at most {TEXT_BYTES_MAX} bytes"))
}

impl Desk<'_> {
    fn answer(&self, call: &Call) -> rusqlite::Result<Answered> {
        let conflict = || (StatusCode::CONFLICT, json!({ "error": "this key was used with another amount" }));
        let mut early = Vec::new();
        let (status, body) = match call {
            Call::Create(call) => match self.create(call)? {
                Created::Stands(payment, letters) => {
                    early = letters;
                    (StatusCode::OK, payment.words(self.base_url))
                }
                Created::OtherAmount => conflict(),
            },
            Call::Query(call) => {
                let words = self.payment(&call.payment)?.map(|payment| payment.words(self.base_url));
                (StatusCode::OK, words.unwrap_or_else(|| json!({ "state": "unknown" })))
            }
            Call::Close(call) => (StatusCode::OK, self.close(&call.payment)?.words(self.base_url)),
            Call::Refund(call) => match self.refund(call)? {
                Refunded::Stands(words) => (StatusCode::OK, words),
                Refunded::OtherAmount => conflict(),
            },
        };
        let slow = self.strikes(Switch::SlowAnswer)?;
        let lost = self.strikes(Switch::LostAnswer)?;
        Ok(Answered { status, body, early, slow, lost })
    }
}
