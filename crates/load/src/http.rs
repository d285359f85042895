//! One HTTP/1.1 keep-alive client connection, cheap enough to load a server from the same machine.
//!
//! Invariants: one request is under way at a time; a response larger than `response_bytes_max` is an error, never a
//! larger buffer; after any error the connection is spent and must be dropped. Cancelling a call spends it as well.
//! A request costs one `write`, one `read` and a shared `epoll_wait`; no allocation once the buffer has grown.
//!
//! Deliberately absent: TLS, pipelining, redirects, HEAD, bodies that end with the connection, HTTP/2. The load and
//! the server share one machine, and a protocol layer that does more costs requests per second.

#[doc(hidden)]
pub mod fuzz;
mod head;

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use head::{BodyLength, Head};

/// Default bound of one response, head and body together, in bytes.
pub const RESPONSE_BYTES_MAX: usize = 1024 * 1024;

/// First size of the inbound buffer in bytes: one read holds a usual answer and leaves room, by which tokio knows that
/// the socket is drained and saves a second `read`.
const INBOUND_BYTES_START: usize = 16 * 1024;

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The connection could not be made; nothing was sent.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// The server's address.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The request was sent in part or not at all.
    #[error("cannot send the request: {0}")]
    Write(#[source] io::Error),
    /// Reading the answer failed, for example by a reset.
    #[error("cannot read the response: {0}")]
    Read(#[source] io::Error),
    /// The server closed the connection without one byte of an answer.
    #[error("the server closed the connection before it answered")]
    ClosedBeforeAnswer,
    /// The server closed the connection inside the answer.
    #[error("the server closed the connection after {received_bytes} bytes of a response")]
    ClosedInAnswer {
        /// Bytes of the response that had arrived.
        received_bytes: usize,
    },
    /// The answer is larger than the bound.
    #[error("the response is larger than {bytes_max} bytes")]
    TooLarge {
        /// The bound in bytes.
        bytes_max: usize,
    },
    /// The answer is not HTTP/1.1 as this client speaks it.
    #[error("the response is not valid HTTP/1.1: {0}")]
    Protocol(&'static str),
    /// The connection was used up before: by an error, a cancelled exchange or the server's announced close. Nothing was
    /// sent.
    #[error("the connection is spent: connect anew")]
    Spent,
    /// No complete answer in time. Set by callers that bound the exchange.
    #[error("no complete response in time")]
    Timeout,
}

impl HttpError {
    /// A short stable word for counting.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "connect",
            Self::Write(_) => "write",
            Self::Read(_) => "read",
            Self::ClosedBeforeAnswer => "closed_before_answer",
            Self::ClosedInAnswer { .. } => "closed_in_answer",
            Self::TooLarge { .. } => "too_large",
            Self::Protocol(_) => "protocol",
            Self::Spent => "spent",
            Self::Timeout => "timeout",
        }
    }

    /// Whether the server may have acted on the request. Certain it has not only when nothing was sent.
    pub fn outcome_unknown(&self) -> bool {
        !matches!(self, Self::Connect { .. } | Self::Spent)
    }
}

/// A complete answer, borrowed from the connection's buffer until the next exchange.
#[derive(Clone, Copy, Debug)]
pub struct Response<'c> {
    /// The status code.
    pub status: u16,
    /// The body, with the chunks of a chunked body joined.
    pub body: &'c [u8],
    head: &'c [u8],
}

impl<'c> Response<'c> {
    /// The value of the first header `name` (any case), when it is text. Parsed on demand: an unread header is free.
    pub fn header(&self, name: &str) -> Option<&'c str> {
        head::find(self.head, name)
    }

    /// `Retry-After` in seconds, when it is present as a number.
    pub fn retry_after_seconds(&self) -> Option<u32> {
        self.header("retry-after")?.trim().parse().ok()
    }

    /// Whether the server marked the answer as the repetition of an earlier one (`Idempotent-Replayed: true`).
    pub fn is_replayed(&self) -> bool {
        self.header("idempotent-replayed").is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
    }
}

/// One connection to a server.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// Storage for the inbound bytes; its length is the room, `filled` what has arrived of the present response.
    inbound: Vec<u8>,
    filled: usize,
    response_bytes_max: usize,
    reusable: bool,
}

impl Connection {
    /// Connects with `TCP_NODELAY`. `response_bytes_max` bounds head and body of one response together.
    pub async fn connect(address: SocketAddr, response_bytes_max: usize) -> Result<Self, HttpError> {
        let refused = |source| HttpError::Connect { address, source };
        let stream = TcpStream::connect(address).await.map_err(refused)?;
        stream.set_nodelay(true).map_err(refused)?;
        Ok(Self {
            stream,
            inbound: vec![0; INBOUND_BYTES_START.min(response_bytes_max)],
            filled: 0,
            response_bytes_max,
            reusable: true,
        })
    }

    /// False once the server announced that it closes, or after an error: connect anew.
    pub fn is_reusable(&self) -> bool {
        self.reusable
    }

