//! Tenants' accounts at providers, served from memory and reloaded every second.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use holdline_domain::fault::Fault;
use holdline_domain::id::{InvalidCode, InvalidField, TenantId};
use holdline_domain::payment::{ProviderAccount, ProviderName};
use holdline_domain::port::LifeStore;
use holdline_domain::refusal::Refusal;

use crate::{App, Error};

/// How often accounts are reloaded.
const REFRESH_MS: u64 = 1_000;

type Loaded = HashMap<(TenantId, ProviderName), Arc<ProviderAccount>>;

pub(crate) struct Accounts {
    store: Arc<dyn LifeStore>,
    loaded: ArcSwap<Loaded>,
}

impl Accounts {
    pub(crate) fn new(store: Arc<dyn LifeStore>) -> Self {
        Self { store, loaded: ArcSwap::default() }
    }

    pub(crate) async fn refresh(&self) -> Result<(), Fault> {
        let accounts = self.store.provider_accounts().await?;
        let loaded = accounts.into_iter().map(|account| ((account.tenant, account.name.clone()), Arc::new(account)));
        self.loaded.store(Arc::new(loaded.collect()));
        Ok(())
    }

    pub(crate) fn get(&self, tenant: TenantId, name: &ProviderName) -> Option<Arc<ProviderAccount>> {
        self.loaded.load().get(&(tenant, name.clone())).cloned()
    }
}

impl App {
    /// A tenant's account; one that another process made a moment ago is looked for once more.
    pub(super) async fn provider_account(
        &self,
        tenant: TenantId,
        name: &ProviderName,
    ) -> Result<Option<Arc<ProviderAccount>>, Fault> {
        if let Some(account) = self.inner.accounts.get(tenant, name) {
            return Ok(Some(account));
        }
        self.inner.accounts.refresh().await?;
        Ok(self.inner.accounts.get(tenant, name))
    }

    /// A tenant's account at a provider, as it is shown: without its settings.
    pub async fn payment_provider(&self, tenant: TenantId, name: &ProviderName) -> Result<ProviderAccount, Error> {
        let account = self.provider_account(tenant, name).await?;
        account.map(|account| (*account).clone()).ok_or_else(|| Refusal::not_found("payment_provider").into())
    }

    /// Every account of a tenant, by name.
    pub fn payment_providers(&self, tenant: TenantId) -> Vec<Arc<ProviderAccount>> {
        let loaded = self.inner.accounts.loaded.load();
        let mut accounts: Vec<_> = loaded.values().filter(|account| account.tenant == tenant).cloned().collect();
        accounts.sort_by(|a, b| a.name.cmp(&b.name));
        accounts
    }

    /// Writes a tenant's account at a provider.
    pub async fn put_payment_provider(&self, account: ProviderAccount) -> Result<ProviderAccount, Error> {
        if let Some(objection) = self.inner.ports.providers.objection(&account) {
            return Err(InvalidField::new("/settings", InvalidCode::Malformed, objection).into());
        }
        let stored = self.inner.ports.life.put_provider_account(&account).await?;
        self.inner.accounts.refresh().await?;
        Ok(stored)
    }
}

pub(crate) async fn keep_fresh(app: App) {
    while app.inner.tasks.pause(REFRESH_MS).await {
        if let Err(fault) = app.inner.accounts.refresh().await {
            tracing::warn!(%fault, "accounts at providers could not be reloaded: the last known ones stay in force");
        }
    }
}
