//! Every fuzz target, wherever `cargo test` runs: on its seeds, on seeds with a few bytes changed, and on random bytes. The
//! runs that are guided by coverage are `cargo xtask fuzz`.

#[path = "../../../fuzz/src/targets.rs"]
mod targets;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use targets::{TARGETS, Target};

/// Cases per target. Reason: a second in the dev build.
const CASES: u32 = 2_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn seeds(target: &Target) -> Result<Vec<Vec<u8>>> {
    let folder = folder().join("seeds").join(target.name);
    let entries = fs::read_dir(&folder).with_context(|| format!("{} has no seeds", target.name))?;
    let seeds = entries.map(|entry| Ok(fs::read(entry?.path())?)).collect::<Result<Vec<_>>>()?;
    ensure!(!seeds.is_empty(), "{} has no seeds", target.name);
    Ok(seeds)
}

/// A seed with a piece replaced.
fn changed(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..8),
        prop::sample::select(vec!["-1", "9223372036854775808", "1e9", "null", "\\u0000", "\"", "{", "%", "\r\n", "é"])
            .prop_map(|text| text.as_bytes().to_vec()),
    ];
    (prop::sample::select(seeds), any::<prop::sample::Index>(), 0..6_usize, piece).prop_map(|(seed, at, cut, piece)| {
        let at = at.index(seed.len() + 1);
        let end = (at + cut).min(seed.len());
        [&seed[..at], &piece, &seed[end..]].concat()
    })
}

#[test]
fn no_parser_of_outside_bytes_panics() -> Result<()> {
    for target in TARGETS {
        let seeds = seeds(target)?;
        for seed in &seeds {
            (target.check)(seed);
        }
        let bytes = prop_oneof![3 => changed(seeds), 1 => prop::collection::vec(any::<u8>(), 0..200)];
        let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
        let run = runner.run(&bytes, |bytes| {
            (target.check)(&bytes);
            Ok(())
        });
        run.map_err(|failure| anyhow::anyhow!("{}: {failure}", target.name))?;
    }
    Ok(())
}

/// A target that nobody can start would be a promise only.
#[test]
fn every_target_has_a_program() -> Result<()> {
    let manifest = fs::read_to_string(folder().join("Cargo.toml"))?;
    for target in TARGETS {
        ensure!(manifest.contains(&format!("name = \"{}\"", target.name)), "{} has no program", target.name);
        let program = fs::read_to_string(folder().join(format!("fuzz_targets/{}.rs", target.name)))?;
        ensure!(program.contains(&format!("\"{}\"", target.name)), "{} runs another target", target.name);
    }
    ensure!(manifest.matches("[[bin]]").count() == TARGETS.len(), "a program has no target");
    Ok(())
}
