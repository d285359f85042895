//! The bench's ceiling: the same listener and JSON as placing, without keys and without a store.

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::post;
use holdline_app::Placed;
use holdline_domain::id::{BuyerId, ClientId, GroupKey, InvalidField, SellerId, TenantId, Version};
use holdline_domain::money::Minor;
use holdline_domain::order::{
    FulfillmentStatus, HoldAxis, Life, Order, OrderLine, OrderNo, OrderStatus, PaymentStatus, Snapshot, SubmitLine,
};
use holdline_domain::time::UnixMillis;

use crate::body::read_body;
use crate::call::Answer;
use crate::pay_at_once::Paid;
use crate::place::placed_answer;
use crate::problem::{Code, Problem};
use crate::request_id::{self, REQUEST_ID};
use crate::wire;
use crate::wire::order::SubmitInput;

/// `POST /v1/orders` that parses a submit and answers as placing does: 201 with an order of the same lines.
pub fn noop_router() -> Router {
    Router::new().route("/v1/orders", post(echo))
}

async fn echo(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let request_id = request_id::of(&parts.headers);
    let answer: Answer = async {
        let body = read_body(&parts.headers, body).await?;
        let submit: SubmitInput<'_> = wire::json::parse(&body)?;
        let now = wire::wall_clock();
        placed_answer(&Placed { orders: submit.echo(now)?, replayed: false, now }, &Paid::Nothing)
    }
    .await;
    let mut response = answer.unwrap_or_else(|problem| problem.response(parts.uri.path(), request_id.to_str().ok()));
    response.headers_mut().insert(REQUEST_ID.clone(), request_id);
    response
}

/// One order with all lines, as if it had been placed at `now`.
pub(crate) fn orders(
    buyer: &str,
    lines: impl Iterator<Item = Result<SubmitLine, InvalidField>>,
    now: UnixMillis,
) -> Result<Vec<Order>, Problem> {
    let mut goods = Minor::ZERO;
    let mut currency = None;
    let mut placed = Vec::with_capacity(lines.size_hint().0);
    for (line, line_no) in lines.zip(1_i32..) {
        let line = line?;
        let total = line.unit_price.checked_mul(line.quantity.units());
        let sums = total.and_then(|total| Some((total, goods.checked_add(total)?)));
        let (total, sum) = sums.ok_or_else(|| Problem::new(Code::OutOfRange))?;
        goods = sum;
        currency = currency.or(Some(line.currency));
        placed.push(OrderLine {
            line_no,
            sku: line.sku,
            quantity: line.quantity,
            title: "noop".to_owned(),
            unit_price: line.unit_price,
            total,
            snapshot: Snapshot::Catalog(Version::FIRST),
        });
    }
    let Some(currency) = currency else { return Ok(Vec::new()) };
    Ok(vec![Order {
        tenant: TenantId(0),
        no: OrderNo::from_stored("000000000000000000000000000"),
        group: GroupKey::from_stored(""),
        hold_n: 1,
        client: ClientId::from_stored("noop"),
        buyer: BuyerId::try_new(buyer).map_err(|invalid| invalid.at("/buyer_id"))?,
        seller: SellerId::from_stored("noop"),
        channel: String::new(),
        status: OrderStatus::PendingPayment,
        payment: PaymentStatus::Unpaid,
        fulfillment: FulfillmentStatus::Unfulfilled,
        hold: HoldAxis::Held,
        version: Version::FIRST,
        currency,
        goods,
        freight: Minor::ZERO,
        discount: Minor::ZERO,
        total: goods,
        lines: placed,
        adjustments: Vec::new(),
        address: None,
        note: None,
        created: now,
        pay_deadline: now.plus_ms(900_000),
        ended: None,
        life: Life::default(),
    }])
}
