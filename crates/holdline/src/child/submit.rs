//! How a submit goes over the wire: written without allocating, its answer read by what it must contain.

use std::io::Write as _;

use clap::ValueEnum;
use holdline_load::generator::Outcome;
use holdline_load::http::{HttpError, Response, write_request};
use uuid::Uuid;

/// What a buyer's cart comes to as a body; written by the scenarios.
pub(crate) trait Carts: Send + 'static {
    /// Writes the next cart as the JSON body of a submit into `body`, which is empty.
    fn next(&mut self, body: &mut Vec<u8>);
}

/// One line of a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) sku: &'a str,
    pub(crate) quantity: u32,
    pub(crate) price_minor: i64,
    pub(crate) currency: &'a str,
}

/// Appends a submit's body. The texts are the caller's own and need no escaping.
pub(crate) fn write_body(into: &mut Vec<u8>, buyer: impl std::fmt::Display, lines: &[Line<'_>]) {
    write_body_in(into, "", buyer, lines);
}

/// The same for a channel; an empty one is none.
pub(crate) fn write_body_in(into: &mut Vec<u8>, channel: &str, buyer: impl std::fmt::Display, lines: &[Line<'_>]) {
    put(into, format_args!("{{\"buyer_id\":\"{buyer}\","));
    if !channel.is_empty() {
        put(into, format_args!("\"channel\":\"{channel}\","));
    }
    put(into, format_args!("\"lines\":["));
    for (place, line) in lines.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        let Line { sku, quantity, price_minor, currency } = line;
        put(
            into,
            format_args!(
                "{comma}{{\"sku\":\"{sku}\",\"quantity\":{quantity},\"unit_price\":{{\"amount\":{price_minor},\
                 \"currency\":\"{currency}\"}}}}"
            ),
        );
    }
    into.extend_from_slice(b"]}");
}

fn put(into: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    into.write_fmt(text).expect("a Vec takes every byte");
}

/// Appends a whole submit.
pub(crate) fn write_submit(into: &mut Vec<u8>, authorization: &str, key: &str, body: &[u8]) {
    write_submit_with(into, authorization, key, body, None);
}

/// Appends a whole submit that is to be answered before it is decided.
pub(crate) fn write_submit_for_later(into: &mut Vec<u8>, authorization: &str, key: &str, body: &[u8]) {
    write_submit_with(into, authorization, key, body, Some(("prefer", "respond-async")));
}

fn write_submit_with(
    into: &mut Vec<u8>,
    authorization: &str,
    key: &str,
    body: &[u8],
    preference: Option<(&str, &str)>,
) {
    let headers = [
        ("host", "127.0.0.1"),
        ("authorization", authorization),
        ("content-type", "application/json"),
        ("idempotency-key", key),
    ];
    let headers: Vec<_> = headers.into_iter().chain(preference).collect();
    write_request(into, "POST", "/v1/orders", &headers, body);
}

/// What idempotency keys are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyOrder {
    /// In the order of time (`UUIDv7`), as the documentation recommends.
    #[default]
    Time,
    /// At random (`UUIDv4`).
    Random,
}

