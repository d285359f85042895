//! Orders over HTTP: reading, cancelling, and giving a submit up.

use axum::http::header::{ETAG, IF_MATCH};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use holdline_app::{Abandoned, Placed};
use holdline_domain::id::{BuyerId, GroupKey, IdempotencyKey, InvalidCode, InvalidField, SellerId, Version};
use holdline_domain::order::{Actor, Order, OrderNo};
use holdline_domain::port::OrderPage;
use holdline_domain::tenant::Scope;

use crate::auth::{self, Sight, not_found};
use crate::call::{Answer, Call, json};
use crate::cursor::encode_cursor;
use crate::openapi::{BodyProblems, Problems};
use crate::place::no_orders;
use crate::problem::{Code, Facts, Problem, ProblemBody, of_refusal};
use crate::query::Query;
use crate::wire;
use crate::wire::order::{
    AbandonBody, AbandonInput, ActorName, CancelInput, GroupBody, GroupId, OrderBody, OrderPageBody,
};

/// Reads one order.
#[utoipa::path(get, path = "/v1/orders/{order_no}", operation_id = "get_order", tag = "orders",
    params(("order_no" = String, Path, description = "27 digits.")),
    responses(
        (status = 200, description = "The order.", body = OrderBody<'static>,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))),
        Problems,
    ))]
pub(crate) async fn get(call: Call) -> Answer {
    Ok(order_answer(&seen_order(&call).await?))
}

/// The order of the path, if it exists for the caller.
pub(crate) async fn seen_order(call: &Call) -> Result<Order, Problem> {
    // A text that is no number names no order.
    let no = OrderNo::try_new(call.path("order_no")).map_err(|_| not_found("order"))?;
    call.sight().filter(call.app.order(call.tenant(), &no).await?)
}

pub(crate) fn order_answer(order: &Order) -> Response {
    let mut response = json(StatusCode::OK, &OrderBody::new(order, wire::wall_clock()));
    let etag = compact_str::format_compact!("\"{}\"", order.version.0);
    response.headers_mut().insert(ETAG, HeaderValue::from_str(&etag).expect("a number is a header value"));
    response
}

