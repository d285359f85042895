//! The disk judged by itself: a test that believes in a bad disk must know that it is bad.
//!
//! Each claim is tried on the mounted volume, with power cuts between; the first that does not hold is an error.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::volume::Volume;

/// Seeds of the cuts that keep a part.
const SEEDS: [u64; 3] = [1, 2, 3];

/// Proves it on the volume, which is left as after a power cut.
pub fn prove(volume: &Volume) -> Result<()> {
    let place = volume.mount_point();
    write(&place.join("flushed"), Flush::Yes)?;
    write(&place.join("unflushed"), Flush::No)?;
    cut(volume, None)?;
    holds(&place.join("flushed"), "a file that was flushed")?;
    let kept = holds(&place.join("unflushed"), "a file that was not flushed");
    ensure!(kept.is_err(), "a file that was not flushed survived a cut that keeps nothing");

    for seed in SEEDS {
        write(&place.join("again"), Flush::Yes)?;
        write(&place.join("unflushed"), Flush::No)?;
        cut(volume, Some(seed))?;
        holds(&place.join("again"), "a file that was flushed before a cut that keeps a part")?;
        fs::remove_file(place.join("again"))?;
    }

    volume.tell("lie")?;
    write(&place.join("believed"), Flush::Yes)?;
    cut(volume, None)?;
    ensure!(holds(&place.join("believed"), "").is_err(), "a disk that lies kept what it was told to flush");

    volume.tell("fail")?;
    ensure!(write(&place.join("failed"), Flush::Yes).is_err(), "a flush that fails was answered as done");
    cut(volume, None)?;

    volume.fill()?;
    ensure!(write(&place.join("no-room"), Flush::Yes).is_err(), "a full volume took a file");
    volume.free()?;
    write(&place.join("room"), Flush::Yes)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flush {
    Yes,
    No,
}

fn content() -> Vec<u8> {
    b"what was promised\n".repeat(5_000)
}

fn write(path: &Path, flush: Flush) -> Result<()> {
    let mut file = File::create(path)?;
    file.write_all(&content())?;
    if flush == Flush::Yes {
        file.sync_all()?;
    }
    Ok(())
}

fn holds(path: &Path, what: &str) -> Result<()> {
    let found = fs::read(path).with_context(|| format!("{what} is gone"))?;
    ensure!(found == content(), "{what} has other bytes");
    Ok(())
}

fn cut(volume: &Volume, seed: Option<u64>) -> Result<()> {
    volume.tell("off")?;
    volume.switch_on(seed)
}
