//! `power-cut`: the real server on a disk that forgets what was not flushed, holds and fails flushes, and fills up.
//!
//! The disk is `crates/bad-disk`, the judgement `holdline crash`; this puts the one beside the other. It needs root, FUSE and
//! loop devices. Where a machine has none of them the step says so in one sentence, and that nothing was tried: a container
//! without rights cannot be given any by a test.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::crash::Store;
use crate::process;
use crate::workspace::Workspace;

/// Sizes of the disk. SQLite: some minutes of load. PostgreSQL: a fresh cluster and a few segments of its log.
const SQLITE_MIB: u32 = 512;
const POSTGRES_MIB: u32 = 2_048;
/// Status of `bad-disk check` when the machine lacks something.
const STATUS_MISSING: i32 = 3;
/// Status of `holdline crash` when it ran and found something lost.
const STATUS_LOST: i32 = 1;
/// Requests per second: every batch costs several flushes through FUSE.
const RATE: &str = "500";

/// What a machine without the means is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lacking {
    /// An error: somebody asked for just this.
    Fails,
    /// One sentence: CI goes on.
    IsSaid,
}

/// Runs `rounds` of power cuts on each store, and one round of each other trouble of a disk.
pub(crate) fn run(workspace: &Workspace, rounds: u32, stores: &[Store], lacking: Lacking) -> Result<()> {
    // One by one: built together, their common features would build the program anew that other steps have built alone.
    for package in ["holdline", "holdline-bad-disk"] {
        process::run(&mut workspace.cargo(&["build", "--locked", "--release", "-p", package]))?;
    }
    let programs = workspace.target().join("release");
    let missing = Command::new(programs.join("bad-disk")).arg("check").output()?;
    if missing.status.code() == Some(STATUS_MISSING) {
        let words = String::from_utf8_lossy(&missing.stdout).trim().to_owned();
        let sentence = format!("power cuts were NOT tried, because this machine lacks {words}");
        if lacking == Lacking::Fails {
            bail!(sentence);
        }
        println!("{sentence}");
        return Ok(());
    }
    let disk = Disk { programs: &programs };
    process::run(disk.beside(64).args(["--"]).arg(programs.join("bad-disk")).arg("prove"))?;
    for store in stores {
        disk.crash(*store, rounds, "power-cut")?;
        for trouble in ["flush-held", "flush-failed", "disk-full"] {
            disk.crash(*store, 1, trouble)?;
        }
        disk.lie(*store)?;
    }
    Ok(())
}

struct Disk<'a> {
    programs: &'a Path,
}

impl Disk<'_> {
    /// `bad-disk run` with a disk of some size, its command still to come.
    fn beside(&self, size_mib: u32) -> Command {
        let mut command = Command::new(self.programs.join("bad-disk"));
        command.arg("run").arg("--folder").arg(std::env::temp_dir().join("holdline-bad-disk"));
        command.args(["--size-mib", &size_mib.to_string()]);
        command
    }

    /// The crash rounds of a store on the disk.
    fn rounds(&self, store: Store, rounds: u32, trouble: &str) -> Command {
        let size_mib = match store {
            Store::Sqlite => SQLITE_MIB,
            Store::Postgres => POSTGRES_MIB,
        };
        let mut command = self.beside(size_mib);
        command.arg("--").arg(self.programs.join("holdline")).args(["crash", "--data", "{volume}/data"]);
        command.arg("--disk-switch").arg(self.programs.join("bad-disk")).args(["--store", store.name()]);
        command.args(["--rounds", &rounds.to_string(), "--rate", RATE, "--trouble", trouble]);
        command
    }

    fn crash(&self, store: Store, rounds: u32, trouble: &str) -> Result<()> {
        process::run(&mut self.rounds(store, rounds, trouble))
    }

    /// A store that believes a disk that lies must lose orders; otherwise these rounds could not see a loss at all.
    fn lie(&self, store: Store) -> Result<()> {
        println!("the disk lies now: orders must be lost");
        let ended = process::status(self.rounds(store, 1, "power-cut").arg("--disk-lies"))?;
        match ended.code() {
            Some(STATUS_LOST) => Ok(()),
            Some(0) => bail!("the disk lied to {} and no order was lost: these rounds see nothing", store.name()),
            _ => bail!("the round on a disk that lies did not come to a judgement ({ended})"),
        }
    }
}
