//! Returns over HTTP.

use axum::http::StatusCode;
use holdline_app::{ReturnDecision, ReturnRequest};
use holdline_domain::id::{InvalidCode, InvalidField};
use holdline_domain::order::Order;

use crate::call::{Answer, Call, json};
use crate::fulfillment::path_n;
use crate::openapi::{BodyProblems, Problems};
use crate::order::seen_order;
use crate::place::required_key;
use crate::problem::ProblemBody;
use crate::replay::mark_replayed;
use crate::wire;
use crate::wire::fulfillment::{ApproveInput, InspectionInput, ReturnBody, ReturnInput, ReturnsBody};
use crate::wire::payment::{kept, lines, sum_in};

/// Asks for goods that have arrived to be taken back, within the tenant's window.
#[utoipa::path(post, path = "/v1/orders/{order_no}/returns", operation_id = "request_return", tag = "fulfillment",
    params(("order_no" = String, Path, description = "27 digits."),
        ("Idempotency-Key" = String, Header, max_length = 255, description = "Names this return.")),
    request_body = ReturnInput<'static>,
    responses(
        (status = 201, description = "It waits for the merchant.", body = ReturnBody<'static>,
            headers(("Idempotent-Replayed" = String, description = "`true`: it was asked for before this request."))),
        (status = 409, description = "`order_state`.", body = ProblemBody<'static>,
            content_type = "application/problem+json"),
        Problems, BodyProblems))]
pub(crate) async fn request(mut call: Call) -> Answer {
    let body = call.json().await?;
    let key = required_key(&call)?;
    let input: ReturnInput<'_> = wire::json::parse(&body)?;
    let lines = lines(&input.lines, "/lines")?;
    if lines.is_empty() {
        return Err(InvalidField::new("/lines", InvalidCode::Empty, "must name at least one line").into());
    }
    let order = seen_order(&call).await?;
    let request = ReturnRequest {
        tenant: call.tenant(),
        client: call.access.key.client.clone(),
        key,
        lines,
        reason: kept(input.reason, "/reason")?,
        order_no: order.no.clone(),
    };
    let (returned, replayed) = call.app.request_return(request).await?;
    let mut response = json(StatusCode::CREATED, &ReturnBody::new(&returned, order.currency));
    if replayed {
        mark_replayed(&mut response);
    }
    Ok(response)
}

/// Reads the returns of an order.
#[utoipa::path(get, path = "/v1/orders/{order_no}/returns", operation_id = "list_returns", tag = "fulfillment",
    params(("order_no" = String, Path, description = "27 digits.")),
    responses((status = 200, description = "The returns.", body = ReturnsBody<'static>), Problems))]
pub(crate) async fn list(call: Call) -> Answer {
    let order = seen_order(&call).await?;
    let returns = call.app.returns_of(order.tenant, &order.no).await?;
    let returns = returns.iter().map(|returned| ReturnBody::new(returned, order.currency)).collect();
    Ok(json(StatusCode::OK, &ReturnsBody { returns }))
}

async fn decide(call: &Call, order: &Order, decision: ReturnDecision) -> Answer {
    let n = path_n(call, "return")?;
    let returned = call.app.decide_return(order.tenant, &order.no, n, &decision).await?;
    Ok(json(StatusCode::OK, &ReturnBody::new(&returned, order.currency)))
}

/// The goods may come back. What is paid back for them is fixed now, and goes back when they have arrived.
#[utoipa::path(post, path = "/v1/orders/{order_no}/returns/{n}/approve", operation_id = "approve_return",
    tag = "fulfillment",
    params(("order_no" = String, Path, description = "27 digits."), ("n" = i32, Path, description = "Which one.")),
    request_body(content = Option<ApproveInput<'static>>, description = "May be left out."),
    responses((status = 200, description = "The return.", body = ReturnBody<'static>),
        (status = 409, description = "`return_state`.", body = ProblemBody<'static>,
            content_type = "application/problem+json"),
        Problems, BodyProblems))]
pub(crate) async fn approve(mut call: Call) -> Answer {
    let body = call.optional_json().await?;
    let input = body.as_deref().map_or_else(|| Ok(ApproveInput::default()), wire::json::parse::<ApproveInput<'_>>)?;
    let order = seen_order(&call).await?;
    let amount = sum_in(input.amount.as_ref(), order.currency)?;
    decide(&call, &order, ReturnDecision::Approve { amount }).await
}

/// The goods may not come back.
#[utoipa::path(post, path = "/v1/orders/{order_no}/returns/{n}/reject", operation_id = "reject_return",
    tag = "fulfillment",
    params(("order_no" = String, Path, description = "27 digits."), ("n" = i32, Path, description = "Which one.")),
    responses((status = 200, description = "The return.", body = ReturnBody<'static>),
        (status = 409, description = "`return_state`.", body = ProblemBody<'static>,
            content_type = "application/problem+json"),
        Problems))]
pub(crate) async fn reject(call: Call) -> Answer {
    let order = seen_order(&call).await?;
    decide(&call, &order, ReturnDecision::Reject).await
}

/// The goods have arrived and were inspected: the refund is created, and what may be sold again is in stock again.
#[utoipa::path(post, path = "/v1/orders/{order_no}/returns/{n}/receive", operation_id = "receive_return",
    tag = "fulfillment",
    params(("order_no" = String, Path, description = "27 digits."), ("n" = i32, Path, description = "Which one.")),
    request_body(content = Option<InspectionInput>, description = "May be left out: nothing is sold again."),
    responses((status = 200, description = "The return.", body = ReturnBody<'static>),
        (status = 409, description = "`return_state`.", body = ProblemBody<'static>,
            content_type = "application/problem+json"),
        Problems, BodyProblems))]
pub(crate) async fn receive(mut call: Call) -> Answer {
    let body = call.optional_json().await?;
    let input = body.as_deref().map_or_else(|| Ok(InspectionInput::default()), wire::json::parse::<InspectionInput>)?;
    let restocked = lines(&input.restocked, "/restocked")?;
    let order = seen_order(&call).await?;
    decide(&call, &order, ReturnDecision::Receive { restocked }).await
}
