//! The port of the catalog.

use async_trait::async_trait;

use crate::catalog::{CatalogChange, PutAnswer, SellerDraft, Sku, SkuDraft};
use crate::fault::Fault;
use crate::id::{SkuCode, TenantId, Version};

/// Where sellers and SKUs live.
#[async_trait]
pub trait CatalogStore: Send + Sync + 'static {
    /// Writes a seller ([`PutAnswer::seller`]).
    async fn put_seller(&self, tenant: TenantId, draft: SellerDraft) -> Result<PutAnswer, Fault>;

    /// Writes SKUs ([`PutAnswer::sku`]) in one transaction, answers in their order. With `all_or_nothing`, an unknown
    /// seller in one of them writes none.
    async fn put_skus(
        &self,
        tenant: TenantId,
        drafts: Vec<SkuDraft>,
        all_or_nothing: bool,
    ) -> Result<Vec<PutAnswer>, Fault>;

    /// Changes after `seq` in the catalog's own sequence, at most `limit`, and the sequence of the last one returned.
    async fn changes_after(&self, seq: i64, limit: usize) -> Result<(Vec<CatalogChange>, i64), Fault>;

    /// A SKU as it was at a version: what an order was sold from.
    async fn sku_at(&self, tenant: TenantId, code: &SkuCode, version: Version) -> Result<Option<Sku>, Fault>;
}
