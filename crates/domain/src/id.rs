//! Identifiers: newtypes that are parsed once, at the edge, and are valid ever after.
//!
//! Texts are short and printable: no NUL (PostgreSQL cannot store it), no control characters (logs stay readable).

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::refusal::Refusal;

/// What is wrong with a field, as a stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvalidCode {
    /// It has nothing in it, or is missing.
    Empty,
    /// It has more bytes or items than allowed.
    TooLong,
    /// It has a character that is not allowed.
    BadCharacter,
    /// The number lies outside its range.
    OutOfRange,
    /// It has not the form it should have.
    Malformed,
}

/// Which field of a request is wrong, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct InvalidField {
    /// The field as the API names it; a JSON pointer where it lies inside a body.
    pub field: String,
    /// What is wrong with it, for a program.
    pub code: InvalidCode,
    /// What is wrong with it, for a person.
    pub problem: String,
}

impl InvalidField {
    /// A field that is wrong.
    pub fn new(field: &str, code: InvalidCode, problem: impl Into<String>) -> Self {
        Self { field: field.to_owned(), code, problem: problem.into() }
    }

    /// The same problem, found at another place.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.field = pointer.into();
        self
    }
}

impl From<InvalidField> for Refusal {
    fn from(invalid: InvalidField) -> Self {
        Refusal::InvalidField(invalid)
    }
}

