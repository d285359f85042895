//! The one form in which anything about orders is written, and the one rule by which a batch of it is judged.
//!
//! A [`Change`] is written as a whole or not at all: group row, promise, orders, timers and events in one transaction,
//! guarded by the group's key, the orders' versions and the shard clock. [`decide`] is pure; engines read the guarded rows, call
//! it, and write what it returns.

mod rows;
mod satellite;

use std::collections::{BTreeMap, BTreeSet};

use super::{Acceptance, AcceptedSubmit, EventKind, GroupState, Order, OrderGroup, OrderNo};
use crate::id::{GroupKey, SellerId, TenantId, Version};
use crate::time::UnixMillis;

pub use rows::{Decided, Event, Guard, GuardKeys, Timer};
pub use satellite::{Satellite, SatelliteKey, SatelliteKind};

/// A write to one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderWrite {
    /// A new order. The batch sets `created` and turns `pay_deadline` from an interval into an instant.
    Insert(Box<Order>),
    /// The order as it shall be; `version` is one more than the version it was decided on. Lines, amounts, address and
    /// note never change, and lines need not be there. The batch sets the instant of `ended`.
    Update(Box<Order>),
}

impl OrderWrite {
    /// The order.
    pub fn order(&self) -> &Order {
        match self {
            Self::Insert(order) | Self::Update(order) => order,
        }
    }
}

/// When to look at an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// At this instant, or at once if it has passed.
    At(UnixMillis),
    /// So many milliseconds after the batch's "now".
    In(i64),
}

/// One decision about orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub tenant: TenantId,
    /// The group row to insert: fence, idempotency record and tombstone. If the key is taken, nothing is written.
    pub group: Option<OrderGroup>,
    /// The promise to store: refused where its submit has ended, or was promised before.
    pub accept: Option<Box<AcceptedSubmit>>,
    /// The orders to write, each with its event.
    pub orders: Vec<(OrderWrite, EventKind)>,
    /// Rows that live with them: attempts, refunds, shipments, returns.
    pub satellites: Vec<Satellite>,
    /// When to look at orders again, besides the deadline of new ones.
    pub timers: Vec<(OrderNo, Due)>,
    /// The shard clock must have reached this instant.
    pub not_before: Option<UnixMillis>,
    /// The shard clock must not have reached this instant.
    pub not_after: Option<UnixMillis>,
}

impl Change {
    /// Writes nothing, but takes the feed head: its answer tells the shard clock, and no later decision is earlier.
    pub fn touch(tenant: TenantId) -> Self {
        Self {
            tenant,
            group: None,
            accept: None,
            orders: Vec::new(),
            satellites: Vec::new(),
            timers: Vec::new(),
            not_before: None,
            not_after: None,
        }
    }

    /// Promises that a submit will be decided, and keeps its request.
    pub fn accept(accepted: AcceptedSubmit) -> Self {
        let tenant = accepted.submit.tenant;
        Self { accept: Some(Box::new(accepted)), ..Self::touch(tenant) }
    }

    /// Writes a group row only: a tombstone or a refusal that spends the key.
    pub fn fence(group: OrderGroup) -> Self {
        let tenant = group.tenant;
        Self { group: Some(group), ..Self::touch(tenant) }
    }
}

/// The answer to one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeAnswer {
    /// Written, at this instant of the shard clock.
    Applied {
        /// "Now" of the batch.
        now: UnixMillis,
    },
    /// The group's key is taken; the row that took it.
    GroupExists(Box<OrderGroup>),
    /// The submit was promised before, and has not ended; what was promised.
    AlreadyAccepted(Box<Acceptance>),
    /// The submit was promised, and its orders must have these numbers, by seller.
    NumbersPromised(Vec<(SellerId, OrderNo)>),
    /// An order has another version than the change was decided on, or does not exist (`None`).
    Stale {
        /// The order.
        order_no: OrderNo,
        /// Its version now.
        current: Option<Version>,
    },
    /// A row beside the orders has another version than the change was decided on, or exists already.
    StaleRow {
        /// The row.
        key: SatelliteKey,
        /// Its version now.
        current: Option<Version>,
    },
    /// An order number is taken: draw another.
    NumberTaken(OrderNo),
    /// The shard clock has not reached `not_before`.
    TooEarly {
        /// "Now" of the batch.
        now: UnixMillis,
    },
    /// The shard clock has reached `not_after`.
    TooLate {
        /// "Now" of the batch.
        now: UnixMillis,
    },
}

