//! What Holdline does: use cases over the ports, the committer that batches writes, and the background loops.
//!
//! One request: the gateway calls a method of [`App`]; it loads, lets `holdline-domain` decide, and commits through a
//! `batch::Batcher`. Effects that must happen although a client went away run in tasks that the server owns.
//!
//! Invariants: every queue is bounded; nothing here knows SQL, HTTP or which engine runs; time comes from [`Clock`], so
//! the simulator runs this very code in virtual time.

mod access;
mod backoff;
mod batch;
mod catalog;
mod clock;
mod close;
mod error;
mod feed;
mod figures;
mod fulfillment;
mod hold;
mod order;
mod page;
mod payment;
mod period;
mod reap;
mod reconcile;
mod settlement;
mod stock;
mod tasks;
mod webhook;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use holdline_domain::fault::Fault;
use holdline_domain::id::TenantId;
use holdline_domain::order::change::{Change, ChangeAnswer};
use holdline_domain::port::{
    CatalogStore, FeedStore, HoldChecker, LedgerStore, LifeStore, OrderStore, PaymentProvider, TenantStore,
    WebhookSender, WebhookStore,
};
use holdline_domain::tenant::Tenant;
use holdline_domain::time::UnixMillis;

pub use access::Access;
pub use clock::Clock;
pub use error::Error;
pub use feed::{Consumer, EventsFound, EventsWanted, FeedPlace, end_parked};
pub use fulfillment::{ReturnDecision, ReturnRequest, ShipRequest};
pub use hold::{HoldName, OutsideHold};
pub use order::{Abandoned, Placed, SubmitName, SubmitState, SubmitStatus, Submitted};
pub use payment::{PayRequest, PayScope, Payment, RefundRequest, Unsettled};
pub use reconcile::{Findings, Reconciliation, Told, Verdict};
pub use tasks::{Spawner, tokio_spawner};
pub use webhook::{EndpointShown, Redelivery};

use access::Keyring;
use batch::{Batcher, LedgerTarget, LookupTarget, OrderTarget};
use catalog::Catalog;
use order::{Numbers, Watchers};
use payment::Accounts;
use period::Periods;
use stock::Marks;
use tasks::Tasks;

/// The world as the app needs it.
#[derive(Clone)]
pub struct Ports {
    /// The ledger of holds.
    pub ledger: Arc<dyn LedgerStore>,
    /// Orders, their feed and numbers.
    pub orders: Arc<dyn OrderStore>,
    /// What consumers of the feed keep.
    pub feed: Arc<dyn FeedStore>,
    /// Attempts, refunds, shipments and returns.
    pub life: Arc<dyn LifeStore>,
    /// Sellers and SKUs.
    pub catalog: Arc<dyn CatalogStore>,
    /// Tenants and API keys.
    pub tenants: Arc<dyn TenantStore>,
    /// Endpoints of webhooks.
    pub webhooks: Arc<dyn WebhookStore>,
    /// Who sends to them.
    pub sender: Arc<dyn WebhookSender>,
    /// Takers of outside holds.
    pub checker: Arc<dyn HoldChecker>,
    /// Payment providers.
    pub providers: Arc<dyn PaymentProvider>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Runs the tasks that outlive a request.
    pub spawner: Spawner,
}

