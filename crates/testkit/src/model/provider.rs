//! A payment center over maps: keeps every promise of the port, and is as slow, forgetful and confused as it is told to be.
//!
//! What it has captured and given back is its book, which a judge holds the orders' rows against.

mod book;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use holdline_domain::fault::{Fault, FaultKind};
use holdline_domain::money::{Currency, Minor};
use holdline_domain::payment::ProviderAccount;
use holdline_domain::port::{
    CallbackAnswer, CallbackRefused, CallbackWord, PaymentOrder, PaymentProvider, ProviderWord, RawCallback,
    RefundOrder, RefundWord, VerifiedCallback,
};
use parking_lot::Mutex;
use tokio::time::Instant;

pub use self::book::{Mischief, ModelBook, ModelPayment, ModelState};
use crate::dice::Dice;
use crate::history::{History, Seen};

/// The header that stands for a signature.
const SIGNATURE: &str = "model-signature";

/// The center.
pub struct ModelProvider {
    /// Locked for one act, never across an await.
    book: Mutex<ModelBook>,
    mischief: Mischief,
    dice: Dice,
    history: Arc<History>,
    /// Until when it is away.
    closed_until: Mutex<Option<Instant>>,
    quiet: AtomicBool,
}

impl ModelProvider {
    /// A center that always does what it is asked and says so.
    pub fn calm() -> Self {
        Self::new(Mischief::default(), Dice::new(0), &Arc::default())
    }

    /// A center with these habits.
    pub fn new(mischief: Mischief, dice: Dice, history: &Arc<History>) -> Self {
        Self {
            book: Mutex::default(),
            mischief,
            dice,
            history: Arc::clone(history),
            closed_until: Mutex::default(),
            quiet: AtomicBool::new(false),
        }
    }

    /// Ends its misbehaviour: from now on it does what it is asked and says so.
    pub fn behave(&self) {
        self.quiet.store(true, Ordering::Relaxed);
        *self.closed_until.lock() = None;
    }

    /// The newest payment that waits for a buyer under one of these prefixes of keys.
    pub fn waiting(&self, prefixes: &[String]) -> Option<String> {
        let book = self.book.lock();
        let waits = |(key, found): &(&String, &ModelPayment)| {
            found.state == ModelState::Pending && prefixes.iter().any(|prefix| key.starts_with(prefix.as_str()))
        };
        book.payments.iter().filter(waits).map(|(key, _)| key.clone()).next_back()
    }

    /// What it knows now.
    pub fn book(&self) -> ModelBook {
        self.book.lock().clone()
    }

    /// The buyer pays `amount` (a confused center captures another than was asked for), or too late: a payment that is
    /// closed or failed is captured only if `late`. The callback that says so; `None` if nothing was captured.
    pub fn pay(&self, payment: &str, amount: Option<Minor>, late: bool) -> Option<RawCallback> {
        let mut book = self.book.lock();
        let found = book.payments.get_mut(payment)?;
        let may = found.state == ModelState::Pending || (late && found.state != ModelState::Captured);
        // What was closed before it came has no sum that anybody could pay.
        if !may || found.amount == Minor::ZERO {
            return None;
        }
        found.state = ModelState::Captured;
        found.captured = amount.unwrap_or(found.amount);
        Some(callback(&mut book, payment))
    }

    /// Money comes for a key that nobody here asked for. The callback that says so.
    pub fn pay_unknown(&self, payment: &str, amount: Minor) -> RawCallback {
        let mut book = self.book.lock();
        let currency = Currency::try_new("CNY").expect("three letters");
        let captured = ModelPayment { amount, currency, state: ModelState::Captured, captured: amount };
        book.payments.insert(payment.to_owned(), captured);
        callback(&mut book, payment)
    }

    /// The buyer gives up. The callback that says so.
    pub fn decline(&self, payment: &str) -> Option<RawCallback> {
        let mut book = self.book.lock();
        let found = book.payments.get_mut(payment).filter(|found| found.state == ModelState::Pending)?;
        found.state = ModelState::Failed;
        Some(callback(&mut book, payment))
    }

    /// The center thinks, and perhaps says nothing at all. True: its answer will be lost.
    async fn think(&self) -> Result<bool, Fault> {
        self.dawdle().await;
        if self.quiet.load(Ordering::Relaxed) {
            return Ok(false);
        }
        if self.dice.chance(self.mischief.closes) {
            *self.closed_until.lock() = Some(Instant::now() + Duration::from_millis(self.mischief.closed_ms));
        }
        if self.closed_until.lock().is_some_and(|until| Instant::now() < until) {
            self.history.saw(Seen::ProviderDown);
            return Err(Fault::not_done("payment provider", FaultKind::Unavailable, "it is closed"));
        }
        if self.dice.chance(self.mischief.silent) {
            return Err(silent());
        }
        Ok(self.dice.chance(self.mischief.answer_lost))
    }

    async fn dawdle(&self) {
        if self.mischief.slow_ms > 0 {
            tokio::time::sleep(Duration::from_millis(self.dice.ms(1, self.mischief.slow_ms))).await;
        }
    }

    /// Answers, a while after it acted: callbacks may be faster.
    async fn answered<T: Send>(&self, lost: bool, word: T) -> Result<T, Fault> {
        self.dawdle().await;
        if lost { Err(silent()) } else { Ok(word) }
    }

    fn closed(&self, payment: &str) -> ProviderWord {
        let mut book = self.book.lock();
        let currency = Currency::try_new("CNY").expect("three letters");
        // A tombstone: what is created later under this key is closed.
        let nothing = ModelPayment { amount: Minor::ZERO, currency, state: ModelState::Closed, captured: Minor::ZERO };
        let found = book.payments.entry(payment.to_owned()).or_insert(nothing);
        if found.state == ModelState::Pending {
            found.state = ModelState::Closed;
        }
        word(Some(found))
    }

