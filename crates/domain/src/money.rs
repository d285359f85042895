//! Money: integer minor units of one ISO 4217 currency, with checked arithmetic and no rounding.

use serde::{Deserialize, Serialize};

use crate::id::{InvalidCode, InvalidField};

/// An ISO 4217 currency code: three upper-case letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// Parses a code such as `CNY`. Whether ISO lists it is the tenant's matter.
    pub fn try_new(code: &str) -> Result<Self, InvalidField> {
        match code.as_bytes() {
            bytes @ [a, b, c] if bytes.iter().all(u8::is_ascii_uppercase) => Ok(Self([*a, *b, *c])),
            _ => Err(InvalidField::new("currency", InvalidCode::Malformed, "must be three upper-case letters")),
        }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency is three ASCII letters")
    }
}

impl TryFrom<String> for Currency {
    type Error = InvalidField;

    fn try_from(code: String) -> Result<Self, InvalidField> {
        Self::try_new(&code)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

impl std::fmt::Display for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An amount in minor units (cents, fen) of a currency that the context names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Minor(pub i64);

impl Minor {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount accepted from outside: sums of many stay inside i64.
    pub const MAX: Self = Self(1_000_000_000_000_000);

    /// Accepts 0 to [`Minor::MAX`]: a price, a discount, a total.
    pub fn try_new(field: &str, minor: i64) -> Result<Self, InvalidField> {
        if (0..=Self::MAX.0).contains(&minor) {
            Ok(Self(minor))
        } else {
            Err(InvalidField::new(field, InvalidCode::OutOfRange, format!("must be 0 to {}, is {minor}", Self::MAX.0)))
        }
    }

    /// The sum, or `None` beyond i64.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` beyond i64.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// Unit price times units, or `None` beyond i64.
    pub fn checked_mul(self, units: i64) -> Option<Self> {
        self.0.checked_mul(units).map(Self)
    }
}
