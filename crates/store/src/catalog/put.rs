//! Writing sellers and SKUs: under the catalog head, judged by the domain, each change with its place in the sequence.

use std::collections::{BTreeSet, HashMap};

use holdline_domain::catalog::{PutAnswer, SellerDraft, Sku, SkuDraft};
use holdline_domain::fault::Fault;
use holdline_domain::id::{SellerId, SkuCode, TenantId, Version};

use super::stored::{self, ORDERS, SELLER_COLUMNS, SKU_COLUMNS};
use crate::engine::{Column, Engine, Lookup, Row, Write};
use crate::program::{Once, head, set_head};
use crate::rows::Fields;

const HEAD: &str = "catalog_head";

fn sellers<'a>(
    tenant: TenantId,
    columns: &'static [&'static str],
    sellers: impl Iterator<Item = &'a SellerId>,
) -> Lookup {
    let names: Vec<String> = sellers.map(|seller| seller.as_str().to_owned()).collect();
    let keys = vec![Column::Int(vec![tenant.0; names.len()]), Column::Text(names)];
    Lookup { table: "seller", columns, key: &["tenant", "seller"], keys, lock: false }
}

pub(super) async fn seller<E: Engine>(engine: &E, tenant: TenantId, draft: SellerDraft) -> Result<PutAnswer, Fault> {
    let lookups =
        vec![head(HEAD, &["min_writer", "next_seq"]), sellers(tenant, SELLER_COLUMNS, std::iter::once(&draft.id))];
    let program = Once::new(lookups, move |mut results, _now| {
        let seq = results.head(ORDERS)?.int()?;
        let stored = results.take().pop().map(stored::seller).transpose()?;
        let seller = match PutAnswer::seller(stored.as_ref(), &draft) {
            Ok(seller) => seller,
            Err(answer) => return Ok((Vec::new(), answer)),
        };
        let key = [Column::Int(vec![tenant.0]), Column::Text(vec![seller.id.as_str().to_owned()])];
        let rest = [
            Column::Text(vec![seller.name]),
            Column::Int(vec![seller.version.0]),
            Column::OptInt(vec![seller.source_version]),
            Column::Int(vec![seq]),
        ];
        let values = key.into_iter().chain(rest).collect();
        let write = if stored.is_none() {
            let columns = &["tenant", "seller", "name", "version", "source_version", "changed_seq"];
            Write::Insert { table: "seller", columns, values, or_ignore: false }
        } else {
            let set = &["name", "version", "source_version", "changed_seq"];
            Write::Update { table: "seller", key: &["tenant", "seller"], set, add: &[], values }
        };
        Ok((vec![write, set_head(HEAD, &["next_seq"], &[seq + 1])], PutAnswer::Stored(seller.version)))
    });
    engine.run(program).await
}

pub(super) async fn skus<E: Engine>(
    engine: &E,
    tenant: TenantId,
    drafts: Vec<SkuDraft>,
    all_or_nothing: bool,
) -> Result<Vec<PutAnswer>, Fault> {
    let codes: BTreeSet<&SkuCode> = drafts.iter().map(|draft| &draft.code).collect();
    let codes: Vec<String> = codes.into_iter().map(|code| code.as_str().to_owned()).collect();
    let named: BTreeSet<&SellerId> = drafts.iter().map(|draft| &draft.seller).collect();
    let lookups = vec![
        head(HEAD, &["min_writer", "next_seq"]),
        sellers(tenant, &["seller"], named.into_iter()),
        Lookup {
            table: "sku",
            columns: SKU_COLUMNS,
            key: &["tenant", "sku"],
            keys: vec![Column::Int(vec![tenant.0; codes.len()]), Column::Text(codes)],
            lock: false,
        },
    ];
    let program = Once::new(lookups, move |mut results, _now| {
        let seq = results.head(ORDERS)?.int()?;
        let known = known_sellers(results.take())?;
        let stored = results.take().into_iter().map(stored::sku).collect::<Result<Vec<_>, _>>()?;
        let put = judge(&drafts, &known, stored);
        if all_or_nothing && put.answers.contains(&PutAnswer::UnknownSeller) {
            return Ok((Vec::new(), put.answers));
        }
        Ok((writes(tenant, &put, seq), put.answers))
    });
    engine.run(program).await
}

fn known_sellers(rows: Vec<Row>) -> Result<BTreeSet<SellerId>, Fault> {
    rows.into_iter().map(|row| Fields::of(ORDERS, row).text().map(SellerId::from_stored)).collect()
}

/// What drafts come to, each judged against what the earlier ones left.
struct Put {
    answers: Vec<PutAnswer>,
    /// Every new version, in the order of the drafts.
    versions: Vec<Sku>,
    /// The versions that were stored before.
    before: HashMap<SkuCode, Version>,
}

fn judge(drafts: &[SkuDraft], known: &BTreeSet<SellerId>, stored: Vec<Sku>) -> Put {
    let before = stored.iter().map(|sku| (sku.code.clone(), sku.version)).collect();
    let mut current: HashMap<SkuCode, Sku> = stored.into_iter().map(|sku| (sku.code.clone(), sku)).collect();
    let mut versions = Vec::new();
    let mut answers = Vec::with_capacity(drafts.len());
    for draft in drafts {
        if !known.contains(&draft.seller) {
            answers.push(PutAnswer::UnknownSeller);
            continue;
        }
        answers.push(match PutAnswer::sku(current.get(&draft.code), draft) {
            Ok(sku) => {
                let version = sku.version;
                versions.push(sku.clone());
                current.insert(draft.code.clone(), sku);
                PutAnswer::Stored(version)
            }
            Err(answer) => answer,
        });
    }
    Put { answers, versions, before }
}

fn writes(tenant: TenantId, put: &Put, seq: i64) -> Vec<Write> {
    let last: HashMap<&SkuCode, Version> = put.versions.iter().map(|sku| (&sku.code, sku.version)).collect();
    let (mut inserts, mut updates) = (Vec::new(), Vec::new());
    for sku in put.versions.iter().filter(|sku| last[&sku.code] == sku.version) {
        if put.before.contains_key(&sku.code) { &mut updates } else { &mut inserts }.push(sku.clone());
    }
    let mut next_seq = seq;
    let mut places = |skus: &[Sku]| {
        let first = next_seq;
        next_seq += i64::try_from(skus.len()).expect("a count of drafts fits 63 bits");
        Column::Int((first..next_seq).collect())
    };
    let mut writes = Vec::new();
    if !inserts.is_empty() {
        let mut values = stored::sku_values(tenant, &inserts);
        values.push(places(&inserts));
        writes.push(Write::Insert { table: "sku", columns: SKU_AND_SEQ, values, or_ignore: false });
    }
    if !updates.is_empty() {
        let mut values = stored::sku_values(tenant, &updates);
        values.push(places(&updates));
        let (key, set) = SKU_AND_SEQ.split_at(2);
        writes.push(Write::Update { table: "sku", key, set, add: &[], values });
    }
    if !put.versions.is_empty() {
        let values = stored::sku_values(tenant, &put.versions);
        writes.push(Write::Insert { table: "sku_snapshot", columns: SKU_COLUMNS, values, or_ignore: false });
        writes.push(set_head(HEAD, &["next_seq"], &[next_seq]));
    }
    writes
}

/// [`SKU_COLUMNS`] and the place of the change; the first two are the key.
const SKU_AND_SEQ: &[&str] = &[
    "tenant",
    "sku",
    "seller",
    "title",
    "price",
    "currency",
    "on_shelf",
    "quota_per_buyer",
    "version",
    "source_version",
    "changed_seq",
];
