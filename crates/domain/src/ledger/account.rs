//! Accounts: what is scarce, how much of it there is, and the flags that bend the rule.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::ShortageCause;
use crate::id::{BuyerId, SkuCode, TenantId};

/// Units of one SKU at one place, for one channel, in one period. The last three default to the empty text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StockKey {
    /// The SKU.
    pub sku: SkuCode,
    /// Where the units lie; empty: the one place.
    pub location: CompactString,
    /// Through which channel they may be sold; empty: every channel.
    pub channel: CompactString,
    /// In which period they may be sold; empty: always.
    pub period: CompactString,
}

impl StockKey {
    /// The SKU's account at the one place, for every channel, always.
    pub fn of(sku: SkuCode) -> Self {
        Self {
            sku,
            location: CompactString::default(),
            channel: CompactString::default(),
            period: CompactString::default(),
        }
    }
}

/// One buyer's use of one SKU, counted against a limit that comes with each demand.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QuotaKey {
    /// The SKU.
    pub sku: SkuCode,
    /// The buyer.
    pub buyer: BuyerId,
}

/// What an account counts. Accounts are locked in the order of this type: every writer the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AccountKey {
    /// Units of a SKU.
    Stock(StockKey),
    /// A buyer's use of a SKU.
    Quota(QuotaKey),
}

impl AccountKey {
    /// The SKU that the account is about.
    pub fn sku(&self) -> &SkuCode {
        match self {
            Self::Stock(stock) => &stock.sku,
            Self::Quota(quota) => &quota.sku,
        }
    }
}

/// Flags of a stock account. They live here only, never in the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Flags {
    /// Holds are always granted; the balance may go below zero.
    pub infinite: bool,
    /// How many units may be held beyond what is available, at most.
    pub shortage_max: i64,
    /// Refuse every hold, whatever the balance says.
    pub sold_out: bool,
    /// An alert movement is written once each time available falls to this level or below.
    pub danger_level: Option<i64>,
}

/// One account's balances. Quota accounts keep `on_hand` at 0: they count use only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The store's number of the account; 0 while the account is not stored yet.
    pub account_no: i64,
    /// Whose account.
    pub tenant: TenantId,
    /// What it counts.
    pub key: AccountKey,
    /// Units that are physically there.
    pub on_hand: i64,
    /// Units claimed by open holds.
    pub held: i64,
    /// Units sold and not yet shipped.
    pub allocated: i64,
    /// One more with each change of this account.
    pub version: i64,
    /// Flags; default for quota accounts.
    pub flags: Flags,
}

impl Account {
    /// An account that nobody has touched yet.
    pub fn empty(tenant: TenantId, key: AccountKey) -> Self {
        Self { account_no: 0, tenant, key, on_hand: 0, held: 0, allocated: 0, version: 0, flags: Flags::default() }
    }

    /// Units that may be promised now: `on_hand − held − allocated`. Below zero after a shortage or a forced adjustment.
    pub fn available(&self) -> i64 {
        self.on_hand.saturating_sub(self.held).saturating_sub(self.allocated)
    }

    /// Why it cannot give `requested` units, and how many it could give. `limit`: of a quota, the most in all.
    pub(super) fn shortage(&self, requested: i64, limit: Option<i64>) -> Option<(ShortageCause, i64)> {
        match &self.key {
            AccountKey::Stock(_) if self.flags.sold_out => Some((ShortageCause::SoldOut, 0)),
            AccountKey::Stock(_) if self.flags.infinite => None,
            AccountKey::Stock(_) => {
                let available = self.available().saturating_add(self.flags.shortage_max);
                (available < requested).then_some((ShortageCause::Stock, available))
            }
            AccountKey::Quota(_) => {
                let left = limit.map_or(i64::MAX, |limit| limit.saturating_sub(self.held + self.allocated));
                (left < requested).then_some((ShortageCause::Quota, left))
            }
        }
    }

    /// Whether available lies at or below the danger level.
    pub fn in_danger(&self) -> bool {
        !self.flags.infinite && self.flags.danger_level.is_some_and(|level| self.available() <= level)
    }
}
