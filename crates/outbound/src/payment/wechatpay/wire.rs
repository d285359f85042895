//! The JSON of API v3, and what it says in the port's words.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use holdline_domain::money::{Currency, Minor};
use holdline_domain::port::{ProviderWord, RefundWord};
use holdline_domain::time::UnixMillis;
use jiff::Timestamp;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

use super::means::Scene;

/// The only currency of merchants in the mainland.
pub(super) const CURRENCY: &str = "CNY";
/// What can be a sum of money.
const SUMS: RangeInclusive<i64> = 1..=Minor::MAX.0;
/// The longest number of WeChat Pay's own that is kept. Published: 32.
const REFERENCE_BYTES_MAX: usize = 64;
/// The longest description. Published as 127 characters, in older pages without a unit: bytes are safe either way.
pub(super) const DESCRIPTION_BYTES_MAX: usize = 127;
/// The longest reason of a refund, in bytes.
pub(super) const REASON_BYTES_MAX: usize = 80;

#[derive(Serialize)]
pub(super) struct Create<'a> {
    pub(super) appid: &'a str,
    pub(super) mchid: &'a str,
    pub(super) description: &'a str,
    pub(super) out_trade_no: &'a str,
    pub(super) time_expire: String,
    pub(super) notify_url: &'a str,
    pub(super) amount: Total,
    #[serde(flatten)]
    pub(super) scene: Scene,
}

#[derive(Serialize)]
pub(super) struct Total {
    pub(super) total: i64,
    pub(super) currency: &'static str,
}

#[derive(Serialize)]
pub(super) struct Close<'a> {
    pub(super) mchid: &'a str,
}

#[derive(Serialize)]
pub(super) struct CreateRefund<'a> {
    pub(super) out_trade_no: &'a str,
    pub(super) out_refund_no: &'a str,
    pub(super) reason: &'a str,
    pub(super) notify_url: &'a str,
    pub(super) amount: RefundTotal,
}

#[derive(Serialize)]
pub(super) struct RefundTotal {
    pub(super) refund: i64,
    pub(super) total: i64,
    pub(super) currency: &'static str,
}

/// A payment, as queries and callbacks tell it.
#[derive(Deserialize)]
pub(super) struct Transaction {
    pub(super) mchid: String,
    pub(super) out_trade_no: String,
    trade_state: String,
    #[serde(rename = "transaction_id")]
    reference: Option<String>,
    amount: Option<Amount>,
}

#[derive(Deserialize)]
struct Amount {
    total: Option<i64>,
    currency: Option<String>,
}

impl Transaction {
    /// What it says. An error: what WeChat Pay should have said and did not.
    ///
    /// `PAYERROR` waits, like all that is not settled: it is said of one try of the buyer's, and whether there will be
    /// another is decided by the deadline and by closing.
    pub(super) fn word(self) -> Result<ProviderWord, String> {
        let reference = self.reference.filter(|text| is_reference(text));
        match self.trade_state.as_str() {
            // A refund does not undo that it was captured.
            "SUCCESS" | "REFUND" => {
                let amount = self.amount.ok_or("there is no amount")?;
                let currency = amount.currency.map_or(Cow::Borrowed(CURRENCY), Cow::Owned);
                Ok(ProviderWord::Captured {
                    // What was asked for, coupons of WeChat Pay's included: what the merchant gets.
                    amount: Minor(amount.total.filter(|total| SUMS.contains(total)).ok_or("there is no amount.total")?),
                    currency: Currency::try_new(&currency).map_err(|_| "amount.currency is none")?,
                    reference,
                })
            }
            "NOTPAY" | "USERPAYING" | "ACCEPT" | "PAYERROR" => Ok(ProviderWord::Pending { pay: None, reference }),
            "CLOSED" | "REVOKED" => Ok(ProviderWord::Closed),
            _ => Err("its trade_state is none that is known".to_owned()),
        }
    }
}

/// A refund, as requests and queries tell it.
#[derive(Deserialize)]
pub(super) struct RefundAnswer {
    out_refund_no: String,
    refund_id: Option<String>,
    status: String,
}

/// A refund, as callbacks tell it.
#[derive(Deserialize)]
pub(super) struct RefundNotice {
    pub(super) mchid: String,
    pub(super) out_refund_no: String,
    refund_id: Option<String>,
    refund_status: String,
}

impl RefundAnswer {
    /// What it says of the refund with this key.
    pub(super) fn word(self, key: &str) -> Result<RefundWord, String> {
        if self.out_refund_no != key {
            return Err("it speaks of another refund".to_owned());
        }
        refund_word(&self.status, self.refund_id)
    }
}

impl RefundNotice {
    /// What it says.
    pub(super) fn word(self) -> Result<RefundWord, String> {
        refund_word(&self.refund_status, self.refund_id)
    }
}

fn refund_word(status: &str, reference: Option<String>) -> Result<RefundWord, String> {
    let failed = |reason: &str| Ok(RefundWord::Failed { reason: reason.to_owned() });
    match status {
        "SUCCESS" => Ok(RefundWord::Succeeded { reference: reference.filter(|text| is_reference(text)) }),
        "PROCESSING" => Ok(RefundWord::Pending),
        "CLOSED" => {
            failed("CLOSED: WeChat Pay gave it up, usually because the merchant's balance was short for 7 days")
        }
        // The money has left the merchant and waits at WeChat Pay: once somebody directs it, SUCCESS follows.
        "ABNORMAL" => failed("ABNORMAL: the buyer's card cannot take it; direct it in the merchant platform"),
        _ => Err("its status is none that is known".to_owned()),
    }
}

/// Whether it can be kept. What cannot is left out: money counts without it.
fn is_reference(text: &str) -> bool {
    (1..=REFERENCE_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A number that WeChat Pay may know a payment by, as published.
pub(super) fn is_trade_no(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'|' | b'*');
    (6..=32).contains(&text.len()) && text.bytes().all(allowed)
}

/// A number that WeChat Pay may know a refund by, as published.
pub(super) fn is_refund_no(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'|' | b'*' | b'@');
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

/// The instant after which nobody can pay, in whole seconds, rounded down: never later than the deadline.
pub(super) fn time_expire(deadline: UnixMillis) -> Option<String> {
    let instant = Timestamp::from_second(deadline.0.div_euclid(1_000)).ok()?;
    Some(format!("{}+08:00", Offset::constant(8).to_datetime(instant)))
}
