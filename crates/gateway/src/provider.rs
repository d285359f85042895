//! Accounts at payment providers over HTTP, and what providers report.

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use holdline_app::App;
use holdline_domain::id::{InvalidCode, InvalidField};
use holdline_domain::id::{TenantName, Version};
use holdline_domain::payment::{ProviderAccount, ProviderKind, ProviderName};
use holdline_domain::port::RawCallback;

use crate::auth::not_found;
use crate::body::read_body;
use crate::call::{Answer, Call, Parameters, json};
use crate::openapi::{BodyProblems, Problems};
use crate::problem::{Code, Problem};
use crate::wire;
use crate::wire::provider::{ProviderBody, ProviderInput, ProvidersBody};

/// Lists the tenant's accounts at payment providers, without their settings.
#[utoipa::path(get, path = "/v1/payment-providers", operation_id = "list_payment_providers", tag = "tenant",
    responses((status = 200, description = "The accounts, by name.", body = ProvidersBody<'static>), Problems))]
pub(crate) async fn list(call: Call) -> Answer {
    let accounts = call.app.payment_providers(call.tenant());
    Ok(json(
        StatusCode::OK,
        &ProvidersBody { providers: accounts.iter().map(|each| ProviderBody::new(each)).collect() },
    ))
}

/// Writes an account at a payment provider.
///
/// Attempts that are open at it are followed with the new settings. An account is never removed, only disabled: money may
/// still come.
#[utoipa::path(put, path = "/v1/payment-providers/{provider}", operation_id = "put_payment_provider", tag = "tenant",
    params(("provider" = String, Path, description = "The tenant's name of it: lower-case letters, digits, `-`, `_`.")),
    request_body = ProviderInput<'static>,
    responses((status = 200, description = "The account, without its settings.", body = ProviderBody<'static>),
        Problems, BodyProblems))]
pub(crate) async fn put(mut call: Call) -> Answer {
    let body = call.json().await?;
    let input: ProviderInput<'_> = wire::json::parse(&body)?;
    let kind = ProviderKind::parse(&input.kind)
        .ok_or_else(|| InvalidField::new("/kind", InvalidCode::Malformed, "must be http or wechatpay"))?;
    let account = ProviderAccount {
        tenant: call.tenant(),
        name: ProviderName::try_new(call.path("provider"))?,
        kind,
        settings: input.settings.get().to_owned(),
        enabled: input.enabled,
        version: Version::FIRST,
    };
    let stored = call.app.put_payment_provider(account).await?;
    Ok(json(StatusCode::OK, &ProviderBody::new(&stored)))
}

/// Takes what a payment provider reports. The provider's signature is the key.
///
/// Answered once it is stored; the answer has the form that the provider expects.
#[utoipa::path(post, path = "/callbacks/{tenant}/{provider}", operation_id = "take_callback", tag = "process",
    params(("tenant" = String, Path, description = "The tenant's name."),
        ("provider" = String, Path, description = "The tenant's name of the provider.")),
    request_body(content = String, description = "As the provider signs it.", content_type = "application/json"),
    security(()),
    responses((status = 200, description = "It is stored, where the provider wants a body."),
        (status = 204, description = "It is stored."), Problems, BodyProblems))]
pub(crate) async fn callback(app: &App, parameters: Parameters, request: Request) -> Answer {
    let parameters = parameters.map_err(|_| Problem::new(Code::MalformedRequest))?;
    let path = |name: &str| parameters.iter().find(|(given, _)| *given == name).map_or("", |(_, value)| value);
    let tenant = TenantName::try_new(path("tenant")).map_err(|_| not_found("payment_provider"))?;
    let provider = ProviderName::try_new(path("provider")).map_err(|_| not_found("payment_provider"))?;
    let (parts, body) = request.into_parts();
    let headers = parts.headers.iter();
    let headers = headers.filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    let raw = RawCallback { headers: headers.collect(), body: read_body(&parts.headers, body).await?.to_vec() };
    let answer = app.take_callback(&tenant, &provider, raw).await?;
    let mut response = Response::new(answer.body.clone().into());
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if !answer.body.is_empty() {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    Ok(response)
}