/// What an operator may set. Units are in the names; `holdline.default.toml` documents each.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Submits that may be under way at once; beyond them 503.
    pub placing_max: usize,
    /// Requests that may wait for one committer; beyond them 503.
    pub queue_max: usize,
    /// Requests of one batch.
    pub batch_max: usize,
    /// Bytes of one batch.
    pub batch_bytes_max: usize,
    /// How long a client waits for a definite answer.
    pub answer_within_ms: u64,
    /// How long a submit that was accepted may stay undecided.
    pub decide_within_ms: u64,
    /// Requests that may wait at once to be told what became of a submit; beyond them, the answer is what is known now.
    pub watchers_max: usize,
    /// How old a hold without an order must be before the reaper asks for it.
    pub orphan_after_ms: i64,
    /// How long a sold-out mark refuses before one request probes.
    pub mark_ms: i64,
    /// The pause of the loops that look for work.
    pub tick_ms: u64,
    /// Orders ended by time per second, at most.
    pub expire_per_second_max: NonZeroU32,
    /// The offset from UTC that order numbers are stamped at, in seconds; fixed at the first start.
    pub number_offset_s: i32,
    /// Where this server is reached from outside, without a slash at its end: the beginning of the addresses that
    /// providers call back.
    pub public_url: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            placing_max: 512,
            queue_max: 4_096,
            batch_max: 512,
            batch_bytes_max: 4 << 20,
            answer_within_ms: 5_000,
            decide_within_ms: 30_000,
            watchers_max: 2_000,
            orphan_after_ms: 10_000,
            mark_ms: 200,
            tick_ms: 100,
            expire_per_second_max: NonZeroU32::new(4_000).expect("it is not zero"),
            number_offset_s: 8 * 3_600,
            public_url: String::new(),
        }
    }
}

/// The order center. Clones share everything.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    ports: Ports,
    settings: Settings,
    ledger: Batcher<LedgerTarget>,
    orders: Batcher<OrderTarget>,
    lookups: Batcher<LookupTarget>,
    catalog: Catalog,
    periods: Periods,
    keyring: Keyring,
    accounts: Accounts,
    numbers: Numbers,
    marks: Marks,
    tasks: Tasks,
    admission: order::Admission,
    watchers: Watchers,
    /// Wakes those who wait for events.
    bell: Arc<feed::Bell>,
    /// What settlement need not read again.
    written: Arc<feed::Written>,
    /// A lower bound of the shard clock: the newest "now" that a batch of this process was written at.
    clock_floor: AtomicI64,
}

impl App {
    /// Loads what is served from memory and starts the background loops.
    pub async fn start(ports: Ports, settings: Settings) -> Result<Self, Fault> {
        figures::describe();
        let clock = Arc::clone(&ports.clock);
        let limits = batch::Limits {
            queue: settings.queue_max,
            batch: settings.batch_max,
            background: batch::BACKGROUND,
            batch_bytes: settings.batch_bytes_max,
        };
        let (bell, written) = (Arc::new(feed::Bell::new()), Arc::new(feed::Written::new()));
        let orders =
            OrderTarget { orders: Arc::clone(&ports.orders), bell: Arc::clone(&bell), written: Arc::clone(&written) };
        let offset_s = ports.orders.number_offset_s(settings.number_offset_s).await?;
        let inner = Arc::new(Inner {
            ledger: Batcher::new(LedgerTarget(Arc::clone(&ports.ledger)), limits),
            orders: Batcher::new(orders, limits),
            lookups: Batcher::new(
                LookupTarget { orders: Arc::clone(&ports.orders), ledger: Arc::clone(&ports.ledger) },
                limits,
            ),
            catalog: Catalog::new(Arc::clone(&ports.catalog), Arc::clone(&clock)),
            periods: Periods::new(Arc::clone(&ports.ledger)),
            keyring: Keyring::new(Arc::clone(&ports.tenants)),
            accounts: Accounts::new(Arc::clone(&ports.life)),
            numbers: Numbers::new(Arc::clone(&ports.orders), Arc::clone(&clock), offset_s),
            marks: Marks::new(settings.mark_ms),
            tasks: Tasks::new(Arc::clone(&ports.spawner)),
            admission: order::Admission::new(settings.placing_max),
            watchers: Watchers::new(settings.watchers_max),
            bell,
            written,
            clock_floor: AtomicI64::new(0),
            ports,
            settings,
        });
        inner.keyring.refresh().await?;
        inner.accounts.refresh().await?;
        inner.catalog.refresh().await?;
        inner.periods.refresh(inner.ports.clock.wall()).await?;
        let app = Self { inner };
        app.compare_clocks().await?;
        app.start_loops();
        Ok(app)
    }

