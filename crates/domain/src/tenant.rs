//! Tenants and their policies, and API keys with their scopes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{ClientId, InvalidCode, InvalidField, SellerId, TenantId, TenantName};
use crate::time::UnixMillis;

/// Where prices come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceSource {
    /// The catalog's price must equal the one that the buyer saw.
    Catalog,
    /// A caller of scope `price` sends prices, titles and snapshots; Holdline checks sums, shelf, quota and stock.
    Caller,
}

/// When held stock is sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommitOn {
    /// When the payment is captured.
    PaymentCaptured,
    /// As soon as the order exists.
    OrderCreated,
}

/// What is done with money that is captured after its orders have expired.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LatePayment {
    /// It goes back.
    #[default]
    Refund,
    /// If all goods can be held again, the orders come back to life; else it goes back.
    ReviveElseRefund,
}

/// How a tenant's orders live after they were placed. Stored as JSON: fields may be added with a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policies {
    /// How long an order of these channels may stay unpaid, in milliseconds; other channels follow
    /// [`Tenant::pay_within_ms`].
    pub channel_pay_within_ms: BTreeMap<String, i64>,
    /// How long the stock of an unpaid order is kept, in milliseconds, where that is shorter than it may stay unpaid; it is
    /// then taken again before a payment opens.
    pub hold_within_ms: Option<i64>,
    /// What is done with late money.
    pub late_payment: LatePayment,
    /// How long after delivery an order counts as received, in milliseconds.
    pub receive_after_ms: i64,
    /// How long after delivery goods may be returned, in milliseconds.
    pub return_within_ms: i64,
}

impl Policies {
    /// Channels with a deadline of their own, at most: the policies are in every process's memory.
    pub const CHANNELS_MAX: usize = 200;
    /// The longest interval, in milliseconds: a year.
    pub const INTERVAL_MAX_MS: i64 = 366 * DAY_MS;

    /// Which interval lies outside its range.
    pub fn check(&self) -> Result<(), InvalidField> {
        let channels = self.channel_pay_within_ms.values().map(|ms| ("channel_pay_within", *ms));
        let others = [("receive_after", self.receive_after_ms), ("return_within", self.return_within_ms)];
        let hold = self.hold_within_ms.map(|ms| ("hold_within", ms));
        for (field, ms) in channels.chain(others).chain(hold) {
            if !(1_000..=Self::INTERVAL_MAX_MS).contains(&ms) {
                let problem = "must be 1 second to 366 days";
                return Err(InvalidField::new(field, InvalidCode::OutOfRange, problem));
            }
        }
        if self.channel_pay_within_ms.len() > Self::CHANNELS_MAX {
            let problem = format!("must name at most {} channels", Self::CHANNELS_MAX);
            return Err(InvalidField::new("channel_pay_within", InvalidCode::TooLong, problem));
        }
        Ok(())
    }
}

const DAY_MS: i64 = 86_400_000;

impl Default for Policies {
    fn default() -> Self {
        Self {
            channel_pay_within_ms: BTreeMap::new(),
            hold_within_ms: None,
            late_payment: LatePayment::default(),
            // A parcel that nobody complains of within ten days has arrived.
            receive_after_ms: 10 * DAY_MS,
            // The seven days of no-reason return (H9).
            return_within_ms: 7 * DAY_MS,
        }
    }
}

/// A tenant: one shop or mall with its own data and policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its number.
    pub id: TenantId,
    /// Its name.
    pub name: TenantName,
    /// Where its prices come from.
    pub price_source: PriceSource,
    /// When its held stock is sold.
    pub commit_on: CommitOn,
    /// How long an order may stay unpaid, in milliseconds.
    pub pay_within_ms: i64,
    /// The four digits of its order numbers that name the business.
    pub business_code: u16,
    /// How its orders live after they were placed.
    pub policies: Policies,
}

impl Tenant {
    /// How long an order of a channel may stay unpaid, in milliseconds.
    pub fn pay_within_ms(&self, channel: &str) -> i64 {
        self.policies.channel_pay_within_ms.get(channel).copied().unwrap_or(self.pay_within_ms)
    }
}

/// What an API key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Place, read, cancel and abandon orders for buyers; read stock.
    Shop,
    /// Send own prices, for tenants whose price source is the caller.
    Price,
    /// Read and cancel the orders of the key's own sellers; others do not exist for it.
    Merchant,
    /// Take and end holds for orders that are kept elsewhere.
    Hold,
    /// Change catalog and stock.
    Admin,
    /// Read everything of the tenant.
    Read,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 6] = [Self::Shop, Self::Price, Self::Merchant, Self::Hold, Self::Admin, Self::Read];

    /// The name in configuration, API and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shop => "shop",
            Self::Price => "price",
            Self::Merchant => "merchant",
            Self::Hold => "hold",
            Self::Admin => "admin",
            Self::Read => "read",
        }
    }

    /// The scope of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }
}

/// An API key as stored: the secret itself is never kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The public name of the key, for listing and revoking.
    pub key_id: String,
    /// SHA-256 of the secret.
    pub secret_sha256: [u8; 32],
    /// Whose.
    pub tenant: TenantId,
    /// The integration it belongs to; the idempotency identity outlives a rotated key.
    pub client: ClientId,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The sellers that a merchant key sees.
    pub sellers: Vec<SellerId>,
    /// When it was made.
    pub created: UnixMillis,
    /// When it was revoked.
    pub revoked: Option<UnixMillis>,
}
