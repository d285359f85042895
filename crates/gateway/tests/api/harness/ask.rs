//! A request to the router, and its answer.

use axum::Router;
use axum::body::Body;
use axum::http::request::Builder;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    /// The status and the problem's code, `ok` without one.
    pub(crate) fn outcome(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["code"].as_str().unwrap_or("ok"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A request that can still be changed.
pub(crate) struct Ask {
    router: Router,
    request: Builder,
    body: Body,
}

impl Ask {
    pub(super) fn new(router: Router, method: Method, path: &str) -> Self {
        Self { router, request: Request::builder().method(method).uri(path), body: Body::empty() }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.raw(body.to_string())
    }

    pub(crate) fn raw(self, body: impl Into<Body>) -> Self {
        Self { body: body.into(), ..self.header("content-type", "application/json") }
    }

    /// The answer's status and its body as text, whatever it is.
    pub(crate) async fn text(self) -> (StatusCode, HeaderMap, String) {
        let response = self.router.oneshot(self.request.body(self.body).unwrap()).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, headers, String::from_utf8(bytes.to_vec()).unwrap())
    }

    pub(crate) async fn reply(self) -> Reply {
        let response = self.router.oneshot(self.request.body(self.body).unwrap()).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)));
        assert!(!headers["x-request-id"].is_empty(), "every answer has a request id");
        if !status.is_success() && !status.is_redirection() {
            assert_eq!(headers["content-type"], "application/problem+json", "{status}");
            assert_eq!(body["status"], status.as_u16());
            assert_eq!(body["request_id"], headers["x-request-id"].to_str().unwrap());
        }
        Reply { status, headers, body }
    }
}
