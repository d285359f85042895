//! Endpoints of webhooks over maps.

use std::sync::Arc;

use async_trait::async_trait;
use holdline_domain::fault::Fault;
use holdline_domain::id::TenantId;
use holdline_domain::port::WebhookStore;
use holdline_domain::time::UnixMillis;
use holdline_domain::webhook::{
    self, DELIVERIES_KEPT, Delivery, Disabled, Endpoint, EndpointKey, EndpointPut, EndpointWish, WebhookSecret,
};

use super::OrderRows;
use crate::model::Databases;
use crate::model::process::Process;
use crate::model::wire::Wire;

/// An endpoint with what a store keeps beside it.
#[derive(Debug, Clone)]
pub(super) struct StoredEndpoint {
    endpoint: Endpoint,
    lease: (String, UnixMillis),
    next_no: i64,
    deliveries: Vec<Delivery>,
}

/// Endpoints as one process reaches them.
pub struct ModelWebhooks {
    wire: Wire<OrderRows>,
}

impl ModelWebhooks {
    pub(in crate::model) fn new(databases: &Databases, process: &Arc<Process>) -> Self {
        Self { wire: Wire::new(databases, &databases.orders, process) }
    }
}

#[async_trait]
impl WebhookStore for ModelWebhooks {
    async fn endpoints(&self, tenant: Option<TenantId>) -> Result<Vec<Endpoint>, Fault> {
        let read = |rows: &OrderRows| {
            let all = rows.endpoints.values().map(|stored| stored.endpoint.clone());
            all.filter(|endpoint| tenant.is_none_or(|tenant| endpoint.key.tenant == tenant)).collect()
        };
        self.wire.read("webhooks.endpoints", read).await
    }

    async fn put_endpoint(&self, wish: &EndpointWish) -> Result<EndpointPut, Fault> {
        let (wish, wire) = (wish.clone(), self.wire.clone());
        let commit = move |rows: &mut OrderRows, _| {
            let of_tenant = rows.endpoints.values().filter(|stored| stored.endpoint.key.tenant == wish.key.tenant);
            let known: Vec<Endpoint> = of_tenant.map(|stored| stored.endpoint.clone()).collect();
            let put = webhook::put(&wish, &known, wire.database_clock().now());
            match &put {
                EndpointPut::Created(endpoint) => {
                    let lease = (String::new(), UnixMillis(0));
                    let stored =
                        StoredEndpoint { endpoint: endpoint.clone(), lease, next_no: 1, deliveries: Vec::new() };
                    rows.endpoints.insert(wish.key.clone(), stored);
                    rows.moved(wish.key.consumer().as_str(), wish.begin);
                }
                EndpointPut::Changed(endpoint) => {
                    if let Some(stored) = rows.endpoints.get_mut(&wish.key) {
                        stored.endpoint = endpoint.clone();
                    }
                }
                EndpointPut::TooMany => {}
            }
            Ok(put)
        };
        self.wire.write("webhooks.put_endpoint", commit).await
    }

    async fn rotate_secret(&self, key: &EndpointKey, secret: WebhookSecret) -> Result<Option<Endpoint>, Fault> {
        let (key, wire) = (key.clone(), self.wire.clone());
        let commit = move |rows: &mut OrderRows, _| {
            let now = wire.database_clock().now();
            let Some(stored) = rows.endpoints.get_mut(&key) else { return Ok(None) };
            stored.endpoint = stored.endpoint.clone().rotated(secret.clone(), now);
            Ok(Some(stored.endpoint.clone()))
        };
        self.wire.write("webhooks.rotate_secret", commit).await
    }

    async fn disable_endpoint(&self, key: &EndpointKey, why: Disabled) -> Result<(), Fault> {
        let key = key.clone();
        let commit = move |rows: &mut OrderRows, _| {
            if let Some(stored) = rows.endpoints.get_mut(&key) {
                stored.endpoint.disabled = Some(why);
            }
            Ok(())
        };
        self.wire.write("webhooks.disable_endpoint", commit).await
    }

    async fn lease_endpoint(&self, key: &EndpointKey, owner: &str, for_ms: i64) -> Result<bool, Fault> {
        let (key, owner, wire) = (key.clone(), owner.to_owned(), self.wire.clone());
        let commit = move |rows: &mut OrderRows, _| {
            let now = wire.database_clock().now();
            let Some(stored) = rows.endpoints.get_mut(&key) else { return Ok(false) };
            let is_free = stored.lease.0 == owner || stored.lease.1 <= now;
            if is_free {
                stored.lease = (owner.clone(), now.plus_ms(for_ms));
            }
            Ok(is_free)
        };
        self.wire.write("webhooks.lease_endpoint", commit).await
    }

    async fn log_deliveries(&self, key: &EndpointKey, tries: &[Delivery]) -> Result<(), Fault> {
        let (key, tries) = (key.clone(), tries.to_vec());
        let commit = move |rows: &mut OrderRows, _| {
            let Some(stored) = rows.endpoints.get_mut(&key) else { return Ok(()) };
            for delivery in &tries {
                stored.deliveries.push(Delivery { no: stored.next_no, ..delivery.clone() });
                stored.next_no += 1;
            }
            let keep_from = stored.next_no - DELIVERIES_KEPT;
            stored.deliveries.retain(|delivery| delivery.no >= keep_from);
            Ok(())
        };
        self.wire.write("webhooks.log_deliveries", commit).await
    }

    async fn deliveries(&self, key: &EndpointKey, before: Option<i64>, limit: usize) -> Result<Vec<Delivery>, Fault> {
        let read = |rows: &OrderRows| {
            let all = rows.endpoints.get(key).into_iter().flat_map(|stored| stored.deliveries.iter().rev());
            let page = all.filter(|delivery| before.is_none_or(|before| delivery.no < before)).take(limit);
            page.cloned().collect()
        };
        self.wire.read("webhooks.deliveries", read).await
    }
}
