//! The tenants' port over maps.

use std::sync::Arc;

use async_trait::async_trait;
use holdline_domain::fault::Fault;
use holdline_domain::id::{TenantId, TenantName};
use holdline_domain::port::TenantStore;
use holdline_domain::tenant::{ApiKey, Policies, Tenant};
use holdline_domain::time::UnixMillis;

use super::Databases;
use super::process::Process;
use super::wire::Wire;

/// Everything in the tenants' database.
#[derive(Debug, Clone, Default)]
pub struct TenantRows {
    tenants: Vec<Tenant>,
    keys: Vec<ApiKey>,
}

/// Tenants as one process reaches them.
pub struct ModelTenants {
    wire: Wire<TenantRows>,
}

impl ModelTenants {
    pub(super) fn new(databases: &Databases, process: &Arc<Process>) -> Self {
        Self { wire: Wire::new(databases, &databases.tenants, process) }
    }
}

#[async_trait]
impl TenantStore for ModelTenants {
    async fn tenants(&self) -> Result<Vec<Tenant>, Fault> {
        self.wire.read("tenants.tenants", |rows| rows.tenants.clone()).await
    }

    async fn ensure_tenant(&self, draft: Tenant) -> Result<Tenant, Fault> {
        let commit = move |rows: &mut TenantRows, _| {
            if let Some(tenant) = rows.tenants.iter().find(|tenant| tenant.name == draft.name) {
                return Ok(tenant.clone());
            }
            let last = rows.tenants.iter().map(|tenant| tenant.id.0).max().unwrap_or(0);
            let tenant = Tenant { id: TenantId(last + 1), ..draft.clone() };
            rows.tenants.push(tenant.clone());
            Ok(tenant)
        };
        self.wire.write("tenants.ensure_tenant", commit).await
    }

    async fn put_policies(&self, tenant: TenantId, policies: &Policies) -> Result<bool, Fault> {
        let policies = policies.clone();
        let commit = move |rows: &mut TenantRows, _| {
            let known = rows.tenants.iter_mut().find(|known| known.id == tenant);
            Ok(known.map(|known| known.policies = policies.clone()).is_some())
        };
        self.wire.write("tenants.put_policies", commit).await
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, Fault> {
        self.wire.read("tenants.keys", |rows| rows.keys.clone()).await
    }

    async fn add_key(&self, key: ApiKey) -> Result<(), Fault> {
        let commit = move |rows: &mut TenantRows, _| {
            if rows.keys.iter().all(|known| known.key_id != key.key_id) {
                rows.keys.push(key.clone());
            }
            Ok(())
        };
        self.wire.write("tenants.add_key", commit).await
    }

    async fn revoke_key(&self, tenant: &TenantName, key_id: &str, at: UnixMillis) -> Result<bool, Fault> {
        let (tenant, key_id) = (tenant.clone(), key_id.to_owned());
        let commit = move |rows: &mut TenantRows, _| {
            let owner = rows.tenants.iter().find(|known| known.name == tenant).map(|known| known.id);
            let key = rows.keys.iter_mut().find(|key| key.key_id == key_id && Some(key.tenant) == owner);
            Ok(key.map(|key| key.revoked = key.revoked.or(Some(at))).is_some())
        };
        self.wire.write("tenants.revoke_key", commit).await
    }
}
