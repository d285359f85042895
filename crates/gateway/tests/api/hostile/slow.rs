//! Clients that are slow on purpose. A test waits for the server's close, never for a time.

use std::time::Duration;

use holdline_gateway::ServerLimits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{BODY, SOON, Target, Transcript, order, patient};

#[tokio::test]
async fn half_a_head_is_408_and_closed() {
    let server = Target::start(ServerLimits { head_within: SOON, ..patient() }).await;
    let transcript = server.closed_after(b"POST /v1/orders HTTP/1.1\r\nhos").await;
    transcript.assert_problem(408, "request_timeout");
    server.still_serves().await;
}

#[tokio::test]
async fn a_head_of_one_byte_at_a_time_is_not_given_more_time() {
    let server = Target::start(ServerLimits { head_within: SOON, ..patient() }).await;
    let (mut read, mut write) = server.connect().await.into_split();
    let dripping = tokio::spawn(async move {
        let mut drip = tokio::time::interval(SOON / 20);
        // Endless, were it not for the server.
        for byte in b"POST /v1/orders HTTP/1.1\r\nx: ".iter().chain(std::iter::repeat(&b'a')) {
            drip.tick().await;
            if write.write_all(&[*byte]).await.is_err() {
                return;
            }
        }
    });
    let mut said = Vec::new();
    let _ = read.read_to_end(&mut said).await;
    assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&said));
    dripping.await.unwrap();
}

#[tokio::test]
async fn connections_without_a_request_are_closed_without_a_word() {
    let server = Target::start(ServerLimits { head_within: SOON, ..patient() }).await;
    assert_eq!(server.closed_after(b"").await.0, "");
    let mut kept = server.connect().await;
    kept.write_all(order("", BODY).as_bytes()).await.unwrap();
    assert_eq!(Transcript::read(&mut kept).await.statuses(), [201], "one answer, then the close");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_408_and_closed() {
    let server = Target::start(ServerLimits { body_within: SOON, ..patient() }).await;
    let request = order("", BODY);
    server.closed_after(&request.as_bytes()[..request.len() - 1]).await.assert_problem(408, "request_timeout");
    let chunked = "POST /v1/orders HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{";
    server.closed_after(chunked.as_bytes()).await.assert_problem(408, "request_timeout");
    server.still_serves().await;
}

#[tokio::test]
async fn a_body_of_one_byte_at_a_time_is_not_given_more_time() {
    let server = Target::start(ServerLimits { body_within: SOON, ..patient() }).await;
    let (mut read, mut write) = server.connect().await.into_split();
    let head = "POST /v1/orders HTTP/1.1\r\nhost: h\r\ncontent-length: 100000\r\n\r\n";
    write.write_all(head.as_bytes()).await.unwrap();
    let dripping = tokio::spawn(async move {
        let mut drip = tokio::time::interval(SOON / 20);
        loop {
            drip.tick().await;
            if write.write_all(b" ").await.is_err() {
                return;
            }
        }
    });
    let mut answer = vec![0; 13];
    read.read_exact(&mut answer).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 408 ");
    dripping.await.unwrap();
}

/// It asks and asks and reads nothing: the server stops reading, waits, and closes; it does not buffer without end.
#[tokio::test]
async fn a_client_that_never_reads_its_answers_is_cut_off() {
    let server = Target::start(ServerLimits { answer_read_within: SOON, ..patient() }).await;
    let mut stream = server.connect().await;
    let request = order("", BODY);
    let mut sent = 0_usize;
    // Ends because the server resets the connection: it would accept requests for ever otherwise.
    let within = Duration::from_mins(1);
    tokio::time::timeout(within, async {
        while stream.write_all(request.as_bytes()).await.is_ok() {
            sent += 1;
        }
    })
    .await
    .unwrap();
    assert!(sent < 200_000, "{sent} requests were taken from a client that reads nothing");
    server.still_serves().await;
}
