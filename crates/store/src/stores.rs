//! All ports of one installation, wired to one kind of database.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use holdline_domain::fault::Fault;
use holdline_domain::port::{CatalogStore, FeedStore, LedgerStore, LifeStore, OrderStore, TenantStore, WebhookStore};

use crate::catalog::SqlCatalog;
use crate::engine::Engine;
use crate::engine::migration::{LEDGER, ORDERS};
use crate::engine::postgres::{Mark, Postgres, mark};
use crate::engine::sqlite::{DirectoryLock, Sqlite, refuse_lone_file};
use crate::feed::SqlFeed;
use crate::ledger::SqlLedger;
use crate::order::SqlOrders;
use crate::pair::{Pair, SqlPair};
use crate::tenant::SqlTenants;
use crate::time::Clocks;
use crate::webhook::SqlWebhooks;

/// Resolves when a database can no longer be trusted with writes: the process must end and be started again.
pub type WritingEnded = Pin<Box<dyn Future<Output = Fault> + Send>>;

/// The ports of one installation. The databases are closed when the last clone of each port is dropped.
pub struct Stores {
    /// The ledger of holds.
    pub ledger: Arc<dyn LedgerStore>,
    /// Orders and their feed.
    pub orders: Arc<dyn OrderStore>,
    /// What consumers of the feed keep.
    pub feed: Arc<dyn FeedStore>,
    /// Endpoints of webhooks.
    pub webhooks: Arc<dyn WebhookStore>,
    /// Attempts, refunds, shipments and returns.
    pub life: Arc<dyn LifeStore>,
    /// The catalog.
    pub catalog: Arc<dyn CatalogStore>,
    /// Tenants and keys.
    pub tenants: Arc<dyn TenantStore>,
    /// The two databases as one thing.
    pub pair: Arc<dyn Pair>,
    /// How safe an acknowledged write is, as read back from the databases, in their own words.
    pub durability: String,
    /// To be awaited beside the server.
    pub writing_ended: WritingEnded,
}

/// Opens the databases `ledger.sqlite` and `orders.sqlite` in a directory, made and migrated if need be. The directory
/// has one owner: a second one is refused with a sentence that says so, and so are two files that do not belong together.
pub fn open_sqlite(directory: &Path, clocks: &Clocks) -> Result<Stores, Fault> {
    let owner = Arc::new(DirectoryLock::take(directory)?);
    refuse_lone_file(directory)?;
    let (pair, writing_ended) = own_sqlite(directory, owner, clocks)?;
    // The threads of the engine answer; nothing here needs a runtime, and a budget of one must not stop it.
    pollster::block_on(tokio::task::unconstrained(pair.join()))?;
    Ok(sqlite_stores(pair, clocks, writing_ended))
}

/// Owns a data directory, made if need be, until the answer is dropped: nobody serves it meanwhile.
pub fn own_directory(directory: &Path) -> Result<impl Send + Sync + use<>, Fault> {
    DirectoryLock::take(directory)
}

/// Opens two files for a restore: whatever they say of each other, they are taken as they are, and migrated.
pub fn restore_sqlite(directory: &Path, clocks: &Clocks) -> Result<Stores, Fault> {
    let owner = Arc::new(DirectoryLock::take(directory)?);
    let (pair, writing_ended) = own_sqlite(directory, owner, clocks)?;
    Ok(sqlite_stores(pair, clocks, writing_ended))
}

fn own_sqlite(
    directory: &Path,
    owner: Arc<DirectoryLock>,
    clocks: &Clocks,
) -> Result<(SqlPair<Sqlite>, WritingEnded), Fault> {
    let failure = owner.failure();
    let ledger = Sqlite::open(directory, &LEDGER, clocks.database.clone(), Some(Arc::clone(&owner)))?;
    let orders = Sqlite::open(directory, &ORDERS, clocks.database.clone(), Some(owner))?;
    let writing_ended = Box::pin(async move { failure.wait().await });
    Ok((SqlPair { ledger, orders }, writing_ended))
}

fn sqlite_stores(pair: SqlPair<Sqlite>, clocks: &Clocks, writing_ended: WritingEnded) -> Stores {
    let durability = pair.orders.durability();
    let durability = format!("journal_mode={} synchronous={}", durability.journal_mode, durability.synchronous);
    Stores::over(pair, clocks, durability, writing_ended)
}

