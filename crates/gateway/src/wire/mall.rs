//! The submit and its status as the storefronts of the source documents speak them: decimals in yuan, ids as numbers or
//! texts, one envelope around every answer.

use std::borrow::Cow;
use std::sync::Arc;

use holdline_domain::id::{BuyerId, IdempotencyKey, InvalidCode, InvalidField, Quantity, SellerId, SkuCode};
use holdline_domain::money::{Currency, Minor};
use holdline_domain::order::{Adjustment, AdjustmentKind, AdjustmentTarget, OrderNo, Submit, SubmitLine};
use holdline_domain::payment::{ProviderAccount, ProviderName};
use holdline_domain::tenant::{ApiKey, Tenant};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::decimal::{amount, id, too_large, yuan};
use super::pay_at_once::paid_at_once;
use super::payment::AttemptBody;
use crate::pay_at_once::{Paid, PayAtOnce};
use crate::problem::ProblemBody;

/// The one currency of these paths.
const CURRENCY: &str = "CNY";

/// A cart, as the mall's storefronts send it. Amounts are decimals in yuan, as numbers or texts, with at most two decimals.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MallSubmitInput<'a> {
    /// Who buys: a number or a text.
    #[serde(borrow)]
    #[schema(value_type = MallId)]
    uid: &'a RawValue,
    /// Who receives it; kept with the order's address.
    #[serde(borrow)]
    #[schema(value_type = Option<MallId>)]
    to_uid: Option<&'a RawValue>,
    /// The sum of `prices` times `num`.
    #[serde(borrow)]
    #[schema(value_type = MallAmount)]
    origin_price: &'a RawValue,
    /// What the buyer owes.
    #[serde(borrow)]
    #[schema(value_type = MallAmount)]
    actual_price: &'a RawValue,
    /// Opens an attempt to pay the orders in the same request, once they exist.
    #[serde(default)]
    pay_at_once: bool,
    /// Where to pay at once: the tenant's name of the provider. Not needed where it has only one.
    #[serde(borrow)]
    #[schema(max_length = 32)]
    provider: Option<Cow<'a, str>>,
    /// What is bought.
    #[serde(borrow)]
    #[schema(min_items = 1, max_items = 1000)]
    commodity_details: Vec<MallLineInput<'a>>,
    /// Names this submit, as the header `Idempotency-Key` does; required without it.
    #[serde(borrow)]
    #[schema(max_length = 255)]
    request_id: Option<Cow<'a, str>>,
}

/// One line of the mall's cart.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MallLineInput<'a> {
    /// The SKU: a number or a text.
    #[serde(borrow)]
    #[schema(value_type = MallId)]
    commodity_id: &'a RawValue,
    /// Who sells it; another seller than the catalog's is refused.
    #[serde(borrow)]
    #[schema(value_type = MallId)]
    user_id: &'a RawValue,
    /// How many.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    num: i64,
    /// The price of one unit.
    #[serde(borrow)]
    #[schema(value_type = MallAmount)]
    prices: &'a RawValue,
    /// What is paid for all units of the line; below `prices` times `num` only from callers that set prices.
    #[serde(borrow)]
    #[schema(value_type = MallAmount)]
    actual_price: &'a RawValue,
    /// The title it is sold under; required from callers that set prices.
    #[serde(borrow)]
    #[schema(max_length = 512)]
    title: Option<Cow<'a, str>>,
    /// Kept with the line of callers that set prices: any JSON.
    #[serde(borrow)]
    #[schema(value_type = Option<serde_json::Value>)]
    good_type: Option<&'a RawValue>,
    /// As `good_type`.
    #[serde(borrow)]
    #[schema(value_type = Option<serde_json::Value>)]
    page_type: Option<&'a RawValue>,
}

/// A whole number or a text of up to 64 bytes.
#[derive(ToSchema)]
#[schema(example = 100_001)]
#[expect(dead_code, reason = "describes the JSON; what is read is the raw text")]
#[serde(untagged)]
pub(crate) enum MallId {
    /// As a number.
    Number(i64),
    /// As a text.
    Text(String),
}

