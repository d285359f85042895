//! Movements: the unchangeable record of every change of every account. Balances are their sums.

use serde::{Deserialize, Serialize};

use super::Part;
use crate::id::{Reference, TenantId};

/// What happened to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MovementKind {
    /// held + q.
    Hold,
    /// held − q, allocated + q.
    Commit,
    /// held − q.
    Release,
    /// on hand − q, allocated − q.
    Ship,
    /// allocated − q.
    Unallocate,
    /// on hand + q, q signed.
    Adjust,
    /// The flags changed; q = 0.
    Flags,
    /// Alert, changes nothing: available fell to the danger level; q = available.
    Danger,
    /// Alert, changes nothing: a forced adjustment left on hand below held + allocated; q = what is missing.
    Shortfall,
    /// on hand + q, q signed: units moved between two accounts of a SKU. Two movements with neighbouring numbers, the one
    /// that takes away first, come to nothing together.
    Transfer,
}

impl MovementKind {
    /// The name in SQL, API and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Commit => "commit",
            Self::Release => "release",
            Self::Ship => "ship",
            Self::Unallocate => "unallocate",
            Self::Adjust => "adjust",
            Self::Flags => "flags",
            Self::Danger => "danger",
            Self::Shortfall => "shortfall",
            Self::Transfer => "transfer",
        }
    }

    /// Every kind, with [`Self::code`] as its place.
    pub const ALL: [Self; 10] = [
        Self::Hold,
        Self::Commit,
        Self::Release,
        Self::Ship,
        Self::Unallocate,
        Self::Adjust,
        Self::Flags,
        Self::Danger,
        Self::Shortfall,
        Self::Transfer,
    ];

    /// The stored code, 0 to 9; part of the stored format.
    pub fn code(self) -> i64 {
        self as i64
    }

    /// The kind of a stored code.
    pub fn from_code(code: i64) -> Option<Self> {
        usize::try_from(code).ok().and_then(|place| Self::ALL.get(place)).copied()
    }
}

/// One change of one account: the row that proves the balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// The ledger's gapless sequence.
    pub seq: i64,
    /// Whose.
    pub tenant: TenantId,
    /// Of which account.
    pub account_no: i64,
    /// What happened.
    pub kind: MovementKind,
    /// Units; signed for `Adjust`, `Transfer` and `Danger`, positive or zero otherwise.
    pub quantity: i64,
    /// The hold it belongs to.
    pub hold_no: Option<i64>,
    /// The hold's part it belongs to.
    pub part: Option<Part>,
    /// The reference that makes it unique on its account.
    pub reference: Option<Reference>,
}