/// Decides a batch in arrival order, each change against what the earlier ones left.
pub fn decide(changes: &[Change], guard: Guard) -> Decided {
    let mut batch = Batch {
        groups: guard.groups,
        acceptances: guard.acceptances,
        versions: guard.orders,
        row_versions: guard.satellites,
        now: guard.now,
        inserts: BTreeMap::new(),
        updates: BTreeMap::new(),
        new_groups: BTreeSet::new(),
        accepted: Vec::new(),
        kept: Vec::new(),
        numbers_used: Vec::new(),
        satellites: satellite::Rows::new(),
        timers: BTreeSet::new(),
        events: Vec::new(),
        next_seq: guard.next_seq,
    };
    let answers = changes.iter().map(|change| batch.judge(change).unwrap_or_else(|| batch.apply(change))).collect();
    batch.finish(answers)
}

struct Batch {
    groups: BTreeMap<(TenantId, GroupKey), OrderGroup>,
    acceptances: BTreeMap<(TenantId, GroupKey), Acceptance>,
    versions: BTreeMap<(TenantId, OrderNo), Version>,
    row_versions: BTreeMap<(TenantId, SatelliteKey), Version>,
    now: UnixMillis,
    inserts: BTreeMap<(TenantId, OrderNo), Order>,
    updates: BTreeMap<(TenantId, OrderNo), Order>,
    new_groups: BTreeSet<(TenantId, GroupKey)>,
    accepted: Vec<AcceptedSubmit>,
    kept: Vec<(TenantId, GroupKey)>,
    numbers_used: Vec<(TenantId, OrderNo)>,
    satellites: satellite::Rows,
    timers: BTreeSet<Timer>,
    events: Vec<Event>,
    next_seq: i64,
}

impl Batch {
    /// What stands in the way of a change; `None` if nothing does.
    fn judge(&self, change: &Change) -> Option<ChangeAnswer> {
        let now = self.now;
        if let Some(group) = &change.group {
            let key = (change.tenant, group.key.clone());
            if let Some(taken) = self.groups.get(&key) {
                return Some(ChangeAnswer::GroupExists(Box::new(taken.clone())));
            }
            if let Some(promised) = self.acceptances.get(&key).filter(|promised| breaks(promised, group, change)) {
                return Some(ChangeAnswer::NumbersPromised(promised.order_nos.clone()));
            }
        }
        if let Some(accepted) = &change.accept {
            let key = accepted.id();
            if let Some(taken) = self.groups.get(&key) {
                return Some(ChangeAnswer::GroupExists(Box::new(taken.clone())));
            }
            if let Some(promised) = self.acceptances.get(&key) {
                return Some(ChangeAnswer::AlreadyAccepted(Box::new(promised.clone())));
            }
        }
        if change.not_before.is_some_and(|not_before| now < not_before) {
            return Some(ChangeAnswer::TooEarly { now });
        }
        if change.not_after.is_some_and(|not_after| now >= not_after) {
            return Some(ChangeAnswer::TooLate { now });
        }
        self.judge_orders(change).or_else(|| self.judge_satellites(change))
    }

    fn judge_satellites(&self, change: &Change) -> Option<ChangeAnswer> {
        let mut seen = BTreeSet::new();
        change.satellites.iter().find_map(|row| {
            let key = row.key();
            let current = self.row_versions.get(&(change.tenant, key.clone())).copied();
            let fits = seen.insert(key.clone()) && row.follows(current);
            (!fits).then_some(ChangeAnswer::StaleRow { key, current })
        })
    }

    fn judge_orders(&self, change: &Change) -> Option<ChangeAnswer> {
        let mut seen = BTreeSet::new();
        change.orders.iter().find_map(|(write, _)| {
            let order = write.order();
            // One change writes each order once: a number given twice is taken by its own twin.
            let twice = !seen.insert(&order.no);
            let current = self.versions.get(&(change.tenant, order.no.clone())).copied();
            match write {
                OrderWrite::Insert(_) if twice || current.is_some() => {
                    Some(ChangeAnswer::NumberTaken(order.no.clone()))
                }
                OrderWrite::Update(_) if twice || current.map(Version::next) != Some(order.version) => {
                    Some(ChangeAnswer::Stale { order_no: order.no.clone(), current })
                }
                OrderWrite::Insert(_) | OrderWrite::Update(_) => None,
            }
        })
    }

