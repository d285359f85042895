//! Holds of outside callers in JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;

use holdline_app::OutsideHold;
use holdline_domain::id::{Fingerprint, IdempotencyKey, InvalidCode, InvalidField, Quantity, SellerId, SkuCode};
use holdline_domain::ledger::{Account, AccountKey, CheckUrl, Demand, Part, PartState, Terms};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::At;
use super::stock::{account_key, places_of};

/// Lines of one hold, at most: as many as a submit has.
const LINES_MAX: usize = 1_000;
/// The longest time that a hold stands without being extended, in seconds: 30 days.
const EXPIRES_IN_MAX_S: i64 = 30 * 24 * 3_600;

/// Stock to be held.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldInput<'a> {
    /// The caller's own name of the hold, such as its order number: up to 255 bytes of visible ASCII. It makes the
    /// hold happen once.
    #[serde(borrow)]
    #[schema(max_length = 255, example = "po-1001")]
    hold_id: Cow<'a, str>,
    /// What is claimed, 1 to 1,000 lines, all of them or none. Lines of one account are summed where stock is checked.
    #[serde(borrow)]
    #[schema(min_items = 1, max_items = 1000)]
    lines: Vec<HoldLineInput<'a>>,
    /// How long the hold stands unless it is ended or extended, in seconds: 1 to 2,592,000 (30 days).
    #[schema(minimum = 1, maximum = 2_592_000, example = 900)]
    expires_in: i64,
    /// Asked before the deadline ends the hold; see the guide to holds. Up to 1,024 bytes.
    #[serde(borrow)]
    #[schema(max_length = 1024, example = "https://orders.example.com/holdline/check")]
    check_url: Option<Cow<'a, str>>,
}

/// One claim.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HoldLineInput)]
pub(crate) struct HoldLineInput<'a> {
    /// What.
    #[serde(borrow)]
    #[schema(max_length = 64, example = "MUG-1")]
    sku: Cow<'a, str>,
    /// How many.
    #[schema(minimum = 1, maximum = 1_000_000_000, example = 1)]
    quantity: i64,
    /// What is ended as one, such as a seller or a child order; up to 64 bytes. Absent: the unnamed part.
    #[serde(borrow)]
    #[schema(max_length = 64)]
    part: Option<Cow<'a, str>>,
    /// Where the units lie; empty: the one place.
    #[serde(borrow, default)]
    #[schema(max_length = 64)]
    location: Cow<'a, str>,
    /// Through which channel they are sold; empty: every channel.
    #[serde(borrow, default)]
    #[schema(max_length = 64)]
    channel: Cow<'a, str>,
    /// In which period they are sold; empty: always.
    #[serde(borrow, default)]
    #[schema(max_length = 64)]
    period: Cow<'a, str>,
}

/// A hold as asked for.
pub(crate) struct ParsedHold {
    pub(crate) name: IdempotencyKey,
    pub(crate) content: Fingerprint,
    pub(crate) demands: Vec<Demand>,
    pub(crate) terms: Terms,
}

impl HoldInput<'_> {
    pub(crate) fn parse(&self) -> Result<ParsedHold, InvalidField> {
        let name = IdempotencyKey::try_new(&self.hold_id).map_err(|invalid| invalid.at("/hold_id"))?;
        if self.lines.is_empty() {
            return Err(InvalidField::new("/lines", InvalidCode::Empty, "must have at least one line"));
        }
        if self.lines.len() > LINES_MAX {
            let problem = format!("must have at most {LINES_MAX} lines, has {}", self.lines.len());
            return Err(InvalidField::new("/lines", InvalidCode::TooLong, problem));
        }
        let demands = self.lines.iter().enumerate().map(|(place, line)| line.parse(place)).collect::<Result<_, _>>()?;
        let check_url = self.check_url.as_deref().map(CheckUrl::try_new).transpose();
        let check_url = check_url.map_err(|invalid| invalid.at("/check_url"))?;
        let terms = Terms { within_ms: within_ms(self.expires_in)?, check_url };
        Ok(ParsedHold { name, content: self.fingerprint(), demands, terms })
    }

    /// The fingerprint of what was asked for. Two requests with one name must agree in it.
    fn fingerprint(&self) -> Fingerprint {
        let mut hash = Sha256::new();
        let mut field = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        field(b"hold.1");
        field(&self.expires_in.to_be_bytes());
        field(self.check_url.as_deref().unwrap_or_default().as_bytes());
        for line in &self.lines {
            field(line.sku.as_bytes());
            field(&line.quantity.to_be_bytes());
            for text in [line.part.as_deref().unwrap_or_default(), &line.location, &line.channel, &line.period] {
                field(text.as_bytes());
            }
        }
        Fingerprint(hash.finalize().into())
    }
}

impl HoldLineInput<'_> {
    fn parse(&self, place: usize) -> Result<Demand, InvalidField> {
        let at = |field: &str| format!("/lines/{place}/{field}");
        let sku = SkuCode::try_new(&self.sku).map_err(|invalid| invalid.at(at("sku")))?;
        let quantity = Quantity::try_new(self.quantity).map_err(|invalid| invalid.at(at("quantity")))?;
        let part = self.part.as_deref().map_or(Ok(Part::Group), named_part).map_err(|i| i.at(at("part")))?;
        let (location, channel, period) = (at("location"), at("channel"), at("period"));
        let fields = [(&*location, &*self.location), (&*channel, &*self.channel), (&*period, &*self.period)];
        Ok(Demand { part, account: account_key(sku, fields)?, quantity, limit: None })
    }
}