    /// Sends one complete request (see [`write_request`]) and waits for its complete answer. Has no time bound of its
    /// own.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Response<'_>, HttpError> {
        // Spent until the answer is whole: an error or a cancelled call leaves it so, and the late answer to one request
        // can never be taken for the next one's.
        if !std::mem::replace(&mut self.reusable, false) {
            return Err(HttpError::Spent);
        }
        self.stream.write_all(request).await.map_err(HttpError::Write)?;
        self.receive().await
    }

    /// Sends one complete request and drops the socket without waiting: a client that hangs up before the answer.
    pub async fn send_and_hang_up(mut self, request: &[u8]) -> Result<(), HttpError> {
        self.stream.write_all(request).await.map_err(HttpError::Write)
    }

    async fn receive(&mut self) -> Result<Response<'_>, HttpError> {
        self.filled = 0;
        let head = self.receive_head().await?;
        let body_end = match head.body {
            BodyLength::Known(length) => {
                let end = head.bytes.checked_add(length).filter(|end| *end <= self.response_bytes_max);
                let end = end.ok_or(HttpError::TooLarge { bytes_max: self.response_bytes_max })?;
                if end > self.inbound.len() {
                    self.inbound.resize(end, 0);
                }
                while self.filled < end {
                    self.read_more().await?;
                }
                if self.filled > end {
                    return Err(HttpError::Protocol("bytes after the end of the response"));
                }
                end
            }
            BodyLength::Chunked => self.receive_chunks(head.bytes).await?,
        };
        self.reusable = head.keep_alive;
        Ok(Response {
            status: head.status,
            body: &self.inbound[head.bytes..body_end],
            head: &self.inbound[..head.bytes],
        })
    }

    /// Reads up to the end of the final response's head; interim (1xx) responses are skipped.
    async fn receive_head(&mut self) -> Result<Head, HttpError> {
        loop {
            self.read_more().await?;
            while let Some(head) = head::parse(&self.inbound[..self.filled]).map_err(HttpError::Protocol)? {
                if head.status >= 200 {
                    return Ok(head);
                }
                self.inbound.copy_within(head.bytes..self.filled, 0);
                self.filled -= head.bytes;
            }
        }
    }

    /// Reads a chunked body whose first chunk starts at `body_start`, joins the chunks in place, returns where they end.
    async fn receive_chunks(&mut self, body_start: usize) -> Result<usize, HttpError> {
        let mut joined = body_start;
        let mut unread = body_start;
        loop {
            let available = &self.inbound[unread..self.filled];
            match head::chunk(available).map_err(HttpError::Protocol)? {
                None => self.read_more().await?,
                Some(head::Chunk::Data { start, length }) => {
                    let from = unread + start;
                    self.inbound.copy_within(from..from + length, joined);
                    joined += length;
                    unread = from + length + 2;
                }
                Some(head::Chunk::End { bytes }) if unread + bytes == self.filled => return Ok(joined),
                Some(head::Chunk::End { .. }) => {
                    return Err(HttpError::Protocol("bytes after the end of the response"));
                }
            }
        }
    }

    /// Reads at least one byte, growing the buffer within its bound when it is full.
    async fn read_more(&mut self) -> Result<(), HttpError> {
        if self.filled == self.inbound.len() {
            if self.filled >= self.response_bytes_max {
                return Err(HttpError::TooLarge { bytes_max: self.response_bytes_max });
            }
            self.inbound.resize((self.filled * 2).min(self.response_bytes_max), 0);
        }
        let read = self.stream.read(&mut self.inbound[self.filled..]).await.map_err(HttpError::Read)?;
        if read > 0 {
            self.filled += read;
            return Ok(());
        }
        Err(match self.filled {
            0 => HttpError::ClosedBeforeAnswer,
            received_bytes => HttpError::ClosedInAnswer { received_bytes },
        })
    }
}

/// Appends one complete request to `into`. `Content-Length` is added; `Host` and all else come in `headers`. Names,
/// values and `target` are written as given: they are the caller's own words, not input from outside.
pub fn write_request(into: &mut Vec<u8>, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) {
    for part in [method, " ", target, " HTTP/1.1\r\n"] {
        into.extend_from_slice(part.as_bytes());
    }
    for (name, value) in headers {
        for part in [name, ": ", value, "\r\n"] {
            into.extend_from_slice(part.as_bytes());
        }
    }
    into.extend_from_slice(b"content-length: ");
    write_decimal(into, body.len());
    into.extend_from_slice(b"\r\n\r\n");
    into.extend_from_slice(body);
}

/// Appends a number in decimal digits without allocating.
pub fn write_decimal(into: &mut Vec<u8>, mut number: usize) {
    let start = into.len();
    loop {
        // A remainder of ten is a digit.
        into.push(b'0' + u8::try_from(number % 10).expect("a decimal digit fits a byte"));
        number /= 10;
        if number == 0 {
            break;
        }
    }
    into[start..].reverse();
}
