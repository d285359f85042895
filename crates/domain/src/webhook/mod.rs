//! Webhooks: where a tenant wants its events sent, with which secret they are signed, and what came of it.
//!
//! An endpoint is a consumer of the feed: it has a position, and an event that it does not take is parked with the later ones
//! of its order and tried again by the schedule of Standard Webhooks ([`wait_ms`]). After the last try it is given up.
//!
//! Deliberately absent: the requests themselves, and what an event looks like in one.

mod schedule;

use crate::feed::FeedPosition;
use crate::id::{ConsumerName, EndpointName, TenantId, WebhookUrl};
use crate::order::state::named_enum;
use crate::order::{EventKind, OrderNo};
use crate::time::UnixMillis;

pub use schedule::{TRIES_MAX, wait_ms};

/// Endpoints of one tenant: each one is sent every event, so that their number multiplies the requests.
pub const ENDPOINTS_MAX: usize = 16;
/// Tries that are kept of each endpoint.
pub const DELIVERIES_KEPT: i64 = 1_000;
/// How long the secret that was replaced signs too: a day to bring the new one to every receiver.
pub const OLD_SECRET_MS: i64 = 24 * 3_600_000;

named_enum! {
    /// Why nothing is sent to an endpoint.
    Disabled {
        /// Its owner wants it so.
        ByOwner = "by_owner",
        /// It answered 410 Gone.
        Gone = "gone",
    }
}

/// What requests to an endpoint are signed with: `whsec_` and base64. Shown once, never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(String);

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret")
    }
}

impl WebhookSecret {
    /// A secret that was made or stored by this program.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text, for its owner, its signature and its row.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Which endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointKey {
    /// Whose.
    pub tenant: TenantId,
    /// Its name.
    pub name: EndpointName,
}

impl EndpointKey {
    /// The consumer that its position and its parked events are stored under.
    pub fn consumer(&self) -> ConsumerName {
        ConsumerName::from_stored(format!("webhook:{}:{}", self.tenant.0, self.name))
    }
}

/// Where events are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Which.
    pub key: EndpointKey,
    /// Where.
    pub url: WebhookUrl,
    /// Events of these kinds; empty: of all.
    pub kinds: Vec<EventKind>,
    /// Why nothing is sent; `None`: it is.
    pub disabled: Option<Disabled>,
    /// When it was made.
    pub created: UnixMillis,
    /// What requests are signed with.
    pub secret: WebhookSecret,
    /// What they are signed with too, and until when.
    pub old_secret: Option<(WebhookSecret, UnixMillis)>,
}

impl Endpoint {
    /// The secrets that sign at an instant, the newest first.
    pub fn secrets_at(&self, now: UnixMillis) -> Vec<WebhookSecret> {
        let old = self.old_secret.iter().filter(|(_, until)| *until > now).map(|(secret, _)| secret.clone());
        std::iter::once(self.secret.clone()).chain(old).collect()
    }

    /// Replaces the secret. While an older one still signs too, that one stays: it is the one that receivers know, and the
    /// one replaced now may never have reached anybody.
    #[must_use]
    pub fn rotated(self, secret: WebhookSecret, now: UnixMillis) -> Self {
        let known = match self.old_secret {
            Some((old, until)) if until > now => old,
            Some(_) | None => self.secret,
        };
        Self { secret, old_secret: Some((known, now.plus_ms(OLD_SECRET_MS))), ..self }
    }
}

/// An endpoint as its owner wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointWish {
    /// Which.
    pub key: EndpointKey,
    /// Where.
    pub url: WebhookUrl,
    /// Events of these kinds; empty: of all.
    pub kinds: Vec<EventKind>,
    /// Whether anything is sent.
    pub enabled: bool,
    /// The secret of a new one.
    pub secret: WebhookSecret,
    /// Where a new one begins.
    pub begin: FeedPosition,
}

/// What came of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointPut {
    /// It is new.
    Created(Endpoint),
    /// It was there, and is now as wanted.
    Changed(Endpoint),
    /// The tenant has [`ENDPOINTS_MAX`].
    TooMany,
}

