//! JSON shapes: what requests and answers look like. Nothing else in the workspace knows them.
//!
//! Requests borrow from the body that they were read from; answers borrow from what the app returned.

pub(crate) mod catalog;
mod decimal;
pub(crate) mod event;
pub(crate) mod fulfillment;
pub(crate) mod hold;
pub(crate) mod json;
pub(crate) mod mall;
pub(crate) mod order;
pub(crate) mod parked;
pub(crate) mod pay_at_once;
pub(crate) mod payment;
pub(crate) mod period;
pub(crate) mod policy;
pub(crate) mod provider;
pub(crate) mod reason;
pub(crate) mod stock;
pub(crate) mod submit;
pub(crate) mod unsettled;
pub(crate) mod webhook;

use std::borrow::Cow;

use holdline_domain::id::InvalidField;
use holdline_domain::money::{Currency, Minor};
use holdline_domain::time::UnixMillis;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

/// Integer minor units (cents, fen) of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub(crate) struct Money {
    /// Minor units.
    #[schema(example = 2999)]
    amount: i64,
    /// ISO 4217 code.
    #[serde(serialize_with = "currency_text::plain")]
    #[schema(value_type = String, example = "CNY", pattern = "^[A-Z]{3}$")]
    currency: Currency,
}

impl Money {
    pub(crate) fn new(amount: Minor, currency: Currency) -> Self {
        Self { amount: amount.0, currency }
    }
}

/// Writes currencies without making a `String` of each.
pub(crate) mod currency_text {
    use holdline_domain::money::Currency;
    use serde::Serializer;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
    pub(crate) fn plain<S: Serializer>(currency: &Currency, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(currency.as_str())
    }

    #[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
    pub(crate) fn optional<S: Serializer>(currency: &Option<Currency>, serializer: S) -> Result<S::Ok, S::Error> {
        match currency {
            Some(currency) => plain(currency, serializer),
            None => serializer.serialize_none(),
        }
    }
}

/// Money as a request says it: integer minor units (cents, fen) of one currency, never a fraction.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoneyInput<'a> {
    /// Minor units, 0 to 10^15.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_i64, example = 2999)]
    amount: i64,
    /// ISO 4217 code.
    #[serde(borrow)]
    #[schema(example = "CNY", pattern = "^[A-Z]{3}$")]
    currency: Cow<'a, str>,
}

impl MoneyInput<'_> {
    /// Parses both; `pointer` says where the money stands in the body.
    pub(crate) fn parse(&self, pointer: impl Fn() -> String) -> Result<(Minor, Currency), InvalidField> {
        let amount =
            Minor::try_new("amount", self.amount).map_err(|invalid| invalid.at(format!("{}/amount", pointer())))?;
        let currency =
            Currency::try_new(&self.currency).map_err(|invalid| invalid.at(format!("{}/currency", pointer())))?;
        Ok((amount, currency))
    }
}

/// An instant in RFC 3339, UTC, with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-08-01T12:00:00.000Z")]
pub(crate) struct At(pub(crate) UnixMillis);

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let instant = jiff::Timestamp::from_millisecond(self.0.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        write!(f, "{instant:.3}")
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// "Now" for what an answer says of time, where the app does not say it: this process's wall clock. It decides nothing.
pub(crate) fn wall_clock() -> UnixMillis {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_rfc_3339_in_utc_with_milliseconds() {
        let text = |ms| serde_json::to_string(&At(UnixMillis(ms))).unwrap();
        assert_eq!(text(0), r#""1970-01-01T00:00:00.000Z""#);
        assert_eq!(text(1_785_542_400_007), r#""2026-08-01T00:00:00.007Z""#);
    }

    #[test]
    fn money_is_integer_minor_units_and_a_currency() {
        let money = Money::new(Minor(2_999), Currency::try_new("CNY").unwrap());
        assert_eq!(serde_json::to_string(&money).unwrap(), r#"{"amount":2999,"currency":"CNY"}"#);
        assert!(serde_json::from_str::<MoneyInput<'_>>(r#"{"amount":29.99,"currency":"CNY"}"#).is_err());
        assert!(serde_json::from_str::<MoneyInput<'_>>(r#"{"amount":"1","currency":"CNY"}"#).is_err());
        let negative: MoneyInput<'_> = serde_json::from_str(r#"{"amount":-1,"currency":"CNY"}"#).unwrap();
        assert_eq!(negative.parse(|| "/price".to_owned()).unwrap_err().field, "/price/amount");
        let lower: MoneyInput<'_> = serde_json::from_str(r#"{"amount":1,"currency":"cny"}"#).unwrap();
        assert_eq!(lower.parse(|| "/price".to_owned()).unwrap_err().field, "/price/currency");
    }
}
