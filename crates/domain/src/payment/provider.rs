//! Payment providers as a tenant has them: a name of its own, a kind of adapter, and what the adapter needs to know.

use crate::id::{TenantId, Version, text_id};
use crate::order::state::named_enum;

text_id!(/// A provider as the tenant names it.
    ProviderName, "provider", 32, crate::id::name_char);

named_enum! {
    /// Which adapter speaks to a provider.
    ProviderKind {
        /// The protocol of docs/guides/payment-center.md: a mall's own payment center, and the sandbox.
        Http = "http",
        /// `WeChat` Pay, API v3.
        WechatPay = "wechatpay",
    }
}

/// A tenant's account at a provider.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderAccount {
    /// Whose.
    pub tenant: TenantId,
    /// The tenant's name of it; part of the address that callbacks come to.
    pub name: ProviderName,
    /// Which adapter.
    pub kind: ProviderKind,
    /// What the adapter needs: JSON, read by it alone. Has secrets in it: never logged, never shown.
    pub settings: String,
    /// Whether new attempts may be opened at it. Those that are open are followed in any case.
    pub enabled: bool,
    /// One more with each change.
    pub version: Version,
}

impl std::fmt::Debug for ProviderAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderAccount")
            .field("tenant", &self.tenant)
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("enabled", &self.enabled)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
