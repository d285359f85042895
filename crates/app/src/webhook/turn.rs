//! One turn of one endpoint: events that were not taken before and are due, then the next ones of the feed.
//!
//! Events of one order are sent in their sequence, one after the other's answer; orders are sent side by side. An event that
//! is not taken is parked, the later ones of its order behind it, and the rest goes on: a receiver that chokes on one event
//! gets all others. A receiver that takes nothing is **blocked** once so many events wait: then the feed itself is the
//! queue, and one event is tried every few minutes until one is taken.

use futures_util::future::join_all;
use holdline_domain::fault::Fault;
use holdline_domain::feed::{End, Failure, FeedPosition, ParkedEvent};
use holdline_domain::order::change::Event;
use holdline_domain::webhook::{Disabled, Endpoint, TRIES_MAX, wait_ms};
use parking_lot::Mutex;
use tokio::time::{Duration, Instant};

use super::sending::{BEGIN_WITHIN, Sending, Tried};
use super::{is_first, is_wanted};
use crate::App;

/// How long a process may send to an endpoint before another one may.
const LEASE: Duration = Duration::from_secs(40);
/// What must be left of a lease when a turn begins: longer than a turn lasts.
const LEASE_LEFT: Duration = Duration::from_secs(28);
/// How soon a process asks again for an endpoint that another one sends to.
const LEASE_AGAIN: Duration = Duration::from_secs(5);
/// Events read from the feed at once.
const STRETCH: usize = 500;
/// Events sent in one turn, of the feed and of those that are due each: as many requests one receiver gets at once.
const SENT_MAX: usize = 16;
/// An endpoint that so many events wait for is blocked.
const WAITING_MAX: usize = 50;
/// An endpoint that so many events wait for is blocked even if some are taken.
const WAITING_MAX_EVER: usize = 1_000;
/// How often a blocked endpoint is tried, and how long one that took an event counts as open.
const PROBE_EVERY: Duration = Duration::from_mins(5);

/// What a process knows of an endpoint from its last turns.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Health {
    /// Blocked, and tried again then.
    probe_at: Option<Instant>,
    /// It took a probe, and counts as open until then.
    open_until: Option<Instant>,
    /// This process sends to it until then, counted from before it was granted.
    leased_until: Option<Instant>,
    /// Another process sends to it; asked again then.
    away_until: Option<Instant>,
}

impl Health {
    pub(super) fn is_blocked(&self) -> bool {
        self.probe_at.is_some()
    }

    pub(super) fn is_leased(&self) -> bool {
        self.leased_until.is_some()
    }
}

/// What came of a turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    pub(super) health: Health,
    /// The feed goes on.
    pub(super) has_more: bool,
    /// Nothing shall be sent any more.
    pub(super) is_gone: bool,
}

/// Takes the turn, if there is something to send and no other process does.
pub(super) async fn take(app: &App, owner: &str, endpoint: &Endpoint, health: Health) -> Result<Turn, Fault> {
    let ports = &app.inner.ports;
    let consumer = endpoint.key.consumer();
    let end = ports.feed.feed_end().await?;
    let at = place(ports.feed.stored_position(&consumer).await?, end);
    let due = ports.feed.due_parked(&consumer, SENT_MAX).await?;
    let is_before = |at: Option<Instant>| at.is_some_and(|at| Instant::now() < at);
    let waits_for_probe = is_before(health.probe_at);
    if is_before(health.away_until) || (due.is_empty() && (at.seq >= end.seq || waits_for_probe)) {
        return Ok(Turn { health, has_more: false, is_gone: false });
    }
    let health = lease(app, owner, endpoint, health).await?;
    if health.leased_until.is_none() {
        return Ok(Turn { health, has_more: false, is_gone: false });
    }
    let (epoch, began) = (end.epoch, Instant::now());
    let sending = Sending { app, endpoint, consumer, epoch, began, tries: Mutex::default() };
    let turn = sending.run(due, at, health).await;
    let tries = std::mem::take(&mut *sending.tries.lock());
    if !tries.is_empty() {
        ports.webhooks.log_deliveries(&endpoint.key, &tries).await?;
    }
    turn
}

/// Makes sure that this process may send; the lease is in what it knows afterwards, or that another process has it.
async fn lease(app: &App, owner: &str, endpoint: &Endpoint, health: Health) -> Result<Health, Fault> {
    let now = Instant::now();
    if health.leased_until.is_some_and(|until| until.duration_since(now) >= LEASE_LEFT) {
        return Ok(health);
    }
    let for_ms = i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);
    let is_granted = app.inner.ports.webhooks.lease_endpoint(&endpoint.key, owner, for_ms).await?;
    let leased_until = is_granted.then(|| now + LEASE);
    let away_until = (!is_granted).then(|| now + LEASE_AGAIN);
    Ok(Health { leased_until, away_until, ..health })
}

/// Where an endpoint is. What it was sent lies nowhere but behind its position, which a restore takes back with the feed:
/// a new epoch does not make it begin anew.
fn place(stored: Option<FeedPosition>, end: FeedPosition) -> FeedPosition {
    match stored {
        Some(stored) if stored.epoch == end.epoch => stored,
        Some(stored) => FeedPosition { epoch: end.epoch, round: 0, seq: stored.seq.min(end.seq) },
        None => end,
    }
}

/// What becomes of a parked event that was not taken again.
fn failed(error: &str, tries: i32, asked_ms: Option<i64>, seq: i64) -> End {
    if let Some(wait_ms) = wait_ms(tries, asked_ms, seq) {
        return End::Failed(Failure { error: error.to_owned(), attempts: 1, wait_ms });
    }
    metrics::counter!("holdline_webhook_events_given_up_total").increment(1);
    End::Skipped { reason: format!("given up after {TRIES_MAX} tries"), by: "webhooks".to_owned() }
}

