//! Submits that are answered before they are decided: the 202, and what became of them, once or as it changes.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use holdline_app::{App, SubmitName, SubmitState, SubmitStatus};
use holdline_domain::id::{BuyerId, IdempotencyKey, InvalidCode, InvalidField};
use holdline_domain::order::{Acceptance, OrderNo};
use holdline_domain::time::UnixMillis;
use percent_encoding::utf8_percent_encode;

use crate::auth;
use crate::call::{Answer, Call, json};
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::query::{ESCAPED, Query};
use crate::wire;
use crate::wire::submit::{SubmitFailure, SubmitStatusBody};

static PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// When a client that does not wait asks again: a placing takes milliseconds, a slow one a second or two.
const ASK_AGAIN_S: u64 = 1;
/// How long one event stream waits for a change before it says that it still lives: well within the idle time after which
/// proxies give a connection up.
const STREAM_BEAT: Duration = Duration::from_secs(10);

/// What a client prefers (RFC 7240).
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Preference {
    /// `respond-async`: an answer before the submit is decided.
    pub(crate) respond_async: bool,
    /// `wait=N`: for so long it would rather wait for the decision.
    pub(crate) wait: Duration,
}

impl Preference {
    /// Preferences that are not known, or not understood, do not exist: RFC 7240 says so.
    pub(crate) fn of(call: &Call) -> Self {
        let values = call.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        let mut preference = Self::default();
        for word in values.flat_map(|value| value.split([',', ';'])).map(str::trim) {
            match word.split_once('=') {
                None => preference.respond_async |= word.eq_ignore_ascii_case("respond-async"),
                Some((name, seconds)) if name.trim().eq_ignore_ascii_case("wait") => {
                    let seconds = seconds.trim().trim_matches('"').parse().unwrap_or(0);
                    preference.wait = Duration::from_secs(seconds).min(Query::WAIT_MAX);
                }
                Some(_) => {}
            }
        }
        preference
    }
}

/// 202 with the promise.
pub(crate) fn accepted(key: &IdempotencyKey, promised: &Acceptance) -> Response {
    let status = SubmitStatus {
        state: SubmitState::Creating,
        order_nos: promised.order_nos.iter().map(|(_, order_no)| order_no.clone()).collect(),
        decide_by: Some(promised.decide_by),
    };
    let mut response = undecided(&status, &location(key, &promised.buyer, None));
    response.headers_mut().insert(PREFERENCE_APPLIED.clone(), HeaderValue::from_static("respond-async"));
    response
}

/// 202 for a submit whose outcome is not known: it was promised nothing, but the status knows it by its key, and makes an
/// end of it past the instant that its URL names.
pub(crate) fn outcome_unknown(app: &App, key: &IdempotencyKey, buyer: &BuyerId) -> Response {
    let decide_by = wire::wall_clock().plus_ms(i64::try_from(app.decide_within().as_millis()).unwrap_or(i64::MAX));
    let status = SubmitStatus { state: SubmitState::Creating, order_nos: Vec::new(), decide_by: Some(decide_by) };
    undecided(&status, &location(key, buyer, Some(decide_by)))
}

fn undecided(status: &SubmitStatus, location: &str) -> Response {
    let mut response = status_answer(StatusCode::ACCEPTED, status);
    let location = HeaderValue::from_str(location).expect("an escaped URL is visible ASCII");
    response.headers_mut().insert(LOCATION, location);
    response
}

fn location(key: &IdempotencyKey, buyer: &BuyerId, decide_by: Option<UnixMillis>) -> String {
    let key = utf8_percent_encode(key.as_str(), ESCAPED);
    let buyer = utf8_percent_encode(buyer.as_str(), ESCAPED);
    match decide_by {
        None => format!("/v1/submits/{key}?buyer_id={buyer}"),
        Some(decide_by) => format!("/v1/submits/{key}?buyer_id={buyer}&decide_by={}", wire::At(decide_by)),
    }
}

