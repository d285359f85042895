//! The shapes of payments and refunds.

use std::borrow::Cow;

use holdline_app::Payment;
use holdline_domain::fulfillment::LineQuantity;
use holdline_domain::id::{InvalidCode, InvalidField};
use holdline_domain::money::Minor;
use holdline_domain::payment::{Attempt, Refund};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{At, Money, MoneyInput};

/// The longest text of a request that nobody here reads: a method, an address, a note.
const TEXT_BYTES_MAX: usize = 1_024;
/// The most lines that one request names: as many as an order has.
const LINES_MAX: usize = 1_000;

/// How an order or a group is to be paid.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PaymentRequest)]
pub(crate) struct PayInput<'a> {
    /// The tenant's name of the provider.
    #[serde(borrow)]
    #[schema(max_length = 32)]
    pub(crate) provider: Cow<'a, str>,
    /// Only this buyer's orders.
    #[serde(borrow, default)]
    #[schema(max_length = 64)]
    pub(crate) buyer_id: Option<Cow<'a, str>>,
    /// How the buyer wants to pay, in the provider's words.
    #[serde(borrow, default)]
    #[schema(max_length = 1024)]
    pub(crate) method: Option<Cow<'a, str>>,
    /// Where the buyer's browser goes afterwards.
    #[serde(borrow, default)]
    #[schema(max_length = 1024)]
    pub(crate) return_url: Option<Cow<'a, str>>,
}

/// A text that is kept as it is, within its limit.
pub(crate) fn kept(text: Option<Cow<'_, str>>, pointer: &str) -> Result<Option<String>, InvalidField> {
    let Some(text) = text else { return Ok(None) };
    if text.len() > TEXT_BYTES_MAX {
        let problem = format!("must have at most {TEXT_BYTES_MAX} bytes, has {}", text.len());
        return Err(InvalidField::new(pointer, InvalidCode::TooLong, problem));
    }
    if text.chars().any(char::is_control) {
        return Err(InvalidField::new(pointer, InvalidCode::BadCharacter, "must not contain control characters"));
    }
    Ok(Some(text.into_owned()))
}

/// One try at a provider.
#[derive(Serialize, ToSchema)]
#[schema(as = PaymentAttempt)]
pub(crate) struct AttemptBody<'a> {
    /// Its id, and its key at the provider.
    attempt: String,
    /// What it pays, by number: `P` and an order number, or `G` and the first order number of a group.
    payment: &'a str,
    /// The tenant's name of the provider.
    provider: &'a str,
    /// `opening`, `open`, `closing`, `captured`, `failed`, `closed`.
    state: &'static str,
    /// What is to be captured.
    amount: Money,
    /// What it pays of each order.
    orders: Vec<ShareBody<'a>>,
    /// What the storefront needs to let the buyer pay, in the provider's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    pay: Option<Box<RawValue>>,
    /// The provider's own number of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    /// What the provider has captured.
    #[serde(skip_serializing_if = "Option::is_none")]
    captured: Option<CapturedBody>,
    /// What somebody should look at: `amount_differs`, `captured_other`, `late`.
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<&'static str>,
    /// Why it failed, in the provider's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// When it was opened.
    opened_at: At,
    /// Until when the buyer may pay.
    deadline: At,
    /// One more with each change.
    version: i64,
}

/// What an attempt pays of one order.
#[derive(Serialize, ToSchema)]
#[schema(as = PaymentShare)]
pub(crate) struct ShareBody<'a> {
    /// The order.
    order_no: &'a str,
    /// How much.
    amount: Money,
}

/// What a provider has captured.
#[derive(Serialize, ToSchema)]
#[schema(as = CapturedMoney)]
pub(crate) struct CapturedBody {
    /// How much.
    amount: Money,
    /// When it was learnt.
    at: At,
    /// Whether it belongs to the attempt's orders. If not, it goes back, or revives them.
    attached: bool,
}

impl<'a> AttemptBody<'a> {
    pub(crate) fn new(attempt: &'a Attempt) -> Self {
        let money = |amount| Money::new(amount, attempt.currency);
        let share = |share: &'a holdline_domain::payment::Share| ShareBody {
            order_no: share.order_no.as_str(),
            amount: money(share.amount),
        };
        Self {
            attempt: attempt.id.to_string(),
            payment: attempt.id.payment.as_str(),
            provider: attempt.provider.as_str(),
            state: attempt.state.as_str(),
            amount: money(attempt.amount),
            orders: attempt.shares.iter().map(share).collect(),
            pay: attempt.pay.clone().and_then(|pay| RawValue::from_string(pay).ok()),
            reference: attempt.reference.as_deref(),
            captured: attempt.captured.map(|captured| CapturedBody {
                amount: Money::new(captured.amount, captured.currency),
                at: At(captured.at),
                attached: captured.attached,
            }),
            flag: attempt.flag.map(holdline_domain::payment::AttemptFlag::as_str),
            reason: attempt.reason.as_deref(),
            opened_at: At(attempt.opened),
            deadline: At(attempt.deadline),
            version: attempt.version.0,
        }
    }
}

/// What was tried, captured and given back.
#[derive(Serialize, ToSchema)]
#[schema(as = Payment)]
pub(crate) struct PaymentBody<'a> {
    /// Its number.
    payment: &'a str,
    /// Every attempt, in order.
    attempts: Vec<AttemptBody<'a>>,
    /// Every refund of what they captured.
    refunds: Vec<RefundBody<'a>>,
}

