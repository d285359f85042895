//! Holds over HTTP, for callers that keep their own orders: taking, committing, releasing and extending them.
//!
//! A hold belongs to the client of the key that took it; other clients do not see it. Each operation may be sent again
//! unchanged: `hold_id` makes it happen once.

use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use holdline_app::{HoldName, OutsideHold};
use holdline_domain::id::{IdempotencyKey, InvalidField};
use percent_encoding::utf8_percent_encode;

use crate::call::{Answer, Call, json};
use crate::openapi::{BodyProblems, Problems};
use crate::problem::{Code, Problem, ProblemBody};
use crate::query::ESCAPED;
use crate::replay::mark_replayed;
use crate::wire;
use crate::wire::hold::{HoldBody, HoldEndInput, HoldExtendInput, HoldInput, ReleasedBody};

/// Holds stock for a time, all of it or nothing.
///
/// Sent again with the same `hold_id`, it answers the same hold with `Idempotent-Replayed: true` and never holds twice.
/// A hold that is neither committed nor released is released after its deadline; with a `check_url`, only once that
/// says so.
#[utoipa::path(post, path = "/v1/holds", operation_id = "take_hold", tag = "holds",
    request_body = HoldInput<'static>,
    responses(
        (status = 201, description = "The stock is held.", body = HoldBody<'static>,
            headers(("Idempotent-Replayed" = String, description = "`true`: it was taken before this request."),
                ("Location" = String, description = "Where the hold can be read."))),
        (status = 409, description = "`hold_given_up`.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        Problems, BodyProblems,
    ))]
pub(crate) async fn take(mut call: Call) -> Answer {
    let body = call.json().await?;
    let input: HoldInput<'_> = wire::json::parse(&body)?;
    let parsed = input.parse()?;
    let name = hold_name(&call, parsed.name);
    let (hold, taken_before) = call.app.take_hold(&name, parsed.content, parsed.demands, parsed.terms).await?;
    let mut response = hold_answer(StatusCode::CREATED, &hold)?;
    response.headers_mut().insert(LOCATION, location(&name.name));
    if taken_before {
        mark_replayed(&mut response);
    }
    Ok(response)
}

/// Reads a hold.
#[utoipa::path(get, path = "/v1/holds/{hold_id}", operation_id = "get_hold", tag = "holds",
    params(("hold_id" = String, Path, description = "The caller's own name of it, percent-encoded.")),
    responses((status = 200, description = "The hold.", body = HoldBody<'static>),
        (status = 409, description = "`hold_given_up`.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        Problems))]
pub(crate) async fn get(call: Call) -> Answer {
    hold_answer(StatusCode::OK, &call.app.outside_hold(&path_name(&call)?).await?)
}

/// Commits a hold, or a part of it: the goods are sold.
///
/// Committed again, it answers the same. A whole hold of which any part was released is not committed: name the parts.
#[utoipa::path(post, path = "/v1/holds/{hold_id}/commit", operation_id = "commit_hold", tag = "holds",
    params(("hold_id" = String, Path, description = "The caller's own name of it, percent-encoded.")),
    request_body(content = Option<HoldEndInput<'static>>, description = "May be left out."),
    responses((status = 200, description = "The hold as it is now.", body = HoldBody<'static>),
        (status = 409, description = "`hold_ended`, `hold_given_up`.", body = ProblemBody<'static>,
            content_type = "application/problem+json"),
        Problems, BodyProblems))]
pub(crate) async fn commit(mut call: Call) -> Answer {
    let body = call.optional_json().await?;
    let part = ending(body.as_deref())?.parse()?;
    hold_answer(StatusCode::OK, &call.app.commit_hold(&path_name(&call)?, part).await?)
}

/// Releases what is still held of a hold, or a part of it.
///
/// Released again, it answers the same. A whole hold that was never taken is given up: should it arrive later, it is
/// refused.
#[utoipa::path(post, path = "/v1/holds/{hold_id}/release", operation_id = "release_hold", tag = "holds",
    params(("hold_id" = String, Path, description = "The caller's own name of it, percent-encoded.")),
    request_body(content = Option<HoldEndInput<'static>>, description = "May be left out."),
    responses((status = 200, description = "What became of it.", body = ReleasedBody<'static>),
        (status = 409, description = "`hold_ended`: it is committed.", body = ProblemBody<'static>,
            content_type = "application/problem+json"),
        Problems, BodyProblems))]
pub(crate) async fn release(mut call: Call) -> Answer {
    let body = call.optional_json().await?;
    let part = ending(body.as_deref())?.parse()?;
    match call.app.release_hold(&path_name(&call)?, part).await? {
        Some(hold) => Ok(json(StatusCode::OK, &ReleasedBody::Released(body_of(&hold)?))),
        None => Ok(json(StatusCode::OK, &ReleasedBody::Never)),
    }
}

/// Moves the deadline of a hold, or of a part of it, to a later instant.
#[utoipa::path(post, path = "/v1/holds/{hold_id}/extend", operation_id = "extend_hold", tag = "holds",
    params(("hold_id" = String, Path, description = "The caller's own name of it, percent-encoded.")),
    request_body = HoldExtendInput<'static>,
    responses((status = 200, description = "The hold as it is now.", body = HoldBody<'static>),
        (status = 409, description = "`hold_ended`, `hold_given_up`.", body = ProblemBody<'static>,
            content_type = "application/problem+json"),
        Problems, BodyProblems))]
pub(crate) async fn extend(mut call: Call) -> Answer {
    let body = call.json().await?;
    let input: HoldExtendInput<'_> = wire::json::parse(&body)?;
    let (part, within_ms) = input.parse()?;
    hold_answer(StatusCode::OK, &call.app.extend_hold(&path_name(&call)?, part, within_ms).await?)
}

fn location(name: &IdempotencyKey) -> HeaderValue {
    let path = format!("/v1/holds/{}", utf8_percent_encode(name.as_str(), ESCAPED));
    HeaderValue::from_str(&path).expect("what is percent-encoded is a header value")
}

fn ending(body: Option<&[u8]>) -> Result<HoldEndInput<'_>, Problem> {
    body.map_or_else(|| Ok(HoldEndInput::default()), wire::json::parse)
}

fn path_name(call: &Call) -> Result<HoldName, InvalidField> {
    let name = IdempotencyKey::try_new(call.path("hold_id")).map_err(|invalid| invalid.at("hold_id"))?;
    Ok(hold_name(call, name))
}

fn hold_name(call: &Call, name: IdempotencyKey) -> HoldName {
    HoldName { tenant: call.tenant(), client: call.access.key.client.clone(), name }
}

fn body_of(hold: &OutsideHold) -> Result<HoldBody<'_>, Problem> {
    HoldBody::new(hold).ok_or_else(|| Problem::new(Code::Internal).inside("a hold names an account that is not there"))
}

fn hold_answer(status: StatusCode, hold: &OutsideHold) -> Result<Response, Problem> {
    Ok(json(status, &body_of(hold)?))
}
