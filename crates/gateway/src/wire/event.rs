//! Events in JSON: the same in an answer and in a webhook.

use holdline_domain::id::TenantName;
use holdline_domain::order::change::Event;
use serde::Serialize;
use utoipa::ToSchema;

use super::At;

/// Something that happened to an order.
///
/// It does not say how the order stands now, and has neither buyer nor address in it: events lie in queues and logs of
/// others, arrive twice, and arrive late. Whoever acts reads the order.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventBody<'a> {
    /// What happened.
    #[serde(rename = "type")]
    #[schema(example = "order.placed")]
    kind: &'static str,
    /// When, by the clock that decides on deadlines.
    timestamp: At,
    /// What comes with it.
    data: EventData<'a>,
    /// Its place in the feed: larger for what happened later. The tenant's events have gaps between them.
    sequence: i64,
    /// The order it is about.
    #[schema(example = "260801120000007000100000042")]
    order_no: &'a str,
    /// The order's version after it: 1, 2, 3 … without gaps.
    version: i64,
    /// Whose order.
    tenant: &'a str,
}

/// What comes with an event.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventData<'a> {
    /// Who sells.
    seller: &'a str,
}

impl<'a> EventBody<'a> {
    pub(crate) fn new(event: &'a Event, tenant: &'a TenantName) -> Self {
        Self {
            kind: event.kind.as_str(),
            timestamp: At(event.at),
            data: EventData { seller: event.seller.as_str() },
            sequence: event.seq,
            order_no: event.order_no.as_str(),
            version: event.version.0,
            tenant: tenant.as_str(),
        }
    }
}

/// A stretch of the feed.
#[derive(Serialize, ToSchema)]
#[schema(as = EventPage)]
pub(crate) struct EventPageBody<'a> {
    /// In their sequence.
    pub(crate) events: Vec<EventBody<'a>>,
    /// Send it as `after` to go on; always there, since the feed has no end.
    pub(crate) next_cursor: String,
    /// Whether the feed goes on behind `next_cursor` already; if not, `wait`.
    pub(crate) has_more: bool,
}
