//! Periods: slots of time in which a SKU is sold from a stock account of its own, as in a slow sale.
//!
//! A period belongs to a SKU and a channel; periods of both never overlap. A submit claims the account of the period that
//! is open when it is judged ([`opening`]); from then on its hold names that account, so that whatever is given back
//! comes back to the period it was sold in, however late. What is left when a period has ended is moved on by
//! [`super::LedgerRequest::MoveRest`], as [`Rest`] says.
//!
//! Deliberately absent: a clock (instants are arguments), and removal: an ended period names what its account was for.

use compact_str::CompactString;

use super::{AccountKey, StockKey};
use crate::id::{PeriodName, SkuCode, TenantId};
use crate::time::UnixMillis;

/// Periods of one SKU, ended ones included: forty days of hourly slots, and a list that one answer can show.
pub const PERIODS_MAX: usize = 1_000;

/// What becomes of the units that are left when a period has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rest {
    /// To the period of the same SKU and channel that starts next; where there is none, as [`Rest::Base`].
    Next,
    /// To the SKU's account without a period.
    Base,
    /// They stay where they are and are not sold any more.
    Keep,
}

impl Rest {
    /// Every rule.
    pub const ALL: [Self; 3] = [Self::Next, Self::Base, Self::Keep];

    /// The name in SQL, API and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Base => "base",
            Self::Keep => "keep",
        }
    }

    /// The rule of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rest| rest.as_str() == name)
    }
}

/// A slot of time in which a SKU is sold from an account of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// The SKU.
    pub sku: SkuCode,
    /// Through which channel it is sold; empty: every channel that has no period of its own, open or to come.
    pub channel: CompactString,
    /// Its name: the period in the key of its account.
    pub name: PeriodName,
    /// The first instant at which it is open.
    pub start: UnixMillis,
    /// The first instant at which it is not open any more.
    pub end: UnixMillis,
    /// What becomes of what is left.
    pub rest: Rest,
}

impl Period {
    /// The account that its units lie on.
    pub fn account(&self) -> StockKey {
        StockKey {
            channel: self.channel.clone(),
            period: CompactString::from(self.name.as_str()),
            ..StockKey::of(self.sku.clone())
        }
    }

    /// Where its rest goes; `None`: it stays. `next`: the period that starts next, at or after this one's end.
    pub fn rest_goes_to(&self, next: Option<&PeriodName>) -> Option<AccountKey> {
        let base = StockKey::of(self.sku.clone());
        let to = match (self.rest, next) {
            (Rest::Keep, _) => return None,
            (Rest::Next, Some(name)) => {
                StockKey { channel: self.channel.clone(), period: CompactString::from(name.as_str()), ..base }
            }
            (Rest::Next, None) | (Rest::Base, _) => base,
        };
        Some(AccountKey::Stock(to))
    }

    fn is_same(&self, other: &Self) -> bool {
        self.channel == other.channel && self.name == other.name
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.channel == other.channel && self.start < other.end && other.start < self.end
    }
}

/// Where a SKU's units come from at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening<'a> {
    /// It has no period that is open or to come: it is sold from its account without a period.
    Always,
    /// This period is open.
    Open(&'a Period),
    /// No period is open; the next one opens then.
    Closed {
        /// When.
        opens: UnixMillis,
    },
}

/// Where the units of a SKU come from for a channel. `periods`: of the SKU, in any order; ended ones may be left out.
pub fn opening<'a>(periods: &'a [Period], channel: &str, now: UnixMillis) -> Opening<'a> {
    let of = |channel: &str| {
        let live = periods.iter().filter(|period| period.channel == channel && now < period.end);
        live.min_by_key(|period| period.start)
    };
    match of(channel).or_else(|| of("")) {
        None => Opening::Always,
        Some(first) if first.start <= now => Opening::Open(first),
        Some(first) => Opening::Closed { opens: first.start },
    }
}

/// What a wish to write a period comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeriodAnswer {
    /// It is stored as wished.
    Stored,
    /// It was stored so before.
    Unchanged,
    /// It would overlap this one of the same SKU and channel.
    Overlaps(PeriodName),
    /// It has begun: its start stays, its end moves later only, and once it has ended only its rest rule changes.
    Begun,
    /// It would have ended before it is stored.
    EndsTooEarly,
    /// The SKU has [`PERIODS_MAX`] periods.
    Full,
}

/// Judges a wish to write a period. `stored`: every period of the SKU. `now`: the ledger database's clock.
pub fn put_period(stored: &[Period], wish: &Period, now: UnixMillis) -> PeriodAnswer {
    let known = stored.iter().find(|period| period.is_same(wish));
    let moved = known.is_none_or(|known| (known.start, known.end) != (wish.start, wish.end));
    if known == Some(wish) {
        return PeriodAnswer::Unchanged;
    }
    match known {
        None if stored.len() >= PERIODS_MAX => return PeriodAnswer::Full,
        Some(known) if moved && known.start <= now => {
            let later = known.start == wish.start && known.end < wish.end && now < known.end;
            if !later {
                return PeriodAnswer::Begun;
            }
        }
        _ => {}
    }
    if moved && wish.end <= now {
        return PeriodAnswer::EndsTooEarly;
    }
    match stored.iter().find(|other| !other.is_same(wish) && other.overlaps(wish)) {
        Some(other) => PeriodAnswer::Overlaps(other.name.clone()),
        None => PeriodAnswer::Stored,
    }
}

/// A period that has ended, to be looked at: there may be units to move on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedPeriod {
    /// Whose.
    pub tenant: TenantId,
    /// The period.
    pub period: Period,
    /// The period of the same SKU and channel that starts next, at or after its end.
    pub next: Option<PeriodName>,
    /// The look that is due: what [`EndedPeriod::next_look`] said the last time, its end at first.
    pub look: UnixMillis,
}

impl EndedPeriod {
    /// The shortest pause between two looks at a period, in milliseconds: what is given back soon after the end is for
    /// sale in the next period within about a second.
    const PAUSE_MS_MIN: i64 = 1_000;
    /// The longest: what comes back months later waits an hour at most, and 100,000 old periods cost 28 looks a second.
    const PAUSE_MS_MAX: i64 = 3_600_000;

    /// When to look again: after a tenth of the time since the end. Holds and sold units come back for as long as
    /// orders live, less and less often.
    pub fn next_look(&self, now: UnixMillis) -> UnixMillis {
        let pause_ms = now.since_ms(self.period.end) / 10;
        now.plus_ms(pause_ms.clamp(Self::PAUSE_MS_MIN, Self::PAUSE_MS_MAX))
    }
}
