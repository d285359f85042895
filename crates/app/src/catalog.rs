//! The catalog in memory: placing reads it without a database; a change is seen by every process within a second.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use holdline_domain::catalog::{CatalogChange, PutAnswer, Seller, SellerDraft, Sku, SkuDraft, check_title};
use holdline_domain::fault::Fault;
use holdline_domain::id::{SellerId, SkuCode, TenantId, Version};
use holdline_domain::port::CatalogStore;
use parking_lot::RwLock;

use crate::clock::Clock;
use crate::{App, Error};

/// How often changes of other processes are fetched: well under the second that a change may take to be seen.
const REFRESH_MS: u64 = 250;
/// A process whose catalog is older is not ready.
const STALE_AFTER_MS: i64 = 1_000;
/// Changes fetched at once.
const PAGE: usize = 2_000;

pub(crate) struct Catalog {
    store: Arc<dyn CatalogStore>,
    clock: Arc<dyn Clock>,
    /// Entries as of `seq`. Locked for single look-ups and single updates, never across an await.
    entries: RwLock<Entries>,
    /// One refresh at a time; guards `seq`, the last change that `entries` have.
    seq: tokio::sync::Mutex<i64>,
    /// When the last refresh that succeeded began, by the monotonic clock.
    fresh_at_ms: AtomicI64,
}

#[derive(Default)]
struct Entries {
    sellers: HashMap<TenantId, HashMap<SellerId, Arc<Seller>>>,
    skus: HashMap<TenantId, HashMap<SkuCode, Arc<Sku>>>,
}

impl Catalog {
    pub(crate) fn new(store: Arc<dyn CatalogStore>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            entries: RwLock::default(),
            seq: tokio::sync::Mutex::new(0),
            fresh_at_ms: AtomicI64::new(i64::MIN / 2),
        }
    }

    /// Fetches what changed since the last refresh. Callers that arrive while a refresh that began after they asked is
    /// under way share it.
    pub(crate) async fn refresh(&self) -> Result<(), Fault> {
        let asked_ms = self.clock.monotonic_ms();
        let mut seq = self.seq.lock().await;
        if self.fresh_at_ms.load(Ordering::Relaxed) > asked_ms {
            return Ok(());
        }
        let began_ms = self.clock.monotonic_ms();
        loop {
            let (changes, last) = self.store.changes_after(*seq, PAGE).await?;
            let more = changes.len() == PAGE;
            self.take(changes);
            *seq = last.max(*seq);
            if !more {
                break;
            }
        }
        self.fresh_at_ms.store(began_ms, Ordering::Relaxed);
        Ok(())
    }

    fn take(&self, changes: Vec<CatalogChange>) {
        let mut entries = self.entries.write();
        for change in changes {
            match change {
                CatalogChange::Seller(tenant, seller) => {
                    entries.sellers.entry(tenant).or_default().insert(seller.id.clone(), Arc::new(seller));
                }
                CatalogChange::Sku(tenant, sku) => {
                    entries.skus.entry(tenant).or_default().insert(sku.code.clone(), Arc::new(sku));
                }
            }
        }
    }

    /// The SKUs as this process knows them, in the order of the codes.
    pub(crate) fn skus<'a>(&self, tenant: TenantId, codes: impl Iterator<Item = &'a SkuCode>) -> Vec<Option<Arc<Sku>>> {
        let entries = self.entries.read();
        let skus = entries.skus.get(&tenant);
        codes.map(|code| skus.and_then(|skus| skus.get(code)).cloned()).collect()
    }

    pub(crate) fn readiness(&self) -> Result<(), String> {
        let age_ms = self.clock.monotonic_ms() - self.fresh_at_ms.load(Ordering::Relaxed);
        if age_ms <= STALE_AFTER_MS { Ok(()) } else { Err(format!("the catalog is {age_ms} ms old")) }
    }
}

pub(crate) async fn keep_fresh(app: App) {
    while app.inner.tasks.pause(REFRESH_MS).await {
        if let Err(fault) = app.inner.catalog.refresh().await {
            tracing::warn!(%fault, "the catalog could not be refreshed");
        }
    }
}

impl App {
    /// Writes a seller.
    pub async fn put_seller(&self, tenant: TenantId, draft: SellerDraft) -> Result<PutAnswer, Error> {
        check_title("name", &draft.name)?;
        let answer = self.inner.ports.catalog.put_seller(tenant, draft).await?;
        self.inner.catalog.refresh().await?;
        Ok(answer)
    }

    /// Writes SKUs in one transaction; those of unknown sellers are answered so and left out.
    pub async fn put_skus(&self, tenant: TenantId, drafts: Vec<SkuDraft>) -> Result<Vec<PutAnswer>, Error> {
        for (place, draft) in drafts.iter().enumerate() {
            check_title("title", &draft.title).map_err(|invalid| invalid.at(format!("/skus/{place}/title")))?;
        }
        let answers = self.inner.ports.catalog.put_skus(tenant, drafts, false).await?;
        self.inner.catalog.refresh().await?;
        Ok(answers)
    }

    /// A SKU as this process knows it.
    pub fn sku(&self, tenant: TenantId, code: &SkuCode) -> Option<Arc<Sku>> {
        self.inner.catalog.skus(tenant, std::iter::once(code)).pop().flatten()
    }

    /// A SKU as it was sold: the snapshot of an order line.
    pub async fn sku_at(&self, tenant: TenantId, code: &SkuCode, version: Version) -> Result<Option<Sku>, Error> {
        Ok(self.inner.ports.catalog.sku_at(tenant, code, version).await?)
    }

    /// A seller as this process knows it.
    pub fn seller(&self, tenant: TenantId, id: &SellerId) -> Option<Arc<Seller>> {
        self.inner.catalog.entries.read().sellers.get(&tenant)?.get(id).cloned()
    }
}
