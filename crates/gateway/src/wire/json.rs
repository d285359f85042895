//! Reading JSON bodies, and compacting the opaque JSON that is kept for the caller.

use serde::Deserialize;

use crate::problem::{Code, Facts, Problem};

/// Reads a body; what is wrong with it is answered with its place.
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let facts = Facts { json_line: Some(error.line()), json_column: Some(error.column()), ..Facts::default() };
        Problem::new(Code::MalformedBody).detail(format!("{error}.")).facts(facts)
    })
}

/// The same JSON without white space between its tokens. `json` must be valid.
pub(crate) fn compact(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if matches!(c, ' ' | '\t' | '\n' | '\r') {
            continue;
        } else {
            in_string = c == '"';
        }
        compact.push(c);
    }
    compact
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compacting_keeps_strings_numbers_and_order() {
        let json = "{ \"b\" : [ 1.50 , true ],\n\t\"a \\\" b\\\\\" : \" x \" }";
        let compacted = compact(json);
        assert_eq!(compacted, r#"{"b":[1.50,true],"a \" b\\":" x "}"#);
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(json), value(&compacted));
    }

    #[test]
    fn a_malformed_body_is_answered_with_its_line_and_column() {
        let problem = parse::<serde_json::Value>(b"{\n \"a\": }").unwrap_err();
        assert_eq!(problem.code, Code::MalformedBody);
        assert_eq!((problem.errors[0].facts.json_line, problem.errors[0].facts.json_column), (Some(2), Some(7)));
    }
}
