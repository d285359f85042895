//! What a seed is about: the shop, its stock, its policies, and which kinds of trouble it has.
//!
//! Trouble is drawn as in swarm testing: each kind is in or out as a whole, then at a rate of its own, so that rare
//! combinations meet often in some seeds instead of never in all.

use std::sync::Arc;

use holdline_app::Settings;
use holdline_domain::catalog::{SellerDraft, SkuDraft};
use holdline_domain::id::{Reference, SellerId, SkuCode, TenantId, TenantName};
use holdline_domain::ledger::{AccountKey, Flags, LedgerRequest, StockKey};
use holdline_domain::money::{Currency, Minor};
use holdline_domain::order::number::StoredBlock;
use holdline_domain::port::{CatalogStore as _, LedgerStore as _, LifeStore as _, TenantStore as _};
use holdline_domain::tenant::{CommitOn, PriceSource, Tenant};

use super::money::{MoneyMatters, account};
use super::periods::{SALE_SKU, SlowSale};
use crate::dice::Dice;
use crate::model::{Databases, FaultRates};

/// The one tenant of a simulation.
pub const TENANT: TenantId = TenantId(1);
/// How many buyers a seed has.
pub const BUYERS: u64 = 20;

/// A SKU of the shop.
#[derive(Debug, Clone)]
pub struct Ware {
    /// Its code.
    pub sku: &'static str,
    /// Who sells it.
    pub seller: &'static str,
    /// Its first price; 0 for a free one, which is never repriced.
    pub price: i64,
    /// Units at the opening.
    pub stock: i64,
    /// The most units that one buyer may buy.
    pub quota: Option<i64>,
    /// Holds are always granted.
    pub infinite: bool,
    /// How many units may be held beyond what is there.
    pub shortage_max: i64,
}

/// What a seed is about.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The shop's goods.
    pub wares: Vec<Ware>,
    /// How many processes serve it.
    pub processes: usize,
    /// How many buyers' wishes there are; each sends at least one submit.
    pub wishes: u64,
    /// Over how much virtual time they come.
    pub open_ms: u64,
    /// How long an order may stay unpaid.
    pub pay_within_ms: i64,
    /// When held stock is sold.
    pub commit_on: CommitOn,
    /// Payment: the provider's habits, the buyers', and the tenant's policies.
    pub money: MoneyMatters,
    /// What goes wrong with calls.
    pub rates: FaultRates,
    /// Whether processes die.
    pub crashes: bool,
    /// Whether clocks step, within what the guard tolerates.
    pub clock_steps: bool,
    /// Whether clocks step beyond it.
    pub clock_jumps: bool,
    /// Submits that are answered before they are decided, in 1,000.
    pub later: u32,
    /// Clients that hang up, in 1,000.
    pub hang_ups: u32,
    /// Whether nearly all blocks of order numbers are leased far ahead, so that few circulate.
    pub few_blocks: bool,
    /// How often prices and shelf change, in milliseconds; 0: never.
    pub reprice_ms: u64,
    /// The slow sale of one ware.
    pub sale: SlowSale,
    /// The app's settings.
    pub settings: Settings,
}

impl Scenario {
    /// Draws a scenario.
    pub fn draw(dice: &Dice) -> Self {
        let calm = dice.chance(180);
        let pay_within_ms = *dice.pick(&[12_000, 25_000, 45_000, 3_600_000, 3_600_000]);
        let open_ms = *dice.pick(&[8_000, 30_000, 60_000]);
        let settings = Settings {
            placing_max: *dice.pick(&[24, 1_024]),
            queue_max: *dice.pick(&[64, 4_096]),
            batch_max: *dice.pick(&[3, 16, 512]),
            answer_within_ms: *dice.pick(&[1_500, 5_000]),
            decide_within_ms: *dice.pick(&[2_500, 8_000, 30_000]),
            watchers_max: *dice.pick(&[2, 2_000]),
            tick_ms: *dice.pick(&[200, 500]),
            ..Settings::default()
        };
        Self {
            wares: wares(dice),
            processes: if dice.chance(700) { 2 } else { 1 },
            wishes: 200,
            open_ms,
            pay_within_ms,
            commit_on: if dice.chance(200) { CommitOn::OrderCreated } else { CommitOn::PaymentCaptured },
            money: MoneyMatters::draw(&dice.fork(), calm, pay_within_ms),
            rates: if calm { calm_rates(dice) } else { swarm_rates(dice) },
            crashes: !calm && dice.chance(500),
            clock_steps: !calm && dice.chance(400),
            clock_jumps: !calm && dice.chance(350),
            later: *dice.pick(&[0, 150, 600]),
            hang_ups: if dice.chance(700) { u32::try_from(dice.ms(100, 400)).unwrap_or(0) } else { 0 },
            few_blocks: dice.chance(500),
            reprice_ms: *dice.pick(&[0, 150, 700, 3_000]),
            sale: SlowSale::draw(dice, i64::try_from(open_ms).unwrap_or(i64::MAX)),
            settings,
        }
    }

