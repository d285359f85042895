//! Reads of orders that become due, each judged by the order's own deadline.

use std::sync::Arc;

use holdline_load::generator::{Outcome, RunResult, Script, Step};
use holdline_load::http::{HttpError, Response, write_request};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::due::{Due, now_ms};
use crate::bench::report::Report;

/// What a wrong read is counted as.
const WRONG: &str = "an order read as it was not";

/// Reads due orders at random.
pub(super) struct Reader {
    authorization: String,
    numbers: Arc<[Box<str>]>,
    dice: StdRng,
    asked_ms: u64,
}

impl Reader {
    pub(super) fn new(secret: &str, due: &Due, seed: u64) -> Self {
        let authorization = format!("Bearer {secret}");
        Self { authorization, numbers: Arc::clone(&due.numbers), dice: StdRng::seed_from_u64(seed), asked_ms: 0 }
    }
}

impl Script for Reader {
    fn next(&mut self, request: &mut Vec<u8>) -> Step {
        let target = format!("/v1/orders/{}", self.numbers[self.dice.random_range(0..self.numbers.len())]);
        let headers = [("host", "127.0.0.1"), ("authorization", self.authorization.as_str())];
        write_request(request, "GET", &target, &headers, b"");
        self.asked_ms = now_ms();
        Step::Send
    }

    fn judge<'a>(&'a mut self, response: &'a Response<'_>) -> Outcome<'a> {
        match response.status {
            200 if is_right(response.body, self.asked_ms, now_ms()) => Outcome::Accepted(""),
            200 => Outcome::Error(WRONG),
            429 | 503 => Outcome::Busy,
            _ => Outcome::Error("a read answered otherwise than 200"),
        }
    }

    fn lost(&mut self, _: &HttpError) {}
}

/// Whether an order that nobody pays may be shown like this to who asked and got the answer at these instants.
fn is_right(order: &[u8], asked_ms: u64, answered_ms: u64) -> bool {
    let Ok(order) = serde_json::from_slice::<serde_json::Value>(order) else { return false };
    let deadline = order["pay_deadline"].as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let Some(Ok(deadline_ms)) = deadline.map(|at| u64::try_from(at.as_millisecond())) else { return false };
    match order["status"].as_str() {
        Some("expired") => answered_ms >= deadline_ms,
        Some("pending_payment") => asked_ms < deadline_ms,
        _ => false,
    }
}

/// Adds what readers saw.
pub(super) fn add_reads(report: &mut Report, readings: &[&RunResult]) {
    let wrong = |reading: &&RunResult| reading.errors.get(WRONG).copied().unwrap_or_default();
    report.storm.reads = Some(readings.iter().map(|reading| reading.counts.accepted + wrong(reading)).sum());
    report.storm.reads_wrong = Some(readings.iter().map(wrong).sum());
    for reading in readings {
        let others = reading.errors.iter().filter(|(kind, _)| **kind != WRONG);
        for (kind, count) in others.map(|(kind, count)| (*kind, *count)).chain([("read, busy", reading.counts.busy)]) {
            report.add_error(kind, count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_shown_as_waiting_until_its_deadline_and_as_expired_from_then_on() {
        let order = |status| format!("{{\"status\":\"{status}\",\"pay_deadline\":\"1970-01-01T00:00:02.000Z\"}}");
        let right = |status, asked, answered| is_right(order(status).as_bytes(), asked, answered);
        assert!(right("pending_payment", 1_000, 1_999) && right("expired", 2_000, 2_001));
        assert!(right("pending_payment", 1_999, 2_001) && right("expired", 1_999, 2_001), "either, across the instant");
        assert!(!right("expired", 1_000, 1_999), "too early");
        assert!(!right("pending_payment", 2_000, 2_001), "too late");
        assert!(!right("cancelled", 2_000, 2_001) && !is_right(b"{}", 0, 0));
    }
}
