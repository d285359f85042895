//! A store in a fresh directory under injected clocks, and the records that the tests write.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use holdline_domain::catalog::SkuDraft;
use holdline_domain::id::{
    BuyerId, ClientId, Fingerprint, GroupKey, Quantity, Reference, SellerId, SkuCode, TenantId, TenantName, Version,
};
use holdline_domain::ledger::{AccountKey, Demand, HoldId, LedgerRequest, Part, QuotaKey, StockKey};
use holdline_domain::money::{Currency, Minor};
use holdline_domain::order::change::{Change, OrderWrite};
use holdline_domain::order::{
    Adjustment, AdjustmentKind, AdjustmentTarget, EventKind, FulfillmentStatus, GroupState, HoldAxis, Life, Order,
    OrderGroup, OrderLine, OrderNo, OrderStatus, PaymentStatus, Snapshot,
};
use holdline_domain::tenant::{ApiKey, CommitOn, Policies, PriceSource, Scope, Tenant};
use holdline_domain::time::UnixMillis;
use holdline_store::{Clocks, Stores, open_sqlite};

pub(crate) const TENANT: TenantId = TenantId(1);

/// A store under clocks that move only when told.
pub(crate) struct Scene {
    directory: tempfile::TempDir,
    database: Arc<AtomicI64>,
    process: Arc<AtomicI64>,
    clocks: Clocks,
    /// `None` only while it is opened again.
    stores: Option<Stores>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let start = 1_760_000_000_000;
        let (database, process) = (Arc::new(AtomicI64::new(start)), Arc::new(AtomicI64::new(start)));
        let (of_database, of_process, monotonic) = (Arc::clone(&database), Arc::clone(&process), Arc::clone(&process));
        let clocks = Clocks {
            database: Arc::new(move || UnixMillis(of_database.load(Ordering::SeqCst))),
            process: Arc::new(move || UnixMillis(of_process.load(Ordering::SeqCst))),
            monotonic: Arc::new(move || monotonic.load(Ordering::SeqCst)),
        };
        let directory = tempfile::tempdir().expect("a directory can be made");
        let stores = Some(open_sqlite(directory.path(), &clocks).expect("a fresh store opens"));
        Self { directory, database, process, clocks, stores }
    }

    pub(crate) fn reopen(&mut self) {
        self.stores = None;
        self.stores = Some(open_sqlite(self.directory.path(), &self.clocks).expect("a closed store opens again"));
    }

    pub(crate) fn stores(&self) -> &Stores {
        self.stores.as_ref().expect("the store is open")
    }

    /// A connection of somebody else to one of the files.
    pub(crate) fn file(&self, database: &str) -> rusqlite::Connection {
        rusqlite::Connection::open(self.directory.path().join(format!("{database}.sqlite"))).expect("the file is there")
    }

    pub(crate) fn now(&self) -> UnixMillis {
        UnixMillis(self.database.load(Ordering::SeqCst))
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.advance_database(ms);
        self.process.fetch_add(ms, Ordering::SeqCst);
    }

    pub(crate) fn advance_database(&self, ms: i64) {
        self.database.fetch_add(ms, Ordering::SeqCst);
    }
}

pub(crate) fn stock(sku: &str) -> AccountKey {
    AccountKey::Stock(StockKey::of(SkuCode::from_stored(sku)))
}

pub(crate) fn quota(sku: &str, buyer: &str) -> AccountKey {
    AccountKey::Quota(QuotaKey { sku: SkuCode::from_stored(sku), buyer: BuyerId::from_stored(buyer) })
}

pub(crate) fn adjust(sku: &str, delta: i64, reference: &str) -> LedgerRequest {
    let reference = Reference::from_stored(reference);
    LedgerRequest::Adjust { tenant: TENANT, account: stock(sku), delta, reference, force: false }
}

/// A hold of (seller, SKU, units), each with its quota.
pub(crate) fn hold(key: &str, buyer: &str, lines: &[(&str, &str, i64)]) -> LedgerRequest {
    let mut demands = Vec::new();
    for (seller, sku, units) in lines {
        let part = Part::Seller(SellerId::from_stored(*seller));
        let quantity = Quantity::try_new(*units).expect("a test asks for some units");
        demands.push(Demand { part: part.clone(), account: stock(sku), quantity, limit: None });
        demands.push(Demand { part, account: quota(sku, buyer), quantity, limit: Some(1_000) });
    }
    LedgerRequest::Hold {
        tenant: TENANT,
        id: HoldId::first(GroupKey::from_stored(key)),
        content: Fingerprint([9; 32]),
        order_nos: lines.iter().map(|(seller, _, _)| (SellerId::from_stored(*seller), order_no(1))).collect(),
        demands,
    }
}

