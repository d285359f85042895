//! Stock accounts and movements in JSON.

use std::borrow::Cow;

use compact_str::CompactString;
use holdline_domain::id::{InvalidCode, InvalidField, Reference, SkuCode};
use holdline_domain::ledger::{Account, AccountKey, Flags, Movement, Part, StockKey};
use holdline_domain::time::UnixMillis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::At;

/// The longest location, channel or period, in bytes: the length of the columns' keys stays bounded.
const PLACE_BYTES_MAX: usize = 64;
/// The largest delta: a thousand of the largest quantities, so sums stay far inside of 64 bits.
const DELTA_MAX: i64 = 1_000_000_000_000;

/// The key of a SKU's stock account. Fields are named as in a body (`/location`) or as parameters (`location`).
pub(crate) fn account_key(sku: SkuCode, fields: [(&str, &str); 3]) -> Result<AccountKey, InvalidField> {
    let [location, channel, period] = fields.map(|(name, text)| place(name, text));
    Ok(AccountKey::Stock(StockKey { sku, location: location?, channel: channel?, period: period? }))
}

pub(crate) fn place(name: &str, text: &str) -> Result<CompactString, InvalidField> {
    if text.len() > PLACE_BYTES_MAX {
        let problem = format!("must have at most {PLACE_BYTES_MAX} bytes, has {}", text.len());
        Err(InvalidField::new(name, InvalidCode::TooLong, problem))
    } else if text.chars().any(char::is_control) {
        Err(InvalidField::new(name, InvalidCode::BadCharacter, "must not contain control characters"))
    } else {
        Ok(CompactString::from(text))
    }
}

/// Location, channel and period of an account.
pub(crate) fn places_of(key: &AccountKey) -> (&str, &str, &str) {
    match key {
        AccountKey::Stock(key) => (key.location.as_str(), key.channel.as_str(), key.period.as_str()),
        AccountKey::Quota(_) => ("", "", ""),
    }
}

/// A change of what is on hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StockAdjustmentInput)]
pub(crate) struct AdjustmentInput<'a> {
    /// Units to add; negative to take away; never 0.
    #[schema(minimum = -1_000_000_000_000_i64, maximum = 1_000_000_000_000_i64, example = 100)]
    delta: i64,
    /// Names this change: unique on the account, so that it never happens twice. Up to 128 bytes.
    #[serde(borrow)]
    #[schema(max_length = 128, example = "delivery-2026-0815")]
    reference: Cow<'a, str>,
    /// Allow on hand below what is held and sold: the goods are really gone.
    #[serde(default)]
    pub(crate) force: bool,
    /// Where the units lie; empty: the one place.
    #[serde(borrow, default)]
    #[schema(max_length = 64)]
    location: Cow<'a, str>,
    /// Through which channel they may be sold; empty: every channel.
    #[serde(borrow, default)]
    #[schema(max_length = 64)]
    channel: Cow<'a, str>,
    /// In which period they may be sold; empty: always.
    #[serde(borrow, default)]
    #[schema(max_length = 64)]
    period: Cow<'a, str>,
}

impl AdjustmentInput<'_> {
    pub(crate) fn parse(&self, sku: SkuCode) -> Result<(AccountKey, i64, Reference), InvalidField> {
        if self.delta == 0 || !(-DELTA_MAX..=DELTA_MAX).contains(&self.delta) {
            let problem = format!("must be -{DELTA_MAX} to {DELTA_MAX} and not 0, is {}", self.delta);
            return Err(InvalidField::new("/delta", InvalidCode::OutOfRange, problem));
        }
        let reference = Reference::try_new(&self.reference).map_err(|invalid| invalid.at("/reference"))?;
        let fields = [("/location", &*self.location), ("/channel", &*self.channel), ("/period", &*self.period)];
        Ok((account_key(sku, fields)?, self.delta, reference))
    }
}

/// The flags that a stock account shall have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlagsInput<'a> {
    /// Holds are always granted; the balance may go below zero.
    infinite: bool,
    /// How many units may be held beyond what is available, at most.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    shortage_max: i64,
    /// Refuse every hold, whatever the balance says.
    sold_out: bool,
    /// Write an alert movement each time available falls to this level or below; absent: never.
    danger_level: Option<i64>,
    /// Where the units lie; empty: the one place.
    #[serde(borrow, default)]
    #[schema(max_length = 64)]
    location: Cow<'a, str>,
    /// Through which channel they may be sold; empty: every channel.
    #[serde(borrow, default)]
    #[schema(max_length = 64)]
    channel: Cow<'a, str>,
    /// In which period they may be sold; empty: always.
    #[serde(borrow, default)]
    #[schema(max_length = 64)]
    period: Cow<'a, str>,
}

impl FlagsInput<'_> {
    pub(crate) fn parse(&self, sku: SkuCode) -> Result<(AccountKey, Flags), InvalidField> {
        let Self { infinite, shortage_max, sold_out, danger_level, .. } = *self;
        if !(0..=DELTA_MAX).contains(&shortage_max) {
            let problem = format!("must be 0 to {DELTA_MAX}, is {shortage_max}");
            return Err(InvalidField::new("/shortage_max", InvalidCode::OutOfRange, problem));
        }
        let fields = [("/location", &*self.location), ("/channel", &*self.channel), ("/period", &*self.period)];
        Ok((account_key(sku, fields)?, Flags { infinite, shortage_max, sold_out, danger_level }))
    }
}

