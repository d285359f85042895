//! Sellers and SKUs in JSON.

use std::borrow::Cow;

use holdline_domain::catalog::{PutAnswer, Seller, SellerDraft, Sku, SkuDraft, check_title};
use holdline_domain::id::{InvalidCode, InvalidField, Quantity, SellerId, SkuCode, Version};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Money, MoneyInput};

/// SKUs of one batch. A bigger catalog is written in several; each batch is one transaction.
pub(crate) const SKUS_MAX: usize = 500;

/// What to write of a seller.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SellerInput<'a> {
    /// Its name, for people, up to 512 bytes.
    #[serde(borrow)]
    #[schema(max_length = 512)]
    name: Cow<'a, str>,
    /// The version of the source; an older one than stored changes nothing, so a queue may replay.
    source_version: Option<i64>,
}

impl SellerInput<'_> {
    pub(crate) fn parse(self, id: SellerId) -> Result<SellerDraft, InvalidField> {
        check_title("/name", &self.name)?;
        Ok(SellerDraft { id, name: self.name.into_owned(), source_version: self.source_version })
    }
}

/// What to write of a SKU.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SkuInput<'a> {
    /// Who sells it.
    #[serde(borrow)]
    #[schema(max_length = 64)]
    seller: Cow<'a, str>,
    /// Its title, for people, up to 512 bytes.
    #[serde(borrow)]
    #[schema(max_length = 512)]
    title: Cow<'a, str>,
    /// Its unit price.
    #[serde(borrow)]
    price: MoneyInput<'a>,
    /// Whether it is for sale.
    on_shelf: bool,
    /// The most units that one buyer may ever buy; absent: any number.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    quota_per_buyer: Option<i64>,
    /// The version of the source; an older one than stored changes nothing, so a queue may replay.
    source_version: Option<i64>,
}

impl SkuInput<'_> {
    /// The draft; `pointer` says where it stands in the body.
    pub(crate) fn parse(&self, code: SkuCode, pointer: &str) -> Result<SkuDraft, InvalidField> {
        let at = |field: &str| format!("{pointer}/{field}");
        check_title(&at("title"), &self.title)?;
        let (price, currency) = self.price.parse(|| at("price"))?;
        if let Some(quota) = self.quota_per_buyer {
            Quantity::try_new(quota).map_err(|invalid| invalid.at(at("quota_per_buyer")))?;
        }
        Ok(SkuDraft {
            code,
            seller: SellerId::try_new(&self.seller).map_err(|invalid| invalid.at(at("seller")))?,
            title: self.title.clone().into_owned(),
            price,
            currency,
            on_shelf: self.on_shelf,
            quota_per_buyer: self.quota_per_buyer,
            source_version: self.source_version,
        })
    }
}

/// One SKU of a batch.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchSkuInput<'a> {
    /// Its code, up to 64 bytes; case is kept.
    #[serde(borrow)]
    #[schema(max_length = 64)]
    sku: Cow<'a, str>,
    /// Who sells it.
    #[serde(borrow)]
    #[schema(max_length = 64)]
    seller: Cow<'a, str>,
    /// Its title, for people, up to 512 bytes.
    #[serde(borrow)]
    #[schema(max_length = 512)]
    title: Cow<'a, str>,
    /// Its unit price.
    #[serde(borrow)]
    price: MoneyInput<'a>,
    /// Whether it is for sale.
    on_shelf: bool,
    /// The most units that one buyer may ever buy; absent: any number.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    quota_per_buyer: Option<i64>,
    /// The version of the source; an older one than stored changes nothing, so a queue may replay.
    source_version: Option<i64>,
}

/// SKUs to write.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SkusInput<'a> {
    /// 1 to 500 SKUs, each once.
    #[serde(borrow)]
    #[schema(min_items = 1, max_items = 500)]
    skus: Vec<BatchSkuInput<'a>>,
}

