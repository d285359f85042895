//! What an engine reads under lock before a batch is decided, and what it writes afterwards.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Account, AccountKey, DeadlineWrite, Flags, HoldId, HoldRecord, LedgerAnswer, LedgerRequest, Movement, MovementKind,
    Outside, OutsideRequest, OutsideWrite, Part, PartState,
};
use crate::id::{Reference, TenantId};
use crate::time::UnixMillis;

/// What an engine must read, under lock, before it can decide a batch.
#[derive(Debug, Clone, Default)]
pub struct GuardKeys {
    /// Holds by id.
    pub holds: BTreeSet<(TenantId, HoldId)>,
    /// Accounts by key.
    pub accounts: BTreeSet<(TenantId, AccountKey)>,
    /// References that were perhaps used on an account.
    pub references: BTreeSet<(TenantId, AccountKey, Reference)>,
    /// Holds that outside callers may have taken: what is stored beside them. Also named in `holds`.
    pub outside: BTreeSet<(TenantId, HoldId)>,
}

impl GuardKeys {
    /// What the batch touches. The accounts of the holds to resolve are known only once the holds are read: an engine
    /// reads those by the account numbers in [`HoldRecord::lines`].
    pub fn of(requests: &[LedgerRequest]) -> Self {
        let mut keys = Self::default();
        for request in requests {
            match request {
                LedgerRequest::Hold { tenant, id, demands, .. } => {
                    keys.holds.insert((*tenant, id.clone()));
                    keys.accounts.extend(demands.iter().map(|demand| (*tenant, demand.account.clone())));
                }
                LedgerRequest::Resolve { tenant, id, .. } => {
                    keys.holds.insert((*tenant, id.clone()));
                    if id.key.is_outside() {
                        keys.outside.insert((*tenant, id.clone()));
                    }
                }
                LedgerRequest::Outside { tenant, id, request } => {
                    keys.holds.insert((*tenant, id.clone()));
                    keys.outside.insert((*tenant, id.clone()));
                    if let OutsideRequest::Take { demands, .. } = request {
                        keys.accounts.extend(demands.iter().map(|demand| (*tenant, demand.account.clone())));
                    }
                }
                LedgerRequest::Ship { tenant, account, reference, .. }
                | LedgerRequest::Unallocate { tenant, account, reference, .. }
                | LedgerRequest::Adjust { tenant, account, reference, .. } => {
                    keys.accounts.insert((*tenant, account.clone()));
                    keys.references.insert((*tenant, account.clone(), reference.clone()));
                }
                LedgerRequest::MoveRest { tenant, from, to } => {
                    keys.accounts.extend([from, to].map(|account| (*tenant, account.clone())));
                }
                LedgerRequest::SetFlags { tenant, account, .. } => {
                    keys.accounts.insert((*tenant, account.clone()));
                }
            }
        }
        keys
    }
}

/// What a reference was used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredReference {
    /// The kind of movement.
    pub kind: MovementKind,
    /// Its quantity.
    pub quantity: i64,
}

/// The rows of one batch, as read under lock. What is absent does not exist.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    /// Holds by id.
    pub holds: BTreeMap<(TenantId, HoldId), HoldRecord>,
    /// Accounts by key: those of the demands and those of the holds to resolve.
    pub accounts: Vec<Account>,
    /// References that were used.
    pub references: BTreeMap<(TenantId, AccountKey, Reference), StoredReference>,
    /// What is stored beside holds of outside callers.
    pub outside: BTreeMap<(TenantId, HoldId), Outside>,
    /// The instant that deadlines are stamped from: the database's clock. Nothing is decided by it.
    pub now: UnixMillis,
    /// The next number of the ledger's gapless sequence.
    pub next_seq: i64,
    /// The next account number.
    pub next_account_no: i64,
    /// How many holds have a part that is still held.
    pub open_holds: i64,
}

/// A change of the parts of a stored hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldUpdate {
    /// Which hold.
    pub hold_no: i64,
    /// Each part's new state, sorted by part.
    pub parts: Vec<(Part, PartState)>,
}

/// What to add to a stored account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountDelta {
    /// Which account.
    pub account_no: i64,
    /// Change of on hand.
    pub on_hand: i64,
    /// Change of held.
    pub held: i64,
    /// Change of allocated.
    pub allocated: i64,
    /// Change of the version.
    pub version: i64,
}

/// New flags of a stored account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlagsWrite {
    /// Which account.
    pub account_no: i64,
    /// Its flags.
    pub flags: Flags,
}

/// The decision on a batch: answers in the order of the requests, and the rows to write, all of them or none.
#[derive(Debug, Clone, Default)]
pub struct Decided {
    /// One answer per request.
    pub answers: Vec<LedgerAnswer>,
    /// New holds, in the order of their numbers.
    pub holds: Vec<HoldRecord>,
    /// Changed parts of holds that were stored before this batch, sorted by hold number.
    pub hold_updates: Vec<HoldUpdate>,
    /// New accounts with their final balances.
    pub accounts: Vec<Account>,
    /// Changes of accounts that were stored before, sorted by account number.
    pub account_deltas: Vec<AccountDelta>,
    /// New flags of accounts that were stored before, sorted by account number.
    pub flags: Vec<FlagsWrite>,
    /// New rows beside holds of outside callers.
    pub outside: Vec<OutsideWrite>,
    /// Changed deadlines, sorted by hold and part.
    pub deadlines: Vec<DeadlineWrite>,
    /// Movements in sequence, without a gap from the guard's `next_seq`.
    pub movements: Vec<Movement>,
    /// The next number of the ledger's sequence.
    pub next_seq: i64,
    /// The next account number.
    pub next_account_no: i64,
    /// How many holds have a part that is still held.
    pub open_holds: i64,
}
