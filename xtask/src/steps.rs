//! `test`: everything a change must pass, in the order in which a mistake is cheapest to find.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::breakages::{self, Baseline};
use crate::crash::{self, Store};
use crate::postgres::{Postgres, URL_VARIABLE};
use crate::power_cut::{self, Lacking};
use crate::workspace::Workspace;
use crate::{deny, fuzz_api, generate, process, setup, simulate, tidy};

/// Seeds of the simulation, and of each breakage. Reason: they take a minute or two, and the breakage that hides best is
/// found within 65.
const SEEDS: u32 = 300;

/// Kills per store. Reason: each costs seconds; long series are run by hand.
const CRASH_ROUNDS: u32 = 3;

/// Power cuts per store. Reason: as above.
const POWER_CUTS: u32 = 1;

/// Cases against the API. Reason: a round of every phase; 100,000 are run by hand.
const API_CASES: fuzz_api::Plan = fuzz_api::Plan { cases: 3_000, seed: 1, within: Duration::from_secs(90) };

/// The steps, in their order.
const STEPS: &[Step] = &[
    now("setup", |_| setup::prepare()),
    now("fmt", |session| cargo(session, &["fmt", "--all", "--check"])),
    now("tidy", |session| tidy::check(session.workspace)),
    now("clippy", |session| {
        cargo(session, &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
    }),
    now("doc", doc),
    now("deny", |session| deny::run(session.workspace, false)),
    now("gen", |session| generate::check(session.workspace)),
    now("tests", tests),
    now("fuzz-api", |session| fuzz_api::run(session.workspace, API_CASES)),
    now("sim", |session| simulate::run(session.workspace, SEEDS, None)),
    now("breakages", |session| breakages::run(session.workspace, SEEDS, None, Baseline::JustPassed)),
    now("crash", |session| {
        session.start_postgres()?;
        crash::run(session.workspace, CRASH_ROUNDS, &Store::ALL, session.postgres.as_ref())
    }),
    now("power-cut", |session| power_cut::run(session.workspace, POWER_CUTS, &Store::ALL, Lacking::IsSaid)),
    // The README's own words, so that they keep working.
    now("demo", |session| cargo(session, &["run", "--release", "--", "demo", "--exit"])),
];

/// One named step.
struct Step {
    name: &'static str,
    run: fn(&mut Session<'_>) -> Result<()>,
}

/// A step that runs.
const fn now(name: &'static str, run: fn(&mut Session<'_>) -> Result<()>) -> Step {
    Step { name, run }
}

/// What the steps of one run share.
struct Session<'run> {
    workspace: &'run Workspace,
    /// Started by the first step that needs it; dropped, and thereby stopped, with the session.
    postgres: Option<Postgres>,
}

impl Session<'_> {
    fn start_postgres(&mut self) -> Result<()> {
        if self.postgres.is_none() {
            let server = Postgres::start(self.workspace)?;
            println!("a private PostgreSQL listens, its address is in {URL_VARIABLE}");
            self.postgres = Some(server);
        }
        Ok(())
    }
}

fn cargo(session: &mut Session<'_>, words: &[&str]) -> Result<()> {
    process::run(&mut session.workspace.cargo(words))
}

fn doc(session: &mut Session<'_>) -> Result<()> {
    let mut doc = session.workspace.cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
    process::run(doc.env("RUSTDOCFLAGS", "-D warnings"))
}

/// `cargo test` and no other runner: a fresh machine has it.
fn tests(session: &mut Session<'_>) -> Result<()> {
    session.start_postgres()?;
    let mut tests = session.workspace.cargo(&["test", "--workspace", "--locked"]);
    if let Some(server) = &session.postgres {
        tests.env(URL_VARIABLE, server.url());
    }
    process::run(&mut tests)
}

/// How one step ended.
enum Verdict {
    Passed(Duration),
    Failed(Duration),
    NotReached,
}

/// Runs [`STEPS`] until the first failure and prints what became of each.
pub(crate) fn run_all(workspace: &Workspace) -> Result<()> {
    let started = Instant::now();
    let mut session = Session { workspace, postgres: None };
    let mut verdicts = Vec::with_capacity(STEPS.len());
    let mut failure = None;
    for (index, step) in STEPS.iter().enumerate() {
        if failure.is_some() {
            verdicts.push(Verdict::NotReached);
            continue;
        }
        println!("\n== {}/{} {}", index + 1, STEPS.len(), step.name);
        let began = Instant::now();
        match (step.run)(&mut session) {
            Ok(()) => {
                verdicts.push(Verdict::Passed(began.elapsed()));
                println!("== {} passed in {}", step.name, seconds(began.elapsed()));
            }
            Err(error) => {
                verdicts.push(Verdict::Failed(began.elapsed()));
                failure = Some((step.name, error));
            }
        }
    }
    drop(session);
    println!("\n{}", summary(STEPS, &verdicts));
    if let Some((name, error)) = failure {
        bail!("step `{name}` failed after {}: {error:#}", seconds(started.elapsed()));
    }
    println!("all steps passed in {}", seconds(started.elapsed()));
    Ok(())
}

fn seconds(taken: Duration) -> String {
    format!("{:.1} s", taken.as_secs_f64())
}

fn summary(steps: &[Step], verdicts: &[Verdict]) -> String {
    let lines = steps.iter().zip(verdicts).map(|(step, verdict)| {
        let (word, taken) = match verdict {
            Verdict::Passed(taken) => ("passed", seconds(*taken)),
            Verdict::Failed(taken) => ("FAILED", seconds(*taken)),
            Verdict::NotReached => ("not reached", String::new()),
        };
        format!("{:<10} {taken:>9}  {word}", step.name)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_was_not_reached_is_never_shown_as_passed() {
        let steps = [now("fmt", |_| Ok(())), now("demo", |_| Ok(()))];
        let table = summary(&steps, &[Verdict::Passed(Duration::from_millis(1500)), Verdict::NotReached]);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "fmt            1.5 s  passed");
        assert!(lines[1].contains("not reached") && !lines[1].contains("passed"), "{table}");
    }

    #[test]
    fn step_names_are_unique() {
        let mut names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), STEPS.len());
    }
}
