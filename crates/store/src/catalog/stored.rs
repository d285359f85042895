//! The stored forms of the catalog, in one place: sellers, SKUs, their snapshots.

use holdline_domain::catalog::{CatalogChange, Seller, Sku};
use holdline_domain::fault::Fault;
use holdline_domain::id::{SellerId, SkuCode, TenantId, Version};
use holdline_domain::money::{Currency, Minor};

use crate::engine::{Column, Row};
use crate::rows::{Fields, ints, opt_ints, schema, texts};

/// The dependency in faults: the catalog lives in the orders database.
pub(super) const ORDERS: &str = "orders";

pub(super) const SELLER_COLUMNS: &[&str] = &["tenant", "seller", "name", "version", "source_version"];

/// Of a SKU and of its snapshots.
pub(super) const SKU_COLUMNS: &[&str] = &[
    "tenant",
    "sku",
    "seller",
    "title",
    "price",
    "currency",
    "on_shelf",
    "quota_per_buyer",
    "version",
    "source_version",
];

/// A seller, from [`SELLER_COLUMNS`].
pub(super) fn seller(row: Row) -> Result<Seller, Fault> {
    let mut fields = Fields::of(ORDERS, row);
    let _tenant = fields.int()?;
    Ok(Seller {
        id: SellerId::from_stored(fields.text()?),
        name: fields.text()?,
        version: Version(fields.int()?),
        source_version: fields.opt_int()?,
    })
}

/// A SKU, from [`SKU_COLUMNS`].
pub(super) fn sku(row: Row) -> Result<Sku, Fault> {
    let mut fields = Fields::of(ORDERS, row);
    let _tenant = fields.int()?;
    Ok(Sku {
        code: SkuCode::from_stored(fields.text()?),
        seller: SellerId::from_stored(fields.text()?),
        title: fields.text()?,
        price: Minor(fields.int()?),
        currency: currency(&mut fields)?,
        on_shelf: fields.flag()?,
        quota_per_buyer: fields.opt_int()?,
        version: Version(fields.int()?),
        source_version: fields.opt_int()?,
    })
}

fn currency(fields: &mut Fields) -> Result<Currency, Fault> {
    fields.parsed("currency", |code| Currency::try_new(code).ok())
}

/// A change and its place in the sequence, from `sql/catalog/list_changes_after.sql`.
pub(super) fn change(row: Row) -> Result<(i64, CatalogChange), Fault> {
    let mut fields = Fields::of(ORDERS, row);
    let (seq, kind, tenant, code) = (fields.int()?, fields.text()?, TenantId(fields.int()?), fields.text()?);
    let (version, source_version) = (Version(fields.int()?), fields.opt_int()?);
    let (title, seller) = (fields.text()?, fields.text()?);
    let change = match kind.as_str() {
        "seller" => CatalogChange::Seller(
            tenant,
            Seller { id: SellerId::from_stored(code), name: title, version, source_version },
        ),
        "sku" => {
            let sku = Sku {
                code: SkuCode::from_stored(code),
                seller: SellerId::from_stored(seller),
                title,
                price: Minor(fields.int()?),
                currency: currency(&mut fields)?,
                on_shelf: fields.flag()?,
                quota_per_buyer: fields.opt_int()?,
                version,
                source_version,
            };
            CatalogChange::Sku(tenant, sku)
        }
        _ => return Err(schema(ORDERS, "the catalog has a change of an unknown kind")),
    };
    Ok((seq, change))
}

/// The columns of [`SKU_COLUMNS`].
pub(super) fn sku_values(tenant: TenantId, skus: &[Sku]) -> Vec<Column> {
    vec![
        ints(skus, |_| tenant.0),
        texts(skus, |sku| sku.code.as_str()),
        texts(skus, |sku| sku.seller.as_str()),
        texts(skus, |sku| sku.title.as_str()),
        ints(skus, |sku| sku.price.0),
        texts(skus, |sku| sku.currency.as_str()),
        ints(skus, |sku| i64::from(sku.on_shelf)),
        opt_ints(skus, |sku| sku.quota_per_buyer),
        ints(skus, |sku| sku.version.0),
        opt_ints(skus, |sku| sku.source_version),
    ]
}
