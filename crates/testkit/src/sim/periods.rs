//! The slow sale of a simulation: one ware is sold in three periods, some of them with a gap before them.

use std::sync::Arc;

use holdline_domain::id::{PeriodName, Reference, SkuCode};
use holdline_domain::ledger::{AccountKey, LedgerRequest, Period, PeriodAnswer, Rest, StockKey};
use holdline_domain::port::LedgerStore;

use super::scenario::TENANT;
use crate::dice::Dice;
use crate::model::BEGIN;

/// The ware that is sold in periods.
pub const SALE_SKU: &str = "zeta";

/// One period of the sale.
#[derive(Debug, Clone)]
pub struct Slot {
    /// Its name.
    pub name: &'static str,
    /// When it opens and when it has ended, in true virtual milliseconds.
    pub open_ms: (i64, i64),
    /// Where its rest goes.
    pub rest: Rest,
    /// Units at the opening.
    pub stock: i64,
}

/// The periods in their order.
#[derive(Debug, Clone)]
pub struct SlowSale {
    /// They do not overlap.
    pub slots: Vec<Slot>,
}

impl SlowSale {
    /// Three periods in about the time that buyers come in; in some seeds the first opens while the shop is still filled.
    pub(super) fn draw(dice: &Dice, shop_open_ms: i64) -> Self {
        // Filling the databases takes up to seven seconds where calls are slow, the periods at its beginning two of them.
        let mut from_ms = *dice.pick(&[2_000, 8_000]);
        let slots = ["first", "second", "third"].map(|name| {
            let length_ms = dice.between(shop_open_ms / 6, shop_open_ms / 3);
            let open_ms = (from_ms, from_ms + length_ms);
            from_ms = open_ms.1 + if dice.chance(500) { 0 } else { dice.between(1, shop_open_ms / 6) };
            let rest = *dice.pick(&[Rest::Next, Rest::Next, Rest::Base, Rest::Keep]);
            Slot { name, open_ms, rest, stock: dice.between(0, 25) }
        });
        Self { slots: slots.into() }
    }

    /// Writes the periods and puts their stock in.
    pub(super) async fn open(&self, ledger: &impl LedgerStore) {
        for slot in &self.slots {
            let period = Period {
                sku: SkuCode::from_stored(SALE_SKU),
                channel: "".into(),
                name: PeriodName::from_stored(slot.name),
                start: BEGIN.plus_ms(slot.open_ms.0),
                end: BEGIN.plus_ms(slot.open_ms.1),
                rest: slot.rest,
            };
            let account = AccountKey::Stock(period.account());
            let answer = ledger.put_period(TENANT, period).await.expect("nothing fails before the opening");
            assert_eq!(answer, PeriodAnswer::Stored, "the sale has not begun");
            if slot.stock > 0 {
                let reference = Reference::from_stored("opening");
                let stock_in =
                    LedgerRequest::Adjust { tenant: TENANT, account, delta: slot.stock, reference, force: false };
                ledger.apply(Arc::from([stock_in])).await.expect("nothing fails before the opening");
            }
        }
    }

    /// The slot of an account; `None` for that without a period, and for other goods.
    pub fn slot(&self, account: &AccountKey) -> Option<&Slot> {
        let AccountKey::Stock(StockKey { sku, period, .. }) = account else { return None };
        self.slots.iter().find(|slot| sku.as_str() == SALE_SKU && slot.name == period.as_str())
    }
}
