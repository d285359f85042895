//! The listener, over real sockets.

use std::time::Duration;

use holdline_gateway::{Served, ServerLimits, noop_router, serve_within};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const BODY: &str =
    r#"{"buyer_id":"ann","lines":[{"sku":"A","quantity":2,"unit_price":{"amount":5,"currency":"CNY"}}]}"#;

struct Running {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Served>,
}

async fn start(limits: ServerLimits) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move {
        let _ = stopped.await;
    };
    let served = tokio::spawn(serve_within(listener, noop_router(), limits, shutdown));
    Running { address, stop, served }
}

fn post(path: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

/// Reads one answer: status, head, body.
async fn read_answer(stream: &mut TcpStream) -> (u16, String, String) {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_owned(), body.to_owned());
            }
        }
        let count = stream.read(&mut chunk).await.unwrap();
        assert!(count > 0, "closed after {text:?}");
        bytes.extend_from_slice(&chunk[..count]);
    }
}

async fn exchange(server: &Running, request: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    read_answer(&mut stream).await
}

#[tokio::test]
async fn the_ceiling_answers_in_the_shape_of_placing_on_one_connection() {
    let server = start(ServerLimits::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    for _ in 0..2 {
        stream.write_all(post("/v1/orders", "", BODY).as_bytes()).await.unwrap();
        let (status, head, body) = read_answer(&mut stream).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &body["total"]["amount"]), (201, &10.into()));
        assert!(head.contains("x-request-id") && head.contains("location"), "{head}");
    }
    let (status, _, body) = exchange(&server, &post("/v1/orders", "", "{")).await;
    assert_eq!((status, body.contains("malformed_body")), (400, true));
}

#[tokio::test]
async fn heads_beyond_the_limits_are_431() {
    let server = start(ServerLimits::default()).await;
    let long = format!("x-a: {}\r\n", "a".repeat(17 * 1_024));
    assert_eq!(exchange(&server, &post("/v1/orders", &long, BODY)).await.0, 431);
    let many = "x-a: 1\r\n".repeat(65);
    assert_eq!(exchange(&server, &post("/v1/orders", &many, BODY)).await.0, 431);
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_refused_unread() {
    let server = start(ServerLimits::default()).await;
    let request = "POST /v1/orders HTTP/1.1\r\nhost: h\r\ncontent-length: 262145\r\n\r\n";
    let (status, _, body) = exchange(&server, request).await;
    assert_eq!((status, body.contains("body_too_large")), (413, true));
}

#[tokio::test]
async fn a_chunked_body_is_limited_as_well() {
    let server = start(ServerLimits::default()).await;
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000));
    let request =
        format!("POST /v1/orders HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n{}", chunk.repeat(5));
    let (status, _, body) = exchange(&server, &request).await;
    assert_eq!((status, body.contains("body_too_large")), (413, true));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_is_408() {
    let server = start(ServerLimits::default()).await;
    let request = "POST /v1/orders HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\n{";
    let (status, _, body) = exchange(&server, request).await;
    assert_eq!((status, body.contains("request_timeout")), (408, true));
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_arrive_ends_the_connection() {
    let server = start(ServerLimits::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"POST /v1/orders HTTP/1.1\r\nhos").await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&rest));
}

#[tokio::test]
async fn a_connection_beyond_the_limit_is_told_so() {
    let server = start(ServerLimits { connections_max: 1, ..ServerLimits::default() }).await;
    let mut first = TcpStream::connect(server.address).await.unwrap();
    first.write_all(post("/v1/orders", "", BODY).as_bytes()).await.unwrap();
    assert_eq!(read_answer(&mut first).await.0, 201);
    let mut second = TcpStream::connect(server.address).await.unwrap();
    let (status, head, body) = read_answer(&mut second).await;
    assert_eq!((status, body.contains("\"busy\""), head.contains("retry-after: 1")), (503, true, true));
}

#[tokio::test]
async fn shutdown_answers_what_was_accepted_and_closes_idle_connections() {
    let server = start(ServerLimits::default()).await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    idle.write_all(post("/v1/orders", "", BODY).as_bytes()).await.unwrap();
    assert_eq!(read_answer(&mut idle).await.0, 201);
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    let request = post("/v1/orders", "expect: 100-continue\r\n", BODY);
    let (head, body) = request.split_at(request.len() - BODY.len());
    busy.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body: the request has been accepted.
    assert_eq!(read_answer(&mut busy).await.0, 100);
    server.stop.send(()).unwrap();
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0, "an idle connection is closed");
    busy.write_all(body.as_bytes()).await.unwrap();
    let (status, answer_head, _) = read_answer(&mut busy).await;
    assert_eq!((status, answer_head.contains("connection: close")), (201, true));
    assert_eq!(server.served.await.unwrap(), Served { cut_off: 0 });
}

#[tokio::test(start_paused = true)]
async fn shutdown_does_not_wait_for_ever() {
    let server = start(ServerLimits { drain_within: Duration::from_secs(1), ..ServerLimits::default() }).await;
    let mut stuck = TcpStream::connect(server.address).await.unwrap();
    let request = post("/v1/orders", "expect: 100-continue\r\n", BODY);
    stuck.write_all(&request.as_bytes()[..request.len() - BODY.len()]).await.unwrap();
    assert_eq!(read_answer(&mut stuck).await.0, 100);
    server.stop.send(()).unwrap();
    assert_eq!(server.served.await.unwrap(), Served { cut_off: 1 });
}
