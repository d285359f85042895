//! A small shop: two tenants, a few keys, two sellers, and a router to call.

mod ask;

use std::sync::Arc;

use axum::Router;
use axum::http::{Method, StatusCode};
use holdline_app::{App, Ports, Settings};
use holdline_domain::catalog::{SellerDraft, SkuDraft};
use holdline_domain::feed::{Failure, Parking};
use holdline_domain::id::{ClientId, ConsumerName, Reference, SellerId, SkuCode, TenantId, TenantName, Version};
use holdline_domain::ledger::{AccountKey, StockKey};
use holdline_domain::money::{Currency, Minor};
use holdline_domain::port::{FeedStore, LedgerStore, OrderStore, PaymentProvider, RawCallback, TenantStore as _};
use holdline_domain::tenant::{ApiKey, CommitOn, Policies, PriceSource, Scope, Tenant};
use holdline_domain::time::UnixMillis;
use holdline_gateway::{Setup, secret_sha256};
use holdline_testkit::model::{Databases, ModelProvider};
use serde_json::{Value, json};

pub(crate) use ask::{Ask, Reply};

/// Every scope but `merchant` and `price`.
pub(crate) const ALL: &str = "hl_all";
/// Of another tenant, with the same scopes.
pub(crate) const FOREIGN: &str = "hl_foreign";
/// A merchant with the seller `s1`.
pub(crate) const MERCHANT: &str = "hl_merchant";
/// A merchant with the seller `s2`.
pub(crate) const OTHER_MERCHANT: &str = "hl_other_merchant";
/// A tenant whose caller sets prices: with and without the scope for it.
pub(crate) const PRICING: &str = "hl_pricing";
pub(crate) const NOT_PRICING: &str = "hl_not_pricing";
/// A tenant that sells at creation.
pub(crate) const SELLING: &str = "hl_selling";

/// The key with one scope only; the merchant's has no seller.
pub(crate) fn with_scope(scope: Scope) -> String {
    format!("hl_only_{}", scope.as_str())
}

pub(crate) struct Api {
    pub(crate) router: Router,
    /// The ledger's rows, for what no operation shows.
    pub(crate) ledger: Arc<dyn LedgerStore>,
    orders: Arc<dyn OrderStore>,
    feed: Arc<dyn FeedStore>,
    /// The center behind the provider `model` of the shop.
    pub(crate) provider: Arc<ModelProvider>,
}

impl Api {
    /// Sellers `s1` and `s2` with ten units each of `A` (10.00, s1), `B` (20.00, s2) and one unit of `LAST` (s1).
    pub(crate) async fn start() -> Self {
        Self::start_with(Settings::default()).await
    }

    /// The same shop with other settings.
    pub(crate) async fn start_with(settings: Settings) -> Self {
        let databases = Databases::calm();
        let process = databases.process("p0");
        let tenants = databases.tenants(&process);
        let shop = tenants.ensure_tenant(tenant("shop", PriceSource::Catalog)).await.unwrap().id;
        let foreign = tenants.ensure_tenant(tenant("foreign", PriceSource::Catalog)).await.unwrap().id;
        let pricing = tenants.ensure_tenant(tenant("pricing", PriceSource::Caller)).await.unwrap().id;
        let at_creation = Tenant { commit_on: CommitOn::OrderCreated, ..tenant("selling", PriceSource::Catalog) };
        let selling = tenants.ensure_tenant(at_creation).await.unwrap().id;
        let all = [Scope::Shop, Scope::Hold, Scope::Admin, Scope::Read];
        let mut keys = vec![
            key(shop, ALL, &all, &[]),
            key(foreign, FOREIGN, &[Scope::Shop, Scope::Hold, Scope::Admin, Scope::Read], &[]),
            key(shop, MERCHANT, &[Scope::Merchant], &["s1"]),
            key(shop, OTHER_MERCHANT, &[Scope::Merchant], &["s2"]),
            key(pricing, PRICING, &[Scope::Shop, Scope::Price], &[]),
            key(pricing, NOT_PRICING, &all, &[]),
            key(selling, SELLING, &all, &[]),
        ];
        keys.extend(Scope::ALL.map(|scope| key(shop, &with_scope(scope), &[scope], &[])));
        for key in keys {
            tenants.add_key(key).await.unwrap();
        }
        let provider = Arc::new(ModelProvider::calm());
        let ledger: Arc<dyn LedgerStore> = Arc::new(databases.ledger(&process));
        let orders: Arc<dyn OrderStore> = Arc::new(databases.orders(&process));
        let feed: Arc<dyn FeedStore> = Arc::new(databases.feed(&process));
        let ports = Ports {
            ledger: Arc::clone(&ledger),
            orders: Arc::clone(&orders),
            feed: Arc::clone(&feed),
            webhooks: Arc::new(databases.webhooks(&process)),
            sender: Arc::new(holdline_domain::port::NobodySends),
            life: Arc::new(databases.orders(&process)),
            providers: Arc::clone(&provider) as Arc<dyn PaymentProvider>,
            catalog: Arc::new(databases.catalog(&process)),
            tenants: Arc::new(tenants),
            checker: Arc::new(holdline_domain::port::NobodyAsks),
            clock: Arc::clone(&process) as Arc<dyn holdline_app::Clock>,
            spawner: process.spawner(),
        };
        let app = App::start(ports, settings).await.unwrap();
        for tenant in [shop, pricing, selling] {
            stock_the_shop(&app, tenant).await;
        }
        let figures = Arc::new(|| "holdline_up 1\n".to_owned());
        let router = holdline_gateway::router(Setup { app, render_metrics: figures, extra: None });
        let api = Self { router, ledger, orders, feed, provider };
        let account = json!({"kind": "http", "settings": {}});
        let put = api.ask(Method::PUT, "/v1/payment-providers/model").header("authorization", &format!("Bearer {ALL}"));
        assert_eq!(put.json(&account).reply().await.outcome(), (200, "ok"));
        api
    }

