//! Orders and submits in JSON.

use std::borrow::Cow;

use holdline_domain::id::{BuyerId, IdempotencyKey, InvalidCode, InvalidField, Quantity, SellerId, SkuCode};
use holdline_domain::money::{Currency, Minor};
use holdline_domain::order::{
    Adjustment, AdjustmentKind, AdjustmentTarget, Order, OrderLine, OrderNo, OrderStatus, Snapshot, Submit, SubmitLine,
};
use holdline_domain::tenant::{ApiKey, Tenant};
use holdline_domain::time::UnixMillis;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::pay_at_once::{PayAtOnceInput, paid_at_once};
use super::payment::AttemptBody;
use super::{At, Money, MoneyInput, currency_text, json};
use crate::pay_at_once::Paid;
use crate::problem::{Problem, ProblemBody};

/// A cart to be ordered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubmitInput<'a> {
    /// Who buys: opaque, up to 64 bytes.
    #[serde(borrow)]
    #[schema(max_length = 64, example = "buyer-42")]
    buyer_id: Cow<'a, str>,
    /// Through which channel it is bought, up to 32 bytes.
    #[serde(borrow, default)]
    #[schema(max_length = 32)]
    channel: Cow<'a, str>,
    /// What is bought, 1 to 1,000 lines. Lines of one SKU are summed where stock is checked.
    #[serde(borrow)]
    #[schema(min_items = 1, max_items = 1000)]
    lines: Vec<LineInput<'a>>,
    /// Freight and discounts, from callers that set prices.
    #[serde(borrow, default)]
    #[schema(max_items = 1000)]
    adjustments: Vec<AdjustmentInput<'a>>,
    /// The total that the buyer saw; another one is refused.
    #[serde(borrow)]
    expected_total: Option<MoneyInput<'a>>,
    /// Where to send it: any JSON, up to 4 KiB without white space. Kept, never read.
    #[serde(borrow)]
    #[schema(value_type = Option<serde_json::Value>)]
    address: Option<&'a RawValue>,
    /// The buyer's words, up to 1,024 bytes.
    #[serde(borrow)]
    #[schema(max_length = 1024)]
    note: Option<Cow<'a, str>>,
    /// Opens an attempt to pay the orders in the same request. Not with `Prefer: respond-async`.
    #[serde(borrow)]
    pub(crate) pay_at_once: Option<PayAtOnceInput<'a>>,
}

/// One line of a cart.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LineInput<'a> {
    /// What.
    #[serde(borrow)]
    #[schema(max_length = 64, example = "MUG-1")]
    sku: Cow<'a, str>,
    /// How many.
    #[schema(minimum = 1, maximum = 1_000_000_000, example = 1)]
    quantity: i64,
    /// The price of one unit that the buyer saw, or that the caller sets.
    #[serde(borrow)]
    unit_price: MoneyInput<'a>,
    /// The title it is sold under; required from callers that set prices.
    #[serde(borrow)]
    #[schema(max_length = 512)]
    title: Option<Cow<'a, str>>,
    /// The caller's goods snapshot: any JSON, up to 4 KiB without white space. Kept, never read.
    #[serde(borrow)]
    #[schema(value_type = Option<serde_json::Value>)]
    snapshot: Option<&'a RawValue>,
}

/// What an adjustment does to the total.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AdjustmentKindName {
    /// Adds.
    Freight,
    /// Takes away.
    Discount,
}

/// Freight or discount, of one line or of all lines of a seller.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdjustmentInput<'a> {
    /// What it does.
    kind: AdjustmentKindName,
    /// The line it belongs to, from 1. Either this or `seller`.
    #[schema(minimum = 1)]
    line: Option<i32>,
    /// The seller it belongs to. Either this or `line`.
    #[serde(borrow)]
    #[schema(max_length = 64)]
    seller: Option<Cow<'a, str>>,
    /// How much.
    #[serde(borrow)]
    amount: MoneyInput<'a>,
    /// The caller's reference, up to 128 bytes.
    #[serde(borrow)]
    #[schema(max_length = 128)]
    reference: Cow<'a, str>,
}