    fn refunded(&self, order: &RefundOrder, fails: bool) -> RefundWord {
        let mut book = self.book.lock();
        let captured = book.payments.get(&order.payment).map_or(0, |found| found.captured.0);
        let others: i64 = book
            .refunds
            .iter()
            .filter(|(key, (payment, _, _))| **key != order.key && *payment == order.payment)
            .map(|(_, (_, amount, _))| amount.0)
            .sum();
        if captured - others < order.amount.0 {
            return RefundWord::Failed { reason: "more than was captured".to_owned() };
        }
        let found = book.refunds.entry(order.key.clone());
        let (_, _, succeeded) = found.or_insert((order.payment.clone(), order.amount, false));
        *succeeded |= !fails;
        if *succeeded {
            RefundWord::Succeeded { reference: None }
        } else {
            RefundWord::Failed { reason: "not now".to_owned() }
        }
    }

    fn note(&self, what: &str, key: &str, said: &impl std::fmt::Debug) {
        self.history.note(0, format_args!("center {what} {key}: {said:?}"));
    }
}

fn silent() -> Fault {
    Fault::unknown("payment provider", FaultKind::Unavailable, "it does not answer")
}

fn callback(book: &mut ModelBook, payment: &str) -> RawCallback {
    book.events += 1;
    let found = &book.payments[payment];
    let state = match found.state {
        ModelState::Pending => "pending",
        ModelState::Captured => "captured",
        ModelState::Failed => "failed",
        ModelState::Closed => "closed",
    };
    let body = format!("{} {payment} {state} {} {}", book.events, found.captured.0, found.currency);
    RawCallback { headers: vec![(SIGNATURE.to_owned(), "ok".to_owned())], body: body.into_bytes() }
}

fn word(found: Option<&ModelPayment>) -> ProviderWord {
    let Some(found) = found else { return ProviderWord::Unknown };
    match found.state {
        ModelState::Pending => ProviderWord::Pending { pay: Some(r#"{"url":"model"}"#.to_owned()), reference: None },
        ModelState::Captured => {
            ProviderWord::Captured { amount: found.captured, currency: found.currency, reference: None }
        }
        ModelState::Failed => ProviderWord::Failed { reason: "the buyer gave up".to_owned() },
        ModelState::Closed => ProviderWord::Closed,
    }
}

#[async_trait]
impl PaymentProvider for ModelProvider {
    fn objection(&self, _: &ProviderAccount) -> Option<String> {
        None
    }

    async fn create(&self, _: &ProviderAccount, order: &PaymentOrder) -> Result<ProviderWord, Fault> {
        let lost = self.think().await?;
        let draft = ModelPayment {
            amount: order.amount,
            currency: order.currency,
            state: ModelState::Pending,
            captured: Minor::ZERO,
        };
        let key = order.attempt.to_string();
        let word = word(Some(self.book.lock().payments.entry(key.clone()).or_insert(draft)));
        self.note("creates", &key, &word);
        self.answered(lost, word).await
    }

    async fn query(&self, _: &ProviderAccount, payment: &str) -> Result<ProviderWord, Fault> {
        let lost = self.think().await?;
        let word = word(self.book.lock().payments.get(payment));
        self.note("is asked for", payment, &word);
        self.answered(lost, word).await
    }

    async fn close(&self, _: &ProviderAccount, payment: &str) -> Result<ProviderWord, Fault> {
        let lost = self.think().await?;
        let word = self.closed(payment);
        self.note("closes", payment, &word);
        self.answered(lost, word).await
    }

    async fn refund(&self, _: &ProviderAccount, order: &RefundOrder) -> Result<RefundWord, Fault> {
        let lost = self.think().await?;
        let fails = !self.quiet.load(Ordering::Relaxed) && self.dice.chance(self.mischief.refund_fails);
        let word = self.refunded(order, fails);
        self.note("refunds", &order.key, &word);
        self.answered(lost, word).await
    }

    fn verify(&self, _: &ProviderAccount, raw: &RawCallback, _now_s: i64) -> Result<VerifiedCallback, CallbackRefused> {
        if raw.header(SIGNATURE) != Some("ok") {
            return Err(CallbackRefused::Signature("it is not the model's".to_owned()));
        }
        let malformed = || CallbackRefused::Malformed("it is not the model's".to_owned());
        let text = std::str::from_utf8(&raw.body).map_err(|_| malformed())?;
        let parts: Vec<&str> = text.split(' ').collect();
        let [event, payment, state, amount, currency] = parts[..] else { return Err(malformed()) };
        let (amount, currency) = (amount.parse().map(Minor), Currency::try_new(currency));
        let word = match (state, amount, currency) {
            ("captured", Ok(amount), Ok(currency)) => ProviderWord::Captured { amount, currency, reference: None },
            ("failed", Ok(_), Ok(_)) => ProviderWord::Failed { reason: "the buyer gave up".to_owned() },
            ("closed", Ok(_), Ok(_)) => ProviderWord::Closed,
            ("pending", Ok(_), Ok(_)) => ProviderWord::Pending { pay: None, reference: None },
            _ => return Err(malformed()),
        };
        let word = CallbackWord::Payment { payment: payment.to_owned(), word };
        Ok(VerifiedCallback { event_id: event.to_owned(), word })
    }

    fn answer(&self, _: &ProviderAccount, refused: Option<&CallbackRefused>) -> CallbackAnswer {
        let status = match refused {
            None => 204,
            Some(CallbackRefused::Signature(_)) => 401,
            Some(CallbackRefused::Malformed(_)) => 400,
        };
        CallbackAnswer { status, body: String::new() }
    }
}