pub(crate) fn order_no(number: i64) -> OrderNo {
    OrderNo::from_stored(format!("251122{number:021}"))
}

/// An order with something in every field.
pub(crate) fn order(number: i64, key: &str) -> Order {
    let line = |line_no, snapshot| OrderLine {
        line_no,
        sku: SkuCode::from_stored(format!("SKU \"{line_no}\" 商品")),
        quantity: Quantity::try_new(2).expect("2 is a quantity"),
        title: "Täfelchen 巧克力".to_owned(),
        unit_price: Minor(500),
        total: Minor(1_000),
        snapshot,
    };
    Order {
        tenant: TENANT,
        no: order_no(number),
        group: GroupKey::from_stored(key),
        hold_n: 1,
        client: ClientId::from_stored("shop"),
        buyer: BuyerId::from_stored("buyer"),
        seller: SellerId::from_stored("acme"),
        channel: "app".to_owned(),
        status: OrderStatus::PendingPayment,
        payment: PaymentStatus::Unpaid,
        fulfillment: FulfillmentStatus::Unfulfilled,
        hold: HoldAxis::Held,
        version: Version::FIRST,
        currency: Currency::try_new("CNY").expect("CNY is a currency"),
        goods: Minor(3_000),
        freight: Minor(10),
        discount: Minor(5),
        total: Minor(3_005),
        lines: vec![
            line(1, Snapshot::Catalog(Version(3))),
            line(2, Snapshot::Caller(None)),
            line(3, Snapshot::Caller(Some(r#"{"size":"M"}"#.to_owned()))),
        ],
        adjustments: vec![Adjustment {
            kind: AdjustmentKind::Freight,
            target: AdjustmentTarget::Seller(SellerId::from_stored("acme")),
            amount: Minor(10),
            reference: "courier".to_owned(),
        }],
        address: Some(r#"{"city":"上海"}"#.to_owned()),
        note: Some("ring twice".to_owned()),
        created: UnixMillis(0),
        pay_deadline: UnixMillis(900_000),
        ended: None,
        life: Life::default(),
    }
}

/// A group with one order.
pub(crate) fn place(number: i64, key: &str) -> Change {
    let group = OrderGroup {
        tenant: TENANT,
        key: GroupKey::from_stored(key),
        content: Some(Fingerprint([9; 32])),
        buyer: Some(BuyerId::from_stored("buyer")),
        state: GroupState::Placed { order_nos: vec![order_no(number)] },
        created: UnixMillis(0),
    };
    Change {
        group: Some(group),
        orders: vec![(OrderWrite::Insert(Box::new(order(number, key))), EventKind::Placed)],
        ..Change::touch(TENANT)
    }
}

pub(crate) fn sku_draft(code: &str, price: i64) -> SkuDraft {
    SkuDraft {
        code: SkuCode::from_stored(code),
        seller: SellerId::from_stored("acme"),
        title: "A thing".to_owned(),
        price: Minor(price),
        currency: Currency::try_new("CNY").expect("CNY is a currency"),
        on_shelf: true,
        quota_per_buyer: Some(3),
        source_version: None,
    }
}

pub(crate) fn draft(name: &str) -> Tenant {
    Tenant {
        id: TenantId(0),
        name: TenantName::from_stored(name),
        price_source: PriceSource::Catalog,
        commit_on: CommitOn::PaymentCaptured,
        pay_within_ms: 900_000,
        business_code: 1,
        policies: Policies::default(),
    }
}

pub(crate) fn key(tenant: TenantId, key_id: &str, secret: u8) -> ApiKey {
    ApiKey {
        key_id: key_id.to_owned(),
        secret_sha256: [secret; 32],
        tenant,
        client: ClientId::from_stored("shop"),
        scopes: vec![Scope::Shop, Scope::Merchant],
        sellers: vec![SellerId::from_stored("acme")],
        created: UnixMillis(5),
        revoked: None,
    }
}