/// What became of a submit: `creating`, `created` or `create_failed`.
///
/// The `Location` of a 202 leads here. With `wait`, the answer comes as soon as the submit is decided, or when the time is
/// over; few enough may wait at once, others are answered with what is known now. With `Accept: text/event-stream`, the
/// status comes now and whenever it changes, until it is final. Asked at or after `decide_by`, the answer is final.
#[utoipa::path(get, path = "/v1/submits/{key}", operation_id = "get_submit", tag = "orders",
    params(
        ("key" = String, Path, description = "The Idempotency-Key, percent-encoded."),
        ("buyer_id" = String, Query, description = "The buyer of the submit."),
        ("decide_by" = Option<String>, Query, description = "As the `Location` says it, if it does."),
        ("wait" = Option<String>, Query, description = "How long to wait for a final status, `0s` to `30s`.", example = "30s"),
    ),
    responses(
        (status = 200, description = "Its status now; `Retry-After` where it is not final.",
            content((SubmitStatusBody<'static> = "application/json"), (String = "text/event-stream"))),
        Problems,
    ))]
pub(crate) async fn get(call: Call) -> Answer {
    let query = Query::parse(&call.uri, &["buyer_id", "decide_by", "wait"])?;
    let buyer = query.required("buyer_id", "the buyer is part of a submit's identity")?;
    let buyer = BuyerId::try_new(buyer)?;
    let attempt = IdempotencyKey::try_new(call.path("key")).map_err(|invalid| invalid.at("key"))?;
    let name = SubmitName {
        tenant: call.tenant(),
        key: auth::group_key(call.tenant(), &call.access.key, &attempt, &buyer),
        buyer: Some(buyer),
        decide_by: query.one("decide_by")?.map(instant).transpose()?,
    };
    if wants_events(&call) {
        // What cannot be found is a problem, not a stream.
        let first = call.app.submit_status(&name, Duration::ZERO).await?;
        return Ok(event_stream(call.app.clone(), name, first));
    }
    let status = call.app.submit_status(&name, query.wait()?).await?;
    Ok(status_answer(StatusCode::OK, &status))
}

fn instant(text: &str) -> Result<UnixMillis, InvalidField> {
    let instant: Result<jiff::Timestamp, _> = text.parse();
    instant.map(|instant| UnixMillis(instant.as_millisecond())).map_err(|_| {
        InvalidField::new("decide_by", InvalidCode::Malformed, "must be an instant as in RFC 3339, in UTC")
    })
}

/// A status, with when to ask again unless it is final.
pub(crate) fn status_answer(status: StatusCode, submit: &SubmitStatus) -> Response {
    let failure = SubmitFailure::of(submit);
    let mut response = json(status, &SubmitStatusBody::new(submit, failure.as_ref(), wire::wall_clock()));
    mark_polled(&mut response, submit);
    response
}

/// Says that the answer is of now only, and when to ask again unless it is final.
pub(crate) fn mark_polled(response: &mut Response, submit: &SubmitStatus) {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if !submit.is_final() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(ASK_AGAIN_S));
    }
}

fn wants_events(call: &Call) -> bool {
    let mut accepted = call.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.split(',').any(|kind| kind.trim().starts_with("text/event-stream")))
}

/// A status that is final, or as it stands after a beat. `None` where it cannot be waited for: it cannot be read, the process
/// is stopping, or all places of those who wait are taken.
async fn watched(app: &App, name: &SubmitName) -> Option<SubmitStatus> {
    let begun = tokio::time::Instant::now();
    let status = app.submit_status(name, STREAM_BEAT).await.ok()?;
    (status.is_final() || begun.elapsed() >= STREAM_BEAT).then_some(status)
}

/// The statuses of one submit, the last one final. Ends early where the status cannot be waited for: a client of event
/// streams comes back by itself.
fn event_stream(app: App, name: SubmitName, first: SubmitStatus) -> Response {
    enum Next {
        Tell(SubmitStatus),
        Watch,
    }
    let events = stream::unfold(Some(Next::Tell(first)), move |next| {
        let (app, name) = (app.clone(), name.clone());
        async move {
            let status = match next? {
                Next::Tell(status) => status,
                Next::Watch => match watched(&app, &name).await {
                    Some(status) if status.is_final() => status,
                    Some(_) => return Some((Bytes::from_static(b": waiting\n\n"), Some(Next::Watch))),
                    None => return None,
                },
            };
            let next = (!status.is_final()).then_some(Next::Watch);
            Some((status_event(&status), next))
        }
    });
    let frames = futures_util::StreamExt::map(events, Ok::<Bytes, std::convert::Infallible>);
    let mut response = Response::new(Body::from_stream(frames));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn status_event(status: &SubmitStatus) -> Bytes {
    let failure = SubmitFailure::of(status);
    let body = SubmitStatusBody::new(status, failure.as_ref(), wire::wall_clock());
    let body = serde_json::to_string(&body).expect("a status is plain JSON");
    Bytes::from(format!("event: status\ndata: {body}\n\n"))
}

/// What became of the submit that a number belongs to.
pub(crate) async fn status_of_number(call: &Call, order_no: &OrderNo, wait: Duration) -> Result<SubmitStatus, Problem> {
    let name = call.app.submit_of_number(call.tenant(), order_no).await?;
    let name = name.ok_or_else(|| auth::not_found("order"))?;
    Ok(call.app.submit_status(&name, wait).await?)
}
