//! Callbacks of providers: verified on the raw body, stored, answered, and only then acted on.
//!
//! Acting is the same path as for a provider's answer. A callback about a payment that is not known here is an orphan: it
//! is looked for again, and when it stays unknown its money goes back.

use holdline_domain::fault::Fault;
use holdline_domain::id::{Fingerprint, TenantId, TenantName};
use holdline_domain::payment::{
    AttemptFlag, AttemptId, Callback, CallbackState, Heard, ProviderAccount, ProviderName, Refund,
};
use holdline_domain::port::{
    CallbackAnswer, CallbackRefused, CallbackWord, ProviderWord, RawCallback, RefundOrder, RefundWord,
};
use holdline_domain::refusal::Refusal;
use holdline_domain::time::UnixMillis;

use crate::App;
use crate::backoff::Backoff;
use crate::error::Error;

/// How soon a stored callback is looked for by the follow-up, in milliseconds: whoever took it acts on it at once.
const LOOK_AFTER_MS: i64 = 5_000;
/// The pauses between looks for an orphan: ten of them within an hour.
const ORPHAN: Backoff = Backoff { first_ms: 5_000, longest_ms: 3_600_000 };
/// How often an orphan is looked for before its money goes back.
const ORPHAN_TRIES: i32 = 10;

impl App {
    /// Takes a callback. What is answered is what the provider expects.
    pub async fn take_callback(
        &self,
        tenant: &TenantName,
        provider: &ProviderName,
        raw: RawCallback,
    ) -> Result<CallbackAnswer, Error> {
        let account = match self.inner.keyring.tenant_named(tenant) {
            Some(tenant) => self.provider_account(tenant.id, provider).await?,
            None => None,
        };
        let account = account.ok_or_else(|| Refusal::not_found("payment_provider"))?;
        let now = self.inner.ports.clock.wall();
        let providers = &self.inner.ports.providers;
        let verified = match providers.verify(&account, &raw, now.0 / 1_000) {
            Ok(verified) => verified,
            Err(refused) => {
                let why = match refused {
                    CallbackRefused::Signature(_) => "signature",
                    CallbackRefused::Malformed(_) => "malformed",
                };
                metrics::counter!("holdline_callbacks_refused_total", "why" => why).increment(1);
                return Ok(providers.answer(&account, Some(&refused)));
            }
        };
        let callback = Callback {
            tenant: account.tenant,
            provider: account.name.clone(),
            event_id: verified.event_id,
            received: now,
            headers: raw.headers,
            body: raw.body,
            state: CallbackState::New,
            note: None,
            tries: 0,
            next_try: Some(now.plus_ms(LOOK_AFTER_MS)),
        };
        if self.inner.ports.life.keep_callback(&callback).await? {
            let app = self.clone();
            self.inner.tasks.run_request(async move {
                if let Err(fault) = app.act_on(callback).await {
                    tracing::warn!(%fault, "a callback could not be acted on and is tried again");
                }
            });
        }
        Ok(providers.answer(&account, None))
    }

    /// Acts on a stored callback, and notes what became of it.
    pub(super) async fn act_on(&self, mut callback: Callback) -> Result<(), Fault> {
        let Some(account) = self.provider_account(callback.tenant, &callback.provider).await? else {
            return self.try_again(callback, "its provider is not set up any more").await;
        };
        let raw = RawCallback { headers: callback.headers.clone(), body: callback.body.clone() };
        // By the clock of its arrival: it was not too old then.
        let verified = self.inner.ports.providers.verify(&account, &raw, callback.received.0 / 1_000);
        let word = match verified {
            Ok(verified) => verified.word,
            Err(refused) => return self.try_again(callback, &refused.to_string()).await,
        };
        callback.tries += 1;
        match word {
            CallbackWord::Payment { payment, word } => self.act_on_payment(&account, callback, &payment, &word).await,
            CallbackWord::Refund { key, word } => {
                if let Some((attempt, n)) = Refund::parse_key(&key) {
                    self.hear_refund(callback.tenant, &attempt, n, &word).await?;
                }
                self.note(callback, CallbackState::Done, None).await
            }
            CallbackWord::Other => self.note(callback, CallbackState::Done, None).await,
        }
    }

