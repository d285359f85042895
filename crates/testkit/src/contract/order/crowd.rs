//! Many callers at once, on two processes.

use std::collections::BTreeMap;

use holdline_domain::order::change::{Change, ChangeAnswer, Event};
use holdline_domain::order::number::{BLOCKS, BlockLease, LEASE_MS_MAX};
use holdline_domain::order::{Order, OrderGroup, OrderNo};

use super::super::sample::{TENANT, cancel, key, number, place};
use super::super::{Process, ok};
use super::{applied, read, send};

/// 20 attempts with one key at once, each with other numbers: one is written, the others are shown it.
pub async fn one_key_is_placed_once_by_a_crowd(first: Process, second: Process) {
    let callers = (0..20_u32).map(|n| {
        let orders = if n % 2 == 0 { first.orders.clone() } else { second.orders.clone() };
        tokio::spawn(async move { send(&orders, &[place("k", &[(n, "s1")])]).await.remove(0) })
    });
    let (mut placed, mut shown) = (0, Vec::new());
    for caller in callers.collect::<Vec<_>>() {
        match caller.await.expect("no caller panics") {
            ChangeAnswer::Applied { .. } => placed += 1,
            ChangeAnswer::GroupExists(group) => shown.push(group),
            other => panic!("neither placed nor known: {other:?}"),
        }
    }
    assert_eq!((placed, shown.len()), (1, 19));
    assert!(shown.iter().all(|group| *group == shown[0]));
    assert_eq!(ok(first.orders.events_after(0, 10).await).events.len(), 1);
}

/// A crowd that places, fences and cancels; every order is cancelled by two callers at once.
pub async fn crowd(first: &Process, second: &Process) {
    let callers = (0..16_u32).map(|caller| {
        let orders = if caller % 2 == 0 { first.orders.clone() } else { second.orders.clone() };
        tokio::spawn(async move {
            for round in 0..8 {
                // Two callers share each key and each number.
                let n = (caller / 2) * 8 + round;
                let group = format!("k{n}");
                send(
                    &orders,
                    &[
                        place(&group, &[(n, "s1")]),
                        Change::touch(TENANT),
                        Change::fence(OrderGroup::tombstone(TENANT, key(&format!("t{n}")), None)),
                    ],
                )
                .await;
                let seen = read(&orders, n).await.expect("one of the two has placed it");
                if seen.ended.is_none() {
                    send(&orders, &[cancel(&seen)]).await;
                }
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.expect("no caller panics");
    }
}

/// After a crowd: the feed has every event once, in sequence, and each order's versions count from 1.
pub async fn many_callers_leave_a_feed_without_gaps(first: Process, second: Process) {
    crowd(&first, &second).await;
    let mut events: Vec<Event> = Vec::new();
    loop {
        let page = ok(second.orders.events_after(events.last().map_or(0, |event| event.seq), 50).await);
        if page.events.is_empty() {
            break;
        }
        events.extend(page.events);
    }
    assert_eq!(events.len(), 2 * 64, "each order is placed once and cancelled once");
    let mut versions: BTreeMap<OrderNo, i64> = BTreeMap::new();
    for (event, seq) in events.iter().zip(1..) {
        assert_eq!(event.seq, seq);
        let version = versions.entry(event.order_no.clone()).or_default();
        *version += 1;
        assert_eq!(event.version.0, *version, "{event:?}");
    }
    assert!(events.is_sorted_by_key(|event| event.at));
    let numbers: Vec<_> = (0..64).map(number).collect();
    let orders = ok(first.orders.orders(TENANT, &numbers).await);
    assert!(orders.iter().flatten().all(|order| order.version.0 == 2 && order.ended.is_some()));
    let without_lines = |order: Order| Order { lines: Vec::new(), ..order };
    let heads: Vec<_> = orders.into_iter().map(|order| order.map(without_lines)).collect();
    assert_eq!(ok(second.orders.order_heads(TENANT, &numbers).await), heads);
}

/// 100 leases taken by a crowd: no instant of a block is leased twice, however many leases there are.
pub async fn blocks_of_numbers_never_overlap(first: Process, second: Process) {
    let now = applied(&send(&first.orders, &[Change::touch(TENANT)]).await[0]);
    let callers = (0..100_u32).map(|n| {
        let orders = if n % 2 == 0 { first.orders.clone() } else { second.orders.clone() };
        tokio::spawn(async move { ok(orders.lease_block().await) })
    });
    let mut by_block: BTreeMap<u32, Vec<BlockLease>> = BTreeMap::new();
    for caller in callers.collect::<Vec<_>>() {
        let lease = caller.await.expect("no caller panics");
        assert!(lease.block < BLOCKS);
        assert!(lease.from < lease.until && lease.until.since_ms(lease.from) <= LEASE_MS_MAX);
        assert!(lease.from.plus_ms(60_000) > now, "a lease is for now or later, not for long ago");
        by_block.entry(lease.block).or_default().push(lease);
    }
    assert_eq!(by_block.len(), 64, "free blocks come first");
    for leases in by_block.values_mut() {
        leases.sort_by_key(|lease| lease.from);
        assert!(leases.is_sorted_by(|earlier, later| earlier.until <= later.from), "{leases:?}");
    }
}
