//! Webhooks in JSON.

use std::borrow::Cow;

use holdline_app::{EndpointShown, Redelivery};
use holdline_domain::id::{InvalidCode, InvalidField, WebhookUrl};
use holdline_domain::order::EventKind;
use holdline_domain::webhook::{Delivery, Disabled, Endpoint};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::At;

/// An endpoint as its owner wants it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookInput<'a> {
    /// Where events are sent: https, up to 1,024 bytes, on the public internet.
    #[serde(borrow)]
    #[schema(max_length = 1024, example = "https://shop.example/holdline")]
    url: Cow<'a, str>,
    /// Events of these types only; absent or empty: of all.
    #[serde(borrow, default)]
    #[schema(max_items = 100, example = json!(["order.confirmed", "order.cancelled"]))]
    types: Vec<Cow<'a, str>>,
    /// Whether anything is sent.
    #[serde(default = "yes")]
    enabled: bool,
}

fn yes() -> bool {
    true
}

impl WebhookInput<'_> {
    pub(crate) fn parse(&self) -> Result<(WebhookUrl, Vec<EventKind>, bool), InvalidField> {
        let url = WebhookUrl::try_new(&self.url).map_err(|invalid| invalid.at("/url"))?;
        let mut kinds = Vec::new();
        for (place, name) in self.types.iter().enumerate() {
            let kind = EventKind::parse(name).ok_or_else(|| {
                InvalidField::new(&format!("/types/{place}"), InvalidCode::Malformed, "is not a type of event")
            })?;
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        Ok((url, kinds, self.enabled))
    }
}

/// An endpoint that events are sent to.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct WebhookBody<'a> {
    /// Its name.
    name: &'a str,
    /// Where events are sent.
    url: &'a str,
    /// Events of these types only; empty: of all.
    #[schema(value_type = Vec<String>)]
    types: Vec<&'static str>,
    /// Whether anything is sent.
    enabled: bool,
    /// Why not: `by_owner`, or `gone` where it answered 410.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_reason: Option<&'static str>,
    /// When it was made.
    created_at: At,
    /// Until when the secret before this one signs too.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_secret_until: Option<At>,
    /// Events that it did not take yet, or that wait behind such ones; 1000 means at least as many.
    waiting: usize,
}

impl<'a> WebhookBody<'a> {
    fn new(endpoint: &'a Endpoint, waiting: usize) -> Self {
        Self {
            name: endpoint.key.name.as_str(),
            url: endpoint.url.as_str(),
            types: endpoint.kinds.iter().map(|kind| kind.as_str()).collect(),
            enabled: endpoint.disabled.is_none(),
            disabled_reason: endpoint.disabled.map(Disabled::as_str),
            created_at: At(endpoint.created),
            old_secret_until: endpoint.old_secret.as_ref().map(|(_, until)| At(*until)),
            waiting,
        }
    }
}

impl<'a> From<&'a EndpointShown> for WebhookBody<'a> {
    fn from(shown: &'a EndpointShown) -> Self {
        Self::new(&shown.endpoint, shown.waiting)
    }
}

/// A new endpoint.
#[derive(Serialize, ToSchema)]
#[schema(as = NewWebhook)]
pub(crate) struct NewWebhookBody<'a> {
    /// What requests are signed with (Standard Webhooks): keep it, it is not shown again.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: &'a str,
    #[serde(flatten)]
    webhook: WebhookBody<'a>,
}

impl<'a> NewWebhookBody<'a> {
    pub(crate) fn new(endpoint: &'a Endpoint) -> Self {
        Self { secret: endpoint.secret.reveal(), webhook: WebhookBody::new(endpoint, 0) }
    }
}

/// The new secret of an endpoint.
#[derive(Serialize, ToSchema)]
#[schema(as = RotatedSecret)]
pub(crate) struct RotatedBody<'a> {
    /// What requests are signed with from now on: keep it, it is not shown again.
    secret: &'a str,
    /// Until when the old one signs too.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_secret_until: Option<At>,
}

impl<'a> RotatedBody<'a> {
    pub(crate) fn new(endpoint: &'a Endpoint) -> Self {
        let old_secret_until = endpoint.old_secret.as_ref().map(|(_, until)| At(*until));
        Self { secret: endpoint.secret.reveal(), old_secret_until }
    }
}

/// The endpoints of a tenant.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookList)]
pub(crate) struct WebhookListBody<'a> {
    /// By name.
    pub(crate) webhooks: Vec<WebhookBody<'a>>,
}

/// One try.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(crate) struct DeliveryBody<'a> {
    /// The event's place in the feed.
    sequence: i64,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(example = "order.placed")]
    kind: &'static str,
    /// The order it is about.
    order_no: &'a str,
    /// How many tries of the event it made.
    attempt: i32,
    /// Whether it was taken: 2xx.
    taken: bool,
    /// The status of the answer; absent: there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Why it was not taken.
    #[serde(skip_serializing_if = "str::is_empty")]
    error: &'a str,
    /// When.
    at: At,
    /// How long it took, in milliseconds.
    took_ms: i64,
}

impl<'a> From<&'a Delivery> for DeliveryBody<'a> {
    fn from(delivery: &'a Delivery) -> Self {
        Self {
            sequence: delivery.seq,
            kind: delivery.kind.as_str(),
            order_no: delivery.order_no.as_str(),
            attempt: delivery.attempt,
            taken: delivery.error.is_empty(),
            status: delivery.status,
            error: &delivery.error,
            at: At(delivery.at),
            took_ms: delivery.took_ms,
        }
    }
}

/// A page of tries.
#[derive(Serialize, ToSchema)]
#[schema(as = DeliveryPage)]
pub(crate) struct DeliveryPageBody<'a> {
    /// Newest first.
    pub(crate) deliveries: Vec<DeliveryBody<'a>>,
    /// Send it as `cursor` to get the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
    /// Whether there is a next page.
    pub(crate) has_more: bool,
}

/// Which events shall be sent again: one by its `sequence`, or those behind `after` and before `before`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedeliverInput {
    /// The event.
    #[schema(minimum = 1)]
    sequence: Option<i64>,
    /// Behind this place in the feed.
    #[schema(minimum = 0)]
    after: Option<i64>,
    /// Before this place in the feed, at most 1,000 events further.
    #[schema(minimum = 1)]
    before: Option<i64>,
}

impl RedeliverInput {
    pub(crate) fn parse(&self) -> Result<Redelivery, InvalidField> {
        match (self.sequence, self.after, self.before) {
            (Some(sequence), None, None) if (1..i64::MAX).contains(&sequence) => {
                Ok(Redelivery { after: sequence - 1, before: sequence + 1 })
            }
            (None, Some(after), Some(before)) => Ok(Redelivery { after, before }),
            _ => Err(InvalidField::new("/sequence", InvalidCode::Malformed, "is needed, or after and before")),
        }
    }
}

/// What comes of sending again.
#[derive(Serialize, ToSchema)]
#[schema(as = Redelivered)]
pub(crate) struct RedeliveredBody {
    /// How many events are sent again.
    pub(crate) events: usize,
}
