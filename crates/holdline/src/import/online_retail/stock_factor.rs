//! The stock factor: an exact decimal, so that the opening stock does not depend on floating point.

use std::str::FromStr;

use anyhow::{Context as _, ensure};

/// Digits after the point.
const FRACTION_DIGITS_MAX: usize = 6;
/// The largest factor: sums of units stay far inside of 64 bits.
const FACTOR_MAX: i64 = 1_000;

/// A factor of 0 to 1,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StockFactor {
    numerator: i64,
    denominator: i64,
}

impl StockFactor {
    /// `units` times the factor, rounded down; `None` beyond 64 bits.
    pub(super) fn of(self, units: i64) -> Option<i64> {
        let product = i128::from(units) * i128::from(self.numerator);
        i64::try_from(product.div_euclid(i128::from(self.denominator))).ok()
    }

    /// Whether it is 1.
    pub(super) fn is_one(self) -> bool {
        self.numerator == self.denominator
    }
}

impl FromStr for StockFactor {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        ensure!(
            !whole.is_empty() && digits(whole) && digits(fraction) && fraction.len() <= FRACTION_DIGITS_MAX,
            "must be a decimal such as 0.5, with at most {FRACTION_DIGITS_MAX} digits after the point"
        );
        let denominator = fraction.bytes().fold(1, |denominator, _| denominator * 10);
        let whole: i64 = whole.parse().context("is too large")?;
        ensure!(whole <= FACTOR_MAX, "must be at most {FACTOR_MAX}");
        let fraction: i64 = if fraction.is_empty() { 0 } else { fraction.parse()? };
        let numerator = whole * denominator + fraction;
        Ok(Self { numerator, denominator })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_is_exact_and_rounds_down() {
        let factor = |text: &str| text.parse::<StockFactor>().unwrap();
        assert_eq!(factor("0.5").of(7), Some(3));
        assert_eq!(factor("1.0").of(7), Some(7));
        assert_eq!(factor("0.1").of(30), Some(3));
        assert!(factor("1.000").is_one() && factor("1").is_one() && !factor("0.999999").is_one());
    }

    #[test]
    fn what_is_not_a_decimal_is_refused() {
        for text in ["", ".5", "-1", "1e3", "0.0000001", "1001"] {
            assert!(text.parse::<StockFactor>().is_err(), "{text}");
        }
    }
}
