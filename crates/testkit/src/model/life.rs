//! What lives with orders, over maps: read from the rows that batches of orders write; callbacks and accounts beside them.

use async_trait::async_trait;
use holdline_domain::fault::Fault;
use holdline_domain::fulfillment::{Return, Shipment};
use holdline_domain::id::{TenantId, Version};
use holdline_domain::order::OrderNo;
use holdline_domain::order::change::Satellite;
use holdline_domain::payment::{
    Attempt, AttemptId, Callback, CallbackState, PaymentNo, ProviderAccount, ProviderName, Refund, UnsettledCount,
    UnsettledKind,
};
use holdline_domain::port::LifeStore;
use holdline_domain::time::UnixMillis;

use super::orders::{ModelOrders, OrderRows};

impl OrderRows {
    /// Every attempt.
    pub fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.satellites.values().filter_map(|row| match row {
            Satellite::Attempt(attempt) => Some(&**attempt),
            Satellite::Refund(_) | Satellite::Shipment(_) | Satellite::Return(_) => None,
        })
    }

    /// Every refund.
    pub fn refunds(&self) -> impl Iterator<Item = &Refund> {
        self.satellites.values().filter_map(|row| match row {
            Satellite::Refund(refund) => Some(&**refund),
            Satellite::Attempt(_) | Satellite::Shipment(_) | Satellite::Return(_) => None,
        })
    }

    /// Every shipment.
    pub fn shipments(&self) -> impl Iterator<Item = &Shipment> {
        self.satellites.values().filter_map(|row| match row {
            Satellite::Shipment(shipment) => Some(&**shipment),
            Satellite::Attempt(_) | Satellite::Refund(_) | Satellite::Return(_) => None,
        })
    }

    /// Every return.
    pub fn returns(&self) -> impl Iterator<Item = &Return> {
        self.satellites.values().filter_map(|row| match row {
            Satellite::Return(returned) => Some(&**returned),
            Satellite::Attempt(_) | Satellite::Refund(_) | Satellite::Shipment(_) => None,
        })
    }
}

/// The first of these by an instant, of those that have one up to `now`.
fn due<'a, T: Clone + 'a>(
    rows: impl Iterator<Item = &'a T>,
    at: impl Fn(&T) -> Option<UnixMillis>,
    now: UnixMillis,
    limit: usize,
) -> Vec<T> {
    let mut due: Vec<(UnixMillis, &T)> =
        rows.filter_map(|row| at(row).filter(|at| *at <= now).map(|at| (at, row))).collect();
    due.sort_by_key(|(at, _)| *at);
    due.into_iter().take(limit).map(|(_, row)| row.clone()).collect()
}

#[async_trait]
impl LifeStore for ModelOrders {
    async fn attempts(&self, tenant: TenantId, payments: &[PaymentNo]) -> Result<Vec<Attempt>, Fault> {
        let read = |rows: &OrderRows| {
            let of = |attempt: &&Attempt| attempt.tenant == tenant && payments.contains(&attempt.id.payment);
            rows.attempts().filter(of).cloned().collect()
        };
        self.wire.read("life.attempts", read).await
    }

    async fn attempt(&self, tenant: TenantId, id: &AttemptId) -> Result<Option<Attempt>, Fault> {
        let read =
            |rows: &OrderRows| rows.attempts().find(|attempt| attempt.tenant == tenant && attempt.id == *id).cloned();
        self.wire.read("life.attempt", read).await
    }

    async fn due_attempts(&self, now: UnixMillis, limit: usize) -> Result<Vec<Attempt>, Fault> {
        let read = |rows: &OrderRows| due(rows.attempts(), |attempt| attempt.next_look, now, limit);
        self.wire.read("life.due_attempts", read).await
    }

    async fn refunds(&self, tenant: TenantId, attempts: &[AttemptId]) -> Result<Vec<Refund>, Fault> {
        let read = |rows: &OrderRows| {
            let of = |refund: &&Refund| refund.tenant == tenant && attempts.contains(&refund.attempt);
            rows.refunds().filter(of).cloned().collect()
        };
        self.wire.read("life.refunds", read).await
    }

    async fn due_refunds(&self, now: UnixMillis, limit: usize) -> Result<Vec<Refund>, Fault> {
        let read = |rows: &OrderRows| due(rows.refunds(), |refund| refund.next_try, now, limit);
        self.wire.read("life.due_refunds", read).await
    }

    async fn unsettled_attempts(&self, tenant: TenantId, by: UnixMillis, limit: usize) -> Result<Vec<Attempt>, Fault> {
        let read = |rows: &OrderRows| {
            due(rows.attempts().filter(|attempt| attempt.tenant == tenant), Attempt::unsettled_since, by, limit)
        };
        self.wire.read("life.unsettled_attempts", read).await
    }

    async fn unsettled_refunds(&self, tenant: TenantId, by: UnixMillis, limit: usize) -> Result<Vec<Refund>, Fault> {
        let read = |rows: &OrderRows| {
            due(rows.refunds().filter(|refund| refund.tenant == tenant), Refund::unsettled_since, by, limit)
        };
        self.wire.read("life.unsettled_refunds", read).await
    }