impl SubmitInput<'_> {
    /// The submit that was asked for, every text and number within its limits.
    pub(crate) fn parse(self, tenant: &Tenant, key: &ApiKey, attempt: &IdempotencyKey) -> Result<Submit, InvalidField> {
        let buyer = BuyerId::try_new(&self.buyer_id).map_err(|invalid| invalid.at("/buyer_id"))?;
        let lines =
            self.lines.iter().enumerate().map(|(place, line)| line.parse(place)).collect::<Result<Vec<_>, _>>()?;
        let currency = lines.first().map(|line| line.currency);
        let adjustments = self.adjustments.iter().enumerate();
        let adjustments =
            adjustments.map(|(place, adjustment)| adjustment.parse(place, currency)).collect::<Result<_, _>>()?;
        let expected_total = match &self.expected_total {
            Some(total) => Some(in_currency(total, currency, || "/expected_total".to_owned())?),
            None => None,
        };
        Ok(Submit {
            tenant: tenant.id,
            client: key.client.clone(),
            key: crate::auth::group_key(tenant.id, key, attempt, &buyer),
            buyer,
            channel: self.channel.into_owned(),
            lines,
            adjustments,
            expected_total,
            address: self.address.map(|address| json::compact(address.get())),
            note: self.note.map(Cow::into_owned),
            price_source: tenant.price_source,
        })
    }

    /// An answer of the shape that placing has, without placing: what the bench's ceiling sends.
    pub(crate) fn echo(&self, now: UnixMillis) -> Result<Vec<Order>, Problem> {
        let lines = self.lines.iter().enumerate().map(|(place, line)| line.parse(place));
        crate::noop::orders(&self.buyer_id, lines, now)
    }
}

impl LineInput<'_> {
    fn parse(&self, place: usize) -> Result<SubmitLine, InvalidField> {
        let at = |field: &str| format!("/lines/{place}/{field}");
        let (unit_price, currency) = self.unit_price.parse(|| at("unit_price"))?;
        Ok(SubmitLine {
            sku: SkuCode::try_new(&self.sku).map_err(|invalid| invalid.at(at("sku")))?,
            seller: None,
            quantity: Quantity::try_new(self.quantity).map_err(|invalid| invalid.at(at("quantity")))?,
            unit_price,
            currency,
            title: self.title.as_deref().map(str::to_owned),
            snapshot: self.snapshot.map(|snapshot| json::compact(snapshot.get())),
        })
    }
}

impl AdjustmentInput<'_> {
    fn parse(&self, place: usize, currency: Option<Currency>) -> Result<Adjustment, InvalidField> {
        let at = |field: &str| format!("/adjustments/{place}{field}");
        let target = match (self.line, &self.seller) {
            (Some(line_no), None) => AdjustmentTarget::Line(line_no),
            (None, Some(seller)) => {
                AdjustmentTarget::Seller(SellerId::try_new(seller).map_err(|invalid| invalid.at(at("/seller")))?)
            }
            (None, None) | (Some(_), Some(_)) => {
                return Err(InvalidField::new(&at(""), InvalidCode::Malformed, "must have either line or seller"));
            }
        };
        let kind = match self.kind {
            AdjustmentKindName::Freight => AdjustmentKind::Freight,
            AdjustmentKindName::Discount => AdjustmentKind::Discount,
        };
        let amount = in_currency(&self.amount, currency, || at("/amount"))?;
        Ok(Adjustment { kind, target, amount, reference: self.reference.clone().into_owned() })
    }
}

/// Money in the currency of the first line. Whether that is the right one is judged with the catalog.
fn in_currency(
    money: &MoneyInput<'_>,
    currency: Option<Currency>,
    pointer: impl Fn() -> String,
) -> Result<Minor, InvalidField> {
    let (amount, given) = money.parse(&pointer)?;
    match currency {
        Some(currency) if currency != given => Err(InvalidField::new(
            &format!("{}/currency", pointer()),
            InvalidCode::Malformed,
            format!("must be the currency of the first line, {currency}"),
        )),
        Some(_) | None => Ok(amount),
    }
}

