//! A tenant's policies over HTTP.

use axum::http::StatusCode;

use crate::call::{Answer, Call, json};
use crate::openapi::{BodyProblems, Problems};
use crate::wire;
use crate::wire::policy::PoliciesBody;

/// Reads the tenant's policies.
#[utoipa::path(get, path = "/v1/policies", operation_id = "get_policies", tag = "tenant",
    responses((status = 200, description = "The policies in force.", body = PoliciesBody), Problems))]
pub(crate) async fn get(call: Call) -> Answer {
    Ok(json(StatusCode::OK, &PoliciesBody::new(&call.access.tenant.policies)))
}

/// Replaces the tenant's policies. Every process follows them within seconds; orders keep the deadlines that they were
/// placed with.
#[utoipa::path(put, path = "/v1/policies", operation_id = "put_policies", tag = "tenant",
    request_body = PoliciesBody,
    responses((status = 200, description = "The policies in force.", body = PoliciesBody), Problems, BodyProblems))]
pub(crate) async fn put(mut call: Call) -> Answer {
    let body = call.json().await?;
    let input: PoliciesBody = wire::json::parse(&body)?;
    let policies = input.parse()?;
    call.app.put_policies(call.tenant(), &policies).await?;
    Ok(json(StatusCode::OK, &PoliciesBody::new(&policies)))
}
