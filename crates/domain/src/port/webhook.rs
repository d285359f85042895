//! The ports of webhooks: where endpoints live, and who sends.

use async_trait::async_trait;

use crate::fault::Fault;
use crate::id::{TenantId, TenantName, WebhookUrl};
use crate::order::change::Event;
use crate::webhook::{Delivery, Disabled, Endpoint, EndpointKey, EndpointPut, EndpointWish, WebhookSecret};

/// Where endpoints live.
#[async_trait]
pub trait WebhookStore: Send + Sync + 'static {
    /// Every endpoint of a tenant, or of all of them.
    async fn endpoints(&self, tenant: Option<TenantId>) -> Result<Vec<Endpoint>, Fault>;

    /// Makes or changes an endpoint ([`crate::webhook::put`]); a new one begins at the wish's position.
    async fn put_endpoint(&self, wish: &EndpointWish) -> Result<EndpointPut, Fault>;

    /// Replaces an endpoint's secret ([`Endpoint::rotated`]). `None`: there is no such endpoint.
    async fn rotate_secret(&self, key: &EndpointKey, secret: WebhookSecret) -> Result<Option<Endpoint>, Fault>;

    /// Sends nothing to an endpoint from now on.
    async fn disable_endpoint(&self, key: &EndpointKey, why: Disabled) -> Result<(), Fault>;

    /// Lets one process send to an endpoint for a time, by the database's clock. False: another one does.
    async fn lease_endpoint(&self, key: &EndpointKey, owner: &str, for_ms: i64) -> Result<bool, Fault>;

    /// Keeps tries, numbered in their order, and forgets the oldest beyond [`crate::webhook::DELIVERIES_KEPT`].
    async fn log_deliveries(&self, key: &EndpointKey, tries: &[Delivery]) -> Result<(), Fault>;

    /// The tries of an endpoint with `no < before` (`None`: from the newest), newest first.
    async fn deliveries(&self, key: &EndpointKey, before: Option<i64>, limit: usize) -> Result<Vec<Delivery>, Fault>;
}

/// A request to be made.
#[derive(Debug, Clone)]
pub struct WebhookMessage {
    /// Where.
    pub url: WebhookUrl,
    /// Names the event at this endpoint: the same however often it is sent.
    pub id: String,
    /// What happened.
    pub event: Event,
    /// Whose.
    pub tenant: TenantName,
    /// What signs it: the newest first.
    pub secrets: Vec<WebhookSecret>,
}

/// What an endpoint answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookAnswer {
    /// 2xx: it is taken.
    Taken {
        /// The status.
        status: u16,
    },
    /// 410: nothing shall be sent there any more.
    Gone,
    /// Anything else.
    Refused {
        /// The status.
        status: u16,
        /// How long it asks to wait.
        retry_after_ms: Option<i64>,
    },
    /// There was no answer.
    None {
        /// Why, without the address.
        why: String,
    },
}

/// Sends events to endpoints.
#[async_trait]
pub trait WebhookSender: Send + Sync + 'static {
    /// Whether this program sends at all: one that only opens a store leaves it to those that serve it.
    fn sends(&self) -> bool {
        true
    }

    /// Why nothing can be sent to an address; `None` if it can. Judged before an endpoint is stored.
    fn objection(&self, url: &WebhookUrl) -> Option<String>;

    /// A new random secret.
    fn new_secret(&self) -> WebhookSecret;

    /// A new random name, of a process that sends.
    fn new_owner(&self) -> String;

    /// Sends once.
    async fn send(&self, message: &WebhookMessage) -> WebhookAnswer;
}

/// Nobody sends: for programs that open a store to write it, and do not serve.
#[derive(Debug, Clone, Copy)]
pub struct NobodySends;

#[async_trait]
impl WebhookSender for NobodySends {
    fn sends(&self) -> bool {
        false
    }

    fn objection(&self, _: &WebhookUrl) -> Option<String> {
        None
    }

    fn new_secret(&self) -> WebhookSecret {
        WebhookSecret::from_stored("whsec_".to_owned())
    }

    fn new_owner(&self) -> String {
        "nobody".to_owned()
    }

    async fn send(&self, _: &WebhookMessage) -> WebhookAnswer {
        WebhookAnswer::None { why: "this program does not send".to_owned() }
    }
}
