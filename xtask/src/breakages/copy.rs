//! The copy of the tree: brought up to date by content, patched, built and simulated without touching the original.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Patch, Verdict};
use crate::process;
use crate::simulate::{STATUS_NOT_JUDGED, STATUS_VIOLATED, seeds_run};
use crate::workspace::{Workspace, cargo_program, files_of};

/// The build profile, of the root Cargo.toml, and by its name the folder of what it builds.
const PROFILE: &str = "breakage";

/// The copy of the tree that patches are tried on.
pub(super) struct Copy {
    tree: PathBuf,
    target: PathBuf,
    /// One run at a time; the kernel gives it back.
    _lock: File,
}

impl Copy {
    pub(super) fn open(workspace: &Workspace) -> Result<Self> {
        let base = workspace.target().join("breakages");
        let tree = base.join("tree");
        fs::create_dir_all(&tree)?;
        let lock = File::create(base.join("lock"))?;
        lock.try_lock().context("another `cargo xtask breakages` is using target/breakages")?;
        Ok(Self { tree, target: base.join("target"), _lock: lock })
    }

    /// Makes the copy equal to the tree; a file that is equal already keeps its time, so that cargo leaves it alone.
    pub(super) fn refresh(&self, root: &Path) -> Result<()> {
        let wanted = files_of(root)?;
        for file in &wanted {
            let content = fs::read(root.join(file))?;
            let place = self.tree.join(file);
            if fs::read(&place).is_ok_and(|present| present == content) {
                continue;
            }
            if let Some(folder) = place.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&place, content)?;
        }
        remove_others(&self.tree, &self.tree, &wanted)
    }

    /// A program that sees the copy alone: git must not take it for a folder of the repository around it.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.tree).env("CARGO_TARGET_DIR", &self.target);
        if let Some(above) = self.tree.parent() {
            command.env("GIT_CEILING_DIRECTORIES", above);
        }
        command
    }

    /// `cargo WORD`, with the profile and the selection that every build of the copy shares: with the packages of the whole
    /// workspace selected, no crate is built a second time for other features.
    pub(super) fn cargo(&self, word: &str) -> Command {
        let mut cargo = self.command(cargo_program());
        cargo.args([word, "--locked", "--workspace", "--profile", PROFILE]);
        cargo
    }

    /// Builds the simulator.
    pub(super) fn build(&self) -> Result<()> {
        process::output(self.cargo("build").args(["--quiet", "--bin", "sim"])).map(drop)
    }

    /// The simulator's status and what it printed.
    pub(super) fn simulate(&self, seeds: u32) -> Result<(Option<i32>, String)> {
        let mut simulator = self.command(self.target.join(PROFILE).join("sim"));
        let ended = simulator.args(["--seeds", &seeds.to_string()]).output()?;
        let printed = [ended.stdout, ended.stderr].concat();
        Ok((ended.status.code(), String::from_utf8_lossy(&printed).into_owned()))
    }

    pub(super) fn judge(&self, patch: &Patch, seeds: u32) -> Result<Verdict> {
        let mut apply = self.command("git");
        apply.arg("apply").arg(&patch.path);
        if let Err(error) = process::output(&mut apply) {
            return Ok(Verdict::Broken(format!("it no longer applies: {}", last_line(&format!("{error:#}")))));
        }
        if let Some(test) = &patch.test {
            return test.judge(self);
        }
        if let Err(error) = self.build() {
            eprintln!("{error:#}");
            return Ok(Verdict::Broken("the patched tree does not compile".to_owned()));
        }
        let (status, printed) = self.simulate(seeds)?;
        Ok(match status {
            Some(STATUS_VIOLATED) => Verdict::Killed { seeds: seeds_run(&printed) },
            Some(0) => Verdict::Survived,
            Some(STATUS_NOT_JUDGED) => Verdict::NotJudged,
            other => {
                eprintln!("{}", tail(&printed));
                let status = other.map_or_else(|| "no status".to_owned(), |code| format!("status {code}"));
                Verdict::Broken(format!("the simulator ended with {status}, which is not a verdict"))
            }
        })
    }
}

/// Removes what is in the copy but not in the list.
fn remove_others(tree: &Path, folder: &Path, wanted: &[PathBuf]) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(tree, &path, wanted)?;
        } else if wanted.binary_search_by(|file| file.as_path().cmp(path.strip_prefix(tree).unwrap_or(&path))).is_err()
        {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// The last lines of a long output. Reason for 20: enough for a panic with its place.
pub(super) fn tail(printed: &str) -> String {
    let lines: Vec<&str> = printed.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

fn last_line(text: &str) -> &str {
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str =
        "diff --git a/rule.txt b/rule.txt\n--- a/rule.txt\n+++ b/rule.txt\n@@ -1 +1 @@\n-kept\n+broken\n";

    /// A repository with one file, and a copy beside it.
    fn repository() -> (tempfile::TempDir, PathBuf, Copy) {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().join("root");
        let tree = root.join("target").join("tree");
        fs::create_dir_all(&tree).unwrap();
        process::output(Command::new("git").args(["init", "--quiet"]).current_dir(&root)).unwrap();
        fs::write(root.join(".gitignore"), "target/\n").unwrap();
        fs::write(root.join("rule.txt"), "kept\n").unwrap();
        let lock = File::create(base.path().join("lock")).unwrap();
        let copy = Copy { tree, target: base.path().join("build"), _lock: lock };
        (base, root, copy)
    }

    #[test]
    fn a_patch_changes_the_copy_only_and_the_next_refresh_undoes_it() {
        let (_base, root, copy) = repository();
        copy.refresh(&root).unwrap();
        let patch = root.join("one.patch");
        fs::write(&patch, format!("# rule: kept\n{DIFF}")).unwrap();
        process::output(copy.command("git").arg("apply").arg(&patch)).unwrap();
        let read = |place: &Path| fs::read_to_string(place.join("rule.txt")).unwrap();
        assert_eq!((read(&root).as_str(), read(&copy.tree).as_str()), ("kept\n", "broken\n"));
        copy.refresh(&root).unwrap();
        assert_eq!(read(&copy.tree), "kept\n");
    }

    #[test]
    fn refresh_leaves_equal_files_alone_and_removes_others() {
        let (_base, root, copy) = repository();
        copy.refresh(&root).unwrap();
        let time = || fs::metadata(copy.tree.join("rule.txt")).unwrap().modified().unwrap();
        let before = time();
        fs::write(copy.tree.join("stray.rs"), "").unwrap();
        copy.refresh(&root).unwrap();
        assert_eq!(time(), before);
        assert!(!copy.tree.join("stray.rs").exists());
    }

    #[test]
    fn a_patch_that_no_longer_applies_is_broken() {
        let (_base, root, copy) = repository();
        fs::write(root.join("rule.txt"), "moved on\n").unwrap();
        copy.refresh(&root).unwrap();
        let path = root.join("one.patch");
        fs::write(&path, format!("# rule: kept\n{DIFF}")).unwrap();
        let patch = Patch { name: "one".to_owned(), path, rule: "kept".to_owned(), test: None };
        let verdict = copy.judge(&patch, 1).unwrap();
        assert!(matches!(&verdict, Verdict::Broken(why) if why.contains("no longer applies")), "{}", verdict.words());
    }
}