pub(crate) fn check(
    field: &str,
    text: &str,
    bytes_max: usize,
    allowed: impl Fn(char) -> bool,
) -> Result<CompactString, InvalidField> {
    if text.is_empty() {
        return Err(InvalidField::new(field, InvalidCode::Empty, "must not be empty"));
    }
    if text.len() > bytes_max {
        let problem = format!("must have at most {bytes_max} bytes, has {}", text.len());
        return Err(InvalidField::new(field, InvalidCode::TooLong, problem));
    }
    match text.chars().find(|c| !allowed(*c)) {
        Some(bad) => Err(InvalidField::new(field, InvalidCode::BadCharacter, format!("must not contain {bad:?}"))),
        None => Ok(CompactString::from(text)),
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $field:literal, $max:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(compact_str::CompactString);

        impl $name {
            /// The longest accepted text, in bytes.
            pub const BYTES_MAX: usize = $max;

            /// Parses a text from outside.
            pub fn try_new(text: &str) -> Result<Self, $crate::id::InvalidField> {
                $crate::id::check($field, text, Self::BYTES_MAX, $allowed).map(Self)
            }

            /// A text that this program stored earlier: it was valid then.
            pub fn from_stored(text: impl Into<compact_str::CompactString>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn printable(c: char) -> bool {
    !c.is_control()
}

pub(crate) fn name_char(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_'
}

pub(crate) use text_id;

text_id!(/// A stock keeping unit as the tenant writes it; case is kept.
    SkuCode, "sku", 64, printable);
text_id!(/// A seller as the tenant names it.
    SellerId, "seller", 64, printable);
text_id!(/// A buyer as the tenant names it: opaque, never logged.
    BuyerId, "buyer_id", 64, printable);
text_id!(/// An integration of a tenant that outlives its API keys: part of every idempotency identity.
    ClientId, "client", 32, name_char);
text_id!(/// The name of a tenant.
    TenantName, "tenant", 32, name_char);
text_id!(/// A reference that makes a stock movement unique on its account.
    Reference, "reference", 128, printable);
text_id!(/// The name of a slot of time in which a SKU is sold from an account of its own.
    PeriodName, "period", 64, printable);
text_id!(/// The name that a tenant gives an endpoint of its webhooks.
    EndpointName, "name", 32, name_char);
text_id!(/// Where webhooks are sent.
    WebhookUrl, "url", 1024, |c: char| c.is_ascii_graphic());
text_id!(/// A consumer of the feed, as its position and its parked events are stored.
    ConsumerName, "consumer", 96, printable);
text_id!(/// The `Idempotency-Key` of one submit: visible ASCII, as the client sent it.
    IdempotencyKey, "Idempotency-Key", 255, |c: char| c.is_ascii_graphic());

/// A tenant's number: leads every primary key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantId(pub i64);

/// The part of all orders that live together: `hash(tenant, buyer) mod 100`, in the order number for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slot(u8);

impl Slot {
    /// How many slots there are: two decimal digits of the order number.
    pub const COUNT: u8 = 100;

    /// The slot of a buyer. The hash is FNV-1a 64 over the tenant number (8 bytes, big endian) and the buyer's bytes;
    /// it is part of the stored format and never changes.
    pub fn of(tenant: TenantId, buyer: &BuyerId) -> Self {
        let bytes = tenant.0.to_be_bytes().into_iter().chain(buyer.as_str().bytes());
        let hash =
            bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self(u8::try_from(hash % u64::from(Self::COUNT)).expect("a remainder of 100 fits a byte"))
    }

    /// The slot's number, 0 to 99.
    pub fn number(self) -> u8 {
        self.0
    }
}

/// The identity of one submit within its tenant: key, client, operation and the buyer's slot in one text.
///
/// Layout: `<idempotency key>/<client>/<operation>/<slot, two digits>`. The client's own bytes come first, so that
/// time-ordered keys (`UUIDv7`) stay time-ordered in every index; the rest cannot contain `/`, so the text is
/// unambiguous. It is the primary key of the order group and the id of its hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupKey(CompactString);

impl GroupKey {
    /// The key of a submit that places orders.
    pub fn place(key: &IdempotencyKey, client: &ClientId, slot: Slot) -> Self {
        Self(compact_str::format_compact!("{key}/{client}/place/{:02}", slot.number()))
    }

    /// The key of a hold that an outside caller takes: no order group ever has it.
    pub fn outside(name: &IdempotencyKey, client: &ClientId) -> Self {
        Self(compact_str::format_compact!("{name}/{client}/{OUTSIDE}"))
    }

    /// Whether an outside caller took the hold with this key, so that no order group speaks for it.
    pub fn is_outside(&self) -> bool {
        self.0.rsplit('/').next() == Some(OUTSIDE)
    }

    /// The name that the outside caller gave its hold.
    pub fn outside_name(&self) -> Option<&str> {
        let (rest, operation) = self.0.rsplit_once('/')?;
        (operation == OUTSIDE).then(|| rest.rsplit_once('/').map(|(name, _)| name))?
    }

    /// A key that this program stored earlier.
    pub fn from_stored(text: impl Into<CompactString>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The operation in the key of an outside hold; keys of submits end in a slot's two digits.
const OUTSIDE: &str = "hold";

impl std::fmt::Display for GroupKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// SHA-256 over the meaning of a request: the same key with another fingerprint is a client's mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// The fingerprint of these parts: each with its length, so that no two lists of parts read the same.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }
}

/// A positive number of units, at most [`Quantity::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quantity(i64);

impl Quantity {
    /// One line never asks for more: sums of 1,000 lines stay far inside i64.
    pub const MAX: i64 = 1_000_000_000;

    /// Accepts 1 to [`Quantity::MAX`].
    pub fn try_new(units: i64) -> Result<Self, InvalidField> {
        if (1..=Self::MAX).contains(&units) {
            Ok(Self(units))
        } else {
            Err(InvalidField::new(
                "quantity",
                InvalidCode::OutOfRange,
                format!("must be 1 to {}, is {units}", Self::MAX),
            ))
        }
    }

    /// A quantity that the ledger stored: the sum of several lines may exceed [`Quantity::MAX`].
    pub fn from_stored(units: i64) -> Self {
        Self(units)
    }

    /// The number of units.
    pub fn units(self) -> i64 {
        self.0
    }
}

/// The version of a resource: 1 when made, one more with each change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub i64);

impl Version {
    /// The version of a new resource.
    pub const FIRST: Self = Self(1);

    /// The version after one more change.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}
