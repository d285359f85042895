//! One connection of the load: runs errands of the shared book until the server is gone.

use std::sync::{Arc, Mutex, MutexGuard};

use holdline_load::generator::{Outcome, Script, Step};
use holdline_load::http::{HttpError, Response, write_request};

use serde_json::{Value, json};

use super::book::{Book, Errand, Submit, Told};
use super::goods::{CURRENCY, code, price_minor};
use crate::child::PROVIDER;
use crate::child::submit::{Line, Meaning, read_answer, write_body, write_submit, write_submit_for_later};

/// A connection.
pub(super) struct Runner {
    authorization: String,
    book: Arc<Mutex<Book>>,
    errand: Errand,
    numbers: String,
}

impl Runner {
    pub(super) fn new(secret: &str, book: &Arc<Mutex<Book>>) -> Self {
        let authorization = format!("Bearer {secret}");
        Self { authorization, book: Arc::clone(book), errand: Errand::Submit(0), numbers: String::new() }
    }

    fn headers(&self) -> [(&str, &str); 3] {
        [("host", "127.0.0.1"), ("authorization", &self.authorization), ("content-type", "application/json")]
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("nothing panics while it holds the book")
    }
}

/// Where an order's attempts are opened and read.
pub(super) fn payments(number: &str) -> String {
    format!("/v1/orders/{number}/payments")
}

/// The body of an attempt.
pub(super) fn attempt() -> Value {
    json!({ "provider": PROVIDER })
}

/// A submit's body.
pub(super) fn body(submit: &Submit) -> Vec<u8> {
    let lines = submit.lines.iter().map(|(sku, quantity)| Line {
        sku: code(*sku),
        quantity: *quantity,
        price_minor: price_minor(*sku),
        currency: CURRENCY,
    });
    let mut body = Vec::new();
    write_body(&mut body, submit.buyer, &lines.collect::<Vec<_>>());
    body
}

impl Script for Runner {
    fn next(&mut self, request: &mut Vec<u8>) -> Step {
        let errand = self.book().next();
        self.errand = errand;
        let book = self.book();
        match errand {
            Errand::Submit(submit) => {
                let submit = &book.submits[submit];
                let write = if submit.for_later() { write_submit_for_later } else { write_submit };
                write(request, &self.authorization, &submit.key, &body(submit));
            }
            Errand::Cancel(submit, order) => {
                let Told::Placed(orders) = &book.submits[submit].told else { return Step::Done };
                let target = format!("/v1/orders/{}/cancel", orders[order].number);
                write_request(request, "POST", &target, &self.headers(), b"{}");
            }
            Errand::Pay(submit, order) => {
                let Told::Placed(orders) = &book.submits[submit].told else { return Step::Done };
                let target = payments(&orders[order].number);
                // The order's number is the key: it is paid by one attempt, however often it is sent.
                let mut headers = self.headers().to_vec();
                headers.push(("idempotency-key", &orders[order].number));
                write_request(request, "POST", &target, &headers, attempt().to_string().as_bytes());
            }
        }
        Step::Send
    }

    fn judge<'a>(&'a mut self, response: &'a Response<'_>) -> Outcome<'a> {
        match self.errand {
            Errand::Submit(submit) => {
                let meaning = read_answer(response, &mut self.numbers);
                self.book().submit_answered(submit, meaning, &self.numbers);
                match meaning {
                    Meaning::Placed => Outcome::Accepted(""),
                    Meaning::Replayed => Outcome::Replayed(""),
                    Meaning::Refused | Meaning::Lapsed | Meaning::Abandoned => Outcome::Refused,
                    Meaning::Busy | Meaning::Unknown | Meaning::Accepted => Outcome::Busy,
                    Meaning::Wrong(what) => Outcome::Error(what),
                }
            }
            Errand::Cancel(submit, order) => {
                self.book().cancel_answered(submit, order, response.status);
                Outcome::Replayed("")
            }
            Errand::Pay(submit, order) => {
                self.book().pay_answered(submit, order, response.status);
                Outcome::Replayed("")
            }
        }
    }

    fn lost(&mut self, _: &HttpError) {
        // A lost cancel or attempt stays asked for; it is settled after the last round.
        if let Errand::Submit(submit) = self.errand {
            self.book().submit_lost(submit);
        }
    }
}
