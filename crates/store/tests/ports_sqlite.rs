//! Every port on SQLite: what goes in comes out, in one process and after it was opened again.

#[path = "ports_sqlite/samples.rs"]
mod samples;

use std::sync::Arc;

use holdline_domain::catalog::{CatalogChange, PutAnswer, SellerDraft};
use holdline_domain::fault::FaultKind;
use holdline_domain::id::{BuyerId, GroupKey, Reference, SellerId, SkuCode, TenantName, Version};
use holdline_domain::ledger::{Flags, HoldId, LedgerAnswer, LedgerRequest, MovementKind, Part, PartState, Resolution};
use holdline_domain::order::change::{Change, ChangeAnswer, OrderWrite};
use holdline_domain::order::{Actor, EventKind, GroupState, OrderGroup, OrderNo};
use holdline_domain::port::FeedPosition;
use holdline_domain::time::UnixMillis;
use samples::{Scene, TENANT, adjust, draft, hold, order, order_no, place, quota, sku_draft, stock};

async fn apply(scene: &Scene, requests: Vec<LedgerRequest>) -> Vec<LedgerAnswer> {
    scene.stores().ledger.apply(requests.into()).await.expect("a batch is applied")
}

async fn change(scene: &Scene, changes: Vec<Change>) -> Vec<ChangeAnswer> {
    scene.stores().orders.apply(changes.into()).await.expect("a batch is applied")
}

