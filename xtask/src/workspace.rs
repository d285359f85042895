//! Where the workspace is, what cargo knows about it, and which files belong to it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process;

/// The workspace this xtask was started in.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    metadata: Value,
}

impl Workspace {
    /// Asks cargo for the workspace around the current folder.
    pub(crate) fn open() -> Result<Self> {
        let mut question = Command::new(cargo_program());
        question.args(["metadata", "--no-deps", "--format-version", "1"]);
        let metadata: Value =
            serde_json::from_slice(&process::output(&mut question)?).context("cannot read `cargo metadata`")?;
        let folder = |key: &str| {
            metadata[key].as_str().map(PathBuf::from).with_context(|| format!("`cargo metadata` has no {key}"))
        };
        Ok(Self { root: folder("workspace_root")?, target: folder("target_directory")?, metadata })
    }

    /// The folder of the root Cargo.toml.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's target directory; everything xtask writes and may lose lives under it.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// The answer of `cargo metadata --no-deps`.
    pub(crate) fn metadata(&self) -> &Value {
        &self.metadata
    }

    /// A cargo command that starts in the root.
    pub(crate) fn cargo(&self, words: &[&str]) -> Command {
        let mut command = Command::new(cargo_program());
        command.args(words).current_dir(&self.root);
        command
    }

    /// Builds a program with debug checks and answers its path. With the packages of the whole workspace selected, as for
    /// the tests, their dependencies are not built a second time for other features.
    pub(crate) fn debug_program(&self, name: &str) -> Result<PathBuf> {
        process::run(&mut self.cargo(&["build", "--locked", "--workspace", "--bin", name]))?;
        Ok(self.target.join("debug").join(name))
    }

    /// Every file of the repository, new ones included, ignored ones not, sorted; paths relative to the root.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        files_of(&self.root)
    }
}

/// See [`Workspace::files`].
pub(crate) fn files_of(root: &Path) -> Result<Vec<PathBuf>> {
    let mut list = Command::new("git");
    list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
    let listed = String::from_utf8(process::output(&mut list)?).context("a file name is not UTF-8")?;
    let mut files: Vec<PathBuf> = listed.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect();
    files.retain(|file| root.join(file).is_file());
    files.sort();
    files.dedup();
    Ok(files)
}

/// The cargo that runs us, so that its children use the same toolchain.
pub(crate) fn cargo_program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
