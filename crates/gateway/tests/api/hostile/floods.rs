//! Clients that send much, or come in numbers.

use holdline_gateway::ServerLimits;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::{BODY, SOON, Target, Transcript, order, patient};

/// Sends as much as the server takes while reading what it says.
async fn pour(stream: TcpStream, head: &str, bytes: usize) -> (Transcript, usize) {
    let (mut read, mut write) = stream.into_split();
    let head = head.to_owned();
    let pouring = tokio::spawn(async move {
        let piece = vec![b'a'; 64 * 1_024];
        let mut poured = 0;
        let _ = write.write_all(head.as_bytes()).await;
        while poured < bytes && write.write_all(&piece).await.is_ok() {
            poured += piece.len();
        }
        poured
    });
    let mut said = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut read, &mut said).await;
    let poured = pouring.await.unwrap();
    (Transcript(String::from_utf8_lossy(&said).into_owned()), poured)
}

#[tokio::test]
async fn ten_thousand_headers_are_431_and_closed() {
    let server = Target::start(patient()).await;
    let transcript = server.closed_after(order(&"x-a: 1\r\n".repeat(10_000), BODY).as_bytes()).await;
    assert_eq!(transcript.statuses(), [431]);
    server.still_serves().await;
}

#[tokio::test]
async fn a_header_of_a_mebibyte_is_431_and_closed() {
    let server = Target::start(patient()).await;
    let long = format!("x-a: {}\r\n", "a".repeat(1_024 * 1_024));
    let transcript = server.closed_after(order(&long, BODY).as_bytes()).await;
    assert_eq!(transcript.statuses(), [431]);
}

#[tokio::test]
async fn a_target_of_a_mebibyte_is_refused_and_closed() {
    let server = Target::start(patient()).await;
    let target = "a".repeat(1_024 * 1_024);
    let transcript = server.closed_after(format!("GET /{target} HTTP/1.1\r\nhost: h\r\n\r\n").as_bytes()).await;
    assert!([vec![414], vec![431]].contains(&transcript.statuses()), "{transcript:?}");
}

/// The client goes on sending while it is refused, and can read why all the same.
#[tokio::test]
async fn a_body_of_a_mebibyte_is_413_and_the_client_can_read_it() {
    let server = Target::start(patient()).await;
    let head = "POST /v1/orders HTTP/1.1\r\nhost: h\r\ncontent-length: 1048576\r\n\r\n";
    let (transcript, _) = pour(server.connect().await, head, 1_024 * 1_024).await;
    transcript.assert_problem(413, "body_too_large");
    server.still_serves().await;
}

/// Nobody reads a body of any size to its end: after the answer only so much is taken.
#[tokio::test]
async fn an_endless_body_is_413_and_not_taken_to_its_end() {
    const ENDLESS: usize = 256 * 1_024 * 1_024;
    let server = Target::start(patient()).await;
    let length = format!("POST /v1/orders HTTP/1.1\r\nhost: h\r\ncontent-length: {ENDLESS}\r\n\r\n");
    let chunked = "POST /v1/orders HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\nfffffff\r\n";
    for head in [length.as_str(), chunked] {
        let (transcript, poured) = pour(server.connect().await, head, ENDLESS).await;
        transcript.assert_problem(413, "body_too_large");
        assert!(poured < ENDLESS / 4, "{poured} bytes were taken");
    }
    server.still_serves().await;
}

/// All places are taken by clients that ask nothing: others are told so at once, and served when the idle are closed.
#[tokio::test]
async fn two_thousand_connections_to_two_hundred_places_are_bounded_and_closed() {
    // Both ends are this process's: with 1,024 file descriptors, the usual limit, other tests go on beside this one.
    const PLACES: usize = 200;
    let server = Target::start(ServerLimits { connections_max: PLACES, head_within: SOON * 10, ..patient() }).await;
    let mut idle = Vec::with_capacity(PLACES);
    for _ in 0..PLACES {
        idle.push(server.connect().await);
    }
    for _ in 0..9 * PLACES {
        let transcript = Transcript::read(&mut server.connect().await).await;
        transcript.assert_problem(503, "busy");
    }
    for stream in &mut idle {
        assert_eq!(Transcript::read(stream).await.0, "");
    }
    server.still_serves().await;
}