/// One seller's part of a submit.
#[derive(Serialize, ToSchema)]
#[schema(as = Order)]
pub(crate) struct OrderBody<'a> {
    /// 27 digits that sort by time.
    #[schema(example = "260801120000007000100000042", pattern = "^[0-9]{27}$")]
    order_no: &'a str,
    /// Who sells.
    seller: &'a str,
    /// Who buys.
    buyer_id: &'a str,
    /// Through which channel it was bought.
    #[serde(skip_serializing_if = "str::is_empty")]
    channel: &'a str,
    /// `creating`, `pending_payment`, `confirmed`, `completed`, `create_failed`, `cancelled` or `expired`.
    #[schema(example = "pending_payment")]
    status: &'static str,
    /// Where its payment stands.
    #[schema(example = "unpaid")]
    payment_status: &'static str,
    /// Where its goods are.
    #[schema(example = "unfulfilled")]
    fulfillment_status: &'static str,
    /// Where its stock stands: `held`, `lapsed`, `committed` or `released`.
    #[schema(example = "held")]
    hold_status: &'static str,
    /// One more with each change; also in `ETag`, for `If-Match`.
    version: i64,
    /// What it comes to.
    amounts: Amounts,
    /// What was bought.
    lines: Vec<LineBody<'a>>,
    /// Freight and discounts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    adjustments: Vec<AdjustmentBody<'a>>,
    /// When it was placed.
    created_at: At,
    /// Until when it may be paid.
    pay_deadline: At,
    /// Seconds until then; only while it waits for payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<i64>,
    /// How it ended, if it ended unsold.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Ended>,
    /// What was paid, once something was.
    #[serde(skip_serializing_if = "Option::is_none")]
    paid: Option<PaidBody>,
    /// Why its fulfillment is stopped, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<&'a str>,
    /// When the last of it arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<At>,
    /// When the buyer had all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<At>,
    /// Where to send it; left out of the answer to the submit itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    address: Option<Box<RawValue>>,
    /// The buyer's words; left out of the answer to the submit itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

/// What was paid of an order.
#[derive(Serialize, ToSchema)]
#[schema(as = Paid)]
pub(crate) struct PaidBody {
    /// The attempt that paid it.
    attempt: String,
    /// What it captured for this order.
    captured: Money,
    /// What is set aside to go back.
    refunding: Money,
    /// What went back.
    refunded: Money,
}

impl PaidBody {
    fn new(order: &Order) -> Option<Self> {
        let money = |amount| Money::new(amount, order.currency);
        let life = &order.life;
        let attempt = life.attempt.as_ref().filter(|_| life.captured.0 > 0)?;
        Some(Self {
            attempt: attempt.to_string(),
            captured: money(life.captured),
            refunding: money(life.refunding),
            refunded: money(life.refunded),
        })
    }
}

/// What an order comes to.
#[derive(Serialize, ToSchema)]
pub(crate) struct Amounts {
    /// Sum of the lines.
    goods: Money,
    /// Sum of the freight.
    freight: Money,
    /// Sum of the discounts.
    discount: Money,
    /// What is owed: goods + freight − discount.
    total: Money,
}

/// One line of an order.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderLine)]
pub(crate) struct LineBody<'a> {
    /// Place of the line in the submit, from 1.
    line_no: i32,
    /// What.
    sku: &'a str,
    /// The title it was sold under.
    title: &'a str,
    /// How many.
    quantity: i64,
    /// The price of one unit.
    unit_price: Money,
    /// Unit price times quantity.
    total: Money,
    /// The version of the SKU in the catalog that it was sold from.
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog_version: Option<i64>,
    /// The caller's goods snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    snapshot: Option<Box<RawValue>>,
}

