//! A shop with one SKU of ten units at 10.00, and the process that dies in it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use holdline_app::{App, Clock, Ports, Settings};
use holdline_domain::catalog::{SellerDraft, SkuDraft};
use holdline_domain::fault::Fault;
use holdline_domain::id::{
    BuyerId, ClientId, GroupKey, IdempotencyKey, Quantity, Reference, SellerId, SkuCode, Slot, TenantId, TenantName,
    Version,
};
use holdline_domain::ledger::{Account, AccountKey, CheckUrl, StockKey};
use holdline_domain::money::{Currency, Minor};
use holdline_domain::order::{GroupState, OrderNo, Submit, SubmitLine};
use holdline_domain::payment::{ProviderAccount, ProviderKind, ProviderName};
use holdline_domain::port::{
    HoldChecker, HoldQuestion, HoldWord, LedgerStore as _, NobodySends, OrderStore as _, PaymentProvider,
    TenantStore as _,
};
use holdline_domain::tenant::{CommitOn, Policies, PriceSource, Tenant};
use holdline_testkit::model::{Databases, ModelProvider, Process};
use parking_lot::Mutex;

/// How long an order may stay unpaid.
pub(crate) const PAY_WITHIN_MS: i64 = 900_000;
/// The calls that a process dies at.
pub(crate) const LEDGER: &str = "ledger.apply";
pub(crate) const ORDERS: &str = "orders.apply";

pub(crate) fn provider() -> ProviderName {
    ProviderName::try_new("model").expect("a name")
}

/// Who takes holds for orders of its own, and says what it is asked.
#[derive(Default)]
pub(crate) struct Taker {
    says: Mutex<Option<HoldWord>>,
}

impl Taker {
    pub(crate) fn will_say(&self, word: HoldWord) {
        *self.says.lock() = Some(word);
    }
}

#[async_trait]
impl HoldChecker for Taker {
    fn objection(&self, _: &CheckUrl) -> Option<String> {
        None
    }

    async fn ask(&self, _: &HoldQuestion) -> Result<HoldWord, Fault> {
        Ok(self.says.lock().unwrap_or(HoldWord::Unknown))
    }
}

/// The shop, its databases, its payment center, and the process that dies.
pub(crate) struct Scene {
    pub(crate) databases: Databases,
    pub(crate) center: Arc<ModelProvider>,
    pub(crate) taker: Arc<Taker>,
    pub(crate) tenant: TenantId,
    pub(crate) first: (App, Arc<Process>),
}

async fn start(
    databases: &Databases,
    center: &Arc<ModelProvider>,
    taker: &Arc<Taker>,
    name: &str,
) -> (App, Arc<Process>) {
    let process = databases.process(name);
    let ports = Ports {
        ledger: Arc::new(databases.ledger(&process)),
        orders: Arc::new(databases.orders(&process)),
        life: Arc::new(databases.orders(&process)),
        feed: Arc::new(databases.feed(&process)),
        webhooks: Arc::new(databases.webhooks(&process)),
        sender: Arc::new(NobodySends),
        catalog: Arc::new(databases.catalog(&process)),
        tenants: Arc::new(databases.tenants(&process)),
        checker: Arc::clone(taker) as Arc<dyn HoldChecker>,
        providers: Arc::clone(center) as Arc<dyn PaymentProvider>,
        clock: Arc::clone(&process) as Arc<dyn Clock>,
        spawner: process.spawner(),
    };
    (App::start(ports, Settings::default()).await.expect("calm"), process)
}

fn cny() -> Currency {
    Currency::try_new("CNY").expect("three letters")
}

pub(crate) fn sku() -> SkuCode {
    SkuCode::try_new("A").expect("a code")
}

pub(crate) async fn put_sku(app: &App, tenant: TenantId, price: i64) {
    let draft = SkuDraft {
        code: sku(),
        seller: SellerId::try_new("s1").expect("an id"),
        title: "A".to_owned(),
        price: Minor(price),
        currency: cny(),
        on_shelf: true,
        quota_per_buyer: None,
        source_version: None,
    };
    app.put_skus(tenant, vec![draft]).await.expect("calm");
}

