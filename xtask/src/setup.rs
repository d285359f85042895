//! Finds, or installs, what the tests need. A machine that cannot be set up is told in one sentence what to install.
//!
//! Deliberately absent: any use of a PostgreSQL cluster that the machine already runs. The tests start their own.

use std::cmp::Reverse;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::workspace::cargo_program;

/// The cargo-deny that a machine without any gets. Origin: the current release when `deny.toml` was last run.
const CARGO_DENY_VERSION: &str = "0.20.2";

/// Where Debian and its children put one folder of server programs per major version.
const DEBIAN_POSTGRES: &str = "/usr/lib/postgresql";

/// Checks every need in turn and installs what is missing.
pub(crate) fn prepare() -> Result<()> {
    let programs = match find_postgres() {
        Some(found) => found,
        None => install_postgres()?,
    };
    let version = process::output(Command::new(programs.join("postgres")).arg("--version"))?;
    println!("postgres    {} in {}", String::from_utf8_lossy(&version).trim(), programs.display());
    curl()?;
    python()?;
    component("rustfmt", "fmt")?;
    component("clippy", "clippy")?;
    cargo_deny()
}

/// The folder with `initdb`, `pg_ctl` and `postgres`: the one on PATH, else Debian's newest.
pub(crate) fn find_postgres() -> Option<PathBuf> {
    let on_path = env::var_os("PATH").unwrap_or_default();
    let linked = env::split_paths(&on_path).map(|folder| folder.join("initdb"));
    // A link on PATH leads to the folder where the other programs are.
    let real = linked.filter_map(|program| Some(fs::canonicalize(program).ok()?.parent()?.to_owned()));
    real.chain(debian_folders(Path::new(DEBIAN_POSTGRES))).find(|folder| holds_server(folder))
}

fn holds_server(folder: &Path) -> bool {
    ["initdb", "pg_ctl", "postgres"].iter().all(|program| folder.join(program).is_file())
}

/// `<base>/<major version>/bin`, newest first.
fn debian_folders(base: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(base)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_by_key(|(version, _)| Reverse(*version));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

fn install_postgres() -> Result<PathBuf> {
    let by_hand = "install the PostgreSQL server programs (Debian and Ubuntu: `apt-get install postgresql`) \
                   so that initdb, pg_ctl and postgres are on PATH or under /usr/lib/postgresql";
    install_with_apt("postgresql", by_hand)?;
    find_postgres().with_context(|| format!("apt-get installed postgresql but no server programs appeared: {by_hand}"))
}

/// The client that README.md's first order is sent with.
fn curl() -> Result<()> {
    let mut question = Command::new("curl");
    question.arg("--version");
    if !process::succeeds(&mut question) {
        install_with_apt("curl", "install curl (Debian and Ubuntu: `apt-get install curl`)")?;
    }
    let version = process::output(&mut question)?;
    println!("curl        {}", String::from_utf8_lossy(&version).lines().next().unwrap_or_default());
    Ok(())
}

/// What the API's fuzzer is installed into. Debian's Python comes without the half of venv that brings pip.
fn python() -> Result<()> {
    let mut question = Command::new("python3");
    question.args(["-c", "import sys, venv, ensurepip; print(sys.version.split()[0])"]);
    if !process::succeeds(&mut question) {
        install_with_apt(
            "python3-venv",
            "install Python 3 with venv (Debian and Ubuntu: `apt-get install python3-venv`)",
        )?;
    }
    println!("python3     {}", String::from_utf8_lossy(&process::output(&mut question)?).trim());
    Ok(())
}

fn install_with_apt(package: &str, by_hand: &str) -> Result<()> {
    if !is_root()? {
        bail!("the tests need {package} and you are not root: {by_hand}");
    }
    if !process::succeeds(Command::new("apt-get").arg("--version")) {
        bail!("the tests need {package} and this machine has no apt-get: {by_hand}");
    }
    println!("{package:<11} not found, installing it with apt-get");
    let apt =
        |words: &[&str]| process::run(Command::new("apt-get").args(words).env("DEBIAN_FRONTEND", "noninteractive"));
    apt(&["update"])
        .and_then(|()| apt(&["install", "-y", "--no-install-recommends", package]))
        .with_context(|| by_hand.to_owned())
}

fn is_root() -> Result<bool> {
    let answer = process::output(Command::new("id").arg("-u"))?;
    Ok(answer.trim_ascii() == b"0")
}

/// A component of the toolchain, asked for by the cargo subcommand it brings.
fn component(name: &str, subcommand: &str) -> Result<()> {
    let mut question = Command::new(cargo_program());
    question.args([subcommand, "--version"]);
    if !process::succeeds(&mut question) {
        println!("{name:<11} not found, asking rustup for it");
        process::run(Command::new("rustup").args(["component", "add", name]))
            .with_context(|| format!("install the toolchain's {name} component"))?;
    }
    let version = process::output(&mut question)?;
    println!("{name:<11} {}", String::from_utf8_lossy(&version).trim());
    Ok(())
}

fn cargo_deny() -> Result<()> {
    let mut question = Command::new(cargo_program());
    question.args(["deny", "--version"]);
    if !process::succeeds(&mut question) {
        println!("cargo-deny  not found, building {CARGO_DENY_VERSION}; once per machine");
        let started = Instant::now();
        let mut install = Command::new(cargo_program());
        install.args(["install", "cargo-deny", "--debug", "--locked", "--version", CARGO_DENY_VERSION]);
        // Its own folder: the workspace's target directory is not for other people's programs.
        install.env_remove("CARGO_TARGET_DIR").current_dir(env::temp_dir());
        process::run(&mut install).with_context(|| format!("install cargo-deny {CARGO_DENY_VERSION}"))?;
        println!("cargo-deny  built in {} s", started.elapsed().as_secs());
    }
    let version = process::output(&mut question)?;
    println!("cargo-deny  {}", String::from_utf8_lossy(&version).trim());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_debian_version_comes_first_by_number() {
        let base = tempfile::tempdir().unwrap();
        for version in ["9", "15", "17", "common"] {
            fs::create_dir_all(base.path().join(version).join("bin")).unwrap();
        }
        let expected: Vec<PathBuf> = ["17", "15", "9"].iter().map(|v| base.path().join(v).join("bin")).collect();
        assert_eq!(debian_folders(base.path()), expected);
    }

    #[test]
    fn a_folder_without_every_server_program_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("initdb"), "").unwrap();
        fs::write(folder.path().join("postgres"), "").unwrap();
        assert!(!holds_server(folder.path()));
        fs::write(folder.path().join("pg_ctl"), "").unwrap();
        assert!(holds_server(folder.path()));
    }
}
