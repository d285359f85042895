//! The rows of the orders' database, and what a batch does to them.

use std::collections::{BTreeMap, BTreeSet};

use holdline_domain::fault::{Fault, FaultKind};
use holdline_domain::feed::{FeedPosition, ParkedEvent, ParkedKey, ParkedWrite, SkippedEvent};
use holdline_domain::id::{GroupKey, SellerId, TenantId};
use holdline_domain::order::change::{
    Change, ChangeAnswer, Event, Guard, GuardKeys, OrderWrite, Satellite, SatelliteKey, Timer, decide,
};
use holdline_domain::order::number::{BlockLease, StoredBlock};
use holdline_domain::order::{AcceptedSubmit, EventKind, GroupState, Order, OrderGroup, OrderNo};
use holdline_domain::payment::{Callback, ProviderAccount, ProviderName};
use holdline_domain::refusal::Refusal;
use holdline_domain::time::UnixMillis;
use holdline_domain::webhook::EndpointKey;

use super::webhooks::StoredEndpoint;
use crate::history::{History, Seen};

/// A group row as the model keeps it.
#[derive(Debug, Clone)]
pub struct StoredGroup {
    /// The row.
    pub group: OrderGroup,
    /// When it was written, in true virtual milliseconds: evidence for the judge only.
    pub written_at_ms: i64,
}

/// An event as the model keeps it.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// The row.
    pub event: Event,
    /// When it was written, in true virtual milliseconds: evidence for the judge only.
    pub written_at_ms: i64,
}

/// Everything in the orders' database.
#[derive(Debug, Clone, Default)]
pub struct OrderRows {
    /// Groups by key.
    pub groups: BTreeMap<(TenantId, GroupKey), StoredGroup>,
    /// Promised submits that have not ended, by key.
    pub accepted: BTreeMap<(TenantId, GroupKey), AcceptedSubmit>,
    /// Numbers that were promised and are no orders.
    pub promised_numbers: BTreeMap<(TenantId, OrderNo), GroupKey>,
    /// Orders by number.
    pub orders: BTreeMap<(TenantId, OrderNo), Order>,
    /// Attempts, refunds, shipments and returns, by key.
    pub satellites: BTreeMap<(TenantId, SatelliteKey), Satellite>,
    /// Callbacks, by tenant, provider and event.
    pub callbacks: BTreeMap<(TenantId, ProviderName, String), Callback>,
    /// Accounts at providers.
    pub accounts: Vec<ProviderAccount>,
    /// The feed.
    pub events: Vec<StoredEvent>,
    /// Every lease of a block of numbers that was ever granted.
    pub leases: Vec<BlockLease>,
    /// How often an insert found its order number taken.
    pub numbers_taken: u64,
    /// The offset that numbers are stamped at.
    pub number_offset_s: Option<i32>,
    /// The index by seller.
    pub by_seller: BTreeSet<(TenantId, SellerId, OrderNo)>,
    /// Events that consumers could not work off.
    pub parked: BTreeMap<ParkedKey, ParkedEvent>,
    /// The log of those that were skipped.
    pub skipped: Vec<SkippedEvent>,
    pub(in crate::model) blocks: Vec<StoredBlock>,
    pub(super) timers: BTreeSet<Timer>,
    pub(super) endpoints: BTreeMap<EndpointKey, StoredEndpoint>,
    pub(super) positions: BTreeMap<String, FeedPosition>,
    pub(super) head_at: UnixMillis,
}

