//! What lives with orders, on SQL: attempts, refunds, shipments and returns beside the callbacks and accounts of providers.
//!
//! The four kinds of rows that change with their orders have the same form of key, (tenant, parent, n), and are written by
//! one pair of writes ([`writes`]): new rows as a whole, changed rows as a whole beside their key.

mod attempt;
mod callback;
mod provider;
mod refund;
mod returns;
mod shipment;

use async_trait::async_trait;
use holdline_domain::fault::Fault;
use holdline_domain::fulfillment::{Return, Shipment};
use holdline_domain::id::{TenantId, Version};
use holdline_domain::order::OrderNo;
use holdline_domain::order::change::{Decided, GuardKeys, Satellite, SatelliteKey, SatelliteKind};
use holdline_domain::payment::{
    Attempt, AttemptId, Callback, PaymentNo, ProviderAccount, ProviderName, Refund, UnsettledCount, UnsettledKind,
};
use holdline_domain::port::LifeStore;
use holdline_domain::time::UnixMillis;

use super::SqlOrders;
use super::stored::{ORDERS, small};
use crate::engine::{Column, Engine, Lookup, Row, Value, Write};
use crate::program::Results;
use crate::rows::{Fields, count, schema};

/// How one kind of rows is stored. Its columns begin with those of its key.
struct Table {
    name: &'static str,
    key: &'static [&'static str],
    version: &'static [&'static str],
    columns: &'static [&'static str],
}

const fn table(kind: SatelliteKind) -> &'static Table {
    match kind {
        SatelliteKind::Attempt => &attempt::TABLE,
        SatelliteKind::Refund => &refund::TABLE,
        SatelliteKind::Shipment => &shipment::TABLE,
        SatelliteKind::Return => &returns::TABLE,
    }
}

/// Lookups of the versions that a batch guards: one for each kind that it touches.
pub(super) fn version_lookups(keys: &GuardKeys) -> Vec<(SatelliteKind, Lookup)> {
    let of = |kind| {
        let keys: Vec<_> = keys.satellites.iter().filter(|(_, key)| key.kind == kind).collect();
        let Table { name, key, version, .. } = table(kind);
        let columns = vec![
            Column::Int(keys.iter().map(|(tenant, _)| tenant.0).collect()),
            Column::Text(keys.iter().map(|(_, key)| key.parent.to_string()).collect()),
            Column::Int(keys.iter().map(|(_, key)| i64::from(key.n)).collect()),
        ];
        let lookup = Lookup { table: name, columns: version, key, keys: columns, lock: false };
        (!keys.is_empty()).then_some((kind, lookup))
    };
    SatelliteKind::ALL.into_iter().filter_map(of).collect()
}

/// A key and its version, from the rows of [`version_lookups`].
pub(super) fn version(kind: SatelliteKind, row: Row) -> Result<((TenantId, SatelliteKey), Version), Fault> {
    let mut fields = Fields::of(ORDERS, row);
    let tenant = TenantId(fields.int()?);
    let key = SatelliteKey { kind, parent: fields.text()?.into(), n: small(fields.int()?)? };
    Ok(((tenant, key), Version(fields.int()?)))
}

/// Every write of a decided batch beside its orders.
pub(super) fn writes(decided: &Decided) -> Vec<Write> {
    let mut writes = Vec::new();
    for kind in SatelliteKind::ALL {
        let Table { name, key, columns, .. } = *table(kind);
        let of = |rows: &[Satellite]| values(kind, rows);
        if let Some(values) = of(&decided.new_rows) {
            writes.push(Write::Insert { table: name, columns, values, or_ignore: false });
        }
        if let Some(values) = of(&decided.changed_rows) {
            writes.push(Write::Update { table: name, key, set: &columns[key.len()..], add: &[], values });
        }
    }
    writes
}

