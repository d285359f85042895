//! The demo's shop: invented sellers and goods, titles in English and Chinese.

use crate::child::{SellerRow, Shop, SkuRow};

/// The SKU of the flash sale.
pub(super) const FLASH_SKU: &str = "TEA-SPRING";
/// Units of the flash sale.
pub(super) const FLASH_UNITS: i64 = 1_000;
/// The SKU of the printed curl.
pub(super) const CURL_SKU: &str = "MUG-1";
/// The currency of every price.
pub(super) const CURRENCY: &str = "CNY";
/// Units that nobody buys up.
const PLENTY: i64 = 100_000_000;

/// Sellers: id and name.
const SELLERS: [(&str, &str); 4] = [
    ("cloud-tea", "Cloud Terrace Tea · 云台茶社"),
    ("kiln", "Riverside Kiln · 河湾陶坊"),
    ("paper-boat", "Paper Boat Books · 纸船书店"),
    ("lantern", "Lantern Workshop · 灯笼工坊"),
];

/// Goods: code, seller, title, price in fen.
const GOODS: [(&str, &str, &str, i64); 12] = [
    (FLASH_SKU, "cloud-tea", "First spring harvest, gift box · 明前春茶礼盒", 19_900),
    ("TEA-OOLONG", "cloud-tea", "Roasted oolong, 100 g · 炭焙乌龙 100 克", 6_800),
    ("TEA-JASMINE", "cloud-tea", "Jasmine pearls, 50 g · 茉莉龙珠 50 克", 4_500),
    (CURL_SKU, "kiln", "Everyday mug, celadon · 青瓷日用马克杯", 2_999),
    ("BOWL-2", "kiln", "Pair of rice bowls · 饭碗一对", 5_600),
    ("VASE-TALL", "kiln", "Tall vase, one of its kind · 高颈花瓶", 32_000),
    ("BOOK-TIDES", "paper-boat", "A History of Tides · 《潮汐简史》", 5_900),
    ("BOOK-NIGHT", "paper-boat", "Night Trains, short stories · 《夜行列车》短篇集", 4_200),
    ("NOTE-A5", "paper-boat", "Dotted notebook A5 · 点阵笔记本 A5", 1_800),
    ("LAMP-REED", "lantern", "Reed table lamp · 芦苇台灯", 15_800),
    ("LAMP-MOON", "lantern", "Moon night light · 月亮小夜灯", 8_900),
    ("CORD-SET", "lantern", "Fabric cord, three colours · 三色编织灯线", 2_600),
];

/// What is sold. One unit of the flash sale's SKU for each buyer, the rest in plenty.
pub(super) fn shop() -> Shop {
    let sellers = SELLERS.map(|(id, name)| SellerRow { id: id.to_owned(), name: name.to_owned() });
    let skus = GOODS.map(|(code, seller, title, price_minor)| SkuRow {
        code: code.to_owned(),
        seller: seller.to_owned(),
        title: title.to_owned(),
        price_minor,
        currency: CURRENCY,
        quota_per_buyer: (code == FLASH_SKU).then_some(1),
        opening: if code == FLASH_SKU { FLASH_UNITS } else { PLENTY },
    });
    Shop { sellers: sellers.into(), skus: skus.into() }
}

/// Codes and prices of what is there in plenty.
pub(super) fn plentiful() -> impl Iterator<Item = (&'static str, i64)> {
    GOODS.into_iter().filter(|(code, ..)| *code != FLASH_SKU).map(|(code, _, _, price)| (code, price))
}

/// The price of a SKU in fen.
pub(super) fn price_minor(sku: &str) -> i64 {
    GOODS.iter().find(|(code, ..)| *code == sku).map_or(0, |(_, _, _, price)| *price)
}

/// Every SKU with its opening stock.
pub(super) fn openings() -> Vec<(String, i64)> {
    shop().skus.into_iter().map(|sku| (sku.code, sku.opening)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sku_has_a_seller_and_both_languages() {
        let shop = shop();
        for sku in &shop.skus {
            assert!(shop.sellers.iter().any(|seller| seller.id == sku.seller), "{}", sku.code);
            assert!(!sku.title.is_ascii() && sku.title.contains(" · "), "{}", sku.title);
        }
        assert!(price_minor(CURL_SKU) > 0 && plentiful().all(|(code, _)| code != FLASH_SKU));
    }
}
