//! Tenants and keys of an embedded store, beside the server that owns its directory.
//!
//! The owner's lock says who serves; SQLite itself keeps two writers of one file apart, and the owner waits up to 2 s for
//! the milliseconds that a command takes. Everything else, and a store that does not exist yet, goes through
//! `holdline_store`, whose stored forms these statements share.
//!
//! Calls block: they belong to a command, never to a server.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use holdline_domain::fault::{Fault, FaultKind};
use holdline_domain::id::{ClientId, TenantId, TenantName};
use holdline_domain::port::TenantStore;
use holdline_domain::tenant::{ApiKey, Tenant};
use holdline_domain::time::UnixMillis;
use holdline_store::engine::migration::check_writer;
use parking_lot::Mutex;
use rusqlite::types::Type;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The database, as faults name it.
const ORDERS: &str = "orders";
/// How long a command waits for the server's own transaction: many times the longest batch.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// Tenants and keys in an existing `orders.sqlite`.
pub(super) struct Beside {
    /// Locked for one call at a time; the commands make one.
    connection: Mutex<Connection>,
}

impl Beside {
    /// Opens an existing file; it is never made here.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let open = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(BUSY_WAIT)?;
            // As durable as the server's own writes; cutting the log back stays its work.
            connection.pragma_update(None, "synchronous", "full")?;
            connection.pragma_update(None, "wal_autocheckpoint", 0)?;
            Ok::<_, rusqlite::Error>(connection)
        };
        let connection = open().with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    fn read<T>(&self, sql: &str, of: impl Fn(&Row<'_>) -> rusqlite::Result<T>) -> Result<Vec<T>, Fault> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare(sql).map_err(fault)?;
        let rows = statement.query_map([], |row| of(row)).map_err(fault)?;
        rows.collect::<rusqlite::Result<_>>().map_err(fault)
    }

    fn write<T>(&self, change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, Fault> {
        let mut connection = self.connection.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
        let min_writer =
            transaction.query_row("SELECT min_writer FROM catalog_head WHERE id = 1", [], |row| row.get(0));
        check_writer(ORDERS, min_writer.map_err(fault)?)?;
        let changed = change(&transaction).map_err(fault)?;
        transaction.commit().map_err(|error| {
            Fault::unknown(ORDERS, FaultKind::Unavailable, format!("the change may not be stored: {error}"))
        })?;
        Ok(changed)
    }
}

#[async_trait]
impl TenantStore for Beside {
    async fn tenants(&self) -> Result<Vec<Tenant>, Fault> {
        self.read(
            "SELECT tenant, name, price_source, commit_on, pay_within_ms, business_code FROM tenant ORDER BY tenant",
            tenant,
        )
    }

    async fn ensure_tenant(&self, draft: Tenant) -> Result<Tenant, Fault> {
        self.write(|transaction| {
            let stored = transaction
                .query_row(
                    "SELECT tenant, name, price_source, commit_on, pay_within_ms, business_code FROM tenant \
                     WHERE name = ?1",
                    [draft.name.as_str()],
                    tenant,
                )
                .optional()?;
            if let Some(stored) = stored {
                return Ok(stored);
            }
            let next = "UPDATE catalog_head SET next_tenant = next_tenant + 1 WHERE id = 1 RETURNING next_tenant - 1";
            let id: i64 = transaction.query_row(next, [], |row| row.get(0))?;
            transaction.execute(
                "INSERT INTO tenant (tenant, name, price_source, commit_on, pay_within_ms, business_code) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    id,
                    draft.name.as_str(),
                    word(&draft.price_source),
                    word(&draft.commit_on),
                    draft.pay_within_ms,
                    draft.business_code
                ],
            )?;
            Ok(Tenant { id: TenantId(id), ..draft })
        })
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, Fault> {
        self.read(
            "SELECT tenant, key_id, secret_sha256, client, scopes, sellers, created_ms, revoked_ms FROM api_key \
             ORDER BY tenant, created_ms, key_id",
            key,
        )
    }

    async fn add_key(&self, key: ApiKey) -> Result<(), Fault> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO api_key (tenant, key_id, secret_sha256, client, scopes, sellers, created_ms, revoked_ms) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    key.tenant.0,
                    key.key_id,
                    key.secret_sha256,
                    key.client.as_str(),
                    json(&key.scopes),
                    json(&key.sellers),
                    key.created.0,
                    key.revoked.map(|at| at.0)
                ],
            )?;
            Ok(())
        })
    }

    async fn revoke_key(&self, tenant: &TenantName, key_id: &str, at: UnixMillis) -> Result<bool, Fault> {
        self.write(|transaction| {
            // A key that was revoked before keeps its first instant.
            let found = transaction.execute(
                "UPDATE api_key SET revoked_ms = coalesce(revoked_ms, ?3) \
                 WHERE key_id = ?2 AND tenant = (SELECT tenant FROM tenant WHERE name = ?1)",
                params![tenant.as_str(), key_id, at.0],
            )?;
            Ok(found > 0)
        })
    }
}

fn tenant(row: &Row<'_>) -> rusqlite::Result<Tenant> {
    Ok(Tenant {
        id: TenantId(row.get(0)?),
        name: TenantName::from_stored(row.get::<_, String>(1)?),
        price_source: parsed(2, &format!("\"{}\"", row.get::<_, String>(2)?))?,
        commit_on: parsed(3, &format!("\"{}\"", row.get::<_, String>(3)?))?,
        pay_within_ms: row.get(4)?,
        business_code: row.get(5)?,
    })
}

fn key(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    Ok(ApiKey {
        tenant: TenantId(row.get(0)?),
        key_id: row.get(1)?,
        secret_sha256: row.get(2)?,
        client: ClientId::from_stored(row.get::<_, String>(3)?),
        scopes: parsed(4, &row.get::<_, String>(4)?)?,
        sellers: parsed(5, &row.get::<_, String>(5)?)?,
        created: UnixMillis(row.get(6)?),
        revoked: row.get::<_, Option<i64>>(7)?.map(UnixMillis),
    })
}

/// Stored lists and words are JSON in the domain's own spelling.
fn parsed<T: DeserializeOwned>(column: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("lists of texts are JSON")
}

fn word<T: Serialize>(value: &T) -> String {
    json(value).trim_matches('"').to_owned()
}

fn fault(error: rusqlite::Error) -> Fault {
    Fault::not_done(ORDERS, FaultKind::Unavailable, error.to_string()).caused_by(error)
}
