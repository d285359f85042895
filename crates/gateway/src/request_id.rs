//! The name of one request in answer and log: the caller's own if it is sane, else a new one.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// Where the name stands in request and answer.
pub(crate) static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest name taken from a caller, in bytes: it is repeated in every log line of the request.
const BYTES_MAX: usize = 128;

/// Drawn once per process, so that two processes do not use the same names.
static PREFIX: LazyLock<u32> =
    LazyLock::new(|| u32::try_from(RandomState::new().build_hasher().finish() >> 32).expect("the upper half fits"));
static NEXT: AtomicU64 = AtomicU64::new(1);

/// The name of a request.
pub(crate) fn of(headers: &HeaderMap) -> HeaderValue {
    match headers.get(&REQUEST_ID) {
        Some(given) if is_sane(given.as_bytes()) => given.clone(),
        Some(_) | None => generated(),
    }
}

fn generated() -> HeaderValue {
    let text = compact_str::format_compact!("{:08x}-{:x}", *PREFIX, NEXT.fetch_add(1, Ordering::Relaxed));
    HeaderValue::from_str(&text).expect("hexadecimal digits are a header value")
}

/// The W3C `traceparent` of the caller, if it has the form of one.
pub(crate) fn traceparent(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let sane = text.len() == 55 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    sane.then_some(text)
}

fn is_sane(text: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte);
    (1..=BYTES_MAX).contains(&text.len()) && text.iter().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_a_sane_name_and_replaces_any_other() {
        let with = |text: &'static [u8]| {
            of(&HeaderMap::from_iter([(REQUEST_ID.clone(), HeaderValue::from_bytes(text).unwrap())]))
        };
        assert_eq!(with(b"0af7-65:1/x"), "0af7-65:1/x");
        for insane in [&b""[..], b"a b", b"a\tb", b"\xffoo", &[b'a'; 129]] {
            assert_ne!(with(insane).as_bytes(), insane);
        }
        assert_ne!(of(&HeaderMap::new()), of(&HeaderMap::new()));
    }
}
