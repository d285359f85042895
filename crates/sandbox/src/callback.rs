//! Callbacks as rows: written in the transaction of what they tell, sent later by the courier, gone once acknowledged.

use rusqlite::{OptionalExtension as _, Row, params};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::desk::Desk;
use crate::mischief::{Switch, count};

/// The first pause after a try that was not acknowledged; each later one is twice as long.
const PAUSE_FIRST_MS: i64 = 200;
/// The longest pause.
const PAUSE_MAX_MS: i64 = 10 * 60 * 1_000;
/// How often a callback is sent at most: with the pauses above about three hours, in which a receiver is mended or
/// asks by himself.
const TRIES_MAX: i64 = 30;
/// How long after the truth a stale word follows: so long that both are never one request.
const AFTERWARDS_MS: i64 = 100;

/// Something to be told.
#[derive(Debug, Clone)]
pub(crate) struct Word<'a> {
    url: &'a str,
    body: Value,
}

impl<'a> Word<'a> {
    /// How a payment or a refund stands. `about`: its kind and its key.
    pub(crate) fn new(about: (&str, &str), url: &'a str, stands: Value) -> Self {
        let (kind, key) = about;
        let mut body = stands;
        body["type"] = json!(kind);
        body[kind] = json!(key);
        Self { url, body }
    }

    /// The same with another member.
    pub(crate) fn with(mut self, member: &str, value: Value) -> Self {
        self.body[member] = value;
        self
    }
}

/// A callback to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) id: i64,
    pub(crate) event_id: String,
    pub(crate) url: String,
    pub(crate) body: String,
    /// To be signed with another key this time.
    pub(crate) forged: bool,
    /// How often it was sent before.
    tries: i64,
}

const SELECT: &str = "SELECT id, event_id, url, body, forged, tries FROM callback";

impl Letter {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            event_id: row.get(1)?,
            url: row.get(2)?,
            body: row.get(3)?,
            forged: row.get(4)?,
            tries: row.get(5)?,
        })
    }
}

impl Desk<'_> {
    /// Writes the callbacks that tell something, with all the mischief of callbacks; their numbers.
    pub(crate) fn tell(&self, word: &Word<'_>) -> rusqlite::Result<Vec<i64>> {
        if self.strikes(Switch::LostCallback)? {
            return Ok(Vec::new());
        }
        let late_ms = if self.strikes(Switch::LateCallback)? { self.mischief.late_callback_ms } else { 0 };
        let due_ms = self.now_ms.saturating_add_unsigned(late_ms);
        let forged = self.strikes(Switch::WrongSignature)?;
        let event_id = new_event_id();
        let mut letters = vec![self.post(word, &event_id, (forged, due_ms))?];
        if self.strikes(Switch::TwiceCallback)? {
            letters.push(self.post(word, &event_id, (false, due_ms))?);
        }
        Ok(letters)
    }

    /// Writes one callback that comes after what was told just now.
    pub(crate) fn tell_afterwards(&self, word: &Word<'_>) -> rusqlite::Result<Option<i64>> {
        let due_ms = self.now_ms.saturating_add(AFTERWARDS_MS);
        self.post(word, &new_event_id(), (false, due_ms)).map(Some)
    }

    fn post(&self, word: &Word<'_>, event_id: &str, (forged, due_ms): (bool, i64)) -> rusqlite::Result<i64> {
        self.rows
            .prepare_cached("INSERT INTO callback (event_id, url, body, forged, due_ms) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![event_id, word.url, word.body.to_string(), forged, due_ms])?;
        Ok(self.rows.last_insert_rowid())
    }

    /// Callbacks whose time has come, the oldest first.
    pub(crate) fn due_letters(&self, count_max: usize) -> rusqlite::Result<Vec<Letter>> {
        self.rows
            .prepare_cached(&format!("{SELECT} WHERE due_ms <= ?1 ORDER BY due_ms, id LIMIT ?2"))?
            .query_map(params![self.now_ms, i64::try_from(count_max).unwrap_or(i64::MAX)], Letter::from_row)?
            .collect()
    }

    /// One callback, if its time has come and nobody has acknowledged it.
    pub(crate) fn due_letter(&self, id: i64) -> rusqlite::Result<Option<Letter>> {
        self.rows
            .prepare_cached(&format!("{SELECT} WHERE id = ?1 AND due_ms <= ?2"))?
            .query_row([id, self.now_ms], Letter::from_row)
            .optional()
    }

    /// Notes how a try ended.
    pub(crate) fn tried(&self, letter: &Letter, acknowledged: bool) -> rusqlite::Result<()> {
        if acknowledged {
            self.rows.prepare_cached("DELETE FROM callback WHERE id = ?1")?.execute([letter.id])?;
            return count(self.rows, "callback_delivered");
        }
        let tries = letter.tries + 1;
        let due_ms = (tries < TRIES_MAX).then(|| self.now_ms.saturating_add(pause_ms(tries)));
        if due_ms.is_none() {
            tracing::warn!(event_id = letter.event_id, tries, "a callback is given up");
        }
        self.rows
            .prepare_cached("UPDATE callback SET tries = ?2, due_ms = ?3, forged = 0 WHERE id = ?1")?
            .execute(params![letter.id, tries, due_ms])?;
        Ok(())
    }
}

fn new_event_id() -> String {
    format!("evt_{}", Uuid::new_v4().simple())
}

/// The pause after so many tries.
fn pause_ms(tries: i64) -> i64 {
    let doublings = u32::try_from(tries - 1).unwrap_or_default().min(30);
    (PAUSE_FIRST_MS << doublings).min(PAUSE_MAX_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_after_about_three_hours() {
        let pauses: Vec<i64> = (1..TRIES_MAX).map(pause_ms).collect();
        assert_eq!(pauses[..4], [200, 400, 800, 1_600]);
        assert!(pauses.is_sorted() && pauses.last() == Some(&PAUSE_MAX_MS));
        let hours = pauses.iter().sum::<i64>() / 3_600_000;
        assert_eq!(hours, 3);
    }
}
