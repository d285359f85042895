//! `tidy`: house rules that neither the compiler nor clippy checks. Each broken one is shown as
//! `file:line: rule: what to do`, all of them at once.
//!
//! - [`dependencies`]: the walls between the crates;
//! - [`sizes`]: lengths of files and functions, the long ones held as a ratchet;
//! - [`words`]: unfinished work, silenced lints, a machine's own paths;
//! - [`shapes`]: names and first lines of modules, one statement per `.sql` file.
//!
//! Deliberately absent: taste. A rule is here only if it can be decided by looking, and if its message says what to do.

mod dependencies;
mod ratchet;
mod shapes;
mod sizes;
mod source;
mod words;

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

/// One broken rule at one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    /// Relative to the root, with `/`.
    path: String,
    /// From 1.
    line: usize,
    rule: &'static str,
    what_to_do: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}: {}", self.path, self.line, self.rule, self.what_to_do)
    }
}

/// A text file of the repository.
struct TextFile {
    /// Relative to the root, with `/`.
    path: String,
    text: String,
}

impl TextFile {
    fn is_rust(&self) -> bool {
        has_extension(&self.path, "rs")
    }

    fn violation(&self, line: usize, rule: &'static str, what_to_do: impl Into<String>) -> Violation {
        Violation { path: self.path.clone(), line, rule, what_to_do: what_to_do.into() }
    }
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

/// Fails if any rule is broken anywhere in the repository.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let files = text_files(workspace)?;
    let mut found = dependencies::check(workspace.metadata(), workspace.root());
    found.extend(files.iter().flat_map(check_file));
    found.extend(ratchet::check(workspace.root(), &sizes::measure(&files))?);
    found.sort();
    for violation in &found {
        println!("{violation}");
    }
    match found.len() {
        0 => {
            println!("tidy: {} text files, no rule broken", files.len());
            Ok(())
        }
        count => bail!("tidy found {count} broken rules, listed above"),
    }
}

/// Rewrites the ratchet file; see [`ratchet`].
pub(crate) fn update_ratchet(workspace: &Workspace, force: bool) -> Result<()> {
    ratchet::update(workspace.root(), &sizes::measure(&text_files(workspace)?), force)
}

/// The rules that need one file alone.
fn check_file(file: &TextFile) -> Vec<Violation> {
    let mut found = words::check(file);
    found.extend(shapes::check(file));
    found.extend(sizes::check_limit(file));
    found
}

/// Every file of the repository that is UTF-8 without NUL, except Cargo.lock, which cargo writes.
fn text_files(workspace: &Workspace) -> Result<Vec<TextFile>> {
    let mut files = Vec::new();
    for path in workspace.files()? {
        let bytes = fs::read(workspace.root().join(&path))?;
        if path.as_os_str() == "Cargo.lock" || bytes.contains(&0) {
            continue;
        }
        if let (Some(path), Ok(text)) = (path.to_str(), String::from_utf8(bytes)) {
            files.push(TextFile { path: path.to_owned(), text });
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_violation_names_file_line_rule_and_what_to_do() {
        let shown = file("a/b.rs", "").violation(3, "sizes", "split it").to_string();
        assert_eq!(shown, "a/b.rs:3: sizes: split it");
    }

    #[test]
    fn a_clean_file_breaks_no_rule() {
        let clean = "//! Places orders.\n\n/// Answers one.\nfn one() -> u8 {\n    1\n}\n";
        assert_eq!(check_file(&file("crates/app/src/order/place.rs", clean)), []);
    }

    #[test]
    fn every_kind_of_rule_is_asked_about_every_file() {
        let long = "let _ = 1;\n".repeat(sizes::FILE_LINES_MAX);
        let dirty = format!("fn one() {{ {}!() }}\n{long}", concat!("db", "g"));
        let rules: Vec<&str> =
            check_file(&file("crates/app/src/manager.rs", &dirty)).iter().map(|found| found.rule).collect();
        assert_eq!(rules, ["words", "module-name", "first-line", "size"]);
    }
}
