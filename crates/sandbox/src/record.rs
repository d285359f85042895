//! A payment as it is stored, and as the protocol says it.

use rusqlite::Row;
use serde_json::{Value, json};

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Pending,
    Captured,
    Failed,
    Closed,
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Captured => "captured",
            Self::Failed => "failed",
            Self::Closed => "closed",
        }
    }

    fn from_stored(text: &str) -> Self {
        match text {
            "pending" => Self::Pending,
            "captured" => Self::Captured,
            "failed" => Self::Failed,
            "closed" => Self::Closed,
            // The schema's check lets nothing else in.
            other => unreachable!("a stored state {other}"),
        }
    }
}

/// What was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) expires_ms: i64,
    pub(crate) description: String,
    pub(crate) notify_url: String,
    pub(crate) return_url: Option<String>,
}

/// A payment.
#[derive(Debug, Clone)]
pub(crate) struct Payment {
    pub(crate) key: String,
    pub(crate) state: State,
    /// `None`: a tombstone, closed before it was created.
    pub(crate) terms: Option<Terms>,
    /// What was captured, in the currency of the terms.
    pub(crate) captured: i64,
    pub(crate) reference: String,
    pub(crate) token: String,
    pub(crate) reason: Option<String>,
}

/// The columns that [`Payment::from_row`] reads.
pub(crate) const COLUMNS: &str = "payment, state, amount, currency, expires_ms, description, notify_url, return_url, \
                                  captured, reference, token, reason";

impl Payment {
    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let terms = match row.get::<_, Option<i64>>("amount")? {
            None => None,
            Some(amount) => Some(Terms {
                amount,
                currency: row.get("currency")?,
                expires_ms: row.get("expires_ms")?,
                description: row.get("description")?,
                notify_url: row.get("notify_url")?,
                return_url: row.get("return_url")?,
            }),
        };
        Ok(Self {
            key: row.get("payment")?,
            state: State::from_stored(&row.get::<_, String>("state")?),
            terms,
            captured: row.get("captured")?,
            reference: row.get("reference")?,
            token: row.get("token")?,
            reason: row.get("reason")?,
        })
    }

    /// The payment in the protocol's words.
    pub(crate) fn words(&self, base_url: &str) -> Value {
        self.words_as(self.state, base_url)
    }

    /// The payment in the protocol's words, as it would be in a state.
    pub(crate) fn words_as(&self, state: State, base_url: &str) -> Value {
        let mut words = json!({ "state": state.as_str(), "reference": self.reference });
        match (state, &self.terms) {
            (State::Pending, _) => {
                words["pay"] = json!({ "url": format!("{base_url}/pay/{}?token={}", self.key, self.token) });
            }
            (State::Captured, Some(terms)) => {
                words["amount"] = json!(self.captured);
                words["currency"] = json!(terms.currency);
            }
            (State::Failed, _) => words["reason"] = json!(self.reason),
            (State::Captured, None) | (State::Closed, _) => {}
        }
        words
    }
}
