//! The port of tenants and API keys.

use async_trait::async_trait;

use crate::fault::Fault;
use crate::id::{TenantId, TenantName};
use crate::tenant::{ApiKey, Policies, Tenant};
use crate::time::UnixMillis;

/// Where tenants and keys live.
#[async_trait]
pub trait TenantStore: Send + Sync + 'static {
    /// Every tenant.
    async fn tenants(&self) -> Result<Vec<Tenant>, Fault>;

    /// The tenant of a name; made from `draft` (whose id is ignored) if missing. An existing one is left as it is.
    async fn ensure_tenant(&self, draft: Tenant) -> Result<Tenant, Fault>;

    /// Replaces a tenant's policies. False if there is no such tenant.
    async fn put_policies(&self, tenant: TenantId, policies: &Policies) -> Result<bool, Fault>;

    /// Every key, revoked ones too.
    async fn keys(&self) -> Result<Vec<ApiKey>, Fault>;

    /// Stores a new key.
    async fn add_key(&self, key: ApiKey) -> Result<(), Fault>;

    /// Revokes a key of a tenant. False if there is no such key.
    async fn revoke_key(&self, tenant: &TenantName, key_id: &str, at: UnixMillis) -> Result<bool, Fault>;
}
