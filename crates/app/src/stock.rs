//! Stock: reading and adjusting accounts, and the marks that refuse sold-out demands without a database.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use holdline_domain::id::{Reference, SkuCode, TenantId};
use holdline_domain::ledger::{
    Account, AccountKey, Demand, Flags, LedgerAnswer, LedgerRequest, Shortage, ShortageCause, StockKey,
};
use holdline_domain::port::MovementPage;
use holdline_domain::refusal::Refusal;
use parking_lot::Mutex;

use crate::{App, Error};

/// Marks kept at once. Beyond that the ledger answers itself: a mark is an economy, never a rule.
const MARKS_MAX: usize = 100_000;

/// Sold-out marks: "available < q at account version v".
///
/// A mark refuses only demands of at least q, for a short while; then one request probes while the others still see the
/// mark. It is set only by a newer version. It may say no, never yes.
pub(crate) struct Marks {
    mark_ms: i64,
    /// Locked for single look-ups only.
    by_account: Mutex<HashMap<(TenantId, StockKey), Mark>>,
    /// How many there are: the usual none costs one load.
    count: AtomicUsize,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    shortage_requested: i64,
    available: i64,
    cause: ShortageCause,
    account_version: i64,
    until_ms: i64,
}

impl Marks {
    pub(crate) fn new(mark_ms: i64) -> Self {
        Self { mark_ms, by_account: Mutex::default(), count: AtomicUsize::new(0) }
    }

    /// What the marks refuse of these demands. A mark that is over lets this request probe.
    pub(crate) fn refused(&self, tenant: TenantId, demands: &[Demand], now_ms: i64) -> Vec<Shortage> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return Vec::new();
        }
        let mut marks = self.by_account.lock();
        let mut shortages = Vec::new();
        for demand in demands {
            let AccountKey::Stock(key) = &demand.account else { continue };
            let Some(mark) = marks.get_mut(&(tenant, key.clone())) else { continue };
            if now_ms >= mark.until_ms {
                mark.until_ms = now_ms + self.mark_ms;
                return Vec::new();
            }
            if demand.quantity.units() >= mark.shortage_requested {
                shortages.push(Shortage {
                    sku: key.sku.clone(),
                    cause: mark.cause,
                    requested: demand.quantity.units(),
                    available: mark.available,
                    account_version: mark.account_version,
                });
            }
        }
        shortages
    }

    /// Learns from the ledger's refusal of these demands, which are on one stock account of each SKU.
    pub(crate) fn set(&self, tenant: TenantId, shortages: &[Shortage], demands: &[Demand], now_ms: i64) {
        let mut marks = self.by_account.lock();
        for shortage in shortages.iter().filter(|shortage| shortage.cause != ShortageCause::Quota) {
            if marks.len() >= MARKS_MAX {
                marks.retain(|_, mark| now_ms < mark.until_ms);
                if marks.len() >= MARKS_MAX {
                    break;
                }
            }
            let new = Mark {
                shortage_requested: shortage.requested,
                available: shortage.available,
                cause: shortage.cause,
                account_version: shortage.account_version,
                until_ms: now_ms + self.mark_ms,
            };
            let of_sku = demands.iter().find_map(|demand| match &demand.account {
                AccountKey::Stock(key) if key.sku == shortage.sku => Some(key.clone()),
                _ => None,
            });
            let Some(key) = of_sku.map(|key| (tenant, key)) else { continue };
            let mark = marks.entry(key).or_insert(new);
            if mark.account_version < new.account_version
                || (mark.account_version == new.account_version && new.shortage_requested < mark.shortage_requested)
            {
                *mark = new;
            }
        }
        self.count.store(marks.len(), Ordering::Relaxed);
    }

    /// Forgets the marks of accounts that have just given what was asked.
    pub(crate) fn clear(&self, tenant: TenantId, demands: &[Demand]) {
        if self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut marks = self.by_account.lock();
        for demand in demands {
            if let AccountKey::Stock(key) = &demand.account {
                marks.remove(&(tenant, key.clone()));
            }
        }
        self.count.store(marks.len(), Ordering::Relaxed);
    }
}

impl App {
    /// Every stock account of each SKU, in the order of the SKUs.
    pub async fn stock(&self, tenant: TenantId, skus: &[SkuCode]) -> Result<Vec<Vec<Account>>, Error> {
        Ok(self.inner.ports.ledger.stock(tenant, skus).await?)
    }

    /// Movements of one account below `before`, newest first.
    pub async fn movements(
        &self,
        tenant: TenantId,
        key: &AccountKey,
        before: Option<i64>,
        limit: usize,
    ) -> Result<MovementPage, Error> {
        let accounts = self.inner.ports.ledger.accounts(tenant, std::slice::from_ref(key)).await?;
        let Some(account) = accounts.first() else {
            return Ok(MovementPage::default());
        };
        Ok(self.inner.ports.ledger.movements(account.account_no, before.unwrap_or(i64::MAX), limit).await?)
    }

    /// Changes on hand by a delta under a reference that is unique on the account. True: it was done before.
    pub async fn adjust(
        &self,
        tenant: TenantId,
        account: AccountKey,
        delta: i64,
        reference: Reference,
        force: bool,
    ) -> Result<(Account, bool), Error> {
        let request = LedgerRequest::Adjust { tenant, account, delta, reference, force };
        match self.inner.ledger.offer(request).await? {
            LedgerAnswer::Adjusted(account) => Ok((account, false)),
            LedgerAnswer::AlreadyAdjusted(account) => Ok((account, true)),
            LedgerAnswer::BreaksHolds(Account { on_hand, held, allocated, .. }) => {
                Err(Refusal::BreaksHolds { on_hand, held, allocated }.into())
            }
            LedgerAnswer::ReferenceMismatch { kind, quantity } => {
                Err(Refusal::ReferenceReused { kind, quantity }.into())
            }
            LedgerAnswer::OutOfRange => Err(Refusal::OutOfRange.into()),
            other => unreachable!("an adjustment is never answered {other:?}"),
        }
    }

    /// Replaces the flags of a stock account.
    pub async fn set_flags(&self, tenant: TenantId, account: AccountKey, flags: Flags) -> Result<Account, Error> {
        let request = LedgerRequest::SetFlags { tenant, account, flags };
        match self.inner.ledger.offer(request).await? {
            LedgerAnswer::FlagsSet(account) => Ok(account),
            other => unreachable!("flags are never answered {other:?}"),
        }
    }
}
