//! The source documents' own paths: `POST /order/submit` and `GET /order/is-created`, for storefronts that speak them.
//!
//! They are other words for an accepted submit and its status; nothing is decided here.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use holdline_app::{SubmitName, SubmitState, Submitted};
use holdline_domain::id::{InvalidCode, InvalidField};
use holdline_domain::order::OrderNo;

use crate::auth::{self, not_found};
use crate::call::{Answer, Call, json};
use crate::openapi::{BodyProblems, Problems};
use crate::pay_at_once::{self, Paid};
use crate::place::idempotency_key_of;
use crate::problem::ProblemBody;
use crate::query::Query;
use crate::replay::mark_replayed;
use crate::submit::{mark_polled, status_of_number};
use crate::wire;
use crate::wire::mall::{MallBody, MallCreated, MallOrderNos, MallSubmitInput};
use crate::wire::submit::SubmitFailure;

/// How long a submit that is to be paid at once waits for its orders.
const CREATED_WITHIN: Duration = Duration::from_secs(5);

/// Takes a cart and answers the numbers of its orders, one per seller.
///
/// The orders are made at once, or fail: `GET /order/is-created` tells. Sent again with the same `request_id` (or
/// `Idempotency-Key`), it answers the same numbers. A cart that is refused at once answers its refusal.
#[utoipa::path(post, path = "/order/submit", operation_id = "mall_submit", tag = "mall",
    params(("Idempotency-Key" = Option<String>, Header, max_length = 255,
        description = "Names this submit; without it, `request_id` in the body does.")),
    request_body = MallSubmitInput<'static>,
    responses(
        (status = 200, description = "The numbers.", body = MallBody<MallOrderNos<'static>>,
            headers(("Idempotent-Replayed" = String, description = "`true`: the orders existed before this request."))),
        (status = 409, description = "`submit_abandoned`.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        Problems, BodyProblems,
    ))]
pub(crate) async fn submit(mut call: Call) -> Answer {
    auth::require_price(&call.access)?;
    let body = call.json().await?;
    let input: MallSubmitInput<'_> = wire::json::parse(&body)?;
    let attempt = match idempotency_key_of(&call)? {
        Some(attempt) => attempt,
        None => input.request_id().ok_or_else(|| {
            let problem = "is required where the header Idempotency-Key is not sent: it names this submit";
            InvalidField::new("/request_id", InvalidCode::Empty, problem)
        })??,
    };
    let wish = input.pay_at_once(|| call.app.payment_providers(call.tenant()))?;
    let submit = input.parse(&call.access.tenant, &call.access.key, &attempt)?;
    let (tenant, key, buyer) = (submit.tenant, submit.key.clone(), Some(submit.buyer.clone()));
    match call.app.accept(submit).await? {
        Submitted::Placed(placed) => {
            let paid = pay_at_once::pay(&call, &attempt, &placed.orders, wish).await;
            let mut response = numbers(placed.orders.iter().map(|order| &order.no), &paid);
            mark_replayed(&mut response);
            Ok(response)
        }
        Submitted::Accepted(promised) => {
            let mut paid = Paid::Nothing;
            if wish.is_some() {
                let name = SubmitName { tenant, key, buyer, decide_by: None };
                // The promise stands, whatever keeps this process from reading its end.
                let state = call.app.submit_status(&name, CREATED_WITHIN).await.map(|status| status.state);
                if let Ok(SubmitState::Created(placed)) = state {
                    paid = pay_at_once::pay(&call, &attempt, &placed.orders, wish).await;
                }
            }
            Ok(numbers(promised.order_nos.iter().map(|(_, order_no)| order_no), &paid))
        }
    }
}

fn numbers<'a>(order_nos: impl Iterator<Item = &'a OrderNo>, paid: &'a Paid) -> Response {
    json(StatusCode::OK, &MallBody::ok(MallOrderNos::new(order_nos, paid)))
}

/// Whether an order exists: `creating`, `success`, or `failed` with the reason.
///
/// Do not ask every 20 ms: send `wait`, and the answer comes as soon as it is known, or come back after `Retry-After`.
#[utoipa::path(get, path = "/order/is-created", operation_id = "mall_is_created", tag = "mall",
    params(
        ("order_no" = String, Query, description = "27 digits, as the submit answered them."),
        ("wait" = Option<String>, Query, description = "How long to wait for a final state, `0s` to `30s`.", example = "30s"),
    ),
    responses((status = 200, description = "Its state now.", body = MallBody<MallCreated<'static>>), Problems))]
pub(crate) async fn is_created(call: Call) -> Answer {
    let query = Query::parse(&call.uri, &["order_no", "wait"])?;
    let order_no = query.required("order_no", "it names the order")?;
    let order_no = OrderNo::try_new(order_no).map_err(|_| not_found("order"))?;
    let status = status_of_number(&call, &order_no, query.wait()?).await?;
    let failure = SubmitFailure::of(&status);
    let state = match &status.state {
        SubmitState::Creating => "creating",
        SubmitState::Created(_) if status.order_nos.contains(&order_no) => "success",
        // Its key was used for another cart, which was faster.
        SubmitState::Created(_) | SubmitState::Failed(_) => "failed",
    };
    let reason = failure.as_ref().map(SubmitFailure::body);
    let mut response = json(StatusCode::OK, &MallBody::ok(MallCreated { order_no: &order_no, state, reason }));
    mark_polled(&mut response, &status);
    Ok(response)
}
