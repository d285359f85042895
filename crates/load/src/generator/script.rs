//! What a caller says about its requests and answers.

use crate::http::{HttpError, Response};

/// What a connection does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send the request and wait for the answer.
    Send,
    /// Send the request and close the socket before the answer.
    SendAndHangUp,
    /// This connection has nothing left to do.
    Done,
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// Done and acknowledged under this key. An empty key is not collected.
    Accepted(&'a str),
    /// Said again for a repeated request; the key is acknowledged as well, so it may be collected twice.
    Replayed(&'a str),
    /// Refused for a business reason.
    Refused,
    /// The server said that it has no room now (503 or 429).
    Busy,
    /// Not an answer this request may have; counted under the given word.
    Error(&'static str),
}

/// The requests of one connection and the judging of their answers. Each connection has its own, called in turn: first
/// `next`, then, unless it said [`Step::Done`], exactly one of `judge`, `lost` and (after [`Step::SendAndHangUp`])
/// `hung_up`.
pub trait Script: Send + 'static {
    /// Writes the next complete request into `request`, which is empty (see [`crate::http::write_request`]).
    fn next(&mut self, request: &mut Vec<u8>) -> Step;

    /// Judges the answer to the last request. Runs on the load's thread: keep it cheap.
    fn judge<'a>(&'a mut self, response: &'a Response<'_>) -> Outcome<'a>;

    /// The last request has no answer; whether it took effect is unknown unless [`HttpError::outcome_unknown`] is
    /// false. A script that repeats requests remembers it here.
    fn lost(&mut self, error: &HttpError) {
        let _ = error;
    }

    /// The last request was sent and its answer not waited for.
    fn hung_up(&mut self) {}
}
