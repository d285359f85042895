//! One call: what every operation goes through, before and after its handler.
//!
//! Before: key and scope, path parameters. After: problem or answer, request id, figures, log. Plain functions instead
//! of a stack of layers, because each layer costs an allocation per request.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody as _};
use axum::extract::{RawPathParams, Request};
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::Response;
use bytes::Bytes;
use holdline_app::{Access, App};
use holdline_domain::id::{InvalidCode, InvalidField, TenantId};
use parking_lot::Mutex;
use serde::Serialize;
use tracing::Instrument as _;

use crate::auth::{self, Sight};
use crate::body::{read_body, require_json};
use crate::metrics::Meters;
use crate::operation::Op;
use crate::problem::{Code, Problem};
use crate::request_id::{self, REQUEST_ID};

/// No call stays unanswered longer: who waits for a submit may wait 30 s. The app has limits of its own; this one is the
/// last.
const ANSWER_WITHIN: Duration = Duration::from_secs(40);

/// What a handler returns.
pub(crate) type Answer = Result<Response, Problem>;

/// What all calls share.
pub(crate) struct Gate {
    pub(crate) app: App,
    pub(crate) meters: Meters,
    pub(crate) render_metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

/// An authorized call of an operation.
pub(crate) struct Call {
    pub(crate) app: App,
    pub(crate) op: Op,
    pub(crate) access: Access,
    pub(crate) headers: HeaderMap,
    pub(crate) uri: Uri,
    parameters: RawPathParams,
    /// Never locked: the mutex only makes a shared call `Send`, which a body is not.
    body: Mutex<Body>,
}

impl Call {
    /// Whose data.
    pub(crate) fn tenant(&self) -> TenantId {
        self.access.tenant.id
    }

    /// Which orders the caller sees.
    pub(crate) fn sight(&self) -> Sight<'_> {
        Sight::of(&self.access.key, self.op)
    }

    /// Who calls, as it is kept with what a person decided.
    pub(crate) fn by(&self) -> String {
        format!("key {}", self.access.key.key_id)
    }

    /// A parameter of the path, decoded.
    pub(crate) fn path(&self, name: &str) -> &str {
        self.parameters.iter().find(|(given, _)| *given == name).map_or("", |(_, value)| value)
    }

    /// The body, which must be JSON.
    pub(crate) async fn json(&mut self) -> Result<Bytes, Problem> {
        require_json(&self.headers)?;
        read_body(&self.headers, std::mem::take(self.body.get_mut())).await
    }

    /// The body of an operation that does not need one.
    pub(crate) async fn optional_json(&mut self) -> Result<Option<Bytes>, Problem> {
        if self.body.get_mut().is_end_stream() {
            return Ok(None);
        }
        let body = read_body(&self.headers, std::mem::take(self.body.get_mut())).await?;
        if body.is_empty() {
            return Ok(None);
        }
        require_json(&self.headers)?;
        Ok(Some(body))
    }

    /// The header's text; a header that is not visible ASCII is refused.
    pub(crate) fn header(&self, name: &'static str) -> Result<Option<&str>, Problem> {
        let Some(value) = self.headers.get(name) else { return Ok(None) };
        match value.to_str() {
            Ok(text) => Ok(Some(text.trim())),
            Err(_) => Err(InvalidField::new(name, InvalidCode::BadCharacter, "must be visible ASCII").into()),
        }
    }
}

/// Runs an operation that needs a key.
pub(crate) async fn secured<H, F>(gate: Arc<Gate>, op: Op, parameters: Parameters, request: Request, run: H) -> Response
where
    H: FnOnce(Call) -> F,
    F: Future<Output = Answer>,
{
    let (parts, body) = request.into_parts();
    let head = Head::of(&parts.headers, parts.uri.clone());
    let work = async {
        let access = auth::authorize(&gate.app, op, &parts.headers)?;
        let parameters = parameters
            .map_err(|_| Problem::new(Code::MalformedRequest).detail("The path is not UTF-8 once decoded."))?;
        let (headers, uri) = (parts.headers, parts.uri);
        run(Call { app: gate.app.clone(), op, access, headers, uri, parameters, body: Mutex::new(body) }).await
    };
    finish(&gate.meters, Some(op), head, work).await
}

