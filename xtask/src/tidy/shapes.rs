//! Shapes a reader relies on: a module says on its first line what it is for, is named after what it holds, and a
//! `.sql` file is one statement.

use super::{TextFile, Violation, has_extension};

/// Names that say nothing about what a module holds.
const EMPTY_NAMES: [&str; 11] =
    ["util", "utils", "common", "helper", "helpers", "manager", "managers", "misc", "shared", "stuff", "tools"];

/// A first line shorter than this says nothing, in bytes after `//!`. Origin: "A buyer." is the shortest useful one.
const PURPOSE_BYTES_MIN: usize = 8;

/// The broken shapes of one file.
pub(super) fn check(file: &TextFile) -> Vec<Violation> {
    let mut found = Vec::new();
    if file.is_rust() {
        if let Some(name) = file.path.split('/').map(stem).find(|name| EMPTY_NAMES.contains(name)) {
            let advice = format!("`{name}` says nothing; name the module after the thing it holds");
            found.push(file.violation(1, "module-name", advice));
        }
        let first = file.text.lines().next().unwrap_or_default();
        let purpose = first.strip_prefix("//!").map(str::trim);
        if purpose.is_none_or(|words| words.len() < PURPOSE_BYTES_MIN) {
            found.push(file.violation(1, "first-line", "begin with `//! ` and what this module is for"));
        }
    }
    if has_extension(&file.path, "sql") && !file.path.split('/').any(|folder| folder == "migrations") {
        let count = statements(&file.text);
        if count != 1 {
            let advice = format!("{count} statements; one per file, so that it has one name and one plan");
            found.push(file.violation(1, "sql", advice));
        }
    }
    found
}

fn stem(name: &str) -> &str {
    name.strip_suffix(".rs").unwrap_or(name)
}

/// Statements of a SQL text; semicolons in comments, quotes and dollar quotes do not count.
fn statements(sql: &str) -> usize {
    let mut rest = sql;
    let mut count = 0;
    let mut open = false;
    while let Some(letter) = rest.chars().next() {
        let skipped = skip_opaque(rest);
        if let Some(length) = skipped {
            open |= !rest.starts_with("--") && !rest.starts_with("/*");
            rest = &rest[length..];
            continue;
        }
        if letter == ';' {
            count += usize::from(open);
            open = false;
        } else {
            open |= !letter.is_whitespace();
        }
        rest = &rest[letter.len_utf8()..];
    }
    count + usize::from(open)
}

/// Length of the comment or quoted text that begins here, if one does; an unclosed one reaches to the end.
fn skip_opaque(rest: &str) -> Option<usize> {
    let until = |opening: usize, close: &str| {
        rest[opening..].find(close).map_or(rest.len(), |length| opening + length + close.len())
    };
    if rest.starts_with("--") {
        return Some(until(2, "\n"));
    }
    if rest.starts_with("/*") {
        return Some(until(2, "*/"));
    }
    match rest.chars().next()? {
        '\'' => Some(until(1, "'")),
        '"' => Some(until(1, "\"")),
        '$' => {
            let tag = &rest[..=rest[1..].find('$')? + 1];
            let is_tag = tag[1..tag.len() - 1].chars().all(|letter| letter.is_alphanumeric() || letter == '_');
            (is_tag && !tag[1..].starts_with(|first: char| first.is_ascii_digit())).then(|| until(tag.len(), tag))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<&'static str> {
        check(&TextFile { path: path.to_owned(), text: text.to_owned() }).iter().map(|found| found.rule).collect()
    }

    #[test]
    fn a_module_begins_with_its_purpose() {
        assert_eq!(rules("crates/app/src/lib.rs", "//! Use cases of an order.\n"), [""; 0]);
        for text in ["", "use std::fmt;\n", "//! .\n", "// Use cases of an order.\n"] {
            assert_eq!(rules("crates/app/src/lib.rs", text), ["first-line"], "{text}");
        }
    }

    #[test]
    fn empty_names_are_refused_for_files_and_folders() {
        let purpose = "//! Use cases of an order.\n";
        for path in ["crates/app/src/utils.rs", "crates/app/tests/common/mod.rs", "xtask/src/manager.rs"] {
            assert_eq!(rules(path, purpose), ["module-name"], "{path}");
        }
        assert_eq!(rules("crates/app/src/order.rs", purpose), [""; 0]);
        assert_eq!(rules("docs/common/page.md", "text"), [""; 0]);
    }

    #[test]
    fn counts_statements_outside_of_quotes_and_comments() {
        let cases = [
            ("", 0),
            ("-- nothing;\n", 0),
            ("SELECT 1", 1),
            ("-- why;\nSELECT ';' /* ; */ AS \"a;b\";\n", 1),
            ("SELECT $1, $2;", 1),
            ("DO $body$ BEGIN; END; $body$;", 1),
            ("SELECT 'it''s; one';", 1),
            ("SELECT 1; SELECT 2", 2),
        ];
        for (sql, expected) in cases {
            assert_eq!(statements(sql), expected, "{sql}");
        }
    }

    #[test]
    fn migrations_may_hold_several_statements() {
        assert_eq!(rules("crates/store/sql/order/find.sql", "SELECT 1; SELECT 2;"), ["sql"]);
        assert_eq!(rules("crates/store/migrations/sqlite/0001.sql", "SELECT 1; SELECT 2;"), [""; 0]);
    }
}
