//! `sim`: the real use cases under virtual time, one seed after the other, with the checks of a debug build.
//!
//! The contract with `crates/testkit/src/bin/sim.rs`: `--seeds N [--seed FIRST]`; it ends at the first violation, and with
//! status 0 when every seed kept every rule, 1 when a rule was violated, 2 when the run cannot be judged (a counter
//! that must move stayed at zero). Its last line starts with `SIM ` and carries `seeds=<how many were run>`.

use std::process::Command;

use anyhow::{Result, bail};

use crate::process;
use crate::workspace::Workspace;

/// Status of a simulator that saw a rule violated.
pub(crate) const STATUS_VIOLATED: i32 = 1;
/// Status of a simulator that cannot judge its own run.
pub(crate) const STATUS_NOT_JUDGED: i32 = 2;

/// Runs `seeds` seeds, from `first` or from the simulator's own first one.
pub(crate) fn run(workspace: &Workspace, seeds: u32, first: Option<u64>) -> Result<()> {
    let mut simulator = Command::new(workspace.debug_program("sim")?);
    simulator.args(["--seeds", &seeds.to_string()]);
    if let Some(first) = first {
        simulator.args(["--seed", &first.to_string()]);
    }
    let ended = process::status(&mut simulator)?;
    match ended.code() {
        Some(0) => Ok(()),
        Some(STATUS_VIOLATED) => bail!("the simulation saw a rule violated; it prints the seed that replays it"),
        Some(STATUS_NOT_JUDGED) => bail!("the simulation cannot be judged: something it must cover never happened"),
        _ => bail!("the simulator did not end by itself ({ended})"),
    }
}

/// How many seeds the simulator says it ran, from what it printed.
pub(crate) fn seeds_run(printed: &str) -> Option<u64> {
    let line = printed.lines().rfind(|line| line.starts_with("SIM "))?;
    line.split_whitespace().find_map(|word| word.strip_prefix("seeds=")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_seed_count_from_the_last_line_only() {
        let printed = "seeds=9\nSIM progress seeds=10\nSIM FAILED seed=41 seeds=42 rule=oversold\ndone\n";
        assert_eq!(seeds_run(printed), Some(42));
        assert_eq!(seeds_run("nothing"), None);
    }
}
