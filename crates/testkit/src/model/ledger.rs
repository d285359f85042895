//! The ledger's port over maps.

mod rows;

use std::sync::Arc;

use async_trait::async_trait;
use holdline_domain::fault::Fault;
use holdline_domain::id::{GroupKey, SkuCode, TenantId};
use holdline_domain::ledger::{
    Account, AccountKey, Closing, Closings, EndedPeriod, HoldId, HoldRecord, LedgerAnswer, LedgerRequest, Outside,
    Period, PeriodAnswer,
};
use holdline_domain::port::{DueDeadline, DueDeadlines, EndedPeriods, HoldVisit, LedgerStore, MovementPage};
use holdline_domain::time::UnixMillis;

pub use self::rows::{LedgerRows, StoredHold, StoredMovement};
use super::Databases;
use super::process::Process;
use super::wire::{Delivery, Wire};
use crate::history::{History, Seen};

fn count(answers: &[LedgerAnswer], history: &History) {
    if answers.len() > 1 {
        history.saw(Seen::BatchOfMany);
    }
    for answer in answers {
        if matches!(answer, LedgerAnswer::AlreadyHeld(_) | LedgerAnswer::AlreadyResolved(_)) {
            history.saw(Seen::HoldRepeated);
        }
        if matches!(answer, LedgerAnswer::RestMoved { units: 1.. }) {
            history.saw(Seen::RestMoved);
        }
    }
}

/// The ledger as one process reaches it.
pub struct ModelLedger {
    wire: Wire<LedgerRows>,
}

impl ModelLedger {
    pub(super) fn new(databases: &Databases, process: &Arc<Process>) -> Self {
        Self { wire: Wire::new(databases, &databases.ledger, process) }
    }
}

#[async_trait]
impl LedgerStore for ModelLedger {
    async fn apply(&self, batch: Arc<[LedgerRequest]>) -> Result<Vec<LedgerAnswer>, Fault> {
        let (wire, history) = (self.wire.clone(), Arc::clone(self.wire.history()));
        let commit = move |rows: &mut LedgerRows, delivery: Delivery| {
            let answers = rows.apply(&batch, wire.database_clock().now(), delivery.at_ms);
            count(&answers, &history);
            Ok(answers)
        };
        self.wire.write("ledger.apply", commit).await
    }

    async fn holds(&self, keys: &[(TenantId, GroupKey)]) -> Result<Vec<Option<HoldRecord>>, Fault> {
        let read = |rows: &LedgerRows| keys.iter().map(|(tenant, key)| rows.newest_hold(*tenant, key)).collect();
        self.wire.read("ledger.holds", read).await
    }

    async fn hold(&self, tenant: TenantId, id: &HoldId) -> Result<Option<HoldRecord>, Fault> {
        let read = |rows: &LedgerRows| {
            let hold_no = rows.hold_nos.get(&(tenant, id.clone()))?;
            Some(rows.holds[hold_no].hold.clone())
        };
        self.wire.read("ledger.hold", read).await
    }

    async fn stock(&self, tenant: TenantId, skus: &[SkuCode]) -> Result<Vec<Vec<Account>>, Fault> {
        let read = |rows: &LedgerRows| {
            let of_sku = |sku: &SkuCode| {
                let is_stock = |account: &&Account| {
                    account.tenant == tenant && matches!(&account.key, AccountKey::Stock(stock) if stock.sku == *sku)
                };
                rows.accounts.values().filter(is_stock).cloned().collect()
            };
            skus.iter().map(of_sku).collect()
        };
        self.wire.read("ledger.stock", read).await
    }

    async fn accounts(&self, tenant: TenantId, keys: &[AccountKey]) -> Result<Vec<Account>, Fault> {
        let read = |rows: &LedgerRows| {
            let numbers = keys.iter().filter_map(|key| rows.account_nos.get(&(tenant, key.clone())));
            numbers.map(|no| rows.accounts[no].clone()).collect()
        };
        self.wire.read("ledger.accounts", read).await
    }

    async fn accounts_by_no(&self, account_nos: &[i64]) -> Result<Vec<Account>, Fault> {
        let read = |rows: &LedgerRows| account_nos.iter().filter_map(|no| rows.accounts.get(no)).cloned().collect();
        self.wire.read("ledger.accounts_by_no", read).await
    }

    async fn movements(&self, account_no: i64, before: i64, limit: usize) -> Result<MovementPage, Fault> {
        let read = |rows: &LedgerRows| {
            let newest_first = rows.movements.iter().rev();
            let of_account =
                newest_first.filter(|stored| stored.movement.account_no == account_no && stored.movement.seq < before);
            let mut movements: Vec<_> =
                of_account.take(limit.saturating_add(1)).map(|stored| (stored.movement.clone(), stored.at)).collect();
            let has_more = movements.len() > limit;
            movements.truncate(limit);
            MovementPage { movements, has_more }
        };
        self.wire.read("ledger.movements", read).await
    }

