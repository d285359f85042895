//! Lists of orders: pages from newest to oldest.

use holdline_domain::id::{BuyerId, SellerId, TenantId};
use holdline_domain::order::{Order, OrderNo};
use holdline_domain::port::{FeedPosition, OrderPage, OrderStore};

use super::super::sample::{TENANT, buyer, number, order, placing, seller};
use super::super::{Process, ok};
use super::send;

/// Nine orders: buyers ann and bob, sellers s1 and s2, numbers 1 to 9 placed out of order.
async fn nine_orders(process: &Process) {
    let batch: Vec<_> = [5, 1, 9, 3, 2, 8, 4, 7, 6]
        .into_iter()
        .map(|n: u32| {
            let (seller_id, buyer_id) =
                (if n.is_multiple_of(3) { "s2" } else { "s1" }, if n < 7 { "ann" } else { "bob" });
            let group = format!("k{n}");
            let draft: Order = order(&number(n), &group, seller_id, buyer_id);
            placing(&group, vec![draft])
        })
        .collect();
    send(&process.orders, &batch).await;
}

/// Every number of a list, page by page; checks that no page is longer than `limit`.
async fn paged(limit: usize, page: impl AsyncFn(Option<OrderNo>) -> OrderPage) -> Vec<OrderNo> {
    let mut numbers: Vec<OrderNo> = Vec::new();
    loop {
        let got = page(numbers.last().cloned()).await;
        assert!(got.orders.len() <= limit);
        assert!(got.orders.iter().all(|order| order.lines.len() == 2), "orders come with their lines");
        numbers.extend(got.orders.into_iter().map(|order| order.no));
        if !got.has_more {
            return numbers;
        }
    }
}

fn newest_first(numbers: &[u32]) -> Vec<OrderNo> {
    let mut numbers: Vec<OrderNo> = numbers.iter().copied().map(number).collect();
    numbers.sort_by(|a, b| b.cmp(a));
    numbers
}

/// Only this buyer's, each once, none left out, at every page length.
pub async fn a_buyers_orders_are_paged_newest_first(first: Process, second: Process) {
    nine_orders(&first).await;
    for limit in [1, 2, 6, 100] {
        let of = async |who: &BuyerId| {
            let page = async |before: Option<OrderNo>| {
                ok(second.orders.orders_of_buyer(TENANT, who, before.as_ref(), limit).await)
            };
            paged(limit, page).await
        };
        assert_eq!(of(&buyer("ann")).await, newest_first(&[1, 2, 3, 4, 5, 6]));
        assert_eq!(of(&buyer("bob")).await, newest_first(&[7, 8, 9]));
        assert_eq!(of(&buyer("an")).await, []);
    }
}

/// All of the tenant's.
pub async fn recent_orders_are_paged_newest_first(first: Process, second: Process) {
    nine_orders(&first).await;
    for limit in [1, 4, 9, 100] {
        let page =
            async |before: Option<OrderNo>| ok(second.orders.recent_orders(TENANT, before.as_ref(), limit).await);
        assert_eq!(paged(limit, page).await, newest_first(&[1, 2, 3, 4, 5, 6, 7, 8, 9]));
    }
    assert_eq!(ok(first.orders.recent_orders(TenantId(2), None, 10).await), OrderPage::default());
}

/// Entries and position move together; an entry twice is there once, a position never goes back.
pub async fn a_sellers_index_takes_repeats(first: Process, second: Process) {
    nine_orders(&first).await;
    let entry = |n: u32| (TENANT, seller(if n.is_multiple_of(3) { "s2" } else { "s1" }), number(n));
    let start = ok(first.orders.feed_position("seller_index").await);
    let at = |seq| FeedPosition { seq, ..start };
    let (early, late): (Vec<_>, Vec<_>) = ((1..=5).map(entry).collect(), (4..=9).map(entry).collect());
    ok(first.orders.index_by_seller(&early, "seller_index", at(5)).await);
    assert_eq!(ok(second.orders.feed_position("seller_index").await), at(5));
    ok(second.orders.index_by_seller(&late, "seller_index", at(9)).await);
    ok(first.orders.index_by_seller(&early, "seller_index", at(5)).await);
    ok(second.orders.index_by_seller(&[], "seller_index", at(9)).await);
    assert_eq!(ok(first.orders.feed_position("seller_index").await), at(9));
    for limit in [1, 2, 100] {
        assert_eq!(of_seller(&*second.orders, "s1", limit).await, newest_first(&[1, 2, 4, 5, 7, 8]));
        assert_eq!(of_seller(&*first.orders, "s2", limit).await, newest_first(&[3, 6, 9]));
    }
    assert_eq!(of_seller(&*first.orders, "s3", 10).await, []);
}

async fn of_seller(orders: &dyn OrderStore, id: &str, limit: usize) -> Vec<OrderNo> {
    let who: SellerId = seller(id);
    let page = async |before: Option<OrderNo>| ok(orders.orders_of_seller(TENANT, &who, before.as_ref(), limit).await);
    paged(limit, page).await
}
