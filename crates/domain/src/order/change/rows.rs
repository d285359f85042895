//! What an engine reads under lock before a batch of changes is decided, and what it writes afterwards.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, ChangeAnswer, Satellite, SatelliteKey};
use crate::id::{GroupKey, SellerId, TenantId, Version};
use crate::order::{Acceptance, AcceptedSubmit, EventKind, Order, OrderGroup, OrderNo};
use crate::time::UnixMillis;

/// What an engine must read, under lock, before it can decide a batch.
#[derive(Debug, Clone, Default)]
pub struct GuardKeys {
    /// Group rows, and the promises under the same keys.
    pub groups: BTreeSet<(TenantId, GroupKey)>,
    /// Versions of orders, also of those to insert.
    pub orders: BTreeSet<(TenantId, OrderNo)>,
    /// Versions of rows beside them, also of those to insert.
    pub satellites: BTreeSet<(TenantId, SatelliteKey)>,
}

impl GuardKeys {
    /// What the batch touches.
    pub fn of(changes: &[Change]) -> Self {
        let mut keys = Self::default();
        for change in changes {
            keys.groups.extend(change.group.iter().map(|group| (change.tenant, group.key.clone())));
            keys.groups.extend(change.accept.iter().map(|accepted| accepted.id()));
            keys.satellites.extend(change.satellites.iter().map(|row| (change.tenant, row.key())));
            keys.orders.extend(change.orders.iter().map(|(write, _)| (change.tenant, write.order().no.clone())));
        }
        keys
    }
}

/// The rows of one batch, as read under lock. What is absent does not exist.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    /// Group rows by key.
    pub groups: BTreeMap<(TenantId, GroupKey), OrderGroup>,
    /// Promises that are not kept yet, by key.
    pub acceptances: BTreeMap<(TenantId, GroupKey), Acceptance>,
    /// Versions of orders.
    pub orders: BTreeMap<(TenantId, OrderNo), Version>,
    /// Versions of rows beside them.
    pub satellites: BTreeMap<(TenantId, SatelliteKey), Version>,
    /// The next number of the feed's gapless sequence.
    pub next_seq: i64,
    /// The shard clock ([`crate::time::ShardClock::judge`]).
    pub now: UnixMillis,
}

/// One event as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place in the feed, without gaps.
    pub seq: i64,
    /// Whose.
    pub tenant: TenantId,
    /// The order it is about.
    pub order_no: OrderNo,
    /// Whose order it is: the index by seller is made from the feed alone.
    pub seller: SellerId,
    /// The order's version after it: gapless per order.
    pub version: Version,
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub at: UnixMillis,
}

/// What must be looked at when its instant comes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timer {
    /// When.
    pub due: UnixMillis,
    /// Whose.
    pub tenant: TenantId,
    /// The order.
    pub order_no: OrderNo,
}

/// The decision on a batch: answers in the order of the changes, and the rows to write, all of them or none.
#[derive(Debug, Clone, Default)]
pub struct Decided {
    /// One answer per change.
    pub answers: Vec<ChangeAnswer>,
    /// New group rows, sorted by key.
    pub groups: Vec<OrderGroup>,
    /// New promises, to be written before `kept` is taken away.
    pub accepted: Vec<AcceptedSubmit>,
    /// Promises to take away, because their submits have ended.
    pub kept: Vec<(TenantId, GroupKey)>,
    /// Promised numbers to take away, because orders have them now. A number whose submit ended otherwise stays, and
    /// leads to its key for ever.
    pub numbers_used: Vec<(TenantId, OrderNo)>,
    /// New orders, sorted by number.
    pub inserts: Vec<Order>,
    /// Changed orders as they shall be, sorted by number; each differs from the stored one by its axes, `hold_n`,
    /// `version`, `ended` and `life` only; its lines may be missing, and stay as they are stored.
    pub updates: Vec<Order>,
    /// New rows beside orders, sorted by key.
    pub new_rows: Vec<Satellite>,
    /// Changed rows beside orders as they shall be, sorted by key.
    pub changed_rows: Vec<Satellite>,
    /// New timers, sorted: one per new order that waits for payment, and those asked for. One that is there already
    /// stays.
    pub timers: Vec<Timer>,
    /// Events in sequence, without a gap from the guard's `next_seq`.
    pub events: Vec<Event>,
    /// The next number of the feed's sequence.
    pub next_seq: i64,
}
