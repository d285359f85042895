//! The numbers of payments: made from order numbers, so that they carry the buyer's slot and need no counter.

use compact_str::{CompactString, ToCompactString as _};
use serde::{Deserialize, Serialize};

use crate::id::{InvalidCode, InvalidField};
use crate::order::OrderNo;

/// What is owed, by number: `P` and the number of its one order, or `G` and the first number of its group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PaymentNo(CompactString);

impl PaymentNo {
    /// The payment of one order by itself.
    pub fn of_order(order_no: &OrderNo) -> Self {
        Self(compact_str::format_compact!("P{order_no}"))
    }

    /// The payment of a whole group, whose first order has this number.
    pub fn of_group(first: &OrderNo) -> Self {
        Self(compact_str::format_compact!("G{first}"))
    }

    /// Parses a number from outside.
    pub fn try_new(text: &str) -> Result<Self, InvalidField> {
        let digits = text.strip_prefix(['P', 'G']);
        match digits.map(OrderNo::try_new) {
            Some(Ok(_)) => Ok(Self(text.to_compact_string())),
            Some(Err(_)) | None => {
                Err(InvalidField::new("payment", InvalidCode::Malformed, "must be P or G and 27 digits"))
            }
        }
    }

    /// A number that this program stored earlier.
    pub fn from_stored(text: impl Into<CompactString>) -> Self {
        Self(text.into())
    }

    /// The number.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The order whose number it is made from.
    pub fn order_no(&self) -> OrderNo {
        OrderNo::from_stored(&self.0[1..])
    }

    /// Whether it is the payment of a whole group.
    pub fn is_of_group(&self) -> bool {
        self.0.starts_with('G')
    }
}

impl std::fmt::Display for PaymentNo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One attempt: the key that its provider knows it by. Written `<payment>-<n>`, at most 32 characters of `[A-Z0-9-]`: the
/// strictest provider's limit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttemptId {
    /// What it tries to pay.
    pub payment: PaymentNo,
    /// From 1.
    pub n: i32,
}

impl AttemptId {
    /// The most attempts at one payment: three digits are what the strictest provider's key has room for.
    pub const N_MAX: i32 = 999;

    /// Parses a key that a provider sent.
    pub fn try_new(text: &str) -> Result<Self, InvalidField> {
        let malformed =
            || InvalidField::new("payment", InvalidCode::Malformed, "must be a payment number, a hyphen and a number");
        let (payment, n) = text.rsplit_once('-').ok_or_else(malformed)?;
        let canonical = !n.starts_with('0') && n.bytes().all(|digit| digit.is_ascii_digit());
        let n: i32 = n.parse().map_err(|_| malformed())?;
        if !canonical || !(1..=Self::N_MAX).contains(&n) {
            return Err(malformed());
        }
        Ok(Self { payment: PaymentNo::try_new(payment)?, n })
    }

    /// A key that this program stored earlier; `None` if it is none.
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::try_new(text).ok()
    }
}

impl std::fmt::Display for AttemptId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.payment, self.n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO: &str = "261125093000123000100000742";

    #[test]
    fn an_attempt_reads_back_and_fits_the_strictest_provider() {
        let order_no = OrderNo::from_stored(NO);
        for payment in [PaymentNo::of_order(&order_no), PaymentNo::of_group(&order_no)] {
            let id = AttemptId { payment: payment.clone(), n: AttemptId::N_MAX };
            assert_eq!(AttemptId::try_new(&id.to_string()), Ok(id.clone()));
            assert!(id.to_string().len() <= 32, "{id}");
            assert_eq!(payment.order_no(), order_no);
        }
        assert!(PaymentNo::of_group(&order_no).is_of_group());
        assert!(!PaymentNo::of_order(&order_no).is_of_group());
    }

    #[test]
    fn what_is_no_attempt_is_refused() {
        for text in ["", "-", "P-1", NO, "P261125093000123000100000742", "X261125093000123000100000742-1"] {
            assert!(AttemptId::try_new(text).is_err(), "{text}");
        }
        for n in ["0", "01", "+1", "-1", "1000", "", "1 "] {
            assert!(AttemptId::try_new(&format!("P{NO}-{n}")).is_err(), "{n:?}");
        }
    }
}