fn named_part(name: &str) -> Result<Part, InvalidField> {
    SellerId::try_new(name).map(Part::Seller)
}

fn within_ms(expires_in_s: i64) -> Result<i64, InvalidField> {
    if (1..=EXPIRES_IN_MAX_S).contains(&expires_in_s) {
        Ok(expires_in_s * 1_000)
    } else {
        let problem = format!("must be 1 to {EXPIRES_IN_MAX_S} seconds, is {expires_in_s}");
        Err(InvalidField::new("/expires_in", InvalidCode::OutOfRange, problem))
    }
}

/// Which part of a hold is ended; left out: the whole hold.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldEndInput<'a> {
    /// The part's name. Absent: the whole hold.
    #[serde(borrow)]
    #[schema(max_length = 64)]
    part: Option<Cow<'a, str>>,
}

impl HoldEndInput<'_> {
    pub(crate) fn parse(&self) -> Result<Option<Part>, InvalidField> {
        self.part.as_deref().map(named_part).transpose().map_err(|invalid| invalid.at("/part"))
    }
}

/// How much longer a hold, or a part of it, shall stand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldExtendInput<'a> {
    /// The part's name. Absent: every part that is still held.
    #[serde(borrow)]
    #[schema(max_length = 64)]
    part: Option<Cow<'a, str>>,
    /// From now on, in seconds: 1 to 2,592,000. A deadline is never moved to an earlier instant.
    #[schema(minimum = 1, maximum = 2_592_000, example = 900)]
    expires_in: i64,
}

impl HoldExtendInput<'_> {
    pub(crate) fn parse(&self) -> Result<(Option<Part>, i64), InvalidField> {
        let part = self.part.as_deref().map(named_part).transpose().map_err(|invalid| invalid.at("/part"))?;
        Ok((part, within_ms(self.expires_in)?))
    }
}

/// A hold.
#[derive(Serialize, ToSchema)]
#[schema(as = Hold)]
pub(crate) struct HoldBody<'a> {
    /// The caller's own name of it.
    hold_id: &'a str,
    /// How each part stands.
    parts: Vec<HoldPartBody<'a>>,
    /// What is claimed, summed by part and account.
    lines: Vec<HoldLineBody<'a>>,
    /// Asked before a deadline ends the hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    check_url: Option<&'a str>,
}

/// One part of a hold.
#[derive(Serialize, ToSchema)]
#[schema(as = HoldPart)]
struct HoldPartBody<'a> {
    /// Its name; absent: the unnamed part.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'a str>,
    /// `held`, `committed` or `released`.
    #[schema(example = "held")]
    state: &'static str,
    /// Until when it stands, while it is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<At>,
}

/// One claim of a hold.
#[derive(Serialize, ToSchema)]
#[schema(as = HoldLine)]
struct HoldLineBody<'a> {
    /// The part it belongs to; absent: the unnamed part.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'a str>,
    /// What.
    sku: &'a str,
    /// How many.
    quantity: i64,
    /// Where the units lie; empty: the one place.
    location: &'a str,
    /// Through which channel; empty: every channel.
    channel: &'a str,
    /// In which period; empty: always.
    period: &'a str,
}

impl<'a> HoldBody<'a> {
    /// `None` when a line names an account that was not read.
    pub(crate) fn new(hold: &'a OutsideHold) -> Option<Self> {
        let accounts: BTreeMap<i64, &Account> = hold.accounts.iter().map(|a| (a.account_no, a)).collect();
        let deadline = |part: &Part| hold.deadlines.iter().find(|(of, _)| of == part).map(|(_, d)| At(d.at));
        let part = |(part, state): &'a (Part, PartState)| HoldPartBody {
            part: name_of(part),
            state: state_name(*state),
            deadline: deadline(part),
        };
        let lines = hold.record.lines.iter().map(|line| {
            let key: &AccountKey = &accounts.get(&line.account_no)?.key;
            let (location, channel, period) = places_of(key);
            let (part, sku) = (name_of(&line.part), key.sku().as_str());
            Some(HoldLineBody { part, sku, quantity: line.quantity, location, channel, period })
        });
        Some(Self {
            hold_id: hold.record.id.key.outside_name()?,
            parts: hold.record.parts.iter().map(part).collect(),
            lines: lines.collect::<Option<_>>()?,
            check_url: hold.check_url.as_ref().map(CheckUrl::as_str),
        })
    }
}

fn name_of(part: &Part) -> Option<&str> {
    match part {
        Part::Group => None,
        Part::Seller(name) => Some(name.as_str()),
    }
}

pub(crate) fn state_name(state: PartState) -> &'static str {
    match state {
        PartState::Held => "held",
        PartState::Committed => "committed",
        PartState::Released => "released",
    }
}

/// What became of a hold that its taker gave up.
#[derive(Serialize, ToSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(crate) enum ReleasedBody<'a> {
    /// What was still held of it, or of the part, is released.
    Released(HoldBody<'a>),
    /// There was no such hold, and there never will be: one that arrives later is refused with `hold_given_up`.
    Never,
}