impl SkusInput<'_> {
    pub(crate) fn parse(self) -> Result<Vec<SkuDraft>, InvalidField> {
        if self.skus.is_empty() {
            return Err(InvalidField::new("/skus", InvalidCode::Empty, "must have at least one SKU"));
        }
        if self.skus.len() > SKUS_MAX {
            let problem = format!("must have at most {SKUS_MAX} SKUs, has {}", self.skus.len());
            return Err(InvalidField::new("/skus", InvalidCode::TooLong, problem));
        }
        let mut seen = std::collections::HashSet::with_capacity(self.skus.len());
        let mut drafts = Vec::with_capacity(self.skus.len());
        for (place, each) in self.skus.into_iter().enumerate() {
            let pointer = format!("/skus/{place}");
            let code = SkuCode::try_new(&each.sku).map_err(|invalid| invalid.at(format!("{pointer}/sku")))?;
            if !seen.insert(code.clone()) {
                let problem = "comes twice: which of the two is meant?";
                return Err(InvalidField::new(&format!("{pointer}/sku"), InvalidCode::Malformed, problem));
            }
            let BatchSkuInput { sku: _, seller, title, price, on_shelf, quota_per_buyer, source_version } = each;
            let sku = SkuInput { seller, title, price, on_shelf, quota_per_buyer, source_version };
            drafts.push(sku.parse(code, &pointer)?);
        }
        Ok(drafts)
    }
}

/// A seller.
#[derive(Serialize, ToSchema)]
#[schema(as = Seller)]
pub(crate) struct SellerBody<'a> {
    /// Its id.
    seller: &'a str,
    /// Its name.
    name: &'a str,
    /// Counts changes.
    version: i64,
    /// The version of the source that last wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_version: Option<i64>,
}

impl<'a> From<&'a Seller> for SellerBody<'a> {
    fn from(seller: &'a Seller) -> Self {
        Self {
            seller: seller.id.as_str(),
            name: &seller.name,
            version: seller.version.0,
            source_version: seller.source_version,
        }
    }
}

/// A SKU as it is sold now.
#[derive(Serialize, ToSchema)]
#[schema(as = Sku)]
pub(crate) struct SkuBody<'a> {
    /// Its code.
    sku: &'a str,
    /// Who sells it.
    seller: &'a str,
    /// Its title.
    title: &'a str,
    /// Its unit price.
    price: Money,
    /// Whether it is for sale.
    on_shelf: bool,
    /// The most units that one buyer may ever buy.
    #[serde(skip_serializing_if = "Option::is_none")]
    quota_per_buyer: Option<i64>,
    /// Counts changes; an order keeps the version it was sold from.
    version: i64,
    /// The version of the source that last wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_version: Option<i64>,
}

impl<'a> From<&'a Sku> for SkuBody<'a> {
    fn from(sku: &'a Sku) -> Self {
        Self {
            sku: sku.code.as_str(),
            seller: sku.seller.as_str(),
            title: &sku.title,
            price: Money::new(sku.price, sku.currency),
            on_shelf: sku.on_shelf,
            quota_per_buyer: sku.quota_per_buyer,
            version: sku.version.0,
            source_version: sku.source_version,
        }
    }
}

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PutOutcome {
    /// Stored as this version.
    Stored,
    /// It says what is stored already: nothing changed.
    Unchanged,
    /// Its source version is older than the stored one: nothing changed.
    Older,
    /// It names a seller that does not exist: nothing changed. Only in a batch; alone, it is a problem.
    UnknownSeller,
}

/// The answer to one write.
#[derive(Serialize, ToSchema)]
#[schema(as = CatalogWrite)]
pub(crate) struct PutBody<'a> {
    /// The SKU, in the answer to a batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sku: Option<&'a str>,
    /// What it did.
    pub(crate) outcome: PutOutcome,
    /// The version that is stored now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<i64>,
}

impl<'a> PutBody<'a> {
    pub(crate) fn new(sku: Option<&'a str>, answer: &PutAnswer) -> Self {
        let (outcome, version) = match answer {
            PutAnswer::Stored(Version(version)) => (PutOutcome::Stored, Some(*version)),
            PutAnswer::Unchanged(Version(version)) => (PutOutcome::Unchanged, Some(*version)),
            PutAnswer::Older(Version(version)) => (PutOutcome::Older, Some(*version)),
            PutAnswer::UnknownSeller => (PutOutcome::UnknownSeller, None),
        };
        Self { sku, outcome, version }
    }
}

/// The answers to a batch, in its order.
#[derive(Serialize, ToSchema)]
#[schema(as = CatalogWrites)]
pub(crate) struct PutsBody<'a> {
    /// One per SKU.
    pub(crate) results: Vec<PutBody<'a>>,
}