/// The columns of the rows of one kind; `None` if there are none.
fn values(kind: SatelliteKind, rows: &[Satellite]) -> Option<Vec<Column>> {
    let (mut attempts, mut refunds, mut shipments, mut returns) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in rows.iter().filter(|row| row.kind() == kind) {
        match row {
            Satellite::Attempt(attempt) => attempts.push(&**attempt),
            Satellite::Refund(refund) => refunds.push(&**refund),
            Satellite::Shipment(shipment) => shipments.push(&**shipment),
            Satellite::Return(returned) => returns.push(&**returned),
        }
    }
    let values = match kind {
        SatelliteKind::Attempt => attempt::values(&attempts),
        SatelliteKind::Refund => refund::values(&refunds),
        SatelliteKind::Shipment => shipment::values(&shipments),
        SatelliteKind::Return => returns::values(&returns),
    };
    (!values[0].is_empty()).then_some(values)
}

impl<E: Engine> SqlOrders<E> {
    /// Rows of a kind by the first columns of its key.
    async fn rows_of(
        &self,
        kind: SatelliteKind,
        tenant: TenantId,
        parents: impl Iterator<Item = String>,
    ) -> Result<Vec<Row>, Fault> {
        let mut parents: Vec<String> = parents.collect();
        // One that is asked for twice would be found twice.
        parents.sort();
        parents.dedup();
        let Table { name, key, columns, .. } = table(kind);
        let keys = vec![Column::Int(vec![tenant.0; parents.len()]), Column::Text(parents)];
        let lookup = Lookup { table: name, columns, key: &key[..2], keys, lock: false };
        Ok(Results::new(self.engine.lookup(vec![lookup]).await?).take())
    }

    async fn listed<T>(
        &self,
        sql: &'static str,
        parameters: Vec<Value>,
        read: fn(Row) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        self.engine.query(sql, parameters).await?.into_iter().map(read).collect()
    }
}

fn longest(tenant: TenantId, by: UnixMillis, limit: usize) -> Vec<Value> {
    vec![Value::Int(tenant.0), Value::Int(by.0), count(limit)]
}

fn read_all<T>(rows: Vec<Row>, read: fn(Row) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
    rows.into_iter().map(read).collect()
}

#[async_trait]
impl<E: Engine> LifeStore for SqlOrders<E> {
    async fn attempts(&self, tenant: TenantId, payments: &[PaymentNo]) -> Result<Vec<Attempt>, Fault> {
        let payments = payments.iter().map(|payment| payment.as_str().to_owned());
        let rows = self.rows_of(SatelliteKind::Attempt, tenant, payments).await?;
        let mut attempts = read_all(rows, attempt::read)?;
        attempts.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(attempts)
    }

    async fn attempt(&self, tenant: TenantId, id: &AttemptId) -> Result<Option<Attempt>, Fault> {
        let attempts = self.attempts(tenant, std::slice::from_ref(&id.payment)).await?;
        Ok(attempts.into_iter().find(|attempt| attempt.id == *id))
    }

    async fn due_attempts(&self, now: UnixMillis, limit: usize) -> Result<Vec<Attempt>, Fault> {
        let sql = include_str!("../../sql/order/list_due_attempts.sql");
        self.listed(sql, vec![Value::Int(now.0), count(limit)], attempt::read).await
    }

    async fn refunds(&self, tenant: TenantId, attempts: &[AttemptId]) -> Result<Vec<Refund>, Fault> {
        let attempts = attempts.iter().map(AttemptId::to_string);
        let mut refunds = read_all(self.rows_of(SatelliteKind::Refund, tenant, attempts).await?, refund::read)?;
        refunds.sort_by(|a, b| (&a.attempt, a.n).cmp(&(&b.attempt, b.n)));
        Ok(refunds)
    }

    async fn due_refunds(&self, now: UnixMillis, limit: usize) -> Result<Vec<Refund>, Fault> {
        let sql = include_str!("../../sql/order/list_due_refunds.sql");
        self.listed(sql, vec![Value::Int(now.0), count(limit)], refund::read).await
    }

    async fn unsettled_attempts(&self, tenant: TenantId, by: UnixMillis, limit: usize) -> Result<Vec<Attempt>, Fault> {
        let sql = include_str!("../../sql/order/list_unsettled_attempts.sql");
        self.listed(sql, longest(tenant, by, limit), attempt::read).await
    }

