//! Reads the head of a response and the framing of a chunked body out of bytes; no I/O.
//!
//! Deliberately absent: bodies without a length that end with the connection (refused with words).

/// Most headers a response may have; Holdline sends under ten.
const HEADERS_MAX: usize = 32;

/// The parts of a response's head that framing needs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Length of the head in bytes, its empty line included.
    pub(super) bytes: usize,
    pub(super) body: BodyLength,
    pub(super) keep_alive: bool,
}

/// How the body ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BodyLength {
    /// After so many bytes.
    Known(usize),
    /// With an empty chunk.
    Chunked,
}

/// Reads a head; `None` when it is not complete yet.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Head>, &'static str> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err("more than 32 headers"),
        Err(_) => return Err("the head cannot be read"),
    };
    let status = response.code.ok_or("no status code")?;
    let mut keep_alive = response.version == Some(1);
    let mut content_length = None;
    let mut chunked = false;
    for header in &*response.headers {
        if header.name.eq_ignore_ascii_case("content-length") {
            content_length = Some(decimal(header.value).ok_or("content-length is not a number")?);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            chunked = header.value.eq_ignore_ascii_case(b"chunked");
            if !chunked {
                return Err("a transfer-encoding other than chunked");
            }
        } else if header.name.eq_ignore_ascii_case("connection") && header.value.eq_ignore_ascii_case(b"close") {
            keep_alive = false;
        }
    }
    let bodiless = status < 200 || status == 204 || status == 304;
    let body = match (bodiless, chunked, content_length) {
        (true, _, _) => BodyLength::Known(0),
        (false, true, _) => BodyLength::Chunked,
        (false, false, Some(length)) => BodyLength::Known(length),
        (false, false, None) => return Err("neither content-length nor chunked"),
    };
    Ok(Some(Head { status, bytes: length, body, keep_alive }))
}

/// The value of the first header `name` in a complete head.
pub(super) fn find<'h>(head: &'h [u8], name: &str) -> Option<&'h str> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    response.parse(head).ok()?;
    let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(header.value).ok()
}

/// One piece of a chunked body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    /// `length` bytes of body `start` bytes further on, followed by a line end.
    Data { start: usize, length: usize },
    /// The last chunk with its trailer, `bytes` long.
    End { bytes: usize },
}

/// Reads the chunk at the start of `bytes`; `None` when it is not complete yet.
pub(super) fn chunk(bytes: &[u8]) -> Result<Option<Chunk>, &'static str> {
    let (start, length) = match httparse::parse_chunk_size(bytes) {
        Ok(httparse::Status::Complete((start, length))) => (start, length),
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err("a chunk size that cannot be read"),
    };
    let length = usize::try_from(length).map_err(|_| "a chunk larger than memory")?;
    if length == 0 {
        return Ok(trailer_bytes(&bytes[start..]).map(|trailer| Chunk::End { bytes: start + trailer }));
    }
    let end = start.checked_add(length).ok_or("a chunk larger than memory")?;
    match bytes.get(end..end.saturating_add(2)) {
        None => Ok(None),
        Some(b"\r\n") => Ok(Some(Chunk::Data { start, length })),
        Some(_) => Err("a chunk without a line end"),
    }
}

/// Length of the trailer section: nothing or header lines, then an empty line.
fn trailer_bytes(bytes: &[u8]) -> Option<usize> {
    if bytes.starts_with(b"\r\n") {
        return Some(2);
    }
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|position| position + 4)
}

fn decimal(value: &[u8]) -> Option<usize> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incomplete_head_is_not_a_head() {
        assert_eq!(parse(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n"), Ok(None));
    }

    #[test]
    fn a_body_without_a_length_is_refused() {
        assert_eq!(parse(b"HTTP/1.1 200 OK\r\n\r\n"), Err("neither content-length nor chunked"));
    }

    #[test]
    fn connection_close_and_http_1_0_end_the_connection() {
        for head in
            [&b"HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 0\r\n\r\n"[..], b"HTTP/1.0 204 No\r\n\r\n"]
        {
            assert!(!parse(head).expect("valid").expect("complete").keep_alive);
        }
    }

    #[test]
    fn the_last_chunk_may_have_a_trailer() {
        assert_eq!(chunk(b"0\r\n\r\n"), Ok(Some(Chunk::End { bytes: 5 })));
        assert_eq!(chunk(b"0\r\nx: 1\r\n\r\n"), Ok(Some(Chunk::End { bytes: 11 })));
        assert_eq!(chunk(b"0\r\nx: 1\r\n"), Ok(None));
    }

    #[test]
    fn a_chunk_must_end_with_a_line_end() {
        assert_eq!(chunk(b"2\r\nabXX"), Err("a chunk without a line end"));
        assert_eq!(chunk(b"2\r\nab\r"), Ok(None));
        assert_eq!(chunk(b"2\r\nab\r\n"), Ok(Some(Chunk::Data { start: 3, length: 2 })));
    }
}
