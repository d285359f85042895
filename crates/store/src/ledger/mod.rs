//! The ledger of holds on SQL.
//!
//! Every batch runs under the one row of `ledger_head`: what it reads is committed and cannot change before its own
//! commit. Movements are numbered without gaps from that row.
//!
//! Deliberately absent: an index of movements by account. Each hold would write one entry per account into it; instead
//! every movement names the one before it on its account, and the account names its newest, so that a page of movements
//! is one walk of point reads.

mod apply;
mod closing;
mod outside;
mod period;
mod stored;
mod writes;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use holdline_domain::fault::Fault;
use holdline_domain::id::{GroupKey, SkuCode, TenantId};
use holdline_domain::ledger::{
    Account, AccountKey, Closing, Closings, EndedPeriod, HoldId, HoldRecord, LedgerAnswer, LedgerRequest, Outside,
    Period, PeriodAnswer,
};
use holdline_domain::port::{DueDeadlines, EndedPeriods, HoldVisit, LedgerStore, MovementPage};
use holdline_domain::time::UnixMillis;

use self::apply::Apply;
use self::stored::{ACCOUNT_COLUMNS, ACCOUNT_KEY, HOLD_COLUMNS, KIND_STOCK, LEDGER};
use crate::engine::{Column, Engine, Lookup, Row, Value};
use crate::program::{Once, Results, head, set_head};
use crate::rows::count;

/// The ledger over an engine.
#[derive(Clone)]
pub struct SqlLedger<E> {
    engine: E,
}

impl<E: Engine> SqlLedger<E> {
    /// The ledger in the database behind `engine`.
    pub fn new(engine: E) -> Self {
        Self { engine }
    }

    async fn one_lookup(&self, lookup: Lookup) -> Result<Vec<Row>, Fault> {
        Ok(self.engine.lookup(vec![lookup]).await?.pop().unwrap_or_default())
    }

    /// The second of these columns of the head row, as it is now.
    async fn head_figure(&self, columns: &'static [&'static str]) -> Result<i64, Fault> {
        let lookup = Lookup { lock: false, ..head("ledger_head", columns) };
        let mut row = Results::new(vec![self.one_lookup(lookup).await?]).head(LEDGER)?;
        row.int()
    }

    async fn accounts_of(&self, key: &'static [&'static str], keys: Vec<Column>) -> Result<Vec<Account>, Fault> {
        let lookup = Lookup { table: "account", columns: ACCOUNT_COLUMNS, key, keys, lock: false };
        let rows = self.one_lookup(lookup).await?;
        rows.into_iter().map(|row| stored::account(row).map(|(account, _)| account)).collect()
    }
}

#[async_trait]
impl<E: Engine> LedgerStore for SqlLedger<E> {
    async fn apply(&self, batch: Arc<[LedgerRequest]>) -> Result<Vec<LedgerAnswer>, Fault> {
        self.engine.run(Apply::new(batch)).await
    }

    async fn holds(&self, keys: &[(TenantId, GroupKey)]) -> Result<Vec<Option<HoldRecord>>, Fault> {
        let lookup = Lookup {
            table: "hold",
            columns: HOLD_COLUMNS,
            key: &["tenant", "hold_key"],
            keys: vec![
                Column::Int(keys.iter().map(|(tenant, _)| tenant.0).collect()),
                Column::Text(keys.iter().map(|(_, key)| key.as_str().to_owned()).collect()),
            ],
            lock: false,
        };
        let mut newest: HashMap<(TenantId, GroupKey), HoldRecord> = HashMap::new();
        for row in self.one_lookup(lookup).await? {
            let (hold, _) = stored::hold(row)?;
            let key = (hold.tenant, hold.id.key.clone());
            if newest.get(&key).is_none_or(|known| known.id.n < hold.id.n) {
                newest.insert(key, hold);
            }
        }
        // A key may be asked for twice in one batch of waiting requests.
        Ok(keys.iter().map(|key| newest.get(key).cloned()).collect())
    }

    async fn hold(&self, tenant: TenantId, id: &HoldId) -> Result<Option<HoldRecord>, Fault> {
        let lookup = Lookup {
            table: "hold",
            columns: HOLD_COLUMNS,
            key: &["tenant", "hold_key", "n"],
            keys: vec![
                Column::Int(vec![tenant.0]),
                Column::Text(vec![id.key.as_str().to_owned()]),
                Column::Int(vec![i64::from(id.n)]),
            ],
            lock: false,
        };
        self.one_lookup(lookup).await?.pop().map(|row| stored::hold(row).map(|(hold, _)| hold)).transpose()
    }

    async fn stock(&self, tenant: TenantId, skus: &[SkuCode]) -> Result<Vec<Vec<Account>>, Fault> {
        let lookup = Lookup {
            table: "account",
            columns: ACCOUNT_COLUMNS,
            key: &["tenant", "sku", "kind"],
            keys: vec![
                Column::Int(vec![tenant.0; skus.len()]),
                Column::Text(skus.iter().map(|sku| sku.as_str().to_owned()).collect()),
                Column::Int(vec![KIND_STOCK; skus.len()]),
            ],
            lock: false,
        };
        let mut by_sku: HashMap<SkuCode, Vec<Account>> = HashMap::new();
        for row in self.one_lookup(lookup).await? {
            let (account, _) = stored::account(row)?;
            let accounts = by_sku.entry(account.key.sku().clone()).or_default();
            // A SKU that is asked for twice is looked up twice.
            if !accounts.contains(&account) {
                accounts.push(account);
            }
        }
        let sorted = |sku| {
            let mut accounts: Vec<Account> = by_sku.get(sku).cloned().unwrap_or_default();
            accounts.sort_by(|a, b| a.key.cmp(&b.key));
            accounts
        };
        Ok(skus.iter().map(sorted).collect())
    }

