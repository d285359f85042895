//! Every acknowledged order number asked for again, one by one, over HTTP.
//!
//! Complete by construction: a number is found only when an answer 200 names it; whatever was not found in the end
//! counts as lost. Numbers are few bytes each and the list is the caller's.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::ensure;
use holdline_load::generator::{Outcome, Plan, Script, Step};
use holdline_load::http::{HttpError, Response, write_request};

use super::{Progress, Stop, with_bar};

/// Connections of a lookup: reads need no batches, and more would only queue.
const CONNECTIONS: usize = 16;
/// Attempts for one number: a connection may be closed under it, a server that just started may be slow.
const ATTEMPTS_MAX: u8 = 5;
/// Most time of a lookup.
const WITHIN: Duration = Duration::from_mins(10);
/// Lost numbers that are named.
const NAMED_MAX: usize = 20;

/// What became of the acknowledged orders.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lookup {
    /// Different acknowledged numbers.
    pub(crate) acknowledged: u64,
    /// Numbers that were answered to two different submits: never allowed.
    pub(crate) twice: u64,
    /// Numbers found.
    pub(crate) stored: u64,
    /// Numbers not found.
    pub(crate) lost: u64,
    /// Some of the lost numbers.
    pub(crate) named: Vec<String>,
}

impl Lookup {
    /// Whether nothing is missing.
    pub(crate) fn is_complete(&self) -> bool {
        self.lost == 0 && self.twice == 0 && self.stored == self.acknowledged
    }
}

/// Asks the server for every order of `answers`, each of which is one submit's numbers separated by commas.
pub(crate) fn look_up<'k>(
    address: SocketAddr,
    secret: &str,
    answers: impl Iterator<Item = &'k str>,
    progress: Progress,
    stop: &Stop,
) -> anyhow::Result<Lookup> {
    let mut numbers: Vec<Box<str>> = answers.flat_map(|answer| answer.split(',')).map(Box::from).collect();
    let answered = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    let acknowledged = numbers.len();
    let mut lookup =
        Lookup { acknowledged: acknowledged as u64, twice: (answered - acknowledged) as u64, ..Lookup::default() };
    if numbers.is_empty() {
        return Ok(lookup);
    }
    let lost = Arc::new(Mutex::new(HashSet::new()));
    let share = numbers.len().div_ceil(CONNECTIONS);
    let mut scripts: Vec<Ask> = Vec::with_capacity(CONNECTIONS);
    while !numbers.is_empty() {
        let rest = numbers.split_off(share.min(numbers.len()));
        scripts.push(Ask::new(secret, numbers, Arc::clone(&lost)));
        numbers = rest;
    }
    let mut plan = Plan::new(address, WITHIN);
    plan.control = stop.control();
    let label = format!("looking up {acknowledged} orders");
    let result = with_bar(progress, &label, &plan, scripts)?;
    stop.check()?;
    let lost = lost.lock().expect("no worker panicked");
    lookup.lost = lost.len() as u64;
    lookup.stored = result.counts.accepted;
    lookup.named = lost.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    ensure!(
        lookup.stored + lookup.lost == lookup.acknowledged,
        "the lookup ended before it had asked for every order: {} of {acknowledged}",
        lookup.stored + lookup.lost
    );
    Ok(lookup)
}

/// One connection's part of the numbers.
struct Ask {
    authorization: String,
    numbers: std::vec::IntoIter<Box<str>>,
    current: Box<str>,
    attempts: u8,
    lost: Arc<Mutex<HashSet<Box<str>>>>,
}

impl Ask {
    fn new(secret: &str, numbers: Vec<Box<str>>, lost: Arc<Mutex<HashSet<Box<str>>>>) -> Self {
        let authorization = format!("Bearer {secret}");
        Self { authorization, numbers: numbers.into_iter(), current: Box::default(), attempts: 0, lost }
    }

    /// The current number has no good answer: again, or lost.
    fn failed(&mut self) {
        self.attempts += 1;
        if self.attempts >= ATTEMPTS_MAX {
            let number = std::mem::take(&mut self.current);
            self.lost.lock().expect("nothing panics while it holds the set").insert(number);
        }
    }
}

impl Script for Ask {
    fn next(&mut self, request: &mut Vec<u8>) -> Step {
        if self.current.is_empty() {
            let Some(number) = self.numbers.next() else { return Step::Done };
            self.current = number;
            self.attempts = 0;
        }
        let target = format!("/v1/orders/{}", self.current);
        let headers = [("host", "127.0.0.1"), ("authorization", self.authorization.as_str())];
        write_request(request, "GET", &target, &headers, b"");
        Step::Send
    }

    fn judge<'a>(&'a mut self, response: &'a Response<'_>) -> Outcome<'a> {
        let named = format!("\"order_no\":\"{}\"", self.current);
        match response.status {
            200 if response.body.windows(named.len()).any(|window| window == named.as_bytes()) => {
                self.current = Box::default();
                Outcome::Accepted("")
            }
            404 => {
                self.attempts = ATTEMPTS_MAX;
                self.failed();
                Outcome::Refused
            }
            _ => {
                self.failed();
                Outcome::Busy
            }
        }
    }

    fn lost(&mut self, _: &HttpError) {
        self.failed();
    }
}