/// A decimal in yuan with at most two decimals, 0 or more.
#[derive(ToSchema)]
#[schema(example = "29.99")]
#[expect(dead_code, reason = "describes the JSON; what is read is the raw text")]
#[serde(untagged)]
pub(crate) enum MallAmount {
    /// As a number; its digits count, not a float's.
    Number(f64),
    /// As a text.
    Text(String),
}

impl MallSubmitInput<'_> {
    /// The submit's name where the header does not give it.
    pub(crate) fn request_id(&self) -> Option<Result<IdempotencyKey, InvalidField>> {
        let text = self.request_id.as_deref()?;
        Some(IdempotencyKey::try_new(text).map_err(|invalid| invalid.at("/request_id")))
    }

    /// How the orders are to be paid at once, if they are. `accounts` are the tenant's; asked for only where none is named.
    pub(crate) fn pay_at_once(
        &self,
        accounts: impl FnOnce() -> Vec<Arc<ProviderAccount>>,
    ) -> Result<Option<PayAtOnce>, InvalidField> {
        if !self.pay_at_once {
            return Ok(None);
        }
        let provider = if let Some(named) = &self.provider {
            ProviderName::try_new(named).map_err(|invalid| invalid.at("/provider"))?
        } else {
            let enabled: Vec<_> = accounts().into_iter().filter(|account| account.enabled).collect();
            let [only] = &enabled[..] else {
                let problem = "must name a payment provider where pay_at_once is true and there is not just one";
                return Err(InvalidField::new("/provider", InvalidCode::Empty, problem));
            };
            only.name.clone()
        };
        Ok(Some(PayAtOnce { provider, method: None, return_url: None }))
    }

    /// The submit that was asked for, every text and number within its limits.
    pub(crate) fn parse(self, tenant: &Tenant, key: &ApiKey, attempt: &IdempotencyKey) -> Result<Submit, InvalidField> {
        let buyer = id(self.uid, "/uid").and_then(|text| BuyerId::try_new(&text).map_err(|e| e.at("/uid")))?;
        let address = match self.to_uid {
            Some(to_uid) => {
                let text = id(to_uid, "/to_uid")?;
                Some(serde_json::json!({ "to_uid": text }).to_string())
            }
            None => None,
        };
        let lines = self.commodity_details.iter().enumerate();
        let lines: Vec<(SubmitLine, Minor)> = lines.map(|(place, line)| line.parse(place)).collect::<Result<_, _>>()?;
        let mut goods = Minor::ZERO;
        let mut adjustments = Vec::new();
        for (place, (line, paid)) in lines.iter().enumerate() {
            let pointer = || format!("/commodity_details/{place}/actual_price");
            let full = line.unit_price.checked_mul(line.quantity.units()).ok_or_else(|| too_large(&pointer()))?;
            goods = goods.checked_add(full).ok_or_else(|| too_large("/origin_price"))?;
            adjustments.extend(discount(place, full, *paid, pointer)?);
        }
        let origin_price = amount(self.origin_price, "/origin_price")?;
        if origin_price != goods {
            let problem = format!("must be the sum of prices times num, {}", yuan(goods));
            return Err(InvalidField::new("/origin_price", InvalidCode::Malformed, problem));
        }
        Ok(Submit {
            tenant: tenant.id,
            client: key.client.clone(),
            key: crate::auth::group_key(tenant.id, key, attempt, &buyer),
            buyer,
            channel: String::new(),
            lines: lines.into_iter().map(|(line, _)| line).collect(),
            adjustments,
            expected_total: Some(amount(self.actual_price, "/actual_price")?),
            address,
            note: None,
            price_source: tenant.price_source,
        })
    }
}

