//! The port of the ledger of holds.

use std::sync::Arc;

use async_trait::async_trait;

use crate::fault::Fault;
use crate::id::{GroupKey, SkuCode, TenantId};
use crate::ledger::{
    Account, AccountKey, CheckUrl, Closing, Closings, Deadline, EndedPeriod, HoldId, HoldRecord, LedgerAnswer,
    LedgerRequest, Movement, Outside, Part, Period, PeriodAnswer,
};
use crate::time::UnixMillis;

/// A hold that the reaper has not visited yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldVisit {
    /// The hold.
    pub hold: HoldRecord,
    /// When it was taken, by the ledger database's clock.
    pub taken: UnixMillis,
    /// The ledger database's clock when this was read.
    pub now: UnixMillis,
}

/// A page of an account's movements, newest first, each with its instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MovementPage {
    /// The movements.
    pub movements: Vec<(Movement, UnixMillis)>,
    /// Whether older ones exist.
    pub has_more: bool,
}

/// A part of an outside hold that is to be looked at: its deadline has passed, and so has the last look's pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueDeadline {
    /// Whose.
    pub tenant: TenantId,
    /// The hold.
    pub id: HoldId,
    /// The part.
    pub part: Part,
    /// Its deadline.
    pub deadline: Deadline,
    /// Whom to ask.
    pub check_url: Option<CheckUrl>,
}

/// Parts to look at, and the instant that they were found due at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DueDeadlines {
    /// The ledger database's clock. Whoever acts on it makes sure first that it has not jumped.
    pub now: UnixMillis,
    /// The most overdue first.
    pub due: Vec<DueDeadline>,
}

/// Ended periods to look at, and the instant that they were found due at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndedPeriods {
    /// The ledger database's clock. Whoever acts on it makes sure first that it has not jumped.
    pub now: UnixMillis,
    /// The most overdue first.
    pub due: Vec<EndedPeriod>,
}

/// Where the ledger lives.
#[async_trait]
pub trait LedgerStore: Send + Sync + 'static {
    /// Decides ([`crate::ledger::decide`]) and writes one batch in one durable transaction, under the ledger's head row.
    /// The batch is shared so that it can be sent again unchanged after an unknown outcome.
    async fn apply(&self, batch: Arc<[LedgerRequest]>) -> Result<Vec<LedgerAnswer>, Fault>;

    /// The newest hold (largest `n`) of each key, in the order of the keys. No lock, no write.
    async fn holds(&self, keys: &[(TenantId, GroupKey)]) -> Result<Vec<Option<HoldRecord>>, Fault>;

    /// One hold by its whole id.
    async fn hold(&self, tenant: TenantId, id: &HoldId) -> Result<Option<HoldRecord>, Fault>;

    /// Every stock account of each SKU, in the order of the SKUs.
    async fn stock(&self, tenant: TenantId, skus: &[SkuCode]) -> Result<Vec<Vec<Account>>, Fault>;

    /// Accounts by key; absent ones do not exist.
    async fn accounts(&self, tenant: TenantId, keys: &[AccountKey]) -> Result<Vec<Account>, Fault>;

    /// Accounts by number, as [`HoldRecord::lines`] name them; absent ones do not exist.
    async fn accounts_by_no(&self, account_nos: &[i64]) -> Result<Vec<Account>, Fault>;

    /// Movements of one account with `seq < before`, newest first.
    async fn movements(&self, account_no: i64, before: i64, limit: usize) -> Result<MovementPage, Fault>;

    /// Holds with `hold_no > cursor`, in order, at most `limit`: what the reaper visits next.
    async fn holds_after(&self, cursor: i64, limit: usize) -> Result<Vec<HoldVisit>, Fault>;

    /// What is stored beside a hold of an outside caller; `None` if no such caller ever spoke of it.
    async fn outside(&self, tenant: TenantId, id: &HoldId) -> Result<Option<Outside>, Fault>;

    /// Parts of outside holds to look at by the ledger database's clock, at most `limit`.
    async fn due_deadlines(&self, limit: usize) -> Result<DueDeadlines, Fault>;

    /// Writes a period ([`crate::ledger::put_period`]), judged by the ledger database's clock under the ledger's head row.
    async fn put_period(&self, tenant: TenantId, wish: Period) -> Result<PeriodAnswer, Fault>;

    /// Every period of a SKU, by channel and start.
    async fn periods(&self, tenant: TenantId, sku: &SkuCode) -> Result<Vec<Period>, Fault>;

    /// Periods as they are now, of which a change came after `seq` in the periods' own sequence: at most `limit`, and the
    /// sequence of the last one returned.
    async fn period_changes_after(&self, seq: i64, limit: usize) -> Result<(Vec<(TenantId, Period)>, i64), Fault>;

    /// Periods that have ended by the ledger database's clock, whose rest does not stay and which are to be looked at.
    async fn ended_periods(&self, limit: usize) -> Result<EndedPeriods, Fault>;

    /// Says when these are to be looked at next. One of which the due look has changed meanwhile is left as it is.
    async fn looked_at_periods(&self, looks: &[(EndedPeriod, UnixMillis)]) -> Result<(), Fault>;

    /// How many holds have a part that is still held.
    async fn open_holds(&self) -> Result<i64, Fault>;

    /// The reaper's cursor: every hold up to this number has been visited. 0 at first.
    async fn reaper_cursor(&self) -> Result<i64, Fault>;

    /// Moves the reaper's cursor forward; never back.
    async fn advance_reaper_cursor(&self, cursor: i64) -> Result<(), Fault>;

    /// How far the closings of accounts have come.
    async fn closings(&self) -> Result<Closings, Fault>;

    /// Begins the closing after `before` (the newest one, complete) up to the newest movement, under the ledger's head
    /// row. Nothing happens if another process has begun it.
    async fn begin_closing(&self, before: Option<&Closing>) -> Result<(), Fault>;

    /// Walks the next `limit` movements of a closing ([`crate::ledger::walk`]) in one durable transaction. Nothing happens
    /// if the closing has come further than `closing` says: another process walks it.
    async fn walk_closing(&self, closing: &Closing, limit: usize) -> Result<(), Fault>;
}
