//! Requests that are sent again until their answer is definite, and the submits that are.

use std::time::Duration;

use anyhow::bail;
use serde_json::json;

use super::book::{Submit, Told};
use super::client::body;
use super::rounds::{Rounds, numbers_of};
use crate::child::submit::{Meaning, no_that_stands};
use crate::child::{Answer, Client, Stop};

/// How often a request without a definite answer is sent again after the start.
const ATTEMPTS_MAX: usize = 400;
/// Time between such attempts.
const ATTEMPT_EVERY: Duration = Duration::from_millis(50);
/// How long an accepted submit may take to be decided after the trouble, in seconds: it is taken up after two.
const STATUS_WAIT_S: u64 = 20;

/// Sends until the answer is not "no room" or "not known yet".
pub(super) fn definite(stop: &Stop, send: impl FnMut() -> anyhow::Result<Answer>) -> anyhow::Result<Answer> {
    definite_but(stop, |answer| answer.status == 202, send)
}

/// Sends until the answer is not "no room", and is not one that will change by itself.
pub(super) fn definite_but(
    stop: &Stop,
    will_change: impl Fn(&Answer) -> bool,
    mut send: impl FnMut() -> anyhow::Result<Answer>,
) -> anyhow::Result<Answer> {
    for _ in 0..ATTEMPTS_MAX {
        let answer = send()?;
        if answer.status != 503 && !will_change(&answer) {
            return Ok(answer);
        }
        stop.check()?;
        stop.pause(ATTEMPT_EVERY);
    }
    bail!("no definite answer after {ATTEMPTS_MAX} attempts")
}

impl Rounds<'_> {
    /// What became of a submit that was accepted: it ends by itself, and stays as it was told.
    pub(super) fn ask_status(&mut self, submit: usize, client: &mut Client) -> anyhow::Result<()> {
        let (target, promised) = {
            let book = self.book();
            let Submit { key, buyer, told, .. } = &book.submits[submit];
            let Told::Promised(promised) = told else { return Ok(()) };
            (format!("/v1/submits/{key}?buyer_id={buyer}&wait={STATUS_WAIT_S}s"), promised.clone())
        };
        let answer = definite(self.stop, || client.get(&target))?;
        let mut book = self.book();
        if answer.status == 404 {
            let key = book.submits[submit].key.clone();
            book.wrong(format!("{key} was promised {promised:?}, and nothing is known of it"));
            return Ok(());
        }
        let status = answer.success()?;
        match status["status"].as_str() {
            Some("created") if status["order_nos"] == json!(promised) => {
                book.submit_answered(submit, Meaning::Replayed, &promised.join(","));
            }
            Some("create_failed") => book.promise_ended(submit),
            _ => {
                let key = book.submits[submit].key.clone();
                book.wrong(format!("{key} was promised {promised:?}, and after {STATUS_WAIT_S} s is {status}"));
            }
        }
        Ok(())
    }

    /// Sends a submit under its key until the answer is definite, and once more to see the same answer.
    pub(super) fn ask_again(&mut self, submit: usize, client: &mut Client) -> anyhow::Result<()> {
        for _ in 0..2 {
            let (key, body) = {
                let book = self.book();
                (book.submits[submit].key.clone(), serde_json::from_slice(&body(&book.submits[submit]))?)
            };
            let answer = definite(self.stop, || client.submit("/v1/orders", &key, &body))?;
            let mut book = self.book();
            book.retried += 1;
            match answer.status {
                200 | 201 => {
                    let numbers = numbers_of(&answer)?;
                    let meaning = if answer.replayed { Meaning::Replayed } else { Meaning::Placed };
                    book.submit_answered(submit, meaning, &numbers);
                }
                422 => {
                    book.submit_answered(submit, Meaning::Refused, "");
                    // A no stores nothing: asked once more it may be a yes, which would be another answer to judge.
                    return Ok(());
                }
                status => match no_that_stands(&answer.body).filter(|_| status == 409) {
                    Some(meaning) => book.submit_answered(submit, meaning, ""),
                    None => book.wrong(format!("{key} was answered {status} {} when asked again", answer.code())),
                },
            }
        }
        Ok(())
    }
}
