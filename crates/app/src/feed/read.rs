//! The feed as clients read it: a tenant's events after a place, as soon as there are some.
//!
//! The table of events has no index by tenant: it would cost every order a write. A read walks the feed by its sequence, a
//! bounded stretch at a time, and answers how far it came even where nothing was found.
//!
//! Whoever waits is woken by the next batch of orders that this process writes, and looks once a second for what others
//! write. Those who wait are counted and bounded, and a wake is followed by a pause, so that a sale's batches do not make
//! every one of them read hundreds of times per second.

use std::time::Duration;

use holdline_domain::feed::FeedPosition;
use holdline_domain::id::TenantId;
use holdline_domain::order::EventKind;
use holdline_domain::order::change::Event;
use holdline_domain::refusal::Refusal;
use tokio::sync::{Notify, Semaphore};

use crate::App;
use crate::error::Error;

/// Events read from the store at once.
const STRETCH: usize = 1_000;
/// Stretches of one look: an answer takes a few ten milliseconds at most, however little of the feed is the tenant's.
const STRETCHES_MAX: usize = 5;
/// Requests that may wait at once; beyond them, the answer is what is there now. A tenant has a few programs that follow its
/// feed, not a crowd.
const WAITING_MAX: usize = 64;
/// The pause after a wake.
const WAKE_PAUSE: Duration = Duration::from_millis(50);
/// How often whoever waits looks for what other processes wrote.
const LOOK: Duration = Duration::from_secs(1);

/// Rung by every batch of orders that this process has written.
pub(crate) struct Bell {
    rung: Notify,
    places: Semaphore,
}

impl Bell {
    pub(crate) fn new() -> Self {
        Self { rung: Notify::new(), places: Semaphore::new(WAITING_MAX) }
    }

    /// Wakes whoever waits.
    pub(crate) fn ring(&self) {
        self.rung.notify_waiters();
    }

    /// Resolves at the next ring.
    pub(crate) fn rung(&self) -> tokio::sync::futures::Notified<'_> {
        self.rung.notified()
    }
}

/// Where a reader of the feed is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedPlace {
    /// Before the first event.
    Start,
    /// Behind the newest event.
    Newest,
    /// Behind an event of the feed of an epoch.
    Behind {
        /// The epoch.
        epoch: i64,
        /// The event.
        seq: i64,
    },
}

/// Which events are wanted.
#[derive(Debug, Clone)]
pub struct EventsWanted {
    /// Whose.
    pub tenant: TenantId,
    /// From where on.
    pub after: FeedPlace,
    /// Of these kinds only; empty: all.
    pub kinds: Vec<EventKind>,
    /// So many at most.
    pub limit: usize,
}

impl EventsWanted {
    /// Whether an event is among them.
    fn matches(&self, event: &Event) -> bool {
        event.tenant == self.tenant && (self.kinds.is_empty() || self.kinds.contains(&event.kind))
    }
}

/// Events that were found.
#[derive(Debug, Clone, Default)]
pub struct EventsFound {
    /// In their sequence.
    pub events: Vec<Event>,
    /// How far the feed was read.
    pub next: FeedPosition,
    /// Whether the feed goes on behind that.
    pub has_more: bool,
}

impl App {
    /// A tenant's events after a place; if there are none, as soon as there are some or `wait` is over.
    pub async fn events(&self, wanted: &EventsWanted, wait: Duration) -> Result<EventsFound, Error> {
        let until = tokio::time::Instant::now() + wait;
        let bell = &self.inner.bell;
        let place = if wait.is_zero() { None } else { bell.places.try_acquire().ok() };
        let mut from = match wanted.after {
            FeedPlace::Behind { epoch, seq } => FeedPosition { epoch, round: 0, seq },
            FeedPlace::Newest => self.inner.ports.feed.feed_end().await?,
            FeedPlace::Start => FeedPosition { seq: 0, ..self.inner.ports.feed.feed_end().await? },
        };
        loop {
            let mut rung = std::pin::pin!(bell.rung());
            // Armed before the rows are read, so that no batch falls in between.
            rung.as_mut().enable();
            let found = self.look_at_feed(wanted, from).await?;
            let now = tokio::time::Instant::now();
            let is_done = !found.events.is_empty() || found.has_more;
            if is_done || place.is_none() || now >= until || self.inner.admission.is_closed() {
                return Ok(found);
            }
            from = found.next;
            tokio::select! {
                () = rung => tokio::time::sleep(WAKE_PAUSE).await,
                () = tokio::time::sleep(LOOK.min(until - now)) => {}
            }
        }
    }

    /// Reads on from a place, a bounded number of stretches.
    async fn look_at_feed(&self, wanted: &EventsWanted, from: FeedPosition) -> Result<EventsFound, Error> {
        let mut found = EventsFound { events: Vec::new(), next: from, has_more: true };
        for _ in 0..STRETCHES_MAX {
            let page = self.inner.ports.orders.events_after(found.next.seq, STRETCH).await?;
            if page.epoch != from.epoch {
                return Err(Refusal::CursorOfAnotherEpoch.into());
            }
            let read = page.events.len();
            for event in page.events {
                found.next.seq = event.seq;
                if wanted.matches(&event) {
                    found.events.push(event);
                    if found.events.len() == wanted.limit {
                        return Ok(found);
                    }
                }
            }
            if read < STRETCH {
                found.has_more = false;
                return Ok(found);
            }
        }
        Ok(found)
    }
}
