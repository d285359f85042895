//! The adapter of docs/guides/payment-center.md: five signed calls of a mall's own payment center.
//!
//! Invariant: only a 200 with JSON that can be read says anything. Everything else is a fault: nothing was done if no
//! connection was made, and nothing is known otherwise.

mod wire;

use std::time::Duration;

use holdline_domain::fault::{Fault, FaultKind};
use holdline_domain::payment::ProviderAccount;
use holdline_domain::port::{
    CallbackAnswer, CallbackRefused, PaymentOrder, ProviderWord, RawCallback, RefundOrder, RefundWord, VerifiedCallback,
};
use serde::Deserialize;

use crate::guard::Networks;
use crate::request::{Bounds, NoAnswer, Post, SignedClient};
use crate::signature::{SignedMessage, SigningKey};
pub(crate) use wire::callback_word;
use wire::{Call, object, payment_word, refund_word};

/// The name in logs.
const DEPENDENCY: &str = "payment center";
/// A center that asks a bank may take a while. An answer is a `pay` of at most 16 KiB, and room.
const BOUNDS: Bounds = Bounds { within: Duration::from_secs(10), answer_bytes_max: 64 * 1_024 };
/// The longest id of an event, in bytes: part of a key in the store.
const EVENT_ID_BYTES_MAX: usize = 128;

/// Speaks to payment centers.
#[derive(Debug)]
pub(super) struct HttpCenter {
    client: SignedClient,
}

/// An account's settings as they are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    url: String,
    secret: String,
    former_secret: Option<String>,
}

/// An account's settings.
struct Settings {
    url: String,
    /// The secret, and its predecessor while the center may still use it. Both sign, both are believed.
    keys: Vec<SigningKey>,
}

impl Settings {
    /// Reads settings. The words of a refusal have nothing of them in it: they hold secrets.
    fn try_new(json: &str) -> Result<Self, String> {
        let written: Written = object(json.as_bytes()).map_err(|_| {
            "must be an object of url, secret and perhaps former_secret, all of them texts, and nothing else".to_owned()
        })?;
        let key = |name: &str, text: &str| SigningKey::try_new(text).map_err(|why| format!("{name}: {why}"));
        let mut keys = vec![key("secret", &written.secret)?];
        if let Some(former) = &written.former_secret {
            keys.push(key("former_secret", former)?);
        }
        Ok(Self { url: written.url, keys })
    }
}

impl HttpCenter {
    pub(super) fn try_new(networks: Networks) -> Result<Self, String> {
        Ok(Self { client: SignedClient::try_new(networks, BOUNDS)? })
    }

    pub(super) fn objection(&self, account: &ProviderAccount) -> Option<String> {
        match Settings::try_new(&account.settings) {
            Ok(settings) => self.client.objection(&settings.url).map(|why| format!("url {why}")),
            Err(why) => Some(why),
        }
    }

    pub(super) async fn create(&self, account: &ProviderAccount, order: &PaymentOrder) -> Result<ProviderWord, Fault> {
        let call = Call::Create {
            payment: order.attempt.to_string(),
            amount: order.amount,
            currency: order.currency,
            expires_ms: order.deadline.0,
            description: &order.description,
            notify_url: &order.notify_url,
            return_url: order.return_url.as_deref(),
            method: order.method.as_deref(),
        };
        self.ask(account, &call, known_payment).await
    }

    pub(super) async fn query(&self, account: &ProviderAccount, payment: &str) -> Result<ProviderWord, Fault> {
        self.ask(account, &Call::Query { payment }, payment_word).await
    }

    pub(super) async fn close(&self, account: &ProviderAccount, payment: &str) -> Result<ProviderWord, Fault> {
        self.ask(account, &Call::Close { payment }, known_payment).await
    }

    pub(super) async fn refund(&self, account: &ProviderAccount, order: &RefundOrder) -> Result<RefundWord, Fault> {
        let call = Call::Refund {
            refund: &order.key,
            payment: &order.payment,
            captured: order.captured,
            amount: order.amount,
            currency: order.currency,
            reason: &order.reason,
            notify_url: &order.notify_url,
        };
        self.ask(account, &call, refund_word).await
    }

