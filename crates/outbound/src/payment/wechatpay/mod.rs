//! WeChat Pay, API v3, for merchants of their own in the mainland: the payment port on its JSON over HTTPS.
//!
//! | file | holds |
//! |---|---|
//! | `settings.rs` | an account's JSON, checked |
//! | `keys.rs` | signatures, the merchant's and the platform's |
//! | `exchange.rs` | one request, and what its answer is worth |
//! | `means.rs` | ways of paying, and what a storefront needs for each |
//! | `wire.rs` | the JSON, and what it says in the port's words |
//! | `callback.rs`, `resource.rs` | callbacks, and their encrypted part |
//!
//! Invariants: nothing is believed that is not signed by a key of the settings, save refusals that WeChat Pay does not
//! sign; a refusal of one request is never taken for the state of a payment or refund, for an earlier request with the
//! same key may have been carried out: after every refusal the payment or refund itself is asked for; the buyer cannot
//! pay after the deadline.
//!
//! Deliberately absent: partners (`sp_mchid`), combined orders, payment codes, profit sharing, bills, platform
//! certificates by download, abnormal refunds (somebody directs those in the merchant platform).

mod callback;
mod exchange;
mod keys;
mod means;
mod resource;
mod settings;
mod wire;

#[cfg(test)]
mod keys_tests;
#[cfg(test)]
mod wire_tests;