    fn apply(&mut self, change: &Change) -> ChangeAnswer {
        let (tenant, now) = (change.tenant, self.now);
        if let Some(group) = &change.group {
            let key = (tenant, group.key.clone());
            self.groups.insert(key.clone(), OrderGroup { created: now, ..group.clone() });
            if let Some(promised) = self.acceptances.remove(&key) {
                self.keep(&promised, &group.state, &key);
            }
            self.new_groups.insert(key);
        }
        if let Some(accepted) = &change.accept {
            let mut accepted = (**accepted).clone();
            accepted.acceptance.accepted = now;
            accepted.acceptance.decide_by = now.plus_ms(accepted.acceptance.decide_by.0);
            self.acceptances.insert(accepted.id(), accepted.acceptance.clone());
            self.accepted.push(accepted);
        }
        for (write, kind) in &change.orders {
            let order_no = write.order().no.clone();
            let (seller, version) = (write.order().seller.clone(), write.order().version);
            let key = (tenant, order_no.clone());
            self.versions.insert(key.clone(), version);
            match write {
                OrderWrite::Insert(order) => {
                    let pay_deadline = now.plus_ms(order.pay_deadline.0);
                    let mut order = Order { created: now, pay_deadline, ..(**order).clone() };
                    order.life.hold_until = order.life.hold_until.map(|interval| now.plus_ms(interval.0));
                    self.inserts.insert(key, order);
                }
                OrderWrite::Update(order) => {
                    let mut order = (**order).clone();
                    stamp(&mut order, now);
                    match self.inserts.get_mut(&key) {
                        Some(inserted) => {
                            (order.created, order.pay_deadline) = (inserted.created, inserted.pay_deadline);
                            order.life.hold_until = inserted.life.hold_until;
                            order.lines = std::mem::take(&mut inserted.lines);
                            *inserted = order;
                        }
                        None => drop(self.updates.insert(key, order)),
                    }
                }
            }
            self.events.push(Event { seq: self.next_seq, tenant, order_no, seller, version, kind: *kind, at: now });
            self.next_seq += 1;
        }
        for row in &change.satellites {
            let (key, row) = ((tenant, row.key()), row.stamped(now));
            self.row_versions.insert(key.clone(), row.version());
            let is_new = row.version() == Version::FIRST || self.satellites.get(&key).is_some_and(|(_, new)| *new);
            self.satellites.insert(key, (row, is_new));
        }
        for (order_no, due) in &change.timers {
            let due = match due {
                Due::At(instant) => *instant,
                Due::In(interval_ms) => now.plus_ms(*interval_ms),
            };
            self.timers.insert(Timer { due, tenant, order_no: order_no.clone() });
        }
        ChangeAnswer::Applied { now }
    }

    /// A promised submit has ended: its to-do goes, and the numbers that are orders now lead to those.
    fn keep(&mut self, promised: &Acceptance, end: &GroupState, key: &(TenantId, GroupKey)) {
        if let GroupState::Placed { order_nos } = end {
            let promised = promised.order_nos.iter().map(|(_, order_no)| order_no);
            let used = promised.filter(|promised| order_nos.contains(promised));
            self.numbers_used.extend(used.map(|order_no| (key.0, order_no.clone())));
        }
        self.kept.push(key.clone());
    }

    fn finish(mut self, answers: Vec<ChangeAnswer>) -> Decided {
        let groups = self.new_groups.iter().filter_map(|key| self.groups.remove(key)).collect();
        let inserts: Vec<Order> = self.inserts.into_values().collect();
        self.timers.extend(inserts.iter().filter_map(first_look));
        let (new_rows, changed_rows): (Vec<_>, Vec<_>) = self.satellites.into_values().partition(|(_, is_new)| *is_new);
        Decided {
            answers,
            groups,
            accepted: self.accepted,
            kept: self.kept,
            numbers_used: self.numbers_used,
            inserts,
            updates: self.updates.into_values().collect(),
            new_rows: new_rows.into_iter().map(|(row, _)| row).collect(),
            changed_rows: changed_rows.into_iter().map(|(row, _)| row).collect(),
            timers: self.timers.into_iter().collect(),
            events: self.events,
            next_seq: self.next_seq,
        }
    }
}

/// Sets the instants that a draft leaves to the batch.
fn stamp(order: &mut Order, now: UnixMillis) {
    let ended = order.ended.as_mut().map(|ended| &mut ended.at);
    let instants = [ended, order.life.delivered.as_mut(), order.life.completed.as_mut()];
    for instant in instants.into_iter().flatten().filter(|instant| **instant == UnixMillis::default()) {
        *instant = now;
    }
}

/// When a new order that waits for payment is looked at first.
fn first_look(order: &Order) -> Option<Timer> {
    let due = order.life.hold_until.map_or(order.pay_deadline, |until| until.min(order.pay_deadline));
    let waits = order.status == super::OrderStatus::PendingPayment;
    waits.then(|| Timer { due, tenant: order.tenant, order_no: order.no.clone() })
}

/// Whether a change would give the orders of a promised submit other numbers than its client was told. Another request
/// under the same key is no part of the promise: the key was used for two, and the promised one will be refused.
fn breaks(promised: &Acceptance, group: &OrderGroup, change: &Change) -> bool {
    group.content == Some(promised.content)
        && change.orders.iter().any(|(write, _)| {
            let order = write.order();
            promised.number_of(&order.seller).is_some_and(|number| *number != order.no)
        })
}
