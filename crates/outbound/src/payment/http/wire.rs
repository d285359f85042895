//! The words of docs/guides/payment-center.md as JSON, and what is believed of an answer.
//!
//! Lenient where nothing is at stake (members that are not known, texts that are too long), strict where money is: an
//! amount, a currency or a state that cannot be read makes the whole answer unreadable, and the question is asked again.

use holdline_domain::money::{Currency, Minor};
use holdline_domain::port::{CallbackWord, ProviderWord, RefundWord};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The longest `pay`, in bytes: it is stored with the attempt and handed to the storefront.
const PAY_BYTES_MAX: usize = 16 * 1_024;
/// The longest `reference`, in characters; what is longer is cut off.
const REFERENCE_CHARS_MAX: usize = 128;
/// The longest `reason`, in characters; what is longer is cut off.
const REASON_CHARS_MAX: usize = 512;
/// The longest key of a payment or refund in a callback, in bytes: twice what keys of ours have.
const KEY_BYTES_MAX: usize = 80;

/// What Holdline asks of a payment center.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type")]
pub(super) enum Call<'a> {
    #[serde(rename = "payment.create")]
    Create {
        payment: String,
        amount: Minor,
        currency: Currency,
        expires_ms: i64,
        description: &'a str,
        notify_url: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        return_url: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        method: Option<&'a str>,
    },
    #[serde(rename = "payment.query")]
    Query { payment: &'a str },
    #[serde(rename = "payment.close")]
    Close { payment: &'a str },
    #[serde(rename = "refund.create")]
    Refund {
        refund: &'a str,
        payment: &'a str,
        captured: Minor,
        amount: Minor,
        currency: Currency,
        reason: &'a str,
        notify_url: &'a str,
    },
}

impl Call<'_> {
    /// Whether the center does something because of it.
    pub(super) fn writes(&self) -> bool {
        match self {
            Self::Create { .. } | Self::Close { .. } | Self::Refund { .. } => true,
            Self::Query { .. } => false,
        }
    }
}

