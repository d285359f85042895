//! Tenants and API keys on SQL, in the orders database, under `catalog_head`: written rarely, read into memory whole.

mod stored;

use async_trait::async_trait;
use holdline_domain::fault::{Fault, FaultKind};
use holdline_domain::id::{TenantId, TenantName};
use holdline_domain::port::TenantStore;
use holdline_domain::tenant::{ApiKey, Policies, Tenant};
use holdline_domain::time::UnixMillis;

use self::stored::{KEY_COLUMNS, ORDERS, TENANT_COLUMNS};
use crate::engine::{Column, Engine, Lookup, Write};
use crate::program::{Once, head, set_head};
use crate::rows::{Fields, json};

const HEAD: &str = "catalog_head";

/// Tenants and keys over an engine.
#[derive(Clone)]
pub struct SqlTenants<E> {
    engine: E,
}

impl<E: Engine> SqlTenants<E> {
    /// The tenants in the orders database behind `engine`.
    pub fn new(engine: E) -> Self {
        Self { engine }
    }
}

fn by_name(columns: &'static [&'static str], name: &TenantName) -> Lookup {
    let keys = vec![Column::Text(vec![name.as_str().to_owned()])];
    Lookup { table: "tenant", columns, key: &["name"], keys, lock: false }
}

#[async_trait]
impl<E: Engine> TenantStore for SqlTenants<E> {
    async fn tenants(&self) -> Result<Vec<Tenant>, Fault> {
        let rows = self.engine.query(include_str!("../../sql/tenant/list_tenants.sql"), vec![]).await?;
        rows.into_iter().map(stored::tenant).collect()
    }

    async fn ensure_tenant(&self, draft: Tenant) -> Result<Tenant, Fault> {
        let lookups = vec![head(HEAD, &["min_writer", "next_tenant"]), by_name(TENANT_COLUMNS, &draft.name)];
        let program = Once::new(lookups, move |mut results, _now| {
            let next = results.head(ORDERS)?.int()?;
            if let Some(row) = results.take().pop() {
                return Ok((Vec::new(), stored::tenant(row)?));
            }
            let tenant = Tenant { id: TenantId(next), ..draft };
            let values = stored::tenant_values(&tenant);
            let insert = Write::Insert { table: "tenant", columns: TENANT_COLUMNS, values, or_ignore: false };
            Ok((vec![insert, set_head(HEAD, &["next_tenant"], &[next + 1])], tenant))
        });
        self.engine.run(program).await
    }

    async fn put_policies(&self, tenant: TenantId, policies: &Policies) -> Result<bool, Fault> {
        let key = vec![Column::Int(vec![tenant.0])];
        let known = Lookup { table: "tenant", columns: &["tenant"], key: &["tenant"], keys: key.clone(), lock: false };
        let values = [key, vec![Column::Text(vec![json(policies)])]].concat();
        let write = Write::Update { table: "tenant", key: &["tenant"], set: &["policies"], add: &[], values };
        let program = Once::new(vec![head(HEAD, &["min_writer"]), known], move |mut results, _now| {
            results.head(ORDERS)?;
            let known = !results.take().is_empty();
            Ok((if known { vec![write] } else { Vec::new() }, known))
        });
        self.engine.run(program).await
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, Fault> {
        let rows = self.engine.query(include_str!("../../sql/tenant/list_keys.sql"), vec![]).await?;
        rows.into_iter().map(stored::key).collect()
    }

    /// A key that is stored already, whole and unchanged, is a success: the write may be sent again. Another key under
    /// its name or secret is a fault of kind `Conflict`.
    async fn add_key(&self, key: ApiKey) -> Result<(), Fault> {
        let same = Lookup {
            table: "api_key",
            columns: KEY_COLUMNS,
            key: &["tenant", "key_id"],
            keys: vec![Column::Int(vec![key.tenant.0]), Column::Text(vec![key.key_id.clone()])],
            lock: false,
        };
        let program = Once::new(vec![head(HEAD, &["min_writer"]), same], move |mut results, _now| {
            results.head(ORDERS)?;
            match results.take().pop().map(stored::key).transpose()? {
                Some(stored) if stored == key => Ok((Vec::new(), ())),
                Some(_) => Err(Fault::not_done(ORDERS, FaultKind::Conflict, "another key has this name")),
                None => {
                    let values = stored::key_values(&key);
                    let insert = Write::Insert { table: "api_key", columns: KEY_COLUMNS, values, or_ignore: false };
                    Ok((vec![insert], ()))
                }
            }
        });
        self.engine.run(program).await
    }

    /// True also if the key was revoked before: the first instant stays.
    async fn revoke_key(&self, tenant: &TenantName, key_id: &str, at: UnixMillis) -> Result<bool, Fault> {
        // A tenant's number never changes once it is made, so it need not be read under the head.
        let found = self.engine.lookup(vec![by_name(&["tenant"], tenant)]).await?.pop().and_then(|mut rows| rows.pop());
        let Some(row) = found else { return Ok(false) };
        let tenant = Fields::of(ORDERS, row).int()?;
        let key = || vec![Column::Int(vec![tenant]), Column::Text(vec![key_id.to_owned()])];
        let revoked =
            Lookup { table: "api_key", columns: &["revoked_ms"], key: &["tenant", "key_id"], keys: key(), lock: false };
        let mut values = key();
        values.push(Column::OptInt(vec![Some(at.0)]));
        let revoke =
            Write::Update { table: "api_key", key: &["tenant", "key_id"], set: &["revoked_ms"], add: &[], values };
        let program = Once::new(vec![head(HEAD, &["min_writer"]), revoked], move |mut results, _now| {
            results.head(ORDERS)?;
            match results.take().pop() {
                None => Ok((Vec::new(), false)),
                Some(row) => match Fields::of(ORDERS, row).opt_int()? {
                    Some(_) => Ok((Vec::new(), true)),
                    None => Ok((vec![revoke], true)),
                },
            }
        });
        self.engine.run(program).await
    }
}