/// Lists orders, newest first: of a buyer, of a seller, or of the whole tenant.
///
/// A seller's list is a moment behind. A merchant's key lists its own sellers.
#[utoipa::path(get, path = "/v1/orders", operation_id = "list_orders", tag = "orders",
    params(
        ("buyer_id" = Option<String>, Query, description = "Of this buyer."),
        ("seller" = Option<String>, Query, description = "Of this seller."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "Orders of one page; 20 if absent."),
    ),
    responses((status = 200, description = "One page.", body = OrderPageBody<'static>), Problems))]
pub(crate) async fn list(call: Call) -> Answer {
    let query = Query::parse(&call.uri, &["buyer_id", "seller", "cursor", "limit"])?;
    let (limit, before) = (query.limit()?, query.cursor::<OrderNo>()?);
    let (tenant, before) = (call.tenant(), before.as_ref());
    let page = match list_of(call.sight(), query.one("buyer_id")?, query.one("seller")?)? {
        ListOf::Buyer(buyer) => call.app.orders_of_buyer(tenant, &buyer, before, limit).await?,
        ListOf::Seller(seller) => call.app.orders_of_seller(tenant, &seller, before, limit).await?,
        ListOf::Everyone => call.app.recent_orders(tenant, before, limit).await?,
    };
    Ok(page_answer(&page))
}

#[derive(Debug, PartialEq)]
enum ListOf {
    Buyer(BuyerId),
    Seller(SellerId),
    Everyone,
}

/// Which list is asked for and may be seen. A merchant lists by seller; of one seller only, it need not say which.
fn list_of(sight: Sight<'_>, buyer: Option<&str>, seller: Option<&str>) -> Result<ListOf, Problem> {
    let list = match (buyer, seller) {
        (Some(_), Some(_)) => {
            let problem = "cannot be combined with buyer_id";
            return Err(InvalidField::new("seller", InvalidCode::Malformed, problem).into());
        }
        (Some(buyer), None) => ListOf::Buyer(BuyerId::try_new(buyer)?),
        (None, Some(seller)) => ListOf::Seller(SellerId::try_new(seller)?),
        (None, None) => ListOf::Everyone,
    };
    match (sight, list) {
        (Sight::Tenant, list) => Ok(list),
        (Sight::Sellers([only]), ListOf::Everyone) => Ok(ListOf::Seller(only.clone())),
        (Sight::Sellers(_), ListOf::Seller(seller)) if sight.sees(&seller) => Ok(ListOf::Seller(seller)),
        (Sight::Sellers(_), ListOf::Seller(_)) => Err(not_found("seller")),
        (Sight::Sellers(_), ListOf::Buyer(_) | ListOf::Everyone) => Err(Problem::new(Code::ScopeMissing)
            .detail("A merchant's key lists orders by seller.")
            .facts(Facts { scopes: vec![Scope::Shop.as_str(), Scope::Read.as_str()], ..Facts::default() })),
    }
}

fn page_answer(page: &OrderPage) -> Response {
    let now = wire::wall_clock();
    let next_cursor = page.orders.last().filter(|_| page.has_more).map(|last| encode_cursor(&last.no));
    let orders = page.orders.iter().map(|order| OrderBody::new(order, now)).collect();
    json(StatusCode::OK, &OrderPageBody { orders, next_cursor, has_more: page.has_more })
}

/// Cancels an order that waits for payment, or a paid one of which nothing was shipped: its money goes back.
///
/// Cancelled again, it answers the same.
#[utoipa::path(post, path = "/v1/orders/{order_no}/cancel", operation_id = "cancel_order", tag = "orders",
    params(
        ("order_no" = String, Path, description = "27 digits."),
        ("If-Match" = Option<String>, Header, description = "The version that the caller read, such as `\"1\"`."),
    ),
    request_body(content = Option<CancelInput>, description = "May be left out."),
    responses(
        (status = 200, description = "The cancelled order.", body = OrderBody<'static>,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))),
        (status = 409, description = "`order_state`, `payment_open`, `goods_shipped`.", body = ProblemBody<'static>,
            content_type = "application/problem+json"),
        (status = 412, description = "`version_mismatch`, with `current_version`.", body = ProblemBody<'static>,
            content_type = "application/problem+json"),
        Problems, BodyProblems,
    ))]
pub(crate) async fn cancel(mut call: Call) -> Answer {
    let body = call.optional_json().await?;
    let input = body.as_deref().map_or_else(|| Ok(CancelInput::default()), wire::json::parse::<CancelInput>)?;
    let actor = actor(&call, input.actor)?;
    let if_match = if_match(&call)?;
    // A merchant must not learn from the answer that another seller's order exists.
    if call.sight() != Sight::Tenant {
        seen_order(&call).await?;
    }
    let no = OrderNo::try_new(call.path("order_no")).map_err(|_| not_found("order"))?;
    Ok(order_answer(&call.app.cancel(call.tenant(), &no, actor, if_match).await?))
}

/// A shop acts for buyers and for its own staff; a merchant's key only for the merchant.
fn actor(call: &Call, given: Option<ActorName>) -> Result<Actor, Problem> {
    match (call.sight(), given) {
        (Sight::Tenant, None | Some(ActorName::Buyer)) => Ok(Actor::Buyer),
        (Sight::Tenant | Sight::Sellers(_), Some(ActorName::Merchant)) | (Sight::Sellers(_), None) => {
            Ok(Actor::Merchant)
        }
        (Sight::Sellers(_), Some(ActorName::Buyer)) => Err(Problem::new(Code::ScopeMissing)
            .detail("A merchant's key does not cancel for the buyer.")
            .facts(Facts { scopes: vec![Scope::Shop.as_str()], ..Facts::default() })),
    }
}

/// The version in `If-Match`; `*` matches every one.
fn if_match(call: &Call) -> Result<Option<Version>, Problem> {
    let Some(text) = call.header(IF_MATCH.as_str())? else { return Ok(None) };
    if text == "*" {
        return Ok(None);
    }
    let number = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let version = number.parse().map_err(|_| {
        let problem = "must be one version as in ETag, such as \"3\"";
        InvalidField::new("If-Match", InvalidCode::Malformed, problem)
    })?;
    Ok(Some(Version(version)))
}

/// Reads the orders of one submit by the group's id.
#[utoipa::path(get, path = "/v1/order-groups/{order_group}", operation_id = "get_order_group", tag = "orders",
    params(("order_group" = String, Path, description = "`order_group` of the answer to the submit.")),
    responses((status = 200, description = "The orders.", body = GroupBody<'static>), Problems))]
pub(crate) async fn get_group(call: Call) -> Answer {
    let key = seen_group(&call).await?;
    group_answer(&call.app.group(call.tenant(), &key, None).await?)
}

/// The key of the group of the path.
pub(crate) async fn seen_group(call: &Call) -> Result<GroupKey, Problem> {
    let first = GroupId::parse(call.path("order_group")).ok_or_else(|| not_found("order_group"))?;
    let order = call.app.order(call.tenant(), &first).await.map_err(|error| match Problem::from(error) {
        problem if problem.code == Code::NotFound => not_found("order_group"),
        problem => problem,
    })?;
    let placed = call.app.group(call.tenant(), &order.group, None).await?;
    // Only the first order's number names the group: one submit, one id.
    if placed.orders.first().is_none_or(|order| order.no != first) {
        return Err(not_found("order_group"));
    }
    Ok(order.group)
}

/// Reads the orders of one submit by its key, as this client sent it.
///
/// A submit that was refused after its stock was held answers its refusal; one that was given up, `submit_abandoned`.
#[utoipa::path(get, path = "/v1/order-groups/by-key/{key}", operation_id = "get_order_group_by_key", tag = "orders",
    params(
        ("key" = String, Path, description = "The Idempotency-Key, percent-encoded."),
        ("buyer_id" = String, Query, description = "The buyer of the submit."),
    ),
    responses(
        (status = 200, description = "The orders.", body = GroupBody<'static>),
        (status = 409, description = "`submit_abandoned`.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        Problems,
    ))]
pub(crate) async fn get_group_by_key(call: Call) -> Answer {
    let query = Query::parse(&call.uri, &["buyer_id"])?;
    let buyer = query.required("buyer_id", "the buyer is part of a submit's identity")?;
    let buyer = BuyerId::try_new(buyer)?;
    let placed = call.app.group(call.tenant(), &path_key(&call, &buyer)?, Some(&buyer)).await?;
    group_answer(&placed)
}

fn group_answer(placed: &Placed) -> Answer {
    let now = placed.now.max(wire::wall_clock());
    Ok(json(StatusCode::OK, &GroupBody::read(&placed.orders, now).ok_or_else(no_orders)?))
}

fn path_key(call: &Call, buyer: &BuyerId) -> Result<GroupKey, InvalidField> {
    let attempt = IdempotencyKey::try_new(call.path("key")).map_err(|invalid| invalid.at("key"))?;
    Ok(auth::group_key(call.tenant(), &call.access.key, &attempt, buyer))
}

/// Makes sure that a submit either has its orders or never will.
///
/// For a client that does not know what became of its submit and will not send it again. After `never`, a late arrival
/// of the submit is refused with `submit_abandoned`.
#[utoipa::path(post, path = "/v1/order-groups/by-key/{key}/abandon", operation_id = "abandon_submit", tag = "orders",
    params(("key" = String, Path, description = "The Idempotency-Key, percent-encoded.")),
    request_body = AbandonInput<'static>,
    responses((status = 200, description = "What became of it.", body = AbandonBody<'static>), Problems, BodyProblems))]
pub(crate) async fn abandon(mut call: Call) -> Answer {
    let body = call.json().await?;
    let input: AbandonInput<'_> = wire::json::parse(&body)?;
    let buyer = BuyerId::try_new(&input.buyer_id).map_err(|invalid| invalid.at("/buyer_id"))?;
    let key = path_key(&call, &buyer)?;
    match call.app.abandon(call.tenant(), key, buyer.clone()).await? {
        Abandoned::Never => Ok(json(StatusCode::OK, &AbandonBody::Never)),
        Abandoned::Placed(orders) if orders.iter().any(|order| order.buyer != buyer) => {
            Err(of_refusal(&holdline_domain::refusal::Refusal::KeyReused))
        }
        Abandoned::Placed(orders) => {
            let group = GroupBody::read(&orders, wire::wall_clock()).ok_or_else(no_orders)?;
            Ok(json(StatusCode::OK, &AbandonBody::Placed(group)))
        }
        Abandoned::Refused(refusal) => {
            let refusal = of_refusal(&refusal);
            Ok(json(StatusCode::OK, &AbandonBody::Refused { refusal: refusal.body(None, None) }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merchant_lists_its_own_sellers_only() {
        let seller = |id| SellerId::try_new(id).unwrap();
        let (one, two) = ([seller("s1")], [seller("s1"), seller("s2")]);
        let code = |list: Result<ListOf, Problem>| list.map_err(|problem| problem.code);
        let of = |list| Ok(ListOf::Seller(seller(list)));
        assert_eq!(code(list_of(Sight::Sellers(&one), None, None)), of("s1"));
        assert_eq!(code(list_of(Sight::Sellers(&two), None, Some("s2"))), of("s2"));
        assert_eq!(code(list_of(Sight::Sellers(&one), None, Some("s2"))), Err(Code::NotFound));
        assert_eq!(code(list_of(Sight::Sellers(&two), None, None)), Err(Code::ScopeMissing));
        assert_eq!(code(list_of(Sight::Sellers(&[]), None, None)), Err(Code::ScopeMissing));
        assert_eq!(code(list_of(Sight::Sellers(&one), Some("ann"), None)), Err(Code::ScopeMissing));
        assert_eq!(code(list_of(Sight::Tenant, None, None)), Ok(ListOf::Everyone));
        assert_eq!(code(list_of(Sight::Tenant, Some("ann"), Some("s1"))), Err(Code::InvalidField));
    }

    #[test]
    fn a_group_id_holds_its_first_order_number() {
        let no = OrderNo::try_new("260801120000007000100000042").unwrap();
        assert_eq!(GroupId::parse(&GroupId(&no).to_string()), Some(no));
        for id in ["", "g", "g26", "260801120000007000100000042", "h260801120000007000100000042"] {
            assert_eq!(GroupId::parse(id), None, "{id}");
        }
    }
}
