//! Parked events over HTTP: listing them, trying one at once, giving one up.

use axum::http::StatusCode;
use axum::response::Response;
use holdline_domain::feed::{End, ParkedEvent};
use holdline_domain::id::ConsumerName;

use crate::auth::not_found;
use crate::call::{Answer, Call, json};
use crate::cursor::{ParkedPlace, encode_cursor};
use crate::openapi::{BodyProblems, Problems};
use crate::problem::Problem;
use crate::query::Query;
use crate::wire;
use crate::wire::parked::{ParkedEventBody, ParkedPageBody};
use crate::wire::reason::ReasonInput;

/// The consumer whose parked events are listed if none is named: the one that can fail by an order's own fault.
const USUAL_CONSUMER: &str = "ledger";

/// Lists events that a consumer of the feed could not work off, with the later ones of the same orders behind them.
#[utoipa::path(get, path = "/v1/parked-events", operation_id = "list_parked_events", tag = "events",
    params(
        ("consumer" = Option<String>, Query, description = "`ledger`, if absent."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "Events of one page; 20 if absent."),
    ),
    responses((status = 200, description = "One page, by order and sequence.", body = ParkedPageBody<'static>), Problems))]
pub(crate) async fn list(call: Call) -> Answer {
    let query = Query::parse(&call.uri, &["consumer", "cursor", "limit"])?;
    let consumer = ConsumerName::try_new(query.one("consumer")?.unwrap_or(USUAL_CONSUMER))?;
    let (limit, after) = (query.limit()?, query.cursor::<ParkedPlace>()?);
    let after = after.map(|place| place.0);
    let mut events = call.app.parked_events(call.tenant(), &consumer, after.as_ref(), limit + 1).await?;
    let has_more = events.len() > limit;
    events.truncate(limit);
    let last = events.last().filter(|_| has_more);
    let next_cursor = last.map(|event| encode_cursor(&ParkedPlace((event.key.order_no.clone(), event.key.seq))));
    let parked_events = events.iter().map(ParkedEventBody::from).collect();
    Ok(json(StatusCode::OK, &ParkedPageBody { parked_events, next_cursor, has_more }))
}

/// Tries a parked event at once: the first one of its order, if this one waits behind it.
#[utoipa::path(post, path = "/v1/parked-events/{consumer}/{seq}/retry", operation_id = "retry_parked_event", tag = "events",
    params(("consumer" = String, Path, description = "Who could not work it off."),
        ("seq" = i64, Path, description = "Its place in the feed.")),
    responses((status = 200, description = "The event; it is tried within a second.", body = ParkedEventBody<'static>),
        Problems))]
pub(crate) async fn retry(call: Call) -> Answer {
    Ok(answer(&end(&call, End::TryNow).await?))
}

/// Gives a parked event up: this consumer never works it off. The next one of its order is tried at once.
///
/// The event, who skipped it and why are kept.
#[utoipa::path(post, path = "/v1/parked-events/{consumer}/{seq}/skip", operation_id = "skip_parked_event", tag = "events",
    params(("consumer" = String, Path, description = "Who could not work it off."),
        ("seq" = i64, Path, description = "Its place in the feed.")),
    request_body = ReasonInput<'static>,
    responses((status = 200, description = "The event as it was parked.", body = ParkedEventBody<'static>),
        Problems, BodyProblems))]
pub(crate) async fn skip(mut call: Call) -> Answer {
    let body = call.json().await?;
    let input: ReasonInput<'_> = wire::json::parse(&body)?;
    let reason = input.parse()?;
    Ok(answer(&end(&call, End::Skipped { reason, by: call.by() }).await?))
}

async fn end(call: &Call, end: End) -> Result<ParkedEvent, Problem> {
    // A text that is no name or number names no event.
    let consumer = ConsumerName::try_new(call.path("consumer")).map_err(|_| not_found("parked_event"))?;
    let seq = call.path("seq").parse().map_err(|_| not_found("parked_event"))?;
    Ok(call.app.end_parked_event(call.tenant(), &consumer, seq, end).await?)
}

fn answer(event: &ParkedEvent) -> Response {
    json(StatusCode::OK, &ParkedEventBody::from(event))
}
