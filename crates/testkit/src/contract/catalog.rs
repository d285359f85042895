//! The contract of `CatalogStore`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use holdline_domain::catalog::{CatalogChange, PutAnswer, Seller, SellerDraft, Sku, SkuDraft};
use holdline_domain::id::{SkuCode, TenantId, Version};
use holdline_domain::money::Minor;
use holdline_domain::port::CatalogStore;

use super::sample::{TENANT, currency, seller, sku};
use super::{Process, ok};

/// One test per rule of this suite.
#[macro_export]
macro_rules! catalog_contract {
    ($with:path) => {
        $crate::contract_suite!(
            catalog,
            $with,
            [
                a_batch_with_an_unknown_seller_writes_the_others_or_nothing_as_asked,
                a_crowd_of_writers_makes_one_version_each,
                a_later_sku_of_a_batch_is_judged_on_the_earlier_one,
                an_older_source_version_changes_nothing,
                every_version_of_a_sku_stays_as_it_was,
                sellers_count_their_changes,
                skus_count_their_changes,
                tenants_share_nothing,
                who_follows_the_changes_has_the_catalog,
            ]
        );
    };
}

fn seller_draft(id: &str, name: &str, source_version: Option<i64>) -> SellerDraft {
    SellerDraft { id: seller(id), name: name.to_owned(), source_version }
}

fn draft(code: &str, price: i64) -> SkuDraft {
    SkuDraft {
        code: sku(code),
        seller: seller("s1"),
        title: format!("{code} 'title' 标题"),
        price: Minor(price),
        currency: currency("CNY"),
        on_shelf: true,
        quota_per_buyer: None,
        source_version: None,
    }
}

fn as_stored(draft: &SkuDraft, version: i64) -> Sku {
    PutAnswer::sku(None, draft).map(|sku| Sku { version: Version(version), ..sku }).expect("a new SKU is stored")
}

async fn put(catalog: &Arc<dyn CatalogStore>, drafts: &[SkuDraft]) -> Vec<PutAnswer> {
    ok(catalog.put_skus(TENANT, drafts.to_vec(), false).await)
}

async fn with_seller(process: &Process) {
    assert_eq!(
        ok(process.catalog.put_seller(TENANT, seller_draft("s1", "First", None)).await),
        PutAnswer::Stored(Version(1))
    );
}

/// Every change, by following the sequence in pages of `limit`: the newest state of each, and the end of the sequence.
async fn followed(catalog: &Arc<dyn CatalogStore>, limit: usize) -> (BTreeMap<SkuCode, Sku>, Vec<Seller>, i64) {
    let (mut skus, mut sellers, mut seq) = (BTreeMap::new(), BTreeMap::new(), 0);
    loop {
        let (changes, last) = ok(catalog.changes_after(seq, limit).await);
        assert!(changes.len() <= limit);
        if changes.is_empty() {
            assert_eq!(last, seq, "nothing new, no progress");
            return (skus, sellers.into_values().collect(), seq);
        }
        assert!(last > seq, "the sequence goes on");
        seq = last;
        for change in changes {
            match change {
                CatalogChange::Seller(TENANT, seller) => drop(sellers.insert(seller.id.clone(), seller)),
                CatalogChange::Sku(TENANT, sku) => drop(skus.insert(sku.code.clone(), sku)),
                CatalogChange::Seller(..) | CatalogChange::Sku(..) => {}
            }
        }
    }
}

/// First, changed, unchanged.
pub async fn sellers_count_their_changes(first: Process, second: Process) {
    let put = async |process: &Process, name: &str| {
        ok(process.catalog.put_seller(TENANT, seller_draft("s1", name, None)).await)
    };
    assert_eq!(put(&first, "First").await, PutAnswer::Stored(Version(1)));
    assert_eq!(put(&second, "First").await, PutAnswer::Unchanged(Version(1)));
    assert_eq!(put(&second, "Renamed 改名").await, PutAnswer::Stored(Version(2)));
    let (_, sellers, _) = followed(&first.catalog, 10).await;
    assert_eq!(sellers.len(), 1);
    assert_eq!((sellers[0].name.as_str(), sellers[0].version), ("Renamed 改名", Version(2)));
}

