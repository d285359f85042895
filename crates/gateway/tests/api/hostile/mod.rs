//! Clients that mean harm or know no better, over real sockets: whatever they send is bounded, answered where HTTP has an
//! answer, and closed; others are served meanwhile.

mod floods;
mod framing;
mod slow;

use std::net::SocketAddr;
use std::time::Duration;

use holdline_gateway::{Served, ServerLimits, noop_router, serve_within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A limit on time that a test waits for. Long enough that a busy machine sends a small request within it.
const SOON: Duration = Duration::from_millis(300);

/// A submit of one line.
const BODY: &str =
    r#"{"buyer_id":"ann","lines":[{"sku":"A","quantity":2,"unit_price":{"amount":5,"currency":"CNY"}}]}"#;

/// The real server, stopped when the test ends.
struct Target {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
    _served: JoinHandle<Served>,
}

/// Limits on time that no test waits for in vain.
fn patient() -> ServerLimits {
    let long = Duration::from_mins(10);
    ServerLimits { head_within: long, body_within: long, answer_read_within: long, ..ServerLimits::default() }
}

impl Target {
    async fn start(limits: ServerLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move {
            let _ = stopped.await;
        };
        let served = tokio::spawn(serve_within(listener, noop_router(), limits, shutdown));
        Self { address, _stop: stop, _served: served }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes and reads until the server closes.
    async fn closed_after(&self, bytes: &[u8]) -> Transcript {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        Transcript::read(&mut stream).await
    }

    /// Another client is served as ever.
    async fn still_serves(&self) {
        let mut request = order("connection: close\r\n", BODY);
        request.push_str("junk after the request of another client is not looked at");
        let transcript = self.closed_after(request.as_bytes()).await;
        assert_eq!(transcript.statuses(), [201], "{transcript:?}");
    }
}

/// A submit as it stands on the wire.
fn order(headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST /v1/orders HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         {headers}\r\n{body}"
    )
}

/// Everything that the server said on one connection, until it closed it.
struct Transcript(String);

impl Transcript {
    async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        // A reset is a close as well; what came before it counts.
        let _ = stream.read_to_end(&mut bytes).await;
        Self(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The status of each answer.
    fn statuses(&self) -> Vec<u16> {
        let answers = self.0.split("HTTP/1.1 ").skip(1);
        // A problem's text may speak of HTTP/1.1 as well.
        answers.filter_map(|answer| answer.get(..3)?.parse().ok()).collect()
    }

    /// The one answer is this problem.
    fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!(self.statuses(), [status], "{self:?}");
        assert!(self.0.contains("content-type: application/problem+json"), "{self:?}");
        assert!(self.0.contains(&format!("\"code\":\"{code}\"")), "{self:?}");
    }
}

impl std::fmt::Debug for Transcript {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}
