//! The catalog on SQL, in the orders database: sellers and SKUs as they are now, every SKU version ever sold from.
//!
//! Each change takes the next place of the catalog's own sequence under `catalog_head`, so that a process that polls
//! `changes_after` misses none: a row that changed again is simply seen at its later place.

mod put;
mod stored;

use async_trait::async_trait;
use holdline_domain::catalog::{CatalogChange, PutAnswer, SellerDraft, Sku, SkuDraft};
use holdline_domain::fault::Fault;
use holdline_domain::id::{SkuCode, TenantId, Version};
use holdline_domain::port::CatalogStore;

use self::stored::SKU_COLUMNS;
use crate::engine::{Column, Engine, Lookup, Value};
use crate::rows::count;

/// The catalog over an engine.
#[derive(Clone)]
pub struct SqlCatalog<E> {
    engine: E,
}

impl<E: Engine> SqlCatalog<E> {
    /// The catalog in the orders database behind `engine`.
    pub fn new(engine: E) -> Self {
        Self { engine }
    }
}

#[async_trait]
impl<E: Engine> CatalogStore for SqlCatalog<E> {
    async fn put_seller(&self, tenant: TenantId, draft: SellerDraft) -> Result<PutAnswer, Fault> {
        put::seller(&self.engine, tenant, draft).await
    }

    async fn put_skus(
        &self,
        tenant: TenantId,
        drafts: Vec<SkuDraft>,
        all_or_nothing: bool,
    ) -> Result<Vec<PutAnswer>, Fault> {
        put::skus(&self.engine, tenant, drafts, all_or_nothing).await
    }

    async fn changes_after(&self, seq: i64, limit: usize) -> Result<(Vec<CatalogChange>, i64), Fault> {
        let sql = include_str!("../../sql/catalog/list_changes_after.sql");
        let mut changes = Vec::new();
        let mut last = seq;
        for row in self.engine.query(sql, vec![Value::Int(seq), count(limit)]).await? {
            let (seq, change) = stored::change(row)?;
            changes.push(change);
            last = seq;
        }
        Ok((changes, last))
    }

    async fn sku_at(&self, tenant: TenantId, code: &SkuCode, version: Version) -> Result<Option<Sku>, Fault> {
        let lookup = Lookup {
            table: "sku_snapshot",
            columns: SKU_COLUMNS,
            key: &["tenant", "sku", "version"],
            keys: vec![
                Column::Int(vec![tenant.0]),
                Column::Text(vec![code.as_str().to_owned()]),
                Column::Int(vec![version.0]),
            ],
            lock: false,
        };
        let rows = self.engine.lookup(vec![lookup]).await?.pop().unwrap_or_default();
        rows.into_iter().next().map(stored::sku).transpose()
    }
}
