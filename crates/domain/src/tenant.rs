//! Tenants and their policies, and API keys with their scopes.

use serde::{Deserialize, Serialize};

use crate::id::{ClientId, SellerId, TenantId, TenantName};
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
