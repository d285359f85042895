//! `sim`: runs seeds of the simulation and says what the judge found.
//!
//! Exit status: 0 clean; 1 a violation, with the command that replays it; 2 a run of many seeds that never met one of
//! the interleavings it is there for, so that it proves less than it says.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;
use holdline_testkit::history::{Counters, Seen};
use holdline_testkit::judge::Violation;
use holdline_testkit::sim::{Simulation, Verdict};

/// Runs seeds of Holdline's simulation.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds to run; without it 300, or the one that `--seed` names.
    #[arg(long)]
    seeds: Option<u64>,
    /// The first seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Goes on until a seed fails.
    #[arg(long)]
    until_failure: bool,
    /// Prints every step; of a single seed only.
    #[arg(long, requires = "seed", conflicts_with_all = ["seeds", "until_failure"])]
    trace: bool,
}

/// What all seeds came to.
#[derive(Default)]
struct Total {
    counters: Counters,
    seeds: u64,
    submits: usize,
    orders: usize,
    failed: Vec<Verdict>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match (arguments.seed, arguments.seeds) {
        (Some(seed), None) if !arguments.until_failure => one(seed, arguments.trace),
        (first, seeds) => {
            let first = first.unwrap_or(0);
            let end = if arguments.until_failure { u64::MAX } else { first.saturating_add(seeds.unwrap_or(300)) };
            many(first, end)
        }
    }
}

fn one(seed: u64, trace: bool) -> ExitCode {
    let verdict = Simulation::new(trace).run(seed);
    for step in &verdict.trace {
        println!("{step}");
    }
    println!(
        "seed {seed}: {} submits, {} orders, digest {:016x}, {}",
        verdict.submits,
        verdict.orders,
        verdict.digest,
        show(&verdict.counters)
    );
    if verdict.violations.is_empty() {
        println!("SIM ok seeds=1");
        ExitCode::SUCCESS
    } else {
        report(&verdict, 1)
    }
}

fn many(first: u64, end: u64) -> ExitCode {
    let began = Instant::now();
    let (next, stop, total) = (AtomicU64::new(first), AtomicBool::new(false), Mutex::new(Total::default()));
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return;
            }
            // A panic outside of the app's tasks is a defect of the simulator; the seed must be known all the same.
            let run = std::panic::catch_unwind(|| Simulation::new(false).run(seed));
            let verdict = run.unwrap_or_else(|_| panicked(seed));
            let mut total = total.lock().expect("no thread panics while it adds up");
            total.add(verdict);
            if !total.failed.is_empty() {
                stop.store(true, Ordering::Relaxed);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let mut total = total.into_inner().expect("no thread panics while it adds up");
    let seconds = began.elapsed().as_secs_f64();
    println!("seeds={} submits={} orders={} seconds={seconds:.1}", total.seeds, total.submits, total.orders);
    println!("{}", show(&total.counters));
    total.failed.sort_by_key(|verdict| verdict.seed);
    if let Some(verdict) = total.failed.first() {
        return report(verdict, total.seeds);
    }
    let never: Vec<&str> =
        Seen::ALL.iter().filter(|seen| !total.counters.contains_key(seen)).map(|seen| seen.as_str()).collect();
    if never.is_empty() {
        println!("SIM ok seeds={}", total.seeds);
        ExitCode::SUCCESS
    } else {
        println!("SIM INCOMPLETE seeds={} never met {}", total.seeds, never.join(", "));
        ExitCode::from(2)
    }
}

impl Total {
    fn add(&mut self, verdict: Verdict) {
        for (seen, count) in &verdict.counters {
            *self.counters.entry(*seen).or_default() += count;
        }
        self.seeds += 1;
        self.submits += verdict.submits;
        self.orders += verdict.orders;
        if !verdict.violations.is_empty() {
            self.failed.push(verdict);
        }
    }
}

fn panicked(seed: u64) -> Verdict {
    let violation = Violation { rule: "simulator_runs", evidence: "the simulator panicked, see above".to_owned() };
    Verdict {
        seed,
        violations: vec![violation],
        counters: Counters::new(),
        submits: 0,
        orders: 0,
        digest: 0,
        trace: Vec::new(),
    }
}

fn show(counters: &Counters) -> String {
    let of = |seen: &Seen| format!("{}={}", seen.as_str(), counters.get(seen).unwrap_or(&0));
    Seen::ALL.iter().map(of).collect::<Vec<_>>().join(" ")
}

/// Says what is wrong with a seed and how to see it again. The last line is what `cargo xtask` reads.
fn report(verdict: &Verdict, seeds: u64) -> ExitCode {
    let seed = verdict.seed;
    for violation in verdict.violations.iter().take(20) {
        println!("  {}: {}", violation.rule, violation.evidence);
    }
    println!("replay: cargo run -p holdline-testkit --bin sim -- --seed {seed} --trace");
    let rule = verdict.violations.first().map_or("", |violation| violation.rule);
    println!("SIM FAILED seed={seed} seeds={seeds} rule={rule}");
    ExitCode::from(1)
}
