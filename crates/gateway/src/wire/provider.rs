//! The shapes of accounts at payment providers.

use std::borrow::Cow;

use holdline_domain::payment::ProviderAccount;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// An account at a provider.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PaymentProviderInput)]
pub(crate) struct ProviderInput<'a> {
    /// Which adapter: `http`, `wechatpay`.
    #[serde(borrow)]
    pub(crate) kind: Cow<'a, str>,
    /// Whether new attempts may be opened at it.
    #[serde(default = "enabled")]
    pub(crate) enabled: bool,
    /// What the adapter needs; see its page in docs/guides. Written, never shown.
    #[serde(borrow)]
    #[schema(value_type = serde_json::Value)]
    pub(crate) settings: &'a RawValue,
}

fn enabled() -> bool {
    true
}

/// An account at a provider, without its settings.
#[derive(Serialize, ToSchema)]
#[schema(as = PaymentProvider)]
pub(crate) struct ProviderBody<'a> {
    /// The tenant's name of it.
    provider: &'a str,
    /// Which adapter.
    kind: &'static str,
    /// Whether new attempts may be opened at it.
    enabled: bool,
    /// One more with each change.
    version: i64,
}

impl<'a> ProviderBody<'a> {
    pub(crate) fn new(account: &'a ProviderAccount) -> Self {
        Self {
            provider: account.name.as_str(),
            kind: account.kind.as_str(),
            enabled: account.enabled,
            version: account.version.0,
        }
    }
}

/// The accounts of a tenant.
#[derive(Serialize, ToSchema)]
#[schema(as = PaymentProviderList)]
pub(crate) struct ProvidersBody<'a> {
    /// Each, by name.
    pub(crate) providers: Vec<ProviderBody<'a>>,
}
