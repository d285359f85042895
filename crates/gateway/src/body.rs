//! The body of a request: JSON, of a limited size. How long it may take to arrive is the server's concern.

use std::error::Error as _;

use axum::body::{Body, HttpBody as _};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;

use crate::problem::{Code, Facts, Problem};
use crate::server::BodyError;

/// The largest body: 1,000 lines with titles fit; the address has its own limit.
pub const BODY_BYTES_MAX: usize = 256 * 1_024;

pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let essence = given.and_then(|text| text.split(|byte| *byte == b';').next()).unwrap_or_default().trim_ascii();
    let is_json = essence.eq_ignore_ascii_case(b"application/json")
        || essence.to_ascii_lowercase().strip_prefix(b"application/").is_some_and(|kind| kind.ends_with(b"+json"));
    if is_json {
        Ok(())
    } else {
        let detail = match std::str::from_utf8(essence) {
            Ok("") | Err(_) => "Content-Type is missing; it must be application/json.".to_owned(),
            Ok(given) => format!("Content-Type is {given}; it must be application/json."),
        };
        Err(Problem::new(Code::UnsupportedMediaType).detail(detail))
    }
}

/// Reads a body within its limit of size; the server ends one that takes too long.
pub(crate) async fn read_body(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err(too_large());
    }
    collect(body).await
}

async fn collect(mut body: Body) -> Result<Bytes, Problem> {
    let first = next_data(&mut body).await?.unwrap_or_default();
    if first.len() > BODY_BYTES_MAX {
        return Err(too_large());
    }
    // Nearly every body arrives in one piece, which is used as it is.
    if body.is_end_stream() {
        return Ok(first);
    }
    let mut all = BytesMut::from(first);
    while let Some(data) = next_data(&mut body).await? {
        if all.len() + data.len() > BODY_BYTES_MAX {
            return Err(too_large());
        }
        all.extend_from_slice(&data);
    }
    Ok(all.freeze())
}

async fn next_data(body: &mut Body) -> Result<Option<Bytes>, Problem> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| body_problem(&error))?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

fn body_problem(error: &axum::Error) -> Problem {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    match cause {
        Some(BodyError::TooSlow) => Problem::new(Code::RequestTimeout),
        Some(BodyError::Broken(_)) | None => Problem::new(Code::MalformedRequest).detail("The body ended early."),
    }
}

fn too_large() -> Problem {
    Problem::new(Code::BodyTooLarge).facts(Facts { bytes_max: Some(BODY_BYTES_MAX), ..Facts::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_json_under_its_names_only() {
        let with = |text: &'static str| {
            require_json(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(text))])).is_ok()
        };
        assert!(with("application/json"));
        assert!(with("Application/JSON; charset=utf-8"));
        assert!(with("application/vnd.shop+json"));
        assert!(!with("application/x-www-form-urlencoded"));
        assert!(!with("text/json"));
        assert!(require_json(&HeaderMap::new()).is_err());
    }
}