/// First, changed, unchanged, in the order of the drafts.
pub async fn skus_count_their_changes(first: Process, second: Process) {
    with_seller(&first).await;
    assert_eq!(put(&first.catalog, &[]).await, []);
    let stored = PutAnswer::Stored;
    assert_eq!(put(&first.catalog, &[draft("A", 1), draft("B", 1)]).await, [stored(Version(1)), stored(Version(1))]);
    let off = SkuDraft { on_shelf: false, quota_per_buyer: Some(3), ..draft("C", 9) };
    let batch = [draft("B", 2), draft("A", 1), off.clone()];
    assert_eq!(
        put(&second.catalog, &batch).await,
        [stored(Version(2)), PutAnswer::Unchanged(Version(1)), stored(Version(1))]
    );
    let (skus, _, _) = followed(&first.catalog, 10).await;
    let expected = [as_stored(&draft("A", 1), 1), as_stored(&draft("B", 2), 2), as_stored(&off, 1)];
    assert_eq!(skus.into_values().collect::<Vec<_>>(), expected);
}

/// A queue may replay: what a source said earlier than the stored version is a no-op.
pub async fn an_older_source_version_changes_nothing(first: Process, second: Process) {
    use PutAnswer::{Older, Stored, Unchanged};
    with_seller(&first).await;
    let said = |price, source_version| SkuDraft { source_version: Some(source_version), ..draft("A", price) };
    let answers = put(&first.catalog, &[said(1, 10), said(2, 9), said(3, 11), said(3, 11), said(1, 10)]).await;
    assert_eq!(
        answers,
        [Stored(Version(1)), Older(Version(1)), Stored(Version(2)), Unchanged(Version(2)), Older(Version(2))]
    );
    let put = async |name: &str, version| {
        ok(second.catalog.put_seller(TENANT, seller_draft("s2", name, Some(version))).await)
    };
    assert_eq!(put("New", 5).await, Stored(Version(1)));
    assert_eq!(put("Old", 4).await, Older(Version(1)));
    assert_eq!(put("New", 5).await, Unchanged(Version(1)));
    let (skus, _, _) = followed(&second.catalog, 10).await;
    assert_eq!(skus[&sku("A")].price, Minor(3));
}

/// The same SKU twice in one batch: two versions, and the feed ends at the second.
pub async fn a_later_sku_of_a_batch_is_judged_on_the_earlier_one(first: Process, second: Process) {
    use PutAnswer::{Stored, Unchanged};
    with_seller(&first).await;
    let answers = put(&first.catalog, &[draft("A", 1), draft("A", 2), draft("A", 2), draft("A", 1)]).await;
    assert_eq!(answers, [Stored(Version(1)), Stored(Version(2)), Unchanged(Version(2)), Stored(Version(3))]);
    for (version, price) in [(1, 1), (2, 2), (3, 1)] {
        let kept = ok(second.catalog.sku_at(TENANT, &sku("A"), Version(version)).await);
        assert_eq!(kept, Some(as_stored(&draft("A", price), version)));
    }
}

/// `all_or_nothing` decides about the good ones.
pub async fn a_batch_with_an_unknown_seller_writes_the_others_or_nothing_as_asked(first: Process, second: Process) {
    use PutAnswer::{Stored, UnknownSeller};
    with_seller(&first).await;
    let stray = SkuDraft { seller: seller("nobody"), ..draft("B", 1) };
    let batch = vec![draft("A", 1), stray, draft("C", 1)];
    let answers = ok(first.catalog.put_skus(TENANT, batch.clone(), true).await);
    assert_eq!(answers.len(), 3);
    assert_eq!(answers[1], PutAnswer::UnknownSeller);
    assert_eq!(followed(&second.catalog, 10).await.0, BTreeMap::new());
    let answers = ok(second.catalog.put_skus(TENANT, batch, false).await);
    assert_eq!(answers, [Stored(Version(1)), UnknownSeller, Stored(Version(1))]);
    let (skus, _, _) = followed(&first.catalog, 10).await;
    assert_eq!(skus.into_keys().collect::<Vec<_>>(), [sku("A"), sku("C")]);
}

