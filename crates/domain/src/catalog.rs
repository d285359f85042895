//! The catalog: sellers and SKUs, each change a new immutable version. Stock and its flags are not in it.

use serde::{Deserialize, Serialize};

use crate::id::{InvalidCode, InvalidField, SellerId, SkuCode, TenantId, Version};
use crate::money::{Currency, Minor};

/// A seller of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seller {
    /// Its id.
    pub id: SellerId,
    /// Its name, for people.
    pub name: String,
    /// Counts changes.
    pub version: Version,
    /// The version of the source that last wrote it, if the source counts.
    pub source_version: Option<i64>,
}

/// A SKU as it is sold from `version` on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sku {
    /// Its code.
    pub code: SkuCode,
    /// Who sells it.
    pub seller: SellerId,
    /// Its title, for people.
    pub title: String,
    /// Its unit price.
    pub price: Minor,
    /// The currency of the price.
    pub currency: Currency,
    /// Whether it is for sale.
    pub on_shelf: bool,
    /// The most units that one buyer may ever buy; `None`: any number.
    pub quota_per_buyer: Option<i64>,
    /// Counts changes; an order keeps the version it was sold from.
    pub version: Version,
    /// The version of the source that last wrote it, if the source counts.
    pub source_version: Option<i64>,
}

/// What a writer says of a seller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SellerDraft {
    /// Its id.
    pub id: SellerId,
    /// Its name.
    pub name: String,
    /// The version of the source; an older one than stored changes nothing.
    pub source_version: Option<i64>,
}

/// What a writer says of a SKU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkuDraft {
    /// Its code.
    pub code: SkuCode,
    /// Who sells it.
    pub seller: SellerId,
    /// Its title.
    pub title: String,
    /// Its unit price.
    pub price: Minor,
    /// The currency of the price.
    pub currency: Currency,
    /// Whether it is for sale.
    pub on_shelf: bool,
    /// The most units that one buyer may ever buy.
    pub quota_per_buyer: Option<i64>,
    /// The version of the source; an older one than stored changes nothing.
    pub source_version: Option<i64>,
}

/// The longest title or name, in bytes.
pub const TITLE_BYTES_MAX: usize = 512;

/// Checks a title or name.
pub fn check_title(field: &str, title: &str) -> Result<(), InvalidField> {
    if title.is_empty() {
        Err(InvalidField::new(field, InvalidCode::Empty, "must not be empty"))
    } else if title.len() > TITLE_BYTES_MAX {
        Err(InvalidField::new(field, InvalidCode::TooLong, format!("must have at most {TITLE_BYTES_MAX} bytes")))
    } else if title.chars().any(char::is_control) {
        Err(InvalidField::new(field, InvalidCode::BadCharacter, "must not contain control characters"))
    } else {
        Ok(())
    }
}

/// What a catalog write did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutAnswer {
    /// Stored as this version.
    Stored(Version),
    /// It says what is stored already: nothing changed.
    Unchanged(Version),
    /// Its source version is older than the stored one: nothing changed.
    Older(Version),
    /// The SKU names a seller that does not exist.
    UnknownSeller,
}

impl PutAnswer {
    /// Judges a seller draft against what is stored: the seller to store, or the answer.
    pub fn seller(stored: Option<&Seller>, draft: &SellerDraft) -> Result<Seller, Self> {
        let version = match stored {
            None => Version::FIRST,
            Some(stored) if is_older(draft.source_version, stored.source_version) => {
                return Err(Self::Older(stored.version));
            }
            Some(stored) if stored.name == draft.name && stored.source_version == draft.source_version => {
                return Err(Self::Unchanged(stored.version));
            }
            Some(stored) => stored.version.next(),
        };
        Ok(Seller { id: draft.id.clone(), name: draft.name.clone(), version, source_version: draft.source_version })
    }

    /// Judges a SKU draft against what is stored: the SKU to store, or the answer.
    pub fn sku(stored: Option<&Sku>, draft: &SkuDraft) -> Result<Sku, Self> {
        let next = |version| Sku {
            code: draft.code.clone(),
            seller: draft.seller.clone(),
            title: draft.title.clone(),
            price: draft.price,
            currency: draft.currency,
            on_shelf: draft.on_shelf,
            quota_per_buyer: draft.quota_per_buyer,
            version,
            source_version: draft.source_version,
        };
        match stored {
            None => Ok(next(Version::FIRST)),
            Some(stored) if is_older(draft.source_version, stored.source_version) => Err(Self::Older(stored.version)),
            Some(stored) if *stored == next(stored.version) => Err(Self::Unchanged(stored.version)),
            Some(stored) => Ok(next(stored.version.next())),
        }
    }
}

/// A queue may replay: a draft that names an older source version than the stored one is stale.
fn is_older(draft: Option<i64>, stored: Option<i64>) -> bool {
    matches!((draft, stored), (Some(draft), Some(stored)) if draft < stored)
}

/// One change of the catalog, as every process learns of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatalogChange {
    /// A seller as it is now.
    Seller(TenantId, Seller),
    /// A SKU as it is now.
    Sku(TenantId, Sku),
}
