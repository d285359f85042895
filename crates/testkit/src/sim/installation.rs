//! The processes of one installation: they start on the same databases, die, and start again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use holdline_app::{App, Ports, Settings};
use holdline_domain::port::{HoldChecker, PaymentProvider};
use parking_lot::Mutex;

use super::scenario::Scenario;
use super::takers::Takers;
use crate::dice::Dice;
use crate::history::{History, Seen};
use crate::model::{Databases, ModelProvider, Process, SteppingClock, VirtualTime};

/// How long the databases stay quiet before the judge looks: longer than the longest stall (25 s), the reaper's wait
/// (10 s), and the longest jump of the ledger's clock (60 s), which the reaper has to wait out.
const SETTLE_MS: u64 = 120_000;
/// How long it stays quiet where everything is to end: longer than the longest deadline (an hour), and than all the tries after
/// which an orphan's money goes back (5,115 s), each with a tick in front.
const SETTLE_FOR_GOOD_MS: u64 = 3 * 3_600_000;
/// The tick while everything ends: nobody waits for it, and each costs time.
const LONG_TICK_MS: u64 = 5_000;
/// How long a process may take to finish what it accepted.
const GRACE: Duration = Duration::from_secs(30);
/// The pause before a start that failed is tried again.
const START_AGAIN_MS: u64 = 200;

/// An app and the process that runs it.
#[derive(Clone)]
pub(super) struct Running {
    pub(super) app: App,
    pub(super) process: Arc<Process>,
}

/// The place of one process.
struct Place {
    name: String,
    /// What runs there now. Locked for a look or a swap, never across an await.
    running: Mutex<Option<Running>>,
    /// The machine's clock; outlives its processes.
    wall: Arc<SteppingClock>,
}

/// What an installation has around it.
pub(super) struct World {
    pub(super) history: Arc<History>,
    pub(super) time: Arc<VirtualTime>,
    pub(super) takers: Arc<Takers>,
    pub(super) center: Arc<ModelProvider>,
}

/// Every process, and the databases below. Clones share everything.
#[derive(Clone)]
pub(super) struct Installation {
    inner: Arc<Inner>,
}

struct Inner {
    databases: Databases,
    scenario: Arc<Scenario>,
    history: Arc<History>,
    time: Arc<VirtualTime>,
    takers: Arc<Takers>,
    center: Arc<ModelProvider>,
    dice: Dice,
    places: Vec<Place>,
    /// Every process that ever ran: their panics are evidence.
    processes: Mutex<Vec<Arc<Process>>>,
    clocks_jumped: AtomicBool,
    /// Processes believed a step back of all clocks.
    jump_believed: AtomicBool,
}

impl Installation {
    pub(super) async fn start(databases: &Databases, scenario: &Arc<Scenario>, dice: Dice, world: World) -> Self {
        let World { history, time, takers, center } = world;
        let place = |number: usize| Place {
            name: format!("p{number}"),
            running: Mutex::new(None),
            wall: Arc::new(SteppingClock::new(Arc::clone(&time))),
        };
        let places = (0..scenario.processes).map(place).collect();
        let inner = Inner {
            databases: databases.clone(),
            scenario: Arc::clone(scenario),
            history,
            time,
            takers,
            center,
            dice,
            places,
            processes: Mutex::default(),
            clocks_jumped: AtomicBool::new(false),
            jump_believed: AtomicBool::new(false),
        };
        let installation = Self { inner: Arc::new(inner) };
        for place in 0..scenario.processes {
            installation.start_process(place).await;
        }
        installation
    }

    pub(super) fn databases(&self) -> &Databases {
        &self.inner.databases
    }

    pub(super) fn scenario(&self) -> &Scenario {
        &self.inner.scenario
    }

    pub(super) fn center(&self) -> &ModelProvider {
        &self.inner.center
    }

    pub(super) fn history(&self) -> &History {
        &self.inner.history
    }

    pub(super) fn elapsed_ms(&self) -> i64 {
        self.inner.time.elapsed_ms()
    }

    pub(super) fn count(&self) -> usize {
        self.inner.places.len()
    }

    /// A running process: the one at `place`, or the next that runs. Waits for one if none does.
    pub(super) async fn running(&self, place: usize) -> Running {
        loop {
            let count = self.count();
            let found = (0..count).find_map(|step| self.inner.places[(place + step) % count].running.lock().clone());
            if let Some(running) = found {
                return running;
            }
            tokio::time::sleep(Duration::from_millis(START_AGAIN_MS)).await;
        }
    }

    /// Starts a process at a place, trying again until it runs.
    pub(super) async fn start_process(&self, place: usize) {
        self.start_with(place, &self.inner.scenario.settings).await;
    }

