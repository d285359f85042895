//! Lengths of Rust files and functions.
//!
//! No file may pass [`FILE_LINES_MAX`]. A file over [`FILE_LINES_AIM`] or a function over [`FUNCTION_LINES_AIM`] is
//! held by the ratchet. The limits are those of the house style: what a reader can proofread in one go.

use std::collections::BTreeMap;

use super::source::{code_only, functions};
use super::{TextFile, Violation};

/// Longer than this is refused for good.
pub(super) const FILE_LINES_MAX: usize = 800;
/// Longer than this is held by the ratchet.
pub(super) const FILE_LINES_AIM: usize = 300;
/// Longer than this is held by the ratchet.
pub(super) const FUNCTION_LINES_AIM: usize = 70;

/// What is longer than its aim: `path` for a file, `path::name` for the longest function of that name in it.
pub(super) type Lengths = BTreeMap<String, Length>;

/// The length of a file or a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Length {
    /// Where it begins, from 1.
    pub(super) line: usize,
    pub(super) lines: usize,
}

/// Refuses a file that passes [`FILE_LINES_MAX`].
pub(super) fn check_limit(file: &TextFile) -> Option<Violation> {
    let lines = file.text.lines().count();
    (file.is_rust() && lines > FILE_LINES_MAX).then(|| {
        file.violation(FILE_LINES_MAX + 1, "size", format!("{lines} lines, at most {FILE_LINES_MAX}: split the file"))
    })
}

/// Everything longer than its aim.
pub(super) fn measure(files: &[TextFile]) -> Lengths {
    let mut found = Lengths::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let lines = file.text.lines().count();
        if lines > FILE_LINES_AIM {
            found.insert(file.path.clone(), Length { line: 1, lines });
        }
        for function in functions(&code_only(&file.text)) {
            let longest = found.get(&format!("{}::{}", file.path, function.name)).map_or(0, |known| known.lines);
            if function.lines > FUNCTION_LINES_AIM.max(longest) {
                let length = Length { line: function.line, lines: function.lines };
                found.insert(format!("{}::{}", file.path, function.name), length);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(name: &str, lines: usize) -> String {
        format!("fn {name}() {{\n{}}}\n", "    step();\n".repeat(lines - 2))
    }

    #[test]
    fn measures_what_is_longer_than_its_aim_and_nothing_else() {
        let text = function("short", FUNCTION_LINES_AIM) + &function("long", 71) + &function("long", 90);
        let files = [
            TextFile { path: "a.rs".to_owned(), text },
            TextFile { path: "b.rs".to_owned(), text: "x\n".repeat(301) },
            TextFile { path: "c.rs".to_owned(), text: "x\n".repeat(300) },
            TextFile { path: "d.md".to_owned(), text: "x\n".repeat(999) },
        ];
        let expected: Lengths = [("a.rs::long", 142, 90), ("b.rs", 1, 301)]
            .map(|(name, line, lines)| (name.to_owned(), Length { line, lines }))
            .into();
        assert_eq!(measure(&files), expected);
    }

    #[test]
    fn a_file_over_the_limit_is_refused() {
        let of = |lines| check_limit(&TextFile { path: "a.rs".to_owned(), text: "x\n".repeat(lines) });
        assert_eq!(of(FILE_LINES_MAX), None);
        assert_eq!(of(FILE_LINES_MAX + 1).unwrap().rule, "size");
    }
}