    async fn act_on_payment(
        &self,
        account: &ProviderAccount,
        callback: Callback,
        payment: &str,
        word: &ProviderWord,
    ) -> Result<(), Fault> {
        let attempt = match AttemptId::try_new(payment) {
            // It was heard. The provider is being asked since, and its books end the doubt.
            Ok(id) if callback.state == CallbackState::Flagged => {
                self.inner.ports.life.attempt(callback.tenant, &id).await?
            }
            Ok(id) => self.hear(callback.tenant, &id, word, Heard::Told).await?,
            Err(_) => None,
        };
        match (attempt, word) {
            (Some(attempt), ProviderWord::Captured { amount, currency, .. })
                if attempt.flag == Some(AttemptFlag::AmountDiffers)
                    && (*amount, *currency) != (attempt.amount, attempt.currency) =>
            {
                let note = format!("it speaks of {} {currency}, owed are {}", amount.0, attempt.amount.0);
                if attempt.next_look.is_none() {
                    return self.note(callback, CallbackState::Done, Some(note)).await;
                }
                self.postpone(Callback { state: CallbackState::Flagged, ..callback }, &note).await
            }
            (Some(_), _) => self.note(callback, CallbackState::Done, None).await,
            (None, ProviderWord::Captured { amount, currency, .. }) => {
                tracing::warn!(amount = amount.0, %currency, tries = callback.tries, "money came for no payment known here");
                self.look_for_order(account, callback, payment).await
            }
            (None, _) => self.note(callback, CallbackState::Done, Some("about no payment known here".to_owned())).await,
        }
    }

    /// Money without an order: looked for again, in the end given back.
    async fn look_for_order(&self, account: &ProviderAccount, callback: Callback, payment: &str) -> Result<(), Fault> {
        if callback.tries < ORPHAN_TRIES {
            metrics::counter!("holdline_orphan_payments_total").increment(u64::from(callback.tries == 1));
            return self.orphan(callback, "no payment of this key is known here yet").await;
        }
        // What goes back is what the provider's books say, not what the callback said.
        let (amount, currency) = match self.inner.ports.providers.query(account, payment).await {
            Ok(ProviderWord::Captured { amount, currency, .. }) => (amount, currency),
            Ok(_) => return self.orphan(callback, "its provider has captured nothing for it").await,
            Err(fault) => return self.orphan(callback, &format!("its provider cannot be asked: {fault}")).await,
        };
        // The key is made from the payment's: however often this is tried, one refund is made.
        let hash = Fingerprint::of(&[b"orphan", payment.as_bytes()]).0;
        let half = u128::from_be_bytes(*hash.first_chunk().expect("32 bytes have 16"));
        let order = RefundOrder {
            key: format!("ORPHAN-{half:032X}"),
            payment: payment.to_owned(),
            captured: amount,
            amount,
            currency,
            reason: "orphan_payment".to_owned(),
            notify_url: self.notify_url(account),
        };
        match self.inner.ports.providers.refund(account, &order).await {
            Ok(RefundWord::Succeeded { .. }) => {
                self.note(callback, CallbackState::Done, Some(format!("given back as {}", order.key))).await
            }
            Ok(RefundWord::Pending) => self.orphan(callback, "its refund is under way").await,
            Ok(RefundWord::Failed { reason }) => self.orphan(callback, &format!("its refund failed: {reason}")).await,
            Err(fault) => self.orphan(callback, &format!("its refund could not be sent: {fault}")).await,
        }
    }

    /// Somebody has looked at a callback that is not done and dealt with it by hand: it is done from now on, with who said
    /// so and why. One that is done already stays as it is.
    pub async fn settle_callback(
        &self,
        tenant: TenantId,
        provider: &ProviderName,
        event_id: &str,
        reason: &str,
        by: &str,
    ) -> Result<Callback, Error> {
        let life = &self.inner.ports.life;
        let find = || life.callback(tenant, provider, event_id);
        let found = find().await?.ok_or_else(|| Refusal::not_found("payment_callback"))?;
        if found.state != CallbackState::Done {
            tracing::info!(tenant = tenant.0, %provider, event_id, by, reason, "a callback is settled by hand");
            self.note(found, CallbackState::Done, Some(format!("settled by {by}: {reason}"))).await?;
        }
        // As it is stored: somebody else may have been faster.
        Ok(find().await?.ok_or_else(|| Refusal::not_found("payment_callback"))?)
    }

    async fn orphan(&self, callback: Callback, note: &str) -> Result<(), Fault> {
        let callback = Callback { state: CallbackState::Orphan, ..callback };
        self.postpone(callback, note).await
    }

    async fn try_again(&self, mut callback: Callback, note: &str) -> Result<(), Fault> {
        callback.tries += 1;
        self.postpone(callback, note).await
    }

    async fn postpone(&self, mut callback: Callback, note: &str) -> Result<(), Fault> {
        let pause = ORPHAN.after(callback.tries);
        callback.next_try = Some(self.inner.ports.clock.wall().plus_ms(pause));
        callback.note = Some(note.to_owned());
        self.inner.ports.life.note_callback(&callback).await
    }

    async fn note(&self, callback: Callback, state: CallbackState, note: Option<String>) -> Result<(), Fault> {
        let next_try: Option<UnixMillis> = None;
        self.inner.ports.life.note_callback(&Callback { state, note, next_try, ..callback }).await
    }
}
