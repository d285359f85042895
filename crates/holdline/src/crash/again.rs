//! Requests that are sent again until their answer is definite.

use std::time::Duration;

use anyhow::bail;

use crate::child::{Answer, Stop};

/// How often a request without a definite answer is sent again after the start.
const ATTEMPTS_MAX: usize = 400;
/// Time between such attempts.
const ATTEMPT_EVERY: Duration = Duration::from_millis(50);

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
