//! Amounts and ids as the mall's storefronts write them: a decimal is read from its own digits, never through a float.

use std::borrow::Cow;

use holdline_domain::id::{InvalidCode, InvalidField};
use holdline_domain::money::Minor;
use serde_json::value::RawValue;

/// Decimals of the minor unit of yuan.
const DECIMALS: usize = 2;

pub(super) fn too_large(pointer: &str) -> InvalidField {
    InvalidField::new(pointer, InvalidCode::OutOfRange, "is too large")
}

pub(super) fn yuan(minor: Minor) -> String {
    format!("{}.{:02}", minor.0 / 100, minor.0 % 100)
}

/// The text of a JSON text, or the digits of a JSON number; `None` for anything else.
fn scalar(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text = raw.get();
    match text.as_bytes().first()? {
        b'"' => serde_json::from_str::<Cow<'_, str>>(text).ok().map(|text| Cow::Owned(text.into_owned())),
        b'-' | b'0'..=b'9' => Some(Cow::Borrowed(text)),
        _ => None,
    }
}

/// An id: a text, or a whole number, which is its digits.
pub(super) fn id<'a>(raw: &'a RawValue, pointer: &str) -> Result<Cow<'a, str>, InvalidField> {
    let is_text = raw.get().starts_with('"');
    scalar(raw).filter(|text| is_text || text.bytes().all(|b| b.is_ascii_digit())).ok_or_else(|| {
        InvalidField::new(pointer, InvalidCode::Malformed, "must be a text or a whole number, 0 or more")
    })
}

/// An amount in minor units, from its decimal digits.
pub(super) fn amount(raw: &RawValue, pointer: &str) -> Result<Minor, InvalidField> {
    let malformed = || {
        let problem = format!("must be a decimal, 0 or more, with at most {DECIMALS} decimals, such as 29.99");
        InvalidField::new(pointer, InvalidCode::Malformed, problem)
    };
    let text = scalar(raw).ok_or_else(malformed)?;
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return Err(malformed());
    }
    // 29.990 is 29.99; 29.991 is nothing that can be paid.
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > DECIMALS {
        return Err(malformed());
    }
    let minor = format!("{whole}{fraction:0<DECIMALS$}").parse().map_err(|_| too_large(pointer))?;
    Minor::try_new("amount", minor).map_err(|invalid| invalid.at(pointer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn decimals_are_read_digit_by_digit() {
        let minor = |text: &str| amount(&raw(text), "/p").map(|minor| minor.0).map_err(|invalid| invalid.code);
        for (text, expected) in [
            ("29.99", 2_999),
            ("\"29.99\"", 2_999),
            ("0.07", 7),
            ("0.7", 70),
            ("1.10", 110),
            ("29.990", 2_999),
            ("3", 300),
            ("0", 0),
            // As a 64-bit float this is 10000000000000.000.
            ("9999999999999.99", 999_999_999_999_999),
        ] {
            assert_eq!(minor(text), Ok(expected), "{text}");
        }
        for text in
            ["29.991", "-1", "\"-0.01\"", "1e2", "\"\"", "\".5\"", "\"5.\"", "\"1,5\"", "true", "null", "[1]", "{}"]
        {
            assert_eq!(minor(text), Err(InvalidCode::Malformed), "{text}");
        }
        for text in ["10000000000000.01", "99999999999999999999999"] {
            assert_eq!(minor(text), Err(InvalidCode::OutOfRange), "{text}");
        }
    }

    #[test]
    fn ids_are_texts_or_whole_numbers() {
        let text = |json: &str| id(&raw(json), "/uid").map(Cow::into_owned).map_err(|invalid| invalid.code);
        assert_eq!(text("100001"), Ok("100001".to_owned()));
        assert_eq!(text("\"a\\u00e9\""), Ok("aé".to_owned()));
        for json in ["-1", "1.5", "1e3", "null", "[]", "false"] {
            assert_eq!(text(json), Err(InvalidCode::Malformed), "{json}");
        }
    }
}
