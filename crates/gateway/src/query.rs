//! Query parameters, and what is escaped in a URL.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::Uri;
use holdline_domain::id::{InvalidCode, InvalidField};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

use crate::cursor::{Cursor, decode_cursor};
use crate::problem::{Code, Problem};

/// What is escaped in a segment of a path or a query: all but RFC 3986's unreserved characters.
pub(crate) const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Entries of a page where the caller does not say.
pub(crate) const LIMIT_DEFAULT: usize = 20;
/// Entries of a page at most: an answer stays small enough to be made in one piece.
pub(crate) const LIMIT_MAX: usize = 100;

/// The decoded parameters of one request, in their order.
#[derive(Debug)]
pub(crate) struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    /// Reads the parameters; one that the operation does not know is refused, so that a misspelt filter never means
    /// "everything".
    pub(crate) fn parse(uri: &'a Uri, known: &[&str]) -> Result<Self, Problem> {
        let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let mut parameters = Vec::new();
        for pair in pairs {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if !known.contains(&&*name) {
                let problem = format!("is not a parameter here; there are: {}", known.join(", "));
                return Err(InvalidField::new(&name, InvalidCode::Malformed, problem).into());
            }
            parameters.push((name, value));
        }
        Ok(Self(parameters))
    }

    /// Every value of a parameter that may be repeated.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| &**value)
    }

    /// The value of a parameter that may be given once.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut values = self.all(name);
        let first = values.next();
        if values.next().is_some() {
            return Err(InvalidField::new(name, InvalidCode::Malformed, "must be given once").into());
        }
        Ok(first)
    }

    /// The value of a parameter that must be given once; `why` it is needed.
    pub(crate) fn required(&self, name: &str, why: &str) -> Result<&str, Problem> {
        self.one(name)?.ok_or_else(|| InvalidField::new(name, InvalidCode::Empty, format!("is required: {why}")).into())
    }

    /// The longest that anyone may wait for an answer: proxies give a silent connection up after a minute, often sooner.
    pub(crate) const WAIT_MAX: Duration = Duration::from_secs(30);

    /// How long the caller wants to wait for what it asks for: whole seconds or milliseconds, such as `30s` or `500ms`.
    pub(crate) fn wait(&self) -> Result<Duration, Problem> {
        let Some(text) = self.one("wait")? else { return Ok(Duration::ZERO) };
        let number = |digits: &str| digits.parse::<u32>().ok().map(u64::from);
        let wait = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
            (Some(digits), _) => number(digits).map(Duration::from_millis),
            (None, Some(digits)) => number(digits).map(Duration::from_secs),
            (None, None) => None,
        };
        wait.filter(|wait| *wait <= Self::WAIT_MAX).ok_or_else(|| {
            let problem = format!("must be 0s to {}s, in whole seconds or milliseconds", Self::WAIT_MAX.as_secs());
            InvalidField::new("wait", InvalidCode::OutOfRange, problem).into()
        })
    }

    /// A number of seconds, 0 if it is not given.
    pub(crate) fn seconds(&self, name: &str) -> Result<i64, Problem> {
        let Some(text) = self.one(name)? else { return Ok(0) };
        text.parse::<u32>().map(i64::from).map_err(|_| {
            let problem = "must be a number of seconds";
            InvalidField::new(name, InvalidCode::OutOfRange, problem).into()
        })
    }

    /// How many entries the page shall have.
    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        let Some(text) = self.one("limit")? else { return Ok(LIMIT_DEFAULT) };
        match text.parse() {
            Ok(limit) if (1..=LIMIT_MAX).contains(&limit) => Ok(limit),
            Ok(_) | Err(_) => {
                let problem = format!("must be a number from 1 to {LIMIT_MAX}");
                Err(InvalidField::new("limit", InvalidCode::OutOfRange, problem).into())
            }
        }
    }

    /// Where the page before this one ended.
    pub(crate) fn cursor<C: Cursor>(&self) -> Result<Option<C>, Problem> {
        self.cursor_in("cursor")
    }

    /// The same under another name.
    pub(crate) fn cursor_in<C: Cursor>(&self, name: &str) -> Result<Option<C>, Problem> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        let cursor = decode_cursor(text).ok_or_else(|| {
            InvalidField::new(name, InvalidCode::Malformed, "must be a `next_cursor` of the same list")
        })?;
        Ok(Some(cursor))
    }
}

fn decode(text: &str) -> Result<Cow<'_, str>, Problem> {
    if !text.bytes().any(|byte| byte == b'%' || byte == b'+') {
        return Ok(Cow::Borrowed(text));
    }
    let malformed = || Problem::new(Code::MalformedRequest).detail("A query parameter is not UTF-8 once decoded.");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        match (byte, after) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) => {
                let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let (high, low) = digit(*high).zip(digit(*low)).ok_or_else(malformed)?;
                bytes.push(high << 4 | low);
                rest = after;
            }
            (b'%', _) => return Err(malformed()),
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| malformed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn decodes_parameters_and_refuses_unknown_and_repeated_ones() {
        let uri = uri("/v1/stock?sku=a%2Cb&sku=%E6%9D%AF+1&limit=7");
        let query = Query::parse(&uri, &["sku", "limit"]).unwrap();
        assert_eq!(query.all("sku").collect::<Vec<_>>(), ["a,b", "杯 1"]);
        assert_eq!(query.limit().unwrap(), 7);
        assert_eq!(query.one("sku").unwrap_err().code, Code::InvalidField);
        assert_eq!(Query::parse(&uri, &["sku"]).unwrap_err().code, Code::InvalidField);
    }

    #[test]
    fn refuses_what_is_not_utf_8_once_decoded() {
        for query in ["/?a=%ff", "/?a=%f", "/?a=%", "/?a=%zz", "/?%=1"] {
            let uri = uri(query);
            assert_eq!(Query::parse(&uri, &["a"]).unwrap_err().code, Code::MalformedRequest, "{query}");
        }
    }

    #[test]
    fn a_limit_is_1_to_100_and_20_by_default() {
        let limit =
            |query: &str| Query::parse(&uri(query), &["limit"]).unwrap().limit().map_err(|problem| problem.code);
        assert_eq!(limit("/"), Ok(20));
        assert_eq!(limit("/?limit=100"), Ok(100));
        for query in ["/?limit=0", "/?limit=101", "/?limit=-1", "/?limit=", "/?limit=x"] {
            assert_eq!(limit(query), Err(Code::InvalidField), "{query}");
        }
    }

    #[test]
    fn a_wait_is_up_to_30_s_and_has_a_unit() {
        let wait = |query: &str| Query::parse(&uri(query), &["wait"]).unwrap().wait().map_err(|problem| problem.code);
        assert_eq!(wait("/"), Ok(Duration::ZERO));
        assert_eq!(wait("/?wait=30s"), Ok(Duration::from_secs(30)));
        assert_eq!(wait("/?wait=250ms"), Ok(Duration::from_millis(250)));
        for query in ["/?wait=31s", "/?wait=30001ms", "/?wait=30", "/?wait=-1s", "/?wait=s", "/?wait=1.5s", "/?wait=1m"]
        {
            assert_eq!(wait(query), Err(Code::InvalidField), "{query}");
        }
    }
}
