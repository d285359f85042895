//! Tests of what a submit claims, or is refused for, while its SKUs are sold in periods.

use std::sync::Arc;

use super::*;
use crate::catalog::Sku;
use crate::id::{BuyerId, ClientId, GroupKey, PeriodName, Quantity, SellerId, SkuCode, TenantId, Version};
use crate::ledger::{AccountKey, Period, Rest, StockKey};
use crate::money::{Currency, Minor};
use crate::refusal::{Difference, Refusal};
use crate::tenant::PriceSource;
use crate::time::UnixMillis;

fn sku(code: &str) -> Arc<Sku> {
    Arc::new(Sku {
        code: SkuCode::from_stored(code),
        seller: SellerId::from_stored("s"),
        title: code.to_lowercase(),
        price: Minor(100),
        currency: Currency::try_new("CNY").unwrap(),
        on_shelf: true,
        quota_per_buyer: Some(5),
        version: Version(1),
        source_version: None,
    })
}

fn submit(skus: &[&str]) -> Submit {
    let line = |code: &&str| SubmitLine {
        sku: SkuCode::from_stored(*code),
        seller: None,
        quantity: Quantity::try_new(2).unwrap(),
        unit_price: Minor(100),
        currency: Currency::try_new("CNY").unwrap(),
        title: None,
        snapshot: None,
    };
    Submit {
        tenant: TenantId(1),
        client: ClientId::from_stored("app"),
        key: GroupKey::from_stored("k/app/place/57"),
        buyer: BuyerId::from_stored("ann"),
        channel: "web".to_owned(),
        lines: skus.iter().map(line).collect(),
        adjustments: Vec::new(),
        expected_total: None,
        address: None,
        note: None,
        price_source: PriceSource::Catalog,
    }
}

fn ten() -> Period {
    Period {
        sku: SkuCode::from_stored("A"),
        channel: "web".into(),
        name: PeriodName::from_stored("ten"),
        start: UnixMillis(10),
        end: UnixMillis(20),
        rest: Rest::Next,
    }
}

fn at(code: &str, now: i64) -> Offer {
    Offer::at(sku(code), &[ten()], "web", UnixMillis(now))
}

#[test]
fn every_line_of_a_sku_claims_the_open_period() {
    let offers = [at("A", 10), Offer::always(sku("B")), at("A", 10)].map(Some);
    let quote = quote(&submit(&["A", "B", "A"]), &offers).unwrap();
    let accounts: Vec<_> = quote
        .demands
        .iter()
        .filter_map(|demand| match &demand.account {
            AccountKey::Stock(key) => Some((key.sku.as_str(), key.channel.as_str(), key.period.as_str())),
            AccountKey::Quota(_) => None,
        })
        .collect();
    assert_eq!(accounts, [("A", "web", "ten"), ("B", "", ""), ("A", "web", "ten")]);
    let quotas = quote.demands.iter().filter(|demand| matches!(demand.account, AccountKey::Quota(_)));
    assert_eq!(quotas.count(), 3, "a quota counts across periods");
}

#[test]
fn between_periods_the_line_is_refused_with_the_next_opening_and_claims_no_stock() {
    let offers = [Some(at("A", 9)), None];
    let refused = Refusal::OrderRefused {
        differences: vec![
            Difference::BetweenPeriods { line: 0, sku: SkuCode::from_stored("A"), opens: UnixMillis(10) },
            Difference::UnknownSku { line: 1, sku: SkuCode::from_stored("C") },
        ],
    };
    assert_eq!(quote(&submit(&["A", "C"]), &offers), Err(refused));
    let demands = demands(&submit(&["A", "C"]), &offers);
    assert!(demands.iter().all(|demand| matches!(demand.account, AccountKey::Quota(_))), "{demands:?}");
}

#[test]
fn after_the_last_period_the_account_without_one_is_claimed() {
    let quote = quote(&submit(&["A"]), &[Some(at("A", 20))]).unwrap();
    assert_eq!(quote.demands[0].account, AccountKey::Stock(StockKey::of(SkuCode::from_stored("A"))));
}
