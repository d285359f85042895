//! Asking the taker of an outside hold what became of it.
//!
//! `POST <check_url>` with `{"type":"hold.check","tenant","hold_id","part"?,"deadline_ms","asked"}`; the answer is 200 with
//! `{"state":"committed"|"released"|"unknown"}`. Anything else, a 404 too, means that nothing is known: stock is never
//! given back because a route is missing.

use std::time::Duration;

use async_trait::async_trait;
use holdline_domain::fault::{Fault, FaultKind};
use holdline_domain::ledger::{CheckUrl, Part};
use holdline_domain::port::{HoldChecker, HoldQuestion, HoldWord};
use serde::{Deserialize, Serialize};

use crate::guard::Networks;
use crate::request::{Bounds, Post, SignedClient};
use crate::signature::SigningKey;

/// A taker that has not answered by then cannot say; its answer is one word.
const BOUNDS: Bounds = Bounds { within: Duration::from_secs(5), answer_bytes_max: 4 * 1_024 };

/// Asks over HTTP, and signs what it asks.
pub struct SignedChecker {
    client: SignedClient,
    keys: [SigningKey; 1],
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
        Ok(Self { client: SignedClient::try_new(networks, BOUNDS)?, keys: [key] })
    }

    async fn answer(&self, question: &HoldQuestion) -> Result<HoldWord, String> {
        let id = uuid::Uuid::now_v7().to_string();
        let post = Post { url: question.url.as_str(), keys: &self.keys, id: &id, body: body(question) };
        let answer = self.client.post(post).await.map_err(|error| error.to_string())?;
        if answer.status != 200 {
            return Err(format!("it answered {}", answer.status));
        }
        let answer: Answer =
            serde_json::from_slice(&answer.body).map_err(|_| "its answer is not the JSON asked for".to_owned())?;
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
        self.client.objection(url.as_str())
    }

    async fn ask(&self, question: &HoldQuestion) -> Result<HoldWord, Fault> {
        self.answer(question).await.map_err(|why| Fault::not_done("hold check", FaultKind::Unavailable, why))
    }
}