#[tokio::test]
async fn a_hold_is_read_back_as_it_was_answered() {
    let scene = Scene::new();
    apply(&scene, vec![adjust("A", 10, "opening"), adjust("B", 10, "opening")]).await;
    let answers = apply(&scene, vec![hold("k1", "buyer", &[("acme", "A", 2), ("zeta", "B", 3)])]).await;
    let [LedgerAnswer::Held(record)] = &answers[..] else { panic!("{answers:?}") };
    let key = GroupKey::from_stored("k1");
    let ledger = &scene.stores().ledger;
    assert_eq!(ledger.hold(TENANT, &HoldId::first(key.clone())).await.unwrap().as_ref(), Some(record));
    let unknown = GroupKey::from_stored("k2");
    let found = ledger.holds(&[(TENANT, key.clone()), (TENANT, unknown), (TENANT, key)]).await.unwrap();
    assert_eq!(found, [Some(record.clone()), None, Some(record.clone())]);
    let visits = ledger.holds_after(0, 10).await.unwrap();
    assert_eq!(visits.iter().map(|visit| &visit.hold).collect::<Vec<_>>(), [record]);
    assert_eq!(visits[0].taken, scene.now());
    assert!(ledger.holds_after(record.hold_no, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_same_hold_again_is_already_held_with_the_stored_numbers() {
    let mut scene = Scene::new();
    apply(&scene, vec![adjust("A", 10, "opening")]).await;
    let request = hold("k1", "buyer", &[("acme", "A", 2)]);
    let first = apply(&scene, vec![request.clone()]).await;
    let [LedgerAnswer::Held(record)] = &first[..] else { panic!("{first:?}") };
    scene.reopen();
    assert_eq!(apply(&scene, vec![request]).await, [LedgerAnswer::AlreadyHeld(record.clone())]);
}

#[tokio::test]
async fn the_newest_hold_of_a_key_is_the_one_with_the_largest_n() {
    let scene = Scene::new();
    apply(&scene, vec![adjust("A", 10, "opening")]).await;
    let mut second = hold("k1", "buyer", &[("acme", "A", 1)]);
    if let LedgerRequest::Hold { id, .. } = &mut second {
        id.n = 2;
    }
    apply(&scene, vec![hold("k1", "buyer", &[("acme", "A", 1)]), second]).await;
    let found = scene.stores().ledger.holds(&[(TENANT, GroupKey::from_stored("k1"))]).await.unwrap();
    assert_eq!(found[0].as_ref().unwrap().id.n, 2);
}

#[tokio::test]
async fn resolving_reads_the_accounts_of_the_stored_hold() {
    let scene = Scene::new();
    apply(&scene, vec![adjust("A", 10, "opening"), adjust("B", 10, "opening")]).await;
    apply(&scene, vec![hold("k1", "buyer", &[("acme", "A", 2), ("zeta", "B", 3)])]).await;
    let id = HoldId::first(GroupKey::from_stored("k1"));
    let resolve = |seller: &str, resolution| LedgerRequest::Resolve {
        tenant: TENANT,
        id: id.clone(),
        part: Some(Part::Seller(SellerId::from_stored(seller))),
        resolution,
    };
    let answers = apply(&scene, vec![resolve("acme", Resolution::Commit), resolve("zeta", Resolution::Release)]).await;
    assert_eq!(answers, [LedgerAnswer::Committed, LedgerAnswer::Released]);
    let again = apply(&scene, vec![resolve("acme", Resolution::Commit), resolve("zeta", Resolution::Release)]).await;
    assert_eq!(again, [LedgerAnswer::AlreadyCommitted, LedgerAnswer::AlreadyReleased]);
    let ledger = &scene.stores().ledger;
    let record = ledger.hold(TENANT, &id).await.unwrap().unwrap();
    let states: Vec<PartState> = record.parts.iter().map(|(_, state)| *state).collect();
    assert_eq!(states, [PartState::Committed, PartState::Released]);
    let skus = [SkuCode::from_stored("B"), SkuCode::from_stored("none"), SkuCode::from_stored("A")];
    let accounts = ledger.stock(TENANT, &skus).await.unwrap();
    let balances: Vec<Vec<(i64, i64, i64)>> = accounts
        .iter()
        .map(|accounts| accounts.iter().map(|account| (account.on_hand, account.held, account.allocated)).collect())
        .collect();
    assert_eq!(balances, [vec![(10, 0, 0)], vec![], vec![(10, 0, 2)]]);
    let used = ledger.accounts(TENANT, &[quota("A", "buyer"), quota("A", "nobody")]).await.unwrap();
    assert_eq!(used.iter().map(|account| account.allocated).collect::<Vec<_>>(), [2]);
}

#[tokio::test]
async fn a_reference_is_known_in_a_later_batch() {
    let scene = Scene::new();
    apply(&scene, vec![adjust("A", 10, "opening")]).await;
    let answers = apply(&scene, vec![adjust("A", 10, "opening"), adjust("A", 11, "opening")]).await;
    let [LedgerAnswer::AlreadyAdjusted(account), LedgerAnswer::ReferenceMismatch { kind, quantity }] = &answers[..]
    else {
        panic!("{answers:?}")
    };
    assert_eq!((account.on_hand, *kind, *quantity), (10, MovementKind::Adjust, 10));
}

#[tokio::test]
async fn shipping_and_unallocating_take_what_was_sold() {
    let scene = Scene::new();
    apply(&scene, vec![adjust("A", 10, "opening"), hold("k1", "buyer", &[("acme", "A", 3)])]).await;
    let id = HoldId::first(GroupKey::from_stored("k1"));
    let commit = LedgerRequest::Resolve { tenant: TENANT, id, part: None, resolution: Resolution::Commit };
    assert_eq!(apply(&scene, vec![commit]).await, [LedgerAnswer::Committed]);
    let quantity = holdline_domain::id::Quantity::try_new(1).unwrap();
    let reference = Reference::from_stored("parcel");
    let ship = LedgerRequest::Ship { tenant: TENANT, account: stock("A"), quantity, reference: reference.clone() };
    let back = LedgerRequest::Unallocate {
        tenant: TENANT,
        account: stock("A"),
        quantity,
        reference: Reference::from_stored("refund"),
    };
    let answers = apply(&scene, vec![ship.clone(), back.clone()]).await;
    assert_eq!(answers, [LedgerAnswer::Shipped, LedgerAnswer::Unallocated]);
    let again = apply(&scene, vec![ship, back]).await;
    assert_eq!(again, [LedgerAnswer::AlreadyShipped, LedgerAnswer::AlreadyUnallocated]);
    let account = &scene.stores().ledger.accounts(TENANT, &[stock("A")]).await.unwrap()[0];
    assert_eq!((account.on_hand, account.held, account.allocated), (9, 0, 1));
}

#[tokio::test]
async fn flags_are_stored_and_bend_the_rule_of_later_batches() {
    let scene = Scene::new();
    let flags = Flags { infinite: false, shortage_max: 2, sold_out: false, danger_level: Some(1) };
    apply(&scene, vec![LedgerRequest::SetFlags { tenant: TENANT, account: stock("A"), flags }]).await;
    apply(&scene, vec![adjust("A", 1, "opening")]).await;
    let answers = apply(&scene, vec![hold("k1", "b", &[("acme", "A", 4)]), hold("k2", "b", &[("acme", "A", 3)])]).await;
    assert!(matches!(&answers[..], [LedgerAnswer::Insufficient(_), LedgerAnswer::Held(_)]), "{answers:?}");
    let sold_out = Flags { sold_out: true, ..flags };
    let set = LedgerRequest::SetFlags { tenant: TENANT, account: stock("A"), flags: sold_out };
    let answers = apply(&scene, vec![set]).await;
    assert!(matches!(&answers[..], [LedgerAnswer::FlagsSet(account)] if account.flags == sold_out), "{answers:?}");
}

#[tokio::test]
async fn movements_of_an_account_come_newest_first_page_by_page() {
    let scene = Scene::new();
    for place in 1..=5 {
        let requests = vec![adjust("A", place, &format!("a{place}")), adjust("B", 1, &format!("b{place}"))];
        apply(&scene, requests).await;
    }
    let ledger = &scene.stores().ledger;
    let account_no = ledger.accounts(TENANT, &[stock("A")]).await.unwrap()[0].account_no;
    let page = ledger.movements(account_no, i64::MAX, 2).await.unwrap();
    let quantities = |page: &holdline_domain::port::MovementPage| -> Vec<i64> {
        page.movements.iter().map(|(movement, _)| movement.quantity).collect()
    };
    assert_eq!((quantities(&page), page.has_more), (vec![5, 4], true));
    let page = ledger.movements(account_no, page.movements[1].0.seq, 3).await.unwrap();
    assert_eq!((quantities(&page), page.has_more), (vec![3, 2, 1], false));
    assert_eq!(page.movements[0].0.reference, Some(Reference::from_stored("a3")));
    assert_eq!(page.movements[0].1, scene.now());
    let between = page.movements[1].0.seq + 1;
    let page = ledger.movements(account_no, between, 10).await.unwrap();
    assert_eq!((quantities(&page), page.has_more), (vec![2, 1], false), "any number may be asked for");
    assert!(ledger.movements(account_no, 1, 10).await.unwrap().movements.is_empty());
    assert!(ledger.movements(99, i64::MAX, 10).await.unwrap().movements.is_empty());
}

#[tokio::test]
async fn the_sequence_of_movements_has_no_gap_over_refusals_and_reopening() {
    let mut scene = Scene::new();
    apply(&scene, vec![adjust("A", 2, "opening")]).await;
    for place in 0..4 {
        apply(&scene, vec![hold(&format!("k{place}"), "b", &[("acme", "A", 1)])]).await;
        scene.reopen();
    }
    let ledger = &scene.stores().ledger;
    let numbers: Vec<i64> = ledger.holds_after(0, 10).await.unwrap().iter().map(|visit| visit.hold.hold_no).collect();
    // Each granted hold has two movements: stock and quota.
    assert_eq!(numbers, [2, 4]);
}

#[tokio::test]
async fn the_reaper_cursor_never_goes_back() {
    let scene = Scene::new();
    let ledger = Arc::clone(&scene.stores().ledger);
    assert_eq!(ledger.reaper_cursor().await.unwrap(), 0);
    ledger.advance_reaper_cursor(7).await.unwrap();
    ledger.advance_reaper_cursor(3).await.unwrap();
    assert_eq!(ledger.reaper_cursor().await.unwrap(), 7);
}

#[tokio::test]
async fn an_order_is_read_back_with_the_times_of_its_batch() {
    let mut scene = Scene::new();
    let answers = change(&scene, vec![place(1, "k1")]).await;
    assert_eq!(answers, [ChangeAnswer::Applied { now: scene.now() }]);
    scene.reopen();
    let mut expected = order(1, "k1");
    expected.created = scene.now();
    expected.pay_deadline = scene.now().plus_ms(900_000);
    let orders = &scene.stores().orders;
    let found = orders.orders(TENANT, &[order_no(2), order_no(1), order_no(1)]).await.unwrap();
    assert_eq!(found, [None, Some(expected.clone()), Some(expected)]);
    let submits = orders.submits(&[(TENANT, GroupKey::from_stored("k1"))]).await.unwrap();
    let group = submits[0].group.as_ref().unwrap();
    assert_eq!(group.state, GroupState::Placed { order_nos: vec![order_no(1)] });
    assert_eq!(group.created, scene.now());
}

#[tokio::test]
async fn a_taken_key_answers_the_stored_group() {
    let scene = Scene::new();
    let tombstone = OrderGroup::tombstone(TENANT, GroupKey::from_stored("k1"), Some(BuyerId::from_stored("b")));
    change(&scene, vec![Change::fence(tombstone.clone())]).await;
    let answers = change(&scene, vec![place(1, "k1"), place(2, "k2")]).await;
    let stored = OrderGroup { created: scene.now(), ..tombstone };
    assert_eq!(answers[0], ChangeAnswer::GroupExists(Box::new(stored)));
    assert_eq!(answers[1], ChangeAnswer::Applied { now: scene.now() });
    assert_eq!(scene.stores().orders.orders(TENANT, &[order_no(1)]).await.unwrap(), [None]);
}

#[tokio::test]
async fn an_order_is_updated_under_its_version_only() {
    let scene = Scene::new();
    change(&scene, vec![place(1, "k1")]).await;
    let stored = scene.stores().orders.orders(TENANT, &[order_no(1)]).await.unwrap().remove(0).unwrap();
    let cancelled = stored.cancelled(Actor::Buyer).unwrap();
    let update = Change {
        orders: vec![(OrderWrite::Update(Box::new(cancelled.clone())), EventKind::Cancelled)],
        ..Change::touch(TENANT)
    };
    scene.advance(5);
    let answers = change(&scene, vec![update.clone(), update]).await;
    assert_eq!(answers[0], ChangeAnswer::Applied { now: scene.now() });
    assert!(matches!(answers[1], ChangeAnswer::Stale { current: Some(Version(2)), .. }), "{answers:?}");
    let found = scene.stores().orders.orders(TENANT, &[order_no(1)]).await.unwrap().remove(0).unwrap();
    assert_eq!((found.status, found.version), (cancelled.status, Version(2)));
    assert_eq!(found.ended.unwrap().at, scene.now());
    let taken = change(&scene, vec![place(1, "k9")]).await;
    assert_eq!(taken, [ChangeAnswer::NumberTaken(order_no(1))]);
}

#[tokio::test]
async fn a_touch_and_an_empty_batch_keep_the_shard_clock_from_going_back() {
    let mut scene = Scene::new();
    let reached = scene.now();
    assert!(change(&scene, vec![]).await.is_empty());
    scene.reopen();
    scene.advance(-3_000);
    let answers = change(&scene, vec![Change::touch(TENANT)]).await;
    assert_eq!(answers, [ChangeAnswer::Applied { now: reached }]);
}

#[tokio::test]
async fn a_database_clock_that_jumped_stops_writing() {
    let scene = Scene::new();
    change(&scene, vec![place(1, "k1")]).await;
    scene.advance_database(60_000);
    let fault = scene.stores().orders.apply(Arc::new([place(2, "k2")])).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Clock);
    assert_eq!(scene.stores().orders.orders(TENANT, &[order_no(2)]).await.unwrap(), [None]);
}

#[tokio::test]
async fn orders_are_listed_by_buyer_seller_and_age() {
    let scene = Scene::new();
    change(&scene, (1..=5).map(|number| place(number, &format!("k{number}"))).collect()).await;
    let orders = &scene.stores().orders;
    let numbers = |page: &holdline_domain::port::OrderPage| -> Vec<OrderNo> {
        page.orders.iter().map(|order| order.no.clone()).collect()
    };
    let buyer = BuyerId::from_stored("buyer");
    let page = orders.orders_of_buyer(TENANT, &buyer, None, 2).await.unwrap();
    assert_eq!((numbers(&page), page.has_more), (vec![order_no(5), order_no(4)], true));
    let page = orders.orders_of_buyer(TENANT, &buyer, Some(&order_no(4)), 9).await.unwrap();
    assert_eq!((numbers(&page), page.has_more), (vec![order_no(3), order_no(2), order_no(1)], false));
    assert!(orders.orders_of_buyer(TENANT, &BuyerId::from_stored("other"), None, 9).await.unwrap().orders.is_empty());
    let page = orders.recent_orders(TENANT, Some(&order_no(2)), 9).await.unwrap();
    assert_eq!(numbers(&page), [order_no(1)]);
    let seller = SellerId::from_stored("acme");
    assert!(orders.orders_of_seller(TENANT, &seller, None, 9).await.unwrap().orders.is_empty());
    let entries = [(TENANT, seller.clone(), order_no(2)), (TENANT, seller.clone(), order_no(1))];
    let to = FeedPosition { epoch: 1, round: 0, seq: 2 };
    orders.index_by_seller(&entries, "seller_index", to).await.unwrap();
    orders.index_by_seller(&entries, "seller_index", to).await.unwrap();
    let page = orders.orders_of_seller(TENANT, &seller, None, 9).await.unwrap();
    assert_eq!(numbers(&page), [order_no(2), order_no(1)]);
    assert_eq!(orders.feed_position("seller_index").await.unwrap(), to);
}

#[tokio::test]
async fn the_feed_has_no_gaps_and_positions_never_go_back() {
    let scene = Scene::new();
    change(&scene, vec![place(1, "k1"), place(2, "k1"), place(3, "k3")]).await;
    change(&scene, vec![place(4, "k4")]).await;
    let orders = &scene.stores().orders;
    let page = orders.events_after(0, 10).await.unwrap();
    let seen: Vec<(i64, OrderNo)> = page.events.iter().map(|event| (event.seq, event.order_no.clone())).collect();
    assert_eq!(seen, [(1, order_no(1)), (2, order_no(3)), (3, order_no(4))]);
    assert_eq!(page.events[0].seller, SellerId::from_stored("acme"));
    assert_eq!(orders.events_after(2, 10).await.unwrap().events.len(), 1);
    let start = FeedPosition { epoch: page.epoch, round: 0, seq: 0 };
    assert_eq!(orders.feed_position("settlement").await.unwrap(), start);
    for seq in [2, 1, 3, 3] {
        orders.advance_feed_position("settlement", FeedPosition { seq, ..start }).await.unwrap();
    }
    assert_eq!(orders.feed_position("settlement").await.unwrap().seq, 3);
}

#[tokio::test]
async fn timers_come_due_oldest_first_and_are_removed() {
    let scene = Scene::new();
    change(&scene, vec![place(1, "k1")]).await;
    scene.advance(10);
    change(&scene, vec![place(2, "k2")]).await;
    let orders = &scene.stores().orders;
    let deadline = scene.now().plus_ms(900_000);
    assert!(orders.due_timers(deadline.plus_ms(-11), None, 10).await.unwrap().is_empty());
    let due = orders.due_timers(deadline, None, 10).await.unwrap();
    assert_eq!(due.iter().map(|timer| timer.order_no.clone()).collect::<Vec<_>>(), [order_no(1), order_no(2)]);
    assert_eq!(orders.due_timers(deadline, None, 1).await.unwrap(), due[..1]);
    orders.remove_timers(&due[..1]).await.unwrap();
    orders.remove_timers(&due[..1]).await.unwrap();
    assert_eq!(orders.due_timers(deadline, None, 10).await.unwrap(), due[1..]);
}

#[tokio::test]
async fn leases_of_blocks_never_overlap() {
    let scene = Scene::new();
    let orders = Arc::clone(&scene.stores().orders);
    let mut ends = std::collections::HashMap::new();
    for round in 0..130 {
        let lease = orders.lease_block().await.unwrap();
        if let Some(end) = ends.insert(lease.block, lease.until) {
            assert!(lease.from >= end, "round {round}: {lease:?} begins before {end:?}");
        }
    }
    assert_eq!(ends.len(), 64, "every block was used before one was used again");
}

#[tokio::test]
async fn the_offset_of_numbers_is_the_one_of_the_first_start() {
    let mut scene = Scene::new();
    assert_eq!(scene.stores().orders.number_offset_s(28_800).await.unwrap(), 28_800);
    scene.reopen();
    assert_eq!(scene.stores().orders.number_offset_s(0).await.unwrap(), 28_800);
}

#[tokio::test]
async fn the_catalog_keeps_every_version_and_tells_changes_in_order() {
    let scene = Scene::new();
    let catalog = Arc::clone(&scene.stores().catalog);
    let seller = SellerDraft { id: SellerId::from_stored("acme"), name: "Acme".to_owned(), source_version: None };
    let unknown = catalog.put_skus(TENANT, vec![sku_draft("A", 100)], true).await.unwrap();
    assert_eq!(unknown, [PutAnswer::UnknownSeller]);
    assert_eq!(catalog.put_seller(TENANT, seller.clone()).await.unwrap(), PutAnswer::Stored(Version(1)));
    assert_eq!(catalog.put_seller(TENANT, seller.clone()).await.unwrap(), PutAnswer::Unchanged(Version(1)));
    let drafts = vec![sku_draft("A", 100), sku_draft("B", 7), sku_draft("A", 110)];
    let answers = catalog.put_skus(TENANT, drafts, true).await.unwrap();
    assert_eq!(answers, [Version(1), Version(1), Version(2)].map(PutAnswer::Stored));
    assert_eq!(
        catalog.put_skus(TENANT, vec![sku_draft("A", 110)], false).await.unwrap(),
        [PutAnswer::Unchanged(Version(2))]
    );
    let code = SkuCode::from_stored("A");
    for (version, price) in [(1, Some(100)), (2, Some(110)), (3, None)] {
        let found = catalog.sku_at(TENANT, &code, Version(version)).await.unwrap();
        assert_eq!(found.map(|sku| sku.price.0), price, "version {version}");
    }
    let (changes, last) = catalog.changes_after(0, 10).await.unwrap();
    let seen: Vec<String> = changes
        .iter()
        .map(|change| match change {
            CatalogChange::Seller(_, seller) => format!("{} {}", seller.id, seller.name),
            CatalogChange::Sku(_, sku) => format!("{} {}", sku.code, sku.price.0),
        })
        .collect();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[0], "acme Acme");
    assert!(seen[1..].contains(&"A 110".to_owned()) && seen[1..].contains(&"B 7".to_owned()), "{seen:?}");
    assert_eq!(catalog.changes_after(last, 10).await.unwrap(), (vec![], last));
    let renamed = SellerDraft { name: "Acme Ltd".to_owned(), source_version: Some(4), ..seller.clone() };
    catalog.put_seller(TENANT, renamed).await.unwrap();
    let older = SellerDraft { source_version: Some(3), ..seller };
    assert_eq!(catalog.put_seller(TENANT, older).await.unwrap(), PutAnswer::Older(Version(2)));
    assert_eq!(catalog.changes_after(last, 10).await.unwrap().0.len(), 1);
}

#[tokio::test]
async fn tenants_and_keys_are_kept_and_keys_are_revoked_once() {
    let mut scene = Scene::new();
    let tenants = Arc::clone(&scene.stores().tenants);
    let first = tenants.ensure_tenant(draft("shop")).await.unwrap();
    let second = tenants.ensure_tenant(draft("mall")).await.unwrap();
    assert_ne!(first.id, second.id);
    let other = holdline_domain::tenant::Tenant { pay_within_ms: 1, ..draft("shop") };
    assert_eq!(tenants.ensure_tenant(other).await.unwrap(), first, "an existing tenant is left as it is");
    assert_eq!(tenants.tenants().await.unwrap(), [first.clone(), second]);
    let key = samples::key(first.id, "key-1", 1);
    tenants.add_key(key.clone()).await.unwrap();
    tenants.add_key(key.clone()).await.unwrap();
    let twin = samples::key(first.id, "key-2", 1);
    assert_eq!(tenants.add_key(twin).await.unwrap_err().kind, FaultKind::Conflict, "a secret names one key");
    let shop = TenantName::from_stored("shop");
    assert!(tenants.revoke_key(&shop, "key-1", UnixMillis(7)).await.unwrap());
    assert!(tenants.revoke_key(&shop, "key-1", UnixMillis(9)).await.unwrap());
    assert!(!tenants.revoke_key(&shop, "key-9", UnixMillis(9)).await.unwrap());
    assert!(!tenants.revoke_key(&TenantName::from_stored("none"), "key-1", UnixMillis(9)).await.unwrap());
    // The directory has one owner, and every port of it counts.
    drop(tenants);
    scene.reopen();
    let expected = holdline_domain::tenant::ApiKey { revoked: Some(UnixMillis(7)), ..key };
    assert_eq!(scene.stores().tenants.keys().await.unwrap(), [expected]);
}

#[tokio::test]
async fn a_database_migrated_by_a_newer_program_stops_this_one_at_its_next_batch() {
    let scene = Scene::new();
    change(&scene, vec![place(1, "k1")]).await;
    for (database, head) in [("ledger", "ledger_head"), ("orders", "feed_head"), ("orders", "catalog_head")] {
        scene.file(database).execute(&format!("UPDATE {head} SET min_writer = 9"), []).unwrap();
    }
    let stores = scene.stores();
    let position = FeedPosition { epoch: 1, round: 0, seq: 1 };
    for fault in [
        stores.ledger.apply(Arc::new([adjust("A", 1, "opening")])).await.unwrap_err(),
        stores.ledger.advance_reaper_cursor(1).await.unwrap_err(),
        stores.orders.apply(Arc::new([place(2, "k2")])).await.unwrap_err(),
        stores.orders.advance_feed_position("settlement", position).await.unwrap_err(),
        stores.orders.remove_timers(&[]).await.unwrap_err(),
        stores.orders.lease_block().await.unwrap_err(),
        stores.catalog.put_skus(TENANT, vec![sku_draft("A", 1)], false).await.unwrap_err(),
        stores.tenants.ensure_tenant(draft("shop")).await.unwrap_err(),
    ] {
        assert!(fault.message.contains("run the newer Holdline"), "{fault}");
    }
    assert_eq!(stores.orders.orders(TENANT, &[order_no(2)]).await.unwrap(), [None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_at_once_never_oversell_and_lose_nothing() {
    const UNITS: i64 = 200;
    let scene = Scene::new();
    apply(&scene, vec![adjust("A", UNITS, "opening")]).await;
    let callers: Vec<_> = (0..8)
        .map(|caller| {
            let ledger = Arc::clone(&scene.stores().ledger);
            tokio::spawn(async move {
                let mut held = 0;
                for round in 0..10 {
                    let batch: Vec<LedgerRequest> = (0..5)
                        .map(|i| hold(&format!("{caller}-{round}-{i}"), &format!("b{i}"), &[("acme", "A", 1)]))
                        .collect();
                    let answers = ledger.apply(batch.into()).await.unwrap();
                    held += answers.iter().filter(|answer| matches!(answer, LedgerAnswer::Held(_))).count();
                }
                held
            })
        })
        .collect();
    let mut held = 0;
    for caller in callers {
        held += caller.await.unwrap();
    }
    assert_eq!(i64::try_from(held).unwrap(), UNITS);
    let ledger = &scene.stores().ledger;
    let account = &ledger.accounts(TENANT, &[stock("A")]).await.unwrap()[0];
    assert_eq!((account.held, account.available()), (UNITS, 0));
    let visits = ledger.holds_after(0, 1_000).await.unwrap();
    assert_eq!(visits.len(), held);
    let page = ledger.movements(account.account_no, i64::MAX, 1_000).await.unwrap();
    let sum: i64 = page.movements.iter().filter(|(m, _)| m.kind == MovementKind::Hold).map(|(m, _)| m.quantity).sum();
    assert_eq!(sum, UNITS, "the movements prove the balance");
}