    /// Parks every event of the feed for a consumer that nobody runs, each order's first one as failed.
    pub(crate) async fn park_all(&self, consumer: &str) {
        let events = self.orders.events_after(0, 100).await.unwrap().events;
        let consumer = ConsumerName::try_new(consumer).unwrap();
        let parkings: Vec<Parking> = events
            .into_iter()
            .map(|event| {
                let failure = Failure { error: "as the test wants it".to_owned(), attempts: 2, wait_ms: 3_600_000 };
                Parking { failure: (event.version == Version::FIRST).then_some(failure), event }
            })
            .collect();
        let end = self.feed.feed_end().await.unwrap();
        self.feed.park(&consumer, end, &parkings).await.unwrap();
    }

    /// One order of a unit of `A` that is paid, with its attempt.
    pub(crate) async fn place_paid_order(&self, key: &str) -> (Value, Value) {
        self.place_paid_units(key, 1).await
    }

    /// One order of some units of `A` that is paid and has arrived in one parcel.
    pub(crate) async fn place_delivered_order(&self, key: &str, units: i64) -> Value {
        let (order, _) = self.place_paid_units(key, units).await;
        let path = format!("/v1/orders/{}", order["order_no"].as_str().unwrap());
        let shipped = self.post(ALL, &format!("{path}/shipments")).key(key).json(&json!({})).reply().await;
        assert_eq!(shipped.outcome(), (201, "ok"));
        let delivered = self.post(ALL, &format!("{path}/shipments/1/deliver")).reply().await;
        assert_eq!(delivered.outcome(), (200, "ok"));
        self.get(ALL, &path).reply().await.body
    }

    /// One order of some units of `A` that is paid, with its attempt.
    pub(crate) async fn place_paid_units(&self, key: &str, units: i64) -> (Value, Value) {
        let submit = submit("ann", &[("A", units, 1_000)]);
        let placed = self.post(ALL, "/v1/orders").key(key).json(&submit).reply().await.body;
        let order = format!("/v1/orders/{}", placed["orders"][0]["order_no"].as_str().unwrap());
        let pay = self.post(ALL, &format!("{order}/payments")).key(key).json(&json!({"provider": "model"}));
        let attempt = pay.reply().await.body;
        self.call_back(self.provider.pay(attempt["attempt"].as_str().unwrap(), None, false).unwrap()).await;
        let order = self.until(&order, |order| order["status"] == "confirmed").await;
        (order, attempt)
    }

    /// Delivers a callback of the model provider.
    pub(crate) async fn call_back(&self, callback: RawCallback) {
        let mut ask = self.ask(Method::POST, "/callbacks/shop/model");
        for (name, value) in &callback.headers {
            ask = ask.header(name, value);
        }
        assert_eq!(ask.raw(callback.body).text().await.0, StatusCode::NO_CONTENT);
    }

    /// Reads until what is read is so. Time is virtual: waiting costs nothing.
    pub(crate) async fn until(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        self.until_seen_by(ALL, path, is_so).await
    }

