//! What may be asked of the ledger, and every answer by its own name.

use serde::{Deserialize, Serialize};

use super::{Account, AccountKey, Flags, HoldId, HoldRecord, MovementKind, OutsideRequest, Part};
use crate::id::{Fingerprint, Quantity, Reference, SellerId, SkuCode, TenantId};
use crate::order::OrderNo;

/// One claim on one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// Which part of the group needs it.
    pub part: Part,
    /// Of what.
    pub account: AccountKey,
    /// How many units.
    pub quantity: Quantity,
    /// For quota accounts: the most the buyer may use in all. `None` for stock.
    pub limit: Option<i64>,
}

/// How a part of a hold ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// Sold: held becomes allocated.
    Commit,
    /// Given back: held becomes available.
    Release,
}

/// One request to the ledger. Every one may be sent again: the second answer says so and changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerRequest {
    /// Claims all demands or none.
    Hold {
        /// Whose.
        tenant: TenantId,
        /// The hold's id.
        id: HoldId,
        /// The fingerprint of the submit: the same id with another content is refused.
        content: Fingerprint,
        /// The numbers of the orders to be placed, by seller.
        order_nos: Vec<(SellerId, OrderNo)>,
        /// What is claimed; at least one demand.
        demands: Vec<Demand>,
    },
    /// Ends one part of a hold.
    Resolve {
        /// Whose.
        tenant: TenantId,
        /// The hold's id.
        id: HoldId,
        /// The part; `None`: every part that is still held.
        part: Option<Part>,
        /// How.
        resolution: Resolution,
    },
    /// Goods leave: on hand and allocated fall together.
    Ship {
        /// Whose.
        tenant: TenantId,
        /// From which account.
        account: AccountKey,
        /// How many units.
        quantity: Quantity,
        /// Unique on the account.
        reference: Reference,
    },
    /// A sold unit is refunded before shipment: allocated falls, the unit is available again.
    Unallocate {
        /// Whose.
        tenant: TenantId,
        /// On which account.
        account: AccountKey,
        /// How many units.
        quantity: Quantity,
        /// Unique on the account.
        reference: Reference,
    },
    /// Stock-in, correction, write-off: a delta, never an overwrite.
    Adjust {
        /// Whose.
        tenant: TenantId,
        /// Which account; made if missing.
        account: AccountKey,
        /// Units to add; negative to take away; never 0.
        delta: i64,
        /// Unique on the account.
        reference: Reference,
        /// Allow on hand below held + allocated, leaving a shortfall movement.
        force: bool,
    },
    /// Replaces the flags of a stock account.
    SetFlags {
        /// Whose.
        tenant: TenantId,
        /// Which account; made if missing.
        account: AccountKey,
        /// The new flags.
        flags: Flags,
    },
    /// Moves what is available on one account to another of the same SKU, as it is when this is decided: the rest of a
    /// period that has ended. With nothing available it changes nothing, so it may be repeated at any time.
    MoveRest {
        /// Whose.
        tenant: TenantId,
        /// From which account.
        from: AccountKey,
        /// To which account; made if missing and there is something to move.
        to: AccountKey,
    },
    /// What only holds of outside callers are asked for.
    Outside {
        /// Whose.
        tenant: TenantId,
        /// The hold's id.
        id: HoldId,
        /// What.
        request: OutsideRequest,
    },
}

impl LedgerRequest {
    /// Whose request it is: queues are fair between tenants.
    pub fn tenant(&self) -> TenantId {
        match self {
            Self::Hold { tenant, .. }
            | Self::Resolve { tenant, .. }
            | Self::Ship { tenant, .. }
            | Self::Unallocate { tenant, .. }
            | Self::Adjust { tenant, .. }
            | Self::SetFlags { tenant, .. }
            | Self::MoveRest { tenant, .. }
            | Self::Outside { tenant, .. } => *tenant,
        }
    }
}

/// Why an account could not give what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShortageCause {
    /// Fewer units are available than asked for.
    Stock,
    /// The sold-out flag is set.
    SoldOut,
    /// The buyer's quota would be exceeded.
    Quota,
}

/// One account that could not give what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortage {
    /// The SKU concerned.
    pub sku: SkuCode,
    /// Why.
    pub cause: ShortageCause,
    /// Units asked for, all lines of the request summed.
    pub requested: i64,
    /// Units that could be had: available (never below 0) for stock, what is left of the limit for a quota.
    pub available: i64,
    /// The version of the account that this was judged at.
    pub account_version: i64,
}

/// The ledger's answer to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerAnswer {
    /// All demands are claimed.
    Held(HoldRecord),
    /// The same hold was taken before and at least one part is open: its numbers and parts as stored.
    AlreadyHeld(HoldRecord),
    /// The same hold was taken before and no part is open any more.
    AlreadyResolved(HoldRecord),
    /// At least one account is short; all of them are named, sorted by account. Nothing is claimed.
    Insufficient(Vec<Shortage>),
    /// The id is known with another fingerprint. Nothing is changed.
    ContentMismatch,
    /// The part (or all open parts) is sold.
    Committed,
    /// It was sold before.
    AlreadyCommitted,
    /// The part (or all open parts) is given back.
    Released,
    /// It was given back before.
    AlreadyReleased,
    /// No hold has this id, or the hold has no such part.
    UnknownHold,
    /// The hold was given up before it arrived: it will never be taken.
    Never,
    /// The deadlines are moved.
    Extended,
    /// This sender has the next look at an overdue part.
    Visited,
    /// The part has ended, its deadline was moved, or somebody else looks at it. Nothing is changed.
    Overtaken,
    /// The goods left.
    Shipped,
    /// They left before under the same reference.
    AlreadyShipped,
    /// The units are available again.
    Unallocated,
    /// They were given back before under the same reference.
    AlreadyUnallocated,
    /// Fewer units are allocated than should leave or be given back.
    NotAllocated {
        /// Units asked for.
        requested: i64,
        /// Units that are allocated.
        allocated: i64,
    },
    /// The balance changed; the account as it is now.
    Adjusted(Account),
    /// It was changed before under the same reference; the account as it is now.
    AlreadyAdjusted(Account),
    /// The reference is known on this account with another kind or quantity.
    ReferenceMismatch {
        /// The kind it was used for.
        kind: MovementKind,
        /// The quantity it was used for.
        quantity: i64,
    },
    /// On hand would fall below what is held and allocated.
    BreaksHolds(Account),
    /// The flags are set; the account as it is now.
    FlagsSet(Account),
    /// What was available is moved.
    RestMoved {
        /// How many units; 0: nothing was available, and nothing changed.
        units: i64,
    },
    /// A balance would leave its range, ± a quarter of that of i64.
    OutOfRange,
}
