//! Answers that repeat an earlier one say so.

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

static REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Says that what is answered had happened before.
pub(crate) fn mark_replayed(response: &mut Response) {
    response.headers_mut().insert(REPLAYED.clone(), HeaderValue::from_static("true"));
}
