//! What the crash rounds sell: eight SKUs of two sellers, every other one too scarce for the load.

use crate::child::{SellerRow, Shop, SkuRow};

/// SKUs; every other one is scarce, and they alternate between the two sellers in pairs.
pub(super) const SKUS: usize = 8;
/// Units of a scarce SKU at the start, and added with each round: always too few.
pub(super) const SCARCE_UNITS: i64 = 60;
/// Units of the other ones.
const PLENTY: i64 = 100_000_000;
/// The currency of all prices.
pub(super) const CURRENCY: &str = "CNY";

pub(super) fn seller_of(sku: usize) -> &'static str {
    if sku % 4 < 2 { "east" } else { "west" }
}

/// Whether a SKU has too few units.
pub(super) fn is_scarce(sku: usize) -> bool {
    sku.is_multiple_of(2)
}

/// A SKU's code.
pub(super) fn code(sku: usize) -> &'static str {
    ["CR-0", "CR-1", "CR-2", "CR-3", "CR-4", "CR-5", "CR-6", "CR-7"][sku]
}

/// A SKU's price in minor units.
pub(super) fn price_minor(sku: usize) -> i64 {
    100 + i64::try_from(sku).expect("there are eight SKUs")
}

/// Units that a SKU has been given after `rounds` rounds have begun.
pub(super) fn given(sku: usize, rounds: u32) -> i64 {
    if is_scarce(sku) { SCARCE_UNITS * (1 + i64::from(rounds)) } else { PLENTY }
}

/// What is sold.
pub(super) fn shop() -> Shop {
    let seller = |id: &str| SellerRow { id: id.to_owned(), name: id.to_owned() };
    let sku = |sku: usize| SkuRow {
        code: code(sku).to_owned(),
        seller: seller_of(sku).to_owned(),
        title: format!("Crash article {sku}"),
        price_minor: price_minor(sku),
        currency: CURRENCY,
        quota_per_buyer: None,
        opening: given(sku, 0),
    };
    Shop { sellers: vec![seller("east"), seller("west")], skus: (0..SKUS).map(sku).collect() }
}
