//! All ports of one installation, wired to one kind of database.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use holdline_domain::fault::Fault;
use holdline_domain::port::{CatalogStore, LedgerStore, OrderStore, TenantStore};

use crate::catalog::SqlCatalog;
use crate::engine::Engine;
use crate::engine::migration::{LEDGER, ORDERS};
use crate::engine::postgres::Postgres;
use crate::engine::sqlite::{DirectoryLock, Sqlite};
use crate::ledger::SqlLedger;
use crate::order::SqlOrders;
use crate::tenant::SqlTenants;
use crate::time::Clocks;

/// Resolves when a database can no longer be trusted with writes: the process must end and be started again.
pub type WritingEnded = Pin<Box<dyn Future<Output = Fault> + Send>>;

/// The ports of one installation. The databases are closed when the last clone of each port is dropped.
pub struct Stores {
    /// The ledger of holds.
    pub ledger: Arc<dyn LedgerStore>,
    /// Orders and their feed.
    pub orders: Arc<dyn OrderStore>,
    /// The catalog.
    pub catalog: Arc<dyn CatalogStore>,
    /// Tenants and keys.
    pub tenants: Arc<dyn TenantStore>,
    /// How safe an acknowledged write is, as read back from the databases, in their own words.
    pub durability: String,
    /// To be awaited beside the server.
    pub writing_ended: WritingEnded,
}

/// Opens the databases `ledger.sqlite` and `orders.sqlite` in a directory, made and migrated if need be. The directory
/// has one owner: a second one is refused with a sentence that says so.
pub fn open_sqlite(directory: &Path, clocks: &Clocks) -> Result<Stores, Fault> {
    let owner = Arc::new(DirectoryLock::take(directory)?);
    let ledger = Sqlite::open(directory, &LEDGER, clocks.database.clone(), Some(Arc::clone(&owner)))?;
    let orders = Sqlite::open(directory, &ORDERS, clocks.database.clone(), Some(owner))?;
    let durability =
        format!("journal_mode={} synchronous={}", orders.durability().journal_mode, orders.durability().synchronous);
    let failures = [ledger.failure(), orders.failure()];
    let writing_ended = Box::pin(async move {
        let [ledger, orders] = failures;
        tokio::select! {
            fault = ledger.wait() => fault,
            fault = orders.wait() => fault,
        }
    });
    Ok(Stores::over(ledger, orders, clocks, durability, writing_ended))
}

/// Tenants and keys of the embedded store in a directory, beside the process that owns it, if one does. For commands that
/// write a row or two: the store must exist, and it is not migrated.
pub fn open_sqlite_tenants(directory: &Path, clocks: &Clocks) -> Result<Arc<dyn TenantStore>, Fault> {
    let orders = Sqlite::open(directory, &ORDERS, clocks.database.clone(), None)?;
    Ok(Arc::new(SqlTenants::new(orders)))
}

/// The ledger of the embedded store in a directory, as [`open_sqlite_tenants`] opens tenants.
pub fn open_sqlite_ledger(directory: &Path, clocks: &Clocks) -> Result<Arc<dyn LedgerStore>, Fault> {
    let ledger = Sqlite::open(directory, &LEDGER, clocks.database.clone(), None)?;
    Ok(Arc::new(SqlLedger::new(ledger)))
}

/// Connects to PostgreSQL and migrates it if need be: schema `ledger` at one URL, schema `orders` at the other, which may
/// be the same. Any number of processes may do so.
pub async fn connect_postgres(ledger_url: &str, orders_url: &str, clocks: &Clocks) -> Result<Stores, Fault> {
    let ledger = Postgres::connect(ledger_url, LEDGER.name).await?;
    let orders = Postgres::connect(orders_url, ORDERS.name).await?;
    ledger.migrate(&LEDGER).await?;
    orders.migrate(&ORDERS).await?;
    let of = |database: &str, engine: &Postgres| {
        let durability = engine.durability();
        format!("{database}: synchronous_commit={} fsync={}", durability.synchronous_commit, durability.fsync)
    };
    let durability = format!("{}, {}", of(LEDGER.name, &ledger), of(ORDERS.name, &orders));
    // A server whose flush failed stops by itself; what is left is a fault of each call.
    let writing_ended = Box::pin(std::future::pending());
    Ok(Stores::over(ledger, orders, clocks, durability, writing_ended))
}

impl Stores {
    fn over<E: Engine>(ledger: E, orders: E, clocks: &Clocks, durability: String, writing_ended: WritingEnded) -> Self {
        Self {
            ledger: Arc::new(SqlLedger::new(ledger)),
            orders: Arc::new(SqlOrders::new(orders.clone(), clocks)),
            catalog: Arc::new(SqlCatalog::new(orders.clone())),
            tenants: Arc::new(SqlTenants::new(orders)),
            durability,
            writing_ended,
        }
    }
}
