//! Periods of stock in JSON.

use std::borrow::Cow;

use holdline_domain::id::{InvalidCode, InvalidField, PeriodName, SkuCode};
use holdline_domain::ledger::{Period, Rest};
use holdline_domain::time::UnixMillis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::At;
use super::stock::place;

/// A slot of time in which a SKU is sold from a stock account of its own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PeriodInput<'a> {
    /// Through which channel it is sold; empty: every channel that has no period of its own, open or to come.
    #[serde(borrow, default)]
    #[schema(max_length = 64)]
    channel: Cow<'a, str>,
    /// The first instant at which it is open, in RFC 3339.
    #[serde(borrow)]
    #[schema(value_type = String, format = DateTime, example = "2026-08-01T10:00:00Z")]
    start: Cow<'a, str>,
    /// The first instant at which it is not open any more, in RFC 3339.
    #[serde(borrow)]
    #[schema(value_type = String, format = DateTime, example = "2026-08-01T11:00:00Z")]
    end: Cow<'a, str>,
    /// Where the units that are left go when it has ended: `next`, to the period of the same SKU and channel that starts
    /// next, and without one as `base`; `base`, to the SKU's account without a period; `keep`: they stay and are not sold.
    #[serde(borrow)]
    #[schema(example = "next")]
    rest: Cow<'a, str>,
}

impl PeriodInput<'_> {
    pub(crate) fn parse(&self, sku: SkuCode, name: PeriodName) -> Result<Period, InvalidField> {
        let channel = place("/channel", &self.channel)?;
        let (start, end) = (instant("/start", &self.start)?, instant("/end", &self.end)?);
        let rest = Rest::from_name(&self.rest)
            .ok_or_else(|| InvalidField::new("/rest", InvalidCode::Malformed, "must be next, base or keep"))?;
        Ok(Period { sku, channel, name, start, end, rest })
    }
}

fn instant(field: &str, text: &str) -> Result<UnixMillis, InvalidField> {
    let instant: Result<jiff::Timestamp, _> = text.parse();
    instant.map(|instant| UnixMillis(instant.as_millisecond())).map_err(|_| {
        InvalidField::new(field, InvalidCode::Malformed, "must be an instant in RFC 3339, such as 2026-08-01T10:00:00Z")
    })
}

/// A period.
#[derive(Serialize, ToSchema)]
#[schema(as = Period)]
pub(crate) struct PeriodBody<'a> {
    /// Its name: the period of its stock account.
    period: &'a str,
    /// Through which channel it is sold; empty: every channel that has no period of its own, open or to come.
    channel: &'a str,
    /// The first instant at which it is open.
    start: At,
    /// The first instant at which it is not open any more.
    end: At,
    /// Where the units that are left go: `next`, `base` or `keep`.
    #[schema(example = "next")]
    rest: &'static str,
}

impl<'a> From<&'a Period> for PeriodBody<'a> {
    fn from(period: &'a Period) -> Self {
        Self {
            period: period.name.as_str(),
            channel: &period.channel,
            start: At(period.start),
            end: At(period.end),
            rest: period.rest.as_str(),
        }
    }
}

/// What a write of a period did.
#[derive(Serialize, ToSchema)]
#[schema(as = PeriodPut)]
pub(crate) struct PeriodPutBody<'a> {
    /// It was stored so before; nothing changed now.
    pub(crate) already: bool,
    /// The period as it is now.
    pub(crate) period: PeriodBody<'a>,
}

/// The periods of a SKU.
#[derive(Serialize, ToSchema)]
#[schema(as = PeriodList)]
pub(crate) struct PeriodListBody<'a> {
    /// By channel and start, those that have ended included.
    pub(crate) periods: Vec<PeriodBody<'a>>,
}
