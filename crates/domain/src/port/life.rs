//! The port to what lives with orders: attempts, refunds, shipments, returns, and the callbacks and accounts of providers.
//!
//! Attempts, refunds, shipments and returns are written with their orders, by [`super::OrderStore::apply`]; here they are
//! read.

use async_trait::async_trait;

use crate::fault::Fault;
use crate::fulfillment::{Return, Shipment};
use crate::id::TenantId;
use crate::order::OrderNo;
use crate::payment::{
    Attempt, AttemptId, Callback, PaymentNo, ProviderAccount, ProviderName, Refund, UnsettledCount, UnsettledKind,
};
use crate::time::UnixMillis;

/// What lives with orders.
#[async_trait]
pub trait LifeStore: Send + Sync + 'static {
    /// Every attempt at these payments, by payment and number.
    async fn attempts(&self, tenant: TenantId, payments: &[PaymentNo]) -> Result<Vec<Attempt>, Fault>;

    /// One attempt.
    async fn attempt(&self, tenant: TenantId, id: &AttemptId) -> Result<Option<Attempt>, Fault>;

    /// Attempts to look at by `now`, the most overdue first.
    async fn due_attempts(&self, now: UnixMillis, limit: usize) -> Result<Vec<Attempt>, Fault>;

    /// Every refund of what these attempts captured, by attempt and number.
    async fn refunds(&self, tenant: TenantId, attempts: &[AttemptId]) -> Result<Vec<Refund>, Fault>;

    /// Refunds to send or ask for by `now`, the most overdue first.
    async fn due_refunds(&self, now: UnixMillis, limit: usize) -> Result<Vec<Refund>, Fault>;

    /// Attempts of a tenant that have been unsettled since `by` or longer ([`Attempt::unsettled_since`]), the longest first.
    async fn unsettled_attempts(&self, tenant: TenantId, by: UnixMillis, limit: usize) -> Result<Vec<Attempt>, Fault>;

    /// Refunds of a tenant that have been unsettled since `by` or longer ([`Refund::unsettled_since`]), the longest first.
    async fn unsettled_refunds(&self, tenant: TenantId, by: UnixMillis, limit: usize) -> Result<Vec<Refund>, Fault>;

    /// Callbacks of a tenant that have been unsettled since `by` or longer ([`Callback::unsettled_since`]), the longest first.
    async fn unsettled_callbacks(&self, tenant: TenantId, by: UnixMillis, limit: usize)
    -> Result<Vec<Callback>, Fault>;

    /// Of the `limit` rows of a kind, of all tenants, that have been unsettled the longest by `now`: how many since `by` or
    /// longer, and since when the first.
    async fn count_unsettled(
        &self,
        kind: UnsettledKind,
        by: UnixMillis,
        now: UnixMillis,
        limit: usize,
    ) -> Result<UnsettledCount, Fault>;

    /// Stores a callback once, durably. False: the event was stored before; to two that come at once it may be new to both.
    async fn keep_callback(&self, callback: &Callback) -> Result<bool, Fault>;

    /// Callbacks to act on by `now`, the most overdue first.
    async fn due_callbacks(&self, now: UnixMillis, limit: usize) -> Result<Vec<Callback>, Fault>;

    /// A callback by its provider's id of the event.
    async fn callback(
        &self,
        tenant: TenantId,
        provider: &ProviderName,
        event_id: &str,
    ) -> Result<Option<Callback>, Fault>;

    /// Notes what became of a callback: its state, note, tries and next try. One that is done stays as it is.
    async fn note_callback(&self, callback: &Callback) -> Result<(), Fault>;

    /// Every account at a provider.
    async fn provider_accounts(&self) -> Result<Vec<ProviderAccount>, Fault>;

    /// Writes an account. Its version is the stored one's next, whatever it says. Returns it as stored.
    async fn put_provider_account(&self, account: &ProviderAccount) -> Result<ProviderAccount, Fault>;

    /// The shipments of these orders, by order and number.
    async fn shipments(&self, tenant: TenantId, order_nos: &[OrderNo]) -> Result<Vec<Shipment>, Fault>;

    /// The returns of these orders, by order and number.
    async fn returns(&self, tenant: TenantId, order_nos: &[OrderNo]) -> Result<Vec<Return>, Fault>;
}
