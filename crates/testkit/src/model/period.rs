//! Periods of the model ledger.

use std::collections::BTreeMap;

use holdline_domain::id::{SkuCode, TenantId};
use holdline_domain::ledger::{EndedPeriod, Period, PeriodAnswer, Rest, StockKey, put_period};
use holdline_domain::time::UnixMillis;

#[derive(Debug, Clone)]
struct Stored {
    period: Period,
    look: Option<UnixMillis>,
    changed_seq: i64,
}

/// Every period of the ledger's database.
#[derive(Debug, Clone, Default)]
pub struct PeriodRows {
    /// By tenant and account.
    by_key: BTreeMap<(TenantId, StockKey), Stored>,
    changes: i64,
}

impl PeriodRows {
    pub(super) fn put(&mut self, tenant: TenantId, wish: Period, now: UnixMillis) -> PeriodAnswer {
        let answer = put_period(&self.of_sku(tenant, &wish.sku), &wish, now);
        if answer == PeriodAnswer::Stored {
            self.changes += 1;
            let look = (wish.rest != Rest::Keep).then_some(wish.end);
            self.by_key.insert((tenant, wish.account()), Stored { period: wish, look, changed_seq: self.changes });
        }
        answer
    }

    pub(super) fn of_sku(&self, tenant: TenantId, sku: &SkuCode) -> Vec<Period> {
        let of_sku = self.by_key.iter().filter(|((of, account), _)| *of == tenant && account.sku == *sku);
        let mut periods: Vec<Period> = of_sku.map(|(_, stored)| stored.period.clone()).collect();
        periods.sort_by(|a, b| (&a.channel, a.start).cmp(&(&b.channel, b.start)));
        periods
    }

    pub(super) fn changes_after(&self, seq: i64, limit: usize) -> (Vec<(TenantId, Period)>, i64) {
        let mut changes: Vec<_> = self.by_key.iter().filter(|(_, stored)| stored.changed_seq > seq).collect();
        changes.sort_by_key(|(_, stored)| stored.changed_seq);
        changes.truncate(limit);
        let last = changes.last().map_or(seq, |(_, stored)| stored.changed_seq);
        (changes.into_iter().map(|((tenant, ..), stored)| (*tenant, stored.period.clone())).collect(), last)
    }

    pub(super) fn ended(&self, now: UnixMillis, limit: usize) -> Vec<EndedPeriod> {
        let due = self.by_key.iter().filter_map(|((tenant, ..), stored)| {
            let look = stored.look.filter(|look| *look <= now)?;
            let period = stored.period.clone();
            let of_sku = self.of_sku(*tenant, &period.sku).into_iter();
            let next = of_sku
                .filter(|other| other.channel == period.channel && other.start >= period.end)
                .min_by_key(|other| other.start);
            Some(EndedPeriod { tenant: *tenant, period, next: next.map(|next| next.name), look })
        });
        let mut due: Vec<EndedPeriod> = due.collect();
        due.sort_by_key(|ended| ended.look);
        due.truncate(limit);
        due
    }

    pub(super) fn looked_at(&mut self, looks: &[(EndedPeriod, UnixMillis)]) {
        for (ended, next) in looks {
            if let Some(stored) = self.by_key.get_mut(&(ended.tenant, ended.period.account()))
                && stored.look == Some(ended.look)
            {
                stored.look = Some(*next);
            }
        }
    }
}