/// Judges a wish. `stored`: the tenant's endpoints.
pub fn put(wish: &EndpointWish, stored: &[Endpoint], now: UnixMillis) -> EndpointPut {
    let EndpointWish { key, url, kinds, enabled, secret, begin: _ } = wish;
    if let Some(known) = stored.iter().find(|known| known.key == *key) {
        let disabled = if *enabled { None } else { known.disabled.or(Some(Disabled::ByOwner)) };
        let (url, kinds) = (url.clone(), kinds.clone());
        return EndpointPut::Changed(Endpoint { url, kinds, disabled, ..known.clone() });
    }
    if stored.len() >= ENDPOINTS_MAX {
        return EndpointPut::TooMany;
    }
    EndpointPut::Created(Endpoint {
        key: key.clone(),
        url: url.clone(),
        kinds: kinds.clone(),
        disabled: (!enabled).then_some(Disabled::ByOwner),
        created: now,
        secret: secret.clone(),
        old_secret: None,
    })
}

/// One try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Counts the tries of the endpoint; given by the store.
    pub no: i64,
    /// The event's place in the feed.
    pub seq: i64,
    /// The order it is about.
    pub order_no: OrderNo,
    /// What happened.
    pub kind: EventKind,
    /// How many tries of this event it makes.
    pub attempt: i32,
    /// The status of the answer; `None`: there was none.
    pub status: Option<u16>,
    /// Why it counts as failed; empty: it does not.
    pub error: String,
    /// When.
    pub at: UnixMillis,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000);

    fn secret(text: &str) -> WebhookSecret {
        WebhookSecret::from_stored(text.to_owned())
    }

    fn wish(name: &str, enabled: bool) -> EndpointWish {
        EndpointWish {
            key: EndpointKey { tenant: TenantId(1), name: EndpointName::from_stored(name) },
            url: WebhookUrl::from_stored("https://a.example/"),
            kinds: vec![],
            enabled,
            secret: secret("one"),
            begin: FeedPosition::default(),
        }
    }

    fn created(name: &str) -> Endpoint {
        match put(&wish(name, true), &[], NOW) {
            EndpointPut::Created(endpoint) => endpoint,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_secret_that_receivers_know_signs_for_another_day_however_often_it_is_replaced() {
        let once = created("erp").rotated(secret("two"), NOW);
        assert_eq!(once.secrets_at(NOW), [secret("two"), secret("one")]);
        let twice = once.clone().rotated(secret("three"), NOW.plus_ms(5));
        assert_eq!(twice.secrets_at(NOW.plus_ms(OLD_SECRET_MS)), [secret("three"), secret("one")]);
        assert_eq!(twice.secrets_at(NOW.plus_ms(5 + OLD_SECRET_MS)), [secret("three")]);
        let later = once.rotated(secret("three"), NOW.plus_ms(OLD_SECRET_MS));
        assert_eq!(later.secrets_at(NOW.plus_ms(OLD_SECRET_MS)), [secret("three"), secret("two")]);
        assert_eq!(format!("{:?}", secret("one")), "WebhookSecret");
    }

    #[test]
    fn an_endpoint_that_is_gone_stays_gone_until_its_owner_enables_it() {
        let gone = Endpoint { disabled: Some(Disabled::Gone), ..created("erp") };
        let stored = [gone.clone()];
        assert_eq!(put(&wish("erp", false), &stored, NOW), EndpointPut::Changed(gone));
        assert_eq!(put(&wish("erp", true), &stored, NOW), EndpointPut::Changed(created("erp")));
    }

    #[test]
    fn a_tenant_has_a_limited_number_of_endpoints() {
        let full: Vec<_> = (0..ENDPOINTS_MAX).map(|n| created(&format!("n{n}"))).collect();
        assert_eq!(put(&wish("one-more", true), &full, NOW), EndpointPut::TooMany);
        assert!(matches!(put(&wish("n3", false), &full, NOW), EndpointPut::Changed(_)));
    }
}
