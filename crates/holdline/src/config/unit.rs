//! Values with a unit: durations, sizes, offsets. Parsed once, here.

use serde::Deserialize;

/// An interval, written as a whole number and a unit: `200ms`, `30s`, `15m`, `2h`, `1d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "toml::Value")]
pub(crate) struct Millis(i64);

impl Millis {
    /// Accepts 1 ms to a hundred years.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        const MAX_MS: i64 = 100 * 366 * 86_400_000;
        let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
        match with_unit(text, &units) {
            Some(ms) if (1..=MAX_MS).contains(&ms) => Ok(Self(ms)),
            Some(_) => Err(format!("\"{text}\" is out of range: \"1ms\" to a hundred years")),
            None => Err(format!("\"{text}\" is not a duration such as \"200ms\", \"30s\", \"15m\", \"2h\" or \"1d\"")),
        }
    }

    pub(crate) fn as_i64(self) -> i64 {
        self.0
    }

    pub(crate) fn as_u64(self) -> u64 {
        self.0.unsigned_abs()
    }

    pub(crate) fn duration(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.as_u64())
    }
}

impl TryFrom<toml::Value> for Millis {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        match value {
            toml::Value::String(text) => Self::parse(&text),
            other => Err(format!("{other} has no unit: a duration is a text such as \"200ms\" or \"30s\"")),
        }
    }
}

/// A size, written as a whole number and a unit: `512B`, `256KiB`, `4MiB`, `1GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "toml::Value")]
pub(crate) struct Bytes(usize);

impl Bytes {
    /// Accepts 1 byte to 1 TiB.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let units = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
        match with_unit(text, &units) {
            Some(bytes) if (1..=1 << 40).contains(&bytes) => {
                usize::try_from(bytes).map(Self).map_err(|e| e.to_string())
            }
            Some(_) => Err(format!("\"{text}\" is out of range: \"1B\" to \"1024GiB\"")),
            None => Err(format!("\"{text}\" is not a size such as \"512B\", \"256KiB\", \"4MiB\" or \"1GiB\"")),
        }
    }

    pub(crate) fn as_usize(self) -> usize {
        self.0
    }
}

impl TryFrom<toml::Value> for Bytes {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        match value {
            toml::Value::String(text) => Self::parse(&text),
            other => Err(format!("{other} has no unit: a size is a text such as \"256KiB\" or \"4MiB\"")),
        }
    }
}

/// An offset from UTC, written `+08:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct UtcOffset(i32);

impl UtcOffset {
    pub(crate) fn seconds(self) -> i32 {
        self.0
    }
}

impl TryFrom<String> for UtcOffset {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parse = || {
            let (sign, rest) = match text.split_at_checked(1)? {
                ("+", rest) => (1, rest),
                ("-", rest) => (-1, rest),
                _ => return None,
            };
            let (hours, minutes) = rest.split_once(':')?;
            let two_digits = |part: &str| {
                let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
                digits.then(|| part.parse::<i32>().ok()).flatten()
            };
            let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
            (hours <= 14 && minutes < 60).then_some(Self(sign * (hours * 3_600 + minutes * 60)))
        };
        parse().ok_or_else(|| format!("\"{text}\" is not an offset from UTC such as \"+08:00\""))
    }
}

/// The number times its unit; `None` if the text is not a number and one of the units, or too large.
fn with_unit(text: &str, units: &[(&str, i64)]) -> Option<i64> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(end);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<i64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(Millis::parse("200ms"), Ok(Millis(200)));
        assert_eq!(Millis::parse("15m"), Ok(Millis(900_000)));
        assert_eq!(Millis::parse("1d"), Ok(Millis(86_400_000)));
        for wrong in
            ["", "30", "s", "1.5s", "-1s", "30 s", "30S", "0s", "99999999999999999999s", "9223372036854775807d"]
        {
            assert!(Millis::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Millis::try_from(toml::Value::Integer(30)).unwrap_err().starts_with("30 has no unit"));
    }

    #[test]
    fn sizes_need_a_unit() {
        assert_eq!(Bytes::parse("256KiB"), Ok(Bytes(262_144)));
        for wrong in ["256", "256KB", "256k", "0B", "1025GiB"] {
            assert!(Bytes::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn offsets_have_a_sign() {
        assert_eq!(UtcOffset::try_from("+08:00".to_owned()), Ok(UtcOffset(28_800)));
        assert_eq!(UtcOffset::try_from("-03:30".to_owned()), Ok(UtcOffset(-12_600)));
        for wrong in ["", "8", "08:00", "+8:00", "+15:00", "+08:60", "+é"] {
            assert!(UtcOffset::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
