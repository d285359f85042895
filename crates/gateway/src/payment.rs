//! Payments over HTTP: opening attempts, reading what became of them, and the list of what is not settled.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use holdline_app::{PayRequest, PayScope, Payment};
use holdline_domain::id::BuyerId;
use holdline_domain::order::OrderNo;
use holdline_domain::payment::{Attempt, AttemptState, PaymentNo, ProviderName};

use crate::auth::not_found;
use crate::call::{Answer, Call, json};
use crate::openapi::{BodyProblems, Problems};
use crate::order::{seen_group, seen_order};
use crate::place::required_key;
use crate::problem::{Problem, ProblemBody};
use crate::query::Query;
use crate::replay::mark_replayed;
use crate::wire;
use crate::wire::payment::{AttemptBody, PayInput, PaymentBody, PaymentsBody, kept};
use crate::wire::reason::ReasonInput;
use crate::wire::unsettled::{CallbackBody, UnsettledBody};

/// Opens an attempt to pay an order.
///
/// The answer tells what the storefront needs to let the buyer pay. An attempt that the provider has not confirmed yet is
/// `opening` and answered with 202: read the payment until it is `open`. Sent again with the same key, it answers the
/// attempt as it is now. Another open attempt at the order is closed at its provider first; where that cannot be
/// confirmed, the answer is 409 `payment_open`.
#[utoipa::path(post, path = "/v1/orders/{order_no}/payments", operation_id = "pay_order", tag = "payments",
    params(("order_no" = String, Path, description = "27 digits."),
        ("Idempotency-Key" = String, Header, max_length = 255, description = "Names this attempt.")),
    request_body = PayInput<'static>,
    responses(
        (status = 201, description = "The attempt is open, or has ended already.", body = AttemptBody<'static>,
            headers(("Idempotent-Replayed" = String, description = "`true`: it was opened before this request."))),
        (status = 202, description = "The provider has not confirmed it yet.", body = AttemptBody<'static>),
        (status = 409, description = "`order_state`, `payment_open`.", body = ProblemBody<'static>,
            content_type = "application/problem+json"),
        Problems, BodyProblems))]
pub(crate) async fn pay_order(mut call: Call) -> Answer {
    let body = call.json().await?;
    let scope = PayScope::Order(path_order(&call)?);
    pay(&call, &body, scope).await
}

/// Opens an attempt to pay all orders of a group that wait for payment, with one payment.
///
/// It is captured for all of them or for none. Answers as `pay_order`.
#[utoipa::path(post, path = "/v1/order-groups/{order_group}/payments", operation_id = "pay_order_group",
    tag = "payments",
    params(("order_group" = String, Path, description = "`order_group` of the answer to the submit."),
        ("Idempotency-Key" = String, Header, max_length = 255, description = "Names this attempt.")),
    request_body = PayInput<'static>,
    responses(
        (status = 201, description = "The attempt is open, or has ended already.", body = AttemptBody<'static>,
            headers(("Idempotent-Replayed" = String, description = "`true`: it was opened before this request."))),
        (status = 202, description = "The provider has not confirmed it yet.", body = AttemptBody<'static>),
        (status = 409, description = "`order_state`, `payment_open`.", body = ProblemBody<'static>,
            content_type = "application/problem+json"),
        Problems, BodyProblems))]
pub(crate) async fn pay_group(mut call: Call) -> Answer {
    let body = call.json().await?;
    let scope = PayScope::Group(seen_group(&call).await?);
    pay(&call, &body, scope).await
}

async fn pay(call: &Call, body: &[u8], scope: PayScope) -> Answer {
    let key = required_key(call)?;
    let input: PayInput<'_> = wire::json::parse(body)?;
    let buyer = input.buyer_id.as_deref().map(BuyerId::try_new).transpose();
    let request = PayRequest {
        tenant: call.tenant(),
        client: call.access.key.client.clone(),
        key,
        scope,
        buyer: buyer.map_err(|invalid| invalid.at("/buyer_id"))?,
        provider: ProviderName::try_new(&input.provider).map_err(|invalid| invalid.at("/provider"))?,
        method: kept(input.method, "/method")?,
        return_url: kept(input.return_url, "/return_url")?,
    };
    let (attempt, replayed) = call.app.open_payment(request).await?;
    let mut response = attempt_answer(&attempt);
    if replayed {
        mark_replayed(&mut response);
    }
    Ok(response)
}