    /// Reads the shard clock once, by a change that writes nothing else: a clock that jumps before the first order is
    /// placed is then noticed as any later jump is, and a process whose clocks disagree does not start.
    async fn compare_clocks(&self) -> Result<(), Fault> {
        let nobody = TenantId(0);
        let answers = self.inner.ports.orders.apply(Arc::from(vec![Change::touch(nobody)])).await?;
        if let Some(ChangeAnswer::Applied { now }) = answers.first() {
            self.saw_now(*now);
        }
        Ok(())
    }

    fn start_loops(&self) {
        let inner = &self.inner;
        inner.tasks.run_loop("ledger committer", inner.ledger.clone().run());
        inner.tasks.run_loop("orders committer", inner.orders.clone().run());
        inner.tasks.run_loop("lookups", inner.lookups.clone().run());
        inner.tasks.run_loop("catalog", catalog::keep_fresh(self.clone()));
        inner.tasks.run_loop("periods", period::keep_fresh(self.clone()));
        inner.tasks.run_loop("rests of periods", period::move_rests(self.clone()));
        inner.tasks.run_loop("keys", access::keep_fresh(self.clone()));
        inner.tasks.run_loop("expiry", order::sweep_overdue(self.clone()));
        inner.tasks.run_loop("settlement", feed::follow_feed(self.clone(), Consumer::Ledger));
        inner.tasks.run_loop("index by seller", feed::follow_feed(self.clone(), Consumer::SellerIndex));
        inner.tasks.run_loop("parked events", feed::retry_parked(self.clone()));
        inner.tasks.run_loop("webhooks", webhook::send_webhooks(self.clone()));
        inner.tasks.run_loop("accepted submits", order::take_up_accepted(self.clone()));
        inner.tasks.run_loop("reaper", reap::reap(self.clone()));
        inner.tasks.run_loop("deadlines of holds", hold::end_overdue(self.clone()));
        inner.tasks.run_loop("accounts at providers", payment::keep_fresh(self.clone()));
        inner.tasks.run_loop("attempts to pay", payment::follow_attempts(self.clone()));
        inner.tasks.run_loop("refunds", payment::follow_refunds(self.clone()));
        inner.tasks.run_loop("callbacks", payment::follow_callbacks(self.clone()));
        inner.tasks.run_loop("unsettled money", payment::watch_unsettled(self.clone()));
        inner.tasks.run_loop("closing of accounts", close::close_daily(self.clone()));
    }

    /// Stops accepting, finishes what was accepted, then ends the loops. Returns when all is written.
    pub async fn drain(&self) {
        self.inner.admission.close();
        self.inner.tasks.finish_requests().await;
        self.inner.ledger.close();
        self.inner.orders.close();
        self.inner.lookups.close();
        self.inner.tasks.stop_loops().await;
    }

    /// Whether this process may serve: its catalog is fresh. A dead loop ends the process: see [`Self::broken_loop`].
    pub fn readiness(&self) -> Result<(), String> {
        self.inner.catalog.readiness()
    }

    /// Returns once a background loop has panicked, with its name. Its work is not done any more, and what it had taken up
    /// is unknown: the process must end, and the next one finds everything in the store.
    pub async fn broken_loop(&self) -> &'static str {
        self.inner.tasks.broken_loop().await
    }

    /// How long an accepted submit may stay undecided.
    pub fn decide_within(&self) -> std::time::Duration {
        std::time::Duration::from_millis(self.inner.settings.decide_within_ms)
    }

    /// The tenant of a number.
    pub fn tenant(&self, id: TenantId) -> Option<Arc<Tenant>> {
        self.inner.keyring.tenant(id)
    }

    /// Learns that a batch was written at `now`: no later decision of the shard is earlier.
    fn saw_now(&self, now: UnixMillis) {
        self.inner.clock_floor.fetch_max(now.0, Ordering::Relaxed);
    }

    fn clock_floor(&self) -> UnixMillis {
        UnixMillis(self.inner.clock_floor.load(Ordering::Relaxed))
    }
}
