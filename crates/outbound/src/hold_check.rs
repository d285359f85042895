//! Asking the taker of an outside hold what became of it.
//!
//! `POST <check_url>` with `{"type":"hold.check","tenant","hold_id","part"?,"deadline_ms","asked"}`; the answer is 200 with
//! `{"state":"committed"|"released"|"unknown"}`. Anything else, a 404 too, means that nothing is known: stock is never
//! given back because a route is missing.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use holdline_domain::fault::{Fault, FaultKind};
use holdline_domain::ledger::{CheckUrl, Part};
use holdline_domain::port::{HoldChecker, HoldQuestion, HoldWord};
use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use reqwest::{Client, StatusCode, Url, redirect};
use serde::{Deserialize, Serialize};

use crate::guard::Networks;
use crate::signature::SigningKey;

/// A taker that has not answered by then cannot say.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// The longest answer.
const ANSWER_BYTES_MAX: usize = 4 * 1_024;

/// Asks over HTTP, and signs what it asks.
pub struct SignedChecker {
    client: Client,
    key: SigningKey,
    networks: Networks,
}

#[derive(Serialize)]
struct Question<'a> {
    r#type: &'static str,
    tenant: &'a str,
    hold_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'a str>,
    deadline_ms: i64,
    asked: i32,
}

#[derive(Deserialize)]
struct Answer {
    state: State,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Committed,
    Released,
    Unknown,
}

impl SignedChecker {
    /// A checker that signs with `key` and may ask the public internet and `networks`.
    pub fn try_new(key: SigningKey, networks: Networks) -> Result<Self, String> {
        // A process has one provider; a second checker finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(ANSWER_WITHIN)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .dns_resolver(networks.resolver())
            .build()
            .map_err(|error| format!("no HTTP client can be made: {error}"))?;
        Ok(Self { client, key, networks })
    }

    async fn answer(&self, question: &HoldQuestion) -> Result<HoldWord, String> {
        let url: Url = question.url.as_str().parse().map_err(|error| format!("its address cannot be read: {error}"))?;
        // Judged again: the networks may have been narrowed since the hold was taken.
        if let Some(objection) = self.networks.objection(&url) {
            return Err(format!("its address {objection}"));
        }
        let id = uuid::Uuid::now_v7().to_string();
        let timestamp_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let body = body(question);
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("holdline/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", &id)
            .header("webhook-timestamp", timestamp_s)
            .header("webhook-signature", self.key.sign(&id, timestamp_s, &body))
            .body(body);
        let mut response = request.send().await.map_err(|error| error.without_url().to_string())?;
        if response.status() != StatusCode::OK {
            return Err(format!("it answered {}", response.status()));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| error.without_url().to_string())? {
            if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(format!("its answer has more than {ANSWER_BYTES_MAX} bytes"));
            }
            bytes.extend_from_slice(&chunk);
        }
        let answer: Answer =
            serde_json::from_slice(&bytes).map_err(|_| "its answer is not the JSON asked for".to_owned())?;
        Ok(match answer.state {
            State::Committed => HoldWord::Committed,
            State::Released => HoldWord::Released,
            State::Unknown => HoldWord::Unknown,
        })
    }
}

fn body(question: &HoldQuestion) -> Vec<u8> {
    let part = match &question.part {
        Part::Group => None,
        Part::Seller(name) => Some(name.as_str()),
    };
    let question = Question {
        r#type: "hold.check",
        tenant: question.tenant.as_str(),
        hold_id: &question.hold_id,
        part,
        deadline_ms: question.deadline.0,
        asked: question.asked,
    };
    serde_json::to_vec(&question).expect("a question is plain JSON")
}

#[async_trait]
impl HoldChecker for SignedChecker {
    fn objection(&self, url: &CheckUrl) -> Option<String> {
        match url.as_str().parse() {
            Ok(url) => self.networks.objection(&url),
            Err(error) => Some(format!("is not an address: {error}")),
        }
    }

    async fn ask(&self, question: &HoldQuestion) -> Result<HoldWord, Fault> {
        self.answer(question).await.map_err(|why| Fault::not_done("hold check", FaultKind::Unavailable, why))
    }
}
