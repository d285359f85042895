//! Files and directories of a backup: made, measured, flushed, moved.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

/// Bytes read at once.
const CHUNK_BYTES: usize = 1 << 20;

/// A file's content, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Measured {
    pub(super) bytes: u64,
    /// In lower-case hexadecimal digits.
    pub(super) sha256: String,
}

/// Makes a directory, or takes one that is empty.
pub(super) fn make_empty(directory: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let mut entries = fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    if entries.next().is_some() {
        bail!("{} is not empty: a backup needs a directory of its own", directory.display());
    }
    Ok(())
}

/// Reads a whole file.
pub(super) fn measure(path: &Path) -> anyhow::Result<Measured> {
    let read = || -> std::io::Result<Measured> {
        let mut file = File::open(path)?;
        let (mut hash, mut bytes, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK_BYTES]);
        loop {
            let read = match file.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            hash.update(&chunk[..read]);
            bytes += read as u64;
        }
        let mut sha256 = String::new();
        for byte in hash.finalize() {
            // Writing to a text cannot fail.
            let _ = write!(sha256, "{byte:02x}");
        }
        Ok(Measured { bytes, sha256 })
    };
    read().with_context(|| format!("cannot read {}", path.display()))
}

/// Flushes a file's content, or a directory's entries, to disk.
pub(super) fn flush(path: &Path) -> anyhow::Result<()> {
    File::open(path).and_then(|file| file.sync_all()).with_context(|| format!("cannot flush {}", path.display()))
}

/// Copies a file and flushes the copy.
pub(super) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    flush(to)
}

/// Moves a file within a file system.
pub(super) fn rename(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::rename(from, to).with_context(|| format!("cannot move {} to {}", from.display(), to.display()))
}