/// Freight or discount of an order.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderAdjustment)]
pub(crate) struct AdjustmentBody<'a> {
    /// What it does.
    kind: AdjustmentKindName,
    /// The line of the submit that it belongs to, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<i32>,
    /// The seller that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    seller: Option<&'a str>,
    /// How much.
    amount: Money,
    /// The caller's reference.
    reference: &'a str,
}

/// How an order ended unsold.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ended {
    /// Who ended it: `buyer`, `merchant` or `system`.
    actor: &'static str,
    /// When.
    at: At,
}

impl<'a> OrderBody<'a> {
    /// A whole order at `now`.
    pub(crate) fn new(order: &'a Order, now: UnixMillis) -> Self {
        let address = order.address.clone().and_then(|address| RawValue::from_string(address).ok());
        Self { address, note: order.note.as_deref(), ..Self::bare(order, now) }
    }

    /// An order without what the caller has just said of address and note.
    fn bare(order: &'a Order, now: UnixMillis) -> Self {
        let money = |amount| Money::new(amount, order.currency);
        Self {
            order_no: order.no.as_str(),
            seller: order.seller.as_str(),
            buyer_id: order.buyer.as_str(),
            channel: &order.channel,
            status: order.status.as_str(),
            payment_status: order.payment.as_str(),
            fulfillment_status: order.fulfillment.as_str(),
            hold_status: order.hold.as_str(),
            version: order.version.0,
            amounts: Amounts {
                goods: money(order.goods),
                freight: money(order.freight),
                discount: money(order.discount),
                total: money(order.total),
            },
            lines: order.lines.iter().map(|line| LineBody::new(line, order.currency)).collect(),
            adjustments: order.adjustments.iter().map(|each| AdjustmentBody::new(each, order.currency)).collect(),
            created_at: At(order.created),
            pay_deadline: At(order.pay_deadline),
            expires_in: expires_in(order, now),
            ended: order.ended.map(|ended| Ended { actor: ended.actor.as_str(), at: At(ended.at) }),
            paid: PaidBody::new(order),
            paused: order.life.paused.as_deref(),
            delivered_at: order.life.delivered.map(At),
            completed_at: order.life.completed.map(At),
            address: None,
            note: None,
        }
    }
}

impl<'a> LineBody<'a> {
    fn new(line: &'a OrderLine, currency: Currency) -> Self {
        let (catalog_version, snapshot) = match &line.snapshot {
            Snapshot::Catalog(version) => (Some(version.0), None),
            Snapshot::Caller(snapshot) => {
                (None, snapshot.clone().and_then(|snapshot| RawValue::from_string(snapshot).ok()))
            }
        };
        Self {
            line_no: line.line_no,
            sku: line.sku.as_str(),
            title: &line.title,
            quantity: line.quantity.units(),
            unit_price: Money::new(line.unit_price, currency),
            total: Money::new(line.total, currency),
            catalog_version,
            snapshot,
        }
    }
}

impl<'a> AdjustmentBody<'a> {
    fn new(adjustment: &'a Adjustment, currency: Currency) -> Self {
        let (line, seller) = match &adjustment.target {
            AdjustmentTarget::Line(line_no) => (Some(*line_no), None),
            AdjustmentTarget::Seller(seller) => (None, Some(seller.as_str())),
        };
        let kind = match adjustment.kind {
            AdjustmentKind::Freight => AdjustmentKindName::Freight,
            AdjustmentKind::Discount => AdjustmentKindName::Discount,
        };
        Self { kind, line, seller, amount: Money::new(adjustment.amount, currency), reference: &adjustment.reference }
    }
}

/// Whole seconds for which an order may still be paid, rounded down: nobody is promised more than there is.
fn expires_in(order: &Order, now: UnixMillis) -> Option<i64> {
    (order.status == OrderStatus::PendingPayment).then(|| (order.pay_deadline.since_ms(now) / 1_000).max(0))
}