    /// Fills the databases before anything goes wrong.
    pub async fn open_shop(&self, databases: &Databases) {
        let opener = databases.process("opener");
        let tenant = Tenant {
            id: TENANT,
            name: TenantName::from_stored("shop"),
            price_source: PriceSource::Catalog,
            commit_on: self.commit_on,
            pay_within_ms: self.pay_within_ms,
            business_code: 1,
            policies: self.money.policies.clone(),
        };
        databases.faults().hold_still(true);
        let ledger = databases.ledger(&opener);
        self.sale.open(&ledger).await;
        let tenants = databases.tenants(&opener);
        tenants.ensure_tenant(tenant).await.expect("nothing fails before the opening");
        databases.orders(&opener).put_provider_account(&account()).await.expect("nothing fails before the opening");
        let catalog = databases.catalog(&opener);
        for ware in &self.wares {
            let seller = SellerDraft {
                id: SellerId::from_stored(ware.seller),
                name: ware.seller.to_owned(),
                source_version: None,
            };
            catalog.put_seller(TENANT, seller).await.expect("nothing fails before the opening");
            let draft = ware.draft(ware.price, true, 0);
            catalog.put_skus(TENANT, vec![draft], true).await.expect("nothing fails before the opening");
        }
        let requests: Vec<LedgerRequest> = self.wares.iter().flat_map(Ware::opening).collect();
        ledger.apply(Arc::from(requests)).await.expect("nothing fails before the opening");
        databases.faults().hold_still(false);
        if self.few_blocks {
            let far = databases.orders_clock().now().plus_ms(86_400_000);
            databases.set_blocks((2..64).map(|block| StoredBlock { block, until: far }).collect());
        }
    }

    /// How long an order of a channel may stay unpaid, in milliseconds.
    pub fn pay_within_ms(&self, channel: &str) -> i64 {
        self.money.policies.channel_pay_within_ms.get(channel).copied().unwrap_or(self.pay_within_ms)
    }

    /// The ware of a code.
    pub fn ware(&self, sku: &str) -> Option<&Ware> {
        self.wares.iter().find(|ware| ware.sku == sku)
    }
}

impl Ware {
    /// What the catalog is told.
    pub fn draft(&self, price: i64, on_shelf: bool, source_version: i64) -> SkuDraft {
        SkuDraft {
            code: SkuCode::from_stored(self.sku),
            seller: SellerId::from_stored(self.seller),
            title: format!("ware {}", self.sku),
            price: Minor(price),
            currency: currency(),
            on_shelf,
            quota_per_buyer: self.quota,
            source_version: Some(source_version),
        }
    }

    /// Its stock account.
    pub fn account(&self) -> AccountKey {
        AccountKey::Stock(StockKey::of(SkuCode::from_stored(self.sku)))
    }

    fn opening(&self) -> Vec<LedgerRequest> {
        let flags = Flags { infinite: self.infinite, shortage_max: self.shortage_max, ..Flags::default() };
        let flags = LedgerRequest::SetFlags { tenant: TENANT, account: self.account(), flags };
        let adjust = LedgerRequest::Adjust {
            tenant: TENANT,
            account: self.account(),
            delta: self.stock,
            reference: Reference::from_stored("opening"),
            force: false,
        };
        vec![flags, adjust]
    }
}

/// The currency of the shop.
pub fn currency() -> Currency {
    Currency::try_new("CNY").expect("CNY is three upper-case letters")
}

fn wares(dice: &Dice) -> Vec<Ware> {
    let ware =
        |sku, seller, price, stock| Ware { sku, seller, price, stock, quota: None, infinite: false, shortage_max: 0 };
    vec![
        ware("alpha", "anna", 1_000, dice.between(5, 60)),
        Ware { quota: Some(dice.between(1, 4)), ..ware("beta", "bert", 250, dice.between(5, 40)) },
        Ware { infinite: true, ..ware("gamma", "cleo", 99, 1) },
        Ware { shortage_max: dice.between(1, 6), ..ware("delta", "anna", 500, dice.between(1, 30)) },
        Ware { quota: Some(3), ..ware("epsilon", "cleo", 1, dice.between(10, 80)) },
        ware("free", "bert", 0, dice.between(5, 40)),
        // Sold in periods; what lies beside them is sold after the last one.
        ware(SALE_SKU, "anna", 700, dice.between(1, 10)),
    ]
}

fn calm_rates(dice: &Dice) -> FaultRates {
    FaultRates { delay_ms_max: dice.ms(1, 40), ..FaultRates::default() }
}

fn swarm_rates(dice: &Dice) -> FaultRates {
    let rate = |max: u64| if dice.chance(450) { u32::try_from(1 + dice.below(max)).unwrap_or(1) } else { 0 };
    FaultRates {
        crash_before: rate(15),
        crash_after: rate(15),
        lost_answer: rate(60),
        lost_request: rate(60),
        conflict: rate(80),
        late: rate(60),
        duplicate: rate(120),
        stall: rate(40),
        read_failure: rate(40),
        slow: rate(40),
        delay_ms_max: *dice.pick(&[2, 10, 40, 150]),
    }
}
