//! Who may call: API keys and tenants, served from memory and reloaded every second, so that a revoked key is refused
//! by every process within a few seconds.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use holdline_domain::fault::Fault;
use holdline_domain::id::{TenantId, TenantName};
use holdline_domain::port::TenantStore;
use holdline_domain::refusal::Refusal;
use holdline_domain::tenant::{ApiKey, Policies, Tenant};

use crate::{App, Error};

/// How often keys and tenants are reloaded. A revoked key is refused everywhere within 5 s.
const REFRESH_MS: u64 = 1_000;

/// What a presented key allows.
#[derive(Debug, Clone)]
pub struct Access {
    /// Whose data.
    pub tenant: Arc<Tenant>,
    /// The key: client, scopes, sellers.
    pub key: Arc<ApiKey>,
}

#[derive(Default)]
struct Loaded {
    by_secret: HashMap<[u8; 32], Access>,
    tenants: HashMap<TenantId, Arc<Tenant>>,
}

pub(crate) struct Keyring {
    store: Arc<dyn TenantStore>,
    loaded: ArcSwap<Loaded>,
}

impl Keyring {
    pub(crate) fn new(store: Arc<dyn TenantStore>) -> Self {
        Self { store, loaded: ArcSwap::default() }
    }

    pub(crate) async fn refresh(&self) -> Result<(), Fault> {
        let tenants: HashMap<_, _> =
            self.store.tenants().await?.into_iter().map(|tenant| (tenant.id, Arc::new(tenant))).collect();
        let keys = self.store.keys().await?;
        let live = keys.into_iter().filter(|key| key.revoked.is_none());
        let by_secret = live.filter_map(|key| {
            let tenant = Arc::clone(tenants.get(&key.tenant)?);
            Some((key.secret_sha256, Access { tenant, key: Arc::new(key) }))
        });
        let by_secret = by_secret.collect();
        self.loaded.store(Arc::new(Loaded { by_secret, tenants }));
        Ok(())
    }

    pub(crate) fn tenant_named(&self, name: &TenantName) -> Option<Arc<Tenant>> {
        self.loaded.load().tenants.values().find(|tenant| tenant.name == *name).cloned()
    }

    pub(crate) fn tenant(&self, id: TenantId) -> Option<Arc<Tenant>> {
        self.loaded.load().tenants.get(&id).cloned()
    }
}

impl App {
    /// What the key with this secret allows; `None` for an unknown or revoked key.
    pub fn access(&self, secret_sha256: &[u8; 32]) -> Option<Access> {
        self.inner.keyring.loaded.load().by_secret.get(secret_sha256).cloned()
    }
}

impl App {
    /// Replaces a tenant's policies; every process follows them within seconds, this one at once.
    pub async fn put_policies(&self, tenant: TenantId, policies: &Policies) -> Result<(), Error> {
        if !self.inner.ports.tenants.put_policies(tenant, policies).await? {
            return Err(Refusal::not_found("tenant").into());
        }
        Ok(self.inner.keyring.refresh().await?)
    }
}

pub(crate) async fn keep_fresh(app: App) {
    while app.inner.tasks.pause(REFRESH_MS).await {
        if let Err(fault) = app.inner.keyring.refresh().await {
            tracing::warn!(%fault, "API keys could not be reloaded: the last known ones stay in force");
        }
    }
}