impl MallLineInput<'_> {
    /// The line, and what is paid for it.
    fn parse(&self, place: usize) -> Result<(SubmitLine, Minor), InvalidField> {
        let at = |field: &str| format!("/commodity_details/{place}/{field}");
        let sku = id(self.commodity_id, &at("commodity_id"))?;
        let seller = id(self.user_id, &at("user_id"))?;
        let line = SubmitLine {
            sku: SkuCode::try_new(&sku).map_err(|invalid| invalid.at(at("commodity_id")))?,
            seller: Some(SellerId::try_new(&seller).map_err(|invalid| invalid.at(at("user_id")))?),
            quantity: Quantity::try_new(self.num).map_err(|invalid| invalid.at(at("num")))?,
            unit_price: amount(self.prices, &at("prices"))?,
            currency: Currency::try_new(CURRENCY).expect("CNY is three upper-case letters"),
            title: self.title.as_deref().map(str::to_owned),
            snapshot: self.snapshot(),
        };
        Ok((line, amount(self.actual_price, &at("actual_price"))?))
    }

    fn snapshot(&self) -> Option<String> {
        let members = [("good_type", self.good_type), ("page_type", self.page_type)];
        let members = members.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let members: Vec<String> =
            members.map(|(name, value)| format!("\"{name}\":{}", super::json::compact(value.get()))).collect();
        (!members.is_empty()).then(|| format!("{{{}}}", members.join(",")))
    }
}

/// What a line costs less than its full price, as an adjustment of it.
fn discount(
    place: usize,
    full: Minor,
    paid: Minor,
    pointer: impl Fn() -> String,
) -> Result<Option<Adjustment>, InvalidField> {
    let off = full.checked_sub(paid).filter(|off| *off >= Minor::ZERO).ok_or_else(|| {
        let problem = format!("must be at most prices times num, {}", yuan(full));
        InvalidField::new(&pointer(), InvalidCode::OutOfRange, problem)
    })?;
    let line_no = i32::try_from(place + 1).map_err(|_| too_large(&pointer()))?;
    Ok((off > Minor::ZERO).then(|| Adjustment {
        kind: AdjustmentKind::Discount,
        target: AdjustmentTarget::Line(line_no),
        amount: off,
        reference: "actual_price".to_owned(),
    }))
}

/// The envelope of the mall's answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct MallBody<T> {
    /// What was asked for.
    pub(crate) data: T,
    /// `OK`.
    pub(crate) message: &'static str,
    /// 200.
    pub(crate) status: u16,
}

impl<T> MallBody<T> {
    /// An answer that is well.
    pub(crate) fn ok(data: T) -> Self {
        Self { data, message: "OK", status: 200 }
    }
}

/// The numbers of the orders, one per seller.
#[derive(Serialize, ToSchema)]
pub(crate) struct MallOrderNos<'a> {
    /// 27 digits each.
    #[schema(value_type = Vec<String>)]
    order_no: Vec<&'a OrderNo>,
    /// The attempt that `pay_at_once` opened, for all orders that wait for payment. Absent too where they did not
    /// exist within 5 s: pay them once they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<Box<AttemptBody<'a>>>,
    /// Why `pay_at_once` opened none. The orders stand, and can be paid like any others.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_failure: Option<ProblemBody<'a>>,
}

impl<'a> MallOrderNos<'a> {
    pub(crate) fn new(order_nos: impl Iterator<Item = &'a OrderNo>, paid: &'a Paid) -> Self {
        let (payment, payment_failure) = paid_at_once(paid);
        Self { order_no: order_nos.collect(), payment, payment_failure }
    }
}

/// Whether an order exists.
#[derive(Serialize, ToSchema)]
pub(crate) struct MallCreated<'a> {
    /// The number asked for.
    #[schema(value_type = String)]
    pub(crate) order_no: &'a OrderNo,
    /// `creating`, `success` or `failed`.
    #[schema(example = "success")]
    pub(crate) state: &'static str,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<ProblemBody<'a>>,
}
