//! Figures of the HTTP edge: latency per operation, answers per code, open connections.
//!
//! Handles are made once: install the recorder before the router is built.

use std::sync::OnceLock;
use std::time::Duration;

use ::metrics::{Counter, Histogram, counter, describe_counter, describe_gauge, describe_histogram, histogram};

use crate::operation::Op;
use crate::problem::Code;

const LATENCY: &str = "holdline_http_request_seconds";
const ANSWERS: &str = "holdline_http_answers_total";
/// The name of what is not an operation: unknown paths and wrong methods.
const UNMATCHED: &str = "unmatched";
/// The code of a success.
const OK: &str = "ok";

/// One handle per operation, and one per operation and code that was ever answered.
pub(crate) struct Meters {
    latency: Vec<Histogram>,
    /// By operation, then by code; made when first needed, so that pairs that never occur are not shown.
    answers: Vec<OnceLock<Counter>>,
}

/// Codes and success.
const OUTCOMES: usize = Code::ALL.len() + 1;

impl Meters {
    pub(crate) fn new() -> Self {
        describe_histogram!(LATENCY, ::metrics::Unit::Seconds, "From a parsed request head to its answer");
        describe_counter!(ANSWERS, "Answers by operation and stable code");
        describe_gauge!("holdline_http_connections", "Connections that are open");
        describe_counter!("holdline_http_connections_refused_total", "Connections closed because too many were open");
        let operations = Op::ALL.iter().map(|op| op.entry().id).chain([UNMATCHED]);
        Self {
            latency: operations.map(|id| histogram!(LATENCY, "operation" => id)).collect(),
            answers: (0..(Op::ALL.len() + 1) * OUTCOMES).map(|_| OnceLock::new()).collect(),
        }
    }

    /// Counts one answer. `None`: not an operation; no code: a success.
    pub(crate) fn answered(&self, op: Option<Op>, code: Option<Code>, took: Duration) {
        let operation = op.map_or(Op::ALL.len(), |op| op as usize);
        let outcome = code.map_or(Code::ALL.len(), |code| code as usize);
        self.latency[operation].record(took);
        let counter = self.answers[operation * OUTCOMES + outcome].get_or_init(|| {
            let (operation, code) = (op.map_or(UNMATCHED, |op| op.entry().id), code.map_or(OK, |c| c.entry().code));
            counter!(ANSWERS, "operation" => operation, "code" => code)
        });
        counter.increment(1);
    }
}
