//! One signed request to WeChat Pay, and what its answer is worth.
//!
//! | answer | worth |
//! |---|---|
//! | 200 or 204 whose signature holds | [`Answer::Done`] |
//! | 4xx with a code, unsigned or with a signature that holds | [`Answer::Refused`]: this request was not carried out |
//! | 401 | the request's own signature was refused: settings or clock; not carried out |
//! | 429, or a code that says "too often" | not carried out, ask later |
//! | 5xx, `SYSTEM_ERROR`, 202, redirects, a wrong signature, no JSON, silence | unknown |
//!
//! A success without a signature is forged, says WeChat Pay; a failure is signed only if the request's own signature was
//! understood, so that one without a signature is believed as far as TLS goes. "Not carried out" speaks of this request
//! alone: an earlier one with the same key may have been.
//!
//! Deliberately absent: retries, and the second host (`api2.mch.weixin.qq.com`), which `base_url` may name.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use holdline_domain::fault::{Fault, FaultKind};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, USER_AGENT};
use reqwest::{Client, Method, Response, StatusCode, Url, redirect};
use serde::Deserialize;

use super::keys::SignedRequest;
use super::settings::Settings;
use crate::guard::Networks;

/// How the operator knows this dependency.
pub(super) const DEPENDENCY: &str = "wechat pay";
/// An answer that has not come by then is not waited for. WeChat Pay asks banks: slower than a neighbour.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// A connection that is not there by then will not be: nothing was sent yet, so there is nothing to wait for.
const CONNECTED_WITHIN: Duration = Duration::from_secs(5);
/// The longest answer. A transaction with all its promotions has a few KiB.
const ANSWER_BYTES_MAX: usize = 64 * 1_024;
/// The longest code.
const CODE_BYTES_MAX: usize = 64;
/// The longest reason that is kept of a refusal, in bytes.
const REASON_BYTES_MAX: usize = 200;

/// Codes that say "too often" under another status than 429.
const TOO_OFTEN: [&str; 4] = ["FREQUENCY_LIMITED", "FREQUENCY_LIMIT_EXCEED", "RATELIMIT_EXCEEDED", "RULE_LIMIT"];
/// Codes that say "something broke here" under another status than 5xx.
const BROKEN: [&str; 3] = ["SYSTEM_ERROR", "SYSTEMERROR", "BANK_ERROR"];

/// A definite answer.
#[derive(Debug)]
pub(super) enum Answer {
    /// It was done; the body, empty for 204.
    Done(Vec<u8>),
    /// It was refused, and not done.
    Refused(Refused),
}

/// Why a request was refused, in WeChat Pay's words.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) code: String,
    message: String,
}

impl Refused {
    /// For the attempt or the refund: one line.
    pub(super) fn reason(&self) -> String {
        let reason = format!("{}: {}", self.code, self.message).replace(char::is_control, " ");
        at_most(&reason, REASON_BYTES_MAX).to_owned()
    }

    /// Whether it says that there is no such thing.
    pub(super) fn is_not_found(&self) -> bool {
        let codes = ["ORDER_NOT_EXIST", "ORDER_NOT_EXISTS", "RESOURCE_NOT_EXISTS"];
        self.status == StatusCode::NOT_FOUND && codes.contains(&self.code.as_str())
    }

    /// What is left to say where a refusal tells nothing of the thing that was asked for.
    pub(super) fn into_fault(self) -> Fault {
        Fault::unknown(DEPENDENCY, FaultKind::Rejected, format!("it answered {} {}", self.status.as_u16(), self.code))
    }
}

#[derive(Deserialize)]
struct Failure {
    code: String,
    #[serde(default)]
    message: String,
}

/// Asks WeChat Pay, and no private network; follows nothing, and waits for nobody long.
#[derive(Debug)]
pub(super) struct Exchange {
    client: Client,
    networks: Networks,
}

/// Seconds since 1970, by this process's clock.
pub(super) fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).expect("the clock is before the year 292 billion")
}

impl Exchange {
    pub(super) fn try_new(networks: Networks) -> Result<Self, String> {
        // A process has one provider; a second client finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(ANSWER_WITHIN)
            .connect_timeout(CONNECTED_WITHIN)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .dns_resolver(networks.resolver())
            .build()
            .map_err(|error| format!("no HTTP client can be made: {error}"))?;
        Ok(Self { client, networks })
    }