impl OrderRows {
    pub(super) fn apply(&mut self, batch: &[Change], now: UnixMillis, at_ms: i64) -> Result<Vec<ChangeAnswer>, Fault> {
        let keys = GuardKeys::of(batch);
        let acceptances =
            keys.groups.iter().filter_map(|key| Some((key.clone(), self.accepted.get(key)?.acceptance.clone())));
        let groups = keys.groups.iter().filter_map(|key| Some((key.clone(), self.groups.get(key)?.group.clone())));
        let orders = keys.orders.iter().filter_map(|key| Some((key.clone(), self.orders.get(key)?.version)));
        let versions = keys.satellites.iter();
        let versions = versions.filter_map(|key| Some((key.clone(), self.satellites.get(key)?.version())));
        let guard = Guard {
            satellites: versions.collect(),
            groups: groups.collect(),
            acceptances: acceptances.collect(),
            orders: orders.collect(),
            next_seq: self.events.last().map_or(1, |stored| stored.event.seq + 1),
            now,
        };
        let decided = decide(batch, guard);
        let promised = decided.accepted.iter().flat_map(|accepted| {
            accepted.acceptance.order_nos.iter().map(|(_, no)| (accepted.submit.tenant, no.clone()))
        });
        if promised.into_iter().any(|number| self.promised_numbers.contains_key(&number)) {
            return Err(Fault::not_done("orders", FaultKind::Conflict, "a number is promised already"));
        }
        self.head_at = now;
        for group in decided.groups {
            self.groups.insert((group.tenant, group.key.clone()), StoredGroup { group, written_at_ms: at_ms });
        }
        for accepted in decided.accepted {
            for (_, order_no) in &accepted.acceptance.order_nos {
                self.promised_numbers.insert((accepted.submit.tenant, order_no.clone()), accepted.submit.key.clone());
            }
            self.accepted.insert(accepted.id(), accepted);
        }
        for key in decided.kept {
            self.accepted.remove(&key);
        }
        for number in decided.numbers_used {
            self.promised_numbers.remove(&number);
        }
        for order in decided.inserts {
            self.orders.insert((order.tenant, order.no.clone()), order);
        }
        for order in decided.updates {
            // Lines are never written again: whoever changes an order may not have read them.
            let stored =
                self.orders.get_mut(&(order.tenant, order.no.clone())).expect("it was decided on a stored one");
            let lines = std::mem::take(&mut stored.lines);
            *stored = Order { lines, ..order };
        }
        for row in decided.new_rows.into_iter().chain(decided.changed_rows) {
            self.satellites.insert((row.tenant(), row.key()), row);
        }
        self.timers.extend(decided.timers);
        self.events.extend(decided.events.into_iter().map(|event| StoredEvent { event, written_at_ms: at_ms }));
        Ok(decided.answers)
    }

    pub(super) fn moved(&mut self, consumer: &str, to: FeedPosition) {
        let position = self.positions.entry(consumer.to_owned()).or_default();
        *position = to.max(*position);
    }

    pub(super) fn write_parked(&mut self, writes: Vec<ParkedWrite>) {
        for write in writes {
            match write {
                ParkedWrite::Insert(event) | ParkedWrite::Update(event) => {
                    self.parked.insert(event.key.clone(), event);
                }
                ParkedWrite::Remove(key) => {
                    self.parked.remove(&key);
                }
                ParkedWrite::Skipped(log) => self.skipped.push(log),
            }
        }
    }

    /// Notes what the batch met, for the counters and the judge.
    pub(super) fn count(&mut self, batch: &[Change], answers: &[ChangeAnswer], late: bool, history: &History) {
        if batch.len() > 1 {
            history.saw(Seen::BatchOfMany);
        }
        for (change, answer) in batch.iter().zip(answers) {
            let kind = change.orders.first().map(|(_, kind)| *kind);
            let is_insert = matches!(change.orders.first(), Some((OrderWrite::Insert(_), _)));
            match answer {
                ChangeAnswer::GroupExists(taken) if is_insert => {
                    if taken.state == GroupState::Abandoned {
                        history.saw(Seen::FenceHit);
                    }
                    if late {
                        history.saw(Seen::LateInsertRefused);
                    }
                }
                ChangeAnswer::TooEarly { .. } | ChangeAnswer::TooLate { .. } => history.saw(Seen::ExpiryRace),
                ChangeAnswer::Stale { .. } if kind == Some(EventKind::Expired) => history.saw(Seen::ExpiryRace),
                ChangeAnswer::NumberTaken(_) => self.numbers_taken += 1,
                ChangeAnswer::Applied { .. } if is_too_late(change) => history.saw(Seen::NotInTime),
                ChangeAnswer::Applied { .. } if is_refusal(change) => history.saw(Seen::RefusedAfterHold),
                ChangeAnswer::NumbersPromised(_) => history.saw(Seen::PromisedNumbers),
                ChangeAnswer::Applied { .. } if change.accept.is_some() => history.saw(Seen::Accepted),
                ChangeAnswer::Applied { .. }
                | ChangeAnswer::GroupExists(_)
                | ChangeAnswer::AlreadyAccepted(_)
                | ChangeAnswer::Stale { .. }
                | ChangeAnswer::StaleRow { .. } => {}
            }
        }
    }
}

fn is_refusal(change: &Change) -> bool {
    change.group.as_ref().is_some_and(|group| matches!(group.state, GroupState::Refused { .. }))
}

fn is_too_late(change: &Change) -> bool {
    let refusal = change.group.as_ref().map(|group| &group.state);
    matches!(refusal, Some(GroupState::Refused { refusal: Refusal::NotDecidedInTime { .. } }))
}
