//! Stock over HTTP: reading accounts and their movements, adjusting them and setting their flags.

use axum::http::StatusCode;
use holdline_domain::id::{InvalidCode, InvalidField, SkuCode};

use crate::auth::not_found;
use crate::call::{Answer, Call, json};
use crate::cursor::{MovementSeq, encode_cursor};
use crate::openapi::{BodyProblems, Problems};
use crate::problem::Problem;
use crate::query::Query;
use crate::wire;
use crate::wire::stock::{
    AccountBody, AdjustedBody, AdjustmentInput, FlagsInput, MovementBody, MovementPageBody, StockBody, StockListBody,
    account_key,
};

/// SKUs of one reading: a page of a shop.
const SKUS_MAX: usize = 100;

/// Reads the stock of up to 100 SKUs.
///
/// A code with a comma in it can be read only by itself, at `/v1/stock/{sku}`.
#[utoipa::path(get, path = "/v1/stock", operation_id = "list_stock", tag = "stock",
    params(("sku" = Vec<String>, Query, description = "Codes separated by commas; the parameter may be repeated.")),
    responses((status = 200, description = "One entry per SKU.", body = StockListBody<'static>), Problems))]
pub(crate) async fn list(call: Call) -> Answer {
    let query = Query::parse(&call.uri, &["sku"])?;
    let codes = sku_codes(&query)?;
    let accounts = call.app.stock(call.tenant(), &codes).await?;
    let stock = codes.iter().zip(&accounts).map(|(code, accounts)| StockBody::new(code, accounts)).collect();
    Ok(json(StatusCode::OK, &StockListBody { stock }))
}

/// The SKUs asked for, each once: separated by commas, or in a parameter of its own.
fn sku_codes(query: &Query<'_>) -> Result<Vec<SkuCode>, Problem> {
    let mut codes = Vec::new();
    for text in query.all("sku").flat_map(|text| text.split(',')) {
        let code = SkuCode::try_new(text)?;
        if !codes.contains(&code) {
            codes.push(code);
        }
        if codes.len() > SKUS_MAX {
            let problem = format!("must name at most {SKUS_MAX} SKUs");
            return Err(InvalidField::new("sku", InvalidCode::TooLong, problem).into());
        }
    }
    if codes.is_empty() {
        return Err(InvalidField::new("sku", InvalidCode::Empty, "must name at least one SKU").into());
    }
    Ok(codes)
}

/// Reads the stock of one SKU.
///
/// It exists if the catalog has it or something ever happened to its stock.
#[utoipa::path(get, path = "/v1/stock/{sku}", operation_id = "get_stock", tag = "stock",
    params(("sku" = String, Path, description = "Its code.")),
    responses((status = 200, description = "Its stock.", body = StockBody<'static>), Problems))]
pub(crate) async fn get(call: Call) -> Answer {
    let code = sku(&call)?;
    let accounts = call.app.stock(call.tenant(), std::slice::from_ref(&code)).await?.pop().unwrap_or_default();
    if accounts.is_empty() && call.app.sku(call.tenant(), &code).is_none() {
        return Err(not_found("sku"));
    }
    Ok(json(StatusCode::OK, &StockBody::new(&code, &accounts)))
}

fn sku(call: &Call) -> Result<SkuCode, InvalidField> {
    SkuCode::try_new(call.path("sku"))
}

/// Reads what changed a stock account, newest first.
#[utoipa::path(get, path = "/v1/stock/{sku}/movements", operation_id = "list_movements", tag = "stock",
    params(
        ("sku" = String, Path, description = "Its code."),
        ("location" = Option<String>, Query, description = "Of the account at this location."),
        ("channel" = Option<String>, Query, description = "Of the account for this channel."),
        ("period" = Option<String>, Query, description = "Of the account for this period."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "Movements of one page; 20 if absent."),
    ),
    responses((status = 200, description = "One page.", body = MovementPageBody<'static>), Problems))]
pub(crate) async fn movements(call: Call) -> Answer {
    let query = Query::parse(&call.uri, &["cursor", "limit", "location", "channel", "period"])?;
    let (limit, before) = (query.limit()?, query.cursor::<MovementSeq>()?);
    let field = |name| Ok::<_, Problem>((name, query.one(name)?.unwrap_or_default()));
    let key = account_key(sku(&call)?, [field("location")?, field("channel")?, field("period")?])?;
    let page = call.app.movements(call.tenant(), &key, before.map(|before| before.0), limit).await?;
    let last = page.movements.last().filter(|_| page.has_more);
    let body = MovementPageBody {
        movements: page.movements.iter().map(|(movement, at)| MovementBody::new(movement, *at)).collect(),
        next_cursor: last.map(|(movement, _)| encode_cursor(&MovementSeq(movement.seq))),
        has_more: page.has_more,
    };
    Ok(json(StatusCode::OK, &body))
}

/// Changes on hand by a delta: stock-in, correction, write-off.
///
/// The reference makes it happen once, so no Idempotency-Key is needed.
#[utoipa::path(post, path = "/v1/stock/{sku}/adjustments", operation_id = "adjust_stock", tag = "stock",
    params(("sku" = String, Path, description = "Its code.")),
    request_body = AdjustmentInput<'static>,
    responses((status = 200, description = "The account as it is now.", body = AdjustedBody<'static>), Problems,
        BodyProblems))]
pub(crate) async fn adjust(mut call: Call) -> Answer {
    let code = sku(&call)?;
    let body = call.json().await?;
    let input: AdjustmentInput<'_> = wire::json::parse(&body)?;
    let (key, delta, reference) = input.parse(code)?;
    let (account, already) = call.app.adjust(call.tenant(), key, delta, reference, input.force).await?;
    Ok(json(StatusCode::OK, &AdjustedBody { already, account: AccountBody::from(&account) }))
}

/// Replaces the flags of a stock account.
#[utoipa::path(put, path = "/v1/stock/{sku}/flags", operation_id = "put_flags", tag = "stock",
    params(("sku" = String, Path, description = "Its code.")),
    request_body = FlagsInput<'static>,
    responses((status = 200, description = "The account as it is now.", body = AccountBody<'static>), Problems,
        BodyProblems))]
pub(crate) async fn put_flags(mut call: Call) -> Answer {
    let code = sku(&call)?;
    let body = call.json().await?;
    let input: FlagsInput<'_> = wire::json::parse(&body)?;
    let (key, flags) = input.parse(code)?;
    let account = call.app.set_flags(call.tenant(), key, flags).await?;
    Ok(json(StatusCode::OK, &AccountBody::from(&account)))
}

#[cfg(test)]
mod tests {
    use axum::http::Uri;

    use super::*;
    use crate::problem::Code;

    fn codes(uri: &str) -> Result<Vec<String>, Code> {
        let uri: Uri = uri.parse().unwrap();
        let query = Query::parse(&uri, &["sku"]).unwrap();
        let codes = sku_codes(&query).map_err(|problem| problem.code)?;
        Ok(codes.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn skus_are_separated_by_commas_or_repeated_and_named_once() {
        assert_eq!(codes("/?sku=a,b&sku=c&sku=b").unwrap(), ["a", "b", "c"]);
        assert_eq!(codes("/?sku=a%2Cb").unwrap(), ["a", "b"]);
        assert_eq!(codes("/"), Err(Code::InvalidField));
        assert_eq!(codes("/?sku=a,,b"), Err(Code::InvalidField));
        let many = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        assert_eq!(codes(&format!("/?sku={}", many(100))).unwrap().len(), 100);
        assert_eq!(codes(&format!("/?sku={}", many(101))), Err(Code::InvalidField));
    }
}