/// An order was sold from one version: it never changes.
pub async fn every_version_of_a_sku_stays_as_it_was(first: Process, second: Process) {
    with_seller(&first).await;
    let second_version = SkuDraft {
        title: "renamed".to_owned(),
        on_shelf: false,
        quota_per_buyer: Some(2),
        source_version: Some(4),
        ..draft("A", 7)
    };
    put(&first.catalog, &[draft("A", 1)]).await;
    put(&first.catalog, std::slice::from_ref(&second_version)).await;
    let at = async |version| ok(second.catalog.sku_at(TENANT, &sku("A"), Version(version)).await);
    assert_eq!(at(1).await, Some(as_stored(&draft("A", 1), 1)));
    assert_eq!(at(2).await, Some(as_stored(&second_version, 2)));
    assert_eq!(at(3).await, None);
    assert_eq!(ok(second.catalog.sku_at(TENANT, &sku("none"), Version(1)).await), None);
}

/// Whatever the page and wherever the follower started, it ends with the newest state of everything; writers that go on
/// in the meantime are seen too.
pub async fn who_follows_the_changes_has_the_catalog(first: Process, second: Process) {
    with_seller(&first).await;
    let drafts: Vec<_> = (0..500).map(|n| draft(&format!("SKU{n:03}"), n)).collect();
    let answers = put(&first.catalog, &drafts).await;
    assert!(answers.iter().all(|answer| *answer == PutAnswer::Stored(Version(1))));
    let (_, _, before) = followed(&second.catalog, 100).await;
    put(&second.catalog, &[draft("SKU007", 70), draft("SKU499", 99)]).await;
    ok(first.catalog.put_seller(TENANT, seller_draft("s2", "Second", None)).await);
    let (news, _) = ok(first.catalog.changes_after(before, 10).await);
    assert_eq!(news.len(), 3, "{news:?}");
    for limit in [1, 7, 1_000] {
        let (skus, sellers, _) = followed(&first.catalog, limit).await;
        assert_eq!((skus.len(), sellers.len()), (500, 2));
        assert_eq!((skus[&sku("SKU007")].price, skus[&sku("SKU008")].price), (Minor(70), Minor(8)));
        assert_eq!(skus[&sku("SKU499")].version, Version(2));
    }
}

/// 24 writers of one SKU on two processes: 24 versions, none twice, each kept.
pub async fn a_crowd_of_writers_makes_one_version_each(first: Process, second: Process) {
    with_seller(&first).await;
    let writers = (0..24_i64).map(|n| {
        let catalog = if n % 2 == 0 { first.catalog.clone() } else { second.catalog.clone() };
        tokio::spawn(async move { put(&catalog, &[draft("A", n)]).await.remove(0) })
    });
    let mut versions = BTreeSet::new();
    for writer in writers.collect::<Vec<_>>() {
        let PutAnswer::Stored(version) = writer.await.expect("no writer panics") else { panic!("each is a change") };
        assert!(versions.insert(version.0), "{version:?} given twice");
    }
    assert_eq!(versions, (1..=24).collect());
    let mut prices = BTreeSet::new();
    for version in versions {
        let kept = ok(second.catalog.sku_at(TENANT, &sku("A"), Version(version)).await).expect("every version is kept");
        prices.insert(kept.price.0);
    }
    assert_eq!(prices, (0..24).collect());
    let (skus, _, _) = followed(&first.catalog, 5).await;
    assert_eq!(skus[&sku("A")].version, Version(24));
}

/// A seller of one tenant is unknown to the other; a code of one is free for the other.
pub async fn tenants_share_nothing(first: Process, second: Process) {
    let other = TenantId(2);
    with_seller(&first).await;
    put(&first.catalog, &[draft("A", 1)]).await;
    let theirs = async || ok(second.catalog.put_skus(other, vec![draft("A", 2)], false).await).remove(0);
    assert_eq!(theirs().await, PutAnswer::UnknownSeller);
    ok(second.catalog.put_seller(other, seller_draft("s1", "Theirs", None)).await);
    assert_eq!(theirs().await, PutAnswer::Stored(Version(1)));
    let price = async |tenant| ok(first.catalog.sku_at(tenant, &sku("A"), Version(1)).await).map(|sku| sku.price);
    assert_eq!((price(TENANT).await, price(other).await), (Some(Minor(1)), Some(Minor(2))));
    let (changes, _) = ok(first.catalog.changes_after(0, 10).await);
    assert_eq!(changes.len(), 4, "one feed for all tenants");
}
