//! Breakages that the simulator cannot see, such as those of a restore: the patch names the test that must fail.
//!
//! Only a test that ran and failed counts as caught. A patch that does not compile, or a name that no test has, proves
//! nothing.

use anyhow::{Context as _, Result, bail};

use super::Verdict;
use super::copy::{Copy, tail};
use crate::process;
use crate::workspace::cargo_program;

/// The arguments of `cargo test` that choose one test, as the header line `# test: …` says them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NamedTest(Vec<String>);

impl NamedTest {
    /// Reads `-p PACKAGE --test FILE NAME`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["-p", _, "--test", _, name] if !name.starts_with('-') => Ok(Self(words)),
            _ => bail!("`# test: {text}` must have the form `# test: -p PACKAGE --test FILE NAME`"),
        }
    }

    /// The test must pass in the unbroken tree, or its failure would prove nothing.
    pub(super) fn must_pass(&self, copy: &Copy) -> Result<()> {
        println!("the unbroken tree in the test {}", self.0.join(" "));
        match self.run(copy)? {
            (Verdict::Survived, _) => Ok(()),
            (verdict, printed) => bail!("the unbroken tree does not pass: {}\n{}", verdict.words(), tail(&printed)),
        }
    }

    /// What the test makes of the patched tree.
    pub(super) fn judge(&self, copy: &Copy) -> Result<Verdict> {
        let (verdict, printed) = self.run(copy)?;
        if matches!(verdict, Verdict::Broken(_)) {
            eprintln!("{}", tail(&printed));
        }
        Ok(verdict)
    }

    fn run(&self, copy: &Copy) -> Result<(Verdict, String)> {
        let mut build = copy.command(cargo_program());
        build.args(["test", "--quiet", "--locked", "--no-run"]).args(&self.0[..4]);
        if let Err(error) = process::output(&mut build) {
            return Ok((Verdict::Broken("the patched tree does not compile".to_owned()), format!("{error:#}")));
        }
        let mut test = copy.command(cargo_program());
        test.args(["test", "--locked"]).args(&self.0).args(["--", "--exact"]);
        let ended = test.output().context("cannot run cargo")?;
        let printed = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
        Ok((verdict(ended.status.success(), &printed), printed))
    }
}

/// What a run of one test says, by the lines that the test harness prints.
fn verdict(passed: bool, printed: &str) -> Verdict {
    match (passed, printed.contains("running 1 test\n")) {
        (_, false) => Verdict::Broken("no test has the name that the patch gives".to_owned()),
        (true, true) => Verdict::Survived,
        (false, true) if printed.contains("test result: FAILED") => Verdict::Killed { seeds: None },
        (false, true) => Verdict::NotJudged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_named_by_package_file_and_name() {
        assert!(NamedTest::parse("-p holdline --test backup refuses").is_ok());
        for text in ["", "refuses", "-p holdline --test backup", "-p holdline --test backup --ignored"] {
            assert!(NamedTest::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_a_test_that_ran_and_failed_counts_as_killed() {
        let words = |passed, printed| verdict(passed, printed).words();
        assert_eq!(words(false, "running 1 test\n…\ntest result: FAILED. 0 passed"), "killed");
        assert_eq!(words(true, "running 1 test\n…\ntest result: ok. 1 passed"), "SURVIVED");
        assert!(words(true, "running 0 tests\n").starts_with("BROKEN PATCH"));
        assert!(words(false, "error: no test target").starts_with("BROKEN PATCH"));
        assert!(words(false, "running 1 test\nsignal: 9").contains("could not be judged"));
    }
}
