//! Webhooks: endpoints as their owners keep them, and the loop that sends ([`send`]).

mod send;
mod sending;
mod turn;

use holdline_domain::feed::ParkedEvent;
use holdline_domain::id::{InvalidCode, InvalidField, TenantId, WebhookUrl};
use holdline_domain::order::EventKind;
use holdline_domain::order::change::Event;
use holdline_domain::refusal::Refusal;
use holdline_domain::webhook::{Delivery, Endpoint, EndpointKey, EndpointPut, EndpointWish};

use crate::App;
use crate::error::Error;

pub(crate) use send::send_webhooks;

/// Events that may be asked for again at once.
const REDELIVERED_MAX: i64 = 1_000;

/// An endpoint as its owner sees it.
#[derive(Debug, Clone)]
pub struct EndpointShown {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Events that it did not take yet, or that wait behind such, counted up to 1,000.
    pub waiting: usize,
}

/// Which events shall be sent again, by their places in the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redelivery {
    /// Behind this one.
    pub after: i64,
    /// Before this one.
    pub before: i64,
}

/// What the figure of waiting events counts up to.
const WAITING_MAX: usize = 1_000;

impl App {
    /// Makes or changes an endpoint. True: it is new, and begins with what happens from now on.
    pub async fn put_webhook(
        &self,
        key: EndpointKey,
        url: WebhookUrl,
        kinds: Vec<EventKind>,
        enabled: bool,
    ) -> Result<(Endpoint, bool), Error> {
        let ports = &self.inner.ports;
        if let Some(objection) = ports.sender.objection(&url) {
            return Err(InvalidField::new("/url", InvalidCode::Malformed, objection).into());
        }
        let (secret, begin) = (ports.sender.new_secret(), ports.feed.feed_end().await?);
        let put = ports.webhooks.put_endpoint(&EndpointWish { key, url, kinds, enabled, secret, begin }).await?;
        match put {
            EndpointPut::Created(endpoint) => Ok((endpoint, true)),
            EndpointPut::Changed(endpoint) => Ok((endpoint, false)),
            EndpointPut::TooMany => Err(Refusal::TooManyWebhooks.into()),
        }
    }

    /// A tenant's endpoints, by name.
    pub async fn webhooks(&self, tenant: TenantId) -> Result<Vec<EndpointShown>, Error> {
        let mut shown = Vec::new();
        for endpoint in self.inner.ports.webhooks.endpoints(Some(tenant)).await? {
            let waiting = self.inner.ports.feed.count_parked(&endpoint.key.consumer(), WAITING_MAX).await?;
            shown.push(EndpointShown { endpoint, waiting });
        }
        Ok(shown)
    }

    /// One endpoint.
    pub async fn webhook(&self, key: &EndpointKey) -> Result<EndpointShown, Error> {
        let all = self.webhooks(key.tenant).await?;
        all.into_iter().find(|shown| shown.endpoint.key == *key).ok_or_else(no_webhook)
    }

    /// Replaces an endpoint's secret; the old one signs too for a day.
    pub async fn rotate_webhook_secret(&self, key: &EndpointKey) -> Result<Endpoint, Error> {
        let secret = self.inner.ports.sender.new_secret();
        self.inner.ports.webhooks.rotate_secret(key, secret).await?.ok_or_else(no_webhook)
    }

    /// The last tries of an endpoint, newest first, before a number.
    pub async fn webhook_deliveries(
        &self,
        key: &EndpointKey,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Delivery>, Error> {
        self.webhook(key).await?;
        Ok(self.inner.ports.webhooks.deliveries(key, before, limit).await?)
    }

    /// Sends events to an endpoint once more, at once and in the order of each order; how many. What is waiting to be tried
    /// again stays as it is.
    pub async fn redeliver(&self, key: &EndpointKey, wanted: Redelivery) -> Result<usize, Error> {
        let endpoint = self.webhook(key).await?.endpoint;
        let Redelivery { after, before } = wanted;
        let between = before.saturating_sub(after).saturating_sub(1);
        let limit = usize::try_from(between).ok().filter(|_| between <= REDELIVERED_MAX && after >= 0);
        let limit = limit.ok_or_else(|| {
            let problem = format!("must lie behind after, with at most {REDELIVERED_MAX} places between them");
            InvalidField::new("/before", InvalidCode::OutOfRange, problem)
        })?;
        let page = self.inner.ports.orders.events_after(after, limit).await?;
        let events: Vec<Event> = page.events.into_iter().filter(|event| is_wanted(&endpoint, event)).collect();
        if !events.is_empty() {
            self.inner.ports.feed.park_again(&key.consumer(), &events).await?;
            self.inner.bell.ring();
        }
        Ok(events.len())
    }
}

fn no_webhook() -> Error {
    Refusal::not_found("webhook").into()
}

/// Whether an event is sent to an endpoint.
fn is_wanted(endpoint: &Endpoint, event: &Event) -> bool {
    event.tenant == endpoint.key.tenant && (endpoint.kinds.is_empty() || endpoint.kinds.contains(&event.kind))
}

/// Whether a parked event is the one to be tried.
fn is_first(event: &ParkedEvent) -> bool {
    event.next_try.is_some()
}