    async fn start_with(&self, place: usize, settings: &Settings) {
        let inner = &self.inner;
        loop {
            let process = inner.databases.process_on(&inner.places[place].name, Arc::clone(&inner.places[place].wall));
            inner.processes.lock().push(Arc::clone(&process));
            let ports = Ports {
                ledger: Arc::new(inner.databases.ledger(&process)),
                orders: Arc::new(inner.databases.orders(&process)),
                feed: Arc::new(inner.databases.feed(&process)),
                webhooks: Arc::new(inner.databases.webhooks(&process)),
                sender: Arc::new(holdline_domain::port::NobodySends),
                life: Arc::new(inner.databases.orders(&process)),
                providers: Arc::clone(&inner.center) as Arc<dyn PaymentProvider>,
                catalog: Arc::new(inner.databases.catalog(&process)),
                tenants: Arc::new(inner.databases.tenants(&process)),
                checker: Arc::clone(&inner.takers) as Arc<dyn HoldChecker>,
                clock: Arc::clone(&process) as Arc<dyn holdline_app::Clock>,
                spawner: process.spawner(),
            };
            match App::start(ports, settings.clone()).await {
                Ok(app) => {
                    let replaced = inner.places[place].running.lock().replace(Running { app, process });
                    if let Some(replaced) = replaced {
                        replaced.process.kill();
                    }
                    inner.history.note(self.elapsed_ms(), format_args!("p{place} started"));
                    return;
                }
                Err(_) => process.kill(),
            }
            tokio::time::sleep(Duration::from_millis(START_AGAIN_MS)).await;
        }
    }

    /// Kills the process at a place, if one runs there.
    pub(super) fn kill(&self, place: usize) -> bool {
        let running = self.inner.places[place].running.lock().take();
        let Some(running) = running else { return false };
        running.process.kill();
        self.inner.history.note(self.elapsed_ms(), format_args!("p{place} died"));
        self.disturbed(1);
        true
    }

    /// Ends the process at a place as a deployment does: it finishes what it accepted.
    pub(super) async fn drain(&self, place: usize) {
        let running = self.inner.places[place].running.lock().take();
        if let Some(running) = running {
            // Beyond its grace period, a deployment kills.
            let _ = tokio::time::timeout(GRACE, running.app.drain()).await;
            running.process.kill();
        }
    }

    /// Sets how wrong the clock of a process's machine is.
    pub(super) fn set_wall_offset_ms(&self, place: usize, offset_ms: i64) {
        self.inner.places[place].wall.set_offset_ms(offset_ms);
    }

    /// Notes that a clock was stepped.
    pub(super) fn clock_stepped(&self, beyond_guard: bool) {
        self.inner.history.saw(Seen::ClockStep);
        self.disturbed(1);
        self.inner.clocks_jumped.fetch_or(beyond_guard, Ordering::Relaxed);
    }

    /// Sets how wrong all clocks are together. A process whose first reading falls into that time believes them;
    /// all believe a step back, and what is placed under it ends early by as much once the clocks are right again.
    pub(super) fn jump_all_clocks(&self, offset_ms: i64) {
        let inner = &self.inner;
        self.databases().orders_clock().set_offset_ms(offset_ms);
        for place in 0..self.count() {
            self.set_wall_offset_ms(place, offset_ms);
        }
        inner.jump_believed.fetch_or(offset_ms < 0, Ordering::Relaxed);
    }

    pub(super) fn disturbed(&self, for_ms: i64) {
        let now_ms = self.elapsed_ms();
        self.databases().faults().disturbed(now_ms, now_ms + for_ms);
    }

    pub(super) fn clocks_jumped(&self) -> bool {
        self.inner.clocks_jumped.load(Ordering::Relaxed)
    }

    pub(super) fn jump_believed(&self) -> bool {
        let by_first_reading = self.inner.processes.lock().iter().any(|process| process.believed_jump());
        by_first_reading || self.inner.jump_believed.load(Ordering::Relaxed)
    }

    pub(super) fn panics(&self) -> Vec<String> {
        self.inner.processes.lock().iter().flat_map(|process| process.panics()).collect()
    }

    /// Ends all trouble and lets the background loops work until nothing is left to do.
    pub(super) async fn settle(&self) {
        let inner = &self.inner;
        self.databases().faults().hold_still(true);
        inner.center.behave();
        self.databases().orders_clock().set_offset_ms(0);
        self.databases().ledger_clock().set_offset_ms(0);
        // A clock that jumped is accepted again by a restart only.
        let restart = self.clocks_jumped() || inner.dice.chance(300);
        for place in 0..self.count() {
            self.set_wall_offset_ms(place, 0);
            let is_down = inner.places[place].running.lock().is_none();
            if restart {
                self.kill(place);
            }
            if restart || is_down {
                self.start_process(place).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(SETTLE_MS)).await;
        for place in 0..self.count() {
            self.kill(place);
        }
    }

    /// Lets one process work on until every deadline has passed and every follow-up has come to its end.
    pub(super) async fn settle_for_good(&self) {
        let settings = Settings { tick_ms: LONG_TICK_MS, ..self.inner.scenario.settings.clone() };
        self.start_with(0, &settings).await;
        tokio::time::sleep(Duration::from_millis(SETTLE_FOR_GOOD_MS)).await;
        self.kill(0);
    }
}
