//! The port to payment providers: create, query, close, refund, and what a callback says.
//!
//! Every call carries a key of ours and may be sent again: a provider answers the second one as the first. What a
//! provider says is a [`ProviderWord`], whichever way it came; `holdline_domain::payment::hear` decides what it does.

use async_trait::async_trait;

use crate::fault::{Fault, FaultKind};
use crate::money::{Currency, Minor};
use crate::payment::{AttemptId, ProviderAccount};
use crate::time::UnixMillis;

/// A payment to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentOrder {
    /// The key: creating it again is harmless.
    pub attempt: AttemptId,
    /// What is to be captured.
    pub amount: Minor,
    /// In what.
    pub currency: Currency,
    /// Until when the buyer may pay: the provider refuses later (H3).
    pub deadline: UnixMillis,
    /// What the buyer reads.
    pub description: String,
    /// Where the provider's callbacks go.
    pub notify_url: String,
    /// Where the buyer's browser goes afterwards; opaque to us.
    pub return_url: Option<String>,
    /// How the buyer wants to pay, in the provider's words.
    pub method: Option<String>,
}

/// A refund to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundOrder {
    /// The key: asking for it again is harmless, and tells how it stands.
    pub key: String,
    /// Of what.
    pub payment: String,
    /// How much was captured in all: some providers want to be told.
    pub captured: Minor,
    /// How much is to be given back.
    pub amount: Minor,
    /// In what.
    pub currency: Currency,
    /// Why, in words for the buyer.
    pub reason: String,
    /// Where the provider's callbacks go.
    pub notify_url: String,
}

/// What a provider says of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderWord {
    /// It waits for the buyer.
    Pending {
        /// What the storefront needs to let the buyer pay: JSON (a page's address, parameters of an app); absent where the
        /// provider says it only once.
        pay: Option<String>,
        /// The provider's own number of it.
        reference: Option<String>,
    },
    /// The money is there.
    Captured {
        /// How much.
        amount: Minor,
        /// In what.
        currency: Currency,
        /// The provider's own number of it.
        reference: Option<String>,
    },
    /// It will not be paid: refused, given up, expired.
    Failed {
        /// Why, in the provider's words.
        reason: String,
    },
    /// It is closed: nobody can pay it any more.
    Closed,
    /// The provider does not know it.
    Unknown,
}

/// What a provider says of a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundWord {
    /// It is under way.
    Pending,
    /// The money is back.
    Succeeded {
        /// The provider's own number of it.
        reference: Option<String>,
    },
    /// It will not happen, unless it is asked for again.
    Failed {
        /// Why, in the provider's words.
        reason: String,
    },
}

/// What a callback is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackWord {
    /// An attempt.
    Payment {
        /// Its key, as the provider has it; perhaps none of ours.
        payment: String,
        /// What is said.
        word: ProviderWord,
    },
    /// A refund.
    Refund {
        /// Its key, as the provider has it.
        key: String,
        /// What is said.
        word: RefundWord,
    },
    /// Nothing that matters here: acknowledged, and forgotten.
    Other,
}

/// A callback whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCallback {
    /// The provider's id of the event: the same event again has the same one.
    pub event_id: String,
    /// What it says.
    pub word: CallbackWord,
}

/// Why a callback is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackRefused {
    /// The signature is missing, wrong or too old.
    #[error("its signature does not hold: {0}")]
    Signature(String),
    /// It is signed, but it cannot be read.
    #[error("it cannot be read: {0}")]
    Malformed(String),
}

/// A callback as it arrived: nothing in it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawCallback {
    /// Its headers, names in lower case; those that are no text are left out.
    pub headers: Vec<(String, String)>,
    /// Its body, byte for byte: what is signed.
    pub body: Vec<u8>,
}

impl RawCallback {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
    }
}

/// The answer that a provider expects to its callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackAnswer {
    /// The HTTP status.
    pub status: u16,
    /// A JSON body; empty: none.
    pub body: String,
}

/// Speaks to providers. One for all kinds: the account says which.
#[async_trait]
pub trait PaymentProvider: Send + Sync + 'static {
    /// Why these settings cannot be used; `None` if they can. Judged before an account is stored.
    fn objection(&self, account: &ProviderAccount) -> Option<String>;

    /// Creates a payment. A fault means that nothing is known of it: it may exist. A provider that refuses it for good
    /// says [`ProviderWord::Failed`].
    async fn create(&self, account: &ProviderAccount, order: &PaymentOrder) -> Result<ProviderWord, Fault>;

    /// Asks how a payment stands. `payment`: its key.
    async fn query(&self, account: &ProviderAccount, payment: &str) -> Result<ProviderWord, Fault>;

    /// Closes a payment: [`ProviderWord::Closed`] only if nobody can pay it any more, [`ProviderWord::Captured`] if it was
    /// paid before.
    async fn close(&self, account: &ProviderAccount, payment: &str) -> Result<ProviderWord, Fault>;

    /// Gives money back, or tells how an earlier request with the same key stands.
    async fn refund(&self, account: &ProviderAccount, order: &RefundOrder) -> Result<RefundWord, Fault>;

    /// Verifies and reads a callback. `now_s`: this process's clock, in seconds since 1970.
    fn verify(
        &self,
        account: &ProviderAccount,
        raw: &RawCallback,
        now_s: i64,
    ) -> Result<VerifiedCallback, CallbackRefused>;

    /// What to answer to a callback once it is stored (or, refused, why not).
    fn answer(&self, account: &ProviderAccount, refused: Option<&CallbackRefused>) -> CallbackAnswer;
}

/// No provider can be reached: a program that takes no payments.
#[derive(Debug, Clone, Copy)]
pub struct NoProviders;

fn none<T>() -> Result<T, Fault> {
    Err(Fault::not_done("payment provider", FaultKind::Unavailable, "this program speaks to no provider"))
}

#[async_trait]
impl PaymentProvider for NoProviders {
    fn objection(&self, _: &ProviderAccount) -> Option<String> {
        Some("cannot be used: this program speaks to no provider".to_owned())
    }

    async fn create(&self, _: &ProviderAccount, _: &PaymentOrder) -> Result<ProviderWord, Fault> {
        none()
    }

    async fn query(&self, _: &ProviderAccount, _: &str) -> Result<ProviderWord, Fault> {
        none()
    }

    async fn close(&self, _: &ProviderAccount, _: &str) -> Result<ProviderWord, Fault> {
        none()
    }

    async fn refund(&self, _: &ProviderAccount, _: &RefundOrder) -> Result<RefundWord, Fault> {
        none()
    }

    fn verify(&self, _: &ProviderAccount, _: &RawCallback, _: i64) -> Result<VerifiedCallback, CallbackRefused> {
        Err(CallbackRefused::Signature("this program speaks to no provider".to_owned()))
    }

    fn answer(&self, _: &ProviderAccount, _: Option<&CallbackRefused>) -> CallbackAnswer {
        CallbackAnswer { status: 503, body: String::new() }
    }
}
