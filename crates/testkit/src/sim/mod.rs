//! The simulator: the real app on model stores, in virtual time, from one seed.
//!
//! A run: a shop opens (`scenario`), buyers submit, retry, hang up, cancel and read (`buyers`), an operator changes
//! prices and stock, steps clocks and kills processes (`operator`); then everything goes quiet, the background loops
//! settle, and the judge looks at the rows and at what the buyers were told.

mod buyers;
mod callbacks;
mod goods;
mod installation;
pub mod money;
mod operator;
mod payers;
pub mod periods;
pub mod records;
pub mod scenario;
pub mod takers;
mod tally;
mod visits;

use std::sync::Arc;

use holdline_domain::time::UnixMillis;

use crate::dice::Dice;
use crate::history::{Counters, History};
use crate::judge::{self, Evidence, Violation};
use crate::model::{Databases, ModelProvider, VirtualTime};
use installation::{Installation, World};
use records::Records;
use scenario::Scenario;
use takers::Takers;

/// What a run came to.
#[derive(Debug)]
pub struct Verdict {
    /// The seed it came from.
    pub seed: u64,
    /// What the judge found wrong; empty: nothing.
    pub violations: Vec<Violation>,
    /// Which interleavings it met.
    pub counters: Counters,
    /// How many submits the buyers sent.
    pub submits: usize,
    /// How many orders were stored.
    pub orders: usize,
    /// One number over every step and every final row.
    pub digest: u64,
    /// Every step, if asked for.
    pub trace: Vec<String>,
}

/// One simulation.
#[derive(Debug, Clone, Copy)]
pub struct Simulation {
    traced: bool,
}

impl Simulation {
    /// A simulation; `traced` keeps every step as text.
    pub fn new(traced: bool) -> Self {
        Self { traced }
    }

    /// Runs a seed to its verdict. Blocks; takes real time only for computing.
    pub fn run(&self, seed: u64) -> Verdict {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime without I/O needs nothing of the machine");
        runtime.block_on(self.run_in_virtual_time(seed))
    }

    async fn run_in_virtual_time(&self, seed: u64) -> Verdict {
        let dice = Dice::new(seed);
        let history = Arc::new(History::new(self.traced));
        let scenario = Arc::new(Scenario::draw(&dice));
        let time = Arc::new(VirtualTime::start());
        let databases = Databases::new(&time, scenario.rates, dice.fork(), &history);
        history.note(0, format_args!("seed {seed}: {scenario:?}"));
        scenario.open_shop(&databases).await;
        let records = Arc::new(Records::default());
        let takers = Arc::new(Takers::new(dice.fork(), Arc::clone(&time)));
        let center = Arc::new(ModelProvider::new(scenario.money.mischief, dice.fork(), &history));
        let world = World {
            history: Arc::clone(&history),
            time: Arc::clone(&time),
            takers: Arc::clone(&takers),
            center: Arc::clone(&center),
        };
        let installation = Installation::start(&databases, &scenario, dice.fork(), world).await;
        let operator = operator::start(&installation, &dice.fork());
        let (buyers_answered, takers_answered, ()) = tokio::join!(
            buyers::run(&installation, &records, dice.fork()),
            takers::run(&installation, &takers, dice.fork()),
            callbacks::send_orphans(&installation, dice.fork())
        );
        operator.abort();
        installation.settle().await;
        let gather = |settled_for_good| Evidence {
            ledger: databases.ledger_rows(),
            orders: databases.order_rows(),
            catalog: databases.catalog_rows(),
            center: center.book(),
            attempts: records.attempts(),
            abandons: records.abandons(),
            cancels: records.cancels(),
            reads: records.reads(),
            told: records.all_told(),
            money: records.money(),
            goods: records.goods(),
            takers: takers.book(),
            all_answered: buyers_answered && takers_answered,
            panics: installation.panics(),
            disturbances: databases.faults().disturbances(),
            shard_now: UnixMillis(databases.orders_clock().now().0),
            clocks_jumped: installation.clocks_jumped(),
            jump_believed: installation.jump_believed(),
            settled_for_good,
            scenario: Arc::clone(&scenario),
        };
        let mut evidence = gather(false);
        let mut violations = judge::judge(&evidence);
        if scenario.money.settles_for_good {
            installation.settle_for_good().await;
            evidence = gather(true);
            violations.extend(judge::judge(&evidence));
        }
        tally::count(&evidence, &history);
        let at_ms = time.elapsed_ms();
        history.note(at_ms, format_args!("{:?}", evidence.ledger));
        history.note(at_ms, format_args!("{:?}", evidence.orders));
        history.note(at_ms, format_args!("{:?}", evidence.center));
        history.note(at_ms, format_args!("{:?}", evidence.attempts));
        Verdict {
            seed,
            violations,
            counters: history.counters(),
            submits: evidence.attempts.len(),
            orders: evidence.orders.orders.len(),
            digest: history.digest(),
            trace: history.steps(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Simulation;

    #[test]
    fn same_seed_is_the_same_history() {
        for seed in 0..4 {
            let (first, second) = (Simulation::new(false).run(seed), Simulation::new(true).run(seed));
            assert_eq!(first.digest, second.digest, "seed {seed} did not replay");
            assert!(first.submits >= 200, "seed {seed} sent only {} submits", first.submits);
        }
    }

    #[test]
    fn judge_finds_nothing_in_a_few_seeds() {
        for seed in 0..20 {
            let verdict = Simulation::new(false).run(seed);
            assert!(verdict.violations.is_empty(), "seed {seed}: {:?}", verdict.violations);
        }
    }
}
