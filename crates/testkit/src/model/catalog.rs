//! The catalog's port over maps.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use holdline_domain::catalog::{CatalogChange, PutAnswer, Seller, SellerDraft, Sku, SkuDraft};
use holdline_domain::fault::Fault;
use holdline_domain::id::{SellerId, SkuCode, TenantId, Version};
use holdline_domain::port::CatalogStore;

use super::Databases;
use super::process::Process;
use super::wire::Wire;

/// Everything in the catalog's database.
#[derive(Debug, Clone, Default)]
pub struct CatalogRows {
    sellers: BTreeMap<(TenantId, SellerId), Seller>,
    skus: BTreeMap<(TenantId, SkuCode), Sku>,
    /// Every change; its sequence is its place + 1.
    pub changes: Vec<CatalogChange>,
}

impl CatalogRows {
    fn put_seller(&mut self, tenant: TenantId, draft: &SellerDraft) -> PutAnswer {
        let key = (tenant, draft.id.clone());
        match PutAnswer::seller(self.sellers.get(&key), draft) {
            Ok(seller) => {
                let version = seller.version;
                self.changes.push(CatalogChange::Seller(tenant, seller.clone()));
                self.sellers.insert(key, seller);
                PutAnswer::Stored(version)
            }
            Err(answer) => answer,
        }
    }

    fn put_sku(&mut self, tenant: TenantId, draft: &SkuDraft) -> PutAnswer {
        if !self.sellers.contains_key(&(tenant, draft.seller.clone())) {
            return PutAnswer::UnknownSeller;
        }
        let key = (tenant, draft.code.clone());
        match PutAnswer::sku(self.skus.get(&key), draft) {
            Ok(sku) => {
                let version = sku.version;
                self.changes.push(CatalogChange::Sku(tenant, sku.clone()));
                self.skus.insert(key, sku);
                PutAnswer::Stored(version)
            }
            Err(answer) => answer,
        }
    }

    fn put_skus(&mut self, tenant: TenantId, drafts: &[SkuDraft], all_or_nothing: bool) -> Vec<PutAnswer> {
        let before = self.clone();
        let answers: Vec<PutAnswer> = drafts.iter().map(|draft| self.put_sku(tenant, draft)).collect();
        if all_or_nothing && answers.contains(&PutAnswer::UnknownSeller) {
            *self = before;
        }
        answers
    }
}

/// The catalog as one process reaches it.
pub struct ModelCatalog {
    wire: Wire<CatalogRows>,
}

impl ModelCatalog {
    pub(super) fn new(databases: &Databases, process: &Arc<Process>) -> Self {
        Self { wire: Wire::new(databases, &databases.catalog, process) }
    }
}

#[async_trait]
impl CatalogStore for ModelCatalog {
    async fn put_seller(&self, tenant: TenantId, draft: SellerDraft) -> Result<PutAnswer, Fault> {
        let commit = move |rows: &mut CatalogRows, _| Ok(rows.put_seller(tenant, &draft));
        self.wire.write("catalog.put_seller", commit).await
    }

    async fn put_skus(
        &self,
        tenant: TenantId,
        drafts: Vec<SkuDraft>,
        all_or_nothing: bool,
    ) -> Result<Vec<PutAnswer>, Fault> {
        let commit = move |rows: &mut CatalogRows, _| Ok(rows.put_skus(tenant, &drafts, all_or_nothing));
        self.wire.write("catalog.put_skus", commit).await
    }

    async fn changes_after(&self, seq: i64, limit: usize) -> Result<(Vec<CatalogChange>, i64), Fault> {
        let read = |rows: &CatalogRows| {
            let from = usize::try_from(seq).unwrap_or(0).min(rows.changes.len());
            let changes: Vec<CatalogChange> = rows.changes[from..].iter().take(limit).cloned().collect();
            let last = seq + i64::try_from(changes.len()).unwrap_or(0);
            (changes, last)
        };
        self.wire.read("catalog.changes_after", read).await
    }

    async fn sku_at(&self, tenant: TenantId, code: &SkuCode, version: Version) -> Result<Option<Sku>, Fault> {
        let read = |rows: &CatalogRows| {
            rows.changes.iter().find_map(|change| match change {
                CatalogChange::Sku(of, sku) if *of == tenant && sku.code == *code && sku.version == version => {
                    Some(sku.clone())
                }
                CatalogChange::Sku(..) | CatalogChange::Seller(..) => None,
            })
        };
        self.wire.read("catalog.sku_at", read).await
    }
}