    /// The same with another key.
    pub(crate) async fn until_seen_by(&self, secret: &str, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..4_000 {
            let body = self.get(secret, path).reply().await.body;
            if is_so(&body) {
                return body;
            }
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
        panic!("{path} never became so: {}", self.get(secret, path).reply().await.body);
    }

    /// A request without a key.
    pub(crate) fn ask(&self, method: Method, path: &str) -> Ask {
        Ask::new(self.router.clone(), method, path)
    }

    pub(crate) fn get(&self, secret: &str, path: &str) -> Ask {
        self.ask(Method::GET, path).header("authorization", &format!("Bearer {secret}"))
    }

    pub(crate) fn post(&self, secret: &str, path: &str) -> Ask {
        self.ask(Method::POST, path).header("authorization", &format!("Bearer {secret}"))
    }

    pub(crate) fn put(&self, secret: &str, path: &str) -> Ask {
        self.ask(Method::PUT, path).header("authorization", &format!("Bearer {secret}"))
    }

    /// A call without any key.
    pub(crate) fn post_unsigned(&self, path: &str) -> Ask {
        self.ask(Method::POST, path)
    }

    /// Places one unit of `A` and one of `B` for `ann`; the answer's body.
    pub(crate) async fn place_two_orders(&self, key: &str) -> Value {
        let reply = self.post(ALL, "/v1/orders").key(key).json(&submit("ann", &[("A", 1, 1_000), ("B", 1, 2_000)]));
        let reply = reply.reply().await;
        assert_eq!(reply.outcome(), (201, "ok"), "{reply:?}");
        reply.body
    }
}

/// A submit of lines (SKU, quantity, price in CNY).
pub(crate) fn submit(buyer: &str, lines: &[(&str, i64, i64)]) -> Value {
    let lines: Vec<_> = lines
        .iter()
        .map(|(sku, quantity, price)| {
            json!({"sku": sku, "quantity": quantity, "unit_price": {"amount": price, "currency": "CNY"}})
        })
        .collect();
    json!({"buyer_id": buyer, "lines": lines})
}

/// One unit of `A`, in the words of the source documents.
pub(crate) fn mall_cart() -> Value {
    json!({
        "uid": 100_001, "origin_price": 10.00, "actual_price": "10", "pay_at_once": false, "request_id": "cart-1",
        "commodity_details": [{
            "commodity_id": "A", "user_id": "s1", "num": 1, "prices": "10.00", "actual_price": 10, "good_type": 1
        }]
    })
}

fn tenant(name: &str, price_source: PriceSource) -> Tenant {
    Tenant {
        id: TenantId(0),
        name: TenantName::try_new(name).unwrap(),
        price_source,
        commit_on: CommitOn::PaymentCaptured,
        pay_within_ms: 900_000,
        business_code: 1,
        policies: Policies::default(),
    }
}

fn key(tenant: TenantId, secret: &str, scopes: &[Scope], sellers: &[&str]) -> ApiKey {
    ApiKey {
        key_id: secret.to_owned(),
        secret_sha256: secret_sha256(secret),
        tenant,
        client: ClientId::try_new("web").unwrap(),
        scopes: scopes.to_vec(),
        sellers: sellers.iter().map(|seller| SellerId::try_new(seller).unwrap()).collect(),
        created: UnixMillis(0),
        revoked: None,
    }
}

async fn stock_the_shop(app: &App, tenant: TenantId) {
    for id in ["s1", "s2"] {
        let draft = SellerDraft { id: SellerId::try_new(id).unwrap(), name: id.to_owned(), source_version: None };
        app.put_seller(tenant, draft).await.unwrap();
    }
    for (code, seller, price, units) in [("A", "s1", 1_000, 10), ("B", "s2", 2_000, 10), ("LAST", "s1", 500, 1)] {
        let code = SkuCode::try_new(code).unwrap();
        let draft = SkuDraft {
            code: code.clone(),
            seller: SellerId::try_new(seller).unwrap(),
            title: format!("{code} 杯"),
            price: Minor(price),
            currency: Currency::try_new("CNY").unwrap(),
            on_shelf: true,
            quota_per_buyer: None,
            source_version: None,
        };
        app.put_skus(tenant, vec![draft]).await.unwrap();
        let (account, reference) = (AccountKey::Stock(StockKey::of(code)), Reference::try_new("stock-in").unwrap());
        app.adjust(tenant, account, units, reference, false).await.unwrap();
    }
}
