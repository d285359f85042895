//! What needs no key: whether the process runs, whether it is ready, its figures, and the description of the API.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::call::{Answer, Gate, json};
use crate::openapi::openapi_json;
use crate::problem::{Code, Problem, ProblemBody};

/// How the process is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok` or `ready`.
    status: &'static str,
}

/// Whether the process runs.
#[utoipa::path(get, path = "/healthz", operation_id = "get_health", tag = "process", security(()),
    responses((status = 200, description = "It runs.", body = Health)))]
pub(crate) fn health() -> Response {
    json(StatusCode::OK, &Health { status: "ok" })
}

/// Whether the process may be sent requests.
#[utoipa::path(get, path = "/readyz", operation_id = "get_readiness", tag = "process", security(()),
    responses(
        (status = 200, description = "It is ready.", body = Health),
        (status = 503, description = "`not_ready`: `detail` says why.", body = ProblemBody<'static>,
            content_type = "application/problem+json"),
    ))]
pub(crate) fn readiness(gate: &Gate) -> Answer {
    match gate.app.readiness() {
        Ok(()) => Ok(json(StatusCode::OK, &Health { status: "ready" })),
        Err(why) => Err(Problem::new(Code::NotReady).detail(why)),
    }
}

/// Figures in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", operation_id = "get_metrics", tag = "process", security(()),
    responses((status = 200, description = "The figures.", body = String, content_type = "text/plain")))]
pub(crate) fn metrics(gate: &Gate) -> Response {
    text("text/plain; version=0.0.4", (gate.render_metrics)())
}

/// The description of this API.
#[utoipa::path(get, path = "/openapi.json", operation_id = "get_openapi", tag = "process", security(()),
    responses((status = 200, description = "OpenAPI 3.1.", body = serde_json::Value)))]
pub(crate) fn openapi() -> Response {
    text("application/json", openapi_json())
}

fn text(content_type: &'static str, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
