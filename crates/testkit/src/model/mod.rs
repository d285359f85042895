//! Model engines: the ports of an installation over plain maps, decided by the domain's own pure functions, with injected faults.
//!
//! Invariants: a batch is decided and written under one lock and without an await, so it is atomic; every fault is drawn
//! from seeded chance; nothing here knows real time, threads, or an unordered map.
//!
//! A *database* ([`Databases`]) outlives processes; a *process* ([`Process`]) has its own adapters over it
//! ([`ModelLedger`], [`ModelOrders`], [`ModelCatalog`], [`ModelTenants`]), its own clocks, and can die.

mod catalog;
mod clock;
mod fault;
mod ledger;
mod life;
mod orders;
mod period;
mod process;
mod provider;
mod tenants;
mod wire;

use std::sync::Arc;

pub use catalog::{CatalogRows, ModelCatalog};
pub use clock::{BEGIN, SteppingClock, VirtualTime};
pub use fault::{FaultRates, Faults};
pub use ledger::{LedgerRows, ModelLedger, StoredHold, StoredMovement};
pub use orders::{ModelFeed, ModelOrders, ModelWebhooks, OrderRows, StoredEvent, StoredGroup};
pub use period::PeriodRows;
pub use process::{Moment, Process};
pub use provider::{Mischief, ModelBook, ModelPayment, ModelProvider, ModelState};
pub use tenants::{ModelTenants, TenantRows};

use crate::dice::Dice;
use crate::history::History;
use wire::Database;

/// The databases of one installation, and what is wrong with them.
#[derive(Clone)]
pub struct Databases {
    time: Arc<VirtualTime>,
    faults: Arc<Faults>,
    history: Arc<History>,
    ledger: Arc<Database<LedgerRows>>,
    orders: Arc<Database<OrderRows>>,
    catalog: Arc<Database<CatalogRows>>,
    tenants: Arc<Database<TenantRows>>,
}

impl Databases {
    /// Empty databases whose calls fail as `rates` say.
    pub fn new(time: &Arc<VirtualTime>, rates: FaultRates, dice: Dice, history: &Arc<History>) -> Self {
        let clock = || SteppingClock::new(Arc::clone(time));
        Self {
            time: Arc::clone(time),
            faults: Arc::new(Faults::new(rates, dice)),
            history: Arc::clone(history),
            ledger: Arc::new(Database::new("ledger", clock(), LedgerRows::default())),
            orders: Arc::new(Database::new("orders", clock(), OrderRows::default())),
            catalog: Arc::new(Database::new("catalog", clock(), CatalogRows::default())),
            tenants: Arc::new(Database::new("tenants", clock(), TenantRows::default())),
        }
    }

    /// Empty databases that never fail and answer at once: for contract suites. Needs a tokio runtime.
    pub fn calm() -> Self {
        Self::new(&Arc::new(VirtualTime::start()), FaultRates::default(), Dice::new(0), &Arc::default())
    }

    /// The ledger as `process` reaches it.
    pub fn ledger(&self, process: &Arc<Process>) -> ModelLedger {
        ModelLedger::new(self, process)
    }

    /// Orders as `process` reaches them.
    pub fn orders(&self, process: &Arc<Process>) -> ModelOrders {
        ModelOrders::new(self, process)
    }

    /// What consumers of the feed keep, as `process` reaches it.
    pub fn feed(&self, process: &Arc<Process>) -> ModelFeed {
        ModelFeed::new(self, process)
    }

    /// Endpoints of webhooks as `process` reaches them.
    pub fn webhooks(&self, process: &Arc<Process>) -> ModelWebhooks {
        ModelWebhooks::new(self, process)
    }

    /// The catalog as `process` reaches it.
    pub fn catalog(&self, process: &Arc<Process>) -> ModelCatalog {
        ModelCatalog::new(self, process)
    }

    /// Tenants as `process` reaches them.
    pub fn tenants(&self, process: &Arc<Process>) -> ModelTenants {
        ModelTenants::new(self, process)
    }

    /// A new process with clocks of its own, set right.
    pub fn process(&self, name: &str) -> Arc<Process> {
        self.process_on(name, Arc::new(SteppingClock::new(Arc::clone(&self.time))))
    }

    /// A new process on a machine whose clock outlives it.
    pub fn process_on(&self, name: &str, wall: Arc<SteppingClock>) -> Arc<Process> {
        Arc::new(Process::new(name, wall, Arc::clone(&self.time)))
    }

    /// What is wrong with the databases.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The clock of the orders database.
    pub fn orders_clock(&self) -> &SteppingClock {
        self.orders.clock()
    }

    /// The clock of the ledger database.
    pub fn ledger_clock(&self) -> &SteppingClock {
        self.ledger.clock()
    }

    /// The ledger's rows as they are now.
    pub fn ledger_rows(&self) -> LedgerRows {
        self.ledger.with(|rows| rows.clone())
    }

    /// The rows of orders as they are now.
    pub fn order_rows(&self) -> OrderRows {
        self.orders.with(|rows| rows.clone())
    }

    /// The catalog's rows as they are now.
    pub fn catalog_rows(&self) -> CatalogRows {
        self.catalog.with(|rows| rows.clone())
    }

    /// Makes the blocks of order numbers look as if they had been leased until these instants.
    pub fn set_blocks(&self, blocks: Vec<holdline_domain::order::number::StoredBlock>) {
        self.orders.with(|rows| rows.blocks = blocks);
    }
}
