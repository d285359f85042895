//! Endpoints of webhooks on SQL, and the log of what was tried.
//!
//! A change of an endpoint locks its row; a wish for one takes the catalog's head first, as everything does that a tenant
//! writes about itself, so that the limit of endpoints holds. Nothing here waits for a batch of orders.

mod stored;

use async_trait::async_trait;
use holdline_domain::fault::Fault;
use holdline_domain::id::TenantId;
use holdline_domain::port::WebhookStore;
use holdline_domain::time::UnixMillis;
use holdline_domain::webhook::{
    self, DELIVERIES_KEPT, Delivery, Disabled, Endpoint, EndpointKey, EndpointPut, EndpointWish, WebhookSecret,
};

use self::stored::ENDPOINT_COLUMNS;
use crate::engine::{Column, Engine, Lookup, Value, Write};
use crate::order::stored::ORDERS;
use crate::order::{position, position_of, set_position};
use crate::program::{Once, head, head_unlocked};
use crate::rows::{Fields, count};

const KEY: &[&str] = &["tenant", "name"];

/// Endpoints over an engine.
#[derive(Clone)]
pub struct SqlWebhooks<E> {
    engine: E,
}

impl<E: Engine> SqlWebhooks<E> {
    /// The endpoints in the orders database behind `engine`.
    pub fn new(engine: E) -> Self {
        Self { engine }
    }

    /// Changes one endpoint under the lock of its row; `None`: there is none.
    async fn change<O: Send + 'static>(
        &self,
        key: &EndpointKey,
        columns: &'static [&'static str],
        change: impl FnOnce(crate::engine::Row, UnixMillis) -> Result<(Vec<Write>, O), Fault> + Send + 'static,
    ) -> Result<Option<O>, Fault> {
        let program = Once::new(vec![head_unlocked("feed_head"), row_of(key, columns)], move |mut results, now| {
            results.head(ORDERS)?;
            let Some(row) = results.take().pop() else { return Ok((Vec::new(), None)) };
            let (writes, outcome) = change(row, now)?;
            Ok((writes, Some(outcome)))
        });
        self.engine.run(program).await
    }
}

fn key_columns(key: &EndpointKey) -> Vec<Column> {
    vec![Column::Int(vec![key.tenant.0]), Column::Text(vec![key.name.as_str().to_owned()])]
}

fn row_of(key: &EndpointKey, columns: &'static [&'static str]) -> Lookup {
    Lookup { table: "webhook_endpoint", columns, key: KEY, keys: key_columns(key), lock: true }
}

#[async_trait]
impl<E: Engine> WebhookStore for SqlWebhooks<E> {
    async fn endpoints(&self, tenant: Option<TenantId>) -> Result<Vec<Endpoint>, Fault> {
        let (from, to) = tenant.map_or((0, i64::MAX), |tenant| (tenant.0, tenant.0));
        let sql = include_str!("../../sql/webhook/list_endpoints.sql");
        let rows = self.engine.query(sql, vec![Value::Int(from), Value::Int(to)]).await?;
        rows.into_iter().map(stored::endpoint).collect()
    }

    async fn put_endpoint(&self, wish: &EndpointWish) -> Result<EndpointPut, Fault> {
        let consumer = wish.key.consumer();
        let of_tenant = Lookup {
            table: "webhook_endpoint",
            columns: ENDPOINT_COLUMNS,
            key: &["tenant"],
            keys: vec![Column::Int(vec![wish.key.tenant.0])],
            lock: true,
        };
        let lookups = vec![head("catalog_head", &["min_writer"]), of_tenant, position_of(consumer.as_str(), true)];
        let wish = wish.clone();
        let program = Once::new(lookups, move |mut results, now| {
            results.head(ORDERS)?;
            let known: Vec<Endpoint> = results.take().into_iter().map(stored::endpoint).collect::<Result<_, _>>()?;
            let put = webhook::put(&wish, &known, now);
            let writes = match &put {
                EndpointPut::TooMany => Vec::new(),
                EndpointPut::Changed(endpoint) => vec![stored::update(endpoint)],
                EndpointPut::Created(endpoint) => {
                    let at = set_position(consumer.as_str(), position(results.take())?, wish.begin);
                    std::iter::once(stored::insert(endpoint)).chain(at).collect()
                }
            };
            Ok((writes, put))
        });
        self.engine.run(program).await
    }