    async fn accounts(&self, tenant: TenantId, keys: &[AccountKey]) -> Result<Vec<Account>, Fault> {
        let keys = stored::account_keys(keys.iter().map(|key| (tenant, key)));
        self.accounts_of(ACCOUNT_KEY, keys).await
    }

    async fn accounts_by_no(&self, account_nos: &[i64]) -> Result<Vec<Account>, Fault> {
        self.accounts_of(&["account_no"], vec![Column::Int(account_nos.to_vec())]).await
    }

    async fn movements(&self, account_no: i64, before: i64, limit: usize) -> Result<MovementPage, Fault> {
        let sql = include_str!("../../sql/ledger/list_movements.sql");
        let parameters = vec![Value::Int(before), Value::Int(account_no), count(limit.saturating_add(1))];
        let rows = self.engine.query(sql, parameters).await?;
        let mut movements = rows.into_iter().map(stored::movement).collect::<Result<Vec<_>, _>>()?;
        let has_more = movements.len() > limit;
        movements.truncate(limit);
        Ok(MovementPage { movements, has_more })
    }

    async fn holds_after(&self, cursor: i64, limit: usize) -> Result<Vec<HoldVisit>, Fault> {
        let sql = include_str!("../../sql/ledger/list_holds_after.sql");
        let rows = self.engine.query(sql, vec![Value::Int(cursor), count(limit)]).await?;
        let now = self.engine.now().await?;
        let visit = |row| stored::hold(row).map(|(hold, taken)| HoldVisit { hold, taken, now });
        rows.into_iter().map(visit).collect()
    }

    async fn outside(&self, tenant: TenantId, id: &HoldId) -> Result<Option<Outside>, Fault> {
        let key = (tenant, id.clone());
        let lookup = outside::lookup_outside(&std::iter::once(key.clone()).collect());
        let mut rows = outside::outside_rows(self.one_lookup(lookup).await?)?;
        if let Some(lookup) = outside::lookup_deadlines(&rows) {
            outside::take_deadlines(&mut rows, self.one_lookup(lookup).await?)?;
        }
        Ok(rows.remove(&key))
    }

    async fn due_deadlines(&self, limit: usize) -> Result<DueDeadlines, Fault> {
        let sql = include_str!("../../sql/ledger/list_due_deadlines.sql");
        let now = self.engine.now().await?;
        let rows = self.engine.query(sql, vec![Value::Int(now.0), count(limit)]).await?;
        let due = rows.into_iter().map(outside::due_deadline).collect::<Result<_, _>>()?;
        Ok(DueDeadlines { now, due })
    }

    async fn put_period(&self, tenant: TenantId, wish: Period) -> Result<PeriodAnswer, Fault> {
        period::put(&self.engine, tenant, wish).await
    }

    async fn periods(&self, tenant: TenantId, sku: &SkuCode) -> Result<Vec<Period>, Fault> {
        period::sorted(self.one_lookup(period::of_sku(tenant, sku)).await?)
    }

    async fn period_changes_after(&self, seq: i64, limit: usize) -> Result<(Vec<(TenantId, Period)>, i64), Fault> {
        let sql = include_str!("../../sql/ledger/list_period_changes_after.sql");
        let rows = self.engine.query(sql, vec![Value::Int(seq), count(limit)]).await?;
        let changes = rows.into_iter().map(period::change).collect::<Result<Vec<_>, _>>()?;
        let last = changes.last().map_or(seq, |(last, _)| *last);
        Ok((changes.into_iter().map(|(_, change)| change).collect(), last))
    }

    async fn ended_periods(&self, limit: usize) -> Result<EndedPeriods, Fault> {
        let sql = include_str!("../../sql/ledger/list_ended_periods.sql");
        let now = self.engine.now().await?;
        let rows = self.engine.query(sql, vec![Value::Int(now.0), count(limit)]).await?;
        let due = rows.into_iter().map(period::ended).collect::<Result<_, _>>()?;
        Ok(EndedPeriods { now, due })
    }

    async fn looked_at_periods(&self, looks: &[(EndedPeriod, UnixMillis)]) -> Result<(), Fault> {
        period::looked_at(&self.engine, looks).await
    }

    async fn open_holds(&self) -> Result<i64, Fault> {
        self.head_figure(&["min_writer", "open_holds"]).await
    }

    async fn reaper_cursor(&self) -> Result<i64, Fault> {
        self.head_figure(&["min_writer", "reaper_cursor"]).await
    }

    async fn advance_reaper_cursor(&self, cursor: i64) -> Result<(), Fault> {
        let lookups = vec![head("ledger_head", &["min_writer", "reaper_cursor"])];
        let program = Once::new(lookups, move |mut results, _now| {
            let stored = results.head(LEDGER)?.int()?;
            let forward = cursor > stored;
            let writes = if forward { vec![set_head("ledger_head", &["reaper_cursor"], &[cursor])] } else { vec![] };
            Ok((writes, ()))
        });
        self.engine.run(program).await
    }

    async fn closings(&self) -> Result<Closings, Fault> {
        closing::closings(&self.engine).await
    }

    async fn begin_closing(&self, before: Option<&Closing>) -> Result<(), Fault> {
        closing::begin(&self.engine, before).await
    }

    async fn walk_closing(&self, closing: &Closing, limit: usize) -> Result<(), Fault> {
        closing::walk_on(&self.engine, closing, limit).await
    }
}