    /// Why an address cannot be asked.
    pub(super) fn objection(&self, base_url: &Url) -> Option<String> {
        self.networks.objection(base_url).map(|objection| format!("base_url {objection}"))
    }

    /// Sends one request and judges its answer. `body`: JSON, empty for none.
    pub(super) async fn ask(
        &self,
        settings: &Settings,
        method: Method,
        url: Url,
        body: String,
    ) -> Result<Answer, Fault> {
        // Judged again: the networks may have been narrowed since the account was stored.
        if let Some(objection) = self.objection(&url) {
            return Err(Fault::not_done(DEPENDENCY, FaultKind::Rejected, objection));
        }
        let authorization = authorization(settings, &method, &url, &body);
        let mut request = self
            .client
            .request(method, url)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("holdline/", env!("CARGO_PKG_VERSION")))
            .header(AUTHORIZATION, authorization);
        if let Some(key) = settings.platform.wanted() {
            request = request.header("wechatpay-serial", key);
        }
        let mut response = request.body(body).send().await.map_err(|error| not_sent(error.without_url()))?;
        let body = read(&mut response).await.map_err(|why| Fault::unknown(DEPENDENCY, FaultKind::Unavailable, why))?;
        judge(settings, response.status(), response.headers(), body)
    }
}

/// Without a connection nothing was asked; after that, who knows.
fn not_sent(error: reqwest::Error) -> Fault {
    let fault = if error.is_connect() || error.is_builder() { Fault::not_done } else { Fault::unknown };
    fault(DEPENDENCY, FaultKind::Unavailable, error.to_string()).caused_by(error)
}

fn authorization(settings: &Settings, method: &Method, url: &Url, body: &str) -> String {
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let nonce = nonce();
    let request = SignedRequest { method: method.as_str(), url: &path, timestamp_s: now_s(), nonce: &nonce, body };
    settings.merchant.authorization(&settings.mchid, &request)
}

/// 32 random characters.
pub(super) fn nonce() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

async fn read(response: &mut Response) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| error.without_url().to_string())? {
        if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(format!("its answer has more than {ANSWER_BYTES_MAX} bytes"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn judge(settings: &Settings, status: StatusCode, headers: &HeaderMap, body: Vec<u8>) -> Result<Answer, Fault> {
    let unknown = |why: String| Err(Fault::unknown(DEPENDENCY, FaultKind::Unavailable, why));
    let answered = status.as_u16();
    let is_signed = headers.contains_key("wechatpay-signature");
    if status.is_success() || is_signed {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if let Err(why) = settings.platform.verify(header, &body, now_s()) {
            return unknown(format!("it answered {answered}, and its signature does not hold: {why}"));
        }
    }
    if status == StatusCode::OK || status == StatusCode::NO_CONTENT {
        return Ok(Answer::Done(body));
    }
    if status == StatusCode::UNAUTHORIZED {
        let why = "it refused the request's signature (401): the merchant's key, its serial number, or the clock";
        return Err(Fault::not_done(DEPENDENCY, FaultKind::Rejected, why));
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Fault::not_done(DEPENDENCY, FaultKind::Unavailable, "it was asked too often (429)"));
    }
    // A proxy on the way answers too, but not with a code.
    let failure = serde_json::from_slice::<Failure>(&body).ok();
    let failure = failure.filter(|failure| status.is_client_error() && is_code(&failure.code));
    let Some(Failure { code, message }) = failure else {
        return unknown(format!("it answered {answered}"));
    };
    if TOO_OFTEN.contains(&code.as_str()) {
        let why = format!("it was asked too often ({answered} {code})");
        return Err(Fault::not_done(DEPENDENCY, FaultKind::Unavailable, why));
    }
    if status == StatusCode::REQUEST_TIMEOUT || BROKEN.contains(&code.as_str()) {
        return unknown(format!("it answered {answered} {code}"));
    }
    Ok(Answer::Refused(Refused { status, code, message }))
}

/// Codes are words in capitals: nothing else belongs into a log.
fn is_code(text: &str) -> bool {
    (1..=CODE_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The beginning of a text, in whole characters.
pub(super) fn at_most(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}
