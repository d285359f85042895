//! Parked events in JSON.

use holdline_domain::feed::ParkedEvent;
use serde::Serialize;
use utoipa::ToSchema;

use super::At;

/// An event that a consumer could not work off, or that waits behind such a one of its order.
#[derive(Serialize, ToSchema)]
#[schema(as = ParkedEvent)]
pub(crate) struct ParkedEventBody<'a> {
    /// Who could not work it off.
    #[schema(example = "ledger")]
    consumer: &'a str,
    /// Its place in the feed.
    seq: i64,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(example = "order.cancelled")]
    kind: &'static str,
    /// The order it is about.
    order_no: &'a str,
    /// The order's version after it.
    version: i64,
    /// What went wrong last; empty: it was not tried since it was parked.
    error: &'a str,
    /// How often it was tried.
    attempts: i32,
    /// Since when it is parked.
    parked_at: At,
    /// When it is tried next; absent: it waits behind an earlier event of its order.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_try_at: Option<At>,
}

impl<'a> From<&'a ParkedEvent> for ParkedEventBody<'a> {
    fn from(event: &'a ParkedEvent) -> Self {
        Self {
            consumer: event.key.consumer.as_str(),
            seq: event.key.seq,
            kind: event.kind.as_str(),
            order_no: event.key.order_no.as_str(),
            version: event.version.0,
            error: &event.error,
            attempts: event.attempts,
            parked_at: At(event.parked),
            next_try_at: event.next_try.map(At),
        }
    }
}

/// A page of parked events.
#[derive(Serialize, ToSchema)]
#[schema(as = ParkedEventPage)]
pub(crate) struct ParkedPageBody<'a> {
    /// By order and sequence.
    pub(crate) parked_events: Vec<ParkedEventBody<'a>>,
    /// For the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
    /// Whether there are more.
    pub(crate) has_more: bool,
}
