//! The text of `api/errors.md`, from the table of codes.

use std::fmt::Write as _;

use super::code::{Code, Reason};

const HEAD: &str = "\
# Errors

Generated from the code; do not edit.

Every answer beyond 2xx is `application/problem+json` (RFC 9457): `type`, `title`, `status`, `detail`, `instance`, and
`code` (stable: decide by it), `request_id` (the one in the log), `retryable` (the same request, unchanged, may succeed
later) and `errors[]`. Each entry there has a `code`, where it applies a JSON `pointer` into the body or the name of a
`parameter`, and facts. Two answers come from below this level and have no body: 431 (`header_too_large`) and 400 for
what is not HTTP.

";

/// The page.
pub(crate) fn errors_md() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("| code | status | retryable |\n|---|---|---|\n");
    for entry in Code::ALL.iter().map(|code| code.entry()) {
        let retryable = if entry.retryable { "yes" } else { "no" };
        line(&mut page, format_args!("| [{0}](#{0}) | {1} | {retryable} |", entry.code, entry.status.as_u16()));
    }
    for code in Code::ALL {
        let entry = code.entry();
        line(&mut page, format_args!("\n## {}\n", entry.code));
        line(&mut page, format_args!("{} · **{}**\n", entry.status, entry.title));
        line(&mut page, format_args!("{} {}", entry.meaning, entry.action));
        if !entry.facts.is_empty() {
            line(&mut page, format_args!("\nFacts: {}.", entry.facts));
        }
        let reasons = || Reason::ALL.iter().map(|reason| reason.entry()).filter(|reason| reason.within == *code);
        if reasons().next().is_some() {
            page.push_str("\n| reason in `errors[]` | meaning | facts |\n|---|---|---|\n");
        }
        for reason in reasons() {
            line(&mut page, format_args!("| {} | {} | {} |", reason.code, reason.meaning, reason.facts));
        }
    }
    page
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(page, "{text}").expect("a String takes every text");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_page_has_every_code_and_reason_once() {
        let page = errors_md();
        let codes: BTreeSet<_> = Code::ALL.iter().map(|code| code.entry().code).collect();
        assert_eq!(codes.len(), Code::ALL.len());
        for code in codes {
            assert_eq!(page.matches(&format!("\n## {code}\n")).count(), 1, "{code}");
        }
        for reason in Reason::ALL {
            assert!(page.contains(&format!("\n| {} |", reason.entry().code)), "{reason:?}");
        }
    }

    #[test]
    fn only_statuses_beyond_2xx_are_problems() {
        for code in Code::ALL {
            let status = code.entry().status;
            assert!(status.is_client_error() || status.is_server_error(), "{code:?}");
        }
    }
}