impl<'a> PaymentBody<'a> {
    pub(crate) fn new(payment: &'a Payment) -> Self {
        Self {
            payment: payment.no.as_str(),
            attempts: payment.attempts.iter().map(AttemptBody::new).collect(),
            refunds: payment.refunds.iter().map(RefundBody::new).collect(),
        }
    }
}

/// The payments of an order: its own, and its group's.
#[derive(Serialize, ToSchema)]
#[schema(as = PaymentList)]
pub(crate) struct PaymentsBody<'a> {
    /// Each with its attempts.
    pub(crate) payments: Vec<PaymentBody<'a>>,
}

/// What is to go back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RefundRequest)]
pub(crate) struct RefundInput<'a> {
    /// How much; left out: what the lines cost, at most what is left.
    #[serde(borrow, default)]
    pub(crate) amount: Option<MoneyInput<'a>>,
    /// Units that were not shipped and are not wanted any more: they are taken off the order and can be sold again.
    #[serde(default)]
    pub(crate) lines: Vec<LineInput>,
    /// Why, in words.
    #[serde(borrow, default)]
    #[schema(max_length = 1024)]
    pub(crate) note: Option<Cow<'a, str>>,
}

/// Units of a line.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LineQuantity)]
pub(crate) struct LineInput {
    /// The order's line.
    #[schema(minimum = 1)]
    line_no: i32,
    /// How many of its units.
    #[schema(minimum = 1)]
    quantity: i64,
}

/// The units by line, each line once; `pointer` says where they stand.
pub(crate) fn lines(lines: &[LineInput], pointer: &str) -> Result<Vec<LineQuantity>, InvalidField> {
    if lines.len() > LINES_MAX {
        return Err(InvalidField::new(pointer, InvalidCode::TooLong, format!("must have at most {LINES_MAX} lines")));
    }
    let mut parsed: Vec<LineQuantity> = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        if line.quantity < 1 || line.quantity > holdline_domain::id::Quantity::MAX {
            let problem = format!("must be 1 to {}, is {}", holdline_domain::id::Quantity::MAX, line.quantity);
            return Err(InvalidField::new(&format!("{pointer}/{index}/quantity"), InvalidCode::OutOfRange, problem));
        }
        if parsed.iter().any(|before| before.line_no == line.line_no) {
            let pointer = format!("{pointer}/{index}/line_no");
            return Err(InvalidField::new(&pointer, InvalidCode::Malformed, "must not be named twice"));
        }
        parsed.push(LineQuantity { line_no: line.line_no, quantity: line.quantity });
    }
    Ok(parsed)
}

/// Money on its way back.
#[derive(Serialize, ToSchema)]
#[schema(as = Refund)]
pub(crate) struct RefundBody<'a> {
    /// Its key, at the provider too.
    refund: String,
    /// The attempt whose money it is.
    attempt: String,
    /// The order whose money it is; absent: money that belonged to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_no: Option<&'a str>,
    /// `created` (nothing was sent yet), `submitted`, `succeeded`, `failed` (and sent again with the same key).
    state: &'static str,
    /// How much.
    amount: Money,
    /// Why: `cancelled`, `unshipped`, `returned`, `goodwill`, `late_payment`, `duplicate_payment`, `wrong_amount`,
    /// `orphan_payment`.
    reason: &'static str,
    /// Why, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    /// Unshipped units that it takes off the order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lines: Vec<LineBody>,
    /// What the provider said when it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    /// How often it was sent since its state changed.
    tries: i32,
    /// When it is sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_try_at: Option<At>,
    /// When it was created.
    created_at: At,
}

/// Units of a line.
#[derive(Serialize, ToSchema)]
#[schema(as = UnitsOfLine)]
pub(crate) struct LineBody {
    /// The order's line.
    line_no: i32,
    /// How many of its units.
    quantity: i64,
}

impl From<&LineQuantity> for LineBody {
    fn from(line: &LineQuantity) -> Self {
        Self { line_no: line.line_no, quantity: line.quantity }
    }
}

impl<'a> RefundBody<'a> {
    pub(crate) fn new(refund: &'a Refund) -> Self {
        Self {
            refund: refund.key(),
            attempt: refund.attempt.to_string(),
            order_no: refund.order_no.as_ref().map(holdline_domain::order::OrderNo::as_str),
            state: refund.state.as_str(),
            amount: Money::new(refund.amount, refund.currency),
            reason: refund.reason.as_str(),
            note: refund.note.as_deref(),
            lines: refund.lines.iter().map(LineBody::from).collect(),
            error: refund.error.as_deref(),
            tries: refund.tries,
            next_try_at: refund.next_try.map(At),
            created_at: At(refund.created),
        }
    }
}

/// The refunds of an order.
#[derive(Serialize, ToSchema)]
#[schema(as = RefundList)]
pub(crate) struct RefundsBody<'a> {
    /// Each, in order.
    pub(crate) refunds: Vec<RefundBody<'a>>,
}

/// A sum of an order's currency.
pub(crate) fn sum_in(
    input: Option<&MoneyInput<'_>>,
    currency: holdline_domain::money::Currency,
) -> Result<Option<Minor>, InvalidField> {
    let Some(input) = input else { return Ok(None) };
    let (amount, given) = input.parse(|| "/amount".to_owned())?;
    if given != currency {
        let problem = format!("must be {currency}, the order's");
        return Err(InvalidField::new("/amount/currency", InvalidCode::Malformed, problem));
    }
    Ok(Some(amount))
}
