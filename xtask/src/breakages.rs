//! `breakages`: is the simulation able to notice? Each patch in tests/breakages/ breaks one rule of the product; a copy
//! of the tree with that patch must be caught violating a rule within the given seeds.
//!
//! A patch is a unified diff below header lines `# rule: <the rule it breaks>` (required) and, at will, further lines
//! that start with `#`. What the simulator cannot see names the test that must fail instead (`named_test.rs`):
//! `# test: FILE NAME`. Only status 1 of the simulator counts as caught: a patch that does not compile or no longer
//! applies proves nothing and fails the command, and a run that cannot be judged (status 2) counts as survived.
//!
//! The copy lives in target/breakages/tree and is brought up to date by content, so that cargo rebuilds only what a
//! patch touched; target/breakages/target is its own build directory.

mod copy;
mod named_test;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use self::copy::{Copy, tail};
use self::named_test::NamedTest;
use crate::workspace::Workspace;

/// Where the patches are.
const FOLDER: &str = "tests/breakages";

/// Fewer patches than this fail a run over all of them. Origin: the rules an order is never placed without.
const PATCHES_MIN: usize = 14;

/// Whether the unbroken tree must first be seen to pass; without that, every patch would look caught.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Baseline {
    /// Run the simulator on the unbroken copy.
    Simulate,
    /// The same tree has just passed the same seeds.
    JustPassed,
}

/// One patch file.
struct Patch {
    name: String,
    path: PathBuf,
    rule: String,
    /// `None`: the simulator must notice.
    test: Option<NamedTest>,
}

/// What the simulator made of one patch.
enum Verdict {
    Killed {
        seeds: Option<u64>,
    },
    Survived,
    NotJudged,
    /// Neither an answer nor a proof: the patch is at fault.
    Broken(String),
}

impl Verdict {
    fn words(&self) -> String {
        match self {
            Self::Killed { .. } => "killed".to_owned(),
            Self::Survived => "SURVIVED".to_owned(),
            Self::NotJudged => "SURVIVED: the run could not be judged".to_owned(),
            Self::Broken(why) => format!("BROKEN PATCH: {why}"),
        }
    }

    fn seeds(&self) -> String {
        match self {
            Self::Killed { seeds } => seeds.map_or_else(|| "?".to_owned(), |count| count.to_string()),
            _ => "-".to_owned(),
        }
    }
}

/// Applies each patch in turn (or those whose name contains `only`) and fails unless every one is killed.
pub(crate) fn run(workspace: &Workspace, seeds: u32, only: Option<&str>, baseline: Baseline) -> Result<()> {
    let mut patches = read_patches(&workspace.root().join(FOLDER))?;
    let missing = PATCHES_MIN.saturating_sub(patches.len());
    println!("{} patches in {FOLDER}; at least {PATCHES_MIN} are demanded", patches.len());
    patches.retain(|patch| only.is_none_or(|wanted| patch.name.contains(wanted)));
    if patches.is_empty() {
        bail!("no patch to try: nothing has been proved");
    }
    let copy = Copy::open(workspace)?;
    copy.refresh(workspace.root())?;
    let simulated = patches.iter().any(|patch| patch.test.is_none());
    if simulated {
        copy.build().context("the unbroken tree does not build")?;
    }
    let mut tests: Vec<&NamedTest> = patches.iter().filter_map(|patch| patch.test.as_ref()).collect();
    tests.sort();
    tests.dedup();
    for test in tests {
        test.must_pass(&copy)?;
    }
    if baseline == Baseline::Simulate && simulated {
        println!("the unbroken tree over {seeds} seeds");
        let (status, printed) = copy.simulate(seeds)?;
        if status != Some(0) {
            bail!("the unbroken tree does not pass, so no patch can be judged\n{}", tail(&printed));
        }
    }
    let mut table = Vec::new();
    let mut failed = 0;
    for patch in &patches {
        let began = Instant::now();
        let verdict = copy.judge(patch, seeds)?;
        copy.refresh(workspace.root())?;
        failed += usize::from(!matches!(verdict, Verdict::Killed { .. }));
        println!("{}: {} ({} s)", patch.name, verdict.words(), began.elapsed().as_secs());
        let seeds = if patch.test.is_some() { "test".to_owned() } else { verdict.seeds() };
        table.push(format!("{:<32} {:<48} {seeds:>5}  {}", patch.name, patch.rule, verdict.words()));
    }
    println!("\n{:<32} {:<48} seeds  verdict", "patch", "rule");
    println!("{}", table.join("\n"));
    if failed > 0 {
        bail!("{failed} of {} breakages were not caught", patches.len());
    }
    if missing > 0 && only.is_none() {
        bail!("{FOLDER} lacks {missing} patches: at least {PATCHES_MIN} are demanded");
    }
    Ok(())
}

/// Every `*.patch` of the folder, by name.
fn read_patches(folder: &Path) -> Result<Vec<Patch>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut patches = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension() != Some(OsStr::new("patch")) {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        let rule = header_rule(&text).with_context(|| format!("{}", path.display()))?;
        let test = header(&text, "test:").map(NamedTest::parse).transpose();
        let test = test.with_context(|| format!("{}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        patches.push(Patch { name, path, rule, test });
    }
    patches.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(patches)
}

/// The text after `# <word>` in the lines above the diff.
fn header<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let header = text.lines().take_while(|line| line.starts_with('#') || line.trim().is_empty());
    header.filter_map(|line| line.trim_start_matches('#').trim().strip_prefix(word)).map(str::trim).next()
}

fn header_rule(text: &str) -> Result<String> {
    let rule = header(text, "rule:");
    match rule {
        Some(rule) if !rule.is_empty() => Ok(rule.to_owned()),
        _ => bail!("the patch must begin with a line `# rule: <the rule it breaks>`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str =
        "diff --git a/rule.txt b/rule.txt\n--- a/rule.txt\n+++ b/rule.txt\n@@ -1 +1 @@\n-kept\n+broken\n";

    #[test]
    fn the_rule_is_read_from_the_header_and_only_from_there() {
        assert_eq!(
            header_rule(&format!("# rule: fence before release\n# why: x\n{DIFF}")).unwrap(),
            "fence before release"
        );
        assert_eq!(header_rule(&format!("# found in review\n\n# rule: one\n{DIFF}")).unwrap(), "one");
        assert!(header_rule(DIFF).is_err());
        assert!(header_rule(&format!("# rule:\n{DIFF}")).is_err());
        assert!(header_rule(&format!("{DIFF}# rule: too late\n")).is_err());
    }

    #[test]
    fn only_a_violated_rule_counts_as_killed() {
        assert_eq!(Verdict::Killed { seeds: Some(7) }.seeds(), "7");
        for other in [Verdict::Survived, Verdict::NotJudged, Verdict::Broken("x".to_owned())] {
            assert!(!other.words().contains("killed"));
        }
    }
}
