//! Fulfillment over HTTP: shipments, arrivals, and stops.

use axum::http::StatusCode;
use holdline_app::ShipRequest;
use holdline_domain::id::{InvalidCode, InvalidField};

use crate::auth::not_found;
use crate::call::{Answer, Call, json};
use crate::openapi::{BodyProblems, Problems};
use crate::order::{order_answer, seen_order};
use crate::place::required_key;
use crate::problem::{Problem, ProblemBody};
use crate::replay::mark_replayed;
use crate::wire;
use crate::wire::fulfillment::{PauseInput, ShipInput, ShipmentBody, ShipmentsBody};
use crate::wire::order::OrderBody;
use crate::wire::payment::{kept, lines};

/// Ships goods of a confirmed order: one parcel.
///
/// The ledger follows a moment later. An order whose fulfillment is stopped ships nothing.
#[utoipa::path(post, path = "/v1/orders/{order_no}/shipments", operation_id = "ship_order", tag = "fulfillment",
    params(("order_no" = String, Path, description = "27 digits."),
        ("Idempotency-Key" = String, Header, max_length = 255, description = "Names this shipment.")),
    request_body = ShipInput<'static>,
    responses(
        (status = 201, description = "It left.", body = ShipmentBody<'static>,
            headers(("Idempotent-Replayed" = String, description = "`true`: it left before this request."))),
        (status = 409, description = "`order_state`, `order_paused`.", body = ProblemBody<'static>,
            content_type = "application/problem+json"),
        Problems, BodyProblems))]
pub(crate) async fn ship(mut call: Call) -> Answer {
    let body = call.json().await?;
    let key = required_key(&call)?;
    let input: ShipInput<'_> = wire::json::parse(&body)?;
    let request = ShipRequest {
        tenant: call.tenant(),
        client: call.access.key.client.clone(),
        key,
        lines: lines(&input.lines, "/lines")?,
        carrier: kept(input.carrier, "/carrier")?,
        tracking: kept(input.tracking, "/tracking")?,
        order_no: seen_order(&call).await?.no,
    };
    let (shipment, replayed) = call.app.ship(request).await?;
    let mut response = json(StatusCode::CREATED, &ShipmentBody::new(&shipment));
    if replayed {
        mark_replayed(&mut response);
    }
    Ok(response)
}

/// Reads the shipments of an order.
#[utoipa::path(get, path = "/v1/orders/{order_no}/shipments", operation_id = "list_shipments", tag = "fulfillment",
    params(("order_no" = String, Path, description = "27 digits.")),
    responses((status = 200, description = "The shipments.", body = ShipmentsBody<'static>), Problems))]
pub(crate) async fn list(call: Call) -> Answer {
    let order = seen_order(&call).await?;
    let shipments = call.app.shipments_of(order.tenant, &order.no).await?;
    Ok(json(StatusCode::OK, &ShipmentsBody { shipments: shipments.iter().map(ShipmentBody::new).collect() }))
}

/// The number in the path.
pub(crate) fn path_n(call: &Call, what: &str) -> Result<i32, Problem> {
    // A text that is no number names nothing.
    call.path("n").parse().map_err(|_| not_found(what))
}

/// A shipment arrived. Reported again, it answers the same.
#[utoipa::path(post, path = "/v1/orders/{order_no}/shipments/{n}/deliver", operation_id = "deliver_shipment",
    tag = "fulfillment",
    params(("order_no" = String, Path, description = "27 digits."), ("n" = i32, Path, description = "Which one.")),
    responses((status = 200, description = "The shipment.", body = ShipmentBody<'static>),
        (status = 409, description = "`order_state`.", body = ProblemBody<'static>,
            content_type = "application/problem+json"),
        Problems))]
pub(crate) async fn deliver(call: Call) -> Answer {
    let n = path_n(&call, "shipment")?;
    let order = seen_order(&call).await?;
    let shipment = call.app.deliver(order.tenant, &order.no, n).await?;
    Ok(json(StatusCode::OK, &ShipmentBody::new(&shipment)))
}

/// The buyer has all of a delivered order. Without this word an order counts as received some days after delivery.
#[utoipa::path(post, path = "/v1/orders/{order_no}/receive", operation_id = "receive_order", tag = "fulfillment",
    params(("order_no" = String, Path, description = "27 digits.")),
    responses((status = 200, description = "The completed order.", body = OrderBody<'static>),
        (status = 409, description = "`order_state`, `not_delivered`.", body = ProblemBody<'static>,
            content_type = "application/problem+json"),
        Problems))]
pub(crate) async fn receive(call: Call) -> Answer {
    let order = seen_order(&call).await?;
    Ok(order_answer(&call.app.receive(order.tenant, &order.no).await?))
}

/// Stops an order's fulfillment: nothing ships until it is resumed.
#[utoipa::path(post, path = "/v1/orders/{order_no}/pause", operation_id = "pause_order", tag = "fulfillment",
    params(("order_no" = String, Path, description = "27 digits.")),
    request_body = PauseInput<'static>,
    responses((status = 200, description = "The order.", body = OrderBody<'static>),
        (status = 409, description = "`order_state`.", body = ProblemBody<'static>,
            content_type = "application/problem+json"),
        Problems, BodyProblems))]
pub(crate) async fn pause(mut call: Call) -> Answer {
    let body = call.json().await?;
    let input: PauseInput<'_> = wire::json::parse(&body)?;
    let reason = kept(Some(input.reason), "/reason")?.filter(|reason| !reason.is_empty());
    let reason = reason.ok_or_else(|| InvalidField::new("/reason", InvalidCode::Empty, "must not be empty"))?;
    let order = seen_order(&call).await?;
    Ok(order_answer(&call.app.pause(order.tenant, &order.no, &reason).await?))
}

/// Lets an order's fulfillment go on. Resumed again, it answers the same.
#[utoipa::path(post, path = "/v1/orders/{order_no}/resume", operation_id = "resume_order", tag = "fulfillment",
    params(("order_no" = String, Path, description = "27 digits.")),
    responses((status = 200, description = "The order.", body = OrderBody<'static>),
        (status = 409, description = "`order_state`.", body = ProblemBody<'static>,
            content_type = "application/problem+json"),
        Problems))]
pub(crate) async fn resume(call: Call) -> Answer {
    let order = seen_order(&call).await?;
    Ok(order_answer(&call.app.resume(order.tenant, &order.no).await?))
}