impl Sending<'_> {
    async fn run(&self, due: Vec<ParkedEvent>, at: FeedPosition, health: Health) -> Result<Turn, Fault> {
        let (mut gone, mut taken) = (false, false);
        for tried in join_all(due.iter().map(|parked| self.try_parked(parked))).await {
            match tried? {
                Tried::Gone => gone = true,
                Tried::Taken => taken = true,
                Tried::Failed { .. } => {}
            }
        }
        if gone {
            return self.disable(health).await;
        }
        let turn = self.send_next(at, health).await?;
        // What waited behind an event that was taken is due now.
        Ok(Turn { has_more: turn.has_more || taken, ..turn })
    }

    /// Tries an event that was not taken before.
    async fn try_parked(&self, parked: &ParkedEvent) -> Result<Tried, Fault> {
        let ports = &self.app.inner.ports;
        let page = ports.orders.events_after(parked.key.seq - 1, 1).await?;
        let event = page.events.into_iter().next().filter(|event| event.seq == parked.key.seq);
        let tries = parked.attempts.saturating_add(1);
        let tried = match &event {
            Some(event) => self.send(event, tries).await,
            None => Tried::Failed { error: "the feed has no such event".to_owned(), asked_ms: None },
        };
        let end = match &tried {
            Tried::Gone => return Ok(tried),
            Tried::Taken => End::Done,
            Tried::Failed { error, asked_ms } => failed(error, tries, *asked_ms, parked.key.seq),
        };
        ports.feed.end_parked(&parked.key, end).await?;
        Ok(tried)
    }

    /// Sends the next events of the feed, unless the endpoint is blocked.
    async fn send_next(&self, at: FeedPosition, health: Health) -> Result<Turn, Fault> {
        if self.began.elapsed() > BEGIN_WITHIN {
            return Ok(Turn { health, has_more: true, is_gone: false });
        }
        let ports = &self.app.inner.ports;
        let (now, waiting) = (Instant::now(), ports.feed.count_parked(&self.consumer, WAITING_MAX_EVER).await?);
        let is_open = health.open_until.is_some_and(|until| now < until);
        let probes = waiting >= WAITING_MAX_EVER || (waiting >= WAITING_MAX && !is_open);
        if probes && health.probe_at.is_some_and(|probe_at| now < probe_at) {
            return Ok(Turn { health, has_more: false, is_gone: false });
        }
        let page = ports.orders.events_after(at.seq, STRETCH).await?;
        let is_full = page.events.len() == STRETCH;
        if page.epoch != self.epoch {
            // Restored between two reads: the next turn knows.
            return Ok(Turn { health, has_more: true, is_gone: false });
        }
        let (wanted, to, is_cut) = self.cut(page.events, at, if probes { 1 } else { SENT_MAX });
        let sent = self.send_page(wanted).await?;
        let health = match (probes, sent.taken > 0, sent.failed > 0) {
            _ if sent.gone => return self.disable(health).await,
            (true, _, true) => {
                let health = Health { probe_at: Some(now + PROBE_EVERY), open_until: None, ..health };
                return Ok(Turn { health, has_more: false, is_gone: false });
            }
            (true, true, false) => {
                self.hurry().await?;
                Health { probe_at: None, open_until: Some(now + PROBE_EVERY), ..health }
            }
            (true, false, false) => health,
            (false, ..) => Health { probe_at: None, ..health },
        };
        if to == at {
            // Nothing was there.
        } else if sent.parkings.is_empty() {
            ports.orders.advance_feed_position(self.consumer.as_str(), to).await?;
        } else {
            ports.feed.park(&self.consumer, to, &sent.parkings).await?;
        }
        Ok(Turn { health, has_more: is_cut || is_full, is_gone: false })
    }

    /// The events of a page that are sent, how far they reach, and whether the page has more.
    fn cut(&self, events: Vec<Event>, at: FeedPosition, limit: usize) -> (Vec<Event>, FeedPosition, bool) {
        let (mut wanted, mut to) = (Vec::new(), at);
        for event in events {
            if wanted.len() == limit {
                return (wanted, to, true);
            }
            to.seq = event.seq;
            if is_wanted(self.endpoint, &event) {
                wanted.push(event);
            }
        }
        (wanted, to, false)
    }

    /// The endpoint is gone: what it was sent in this turn is sent again should its owner enable it.
    async fn disable(&self, health: Health) -> Result<Turn, Fault> {
        let key = &self.endpoint.key;
        self.app.inner.ports.webhooks.disable_endpoint(key, Disabled::Gone).await?;
        tracing::warn!(tenant = key.tenant.0, webhook = %key.name, "a webhook answered 410 Gone and is disabled");
        Ok(Turn { health, has_more: false, is_gone: true })
    }

    /// The endpoint takes events again: those that wait need not wait for their schedule.
    async fn hurry(&self) -> Result<(), Fault> {
        let feed = &self.app.inner.ports.feed;
        let waiting = feed.parked_events(&self.consumer, self.endpoint.key.tenant, None, WAITING_MAX_EVER).await?;
        for parked in waiting.iter().filter(|parked| is_first(parked)) {
            feed.end_parked(&parked.key, End::TryNow).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restored_feed_is_gone_on_with_and_never_sent_from_the_start() {
        let end = FeedPosition { epoch: 3, round: 0, seq: 40 };
        let at = |epoch, seq| place(Some(FeedPosition { epoch, round: 0, seq }), end);
        assert_eq!(at(3, 17), FeedPosition { seq: 17, ..end });
        assert_eq!(at(2, 17), FeedPosition { seq: 17, ..end });
        assert_eq!(at(2, 99), end);
        assert_eq!(place(None, end), end);
    }
}