impl KeyOrder {
    fn key(self, into: &mut String) {
        let uuid = match self {
            Self::Time => Uuid::now_v7(),
            Self::Random => Uuid::new_v4(),
        };
        into.clear();
        into.push_str(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    }
}

/// A new key in the order of time.
pub(crate) fn new_key(into: &mut String) {
    KeyOrder::Time.key(into);
}

/// What the answer to a submit means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// 201: orders exist.
    Placed,
    /// 201 or 200, marked as a repetition.
    Replayed,
    /// 202: it will be decided, and its orders will have these numbers.
    Accepted,
    /// A business no.
    Refused,
    /// 409: it was promised, not decided in time, and never becomes orders.
    Lapsed,
    /// 409: whoever held stock for it was gone for long, so it was given up, and never becomes orders.
    Abandoned,
    /// Nothing was begun; there is no room now.
    Busy,
    /// It may have happened: the same key tells.
    Unknown,
    /// Nothing that a submit may be answered.
    Wrong(&'static str),
}

/// What a 409 with this body means, if its code is that of a submit that never becomes orders.
pub(crate) fn no_that_stands(body: &[u8]) -> Option<Meaning> {
    const NEVER: [(&[u8], Meaning); 2] = [
        (b"\"code\":\"not_decided_in_time\"", Meaning::Lapsed),
        (b"\"code\":\"submit_abandoned\"", Meaning::Abandoned),
    ];
    NEVER.iter().find(|(code, _)| has(body, code)).map(|(_, meaning)| *meaning)
}

/// Reads the answer to a submit; the numbers of its orders go into `numbers`, separated by commas.
pub(crate) fn read_answer(response: &Response<'_>, numbers: &mut String) -> Meaning {
    numbers.clear();
    match response.status {
        200 | 201 => {
            order_numbers(response.body, numbers);
            match (numbers.is_empty(), response.is_replayed() || response.status == 200) {
                (true, _) => Meaning::Wrong("no order number"),
                (false, true) => Meaning::Replayed,
                (false, false) => Meaning::Placed,
            }
        }
        202 => {
            promised_numbers(response.body, numbers);
            if numbers.is_empty() { Meaning::Unknown } else { Meaning::Accepted }
        }
        422 if has(response.body, b"\"code\":\"order_refused\"") => Meaning::Refused,
        422 => Meaning::Wrong("422 other than order_refused"),
        409 => no_that_stands(response.body).unwrap_or(Meaning::Wrong("409")),
        503 | 429 => Meaning::Busy,
        500 => Meaning::Wrong("500"),
        400..500 => Meaning::Wrong("4xx"),
        _ => Meaning::Wrong("status"),
    }
}

/// The same, as the load generator counts it.
pub(crate) fn judge<'a>(response: &Response<'_>, numbers: &'a mut String) -> Outcome<'a> {
    match read_answer(response, numbers) {
        Meaning::Placed => Outcome::Accepted(numbers),
        Meaning::Replayed => Outcome::Replayed(numbers),
        Meaning::Refused => Outcome::Refused,
        Meaning::Busy => Outcome::Busy,
        Meaning::Accepted => Outcome::Error("accepted, and not asked for"),
        Meaning::Lapsed | Meaning::Abandoned => Outcome::Error("given up"),
        Meaning::Unknown => Outcome::Error("outcome_unknown"),
        Meaning::Wrong(what) => Outcome::Error(what),
    }
}

/// Every value of a member `order_no` in `body`, in order, each once.
fn order_numbers(body: &[u8], numbers: &mut String) {
    const MEMBER: &[u8] = b"\"order_no\":\"";
    let mut rest = body;
    while let Some(start) = find(rest, MEMBER) {
        let value = &rest[start + MEMBER.len()..];
        let Some(end) = value.iter().position(|byte| *byte == b'"') else { return };
        let Ok(number) = std::str::from_utf8(&value[..end]) else { return };
        if !numbers.split(',').any(|known| known == number) {
            if !numbers.is_empty() {
                numbers.push(',');
            }
            numbers.push_str(number);
        }
        rest = &value[end..];
    }
}

/// The numbers in `order_nos` of a 202, in order.
fn promised_numbers(body: &[u8], numbers: &mut String) {
    const MEMBER: &[u8] = b"\"order_nos\":[";
    let Some(start) = find(body, MEMBER) else { return };
    let list = &body[start + MEMBER.len()..];
    let list = &list[..list.iter().position(|byte| *byte == b']').unwrap_or(0)];
    numbers.extend(list.iter().filter(|byte| byte.is_ascii_digit() || **byte == b',').copied().map(char::from));
}

fn has(body: &[u8], text: &[u8]) -> bool {
    find(body, text).is_some()
}

/// Where `text`, which starts with a quote, begins in `body`.
fn find(body: &[u8], text: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let quote = from + body[from..].iter().position(|byte| *byte == text[0])?;
        if body[quote..].starts_with(text) {
            return Some(quote);
        }
        from = quote + 1;
    }
}

/// A closed or open loop of submits, one key each: no retry, every answer judged.
pub(crate) struct Submits<C> {
    authorization: String,
    carts: C,
    keys: KeyOrder,
    key: String,
    body: Vec<u8>,
    numbers: String,
}

impl<C: Carts> Submits<C> {
    /// Submits of `carts` under a key's secret.
    pub(crate) fn new(secret: &str, carts: C) -> Self {
        let authorization = format!("Bearer {secret}");
        let (key, body, numbers) = (String::new(), Vec::new(), String::new());
        Self { authorization, carts, keys: KeyOrder::Time, key, body, numbers }
    }

    /// The same with keys of another order.
    pub(crate) fn keyed(self, keys: KeyOrder) -> Self {
        Self { keys, ..self }
    }
}

impl<C: Carts> holdline_load::generator::Script for Submits<C> {
    fn next(&mut self, request: &mut Vec<u8>) -> holdline_load::generator::Step {
        self.keys.key(&mut self.key);
        self.body.clear();
        self.carts.next(&mut self.body);
        write_submit(request, &self.authorization, &self.key, &self.body);
        holdline_load::generator::Step::Send
    }

    fn judge<'a>(&'a mut self, response: &'a Response<'_>) -> Outcome<'a> {
        judge(response, &mut self.numbers)
    }

    fn lost(&mut self, _: &HttpError) {}
}

#[cfg(test)]
#[path = "submit_tests.rs"]
mod tests;