/// The parameters of the path, or why they cannot be read.
pub(crate) type Parameters = Result<RawPathParams, axum::extract::rejection::RawPathParamsRejection>;

/// What is kept of a request for its answer and the log.
pub(crate) struct Head {
    uri: Uri,
    request_id: HeaderValue,
    span: tracing::Span,
}

impl Head {
    pub(crate) fn of(headers: &HeaderMap, uri: Uri) -> Self {
        let request_id = request_id::of(headers);
        let span = tracing::info_span!(
            "request",
            request_id = request_id.to_str().unwrap_or_default(),
            traceparent = request_id::traceparent(headers),
        );
        Self { uri, request_id, span }
    }
}

/// Runs the work of a request and makes its answer: every one has a request id, is counted, and if it is not a success,
/// is a problem.
pub(crate) async fn finish<F>(meters: &Meters, op: Option<Op>, head: Head, work: F) -> Response
where
    F: Future<Output = Answer>,
{
    let begun = Instant::now();
    let work = tokio::time::timeout(ANSWER_WITHIN, catch_panic(work));
    let answer = work.instrument(head.span.clone()).await.unwrap_or_else(|_| Err(too_late(op)));
    let code = answer.as_ref().err().map(|problem| problem.code);
    meters.answered(op, code, begun.elapsed());
    let mut response = answer.unwrap_or_else(|problem| {
        head.span.in_scope(|| log(op, &problem));
        problem.response(head.uri.path(), head.request_id.to_str().ok())
    });
    response.headers_mut().insert(REQUEST_ID.clone(), head.request_id);
    response
}

fn too_late(op: Option<Op>) -> Problem {
    let inside = format!("not answered within {} s", ANSWER_WITHIN.as_secs());
    if op.is_some_and(Op::writes) {
        crate::problem::outcome_unknown().inside(inside)
    } else {
        Problem::new(Code::Unavailable).inside(inside)
    }
}

/// A handler that panics is a defect of ours, not the end of the connection.
async fn catch_panic<F: Future<Output = Answer>>(work: F) -> Answer {
    let mut work = pin!(work);
    poll_fn(|context| {
        let poll = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        poll.unwrap_or_else(|_| std::task::Poll::Ready(Err(Problem::new(Code::Internal).inside("a handler panicked"))))
    })
    .await
}

/// Refusals and the caller's mistakes are for debugging only: a sold-out sale has thousands per second, and they are
/// counted in the figures. Never a body, address, buyer or key.
fn log(op: Option<Op>, problem: &Problem) {
    let entry = problem.code.entry();
    let (operation, code) = (op.map_or("unmatched", |op| op.entry().id), entry.code);
    let inside = problem.inside.as_deref();
    match problem.code {
        Code::Internal => tracing::error!(operation, code, inside, "a request met a defect"),
        Code::Unavailable | Code::StoreFull | Code::OutcomeUnknown => {
            tracing::warn!(operation, code, inside, "a request failed");
        }
        _ => tracing::debug!(operation, code, inside, status = entry.status.as_u16(), "a request was refused"),
    }
}

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let body = serde_json::to_vec(body).expect("an answer is plain JSON");
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_internal_problem() {
        let answer = catch_panic(async { panic!("as the test wants it") }).await;
        assert_eq!(answer.unwrap_err().code, Code::Internal);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_never_ends_is_answered() {
        let head = || Head::of(&HeaderMap::new(), Uri::from_static("/v1/orders"));
        let meters = Meters::new();
        let response = finish(&meters, Some(Op::PlaceOrders), head(), std::future::pending()).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["code"], "outcome_unknown");
        let response = finish(&meters, Some(Op::GetOrder), head(), std::future::pending()).await;
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(String::from_utf8_lossy(&body).contains("unavailable"));
    }
}
