//! What a shop offers at an instant: a SKU as the catalog has it, and the account that its units come from.

use std::ops::Deref;
use std::sync::Arc;

use super::quote::{Submit, SubmitLine};
use crate::catalog::Sku;
use crate::id::BuyerId;
use crate::ledger::{AccountKey, Demand, Opening, Part, Period, QuotaKey, StockKey, opening};
use crate::refusal::Difference;
use crate::time::UnixMillis;

/// A SKU as it is offered. It reads as its [`Sku`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The catalog's entry.
    sku: Arc<Sku>,
    source: Source,
}

/// Where the units of an offer come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// From this account.
    Account(StockKey),
    /// From nowhere now: the SKU is sold in periods, and the next one opens then.
    Closed {
        /// When.
        opens: UnixMillis,
    },
}

impl Offer {
    /// The SKU, sold from its account without a period.
    pub fn always(sku: Arc<Sku>) -> Self {
        let source = Source::Account(StockKey::of(sku.code.clone()));
        Self { sku, source }
    }

    /// The SKU as a channel sells it at an instant. `periods`: those of the SKU.
    pub fn at(sku: Arc<Sku>, periods: &[Period], channel: &str, now: UnixMillis) -> Self {
        match opening(periods, channel, now) {
            Opening::Always => Self::always(sku),
            Opening::Open(period) => Self { sku, source: Source::Account(period.account()) },
            Opening::Closed { opens } => Self { sku, source: Source::Closed { opens } },
        }
    }

    /// Why a line cannot be sold now, if it is for its period.
    pub(super) fn closed(&self, line: usize) -> Option<Difference> {
        match self.source {
            Source::Account(_) => None,
            Source::Closed { opens } => Some(Difference::BetweenPeriods { line, sku: self.code.clone(), opens }),
        }
    }

    fn demands(&self, buyer: &BuyerId, line: &SubmitLine) -> impl Iterator<Item = Demand> {
        let part = Part::Seller(self.seller.clone());
        let stock = match &self.source {
            Source::Closed { .. } => None,
            Source::Account(key) => {
                let account = AccountKey::Stock(key.clone());
                Some(Demand { part: part.clone(), account, quantity: line.quantity, limit: None })
            }
        };
        let quota = self.quota_per_buyer.map(|limit| {
            let account = AccountKey::Quota(QuotaKey { sku: self.code.clone(), buyer: buyer.clone() });
            Demand { part, account, quantity: line.quantity, limit: Some(limit) }
        });
        stock.into_iter().chain(quota)
    }
}

impl Deref for Offer {
    type Target = Sku;

    fn deref(&self) -> &Sku {
        &self.sku
    }
}

/// What the submit needs of the ledger, in the order of its lines. Lines of unknown SKUs need nothing, and lines between
/// periods no stock.
pub fn demands(submit: &Submit, offers: &[Option<Offer>]) -> Vec<Demand> {
    let known = submit.lines.iter().zip(offers).filter_map(|(line, offer)| offer.as_ref().map(|offer| (line, offer)));
    known.flat_map(|(line, offer)| offer.demands(&submit.buyer, line)).collect()
}
