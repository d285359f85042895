//! `/control`: what tests and benches do in place of people. It moves the sandbox's money, so it wants a token.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use rusqlite::params;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::desk::{Center, Desk, now_ms};
use crate::mischief::Mischief;
use crate::open::{MISCHIEF, keep};
use crate::payment::{Decided, Decision};
use crate::protocol::refusal;
use crate::record::{COLUMNS, Payment};
use crate::secret;
use crate::store::StoreFailed;

/// How many payments a page has at most.
const PAGE_MAX: i64 = 500;

/// A payment to be decided.
#[derive(Deserialize)]
pub(crate) struct Which {
    payment: String,
}

/// Which page of payments.
#[derive(Deserialize)]
pub(crate) struct Page {
    /// Only after this key.
    #[serde(default)]
    after: String,
    /// Only in this state.
    state: Option<String>,
    limit: Option<i64>,
}

/// Lets only those in who have the token.
pub(crate) async fn guard(State(center): State<Arc<Center>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if secret::same(given.strip_prefix("Bearer ").unwrap_or_default(), &center.control_token) {
        return next.run(request).await;
    }
    refusal(StatusCode::UNAUTHORIZED, "Authorization must be Bearer and the control token")
}

pub(crate) async fn pay(State(center): State<Arc<Center>>, Json(which): Json<Which>) -> Response {
    decide(&center, which, Decision::Pay).await
}

pub(crate) async fn decline(State(center): State<Arc<Center>>, Json(which): Json<Which>) -> Response {
    decide(&center, which, Decision::Decline).await
}

async fn decide(center: &Arc<Center>, which: Which, decision: Decision) -> Response {
    let decided = center
        .at_desk(move |desk| {
            Ok(match desk.decide(&which.payment, decision)? {
                Decided::So(payment) => (StatusCode::OK, payment.words(desk.base_url)),
                Decided::Otherwise(payment) => (StatusCode::CONFLICT, payment.words(desk.base_url)),
                Decided::NoPayment => (StatusCode::NOT_FOUND, json!({ "state": "unknown" })),
            })
        })
        .await;
    center.wake.notify_one();
    answer(decided)
}

pub(crate) async fn payments(State(center): State<Arc<Center>>, Query(page): Query<Page>) -> Response {
    let payments = center.at_desk(move |desk| desk.payments(&page)).await;
    answer(payments.map(|payments| (StatusCode::OK, payments)))
}

pub(crate) async fn summary(State(center): State<Arc<Center>>) -> Response {
    answer(center.at_desk(|desk| Ok((StatusCode::OK, desk.summary()?))).await)
}

/// Replaces all switches: what is not named is off.
pub(crate) async fn put_mischief(State(center): State<Arc<Center>>, body: Bytes) -> Response {
    let read = str::from_utf8(&body).map_err(|error| error.to_string());
    let mischief = match read.and_then(|json| Mischief::try_new(json, now_ms())) {
        Ok(mischief) => Arc::new(mischief),
        Err(why) => return refusal(StatusCode::BAD_REQUEST, format!("mischief {why}")),
    };
    let text = serde_json::to_string(&*mischief).expect("switches are plain JSON");
    let kept = center.at_desk(move |desk| keep(desk.rows, MISCHIEF, &text)).await;
    if kept.is_ok() {
        *center.mischief.write() = Arc::clone(&mischief);
        center.wake.notify_one();
    }
    answer(kept.map(|()| (StatusCode::OK, json!(*mischief))))
}

fn answer(result: Result<(StatusCode, Value), StoreFailed>) -> Response {
    match result {
        Ok((status, body)) => (status, Json(body)).into_response(),
        Err(failed) => refusal(StatusCode::INTERNAL_SERVER_ERROR, failed),
    }
}

impl Desk<'_> {
    fn payments(&self, page: &Page) -> rusqlite::Result<Value> {
        let limit = page.limit.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
        let found: Vec<Payment> = self
            .rows
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM payment WHERE payment > ?1 AND (?2 IS NULL OR state = ?2) \
                 ORDER BY payment LIMIT ?3"
            ))?
            .query_map(params![page.after, page.state, limit], Payment::from_row)?
            .collect::<Result<_, _>>()?;
        let full = i64::try_from(found.len()).unwrap_or(i64::MAX) == limit;
        let next = found.last().filter(|_| full).map(|payment| payment.key.clone());
        let payments: Vec<Value> = found
            .into_iter()
            .map(|payment| {
                let terms = payment.terms.as_ref();
                json!({
                    "payment": payment.key,
                    "state": payment.state.as_str(),
                    "asked": terms.map(|terms| terms.amount),
                    "currency": terms.map(|terms| &terms.currency),
                    "captured": payment.captured,
                    "expires_ms": terms.map(|terms| terms.expires_ms),
                    "reference": payment.reference,
                    "reason": payment.reason,
                })
            })
            .collect();
        Ok(json!({ "payments": payments, "next": next }))
    }
}
