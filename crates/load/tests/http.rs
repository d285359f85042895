//! The client connection against a real listener.

mod server;

use holdline_load::http::{Connection, HttpError, RESPONSE_BYTES_MAX, write_request};
use server::{Server, read_request, response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn request(body: &str) -> Vec<u8> {
    let mut request = Vec::new();
    write_request(&mut request, "POST", "/echo", &[("host", "here")], body.as_bytes());
    request
}

fn body(request: &[u8]) -> String {
    let text = std::str::from_utf8(request).expect("text");
    text.split_once("\r\n\r\n").expect("a head and a body").1.to_owned()
}

async fn connect(server: &Server) -> Connection {
    Connection::connect(server.address, RESPONSE_BYTES_MAX).await.expect("the server listens")
}

/// A server that writes `bytes` for the first request of each connection, one byte per write, and closes.
fn dripping(bytes: &'static [u8]) -> Server {
    Server::start(move |_, mut stream| async move {
        stream.set_nodelay(true).expect("a socket");
        read_request(&mut stream).await.expect("a request");
        for byte in bytes {
            stream.write_all(&[*byte]).await.expect("the client reads");
        }
    })
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let server = Server::start(|number, mut stream| async move {
        while let Some(request) = read_request(&mut stream).await {
            let said = response(200, "", &format!("{number}:{}", body(&request)));
            stream.write_all(&said).await.unwrap();
        }
    });
    let mut connection = connect(&server).await;
    for text in ["one", "", "three"] {
        let answer = connection.exchange(&request(text)).await.unwrap();
        assert_eq!((answer.status, answer.body), (200, format!("0:{text}").as_bytes()));
        assert!(connection.is_reusable());
    }
}

#[tokio::test]
async fn headers_are_read_whatever_their_case() {
    let server =
        Server::answering(|_| response(503, "Retry-After: 2\r\nIDEMPOTENT-replayed: true\r\nx-a: b\r\n", "no"));
    let mut connection = connect(&server).await;
    let answer = connection.exchange(&request("")).await.unwrap();
    assert_eq!((answer.status, answer.retry_after_seconds(), answer.is_replayed()), (503, Some(2), true));
    assert_eq!((answer.header("X-A"), answer.header("x-c")), (Some("b"), None));
}

#[tokio::test]
async fn chunks_are_joined_however_they_arrive() {
    let server = dripping(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n \r\n6\r\nworld!\r\n0\r\na: b\r\n\r\n",
    );
    let mut connection = connect(&server).await;
    let answer = connection.exchange(&request("")).await.unwrap();
    assert_eq!(answer.body, b"hello world!");
}

#[tokio::test]
async fn interim_responses_are_skipped() {
    let server = dripping(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 1\r\n\r\nx");
    let mut connection = connect(&server).await;
    let answer = connection.exchange(&request("")).await.unwrap();
    assert_eq!((answer.status, answer.body), (201, &b"x"[..]));
}

#[tokio::test]
async fn an_answer_cut_short_is_told_from_no_answer() {
    let cut = dripping(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
    let mut connection = connect(&cut).await;
    let error = connection.exchange(&request("")).await.unwrap_err();
    assert!(matches!(error, HttpError::ClosedInAnswer { received_bytes: 42 }), "{error}");
    assert!(error.outcome_unknown() && !connection.is_reusable());

    let silent = dripping(b"");
    let error = connect(&silent).await.exchange(&request("")).await.unwrap_err();
    assert!(matches!(error, HttpError::ClosedBeforeAnswer), "{error}");
}

#[tokio::test]
async fn a_response_beyond_the_bound_is_an_error() {
    let long_body = Server::answering(|_| response(200, "", &"b".repeat(5000)));
    let long_head = Server::answering(|_| response(200, &format!("x: {}\r\n", "h".repeat(5000)), ""));
    for server in [long_body, long_head] {
        let mut connection = Connection::connect(server.address, 4096).await.unwrap();
        let error = connection.exchange(&request("")).await.unwrap_err();
        assert!(matches!(error, HttpError::TooLarge { bytes_max: 4096 }), "{error}");
    }
}

#[tokio::test]
async fn a_body_larger_than_the_first_buffer_is_read_whole() {
    let server = Server::answering(|_| response(200, "", &"b".repeat(100_000)));
    let mut connection = connect(&server).await;
    for _ in 0..2 {
        assert_eq!(connection.exchange(&request("")).await.unwrap().body.len(), 100_000);
    }
}

#[tokio::test]
async fn bytes_after_the_response_are_an_error() {
    let server = Server::answering(|_| [response(200, "", "a"), response(200, "", "b")].concat());
    let error = connect(&server).await.exchange(&request("")).await.unwrap_err();
    assert!(matches!(error, HttpError::Protocol(_)), "{error}");
}

#[tokio::test]
async fn a_server_that_announces_its_close_is_not_asked_again() {
    let server = Server::answering(|_| response(200, "Connection: close\r\n", ""));
    let mut connection = connect(&server).await;
    connection.exchange(&request("")).await.unwrap();
    assert!(!connection.is_reusable());
    let error = connection.exchange(&request("")).await.unwrap_err();
    assert!(matches!(error, HttpError::Spent) && !error.outcome_unknown(), "{error}");
}

#[tokio::test]
async fn a_late_answer_is_never_taken_for_the_next_requests() {
    let server = Server::start(|_, mut stream| async move {
        read_request(&mut stream).await;
        std::future::pending::<()>().await;
    });
    let mut connection = connect(&server).await;
    let first = request("");
    tokio::select! {
        biased;
        _ = connection.exchange(&first) => panic!("the server never answers"),
        () = std::future::ready(()) => {}
    }
    let error = connection.exchange(&first).await.unwrap_err();
    assert!(matches!(error, HttpError::Spent), "{error}");
}

#[tokio::test]
async fn hanging_up_sends_the_whole_request_first() {
    let (sender, mut seen) = tokio::sync::mpsc::channel(1);
    let server = Server::start(move |_, mut stream| {
        let sender = sender.clone();
        async move {
            let request = read_request(&mut stream).await.unwrap();
            let after = stream.read(&mut [0]).await.unwrap();
            sender.send((body(&request), after)).await.unwrap();
        }
    });
    let text = "x".repeat(300_000);
    connect(&server).await.send_and_hang_up(&request(&text)).await.unwrap();
    assert_eq!(seen.recv().await.unwrap(), (text, 0));
}

#[tokio::test]
async fn a_connection_never_made_has_a_known_outcome() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = Connection::connect(address, RESPONSE_BYTES_MAX).await.unwrap_err();
    assert!(matches!(error, HttpError::Connect { .. }) && !error.outcome_unknown(), "{error}");
}
