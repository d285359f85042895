//! One signed request: `POST` with JSON, to an address that may be asked, answered within a time and a size.
//!
//! Whoever asks learns what is known after a failure: nothing was sent, or the answer was lost. Redirects are not
//! followed: an address was judged, not where it points to.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use reqwest::{Client, Response, Url, redirect};

use crate::guard::Networks;
use crate::signature::SigningKey;

/// A connection that is not there by then will not be: nothing was sent yet, so there is nothing to wait for.
const CONNECTED_WITHIN: Duration = Duration::from_secs(5);

/// What an answer may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// From the first step to the last byte.
    pub within: Duration,
    /// The longest body.
    pub answer_bytes_max: usize,
}

/// A request to be made.
#[derive(Debug, Clone)]
pub struct Post<'a> {
    /// Where.
    pub url: &'a str,
    /// The keys that sign it: one, and its predecessor while keys are being changed.
    pub keys: &'a [SigningKey],
    /// Its `webhook-id`: the same message again has the same one.
    pub id: &'a str,
    /// JSON.
    pub body: Vec<u8>,
}

/// An answer, whatever it says.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, within the bounds.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Why there is no answer. The words are for an operator: no address, no body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// Nothing was sent: whoever was to be asked knows nothing of it.
    #[error("{0}")]
    NotSent(String),
    /// It may have been read and acted on.
    #[error("{0}")]
    Lost(String),
}

/// Sends signed requests. Connections are kept and used again.
#[derive(Debug, Clone)]
pub struct SignedClient {
    client: Client,
    networks: Networks,
    answer_bytes_max: usize,
}

impl SignedClient {
    /// A client that may ask `networks`.
    pub fn try_new(networks: Networks, bounds: Bounds) -> Result<Self, String> {
        // A process has one provider; a second client finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(bounds.within)
            .connect_timeout(CONNECTED_WITHIN)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .dns_resolver(networks.resolver())
            .build()
            .map_err(|error| format!("no HTTP client can be made: {error}"))?;
        Ok(Self { client, networks, answer_bytes_max: bounds.answer_bytes_max })
    }

    /// Why an address cannot be asked; `None` if it can, as far as it can be told without resolving its name.
    pub fn objection(&self, url: &str) -> Option<String> {
        match url.parse() {
            Ok(url) => self.networks.objection(&url),
            Err(error) => Some(format!("is not an address: {error}")),
        }
    }

    /// Sends a request once.
    pub async fn post(&self, post: Post<'_>) -> Result<Answer, NoAnswer> {
        let response = self.send(post).await?;
        self.read(response).await.map_err(NoAnswer::Lost)
    }

    /// Sends a request once; the answer's body is not read.
    pub(crate) async fn send(&self, post: Post<'_>) -> Result<Response, NoAnswer> {
        let url: Url =
            post.url.parse().map_err(|error| NoAnswer::NotSent(format!("its address cannot be read: {error}")))?;
        // Judged again: the networks may have been narrowed since the address was taken.
        if let Some(objection) = self.networks.objection(&url) {
            return Err(NoAnswer::NotSent(format!("its address {objection}")));
        }
        let timestamp_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let signatures: Vec<String> = post.keys.iter().map(|key| key.sign(post.id, timestamp_s, &post.body)).collect();
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("holdline/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", post.id)
            .header("webhook-timestamp", timestamp_s)
            .header("webhook-signature", signatures.join(" "))
            .body(post.body);
        request.send().await.map_err(|error| {
            // Without a connection there was no request; a request that could not be built is none either.
            let not_sent = error.is_connect() || error.is_builder();
            let why = words(&error.without_url());
            if not_sent { NoAnswer::NotSent(why) } else { NoAnswer::Lost(why) }
        })
    }

    async fn read(&self, mut response: Response) -> Result<Answer, String> {
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| words(&error.without_url()))? {
            if body.len() + chunk.len() > self.answer_bytes_max {
                return Err(format!("its answer has more than {} bytes", self.answer_bytes_max));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, body })
    }
}

/// An error with what caused it: the outermost words alone are always the same.
fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |words, cause| format!("{words}: {cause}"))
}
