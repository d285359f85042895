//! The listener: HTTP/1.1 with limits on everything a client can make large or slow, and an orderly end.
//!
//! hyper answers a too large head with 431 and what is not HTTP with 400, both without a body: there is no request yet
//! that a problem could be about. Half a head that does not become a whole one in time is 408; a connection without a
//! byte of a request is closed without a word.
//!
//! Two framings in one request (`Content-Length` beside `Transfer-Encoding`) are read as RFC 9112 says, by the latter, and
//! the connection ends with the answer: what another server might have taken for a second request is not read as one.

mod body;
mod limits;
mod stream;

use std::convert::Infallible;
use std::future::{Future, poll_fn, ready};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::{CONNECTION, HOST};
use axum::http::{HeaderValue, Version};
use axum::response::Response;
use futures_util::future::Either;
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
use crate::request_id::{self, REQUEST_ID};
pub(crate) use body::BodyError;
use body::Unread;
pub use limits::ServerLimits;
use stream::Stream;

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
        busy: whole_answer("503 Service Unavailable", &Problem::new(Code::Busy).detail("All connections are in use.")),
        limits,
    };
    tokio::select! {
        () = server.accept_all(&listener) => {}
        () = shutdown => {}
    }
    // Closed before draining, so that clients go to another process at once.
    drop(listener);
    server.drain().await
}

fn builder(limits: &ServerLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_within)
        .max_headers(limits.headers_max)
        .max_header_size(limits.head_bytes_max)
        .max_buf_size(limits.head_bytes_max.max(limits::BUFFER_BYTES_MIN));
    builder
}

struct Server {
    limits: ServerLimits,
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

    fn connection(&self, tcp: TcpStream) -> impl Future<Output = ()> + Send + 'static {
        let (builder, router) = (self.builder.clone(), self.router.clone());
        let (stop, cut) = (self.stop.clone(), self.cut.clone());
        let (body_within, answer_read_within) = (self.limits.body_within, self.limits.answer_read_within);
        async move {
            // Answers are one write each: waiting to fill a packet only delays them.
            if let Err(error) = tcp.set_nodelay(true) {
                tracing::debug!(%error, "a connection went away at once");
                return;
            }
            let unread = Unread::default();
            let service = {
                let unread = unread.clone();
                service_fn(move |request: hyper::Request<Incoming>| {
                    answer(&router, request.map(|body| Body::new(unread.watch(body, body_within))))
                })
            };
            let stream = TokioIo::new(Stream::new(tcp, answer_read_within));
            let mut connection = builder.serve_connection(stream, service);
            let ended = tokio::select! {
                biased;
                ended = poll_fn(|context| connection.poll_without_shutdown(context)) => ended,
                () = stop.cancelled() => {
                    std::pin::Pin::new(&mut connection).graceful_shutdown();
                    tokio::select! {
                        ended = poll_fn(|context| connection.poll_without_shutdown(context)) => ended,
                        () = cut.cancelled() => return,
                    }
                }
            };
            let http1::Parts { io, read_buf, .. } = connection.into_parts();
            tokio::select! {
                () = close(io.into_inner(), ended, read_buf.is_empty(), unread.is_left()) => {}
                () = cut.cancelled() => {}
            }
        }
    }

    async fn drain(self) -> Served {
        let within = self.limits.drain_within;
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

/// The answer to a request. HTTP/1.1 asks for exactly one `Host`; a request without one may be half of another.
fn answer(
    router: &Router,
    request: hyper::Request<Body>,
) -> impl Future<Output = Result<Response, Infallible>> + use<> {
    if request.version() == Version::HTTP_11 && request.headers().get_all(HOST).iter().count() != 1 {
        return Either::Left(ready(Ok(host_missing(&request))));
    }
    Either::Right(router.clone().call(request))
}

fn host_missing(request: &hyper::Request<Body>) -> Response {
    let problem = Problem::new(Code::MalformedRequest).detail("HTTP/1.1 needs exactly one Host header.");
    let request_id = request_id::of(request.headers());
    let mut response = problem.response(request.uri().path(), request_id.to_str().ok());
    response.headers_mut().insert(REQUEST_ID.clone(), request_id);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Closes a connection whose requests have ended.
async fn close(stream: Stream, ended: Result<(), hyper::Error>, nothing_begun: bool, body_left: bool) {
    match &ended {
        Err(error) if error.is_timeout() && !nothing_begun => {
            let problem = Problem::new(Code::RequestTimeout).detail("The request's head did not arrive in time.");
            stream.linger(&whole_answer("408 Request Timeout", &problem)).await;
        }
        Err(error) if error.is_parse() => stream.linger(b"").await,
        Ok(()) if body_left => stream.linger(b"").await,
        Ok(()) | Err(_) => stream.close().await,
    }
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended with an error");
    }
}

/// A problem as the last bytes of a connection, where hyper has no request to answer.
fn whole_answer(status: &str, problem: &Problem) -> Vec<u8> {
    let body = serde_json::to_vec(&problem.body(None, None)).expect("a problem is plain JSON");
    let mut answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\nretry-after: 1\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(&body);
    answer
}
