//! The listener: HTTP/1.1 with limits on everything a client can make large or slow, and an orderly end.
//!
//! hyper answers a too large head with 431 and what is not HTTP with 400, both without a body: there is no request yet
//! that a problem could be about. A head that does not arrive in time ends the connection without an answer.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service as _;

use crate::problem::{Code, Problem};

/// What a client can make large or slow.
#[derive(Debug, Clone)]
pub struct ServerLimits {
    /// Open connections; beyond them 503 and closed. Each may cost a head buffer before its key is known: with
    /// [`Self::head_bytes_max`], 160 MiB in all.
    pub connections_max: usize,
    /// Bytes of request line and headers together.
    pub head_bytes_max: usize,
    /// Headers of one request.
    pub headers_max: usize,
    /// How long a head may take to arrive. It counts from the end of the answer before, so it is the keep-alive time as
    /// well: longer than the 60 s that load balancers keep a connection idle, so that they close first.
    pub head_within: Duration,
    /// How long accepted requests may take to be answered once the server shall stop.
    pub drain_within: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            head_bytes_max: 16 * 1_024,
            headers_max: 64,
            head_within: Duration::from_secs(75),
            drain_within: Duration::from_secs(20),
        }
    }
}

/// How the server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// Connections that had an unanswered request when the drain deadline passed.
    pub cut_off: usize,
}

/// How long accepting rests after an error that another accept would meet at once, such as no free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until `shutdown` completes, then answers what was accepted and returns.
pub async fn serve(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) -> Served {
    serve_within(listener, router, ServerLimits::default(), shutdown).await
}

/// [`serve`] with other limits.
pub async fn serve_within(
    listener: TcpListener,
    router: Router,
    limits: ServerLimits,
    shutdown: impl Future<Output = ()>,
) -> Served {
    let server = Server {
        builder: builder(&limits),
        router,
        places: Arc::new(Semaphore::new(limits.connections_max)),
        stop: CancellationToken::new(),
        cut: CancellationToken::new(),
        connections: TaskTracker::new(),
        busy: busy_answer(),
    };
    tokio::select! {
        () = server.accept_all(&listener) => {}
        () = shutdown => {}
    }
    // Closed before draining, so that clients go to another process at once.
    drop(listener);
    server.drain(limits.drain_within).await
}

fn builder(limits: &ServerLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_within)
        .max_headers(limits.headers_max)
        .max_header_size(limits.head_bytes_max)
        .max_buf_size(limits.head_bytes_max.max(64 * 1_024));
    builder
}

struct Server {
    builder: http1::Builder,
    router: Router,
    /// One permit per connection, given back when its task ends.
    places: Arc<Semaphore>,
    /// Cancelled once: connections finish the request they are at, and close.
    stop: CancellationToken,
    /// Cancelled once, after the drain deadline: connections close at once.
    cut: CancellationToken,
    /// Every connection's task; empty when the server has ended.
    connections: TaskTracker,
    /// What a connection without a place is told.
    busy: Vec<u8>,
}

impl Server {
    async fn accept_all(&self, listener: &TcpListener) {
        let open = metrics::gauge!("holdline_http_connections");
        loop {
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    accept_failed(&error).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
                metrics::counter!("holdline_http_connections_refused_total").increment(1);
                // Best effort: the client's own request is not read, so its kernel may drop the answer.
                let _ = stream.try_write(&self.busy);
                continue;
            };
            let connection = self.connection(stream);
            let open = open.clone();
            open.increment(1);
            self.connections.spawn(async move {
                connection.await;
                open.decrement(1);
                drop(place);
            });
        }
    }

    fn connection(&self, stream: TcpStream) -> impl Future<Output = ()> + Send + 'static {
        let (builder, router) = (self.builder.clone(), self.router.clone());
        let (stop, cut) = (self.stop.clone(), self.cut.clone());
        async move {
            // Answers are one write each: waiting to fill a packet only delays them.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection went away at once");
                return;
            }
            let service = service_fn(move |request: hyper::Request<Incoming>| router.clone().call(request));
            let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
            let ended = tokio::select! {
                biased;
                ended = connection.as_mut() => ended,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    tokio::select! {
                        ended = connection.as_mut() => ended,
                        () = cut.cancelled() => Ok(()),
                    }
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended with an error");
            }
        }
    }

    async fn drain(self, within: Duration) -> Served {
        self.connections.close();
        self.stop.cancel();
        let drained = tokio::time::timeout(within, self.connections.wait()).await;
        let cut_off = if drained.is_ok() { 0 } else { self.connections.len() };
        if cut_off > 0 {
            tracing::warn!(cut_off, "connections were closed before their requests were answered");
        }
        self.cut.cancel();
        self.connections.wait().await;
        Served { cut_off }
    }
}

async fn accept_failed(error: &io::Error) {
    match error.kind() {
        // The client went away between its knock and our answer.
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted => {}
        _ => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }
}

/// A whole HTTP answer: `busy`, and closed.
fn busy_answer() -> Vec<u8> {
    let problem = Problem::new(Code::Busy).detail("All connections are in use.");
    let body = serde_json::to_vec(&problem.body(None, None)).expect("a problem is plain JSON");
    let mut answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 1\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(&body);
    answer
}
