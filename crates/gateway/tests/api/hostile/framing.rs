//! Requests whose end two servers might see at different places: refused, or read by the rule of RFC 9112 and closed. What
//! the sender hoped to smuggle is never answered as a request of its own.

use super::{BODY, Target, order, patient};

/// A request that would be answered 404 if it were ever read as one.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nhost: h\r\n\r\n";

/// A head with one more header, and a body after it.
fn with(header: &str, body: &str) -> String {
    format!("POST /v1/orders HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\n{header}\r\n\r\n{body}")
}

fn chunked(chunks: &str) -> String {
    with("transfer-encoding: chunked", chunks)
}

#[tokio::test]
async fn malformed_heads_are_400_and_closed() {
    let server = Target::start(patient()).await;
    let refused = [
        ("two lengths", with("content-length: 5\r\ncontent-length: 6", "{}   ")),
        ("a list of two lengths", with("content-length: 5, 6", "{}   ")),
        ("a signed length", with("content-length: +5", "{}   ")),
        ("a negative length", with("content-length: -1", "{}")),
        ("a hexadecimal length", with("content-length: 0x5", "{}   ")),
        ("a length beyond 64 bits", with("content-length: 99999999999999999999", "{}")),
        ("an empty length", with("content-length:", "{}")),
        ("an unknown coding", with("transfer-encoding: gzip", "0\r\n\r\n")),
        ("a coding after chunked", with("transfer-encoding: chunked, identity", "0\r\n\r\n")),
        ("a disguised coding", with("transfer-encoding: xchunked", "0\r\n\r\n")),
        ("a vertical tab before the coding", with("transfer-encoding: \x0bchunked", "0\r\n\r\n")),
        ("a space before the colon", with("transfer-encoding : chunked", "0\r\n\r\n")),
        ("a folded line", with("transfer-encoding:\r\n chunked", "0\r\n\r\n")),
        ("a folded first line", "GET / HTTP/1.1\r\n host: h\r\n\r\n".to_owned()),
        ("NUL in a value", with("x-a: a\0b", "")),
        ("NUL in a name", with("x-\0a: b", "")),
        ("NUL in the target", "GET /\0 HTTP/1.1\r\nhost: h\r\n\r\n".to_owned()),
        ("a bare CR in a value", with("x-a: a\rb", "")),
        ("no colon", with("transfer-encoding", "")),
        ("an empty name", with(": chunked", "")),
        ("two spaces in the first line", "GET  / HTTP/1.1\r\nhost: h\r\n\r\n".to_owned()),
        ("a version of the future", "GET / HTTP/3.7\r\nhost: h\r\n\r\n".to_owned()),
        ("chunks in HTTP/1.0", "POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_owned()),
        ("TLS", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\r\n\r\n".to_owned()),
        ("no host", "GET /v1/orders HTTP/1.1\r\n\r\n".to_owned()),
        ("two hosts", with("host: i", "")),
    ];
    for (what, request) in refused {
        let transcript = server.closed_after(format!("{request}{SMUGGLED}").as_bytes()).await;
        assert_eq!(transcript.statuses(), [400], "{what}: {transcript:?}");
    }
    // HTTP/2 without being asked: no answer in HTTP/1.1 would be understood.
    assert_eq!(server.closed_after(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.0, "");
    server.still_serves().await;
}

#[tokio::test]
async fn a_request_without_a_host_is_told_so_by_a_problem() {
    let server = Target::start(patient()).await;
    let transcript = server.closed_after(b"GET /v1/orders HTTP/1.1\r\n\r\n").await;
    transcript.assert_problem(400, "malformed_request");
}

#[tokio::test]
async fn malformed_chunks_are_400_and_closed() {
    let server = Target::start(patient()).await;
    let refused = [
        ("a size that is no number", "zz\r\n{}\r\n0\r\n\r\n"),
        ("a signed size", "+2\r\n{}\r\n0\r\n\r\n"),
        ("a size with a prefix", "0x2\r\n{}\r\n0\r\n\r\n"),
        ("an empty size", "\r\n{}\r\n0\r\n\r\n"),
        ("a size beyond 64 bits", "ffffffffffffffff1\r\n{}\r\n0\r\n\r\n"),
        ("a size that ends in a bare LF", "2\n{}\r\n0\r\n\r\n"),
        ("an extension that ends in a bare LF", "2;a\n{}\r\n0\r\n\r\n"),
        ("a chunk longer than its size", "2\r\n{}}}}\r\n0\r\n\r\n"),
        ("a chunk that ends in a bare LF", "2\r\n{}\n0\r\n\r\n"),
    ];
    for (what, chunks) in refused {
        let transcript = server.closed_after(format!("{}{SMUGGLED}", chunked(chunks)).as_bytes()).await;
        assert_eq!(transcript.statuses(), [400], "{what}: {transcript:?}");
        transcript.assert_problem(400, "malformed_request");
    }
    server.still_serves().await;
}

#[tokio::test]
async fn a_flood_of_chunk_extensions_is_refused() {
    let server = Target::start(patient()).await;
    let extended = format!("1;{}\r\n{{\r\n", "a".repeat(1_000));
    let transcript = server.closed_after(chunked(&extended.repeat(100)).as_bytes()).await;
    transcript.assert_problem(400, "malformed_request");
}

#[tokio::test]
async fn a_flood_of_trailers_is_refused() {
    let server = Target::start(patient()).await;
    let trailers = "x-a: 1\r\n".repeat(100);
    let transcript = server.closed_after(chunked(&format!("2\r\n{{}}\r\n0\r\n{trailers}\r\n")).as_bytes()).await;
    transcript.assert_problem(400, "malformed_request");
}

/// Length and chunks in one request, in both orders: read as chunks, and the connection ends.
#[tokio::test]
async fn what_follows_a_request_of_two_framings_is_not_read() {
    let server = Target::start(patient()).await;
    let chunks = format!("{:x}\r\n{BODY}\r\n0\r\n\r\n", BODY.len());
    for headers in
        ["content-length: 4\r\ntransfer-encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 4"]
    {
        let transcript = server.closed_after(format!("{}{SMUGGLED}", with(headers, &chunks)).as_bytes()).await;
        assert_eq!(transcript.statuses(), [201], "{headers}: {transcript:?}");
    }
    server.still_serves().await;
}

/// The body is the client's own text, whatever it looks like.
#[tokio::test]
async fn a_request_inside_a_body_is_a_body() {
    let server = Target::start(patient()).await;
    let hidden = order("", SMUGGLED);
    let transcript = server.closed_after(format!("{hidden}{}", order("connection: close\r\n", BODY)).as_bytes()).await;
    assert_eq!(transcript.statuses(), [400, 201], "{transcript:?}");
}

/// What RFC 9112 allows and other servers read in the same way.
#[tokio::test]
async fn odd_but_clear_requests_are_answered() {
    let server = Target::start(patient()).await;
    let last = "host: h\r\nconnection: close\r\n\r\n";
    let clear = [
        ("an absolute target", format!("GET http://other/v1/orders HTTP/1.1\r\n{last}"), 405),
        ("a target that is an authority", format!("CONNECT h:80 HTTP/1.1\r\n{last}"), 404),
        ("a target that is a star", format!("OPTIONS * HTTP/1.1\r\n{last}"), 404),
        ("lines that end in a bare LF", "GET /none HTTP/1.1\nhost: h\nconnection: close\n\n".to_owned(), 404),
        ("HTTP/1.0 without a host", "GET /none HTTP/1.0\r\n\r\n".to_owned(), 404),
        (
            "the same length twice",
            order(&format!("content-length: {}\r\nconnection: close\r\n", BODY.len()), BODY),
            201,
        ),
        ("chunk extensions", chunked_last(&format!("{:x};a=b;c\r\n{BODY}\r\n0\r\n\r\n", BODY.len())), 201),
    ];
    for (what, request, status) in clear {
        let transcript = server.closed_after(request.as_bytes()).await;
        let transcript_text = format!("{transcript:?}").replace("HTTP/1.0 ", "HTTP/1.1 ");
        assert!(transcript_text.starts_with(&format!("HTTP/1.1 {status} ")), "{what}: {transcript:?}");
    }
}

fn chunked_last(chunks: &str) -> String {
    with("transfer-encoding: chunked\r\nconnection: close", chunks)
}