    async fn unsettled_callbacks(
        &self,
        tenant: TenantId,
        by: UnixMillis,
        limit: usize,
    ) -> Result<Vec<Callback>, Fault> {
        let read = |rows: &OrderRows| {
            let theirs = rows.callbacks.values().filter(|callback| callback.tenant == tenant);
            due(theirs, Callback::unsettled_since, by, limit)
        };
        self.wire.read("life.unsettled_callbacks", read).await
    }

    async fn count_unsettled(
        &self,
        kind: UnsettledKind,
        by: UnixMillis,
        now: UnixMillis,
        limit: usize,
    ) -> Result<UnsettledCount, Fault> {
        let read = |rows: &OrderRows| {
            let since: Vec<Option<UnixMillis>> = match kind {
                UnsettledKind::Attempt => rows.attempts().map(Attempt::unsettled_since).collect(),
                UnsettledKind::Refund => rows.refunds().map(Refund::unsettled_since).collect(),
                UnsettledKind::Callback => rows.callbacks.values().map(Callback::unsettled_since).collect(),
            };
            let longest = due(since.iter(), |since| *since, now, limit);
            let overdue = longest.iter().flatten().filter(|since| **since <= by).count();
            UnsettledCount { overdue, oldest: longest.first().copied().flatten() }
        };
        self.wire.read("life.count_unsettled", read).await
    }

    async fn keep_callback(&self, callback: &Callback) -> Result<bool, Fault> {
        let (callback, wire) = (callback.clone(), self.wire.clone());
        let commit = move |rows: &mut OrderRows, _| {
            let key = (callback.tenant, callback.provider.clone(), callback.event_id.clone());
            let is_new = !rows.callbacks.contains_key(&key);
            let received = wire.database_clock().now();
            rows.callbacks.entry(key).or_insert_with(|| Callback { received, ..callback.clone() });
            Ok(is_new)
        };
        self.wire.write("life.keep_callback", commit).await
    }

    async fn due_callbacks(&self, now: UnixMillis, limit: usize) -> Result<Vec<Callback>, Fault> {
        let read = |rows: &OrderRows| due(rows.callbacks.values(), |callback| callback.next_try, now, limit);
        self.wire.read("life.due_callbacks", read).await
    }

    async fn callback(
        &self,
        tenant: TenantId,
        provider: &ProviderName,
        event_id: &str,
    ) -> Result<Option<Callback>, Fault> {
        let key = (tenant, provider.clone(), event_id.to_owned());
        self.wire.read("life.callback", move |rows: &OrderRows| rows.callbacks.get(&key).cloned()).await
    }

    async fn note_callback(&self, callback: &Callback) -> Result<(), Fault> {
        let callback = callback.clone();
        let commit = move |rows: &mut OrderRows, _| {
            let key = (callback.tenant, callback.provider.clone(), callback.event_id.clone());
            if let Some(stored) = rows.callbacks.get_mut(&key).filter(|stored| stored.state != CallbackState::Done) {
                let Callback { state, note, tries, next_try, .. } = callback.clone();
                *stored = Callback { state, note, tries, next_try, ..stored.clone() };
            }
            Ok(())
        };
        self.wire.write("life.note_callback", commit).await
    }

    async fn provider_accounts(&self) -> Result<Vec<ProviderAccount>, Fault> {
        self.wire.read("life.provider_accounts", |rows: &OrderRows| rows.accounts.clone()).await
    }

    async fn put_provider_account(&self, account: &ProviderAccount) -> Result<ProviderAccount, Fault> {
        let account = account.clone();
        let commit = move |rows: &mut OrderRows, _| {
            let place = rows.accounts.iter().position(|of| (of.tenant, &of.name) == (account.tenant, &account.name));
            let version = place.map_or(Version::FIRST, |place| rows.accounts.remove(place).version.next());
            let stored = ProviderAccount { version, ..account.clone() };
            rows.accounts.push(stored.clone());
            rows.accounts.sort_by(|a, b| (a.tenant, &a.name).cmp(&(b.tenant, &b.name)));
            Ok(stored)
        };
        self.wire.write("life.put_provider_account", commit).await
    }

    async fn shipments(&self, tenant: TenantId, order_nos: &[OrderNo]) -> Result<Vec<Shipment>, Fault> {
        let read = |rows: &OrderRows| {
            let of = |shipment: &&Shipment| shipment.tenant == tenant && order_nos.contains(&shipment.order_no);
            rows.shipments().filter(of).cloned().collect()
        };
        self.wire.read("life.shipments", read).await
    }

    async fn returns(&self, tenant: TenantId, order_nos: &[OrderNo]) -> Result<Vec<Return>, Fault> {
        let read = |rows: &OrderRows| {
            let of = |returned: &&Return| returned.tenant == tenant && order_nos.contains(&returned.order_no);
            rows.returns().filter(of).cloned().collect()
        };
        self.wire.read("life.returns", read).await
    }
}