impl Scene {
    pub(crate) async fn open() -> Self {
        let databases = Databases::calm();
        let (center, taker) = (Arc::new(ModelProvider::calm()), Arc::new(Taker::default()));
        let first = start(&databases, &center, &taker, "p0").await;
        let draft = Tenant {
            id: TenantId(0),
            name: TenantName::try_new("shop").expect("a name"),
            price_source: PriceSource::Catalog,
            commit_on: CommitOn::PaymentCaptured,
            pay_within_ms: PAY_WITHIN_MS,
            business_code: 1,
            policies: Policies::default(),
        };
        let tenant = databases.tenants(&first.1).ensure_tenant(draft).await.expect("calm").id;
        // Tenants are loaded every second.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let seller =
            SellerDraft { id: SellerId::try_new("s1").expect("an id"), name: "s1".to_owned(), source_version: None };
        first.0.put_seller(tenant, seller).await.expect("calm");
        put_sku(&first.0, tenant, 1_000).await;
        let (account, reference) = (AccountKey::Stock(StockKey::of(sku())), Reference::from_stored("stock-in"));
        first.0.adjust(tenant, account, 10, reference, false).await.expect("calm");
        let account = ProviderAccount {
            tenant,
            name: provider(),
            kind: ProviderKind::Http,
            settings: "{}".to_owned(),
            enabled: true,
            version: Version::FIRST,
        };
        first.0.put_payment_provider(account).await.expect("calm");
        Self { databases, center, taker, tenant, first }
    }

    /// A process that runs beside the first one.
    pub(crate) async fn beside(&self) -> App {
        start(&self.databases, &self.center, &self.taker, "p1").await.0
    }

    /// The process that comes after the first one has died.
    pub(crate) async fn second(&self) -> App {
        assert!(self.first.1.is_dead(), "the first process lives");
        self.beside().await
    }

    pub(crate) fn buyer() -> BuyerId {
        BuyerId::try_new("ann").expect("an id")
    }

    pub(crate) fn key(&self) -> GroupKey {
        let key = IdempotencyKey::try_new("k").expect("a key");
        GroupKey::place(&key, &ClientId::from_stored("web"), Slot::of(self.tenant, &Self::buyer()))
    }

    pub(crate) fn submit(&self) -> Submit {
        let line = SubmitLine {
            sku: sku(),
            seller: None,
            quantity: Quantity::try_new(1).expect("one"),
            unit_price: Minor(1_000),
            currency: cny(),
            title: None,
            snapshot: None,
        };
        Submit {
            tenant: self.tenant,
            client: ClientId::from_stored("web"),
            key: self.key(),
            buyer: Self::buyer(),
            channel: String::new(),
            lines: vec![line],
            adjustments: Vec::new(),
            expected_total: None,
            address: None,
            note: None,
            price_source: PriceSource::Catalog,
        }
    }

    pub(crate) async fn order_no(&self) -> Option<OrderNo> {
        let reader = self.databases.process("reader");
        let submits = self.databases.orders(&reader).submits(&[(self.tenant, self.key())]).await.expect("calm");
        match submits.into_iter().next()?.group?.state {
            GroupState::Placed { order_nos } => order_nos.into_iter().next(),
            GroupState::Refused { .. } | GroupState::Abandoned => None,
        }
    }

    /// The stock accounts of the SKU.
    pub(crate) async fn stock(&self) -> Vec<Account> {
        let reader = self.databases.process("reader");
        self.databases.ledger(&reader).stock(self.tenant, &[sku()]).await.expect("calm").pop().expect("one SKU")
    }

    /// Units held on all accounts of the SKU.
    pub(crate) async fn held(&self) -> i64 {
        self.stock().await.iter().map(|account| account.held).sum()
    }

    pub(crate) async fn until_dead(&self) {
        while !self.first.1.is_dead() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
