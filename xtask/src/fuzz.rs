//! `fuzz`: the parsers of outside bytes, fuzzed with coverage as the guide (cargo-fuzz, libFuzzer).
//!
//! It runs on the stable toolchain, because no sanitizer is used: those need a nightly one, and this workspace forbids
//! `unsafe`. `cargo test` runs the same targets on their seeds and on random bytes, so CI needs none of this.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::process;
use crate::workspace::{Workspace, cargo_program};

/// The cargo-fuzz that a machine without any gets. Origin: the current release when the targets were written.
const CARGO_FUZZ_VERSION: &str = "0.13.2";

/// The longest input, in bytes: beyond it, a parser sees more of the same.
const INPUT_BYTES_MAX: u32 = 4_096;

/// Runs one target, or each in turn, for so long.
pub(crate) fn run(workspace: &Workspace, only: Option<&str>, seconds: u32) -> Result<()> {
    let folder = workspace.root().join("fuzz");
    let names = names(workspace)?;
    let chosen: Vec<&String> = names.iter().filter(|name| only.is_none_or(|only| *name == only)).collect();
    ensure!(!chosen.is_empty(), "there is no such target; there are: {}", names.join(", "));
    let cargo_fuzz = cargo_fuzz(workspace)?;
    for name in chosen {
        // What was found on the way is kept under the target folder; the seeds are the repository's own.
        let corpus = workspace.target().join("fuzz-corpus").join(name);
        fs::create_dir_all(&corpus)?;
        let mut fuzz = Command::new(&cargo_fuzz);
        fuzz.current_dir(&folder)
            .args(["run", "--sanitizer", "none", "--target-dir"])
            .arg(workspace.target().join("fuzz"));
        fuzz.arg(name).arg(&corpus).arg(folder.join("seeds").join(name));
        fuzz.args(["--", &format!("-max_total_time={seconds}"), &format!("-max_len={INPUT_BYTES_MAX}")]);
        fuzz.args(["-timeout=5", "-rss_limit_mb=1024", "-print_final_stats=1"]);
        process::run(&mut fuzz)?;
    }
    Ok(())
}

/// The targets: one program each.
fn names(workspace: &Workspace) -> Result<Vec<String>> {
    let programs = fs::read_dir(workspace.root().join("fuzz/fuzz_targets")).context("there is no folder of targets")?;
    let mut names = Vec::new();
    for program in programs {
        let path = program?.path();
        names.extend(path.file_stem().and_then(|name| name.to_str()).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// The program: the machine's own, or one built under the target folder.
fn cargo_fuzz(workspace: &Workspace) -> Result<PathBuf> {
    let tools = workspace.target().join("tools");
    let on_path = env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = env::split_paths(&on_path).collect();
    places.push(tools.join("bin"));
    if let Some(found) = places.iter().map(|place| place.join("cargo-fuzz")).find(|program| program.is_file()) {
        return Ok(found);
    }
    println!("cargo-fuzz  not found, building {CARGO_FUZZ_VERSION}; once per machine");
    let mut install = Command::new(cargo_program());
    install.args(["install", "cargo-fuzz", "--locked", "--version", CARGO_FUZZ_VERSION, "--root"]).arg(&tools);
    process::run(install.env_remove("CARGO_TARGET_DIR").current_dir(env::temp_dir()))
        .with_context(|| format!("install cargo-fuzz {CARGO_FUZZ_VERSION} and a C++ compiler"))?;
    Ok(tools.join("bin/cargo-fuzz"))
}
