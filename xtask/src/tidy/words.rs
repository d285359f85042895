//! Words that must not be in a tracked file: work left open, lints silenced without a promise, a machine's own paths.
//!
//! The words are written here in two pieces, so that this file keeps its own rule.

use super::source::{attributes, code_only, line_of, word_positions};
use super::{TextFile, Violation};

const RULE: &str = "words";

/// Marks of open work, in any text.
const OPEN_WORK: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

/// Macros that stand for missing or forgotten code.
const UNFINISHED_MACROS: [&str; 3] = [concat!("db", "g"), concat!("to", "do"), concat!("unimple", "mented")];

/// Where a machine's own paths begin. A path inside the repository is written from its root, without a leading slash.
const MACHINE_PATHS: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];

/// Attributes that are refused, and what to write instead.
const ATTRIBUTES: [(&str, &str); 2] = [
    (concat!("al", "low"), "say #[expect(lint, reason = \"…\")]: it fails once the reason is gone"),
    (concat!("ig", "nore"), "make the test run everywhere, or fail with words that say what to install"),
];

/// The banned words of one file.
pub(super) fn check(file: &TextFile) -> Vec<Violation> {
    let mut found = Vec::new();
    for word in OPEN_WORK {
        for at in word_positions(&file.text, word) {
            let line = line_of(&file.text, at);
            found.push(file.violation(line, RULE, format!("{word}: do it now, or open an issue and remove the mark")));
        }
    }
    for path in MACHINE_PATHS {
        for (at, _) in file.text.match_indices(path).filter(|(at, _)| is_absolute(&file.text[..*at])) {
            let line = line_of(&file.text, at);
            found.push(file.violation(
                line,
                RULE,
                format!("{path}: a machine's own path; write it relative to the root"),
            ));
        }
    }
    if file.is_rust() {
        check_code(file, &mut found);
    }
    found
}

/// Whether a slash after this text begins a path of the machine: not one that goes on (`docs/home/`, `target.path/…`).
fn is_absolute(before: &str) -> bool {
    !before.ends_with(|letter: char| letter.is_alphanumeric() || "_-.~/})>".contains(letter))
}

fn check_code(file: &TextFile, found: &mut Vec<Violation>) {
    let code = code_only(&file.text);
    for name in UNFINISHED_MACROS {
        for at in word_positions(&code, name).filter(|at| code[at + name.len()..].starts_with('!')) {
            let line = line_of(&code, at);
            found.push(file.violation(line, RULE, format!("{name}!: finish it or take it out")));
        }
    }
    for attribute in attributes(&code) {
        for (name, instead) in ATTRIBUTES {
            if names_itself(&attribute.text, name) {
                found.push(file.violation(attribute.line, RULE, format!("#[{name}]: {instead}")));
            }
        }
    }
}

/// Whether an attribute is `name`, `name(…)`, `name = …`, or one of these inside a `cfg_attr`.
fn names_itself(attribute: &str, name: &str) -> bool {
    let inside_condition = attribute.trim_start().starts_with("cfg_attr");
    word_positions(attribute, name).any(|at| {
        let before = attribute[..at].trim_end();
        before.is_empty() || (inside_condition && before.ends_with(','))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let file = TextFile { path: path.to_owned(), text: text.to_owned() };
        check(&file).iter().map(|found| found.line).collect()
    }

    #[test]
    fn finds_marks_of_open_work_in_any_text_file() {
        let [first, second] = OPEN_WORK;
        assert_eq!(lines("docs/a.md", &format!("one\n{first}: later\n")), [2]);
        assert_eq!(lines("a.sql", &format!("-- {second}\n")), [1]);
        assert_eq!(lines("docs/a.md", &format!("{first}NTO is a city\n")), [0_usize; 0]);
    }

    #[test]
    fn finds_unfinished_macros_in_code_and_not_in_comments() {
        for name in UNFINISHED_MACROS {
            assert_eq!(lines("a.rs", &format!("fn f() {{\n    {name}!(1)\n}}\n")), [2]);
            assert_eq!(lines("a.rs", &format!("// {name}!(1) is refused\nlet x = \"{name}!\";\n")), [0_usize; 0]);
        }
    }

    #[test]
    fn finds_refused_attributes_however_they_are_written() {
        let [(silenced, _), (skipped, _)] = ATTRIBUTES;
        let refused = [
            format!("#[{silenced}(dead_code)]"),
            format!("#![{silenced}(dead_code)]"),
            format!("#[cfg_attr(test, {silenced}(dead_code))]"),
            format!("#[{skipped}]"),
            format!("#[{skipped} = \"slow\"]"),
        ];
        for text in refused {
            assert_eq!(lines("a.rs", &text), [1], "{text}");
        }
        let accepted = [
            "#[expect(dead_code, reason = \"x\")]".to_owned(),
            format!("#[serde({skipped})]"),
            format!("#[doc = \"#[{skipped}]\"]"),
        ];
        for text in accepted {
            assert_eq!(lines("a.rs", &text), [0_usize; 0], "{text}");
        }
    }

    #[test]
    fn finds_paths_of_a_machine_and_leaves_relative_ones() {
        for path in MACHINE_PATHS {
            assert_eq!(lines("a.toml", &format!("x = \"{path}me\"\n")), [1]);
            assert_eq!(lines("a.md", &format!("see docs{path}page and https://example.org{path}\n")), [0_usize; 0]);
        }
    }
}
