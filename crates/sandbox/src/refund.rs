//! Refunds: money on its way back, never more than was captured.
//!
//! A refund that cannot be is answered `failed` and leaves no row, so that the same key may be asked for again when it
//! can; one that failed by mischief leaves its row and is tried again by the same key.

use rusqlite::{OptionalExtension as _, params};
use serde_json::{Value, json};

use crate::callback::Word;
use crate::desk::Desk;
use crate::mischief::Switch;
use crate::protocol::RefundRequest;
use crate::record::State;
use crate::secret;

/// What became of a request for a refund.
pub(crate) enum Refunded {
    /// How it stands, in the protocol's words.
    Stands(Value),
    /// The key was used for another payment, amount or currency.
    OtherAmount,
}

struct Refund {
    key: String,
    payment: String,
    state: String,
    amount: i64,
    currency: String,
    notify_url: String,
    reference: String,
    reason: Option<String>,
}

impl Refund {
    fn words(&self) -> Value {
        match self.state.as_str() {
            "succeeded" => json!({ "state": "succeeded", "reference": self.reference }),
            "failed" => json!({ "state": "failed", "reason": self.reason }),
            state => json!({ "state": state }),
        }
    }
}

fn failed(reason: &str) -> Refunded {
    Refunded::Stands(json!({ "state": "failed", "reason": reason }))
}

impl Desk<'_> {
    /// Gives money back, or tells how an earlier request with the same key stands.
    pub(crate) fn refund(&self, call: &RefundRequest) -> rusqlite::Result<Refunded> {
        let known = self.stored_refund(&call.refund)?;
        if let Some(known) = &known {
            if (&known.payment, known.amount, &known.currency) != (&call.payment, call.amount, &call.currency) {
                return Ok(Refunded::OtherAmount);
            }
            if known.state != "failed" {
                return Ok(Refunded::Stands(known.words()));
            }
        }
        let Some(payment) = self.payment(&call.payment)? else { return Ok(failed("there is no such payment")) };
        let Some(terms) = payment.terms.filter(|_| payment.state == State::Captured) else {
            return Ok(failed("it was not captured"));
        };
        if call.captured != payment.captured || call.currency != terms.currency {
            return Ok(failed("another amount or currency was captured"));
        }
        if call.amount > payment.captured - self.given_back(&call.payment)? {
            return Ok(failed("more than is left of what was captured"));
        }
        let refuses = known.is_none() && self.strikes(Switch::RefundFailsFirst)?;
        let slow = !refuses && self.strikes(Switch::SlowRefund)?;
        let (state, reason) = match (refuses, slow) {
            (true, _) => ("failed", Some("the bank said no; ask again")),
            (false, true) => ("pending", None),
            (false, false) => ("succeeded", None),
        };
        let due_ms = slow.then(|| self.now_ms.saturating_add_unsigned(self.mischief.slow_refund_ms));
        let reference = known.map_or_else(|| format!("SR{}", secret::token()), |known| known.reference);
        self.rows
            .prepare_cached(
                "INSERT INTO refund (refund, payment, state, amount, currency, notify_url, reference, reason, due_ms) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (refund) DO UPDATE \
                 SET state = excluded.state, reason = excluded.reason, due_ms = excluded.due_ms",
            )?
            .execute(params![
                call.refund,
                call.payment,
                state,
                call.amount,
                call.currency,
                call.notify_url,
                reference,
                reason,
                due_ms
            ])?;
        let stands = self.stored_refund(&call.refund)?.expect("it was written in this transaction");
        if !slow {
            self.announce_refund(&stands)?;
        }
        Ok(Refunded::Stands(stands.words()))
    }

    /// Ends refunds whose time has come; how many.
    pub(crate) fn end_slow_refunds(&self, count_max: usize) -> rusqlite::Result<usize> {
        let due: Vec<String> = self
            .rows
            .prepare_cached("SELECT refund FROM refund WHERE state = 'pending' AND due_ms <= ?1 LIMIT ?2")?
            .query_map(params![self.now_ms, i64::try_from(count_max).unwrap_or(i64::MAX)], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for key in &due {
            self.rows
                .prepare_cached("UPDATE refund SET state = 'succeeded', due_ms = NULL WHERE refund = ?1")?
                .execute([key])?;
            let ended = self.stored_refund(key)?.expect("it was read in this transaction");
            self.announce_refund(&ended)?;
        }
        Ok(due.len())
    }

    fn announce_refund(&self, refund: &Refund) -> rusqlite::Result<()> {
        self.tell(&Word::new(("refund", &refund.key), &refund.notify_url, refund.words()))?;
        Ok(())
    }

    /// What has gone back of a payment, or is on its way.
    fn given_back(&self, payment: &str) -> rusqlite::Result<i64> {
        self.rows
            .prepare_cached("SELECT coalesce(sum(amount), 0) FROM refund WHERE payment = ?1 AND state <> 'failed'")?
            .query_row([payment], |row| row.get(0))
    }

    fn stored_refund(&self, key: &str) -> rusqlite::Result<Option<Refund>> {
        self.rows
            .prepare_cached(
                "SELECT refund, payment, state, amount, currency, notify_url, reference, reason FROM refund \
                 WHERE refund = ?1",
            )?
            .query_row([key], |row| {
                Ok(Refund {
                    key: row.get(0)?,
                    payment: row.get(1)?,
                    state: row.get(2)?,
                    amount: row.get(3)?,
                    currency: row.get(4)?,
                    notify_url: row.get(5)?,
                    reference: row.get(6)?,
                    reason: row.get(7)?,
                })
            })
            .optional()
    }
}