    async fn unsettled_refunds(&self, tenant: TenantId, by: UnixMillis, limit: usize) -> Result<Vec<Refund>, Fault> {
        let sql = include_str!("../../sql/order/list_unsettled_refunds.sql");
        self.listed(sql, longest(tenant, by, limit), refund::read).await
    }

    async fn unsettled_callbacks(
        &self,
        tenant: TenantId,
        by: UnixMillis,
        limit: usize,
    ) -> Result<Vec<Callback>, Fault> {
        let sql = include_str!("../../sql/order/list_unsettled_callbacks.sql");
        self.listed(sql, longest(tenant, by, limit), callback::read).await
    }

    async fn count_unsettled(
        &self,
        kind: UnsettledKind,
        by: UnixMillis,
        now: UnixMillis,
        limit: usize,
    ) -> Result<UnsettledCount, Fault> {
        let sql = match kind {
            UnsettledKind::Attempt => include_str!("../../sql/order/count_unsettled_attempts.sql"),
            UnsettledKind::Refund => include_str!("../../sql/order/count_unsettled_refunds.sql"),
            UnsettledKind::Callback => include_str!("../../sql/order/count_unsettled_callbacks.sql"),
        };
        let rows = self.engine.query(sql, vec![Value::Int(by.0), Value::Int(now.0), count(limit)]).await?;
        let row = rows.into_iter().next().ok_or_else(|| schema(ORDERS, "a count has no row"))?;
        let mut fields = Fields::of(ORDERS, row);
        let overdue = usize::try_from(fields.int()?).map_err(|_| schema(ORDERS, "a count is negative"))?;
        Ok(UnsettledCount { overdue, oldest: fields.opt_int()?.map(UnixMillis) })
    }

    async fn keep_callback(&self, callback: &Callback) -> Result<bool, Fault> {
        callback::keep(&self.engine, callback).await
    }

    async fn due_callbacks(&self, now: UnixMillis, limit: usize) -> Result<Vec<Callback>, Fault> {
        let sql = include_str!("../../sql/order/list_due_callbacks.sql");
        self.listed(sql, vec![Value::Int(now.0), count(limit)], callback::read).await
    }

    async fn callback(
        &self,
        tenant: TenantId,
        provider: &ProviderName,
        event_id: &str,
    ) -> Result<Option<Callback>, Fault> {
        callback::find(&self.engine, tenant, provider, event_id).await
    }

    async fn note_callback(&self, callback: &Callback) -> Result<(), Fault> {
        callback::note(&self.engine, callback).await
    }

    async fn provider_accounts(&self) -> Result<Vec<ProviderAccount>, Fault> {
        let sql = include_str!("../../sql/order/list_payment_providers.sql");
        self.listed(sql, Vec::new(), provider::read).await
    }

    async fn put_provider_account(&self, account: &ProviderAccount) -> Result<ProviderAccount, Fault> {
        provider::put(&self.engine, account.clone()).await
    }

    async fn shipments(&self, tenant: TenantId, order_nos: &[OrderNo]) -> Result<Vec<Shipment>, Fault> {
        let parents = order_nos.iter().map(|order_no| order_no.as_str().to_owned());
        let mut shipments = read_all(self.rows_of(SatelliteKind::Shipment, tenant, parents).await?, shipment::read)?;
        shipments.sort_by(|a, b| (&a.order_no, a.n).cmp(&(&b.order_no, b.n)));
        Ok(shipments)
    }

    async fn returns(&self, tenant: TenantId, order_nos: &[OrderNo]) -> Result<Vec<Return>, Fault> {
        let parents = order_nos.iter().map(|order_no| order_no.as_str().to_owned());
        let mut returns = read_all(self.rows_of(SatelliteKind::Return, tenant, parents).await?, returns::read)?;
        returns.sort_by(|a, b| (&a.order_no, a.n).cmp(&(&b.order_no, b.n)));
        Ok(returns)
    }
}
