//! The ratchet: long files and functions that exist are written down with their length and may only get shorter.
//!
//! An entry that has become clearly too generous is a violation too; otherwise the room that a clean-up won would be
//! free to fill again.

use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::Violation;
use super::sizes::{FILE_LINES_AIM, FUNCTION_LINES_AIM, Lengths};

/// The file with the lengths held.
const PATH: &str = "xtask/tidy-ratchet.txt";

const RULE: &str = "ratchet";

/// Lines an entry may be too generous by. Reason: without it every edit of a long file would touch the ratchet file.
const SLACK_LINES: usize = 20;

/// One line of the ratchet file.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    lines_max: usize,
    /// Its line in the ratchet file, from 1.
    line: usize,
}

/// Compares today's lengths with the ones held.
pub(super) fn check(root: &Path, lengths: &Lengths) -> Result<Vec<Violation>> {
    Ok(compare(&read(root)?, lengths))
}

fn compare(entries: &[Entry], lengths: &Lengths) -> Vec<Violation> {
    let mut found = Vec::new();
    for (name, length) in lengths {
        let held = entries.iter().find(|entry| entry.name == *name).map(|entry| entry.lines_max);
        let (aim, path) = match name.split_once("::") {
            Some((path, _)) => (FUNCTION_LINES_AIM, path),
            None => (FILE_LINES_AIM, name.as_str()),
        };
        let limit = held.unwrap_or(aim);
        if length.lines > limit {
            let what_to_do = format!("`{name}` has {} lines, at most {limit}: split it", length.lines);
            found.push(Violation { path: path.to_owned(), line: length.line, rule: RULE, what_to_do });
        }
    }
    for entry in entries {
        let today = lengths.get(&entry.name).map_or(0, |length| length.lines);
        if today == 0 || today + SLACK_LINES < entry.lines_max {
            let what_to_do = format!("`{}` got shorter: run `cargo xtask tidy --update`", entry.name);
            found.push(Violation { path: PATH.to_owned(), line: entry.line, rule: RULE, what_to_do });
        }
    }
    found
}

/// Rewrites the file with today's lengths. Growth and new entries are refused unless forced.
pub(super) fn update(root: &Path, lengths: &Lengths, force: bool) -> Result<()> {
    let grown: Vec<String> = compare(&read(root)?, lengths)
        .into_iter()
        .filter(|violation| violation.path != PATH)
        .map(|violation| violation.to_string())
        .collect();
    if !grown.is_empty() && !force {
        bail!(
            "{}\nsplit these, or accept them with `tidy --update --force` and say why in the commit",
            grown.join("\n")
        );
    }
    fs::write(root.join(PATH), render(lengths)?)?;
    println!("{PATH}: {} entries", lengths.len());
    Ok(())
}

fn render(lengths: &Lengths) -> Result<String> {
    let mut text = format!(
        "# Files over {FILE_LINES_AIM} lines and functions over {FUNCTION_LINES_AIM}, with their length: they may only get shorter.\n\
         # `cargo xtask tidy --update` writes this file and refuses to raise a number or to add a line. Where length is\n\
         # right (one long table, one long test), `--update --force` accepts it, and the commit says why.\n"
    );
    for (name, length) in lengths {
        writeln!(text, "{name}: {}", length.lines)?;
    }
    Ok(text)
}

fn read(root: &Path) -> Result<Vec<Entry>> {
    match fs::read_to_string(root.join(PATH)) {
        Ok(text) => parse(&text),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).context(PATH),
    }
}

fn parse(text: &str) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        let parsed = line.rsplit_once(": ").and_then(|(name, lines)| Some((name, lines.trim().parse().ok()?)));
        let (name, lines_max) = parsed.with_context(|| format!("{PATH}:{}: not `name: lines`", index + 1))?;
        entries.push(Entry { name: name.to_owned(), lines_max, line: index + 1 });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::super::sizes::Length;
    use super::*;

    fn lengths(of: &[(&str, usize)]) -> Lengths {
        of.iter().map(|(name, lines)| ((*name).to_owned(), Length { line: 1, lines: *lines })).collect()
    }

    fn violations(held: &str, today: &[(&str, usize)]) -> Vec<String> {
        compare(&parse(held).unwrap(), &lengths(today)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_held_may_shrink_a_little_but_not_grow() {
        let held = "# head\na.rs: 400\na.rs::run: 90\n";
        assert_eq!(violations(held, &[("a.rs", 400), ("a.rs::run", 85)]), [""; 0]);
        let grown = violations(held, &[("a.rs", 401), ("a.rs::run", 91)]);
        assert_eq!(grown.len(), 2, "{grown:?}");
        assert!(grown[0].starts_with("a.rs:1: ratchet: `a.rs` has 401 lines, at most 400"), "{grown:?}");
    }

    #[test]
    fn what_is_new_is_measured_by_the_aim() {
        let found = violations("", &[("new.rs", 301)]);
        assert!(found[0].contains("at most 300"), "{found:?}");
    }

    #[test]
    fn an_entry_that_is_too_generous_or_gone_must_be_updated() {
        let found = violations("a.rs: 400\nb.rs: 400\n", &[("a.rs", 379)]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|text| text.contains("tidy --update")), "{found:?}");
    }

    #[test]
    fn update_goes_down_by_itself_and_up_only_when_forced() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("xtask")).unwrap();
        assert!(update(root.path(), &lengths(&[("a.rs", 400)]), false).is_err());
        update(root.path(), &lengths(&[("a.rs", 400)]), true).unwrap();
        update(root.path(), &lengths(&[("a.rs", 350)]), false).unwrap();
        assert_eq!(read(root.path()).unwrap()[0].lines_max, 350);
        assert!(update(root.path(), &lengths(&[("a.rs", 351)]), false).is_err());
    }
}
