//! A tenant of our own and its keys, written to the store before its server starts: the API cannot make the first key.

use anyhow::ensure;
use holdline_domain::id::{ClientId, TenantName};
use holdline_domain::tenant::{PriceSource, Scope};
use holdline_store::{Clocks, Stores};

use super::Home;
use crate::provision::{NewKey, create_key, create_key_with_secret};
use crate::stores::sentence;

/// How long an order may stay unpaid, in milliseconds: nothing expires while a run is judged.
const PAY_WITHIN_MS: i64 = 24 * 3_600 * 1_000;

/// Secrets of one tenant.
#[derive(Clone)]
pub(crate) struct Keys {
    /// Scopes shop, price and read: a storefront's backend.
    pub(crate) shop: String,
    /// Scopes admin and read: whoever keeps catalog and stock.
    pub(crate) admin: String,
}

impl Keys {
    /// Makes a tenant whose prices come from its catalog, and its keys. No server may run on the home.
    pub(crate) fn create(home: &Home, tenant: &str) -> anyhow::Result<Self> {
        Self::create_with(home, tenant, PriceSource::Catalog)
    }

    /// The same with another source of prices.
    pub(crate) fn create_with(home: &Home, tenant: &str, price_source: PriceSource) -> anyhow::Result<Self> {
        let shop = new_key(tenant, price_source, &[Scope::Shop, Scope::Price, Scope::Read])?;
        let admin = new_key(tenant, price_source, &[Scope::Admin, Scope::Read])?;
        with_stores(home, async |stores| {
            let shop = create_key(&*stores.tenants, shop).await?;
            let admin = create_key(&*stores.tenants, admin).await?;
            Ok(Self { shop: shop.secret, admin: admin.secret })
        })
    }

    /// Adds one key of all a shop's scopes whose secret is known already.
    pub(crate) fn add_known(home: &Home, tenant: &str, secret: &str) -> anyhow::Result<()> {
        let new = new_key(tenant, PriceSource::Catalog, &[Scope::Shop, Scope::Admin, Scope::Read])?;
        with_stores(home, async |stores| {
            create_key_with_secret(&*stores.tenants, new, secret).await?;
            Ok(())
        })
    }
}

fn new_key(tenant: &str, price_source: PriceSource, scopes: &[Scope]) -> anyhow::Result<NewKey> {
    ensure!(!scopes.contains(&Scope::Merchant), "a key of scope merchant would need sellers");
    Ok(NewKey {
        tenant: TenantName::try_new(tenant)?,
        client: ClientId::try_new(tenant)?,
        scopes: scopes.to_vec(),
        sellers: Vec::new(),
        price_source: Some(price_source),
        pay_within_ms: Some(PAY_WITHIN_MS),
        commit_on: None,
        business_code: None,
    })
}

/// Opens the stores of a home, which own it until this returns.
fn with_stores<T>(home: &Home, work: impl AsyncFnOnce(Stores) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let clocks = Clocks::of_machine();
    runtime.block_on(async {
        let stores = match home.url() {
            None => holdline_store::open_sqlite(home.data(), &clocks),
            Some(url) => holdline_store::connect_postgres(url, url, &clocks).await,
        };
        work(stores.map_err(sentence)?).await
    })
}
