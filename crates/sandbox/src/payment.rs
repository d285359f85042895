//! Payments: created, asked for, paid or declined by a buyer, closed, expired.
//!
//! `pending` becomes `captured`, `failed` or `closed`, and stays it: nothing else leaves a state, except late money by
//! mischief. An instant that has passed is judged whenever a payment is touched, so nobody sees one that is payable
//! too long, however late the courier's look is.

use rusqlite::{OptionalExtension as _, params};
use serde_json::{Value, json};

use crate::callback::Word;
use crate::desk::Desk;
use crate::mischief::Switch;
use crate::protocol::Create;
use crate::record::{COLUMNS, Payment, State};
use crate::secret;

/// Why an expired payment failed.
const EXPIRED: &str = "expired";

/// What became of a `create`.
pub(crate) enum Created {
    /// The payment as it stands, and the callbacks to be sent before the answer.
    Stands(Box<Payment>, Vec<i64>),
    /// The key was used with another amount or currency.
    OtherAmount,
}

/// What a buyer may decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Pay,
    Decline,
}

/// What became of a buyer's decision.
pub(crate) enum Decided {
    /// It was decided so, now or before.
    So(Payment),
    /// It stands otherwise, and stays so.
    Otherwise(Payment),
    NoPayment,
}

impl Desk<'_> {
    /// A payment as it stands now.
    pub(crate) fn payment(&self, key: &str) -> rusqlite::Result<Option<Payment>> {
        let stored = self
            .rows
            .prepare_cached(&format!("SELECT {COLUMNS} FROM payment WHERE payment = ?1"))?
            .query_row([key], Payment::from_row)
            .optional()?;
        stored.map(|payment| self.judged(payment)).transpose()
    }

    /// The payment, failed if its instant has passed.
    pub(crate) fn judged(&self, payment: Payment) -> rusqlite::Result<Payment> {
        let expired = payment.terms.as_ref().is_some_and(|terms| terms.expires_ms <= self.now_ms);
        if payment.state != State::Pending || !expired {
            return Ok(payment);
        }
        self.fail(payment, EXPIRED)
    }

    /// Creates a payment, or tells how it stands.
    pub(crate) fn create(&self, call: &Create) -> rusqlite::Result<Created> {
        match self.payment(&call.payment)? {
            None => {
                self.insert(&call.payment, State::Pending)?;
                self.set_terms(call)?;
                self.created(&call.payment)
            }
            Some(payment) => match &payment.terms {
                // Closed before it was created, and closed it stays: that is what the tombstone is for.
                None => {
                    self.set_terms(call)?;
                    Ok(Created::Stands(Box::new(payment), Vec::new()))
                }
                Some(terms) if terms.amount != call.amount || terms.currency != call.currency => {
                    Ok(Created::OtherAmount)
                }
                Some(_) => Ok(Created::Stands(Box::new(payment), Vec::new())),
            },
        }
    }

    fn created(&self, key: &str) -> rusqlite::Result<Created> {
        let mut payment = self.payment(key)?.expect("it was written in this transaction");
        let mut letters = Vec::new();
        let early = self.strikes(Switch::EarlyCallback)?;
        if payment.state == State::Pending && self.strikes(Switch::InstantCapture)? {
            (payment, letters) = self.capture(payment)?;
        } else if early {
            letters = self.announce(&payment)?;
        }
        Ok(Created::Stands(Box::new(payment), if early { letters } else { Vec::new() }))
    }

    /// Closes a payment, whether it is known or not. One that was captured stays captured, one that failed failed.
    pub(crate) fn close(&self, key: &str) -> rusqlite::Result<Payment> {
        match self.payment(key)? {
            None => self.insert(key, State::Closed)?,
            Some(payment) if payment.state == State::Pending => {
                self.set_state(&payment, State::Closed)?;
            }
            Some(payment) => return Ok(payment),
        }
        Ok(self.payment(key)?.expect("it was written in this transaction"))
    }

    /// The buyer decides.
    pub(crate) fn decide(&self, key: &str, decision: Decision) -> rusqlite::Result<Decided> {
        match decision {
            Decision::Pay => self.pay(key),
            Decision::Decline => self.decline(key),
        }
    }

    fn pay(&self, key: &str) -> rusqlite::Result<Decided> {
        let Some(payment) = self.payment(key)? else { return Ok(Decided::NoPayment) };
        let payable = match (payment.state, &payment.terms) {
            (State::Captured, _) => return Ok(Decided::So(payment)),
            (_, None) => false,
            (State::Pending, Some(_)) => true,
            (State::Failed | State::Closed, Some(_)) => self.strikes(Switch::PayAfterClose)?,
        };
        if payable { Ok(Decided::So(self.capture(payment)?.0)) } else { Ok(Decided::Otherwise(payment)) }
    }

    fn decline(&self, key: &str) -> rusqlite::Result<Decided> {
        match self.payment(key)? {
            None => Ok(Decided::NoPayment),
            Some(payment) => match payment.state {
                State::Pending => Ok(Decided::So(self.fail(payment, "declined by the buyer")?)),
                State::Failed => Ok(Decided::So(payment)),
                State::Captured | State::Closed => Ok(Decided::Otherwise(payment)),
            },
        }
    }

    fn capture(&self, mut payment: Payment) -> rusqlite::Result<(Payment, Vec<i64>)> {
        let asked = payment.terms.as_ref().map(|terms| terms.amount).unwrap_or_default();
        let other = self.strikes(Switch::CaptureOther)?;
        payment.captured = if other { other_amount(asked) } else { asked };
        payment.state = State::Captured;
        self.rows
            .prepare_cached("UPDATE payment SET state = 'captured', captured = ?2, reason = NULL WHERE payment = ?1")?
            .execute(params![payment.key, payment.captured])?;
        let letters = self.announce(&payment)?;
        Ok((payment, letters))
    }

    fn fail(&self, mut payment: Payment, reason: &str) -> rusqlite::Result<Payment> {
        payment.state = State::Failed;
        payment.reason = Some(reason.to_owned());
        self.set_state(&payment, State::Failed)?;
        self.announce(&payment)?;
        Ok(payment)
    }

    /// Writes the callbacks that say how a payment stands.
    fn announce(&self, payment: &Payment) -> rusqlite::Result<Vec<i64>> {
        let Some(terms) = &payment.terms else { return Ok(Vec::new()) };
        let about = |words: Value| Word::new(("payment", &payment.key), &terms.notify_url, words);
        let word = about(payment.words(self.base_url));
        if payment.state != State::Captured {
            return self.tell(&word);
        }
        let lie = json!(other_amount(payment.captured));
        let word = if self.strikes(Switch::WrongAmount)? { word.with("amount", lie) } else { word };
        let mut letters = self.tell(&word)?;
        if self.strikes(Switch::StaleCallback)? {
            letters.extend(self.tell_afterwards(&about(payment.words_as(State::Pending, self.base_url)))?);
        }
        Ok(letters)
    }

    fn insert(&self, key: &str, state: State) -> rusqlite::Result<()> {
        self.rows
            .prepare_cached("INSERT INTO payment (payment, state, reference, token) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![key, state.as_str(), format!("SB{}", secret::token()), secret::token()])?;
        Ok(())
    }

    fn set_terms(&self, call: &Create) -> rusqlite::Result<()> {
        self.rows
            .prepare_cached(
                "UPDATE payment SET amount = ?2, currency = ?3, expires_ms = ?4, description = ?5, notify_url = ?6, \
                 return_url = ?7, method = ?8 WHERE payment = ?1",
            )?
            .execute(params![
                call.payment,
                call.amount,
                call.currency,
                call.expires_ms,
                call.description,
                call.notify_url,
                call.return_url,
                call.method
            ])?;
        Ok(())
    }

    fn set_state(&self, payment: &Payment, state: State) -> rusqlite::Result<()> {
        self.rows.prepare_cached("UPDATE payment SET state = ?2, reason = ?3 WHERE payment = ?1")?.execute(params![
            payment.key,
            state.as_str(),
            payment.reason
        ])?;
        Ok(())
    }
}

/// An amount that is not the one asked for, and is money all the same.
fn other_amount(amount: i64) -> i64 {
    if amount > 1 { amount - 1 } else { amount + 1 }
}
