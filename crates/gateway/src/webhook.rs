//! Webhooks over HTTP: endpoints, their secrets, what was tried, and sending again.

use axum::http::StatusCode;
use holdline_domain::id::EndpointName;
use holdline_domain::webhook::EndpointKey;

use crate::auth::not_found;
use crate::call::{Answer, Call, json};
use crate::cursor::{DeliveryNo, encode_cursor};
use crate::openapi::{BodyProblems, Problems};
use crate::problem::Problem;
use crate::query::Query;
use crate::wire;
use crate::wire::webhook::{
    DeliveryBody, DeliveryPageBody, NewWebhookBody, RedeliverInput, RedeliveredBody, RotatedBody, WebhookBody,
    WebhookInput, WebhookListBody,
};

/// Lists the endpoints that the tenant's events are sent to.
#[utoipa::path(get, path = "/v1/webhooks", operation_id = "list_webhooks", tag = "webhooks",
    responses((status = 200, description = "All of them, by name.", body = WebhookListBody<'static>), Problems))]
pub(crate) async fn list(call: Call) -> Answer {
    let shown = call.app.webhooks(call.tenant()).await?;
    Ok(json(StatusCode::OK, &WebhookListBody { webhooks: shown.iter().map(WebhookBody::from).collect() }))
}

/// Reads an endpoint. Its secret is not shown.
#[utoipa::path(get, path = "/v1/webhooks/{name}", operation_id = "get_webhook", tag = "webhooks",
    params(("name" = String, Path, description = "The endpoint's name.")),
    responses((status = 200, description = "The endpoint.", body = WebhookBody<'static>), Problems))]
pub(crate) async fn get(call: Call) -> Answer {
    let shown = call.app.webhook(&key(&call)?).await?;
    Ok(json(StatusCode::OK, &WebhookBody::from(&shown)))
}

/// Makes or changes an endpoint.
///
/// A new one is sent what happens from now on; its secret is in this answer and never shown again. An endpoint that is
/// disabled and enabled later goes on where it stopped. There is no deleting: a name may be given another address.
#[utoipa::path(put, path = "/v1/webhooks/{name}", operation_id = "put_webhook", tag = "webhooks",
    params(("name" = String, Path, description = "A name of the tenant's choice: lower-case letters, digits, - and _, up to 32.")),
    request_body = WebhookInput<'static>,
    responses((status = 201, description = "A new endpoint, with its secret.", body = NewWebhookBody<'static>),
        (status = 200, description = "The endpoint as it is now.", body = WebhookBody<'static>),
        Problems, BodyProblems))]
pub(crate) async fn put(mut call: Call) -> Answer {
    let key = EndpointKey { tenant: call.tenant(), name: EndpointName::try_new(call.path("name"))? };
    let body = call.json().await?;
    let input: WebhookInput<'_> = wire::json::parse(&body)?;
    let (url, kinds, enabled) = input.parse()?;
    let (endpoint, is_new) = call.app.put_webhook(key.clone(), url, kinds, enabled).await?;
    if is_new {
        return Ok(json(StatusCode::CREATED, &NewWebhookBody::new(&endpoint)));
    }
    let shown = call.app.webhook(&key).await?;
    Ok(json(StatusCode::OK, &WebhookBody::from(&shown)))
}

/// Replaces the secret of an endpoint. The new one is in this answer and never shown again; requests are signed with both
/// for 24 hours.
///
/// Sent again, it makes another new secret; the one that receivers have known until now still signs too.
#[utoipa::path(post, path = "/v1/webhooks/{name}/rotate-secret", operation_id = "rotate_webhook_secret", tag = "webhooks",
    params(("name" = String, Path, description = "The endpoint's name.")),
    responses((status = 200, description = "The new secret.", body = RotatedBody<'static>), Problems))]
pub(crate) async fn rotate(call: Call) -> Answer {
    let endpoint = call.app.rotate_webhook_secret(&key(&call)?).await?;
    Ok(json(StatusCode::OK, &RotatedBody::new(&endpoint)))
}

/// Lists the last 1,000 tries of an endpoint, newest first.
#[utoipa::path(get, path = "/v1/webhooks/{name}/deliveries", operation_id = "list_deliveries", tag = "webhooks",
    params(("name" = String, Path, description = "The endpoint's name."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "Tries of one page; 20 if absent.")),
    responses((status = 200, description = "One page.", body = DeliveryPageBody<'static>), Problems))]
pub(crate) async fn deliveries(call: Call) -> Answer {
    let query = Query::parse(&call.uri, &["cursor", "limit"])?;
    let (limit, before) = (query.limit()?, query.cursor::<DeliveryNo>()?.map(|no| no.0));
    let mut tries = call.app.webhook_deliveries(&key(&call)?, before, limit + 1).await?;
    let has_more = tries.len() > limit;
    tries.truncate(limit);
    let next_cursor = tries.last().filter(|_| has_more).map(|last| encode_cursor(&DeliveryNo(last.no)));
    let deliveries = tries.iter().map(DeliveryBody::from).collect();
    Ok(json(StatusCode::OK, &DeliveryPageBody { deliveries, next_cursor, has_more }))
}

/// Sends events to an endpoint once more: one, or those between two places in the feed.
///
/// They have the `webhook-id` that they had before. What is waiting to be tried again is not touched.
#[utoipa::path(post, path = "/v1/webhooks/{name}/redeliver", operation_id = "redeliver", tag = "webhooks",
    params(("name" = String, Path, description = "The endpoint's name.")),
    request_body = RedeliverInput,
    responses((status = 200, description = "How many events are sent again.", body = RedeliveredBody),
        Problems, BodyProblems))]
pub(crate) async fn redeliver(mut call: Call) -> Answer {
    let body = call.json().await?;
    let input: RedeliverInput = wire::json::parse(&body)?;
    let wanted = input.parse()?;
    let events = call.app.redeliver(&key(&call)?, wanted).await?;
    Ok(json(StatusCode::OK, &RedeliveredBody { events }))
}

/// The endpoint of the path. A text that is no name names none.
fn key(call: &Call) -> Result<EndpointKey, Problem> {
    let name = EndpointName::try_new(call.path("name")).map_err(|_| not_found("webhook"))?;
    Ok(EndpointKey { tenant: call.tenant(), name })
}
