//! Periods in memory: placing asks them which account a line claims, without a database. A change is seen by every
//! process within a second.
//!
//! A process that does not know of a change yet claims another account than the others for that second: each claim is
//! still granted by the ledger, and what it gives back comes back to the account that it took from.

mod rest;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use holdline_domain::catalog::Sku;
use holdline_domain::fault::Fault;
use holdline_domain::id::{InvalidCode, InvalidField, SkuCode, TenantId};
use holdline_domain::ledger::{PERIODS_MAX, Period, PeriodAnswer};
use holdline_domain::order::{Offer, Submit};
use holdline_domain::port::LedgerStore;
use holdline_domain::refusal::Refusal;
use holdline_domain::time::UnixMillis;
use parking_lot::RwLock;

pub(crate) use rest::move_rests;

use crate::{App, Error};

/// How often changes of other processes are fetched: well under the second that a change may take to be seen.
const REFRESH_MS: u64 = 250;
/// Changes fetched at once.
const PAGE: usize = 2_000;
/// How long an ended period is kept: longer than clocks may differ, so that no clock makes it open again unknown.
const FORGOTTEN_AFTER_MS: i64 = 60_000;

type BySku = HashMap<TenantId, HashMap<SkuCode, Vec<Period>>>;

pub(crate) struct Periods {
    store: Arc<dyn LedgerStore>,
    /// Periods as of `seq`, those that ended long ago left out. Locked for single look-ups and updates, never across an
    /// await.
    by_sku: RwLock<BySku>,
    /// Whether there are any: the usual none costs one load.
    any: AtomicBool,
    /// One refresh at a time; guards `seq`, the last change that `by_sku` has.
    seq: tokio::sync::Mutex<i64>,
}

impl Periods {
    pub(crate) fn new(store: Arc<dyn LedgerStore>) -> Self {
        Self { store, by_sku: RwLock::default(), any: AtomicBool::new(false), seq: tokio::sync::Mutex::new(0) }
    }

    /// Fetches what changed since the last refresh. `now`: what has ended long before is forgotten.
    pub(crate) async fn refresh(&self, now: UnixMillis) -> Result<(), Fault> {
        let mut seq = self.seq.lock().await;
        loop {
            let (changes, last) = self.store.period_changes_after(*seq, PAGE).await?;
            let more = changes.len() == PAGE;
            self.take(changes, now);
            *seq = last.max(*seq);
            if !more {
                return Ok(());
            }
        }
    }

    fn take(&self, changes: Vec<(TenantId, Period)>, now: UnixMillis) {
        let forgotten = now.plus_ms(-FORGOTTEN_AFTER_MS);
        let mut by_sku = self.by_sku.write();
        for (tenant, changed) in changes {
            let periods = by_sku.entry(tenant).or_default().entry(changed.sku.clone()).or_default();
            periods.retain(|known| (&known.channel, &known.name) != (&changed.channel, &changed.name));
            periods.push(changed);
        }
        for periods in by_sku.values_mut().flat_map(HashMap::values_mut) {
            periods.retain(|period| forgotten < period.end);
        }
        for skus in by_sku.values_mut() {
            skus.retain(|_, periods| !periods.is_empty());
        }
        let any = by_sku.values().any(|skus| !skus.is_empty());
        self.any.store(any, Ordering::Relaxed);
    }

    /// SKUs as a channel sells them at an instant.
    fn offers(
        &self,
        tenant: TenantId,
        skus: Vec<Option<Arc<Sku>>>,
        channel: &str,
        now: UnixMillis,
    ) -> Vec<Option<Offer>> {
        if !self.any.load(Ordering::Relaxed) {
            return skus.into_iter().map(|sku| sku.map(Offer::always)).collect();
        }
        let by_sku = self.by_sku.read();
        let of_tenant = by_sku.get(&tenant);
        let offer = |sku: Arc<Sku>| {
            let periods = of_tenant.and_then(|skus| skus.get(&sku.code)).map_or(&[][..], Vec::as_slice);
            Offer::at(sku, periods, channel, now)
        };
        skus.into_iter().map(|sku| sku.map(offer)).collect()
    }
}

pub(crate) async fn keep_fresh(app: App) {
    while app.inner.tasks.pause(REFRESH_MS).await {
        if let Err(fault) = app.inner.periods.refresh(app.now_at_least()).await {
            tracing::warn!(%fault, "the periods could not be refreshed");
        }
    }
}

impl App {
    /// The best lower bound of the shard clock that a request has before its batch: what an instant is compared with
    /// where either side of a boundary will do.
    pub(crate) fn now_at_least(&self) -> UnixMillis {
        self.clock_floor().max(self.inner.ports.clock.wall())
    }

    /// What the lines of a submit ask for, from the periods that are open now: all lines at one instant.
    pub(crate) fn offers(&self, submit: &Submit) -> Vec<Option<Offer>> {
        let skus = self.inner.catalog.skus(submit.tenant, submit.lines.iter().map(|line| &line.sku));
        self.inner.periods.offers(submit.tenant, skus, &submit.channel, self.now_at_least())
    }

    /// What the lines of a submit ask for, whichever period is open: for a submit that has its hold.
    pub(crate) fn listed(&self, submit: &Submit) -> Vec<Option<Offer>> {
        let skus = self.inner.catalog.skus(submit.tenant, submit.lines.iter().map(|line| &line.sku));
        skus.into_iter().map(|sku| sku.map(Offer::always)).collect()
    }

    /// Writes a period. False: it was stored so before.
    pub async fn put_period(&self, tenant: TenantId, wish: Period) -> Result<bool, Error> {
        if wish.end <= wish.start {
            return Err(
                Refusal::from(InvalidField::new("/end", InvalidCode::OutOfRange, "must be later than start")).into()
            );
        }
        let answer = self.inner.ports.ledger.put_period(tenant, wish).await?;
        let stored = match answer {
            PeriodAnswer::Stored => true,
            PeriodAnswer::Unchanged => false,
            PeriodAnswer::Overlaps(period) => return Err(Refusal::PeriodOverlaps { period }.into()),
            PeriodAnswer::Begun => return Err(Refusal::PeriodBegun.into()),
            PeriodAnswer::EndsTooEarly => {
                let invalid = InvalidField::new("/end", InvalidCode::OutOfRange, "must be later than now");
                return Err(Refusal::from(invalid).into());
            }
            PeriodAnswer::Full => {
                let problem = format!("a SKU has at most {PERIODS_MAX} periods");
                return Err(Refusal::from(InvalidField::new("period", InvalidCode::TooLong, problem)).into());
            }
        };
        // It is stored: that it cannot be read back now must not look as if it were not.
        if let Err(fault) = self.inner.periods.refresh(self.now_at_least()).await {
            tracing::warn!(%fault, "a written period is known here with the next refresh");
        }
        Ok(stored)
    }

    /// Every period of a SKU, by channel and start.
    pub async fn periods(&self, tenant: TenantId, sku: &SkuCode) -> Result<Vec<Period>, Error> {
        Ok(self.inner.ports.ledger.periods(tenant, sku).await?)
    }
}
