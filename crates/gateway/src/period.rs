//! Periods over HTTP: slots of time in which a SKU is sold from a stock account of its own.

use axum::http::StatusCode;
use holdline_domain::id::{PeriodName, SkuCode};

use crate::auth::not_found;
use crate::call::{Answer, Call, json};
use crate::openapi::{BodyProblems, Problems};
use crate::problem::ProblemBody;
use crate::wire;
use crate::wire::period::{PeriodInput, PeriodListBody, PeriodPutBody};

/// Reads the periods of a SKU, those that have ended included.
#[utoipa::path(get, path = "/v1/stock/{sku}/periods", operation_id = "list_periods", tag = "stock",
    params(("sku" = String, Path, description = "Its code.")),
    responses((status = 200, description = "All of them, by channel and start.", body = PeriodListBody<'static>), Problems))]
pub(crate) async fn list(call: Call) -> Answer {
    let code = SkuCode::try_new(call.path("sku"))?;
    let periods = call.app.periods(call.tenant(), &code).await?;
    if periods.is_empty() && call.app.sku(call.tenant(), &code).is_none() {
        return Err(not_found("sku"));
    }
    Ok(json(StatusCode::OK, &PeriodListBody { periods: periods.iter().map(Into::into).collect() }))
}

/// Writes a period of a SKU and channel.
///
/// Periods of one SKU and channel do not overlap. While one is open, submits claim the stock account of that name; before
/// the first and between two they are refused with `between_periods`; after the last one the SKU is sold from its account
/// without a period. Once a period has begun, its end may be moved later and its rest rule changed, nothing else.
#[utoipa::path(put, path = "/v1/stock/{sku}/periods/{period}", operation_id = "put_period", tag = "stock",
    params(("sku" = String, Path, description = "The SKU's code."),
        ("period" = String, Path, description = "The period's name, percent-encoded.")),
    request_body = PeriodInput<'static>,
    responses((status = 200, description = "The period as it is now.", body = PeriodPutBody<'static>),
        (status = 409, description = "`period_overlaps`, `period_begun`.", body = ProblemBody<'static>,
            content_type = "application/problem+json"),
        Problems, BodyProblems))]
pub(crate) async fn put(mut call: Call) -> Answer {
    let (code, name) = (SkuCode::try_new(call.path("sku"))?, PeriodName::try_new(call.path("period"))?);
    let body = call.json().await?;
    let input: PeriodInput<'_> = wire::json::parse(&body)?;
    let wish = input.parse(code, name)?;
    let stored = call.app.put_period(call.tenant(), wish.clone()).await?;
    Ok(json(StatusCode::OK, &PeriodPutBody { already: !stored, period: (&wish).into() }))
}
