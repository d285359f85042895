//! The feed over HTTP.

use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use holdline_app::{EventsWanted, FeedPlace};
use holdline_domain::id::{InvalidCode, InvalidField, TenantName};
use holdline_domain::order::EventKind;
use holdline_domain::order::change::Event;

use crate::call::{Answer, Call, json};
use crate::cursor::{EventPlace, encode_cursor};
use crate::openapi::Problems;
use crate::problem::ProblemBody;
use crate::query::Query;
use crate::wire::event::{EventBody, EventPageBody};

/// The place of whoever wants to hear of what happens from now on.
const NEWEST: &str = "newest";

/// Reads what happened to the tenant's orders, in sequence.
///
/// The events of one order have gapless versions, each change one. An event says that something happened, not how the order
/// stands now: read the order. A page may be empty and still have a `next_cursor` that is further on: the feed is shared,
/// and a read walks a limited stretch of it.
#[utoipa::path(get, path = "/v1/events", operation_id = "list_events", tag = "events",
    params(
        ("after" = Option<String>, Query, description = "`next_cursor` of the page before; `newest`: from now on; absent: from the start."),
        ("types" = Option<String>, Query, description = "Of these types only, separated by commas.", example = "order.confirmed,order.cancelled"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "Events of one page; 20 if absent."),
        ("wait" = Option<String>, Query, description = "How long to wait for the next event, `0s` to `30s`."),
    ),
    responses((status = 200, description = "One page.", body = EventPageBody<'static>),
        (status = 410, description = "`cursor_of_another_epoch`.", body = ProblemBody<'static>,
            content_type = "application/problem+json"),
        Problems))]
pub(crate) async fn list(call: Call) -> Answer {
    let query = Query::parse(&call.uri, &["after", "types", "limit", "wait"])?;
    let after = match query.one("after")? {
        Some(NEWEST) => FeedPlace::Newest,
        _ => query
            .cursor_in::<EventPlace>("after")?
            .map_or(FeedPlace::Start, |place| FeedPlace::Behind { epoch: place.epoch, seq: place.seq }),
    };
    let kinds = kinds(query.one("types")?.unwrap_or_default())?;
    let wanted = EventsWanted { tenant: call.tenant(), after, kinds, limit: query.limit()? };
    let found = call.app.events(&wanted, query.wait()?).await?;
    let name = &call.access.tenant.name;
    let body = EventPageBody {
        events: found.events.iter().map(|event| EventBody::new(event, name)).collect(),
        next_cursor: encode_cursor(&EventPlace { epoch: found.next.epoch, seq: found.next.seq }),
        has_more: found.has_more,
    };
    let mut response = json(StatusCode::OK, &body);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// An event as it is sent to an endpoint of a webhook: what the list shows of it.
pub fn event_json(event: &Event, tenant: &TenantName) -> Vec<u8> {
    serde_json::to_vec(&EventBody::new(event, tenant)).expect("an event is plain JSON")
}

/// The kinds of a list of types.
fn kinds(types: &str) -> Result<Vec<EventKind>, InvalidField> {
    let names = types.split(',').map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| {
            EventKind::parse(name).ok_or_else(|| {
                let known: Vec<_> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
                InvalidField::new("types", InvalidCode::Malformed, format!("must be of {}", known.join(", ")))
            })
        })
        .collect()
}