/// One stock account.
#[derive(Serialize, ToSchema)]
#[schema(as = StockAccount)]
pub(crate) struct AccountBody<'a> {
    /// Where the units lie; empty: the one place.
    location: &'a str,
    /// Through which channel they may be sold; empty: every channel.
    channel: &'a str,
    /// In which period they may be sold; empty: always.
    period: &'a str,
    /// Units that are physically there.
    on_hand: i64,
    /// Units claimed by orders that wait for payment.
    held: i64,
    /// Units sold and not yet shipped.
    allocated: i64,
    /// Units that may be promised now: on hand − held − allocated.
    available: i64,
    /// One more with each change.
    version: i64,
    /// What bends the rule.
    flags: FlagsBody,
}

/// The flags of a stock account.
#[derive(Serialize, ToSchema)]
#[schema(as = StockFlags)]
pub(crate) struct FlagsBody {
    /// Holds are always granted; the balance may go below zero.
    infinite: bool,
    /// How many units may be held beyond what is available, at most.
    shortage_max: i64,
    /// Refuse every hold, whatever the balance says.
    sold_out: bool,
    /// The level of available at which an alert movement is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    danger_level: Option<i64>,
}

impl<'a> From<&'a Account> for AccountBody<'a> {
    fn from(account: &'a Account) -> Self {
        let (location, channel, period) = places_of(&account.key);
        let Flags { infinite, shortage_max, sold_out, danger_level } = account.flags;
        Self {
            location,
            channel,
            period,
            on_hand: account.on_hand,
            held: account.held,
            allocated: account.allocated,
            available: account.available(),
            version: account.version,
            flags: FlagsBody { infinite, shortage_max, sold_out, danger_level },
        }
    }
}

/// The stock of one SKU: its accounts, and their sums.
#[derive(Serialize, ToSchema)]
#[schema(as = Stock)]
pub(crate) struct StockBody<'a> {
    /// The SKU.
    sku: &'a str,
    /// Sum of what is physically there.
    on_hand: i64,
    /// Sum of what is claimed.
    held: i64,
    /// Sum of what is sold and not yet shipped.
    allocated: i64,
    /// Sum of what may be promised now.
    available: i64,
    /// Its accounts; none if nothing ever happened to it.
    accounts: Vec<AccountBody<'a>>,
}

impl<'a> StockBody<'a> {
    pub(crate) fn new(sku: &'a SkuCode, accounts: &'a [Account]) -> Self {
        let sum = |of: fn(&Account) -> i64| accounts.iter().map(of).fold(0, i64::saturating_add);
        Self {
            sku: sku.as_str(),
            on_hand: sum(|account| account.on_hand),
            held: sum(|account| account.held),
            allocated: sum(|account| account.allocated),
            available: sum(Account::available),
            accounts: accounts.iter().map(AccountBody::from).collect(),
        }
    }
}

/// The stock of several SKUs, in the order asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = StockList)]
pub(crate) struct StockListBody<'a> {
    /// One per SKU.
    pub(crate) stock: Vec<StockBody<'a>>,
}

/// What an adjustment did.
#[derive(Serialize, ToSchema)]
#[schema(as = StockAdjusted)]
pub(crate) struct AdjustedBody<'a> {
    /// It was done before under the same reference; nothing changed now.
    pub(crate) already: bool,
    /// The account as it is now.
    pub(crate) account: AccountBody<'a>,
}

/// One change of a stock account.
#[derive(Serialize, ToSchema)]
#[schema(as = Movement)]
pub(crate) struct MovementBody<'a> {
    /// Its place in the ledger's gapless sequence.
    seq: i64,
    /// `hold`, `commit`, `release`, `ship`, `unallocate`, `adjust`, `flags`, `danger`, `shortfall` or `transfer`.
    #[schema(example = "adjust")]
    kind: &'static str,
    /// Units; signed for `adjust` and `transfer`.
    quantity: i64,
    /// The hold it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    hold_no: Option<i64>,
    /// The seller whose part of the hold it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    seller: Option<&'a str>,
    /// The reference that makes it unique on its account.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    /// When.
    at: At,
}

impl<'a> MovementBody<'a> {
    pub(crate) fn new(movement: &'a Movement, at: UnixMillis) -> Self {
        let seller = match &movement.part {
            Some(Part::Seller(seller)) => Some(seller.as_str()),
            Some(Part::Group) | None => None,
        };
        Self {
            seq: movement.seq,
            kind: movement.kind.as_str(),
            quantity: movement.quantity,
            hold_no: movement.hold_no,
            seller,
            reference: movement.reference.as_ref().map(Reference::as_str),
            at: At(at),
        }
    }
}

/// A page of movements, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = MovementPage)]
pub(crate) struct MovementPageBody<'a> {
    /// The movements.
    pub(crate) movements: Vec<MovementBody<'a>>,
    /// Send it as `cursor` to get the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
    /// Whether there is a next page.
    pub(crate) has_more: bool,
}
