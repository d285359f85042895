//! Sellers and SKUs over HTTP.

use axum::http::StatusCode;
use holdline_domain::catalog::PutAnswer;
use holdline_domain::id::{SellerId, SkuCode};

use crate::auth::not_found;
use crate::call::{Answer, Call, json};
use crate::openapi::{BodyProblems, Problems};
use crate::problem::{Code, Facts, Problem};
use crate::wire;
use crate::wire::catalog::{PutBody, PutsBody, SellerBody, SellerInput, SkuBody, SkuInput, SkusInput};

/// Reads a seller.
#[utoipa::path(get, path = "/v1/sellers/{seller}", operation_id = "get_seller", tag = "catalog",
    params(("seller" = String, Path, description = "Its id, up to 64 bytes.")),
    responses((status = 200, description = "The seller.", body = SellerBody<'static>), Problems))]
pub(crate) async fn get_seller(call: Call) -> Answer {
    let id = SellerId::try_new(call.path("seller"))?;
    let seller = call.app.seller(call.tenant(), &id).ok_or_else(|| not_found("seller"))?;
    Ok(json(StatusCode::OK, &SellerBody::from(&*seller)))
}

/// Writes a seller.
#[utoipa::path(put, path = "/v1/sellers/{seller}", operation_id = "put_seller", tag = "catalog",
    params(("seller" = String, Path, description = "Its id, up to 64 bytes.")),
    request_body = SellerInput<'static>,
    responses((status = 200, description = "What it did.", body = PutBody<'static>), Problems, BodyProblems))]
pub(crate) async fn put_seller(mut call: Call) -> Answer {
    let id = SellerId::try_new(call.path("seller"))?;
    let body = call.json().await?;
    let input: SellerInput<'_> = wire::json::parse(&body)?;
    let answer = call.app.put_seller(call.tenant(), input.parse(id)?).await?;
    Ok(json(StatusCode::OK, &PutBody::new(None, &answer)))
}

/// Reads a SKU.
#[utoipa::path(get, path = "/v1/skus/{sku}", operation_id = "get_sku", tag = "catalog",
    params(("sku" = String, Path, description = "Its code, up to 64 bytes; case is kept.")),
    responses((status = 200, description = "The SKU.", body = SkuBody<'static>), Problems))]
pub(crate) async fn get_sku(call: Call) -> Answer {
    let code = SkuCode::try_new(call.path("sku"))?;
    let sku = call.app.sku(call.tenant(), &code).ok_or_else(|| not_found("sku"))?;
    Ok(json(StatusCode::OK, &SkuBody::from(&*sku)))
}

/// Writes a SKU. Each change is a new version; orders keep the version they were sold from.
#[utoipa::path(put, path = "/v1/skus/{sku}", operation_id = "put_sku", tag = "catalog",
    params(("sku" = String, Path, description = "Its code, up to 64 bytes; case is kept.")),
    request_body = SkuInput<'static>,
    responses((status = 200, description = "What it did.", body = PutBody<'static>), Problems, BodyProblems))]
pub(crate) async fn put_sku(mut call: Call) -> Answer {
    let code = SkuCode::try_new(call.path("sku"))?;
    let body = call.json().await?;
    let input: SkuInput<'_> = wire::json::parse(&body)?;
    let draft = input.parse(code, "")?;
    let seller = draft.seller.clone();
    let answer = call.app.put_skus(call.tenant(), vec![draft]).await?.pop();
    match answer {
        Some(PutAnswer::UnknownSeller) => {
            Err(Problem::new(Code::UnknownSeller).facts(Facts { seller: Some(seller), ..Facts::default() }))
        }
        Some(answer @ (PutAnswer::Stored(_) | PutAnswer::Unchanged(_) | PutAnswer::Older(_))) => {
            Ok(json(StatusCode::OK, &PutBody::new(None, &answer)))
        }
        None => Err(Problem::new(Code::Internal).inside("one SKU was written and none answered")),
    }
}

/// Writes up to 500 SKUs in one transaction. Those of unknown sellers are answered so and left out.
#[utoipa::path(post, path = "/v1/skus:batch", operation_id = "put_skus", tag = "catalog",
    request_body = SkusInput<'static>,
    responses((status = 200, description = "What each did.", body = PutsBody<'static>), Problems, BodyProblems))]
pub(crate) async fn put_skus(mut call: Call) -> Answer {
    let body = call.json().await?;
    let input: SkusInput<'_> = wire::json::parse(&body)?;
    let drafts = input.parse()?;
    let codes: Vec<SkuCode> = drafts.iter().map(|draft| draft.code.clone()).collect();
    let answers = call.app.put_skus(call.tenant(), drafts).await?;
    let results = codes.iter().zip(&answers).map(|(code, answer)| PutBody::new(Some(code.as_str()), answer)).collect();
    Ok(json(StatusCode::OK, &PutsBody { results }))
}