    async fn rotate_secret(&self, key: &EndpointKey, secret: WebhookSecret) -> Result<Option<Endpoint>, Fault> {
        let change = move |row, now| {
            let endpoint = stored::endpoint(row)?.rotated(secret, now);
            Ok((vec![stored::update(&endpoint)], endpoint))
        };
        self.change(key, ENDPOINT_COLUMNS, change).await
    }

    async fn disable_endpoint(&self, key: &EndpointKey, why: Disabled) -> Result<(), Fault> {
        let change = move |row, _now| {
            let endpoint = Endpoint { disabled: Some(why), ..stored::endpoint(row)? };
            Ok((vec![stored::update(&endpoint)], ()))
        };
        self.change(key, ENDPOINT_COLUMNS, change).await.map(drop)
    }

    async fn lease_endpoint(&self, key: &EndpointKey, owner: &str, for_ms: i64) -> Result<bool, Fault> {
        let (columns, me) = (key_columns(key), owner.to_owned());
        let change = move |row, now: UnixMillis| {
            let mut fields = Fields::of(ORDERS, row);
            let (owner, until) = (fields.text()?, UnixMillis(fields.int()?));
            if owner != me && until > now {
                return Ok((Vec::new(), false));
            }
            let mut values = columns;
            values.extend([Column::Text(vec![me]), Column::Int(vec![now.plus_ms(for_ms).0])]);
            let set = &["lease", "lease_until_ms"];
            Ok((vec![Write::Update { table: "webhook_endpoint", key: KEY, set, add: &[], values }], true))
        };
        Ok(self.change(key, &["lease", "lease_until_ms"], change).await?.unwrap_or(false))
    }

    async fn log_deliveries(&self, key: &EndpointKey, tries: &[Delivery]) -> Result<(), Fault> {
        let (of, tries) = (key.clone(), tries.to_vec());
        let change = move |row, _now| {
            let mut fields = Fields::of(ORDERS, row);
            let (first, next) = (fields.int()?, fields.int()?);
            let numbered: Vec<Delivery> =
                (next..).zip(tries).map(|(no, delivery)| Delivery { no, ..delivery }).collect();
            let after = numbered.last().map_or(next, |last| last.no + 1);
            let keep_from = first.max(after - DELIVERIES_KEPT);
            let forgotten: Vec<i64> = (first..keep_from).collect();
            let mut writes = vec![stored::insert_deliveries(&of, &numbered)];
            if !forgotten.is_empty() {
                writes.push(stored::delete_deliveries(&of, forgotten));
            }
            let mut values = key_columns(&of);
            values.extend([Column::Int(vec![keep_from]), Column::Int(vec![after])]);
            let set = &["first_no", "next_no"];
            writes.push(Write::Update { table: "webhook_endpoint", key: KEY, set, add: &[], values });
            Ok((writes, ()))
        };
        self.change(key, &["first_no", "next_no"], change).await.map(drop)
    }

    async fn deliveries(&self, key: &EndpointKey, before: Option<i64>, limit: usize) -> Result<Vec<Delivery>, Fault> {
        let sql = include_str!("../../sql/webhook/list_deliveries.sql");
        let name = Value::Text(key.name.as_str().to_owned());
        let before = Value::Int(before.unwrap_or(i64::MAX));
        let rows = self.engine.query(sql, vec![Value::Int(key.tenant.0), name, before, count(limit)]).await?;
        rows.into_iter().map(stored::delivery).collect()
    }
}
