//! Placing over HTTP: one submit, answered when it is decided, or before.

use std::time::Duration;

use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use holdline_app::{Error, Placed, SubmitName, SubmitState, Submitted};
use holdline_domain::id::{IdempotencyKey, InvalidCode, InvalidField};
use holdline_domain::order::Submit;

use crate::auth;
use crate::call::{Answer, Call, json};
use crate::openapi::{BodyProblems, Problems};
use crate::pay_at_once::{self, Paid};
use crate::problem::{Code, Problem, ProblemBody, of_refusal};
use crate::replay::mark_replayed;
use crate::submit::{self, Preference};
use crate::wire;
use crate::wire::order::{GroupBody, GroupId, SubmitInput};
use crate::wire::pay_at_once::PayAtOnceInput;
use crate::wire::submit::SubmitStatusBody;

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// Places the orders of one submit.
///
/// One order per seller, all of them or none. With `Prefer: respond-async` the answer is 202, as soon as the request and
/// the numbers of its orders are durable; so it is where the outcome stays unknown. Sent again with the same key, it answers the same orders with
/// `Idempotent-Replayed: true` and never places twice. With `pay_at_once` the answer has an attempt to pay them as well, or
/// why there is none: the orders stand either way. A tenant whose prices come from the caller needs a key that has
/// the scope `price` as well.
#[utoipa::path(post, path = "/v1/orders", operation_id = "place_orders", tag = "orders",
    params(("Idempotency-Key" = String, Header, max_length = 255,
        description = "Names this submit: new for each, the same for each retry. UUIDv7 is recommended. With or without \
            the quotes of a structured field."),
        ("Prefer" = Option<String>, Header, example = "respond-async, wait=5",
            description = "`respond-async`: answer before the submit is decided, after up to `wait` seconds.")),
    request_body = SubmitInput<'static>,
    responses(
        (status = 201, description = "The orders exist.", body = GroupBody<'static>,
            headers(("Idempotent-Replayed" = String, description = "`true`: they existed before this request."),
                ("Location" = String, description = "Where the group can be read."))),
        (status = 202, description = "It is not decided yet; `Location` tells what becomes of it, and by when.",
            body = SubmitStatusBody<'static>,
            headers(("Location" = String, description = "Where its status can be read."),
                ("Retry-After" = String, description = "Seconds."),
                ("Preference-Applied" = String, description = "`respond-async`: request and numbers are durable."))),
        (status = 409, description = "`submit_abandoned`.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        Problems, BodyProblems,
    ))]
pub(crate) async fn place(mut call: Call) -> Answer {
    auth::require_price(&call.access)?;
    let attempt = required_key(&call)?;
    let body = call.json().await?;
    let mut submit: SubmitInput<'_> = wire::json::parse(&body)?;
    let wish = submit.pay_at_once.take().map(PayAtOnceInput::parse).transpose()?;
    let submit = submit.parse(&call.access.tenant, &call.access.key, &attempt)?;
    let preference = Preference::of(&call);
    if preference.respond_async {
        if wish.is_some() {
            let problem = "must be absent with Prefer: respond-async: pay the orders once they exist";
            return Err(InvalidField::new("/pay_at_once", InvalidCode::Malformed, problem).into());
        }
        return place_later(&call, &attempt, submit, preference.wait).await;
    }
    let buyer = submit.buyer.clone();
    match call.app.place(submit).await {
        Ok(placed) => placed_answer(&placed, &pay_at_once::pay(&call, &attempt, &placed.orders, wish).await),
        // Never reported as failed: its status tells, and makes an end of it.
        Err(Error::OutcomeUnknown) => Ok(submit::outcome_unknown(&call.app, &attempt, &buyer)),
        Err(error) => Err(error.into()),
    }
}

