//! What a client can make large, slow or many, and where that ends. `docs/operating/edge.md` is the same list for operators.

use std::time::Duration;

/// What a client can make large or slow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerLimits {
    /// Open connections; beyond them 503 and closed. What each costs before its key is known is measured in
    /// `docs/operating/edge.md`.
    pub connections_max: usize,
    /// Bytes of request line and headers together.
    pub head_bytes_max: usize,
    /// Headers of one request.
    pub headers_max: usize,
    /// How long a head may take to arrive. It counts from the end of the answer before, so it is the keep-alive time as
    /// well: longer than the 60 s that load balancers keep a connection idle, so that they close first.
    ///
    /// One limit for both, because a client that sends half a head holds no more than one that sends nothing.
    pub head_within: Duration,
    /// How long a body may take to arrive, from when it is first asked for: 256 KiB take 10 s at 26 kB/s.
    pub body_within: Duration,
    /// How long a client may take to read an answer, once the kernel's buffers are full: the whole answer, not one more
    /// byte. The largest answer is a page of the API's own documentation, 1.5 MB: 30 s at 50 kB/s.
    pub answer_read_within: Duration,
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
            body_within: Duration::from_secs(10),
            answer_read_within: Duration::from_secs(30),
            drain_within: Duration::from_secs(20),
        }
    }
}

/// hyper asks for at least so much of a buffer. A larger one than a head needs would be filled by whoever sends half a
/// head: the buffers of all connections are what the edge costs before any key is known.
pub(super) const BUFFER_BYTES_MIN: usize = 8 * 1_024;

/// How long a client that was refused while it was sending may go on sending into the void, so that it can read why.
/// Long enough for what is under way on a slow line; short, because nobody is served by it.
pub(super) const LINGER_WITHIN: Duration = Duration::from_secs(2);

/// How much such a client may send: what kernels and networks typically have under way, several times over.
pub(super) const LINGER_BYTES_MAX: usize = 4 * 1_024 * 1_024;