use holdline_domain::fault::{Fault, FaultKind};
use holdline_domain::money::Currency;
use holdline_domain::port::{PaymentOrder, ProviderWord, RefundOrder, RefundWord};
use reqwest::{Method, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::exchange::{Answer, DEPENDENCY, Exchange, at_most, nonce, now_s};
use self::means::{Means, Opened};
use crate::guard::Networks;

pub(super) use self::callback::{answer, verify};
pub(super) use self::settings::Settings;

const TRANSACTIONS: [&str; 3] = ["v3", "pay", "transactions"];
const BY_TRADE_NO: [&str; 4] = ["v3", "pay", "transactions", "out-trade-no"];
const REFUNDS: [&str; 4] = ["v3", "refund", "domestic", "refunds"];

/// WeChat Pay lets a buyer pay for a minute after it created an order, even where `time_expire` is earlier. An order is
/// therefore not created in the last minute, nor in the 10 s before it that a request may take.
const CREATE_BEFORE_DEADLINE_MS: i64 = 60_000 + 10_000;

/// Speaks to WeChat Pay.
#[derive(Debug)]
pub(super) struct WechatPay {
    exchange: Exchange,
}

impl WechatPay {
    /// One for all accounts: it may ask the public internet and `networks`.
    pub(super) fn try_new(networks: Networks) -> Result<Self, String> {
        Ok(Self { exchange: Exchange::try_new(networks)? })
    }

    /// Why settings cannot be used.
    pub(super) fn objection(&self, settings: &str) -> Option<String> {
        match Settings::try_new(settings) {
            Ok(settings) => self.exchange.objection(&settings.base_url),
            Err(objection) => Some(objection),
        }
    }

    /// Creates an order. The same once more is answered alike by WeChat Pay, for as long as it waits for the buyer.
    pub(super) async fn create(&self, settings: &Settings, order: &PaymentOrder) -> Result<ProviderWord, Fault> {
        let failed = |reason: String| Ok(ProviderWord::Failed { reason });
        let key = order.attempt.to_string();
        // None of this depends on settings or clock: whenever it was asked for, it was never sent.
        if let Some(reason) = objection_to_sum(order.currency, order.amount.0) {
            return failed(reason);
        }
        let Some(time_expire) = wire::time_expire(order.deadline) else {
            return failed("its deadline is no date".to_owned());
        };
        let means = match Means::try_new(order.method.as_deref(), settings.trade_type) {
            Ok(means) => means,
            Err(reason) => return self.unless_known(settings, &key, reason).await,
        };
        let left_ms = order.deadline.0 - now_s() * 1_000;
        if left_ms < CREATE_BEFORE_DEADLINE_MS {
            let reason = format!("{} s are left, and WeChat Pay lets the buyer pay for 60 s at least", left_ms / 1_000);
            return self.unless_known(settings, &key, reason).await;
        }
        let body = wire::Create {
            appid: &settings.appid,
            mchid: &settings.mchid,
            description: at_most(&order.description, wire::DESCRIPTION_BYTES_MAX),
            out_trade_no: &key,
            time_expire,
            notify_url: &order.notify_url,
            amount: wire::Total { total: order.amount.0, currency: wire::CURRENCY },
            scene: means.scene(),
        };
        let url = url(settings, TRANSACTIONS.into_iter().chain([means.path()]));
        match self.post(settings, url, &body).await? {
            Answer::Done(body) => {
                let opened: Opened = parse(&body)?;
                let pay = means.pay(settings, opened, order.return_url.as_deref(), (now_s(), &nonce()));
                let pay = pay.ok_or_else(|| unreadable("it does not say how to pay"))?;
                Ok(ProviderWord::Pending { pay: Some(pay), reference: None })
            }
            Answer::Refused(refused) => self.unless_known(settings, &key, refused.reason()).await,
        }
    }

    /// Asks how a payment stands.
    pub(super) async fn query(&self, settings: &Settings, payment: &str) -> Result<ProviderWord, Fault> {
        if !wire::is_trade_no(payment) {
            return Ok(ProviderWord::Unknown);
        }
        let mut url = url(settings, BY_TRADE_NO.into_iter().chain([payment]));
        url.query_pairs_mut().append_pair("mchid", &settings.mchid);
        match self.get(settings, url).await? {
            Answer::Done(body) => {
                let transaction: wire::Transaction = parse(&body)?;
                if transaction.mchid != settings.mchid || transaction.out_trade_no != payment {
                    return Err(unreadable("it speaks of another payment"));
                }
                transaction.word().map_err(|why| unreadable(&why))
            }
            Answer::Refused(refused) if refused.is_not_found() => Ok(ProviderWord::Unknown),
            Answer::Refused(refused) => Err(refused.into_fault()),
        }
    }

    /// Closes a payment.
    ///
    /// The answer is what a query says afterwards, whatever closing was answered: WeChat Pay answers 204 also for a
    /// number that it does not know and for one that is closed, and refuses what is paid or being paid.
    ///
    /// [`ProviderWord::Unknown`] is no proof that nobody can pay: a `create` still on its way would make an order that is
    /// open for the rest of its time or, past its deadline, for a minute. What WeChat Pay does not know has no end there.
    /// It has one for whoever holds the attempt: nobody can pay without what `create` answered, so that an attempt whose
    /// answer was never shown, and will not be any more, is one that nobody can pay.
    pub(super) async fn close(&self, settings: &Settings, payment: &str) -> Result<ProviderWord, Fault> {
        if wire::is_trade_no(payment) {
            let url = url(settings, BY_TRADE_NO.into_iter().chain([payment, "close"]));
            self.post(settings, url, &wire::Close { mchid: &settings.mchid }).await?;
        }
        self.query(settings, payment).await
    }

    /// Gives money back, or tells how an earlier request with the same key stands.
    pub(super) async fn refund(&self, settings: &Settings, order: &RefundOrder) -> Result<RefundWord, Fault> {
        let failed = |reason: &str| Ok(RefundWord::Failed { reason: reason.to_owned() });
        if let Some(reason) = objection_to_sum(order.currency, order.amount.0) {
            return failed(&reason);
        }
        if !wire::is_refund_no(&order.key) {
            return failed("its key must be letters, digits and _-|*@, at most 64");
        }
        let body = wire::CreateRefund {
            out_trade_no: &order.payment,
            out_refund_no: &order.key,
            reason: at_most(&order.reason, wire::REASON_BYTES_MAX),
            notify_url: &order.notify_url,
            amount: wire::RefundTotal { refund: order.amount.0, total: order.captured.0, currency: wire::CURRENCY },
        };
        match self.post(settings, url(settings, REFUNDS), &body).await? {
            Answer::Done(body) => {
                let asked: wire::RefundAnswer = parse(&body)?;
                match asked.word(&order.key).map_err(|why| unreadable(&why))? {
                    // The answer only tells that it was accepted; how it stands is another question, and accepted it
                    // is even where that one is not answered.
                    RefundWord::Pending => {
                        let known = self.known_refund(settings, &order.key).await.ok().flatten();
                        Ok(known.unwrap_or(RefundWord::Pending))
                    }
                    settled => Ok(settled),
                }
            }
            Answer::Refused(refused) => {
                let known = self.known_refund(settings, &order.key).await?;
                Ok(known.unwrap_or_else(|| RefundWord::Failed { reason: refused.reason() }))
            }
        }
    }

    /// How a payment stands that was refused just now, which failed only if it is not known at all.
    async fn unless_known(&self, settings: &Settings, payment: &str, reason: String) -> Result<ProviderWord, Fault> {
        match self.query(settings, payment).await? {
            ProviderWord::Unknown => Ok(ProviderWord::Failed { reason }),
            known => Ok(known),
        }
    }

    /// How a refund stands, if it is known.
    async fn known_refund(&self, settings: &Settings, key: &str) -> Result<Option<RefundWord>, Fault> {
        match self.get(settings, url(settings, REFUNDS.into_iter().chain([key]))).await? {
            Answer::Done(body) => {
                let refund: wire::RefundAnswer = parse(&body)?;
                refund.word(key).map(Some).map_err(|why| unreadable(&why))
            }
            Answer::Refused(refused) if refused.is_not_found() => Ok(None),
            Answer::Refused(refused) => Err(refused.into_fault()),
        }
    }

    async fn get(&self, settings: &Settings, url: Url) -> Result<Answer, Fault> {
        self.exchange.ask(settings, Method::GET, url, String::new()).await
    }

    async fn post(&self, settings: &Settings, url: Url, body: &impl Serialize) -> Result<Answer, Fault> {
        let body = serde_json::to_string(body).expect("a request is plain JSON");
        self.exchange.ask(settings, Method::POST, url, body).await
    }
}

/// An address, its parts encoded.
fn url<'a>(settings: &Settings, path: impl IntoIterator<Item = &'a str>) -> Url {
    let mut url = settings.base_url.clone();
    url.path_segments_mut().expect("an http(s) URL has a path").clear().extend(path);
    url
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(|_| unreadable("its answer is not the JSON asked for"))
}

/// An answer that holds and cannot be understood: nothing is known.
fn unreadable(why: &str) -> Fault {
    Fault::unknown(DEPENDENCY, FaultKind::Rejected, why)
}

fn objection_to_sum(currency: Currency, amount: i64) -> Option<String> {
    if currency.as_str() != wire::CURRENCY {
        return Some(format!("WeChat Pay takes {} only, not {currency}", wire::CURRENCY));
    }
    (amount < 1).then(|| "the least amount is 1 fen".to_owned())
}
