//! Breakages that the simulator cannot see, such as those of a restore: the patch names the test that must fail.
//!
//! Only a test that ran and failed counts as caught. A patch that does not compile, or a name that no test has, proves
//! nothing.

use anyhow::{Context as _, Result, bail};

use super::Verdict;
use super::copy::{Copy, tail};
use crate::process;

/// One test as the header line `# test: …` says it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NamedTest {
    /// The test target, in whichever package it is.
    file: String,
    name: String,
}

impl NamedTest {
    /// Reads `FILE NAME`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        match text.split_whitespace().collect::<Vec<_>>()[..] {
            [file, name] if !file.starts_with('-') && !name.starts_with('-') => {
                Ok(Self { file: file.to_owned(), name: name.to_owned() })
            }
            _ => bail!("`# test: {text}` must have the form `# test: FILE NAME`"),
        }
    }

    /// The test must pass in the unbroken tree, or its failure would prove nothing.
    pub(super) fn must_pass(&self, copy: &Copy) -> Result<()> {
        println!("the unbroken tree in the test {} {}", self.file, self.name);
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
        let mut build = copy.cargo("test");
        build.args(["--quiet", "--no-run", "--test", &self.file]);
        if let Err(error) = process::output(&mut build) {
            return Ok((Verdict::Broken("the patched tree does not compile".to_owned()), format!("{error:#}")));
        }
        let mut test = copy.cargo("test");
        test.args(["--test", &self.file, &self.name, "--", "--exact"]);
        let ended = test.output().context("cannot run cargo")?;
        let printed = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
        Ok((verdict(ended.status.success(), &printed), printed))
    }
}

/// What a run of one test says, by the lines that the test harness prints.
fn verdict(passed: bool, printed: &str) -> Verdict {
    // One run per package with a test target of that name: with two tests the patch would not say which one must fail.
    match (passed, printed.matches("running 1 test\n").count() == 1) {
        (_, false) => Verdict::Broken("not exactly one test has the name that the patch gives".to_owned()),
        (true, true) => Verdict::Survived,
        (false, true) if printed.contains("test result: FAILED") => Verdict::Killed { seeds: None },
        (false, true) => Verdict::NotJudged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_named_by_its_file_and_its_name() {
        assert!(NamedTest::parse("backup refuses").is_ok());
        for text in ["", "refuses", "--test backup refuses", "backup --ignored"] {
            assert!(NamedTest::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_a_test_that_ran_and_failed_counts_as_killed() {
        let words = |passed, printed| verdict(passed, printed).words();
        assert_eq!(words(false, "running 1 test\n…\ntest result: FAILED. 0 passed"), "killed");
        assert_eq!(words(true, "running 1 test\n…\ntest result: ok. 1 passed"), "SURVIVED");
        assert!(words(true, "running 0 tests\n").starts_with("BROKEN PATCH"));
        let of_two_packages = "running 1 test\n…\ntest result: ok.\nrunning 1 test\n…\ntest result: FAILED.";
        assert!(words(false, of_two_packages).starts_with("BROKEN PATCH"));
        assert!(words(false, "error: no test target").starts_with("BROKEN PATCH"));
        assert!(words(false, "running 1 test\nsignal: 9").contains("could not be judged"));
    }
}