/// The orders of one submit.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderGroup)]
pub(crate) struct GroupBody<'a> {
    /// The id of the submit, for `GET /v1/order-groups/{order_group}`.
    #[schema(value_type = String, example = "g260801120000007000100000042")]
    order_group: GroupId<'a>,
    /// One per seller, sorted by seller.
    orders: Vec<OrderBody<'a>>,
    /// What all orders come to.
    total: Money,
    /// The currency of all amounts.
    #[serde(serialize_with = "currency_text::plain")]
    #[schema(value_type = String, example = "CNY")]
    currency: Currency,
    /// Until when the orders may be paid: the earliest deadline of those that wait for payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pay_deadline: Option<At>,
    /// Seconds until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<i64>,
    /// The attempt that `pay_at_once` opened, for all orders that wait for payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<Box<AttemptBody<'a>>>,
    /// Why `pay_at_once` opened none. The orders stand, and can be paid like any others.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_failure: Option<ProblemBody<'a>>,
}

impl<'a> GroupBody<'a> {
    /// The answer to a submit. `None` for no order: a group has at least one.
    pub(crate) fn placed(orders: &'a [Order], now: UnixMillis, paid: &'a Paid) -> Option<Self> {
        let (payment, payment_failure) = paid_at_once(paid);
        Some(Self { payment, payment_failure, ..Self::of(orders, now, OrderBody::bare)? })
    }

    /// What a reader sees of it.
    pub(crate) fn read(orders: &'a [Order], now: UnixMillis) -> Option<Self> {
        Self::of(orders, now, OrderBody::new)
    }

    fn of(orders: &'a [Order], now: UnixMillis, body: fn(&'a Order, UnixMillis) -> OrderBody<'a>) -> Option<Self> {
        let first = orders.first()?;
        let waiting = orders.iter().filter(|order| order.status == OrderStatus::PendingPayment);
        let next_due = waiting.min_by_key(|order| order.pay_deadline);
        let total = orders.iter().fold(0_i64, |sum, order| sum.saturating_add(order.total.0));
        Some(Self {
            order_group: GroupId(&first.no),
            orders: orders.iter().map(|order| body(order, now)).collect(),
            total: Money::new(Minor(total), first.currency),
            currency: first.currency,
            pay_deadline: next_due.map(|order| At(order.pay_deadline)),
            expires_in: next_due.and_then(|order| expires_in(order, now)),
            payment: None,
            payment_failure: None,
        })
    }
}

/// The opaque id of a group in the API: `g` and the number of its first order.
pub(crate) struct GroupId<'a>(pub(crate) &'a OrderNo);

impl GroupId<'_> {
    /// The number inside of an id.
    pub(crate) fn parse(id: &str) -> Option<OrderNo> {
        id.strip_prefix('g').and_then(|digits| OrderNo::try_new(digits).ok())
    }
}

impl std::fmt::Display for GroupId<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "g{}", self.0)
    }
}

impl Serialize for GroupId<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A page of orders, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderPage)]
pub(crate) struct OrderPageBody<'a> {
    /// The orders.
    pub(crate) orders: Vec<OrderBody<'a>>,
    /// Send it as `cursor` to get the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
    /// Whether there is a next page.
    pub(crate) has_more: bool,
}

/// Who cancels.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ActorName {
    /// The buyer, through the shop.
    Buyer,
    /// The seller, or the shop's staff.
    Merchant,
}

/// How to cancel.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelInput {
    /// Who cancels; `merchant` for keys that have no other scope, else `buyer`.
    pub(crate) actor: Option<ActorName>,
}

/// Whose submit to abandon.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AbandonInput<'a> {
    /// The buyer of the submit.
    #[serde(borrow)]
    #[schema(max_length = 64)]
    pub(crate) buyer_id: Cow<'a, str>,
}

/// What became of a submit that was given up.
#[derive(Serialize, ToSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[schema(as = AbandonedSubmit)]
pub(crate) enum AbandonBody<'a> {
    /// There is no order under this key, and there never will be.
    Never,
    /// It was placed before.
    Placed(GroupBody<'a>),
    /// It was refused before.
    Refused {
        /// The refusal.
        refusal: ProblemBody<'a>,
    },
}