    async fn ask<T>(
        &self,
        account: &ProviderAccount,
        call: &Call<'_>,
        read: fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, Fault> {
        let not_done = |kind, why| Fault::not_done(DEPENDENCY, kind, why);
        let in_doubt =
            |kind, why| if call.writes() { Fault::unknown(DEPENDENCY, kind, why) } else { not_done(kind, why) };
        let settings = Settings::try_new(&account.settings)
            .map_err(|why| not_done(FaultKind::Rejected, format!("the settings of its account: {why}")))?;
        let id = uuid::Uuid::now_v7().to_string();
        let body = serde_json::to_vec(call).expect("a call is plain JSON");
        let post = Post { url: &settings.url, keys: &settings.keys, id: &id, body };
        match self.client.post(post).await {
            Ok(answer) if answer.status == 200 => {
                read(&answer.body).map_err(|why| in_doubt(FaultKind::Rejected, format!("its answer {why}")))
            }
            Ok(answer) => Err(in_doubt(kind_of(answer.status), format!("it answered {}", answer.status))),
            Err(NoAnswer::NotSent(why)) => Err(not_done(FaultKind::Unavailable, why)),
            Err(NoAnswer::Lost(why)) => Err(in_doubt(FaultKind::Unavailable, why)),
        }
    }
}

/// Verifies and reads a callback.
pub(super) fn verify(
    account: &ProviderAccount,
    raw: &RawCallback,
    now_s: i64,
) -> Result<VerifiedCallback, CallbackRefused> {
    let settings = Settings::try_new(&account.settings)
        .map_err(|why| CallbackRefused::Signature(format!("the settings of the account: {why}")))?;
    let header = |name| raw.header(name).ok_or_else(|| CallbackRefused::Signature(format!("{name} is missing")));
    let message = SignedMessage {
        id: header("webhook-id")?,
        timestamp: header("webhook-timestamp")?,
        signatures: header("webhook-signature")?,
        body: &raw.body,
    };
    message.verify(&settings.keys, now_s).map_err(|why| CallbackRefused::Signature(why.to_string()))?;
    let id = message.id;
    if !(1..=EVENT_ID_BYTES_MAX).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        let why = format!("webhook-id must be 1 to {EVENT_ID_BYTES_MAX} visible ASCII characters");
        return Err(CallbackRefused::Malformed(why));
    }
    let word = callback_word(&raw.body).map_err(|why| CallbackRefused::Malformed(format!("its body {why}")))?;
    Ok(VerifiedCallback { event_id: id.to_owned(), word })
}

/// What a center is answered to its callback.
pub(super) fn answer(refused: Option<&CallbackRefused>) -> CallbackAnswer {
    let (status, refused) = match refused {
        None => return CallbackAnswer { status: 204, body: String::new() },
        Some(refused @ CallbackRefused::Signature(_)) => (401, refused),
        Some(refused @ CallbackRefused::Malformed(_)) => (400, refused),
    };
    CallbackAnswer { status, body: serde_json::json!({ "error": refused.to_string() }).to_string() }
}

/// A payment that a center was asked to create or close. It must know it from then on: "unknown" would leave open whether
/// a late request still makes it.
fn known_payment(bytes: &[u8]) -> Result<ProviderWord, String> {
    match payment_word(bytes)? {
        ProviderWord::Unknown => Err("says unknown of what it was asked to create or to close".to_owned()),
        word => Ok(word),
    }
}

/// What a status other than 200 says of the next try.
fn kind_of(status: u16) -> FaultKind {
    match status {
        408 | 425 | 429 | 500.. => FaultKind::Unavailable,
        _ => FaultKind::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn settings_have_an_address_and_keys_and_nothing_else() {
        let read = |json: &str| Settings::try_new(json).map(|settings| settings.keys.len());
        assert_eq!(read(&format!(r#"{{"url":"https://x","secret":"{SECRET}"}}"#)), Ok(1));
        assert_eq!(read(&format!(r#"{{"url":"https://x","secret":"{SECRET}","former_secret":"{SECRET}"}}"#)), Ok(2));
        for json in [
            String::new(),
            r#"{"url":"https://x"}"#.to_owned(),
            format!(r#"{{"secret":"{SECRET}"}}"#),
            format!(r#"{{"url":"https://x","secret":"{SECRET}","secert":""}}"#),
            format!(r#"["https://x","{SECRET}",null]"#),
            r#"{"url":"https://x","secret":"hunter2"}"#.to_owned(),
            format!(r#"{{"url":"https://x","secret":"{SECRET}","former_secret":"hunter2"}}"#),
            r#"{"url":"https://x","secret":["hunter2"]}"#.to_owned(),
        ] {
            let why = read(&json).unwrap_err();
            assert!(!why.contains("hunter2") && !why.contains(SECRET), "{why}");
        }
    }

    #[test]
    fn a_center_that_is_asked_to_act_cannot_know_nothing_of_it() {
        assert!(known_payment(br#"{"state":"unknown"}"#).is_err());
        assert_eq!(known_payment(br#"{"state":"closed"}"#), Ok(ProviderWord::Closed));
    }

    #[test]
    fn a_status_says_whether_trying_again_may_help() {
        for status in [408, 425, 429, 500, 503, 599] {
            assert_eq!(kind_of(status), FaultKind::Unavailable, "{status}");
        }
        for status in [201, 204, 302, 400, 401, 404, 409] {
            assert_eq!(kind_of(status), FaultKind::Rejected, "{status}");
        }
    }
}
