//! Refunds over HTTP.

use axum::http::StatusCode;
use holdline_app::RefundRequest;

use crate::call::{Answer, Call, json};
use crate::openapi::{BodyProblems, Problems};
use crate::order::seen_order;
use crate::place::required_key;
use crate::problem::ProblemBody;
use crate::replay::mark_replayed;
use crate::wire;
use crate::wire::payment::{RefundBody, RefundInput, RefundsBody, kept, lines, sum_in};

/// Gives money of an order back.
///
/// The sum is set aside at once: all refunds of an order together never exceed what was captured. It is `created` until it
/// is sent to the provider, and ends `succeeded`; one that `failed` is sent again with the same key. With `lines`,
/// unshipped units are taken off the order and can be sold again. To give all back before anything was shipped, cancel
/// the order.
#[utoipa::path(post, path = "/v1/orders/{order_no}/refunds", operation_id = "create_refund", tag = "payments",
    params(("order_no" = String, Path, description = "27 digits."),
        ("Idempotency-Key" = String, Header, max_length = 255, description = "Names this refund.")),
    request_body = RefundInput<'static>,
    responses(
        (status = 201, description = "The sum is set aside and will be sent.", body = RefundBody<'static>,
            headers(("Idempotent-Replayed" = String, description = "`true`: it was created before this request."))),
        (status = 409, description = "`order_state`.", body = ProblemBody<'static>,
            content_type = "application/problem+json"),
        Problems, BodyProblems))]
pub(crate) async fn create(mut call: Call) -> Answer {
    let body = call.json().await?;
    let key = required_key(&call)?;
    let input: RefundInput<'_> = wire::json::parse(&body)?;
    let order = seen_order(&call).await?;
    let request = RefundRequest {
        tenant: call.tenant(),
        client: call.access.key.client.clone(),
        key,
        amount: sum_in(input.amount.as_ref(), order.currency)?,
        lines: lines(&input.lines, "/lines")?,
        note: kept(input.note, "/note")?,
        order_no: order.no,
    };
    let (refund, replayed) = call.app.create_refund(request).await?;
    let mut response = json(StatusCode::CREATED, &RefundBody::new(&refund));
    if replayed {
        mark_replayed(&mut response);
    }
    Ok(response)
}

/// Reads the refunds of an order.
#[utoipa::path(get, path = "/v1/orders/{order_no}/refunds", operation_id = "list_refunds", tag = "payments",
    params(("order_no" = String, Path, description = "27 digits.")),
    responses((status = 200, description = "The refunds.", body = RefundsBody<'static>), Problems))]
pub(crate) async fn list(call: Call) -> Answer {
    let order = seen_order(&call).await?;
    let refunds = call.app.refunds_of(&order).await?;
    Ok(json(StatusCode::OK, &RefundsBody { refunds: refunds.iter().map(RefundBody::new).collect() }))
}