#[derive(Deserialize)]
struct Payment {
    state: PaymentState,
    amount: Option<i64>,
    currency: Option<Currency>,
    reference: Option<String>,
    pay: Option<Box<RawValue>>,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum PaymentState {
    Pending,
    Captured,
    Failed,
    Closed,
    Unknown,
}

#[derive(Deserialize)]
struct Refund {
    state: RefundState,
    reference: Option<String>,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RefundState {
    Pending,
    Succeeded,
    Failed,
}

/// What a callback is about. Its payment or refund is read from the same bytes: they lie side by side.
#[derive(Deserialize)]
struct Subject {
    r#type: String,
    payment: Option<String>,
    refund: Option<String>,
}

/// Reads a JSON object. An array would be read as well, by the order of the members: nobody means that.
pub(super) fn object<'json, T: Deserialize<'json>>(bytes: &'json [u8]) -> Result<T, String> {
    let is_object = bytes.trim_ascii_start().starts_with(b"{");
    let read = if is_object { serde_json::from_slice(bytes).ok() } else { None };
    read.ok_or_else(|| "is not the JSON asked for".to_owned())
}

/// Reads a payment; in a few words why it cannot be read. The words have nothing of the bytes in them.
pub(super) fn payment_word(bytes: &[u8]) -> Result<ProviderWord, String> {
    let payment: Payment = object(bytes)?;
    let reference = payment.reference.map(|text| tidied(&text, REFERENCE_CHARS_MAX));
    match payment.state {
        PaymentState::Pending => Ok(ProviderWord::Pending { pay: payment.pay.map(pay).transpose()?, reference }),
        PaymentState::Captured => {
            let (Some(amount), Some(currency)) = (payment.amount, payment.currency) else {
                return Err("says captured, but not how much or in what".to_owned());
            };
            if !(1..=Minor::MAX.0).contains(&amount) {
                return Err("says captured, but its amount is none".to_owned());
            }
            Ok(ProviderWord::Captured { amount: Minor(amount), currency, reference })
        }
        PaymentState::Failed => Ok(ProviderWord::Failed { reason: reason(payment.reason) }),
        PaymentState::Closed => Ok(ProviderWord::Closed),
        PaymentState::Unknown => Ok(ProviderWord::Unknown),
    }
}

/// Reads a refund; in a few words why it cannot be read.
pub(super) fn refund_word(bytes: &[u8]) -> Result<RefundWord, String> {
    let refund: Refund = object(bytes)?;
    Ok(match refund.state {
        RefundState::Pending => RefundWord::Pending,
        RefundState::Succeeded => {
            RefundWord::Succeeded { reference: refund.reference.map(|text| tidied(&text, REFERENCE_CHARS_MAX)) }
        }
        RefundState::Failed => RefundWord::Failed { reason: reason(refund.reason) },
    })
}

/// Reads a callback; in a few words why it cannot be read.
pub(crate) fn callback_word(bytes: &[u8]) -> Result<CallbackWord, String> {
    let subject: Subject = object(bytes)?;
    match subject.r#type.as_str() {
        "payment" => Ok(CallbackWord::Payment { payment: key(subject.payment)?, word: payment_word(bytes)? }),
        "refund" => Ok(CallbackWord::Refund { key: key(subject.refund)?, word: refund_word(bytes)? }),
        _ => Ok(CallbackWord::Other),
    }
}

fn key(text: Option<String>) -> Result<String, String> {
    text.filter(|text| (1..=KEY_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()))
        .ok_or_else(|| "does not say of which payment or refund it speaks".to_owned())
}

fn pay(raw: Box<RawValue>) -> Result<String, String> {
    let text = String::from(Box::<str>::from(raw));
    if !text.starts_with('{') {
        return Err("has a pay that is no object".to_owned());
    }
    if text.len() > PAY_BYTES_MAX {
        return Err(format!("has a pay of more than {PAY_BYTES_MAX} bytes"));
    }
    Ok(text)
}

fn reason(text: Option<String>) -> String {
    text.map_or_else(|| "no reason was given".to_owned(), |text| tidied(&text, REASON_CHARS_MAX))
}

/// A text of a provider as it may be stored and logged: one line, and not too long.
fn tidied(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).map(|char| if char.is_control() { ' ' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment(json: &str) -> Result<ProviderWord, String> {
        payment_word(json.as_bytes())
    }

    #[test]
    fn every_state_of_a_payment_is_read() {
        let cny = Currency::try_new("CNY").unwrap();
        let reference = Some("r1".to_owned());
        assert_eq!(
            payment(r#"{"state":"pending","pay":{"url": "https://x"},"reference":"r1","more":1}"#),
            Ok(ProviderWord::Pending { pay: Some(r#"{"url": "https://x"}"#.to_owned()), reference: reference.clone() })
        );
        assert_eq!(payment(r#"{"state":"pending"}"#), Ok(ProviderWord::Pending { pay: None, reference: None }));
        assert_eq!(
            payment(r#"{"state":"captured","amount":5,"currency":"CNY","reference":"r1"}"#),
            Ok(ProviderWord::Captured { amount: Minor(5), currency: cny, reference })
        );
        assert_eq!(
            payment(r#"{"state":"failed","reason":"no\nfunds\u0000"}"#),
            Ok(ProviderWord::Failed { reason: "no funds ".to_owned() })
        );
        assert_eq!(payment(r#"{"state":"closed"}"#), Ok(ProviderWord::Closed));
        assert_eq!(payment(r#"{"state":"unknown"}"#), Ok(ProviderWord::Unknown));
    }

    #[test]
    fn what_is_not_sure_about_money_is_not_read() {
        for json in [
            "",
            "[]",
            r#"["captured",5,"CNY",null,null,null]"#,
            "{}",
            r#"{"state":"paid"}"#,
            r#"{"state":"captured"}"#,
            r#"{"state":"captured","amount":5}"#,
            r#"{"state":"captured","currency":"CNY"}"#,
            r#"{"state":"captured","amount":0,"currency":"CNY"}"#,
            r#"{"state":"captured","amount":-5,"currency":"CNY"}"#,
            r#"{"state":"captured","amount":5.0,"currency":"CNY"}"#,
            r#"{"state":"captured","amount":"5","currency":"CNY"}"#,
            r#"{"state":"captured","amount":1000000000000001,"currency":"CNY"}"#,
            r#"{"state":"captured","amount":5,"currency":"yuan"}"#,
            r#"{"state":"captured","amount":5,"amount":6,"currency":"CNY"}"#,
            r#"{"state":"pending","pay":"https://x"}"#,
            r#"{"state":"pending","pay":[1]}"#,
            r#"{"state":"closed"} {"state":"pending"}"#,
        ] {
            assert!(payment(json).is_err(), "{json}");
        }
        let pay = |bytes: usize| format!(r#"{{"state":"pending","pay":{{"x":"{}"}}}}"#, "y".repeat(bytes - 8));
        assert!(payment(&pay(PAY_BYTES_MAX)).is_ok());
        assert!(payment(&pay(PAY_BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn texts_that_are_too_long_are_cut_and_hide_nothing() {
        let json = format!(r#"{{"state":"succeeded","reference":"{}"}}"#, "é".repeat(200));
        let Ok(RefundWord::Succeeded { reference: Some(reference) }) = refund_word(json.as_bytes()) else { panic!() };
        assert_eq!(reference.chars().count(), REFERENCE_CHARS_MAX);
        let failed = refund_word(br#"{"state":"failed"}"#).unwrap();
        assert_eq!(failed, RefundWord::Failed { reason: "no reason was given".to_owned() });
    }

    #[test]
    fn a_callback_says_what_it_speaks_of() {
        let word = |json: &str| callback_word(json.as_bytes());
        let payment = "P1-1".to_owned();
        assert_eq!(
            word(r#"{"type":"payment","payment":"P1-1","state":"closed"}"#),
            Ok(CallbackWord::Payment { payment, word: ProviderWord::Closed })
        );
        assert_eq!(
            word(r#"{"type":"refund","refund":"P1-1-R1","payment":"P1-1","state":"pending"}"#),
            Ok(CallbackWord::Refund { key: "P1-1-R1".to_owned(), word: RefundWord::Pending })
        );
        assert_eq!(word(r#"{"type":"payout","state":1}"#), Ok(CallbackWord::Other));
        for json in [
            r#"{"type":"payment","state":"closed"}"#,
            r#"{"type":"payment","payment":"","state":"closed"}"#,
            r#"{"type":"payment","payment":"a b","state":"closed"}"#,
            r#"{"type":"payment","payment":"P1-1"}"#,
            r#"{"type":"refund","payment":"P1-1","state":"failed"}"#,
            r#"{"payment":"P1-1","state":"closed"}"#,
        ] {
            assert!(word(json).is_err(), "{json}");
        }
    }
}