/// Tenants and keys of the embedded store in a directory, beside the process that owns it, if one does. For commands that
/// write a row or two: the store must exist, and it is not migrated.
pub fn open_sqlite_tenants(directory: &Path, clocks: &Clocks) -> Result<Arc<dyn TenantStore>, Fault> {
    let orders = Sqlite::open(directory, &ORDERS, clocks.database.clone(), None)?;
    Ok(Arc::new(SqlTenants::new(orders)))
}

/// What consumers keep in the embedded store in a directory, as [`open_sqlite_tenants`] opens tenants.
pub fn open_sqlite_feed(directory: &Path, clocks: &Clocks) -> Result<Arc<dyn FeedStore>, Fault> {
    let orders = Sqlite::open(directory, &ORDERS, clocks.database.clone(), None)?;
    Ok(Arc::new(SqlFeed::new(orders)))
}

/// The ledger of the embedded store in a directory, as [`open_sqlite_tenants`] opens tenants.
pub fn open_sqlite_ledger(directory: &Path, clocks: &Clocks) -> Result<Arc<dyn LedgerStore>, Fault> {
    let ledger = Sqlite::open(directory, &LEDGER, clocks.database.clone(), None)?;
    Ok(Arc::new(SqlLedger::new(ledger)))
}

/// Connects to PostgreSQL and migrates it if need be: schema `ledger` at one URL, schema `orders` at the other, which may
/// be the same. Any number of processes may do so. Two schemas that do not belong together are refused.
pub async fn connect_postgres(ledger_url: &str, orders_url: &str, clocks: &Clocks) -> Result<Stores, Fault> {
    let pair = postgres_pair(ledger_url, orders_url).await?;
    pair.join().await?;
    Ok(postgres_stores(pair, clocks))
}

/// The same for a restore: the two schemas are taken as they are, and migrated.
pub async fn restore_postgres(ledger_url: &str, orders_url: &str, clocks: &Clocks) -> Result<Stores, Fault> {
    Ok(postgres_stores(postgres_pair(ledger_url, orders_url).await?, clocks))
}

/// Marks both schemas at one instant between two batches ([`crate::engine::postgres::Mark`]).
pub async fn mark_postgres(ledger_url: &str, orders_url: &str, restore_point: &str) -> Result<Mark, Fault> {
    let ledger = Postgres::connect(ledger_url, LEDGER.name).await?;
    let orders = Postgres::connect(orders_url, ORDERS.name).await?;
    mark(&ledger, &orders, restore_point).await
}

async fn postgres_pair(ledger_url: &str, orders_url: &str) -> Result<SqlPair<Postgres>, Fault> {
    let ledger = Postgres::connect(ledger_url, LEDGER.name).await?;
    let orders = Postgres::connect(orders_url, ORDERS.name).await?;
    ledger.migrate(&LEDGER).await?;
    orders.migrate(&ORDERS).await?;
    Ok(SqlPair { ledger, orders })
}

fn postgres_stores(pair: SqlPair<Postgres>, clocks: &Clocks) -> Stores {
    let of = |database: &str, engine: &Postgres| {
        let durability = engine.durability();
        format!("{database}: synchronous_commit={} fsync={}", durability.synchronous_commit, durability.fsync)
    };
    let durability = format!("{}, {}", of(LEDGER.name, &pair.ledger), of(ORDERS.name, &pair.orders));
    // A server whose flush failed stops by itself; what is left is a fault of each call.
    Stores::over(pair, clocks, durability, Box::pin(std::future::pending()))
}

impl Stores {
    fn over<E: Engine>(pair: SqlPair<E>, clocks: &Clocks, durability: String, writing_ended: WritingEnded) -> Self {
        let (ledger, orders) = (pair.ledger.clone(), pair.orders.clone());
        let sql_orders = SqlOrders::new(orders.clone(), clocks);
        Self {
            ledger: Arc::new(SqlLedger::new(ledger)),
            life: Arc::new(sql_orders.clone()),
            orders: Arc::new(sql_orders),
            feed: Arc::new(SqlFeed::new(orders.clone())),
            webhooks: Arc::new(SqlWebhooks::new(orders.clone())),
            catalog: Arc::new(SqlCatalog::new(orders.clone())),
            tenants: Arc::new(SqlTenants::new(orders)),
            pair: Arc::new(pair),
            durability,
            writing_ended,
        }
    }
}
