//! The workloads: what is sold, and what buyers put into their carts.
//!
//! - hot-sku: one SKU with plenty of stock and a quota per buyer, so that each order moves a stock account and a quota
//!   account; buyers at random out of a million.
//! - mixed: 1 to 3 of 10 SKUs, 100 buyers.
//! - flash-sale: a thousand units, one or two per buyer, attempts for as long as the run lasts.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::child::submit::{Carts, Line, write_body};
use crate::child::{SellerRow, Shop, SkuRow};

/// The currency of every cart.
const CURRENCY: &str = "CNY";
/// Units that no run uses up.
const PLENTY: i64 = 1_000_000_000;
/// Buyers of hot-sku and flash-sale: most orders of a run meet a new quota account, some an old one.
const BUYERS_MANY: u32 = 1_000_000;
/// Buyers of mixed.
const BUYERS_FEW: u32 = 100;
/// SKUs of mixed.
const MIXED_SKUS: u32 = 10;
/// Most lines of a mixed cart.
const MIXED_LINES_MAX: u32 = 3;
/// Units of the flash sale.
pub(crate) const FLASH_UNITS: i64 = 1_000;
/// Units one buyer may have in the flash sale.
const FLASH_QUOTA: i64 = 2;
/// A quota that is counted and never reached.
const QUOTA_PLENTY: i64 = 1_000_000;

/// A workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    HotSku,
    Mixed,
    FlashSale,
}

impl Workload {
    /// What is sold. `name` keeps the SKUs apart from those of an earlier run on the same server.
    pub(crate) fn shop(self, name: &str) -> Shop {
        let sellers = vec![SellerRow { id: "bench".to_owned(), name: "Bench".to_owned() }];
        let sku = |number: u32, quota_per_buyer, opening| SkuRow {
            code: code(name, number),
            seller: "bench".to_owned(),
            title: format!("Bench article {number}"),
            price_minor: price_minor(number),
            currency: CURRENCY,
            quota_per_buyer,
            opening,
        };
        let skus = match self {
            Self::HotSku => vec![sku(0, Some(QUOTA_PLENTY), PLENTY)],
            Self::Mixed => (0..MIXED_SKUS).map(|number| sku(number, None, PLENTY)).collect(),
            Self::FlashSale => vec![sku(0, Some(FLASH_QUOTA), FLASH_UNITS)],
        };
        Shop { sellers, skus }
    }

    /// One cart source per connection, each with its own seed.
    pub(crate) fn carts(self, name: &str, connections: usize) -> Vec<RandomCarts> {
        self.carts_from(name, 0, connections)
    }

    /// The same with other seeds: `first` and those after it.
    pub(crate) fn carts_from(self, name: &str, first: u64, connections: usize) -> Vec<RandomCarts> {
        (first..first + connections as u64).map(|seed| RandomCarts::new(self, name, seed)).collect()
    }
}

fn code(name: &str, number: u32) -> String {
    format!("{name}-{number}")
}

fn price_minor(number: u32) -> i64 {
    1_200 + 100 * i64::from(number)
}

/// Carts of a workload at random.
pub(crate) struct RandomCarts {
    workload: Workload,
    skus: Vec<String>,
    dice: StdRng,
}

impl RandomCarts {
    fn new(workload: Workload, name: &str, seed: u64) -> Self {
        let skus = (0..MIXED_SKUS).map(|number| code(name, number)).collect();
        Self { workload, skus, dice: StdRng::seed_from_u64(seed) }
    }

    fn line(&self, number: u32) -> Line<'_> {
        Line { sku: &self.skus[number as usize], quantity: 1, price_minor: price_minor(number), currency: CURRENCY }
    }
}

impl Carts for RandomCarts {
    fn next(&mut self, body: &mut Vec<u8>) {
        match self.workload {
            Workload::HotSku | Workload::FlashSale => {
                let buyer = self.dice.random_range(0..BUYERS_MANY);
                write_body(body, buyer, &[self.line(0)]);
            }
            Workload::Mixed => {
                let buyer = self.dice.random_range(0..BUYERS_FEW);
                let lines = self.dice.random_range(1..=MIXED_LINES_MAX);
                let first = self.dice.random_range(0..MIXED_SKUS);
                // Steps of 3 modulo 10 meet different SKUs.
                let mut cart = [self.line(first); MIXED_LINES_MAX as usize];
                for (step, line) in (0..MIXED_LINES_MAX).zip(&mut cart) {
                    *line = self.line((first + 3 * step) % MIXED_SKUS);
                }
                write_body(body, buyer, &cart[..lines as usize]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn mixed_carts_have_one_to_three_different_skus() {
        let mut carts = Workload::Mixed.carts("m", 1).remove(0);
        let mut sizes = BTreeSet::new();
        for _ in 0..200 {
            let mut body = Vec::new();
            carts.next(&mut body);
            let cart: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let lines = cart["lines"].as_array().unwrap();
            let skus: BTreeSet<_> = lines.iter().map(|line| line["sku"].as_str().unwrap()).collect();
            assert_eq!(skus.len(), lines.len());
            sizes.insert(lines.len());
        }
        assert_eq!(sizes.into_iter().collect::<Vec<_>>(), [1, 2, 3]);
    }
}