    async fn holds_after(&self, cursor: i64, limit: usize) -> Result<Vec<HoldVisit>, Fault> {
        let now = self.wire.database_clock();
        let read = |rows: &LedgerRows| {
            let later = rows.holds.range(cursor.saturating_add(1)..).take(limit);
            later.map(|(_, s)| HoldVisit { hold: s.hold.clone(), taken: s.taken, now: now.now() }).collect()
        };
        self.wire.read("ledger.holds_after", read).await
    }

    async fn outside(&self, tenant: TenantId, id: &HoldId) -> Result<Option<Outside>, Fault> {
        self.wire.read("ledger.outside", |rows| rows.outside.get(&(tenant, id.clone())).cloned()).await
    }

    async fn due_deadlines(&self, limit: usize) -> Result<DueDeadlines, Fault> {
        let clock = self.wire.database_clock();
        let read = |rows: &LedgerRows| {
            let now = clock.now();
            let mut due: Vec<DueDeadline> = Vec::new();
            for ((tenant, id), outside) in &rows.outside {
                let Outside::Taken { check_url, deadlines, .. } = outside else { continue };
                due.extend(deadlines.iter().filter(|(_, deadline)| deadline.visit <= now).map(|(part, deadline)| {
                    DueDeadline {
                        tenant: *tenant,
                        id: id.clone(),
                        part: part.clone(),
                        deadline: *deadline,
                        check_url: check_url.clone(),
                    }
                }));
            }
            due.sort_by_key(|due| due.deadline.visit);
            due.truncate(limit);
            DueDeadlines { now, due }
        };
        self.wire.read("ledger.due_deadlines", read).await
    }

    async fn put_period(&self, tenant: TenantId, wish: Period) -> Result<PeriodAnswer, Fault> {
        let clock = self.wire.clone();
        let commit =
            move |rows: &mut LedgerRows, _| Ok(rows.periods.put(tenant, wish.clone(), clock.database_clock().now()));
        self.wire.write("ledger.put_period", commit).await
    }

    async fn periods(&self, tenant: TenantId, sku: &SkuCode) -> Result<Vec<Period>, Fault> {
        self.wire.read("ledger.periods", |rows| rows.periods.of_sku(tenant, sku)).await
    }

    async fn period_changes_after(&self, seq: i64, limit: usize) -> Result<(Vec<(TenantId, Period)>, i64), Fault> {
        self.wire.read("ledger.period_changes_after", |rows| rows.periods.changes_after(seq, limit)).await
    }

    async fn ended_periods(&self, limit: usize) -> Result<EndedPeriods, Fault> {
        let clock = self.wire.database_clock();
        let read = |rows: &LedgerRows| {
            let now = clock.now();
            EndedPeriods { now, due: rows.periods.ended(now, limit) }
        };
        self.wire.read("ledger.ended_periods", read).await
    }

    async fn looked_at_periods(&self, looks: &[(EndedPeriod, UnixMillis)]) -> Result<(), Fault> {
        let looks = looks.to_vec();
        let commit = move |rows: &mut LedgerRows, _| {
            rows.periods.looked_at(&looks);
            Ok(())
        };
        self.wire.write("ledger.looked_at_periods", commit).await
    }

    async fn open_holds(&self) -> Result<i64, Fault> {
        self.wire.read("ledger.open_holds", |rows| rows.open_holds).await
    }

    async fn reaper_cursor(&self) -> Result<i64, Fault> {
        self.wire.read("ledger.reaper_cursor", |rows| rows.reaper_cursor).await
    }

    async fn advance_reaper_cursor(&self, cursor: i64) -> Result<(), Fault> {
        let commit = move |rows: &mut LedgerRows, _| {
            rows.reaper_cursor = rows.reaper_cursor.max(cursor);
            Ok(())
        };
        self.wire.write("ledger.advance_reaper_cursor", commit).await
    }

    async fn closings(&self) -> Result<Closings, Fault> {
        let clock = self.wire.database_clock();
        let read = |rows: &LedgerRows| Closings {
            now: clock.now(),
            newest_seq: rows.newest_seq(),
            first: rows.movements.first().map(|stored| stored.at),
            newest: rows.closings.last().copied(),
        };
        self.wire.read("ledger.closings", read).await
    }

    async fn begin_closing(&self, before: Option<&Closing>) -> Result<(), Fault> {
        let (clock, before) = (self.wire.clone(), before.copied());
        let commit = move |rows: &mut LedgerRows, _| {
            let seq = rows.newest_seq();
            if rows.closings.last().copied() == before && seq > before.map_or(0, |before| before.seq) {
                rows.closings.push(Closing::begin(before.as_ref(), seq, clock.database_clock().now()));
            }
            Ok(())
        };
        self.wire.write("ledger.begin_closing", commit).await
    }

    async fn walk_closing(&self, closing: &Closing, limit: usize) -> Result<(), Fault> {
        let closing = *closing;
        let commit = move |rows: &mut LedgerRows, _| {
            rows.walk(closing, limit);
            Ok(())
        };
        self.wire.write("ledger.walk_closing", commit).await
    }
}