/// Places a submit that is answered before it is decided, unless that takes no longer than the client would wait.
async fn place_later(call: &Call, attempt: &IdempotencyKey, submit: Submit, wait: Duration) -> Answer {
    let (tenant, key, buyer) = (submit.tenant, submit.key.clone(), submit.buyer.clone());
    let promised = match call.app.accept(submit).await {
        Ok(Submitted::Placed(placed)) => return placed_answer(&placed, &Paid::Nothing),
        Ok(Submitted::Accepted(promised)) => promised,
        Err(Error::OutcomeUnknown) => return Ok(submit::outcome_unknown(&call.app, attempt, &buyer)),
        Err(error) => return Err(error.into()),
    };
    if !wait.is_zero() {
        let name = SubmitName { tenant, key, buyer: Some(buyer), decide_by: None };
        match call.app.submit_status(&name, wait).await.map(|status| status.state) {
            Ok(SubmitState::Created(placed)) => {
                return placed_answer(&Placed { replayed: false, ..placed }, &Paid::Nothing);
            }
            Ok(SubmitState::Failed(refusal)) => return Err(of_refusal(&refusal)),
            // The promise stands, whatever kept this process from reading its end.
            Ok(SubmitState::Creating) | Err(_) => {}
        }
    }
    Ok(submit::accepted(attempt, &promised))
}

/// The key of an operation that must not happen twice.
pub(crate) fn required_key(call: &Call) -> Result<IdempotencyKey, Problem> {
    idempotency_key_of(call)?.ok_or_else(|| Problem::new(Code::IdempotencyKeyMissing))
}

/// The key that the caller names its submit by, if it sends one.
pub(crate) fn idempotency_key_of(call: &Call) -> Result<Option<IdempotencyKey>, Problem> {
    Ok(call.header(IDEMPOTENCY_KEY)?.map(idempotency_key).transpose()?)
}

/// 201 with the orders, the first time and every time.
pub(crate) fn placed_answer(placed: &Placed, paid: &Paid) -> Answer {
    let body = GroupBody::placed(&placed.orders, placed.now, paid).ok_or_else(no_orders)?;
    let mut response = json(StatusCode::CREATED, &body);
    if let Some(first) = placed.orders.first() {
        let location = compact_str::format_compact!("/v1/order-groups/{}", GroupId(&first.no));
        let location = HeaderValue::from_str(&location).expect("an order number is digits");
        response.headers_mut().insert(LOCATION, location);
    }
    if placed.replayed {
        mark_replayed(&mut response);
    }
    Ok(response)
}

pub(crate) fn no_orders() -> Problem {
    Problem::new(Code::Internal).inside("a placed group has no orders")
}

/// Parses a key: plain visible ASCII, or a structured-field string, whose quotes are not part of the key.
pub(crate) fn idempotency_key(text: &str) -> Result<IdempotencyKey, InvalidField> {
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(quoted) if quoted.contains('\\') => {
            IdempotencyKey::try_new(&quoted.replace("\\\"", "\"").replace("\\\\", "\\"))
        }
        Some(quoted) => IdempotencyKey::try_new(quoted),
        None => IdempotencyKey::try_new(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<String, InvalidCode> {
        idempotency_key(text).map(|key| key.as_str().to_owned()).map_err(|invalid| invalid.code)
    }

    #[test]
    fn a_key_is_visible_ascii_with_or_without_the_quotes_of_a_structured_field() {
        assert_eq!(key("0190-7b"), Ok("0190-7b".to_owned()));
        assert_eq!(key("\"0190-7b\""), Ok("0190-7b".to_owned()));
        assert_eq!(key("\"a\\\"b\\\\\""), Ok("a\"b\\".to_owned()));
        assert_eq!(key("\"a b\""), Err(InvalidCode::BadCharacter));
        assert_eq!(key(""), Err(InvalidCode::Empty));
        assert_eq!(key("\"\""), Err(InvalidCode::Empty));
        assert_eq!(key(&"a".repeat(256)), Err(InvalidCode::TooLong));
        assert_eq!(key(&"a".repeat(255)), Ok("a".repeat(255)));
    }
}
