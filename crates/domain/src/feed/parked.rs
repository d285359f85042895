//! Parked events: what is written when one is parked, tried again, skipped or done.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{ConsumerName, TenantId, Version};
use crate::order::change::Event;
use crate::order::{EventKind, OrderNo};
use crate::time::UnixMillis;

/// Which parked event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ParkedKey {
    /// Who could not work it off.
    pub consumer: ConsumerName,
    /// Whose.
    pub tenant: TenantId,
    /// The order it is about.
    pub order_no: OrderNo,
    /// Its place in the feed.
    pub seq: i64,
}

/// An event that a consumer could not work off, or that waits behind such a one of its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedEvent {
    /// Which.
    pub key: ParkedKey,
    /// The order's version after it.
    pub version: Version,
    /// What happened.
    pub kind: EventKind,
    /// What went wrong last, for an operator, without personal data; empty: it was not tried since it was parked.
    pub error: String,
    /// How often it was tried.
    pub attempts: i32,
    /// Since when it is parked.
    pub parked: UnixMillis,
    /// When it is tried next; `None`: it waits behind an earlier event of its order.
    pub next_try: Option<UnixMillis>,
}

/// A parked event that was given up by somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedEvent {
    /// The event as it was parked.
    pub event: ParkedEvent,
    /// Why it is not wanted any more, in the words of whoever skipped it.
    pub reason: String,
    /// Who: an API key, or the command line.
    pub by: String,
    /// When.
    pub skipped: UnixMillis,
}

/// What went wrong with an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// For an operator, without personal data.
    pub error: String,
    /// How often it was tried in a row just now.
    pub attempts: i32,
    /// How long to wait before the next try.
    pub wait_ms: i64,
}

/// An event to be parked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parking {
    /// The event.
    pub event: Event,
    /// What went wrong; `None`: it comes behind an event of its order that is parked.
    pub failure: Option<Failure>,
}

/// What becomes of a parked event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It is worked off.
    Done,
    /// It failed again.
    Failed(Failure),
    /// It, or the event that it waits for, shall be tried now.
    TryNow,
    /// It is given up.
    Skipped {
        /// Why.
        reason: String,
        /// Who says so.
        by: String,
    },
}

/// A row to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParkedWrite {
    /// A new parked event.
    Insert(ParkedEvent),
    /// A parked event with another error, count of attempts or next try.
    Update(ParkedEvent),
    /// A parked event that is parked no more.
    Remove(ParkedKey),
    /// A line of the log of what was skipped.
    Skipped(SkippedEvent),
}

/// Parks events. `stored`: what is parked of the same orders already; `after`: the consumer's position as it is stored, up
/// to which another process has parked what was to be parked.
pub fn park(
    consumer: &ConsumerName,
    stored: Vec<ParkedEvent>,
    parkings: &[Parking],
    after: i64,
    now: UnixMillis,
) -> Vec<ParkedWrite> {
    let known: BTreeSet<ParkedKey> = stored.iter().map(|parked| parked.key.clone()).collect();
    let mut by_order = orders_of(stored);
    let mut writes = Vec::new();
    for Parking { event, failure } in parkings.iter().filter(|parking| parking.event.seq > after) {
        let order = by_order.entry((event.tenant, event.order_no.clone())).or_default();
        let key = ParkedKey {
            consumer: consumer.clone(),
            tenant: event.tenant,
            order_no: event.order_no.clone(),
            seq: event.seq,
        };
        if known.contains(&key) {
            continue;
        }
        order.insert(
            event.seq,
            ParkedEvent {
                key,
                version: event.version,
                kind: event.kind,
                error: failure.as_ref().map(|failure| failure.error.clone()).unwrap_or_default(),
                attempts: failure.as_ref().map_or(0, |failure| failure.attempts),
                parked: now,
                next_try: failure.as_ref().map(|failure| now.plus_ms(failure.wait_ms)),
            },
        );
    }
    for order in by_order.into_values() {
        // What was parked before an order's events were read may have gone since: somebody must be first.
        for (place, mut parked) in order.into_values().enumerate() {
            let is_new = !known.contains(&parked.key);
            let was = parked.next_try;
            parked.next_try = if place == 0 { was.or(Some(now)) } else { None };
            if is_new {
                writes.push(ParkedWrite::Insert(parked));
            } else if parked.next_try != was {
                writes.push(ParkedWrite::Update(parked));
            }
        }
    }
    writes
}

/// Ends or changes one parked event; the event as it was, or as it is now if it stays. `stored`: everything that is parked
/// of its order for its consumer. `None`: it is not parked, so it was done or skipped before.
pub fn end(stored: Vec<ParkedEvent>, seq: i64, what: End, now: UnixMillis) -> (Vec<ParkedWrite>, Option<ParkedEvent>) {
    let mut rest: BTreeMap<i64, ParkedEvent> = stored.into_iter().map(|parked| (parked.key.seq, parked)).collect();
    let Some(mut event) = rest.get(&seq).cloned() else { return (Vec::new(), None) };
    match what {
        End::Failed(Failure { error, attempts, wait_ms }) => {
            event.error = error;
            event.attempts = event.attempts.saturating_add(attempts);
            event.next_try = Some(now.plus_ms(wait_ms));
            (vec![ParkedWrite::Update(event.clone())], Some(event))
        }
        End::TryNow => {
            let mut first = rest.pop_first().map_or_else(|| event.clone(), |(_, first)| first);
            first.next_try = Some(now);
            let shown = if first.key == event.key { first.clone() } else { event };
            (vec![ParkedWrite::Update(first)], Some(shown))
        }
        End::Done => {
            rest.remove(&seq);
            (removed(&event, rest, now).collect(), Some(event))
        }
        End::Skipped { reason, by } => {
            rest.remove(&seq);
            let log = SkippedEvent { event: event.clone(), reason, by, skipped: now };
            let writes = removed(&event, rest, now).chain([ParkedWrite::Skipped(log)]);
            (writes.collect(), Some(event))
        }
    }
}

/// An event leaves; whoever is first of its order then is tried at once.
fn removed(
    event: &ParkedEvent,
    mut rest: BTreeMap<i64, ParkedEvent>,
    now: UnixMillis,
) -> impl Iterator<Item = ParkedWrite> + use<> {
    let first = rest.pop_first().map(|(_, first)| first).filter(|first| first.next_try.is_none());
    let first = first.map(|first| ParkedWrite::Update(ParkedEvent { next_try: Some(now), ..first }));
    [ParkedWrite::Remove(event.key.clone())].into_iter().chain(first)
}

type ByOrder = BTreeMap<(TenantId, OrderNo), BTreeMap<i64, ParkedEvent>>;

fn orders_of(stored: Vec<ParkedEvent>) -> ByOrder {
    let mut by_order = ByOrder::new();
    for parked in stored {
        let order = by_order.entry((parked.key.tenant, parked.key.order_no.clone())).or_default();
        order.insert(parked.key.seq, parked);
    }
    by_order
}