fn attempt_answer(attempt: &Attempt) -> Response {
    let unconfirmed = attempt.state == AttemptState::Opening;
    let status = if unconfirmed { StatusCode::ACCEPTED } else { StatusCode::CREATED };
    let mut response = json(status, &AttemptBody::new(attempt));
    if unconfirmed {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
    }
    response
}

pub(crate) fn path_order(call: &Call) -> Result<OrderNo, Problem> {
    // A text that is no number names no order.
    OrderNo::try_new(call.path("order_no")).map_err(|_| not_found("order"))
}

/// Reads what was tried and captured for an order: by itself, and with its group.
#[utoipa::path(get, path = "/v1/orders/{order_no}/payments", operation_id = "list_payments", tag = "payments",
    params(("order_no" = String, Path, description = "27 digits.")),
    responses((status = 200, description = "The payments.", body = PaymentsBody<'static>), Problems))]
pub(crate) async fn list(call: Call) -> Answer {
    let order = seen_order(&call).await?;
    let payments: Vec<Payment> = call.app.payments_of(&order).await?;
    Ok(json(StatusCode::OK, &PaymentsBody { payments: payments.iter().map(PaymentBody::new).collect() }))
}

/// Reads a payment by its number.
#[utoipa::path(get, path = "/v1/payments/{payment}", operation_id = "get_payment", tag = "payments",
    params(("payment" = String, Path, description = "`payment` of an attempt.")),
    responses((status = 200, description = "The payment.", body = PaymentBody<'static>), Problems))]
pub(crate) async fn get(call: Call) -> Answer {
    let no = PaymentNo::try_new(call.path("payment")).map_err(|_| not_found("payment"))?;
    let payment = call.app.payment(call.tenant(), &no).await?;
    Ok(json(StatusCode::OK, &PaymentBody::new(&payment)))
}

/// Lists money whose place is not final: at most `limit` of each kind, the longest waiting first.
///
/// Everything captured is on a live order, has gone back, or is here. What stays here longer than the bound that you set
/// an alarm on needs a person.
#[utoipa::path(get, path = "/v1/payments/unsettled", operation_id = "list_unsettled", tag = "payments",
    params(("older_than" = Option<i64>, Query, minimum = 0, description = "Seconds; 0 if absent."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "Entries of each kind; 20 if absent.")),
    responses((status = 200, description = "What is not settled.", body = UnsettledBody<'static>), Problems))]
pub(crate) async fn unsettled(call: Call) -> Answer {
    let query = Query::parse(&call.uri, &["older_than", "limit"])?;
    let older_ms = query.seconds("older_than")?.saturating_mul(1_000);
    let unsettled = call.app.unsettled(call.tenant(), older_ms, query.limit()?).await?;
    Ok(json(StatusCode::OK, &UnsettledBody::new(&unsettled)))
}

/// Ends a callback that somebody has looked at and dealt with by hand: it leaves the list of what is not settled.
///
/// Nothing else changes: no money moves. Who ended it and why are kept. One that is done already stays as it is.
#[utoipa::path(post, path = "/v1/payment-callbacks/{provider}/{event_id}/settle", operation_id = "settle_callback",
    tag = "payments",
    params(("provider" = String, Path, description = "Who sent it."),
        ("event_id" = String, Path, description = "The provider's id of the event, percent-encoded.")),
    request_body = ReasonInput<'static>,
    responses((status = 200, description = "The callback as it is now.", body = CallbackBody<'static>),
        Problems, BodyProblems))]
pub(crate) async fn settle_callback(mut call: Call) -> Answer {
    let body = call.json().await?;
    let input: ReasonInput<'_> = wire::json::parse(&body)?;
    let reason = input.parse()?;
    // A text that is no name names no callback.
    let provider = ProviderName::try_new(call.path("provider")).map_err(|_| not_found("payment_callback"))?;
    let settled =
        call.app.settle_callback(call.tenant(), &provider, call.path("event_id"), &reason, &call.by()).await?;
    Ok(json(StatusCode::OK, &CallbackBody::new(&settled)))
}
