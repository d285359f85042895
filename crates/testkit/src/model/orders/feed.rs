//! What consumers of the feed keep, over maps.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use holdline_domain::fault::Fault;
use holdline_domain::feed::{self, End, FeedPosition, ParkedEvent, ParkedKey, Parking};
use holdline_domain::id::{ConsumerName, TenantId};
use holdline_domain::order::OrderNo;
use holdline_domain::order::change::Event;
use holdline_domain::port::FeedStore;

use super::{EPOCH, OrderRows};
use crate::model::Databases;
use crate::model::process::Process;
use crate::model::wire::Wire;

/// What consumers keep, as one process reaches it.
pub struct ModelFeed {
    wire: Wire<OrderRows>,
}

impl ModelFeed {
    pub(in crate::model) fn new(databases: &Databases, process: &Arc<Process>) -> Self {
        Self { wire: Wire::new(databases, &databases.orders, process) }
    }
}

impl OrderRows {
    /// Everything that is parked of these orders.
    fn parked_of(&self, consumer: &ConsumerName, orders: &BTreeSet<(TenantId, OrderNo)>) -> Vec<ParkedEvent> {
        let of = |key: &ParkedKey| key.consumer == *consumer && orders.contains(&(key.tenant, key.order_no.clone()));
        self.parked.values().filter(|event| of(&event.key)).cloned().collect()
    }

    fn position(&self, consumer: &ConsumerName) -> Option<FeedPosition> {
        self.positions.get(consumer.as_str()).copied()
    }
}

#[async_trait]
impl FeedStore for ModelFeed {
    async fn feed_end(&self) -> Result<FeedPosition, Fault> {
        let read = |rows: &OrderRows| {
            let seq = rows.events.last().map_or(0, |stored| stored.event.seq);
            FeedPosition { epoch: EPOCH, round: 0, seq }
        };
        self.wire.read("feed.feed_end", read).await
    }

    async fn park(&self, consumer: &ConsumerName, to: FeedPosition, parkings: &[Parking]) -> Result<(), Fault> {
        let (consumer, parkings, wire) = (consumer.clone(), parkings.to_vec(), self.wire.clone());
        let commit = move |rows: &mut OrderRows, _| {
            let stored = rows.position(&consumer);
            if stored.is_some_and(|stored| stored >= to) {
                return Ok(());
            }
            let same = stored.filter(|stored| (stored.epoch, stored.round) == (to.epoch, to.round));
            let orders = parkings.iter().map(|each| (each.event.tenant, each.event.order_no.clone())).collect();
            let known = rows.parked_of(&consumer, &orders);
            let now = wire.database_clock().now();
            let writes = feed::park(&consumer, known, &parkings, same.map_or(0, |stored| stored.seq), now);
            rows.write_parked(writes);
            rows.moved(consumer.as_str(), to);
            Ok(())
        };
        self.wire.write("feed.park", commit).await
    }

    async fn park_again(&self, consumer: &ConsumerName, events: &[Event]) -> Result<(), Fault> {
        let parkings: Vec<Parking> =
            events.iter().map(|event| Parking { event: event.clone(), failure: None }).collect();
        let (consumer, wire) = (consumer.clone(), self.wire.clone());
        let commit = move |rows: &mut OrderRows, _| {
            let orders = parkings.iter().map(|each| (each.event.tenant, each.event.order_no.clone())).collect();
            let known = rows.parked_of(&consumer, &orders);
            rows.write_parked(feed::park(&consumer, known, &parkings, 0, wire.database_clock().now()));
            Ok(())
        };
        self.wire.write("feed.park_again", commit).await
    }

    async fn stored_position(&self, consumer: &ConsumerName) -> Result<Option<FeedPosition>, Fault> {
        self.wire.read("feed.stored_position", |rows: &OrderRows| rows.position(consumer)).await
    }

    async fn parked_orders(
        &self,
        consumer: &ConsumerName,
        orders: &[(TenantId, OrderNo)],
    ) -> Result<BTreeSet<(TenantId, OrderNo)>, Fault> {
        let orders: BTreeSet<_> = orders.iter().cloned().collect();
        let read = |rows: &OrderRows| {
            let parked = rows.parked_of(consumer, &orders).into_iter();
            parked.map(|event| (event.key.tenant, event.key.order_no)).collect()
        };
        self.wire.read("feed.parked_orders", read).await
    }

    async fn due_parked(&self, consumer: &ConsumerName, limit: usize) -> Result<Vec<ParkedEvent>, Fault> {
        let now = self.wire.database_clock().now();
        let read = |rows: &OrderRows| {
            let due = |event: &&ParkedEvent| {
                event.key.consumer == *consumer && event.next_try.is_some_and(|next_try| next_try <= now)
            };
            let mut due: Vec<ParkedEvent> = rows.parked.values().filter(due).cloned().collect();
            due.sort_by_key(|event| event.next_try);
            due.truncate(limit);
            due
        };
        self.wire.read("feed.due_parked", read).await
    }

    async fn end_parked(&self, key: &ParkedKey, end: End) -> Result<Option<ParkedEvent>, Fault> {
        let (key, wire) = (key.clone(), self.wire.clone());
        let commit = move |rows: &mut OrderRows, _| {
            let order = BTreeSet::from([(key.tenant, key.order_no.clone())]);
            let stored = rows.parked_of(&key.consumer, &order);
            let (writes, event) = feed::end(stored, key.seq, end.clone(), wire.database_clock().now());
            rows.write_parked(writes);
            Ok(event)
        };
        self.wire.write("feed.end_parked", commit).await
    }

    async fn parked_at(&self, consumer: &ConsumerName, tenant: TenantId, seq: i64) -> Result<Option<ParkedKey>, Fault> {
        let read = |rows: &OrderRows| {
            let is_it = |key: &&ParkedKey| key.consumer == *consumer && key.tenant == tenant && key.seq == seq;
            rows.parked.keys().find(is_it).cloned()
        };
        self.wire.read("feed.parked_at", read).await
    }

    async fn parked_events(
        &self,
        consumer: &ConsumerName,
        tenant: TenantId,
        after: Option<&(OrderNo, i64)>,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, Fault> {
        let read = |rows: &OrderRows| {
            let is_after = |key: &ParkedKey| after.is_none_or(|after| (&key.order_no, key.seq) > (&after.0, after.1));
            let of = |key: &ParkedKey| key.consumer == *consumer && key.tenant == tenant && is_after(key);
            rows.parked.values().filter(|event| of(&event.key)).take(limit).cloned().collect()
        };
        self.wire.read("feed.parked_events", read).await
    }

    async fn count_parked(&self, consumer: &ConsumerName, limit: usize) -> Result<usize, Fault> {
        let read = |rows: &OrderRows| rows.parked.keys().filter(|key| key.consumer == *consumer).take(limit).count();
        self.wire.read("feed.count_parked", read).await
    }

    async fn restart(&self, consumer: &ConsumerName) -> Result<FeedPosition, Fault> {
        let consumer = consumer.clone();
        let commit = move |rows: &mut OrderRows, _| {
            let round = rows.position(&consumer).map_or(0, |stored| stored.round) + 1;
            let begin = FeedPosition { epoch: EPOCH, round, seq: 0 };
            rows.moved(consumer.as_str(), begin);
            Ok(begin)
        };
        self.wire.write("feed.restart", commit).await
    }

    async fn clear_seller_index(&self, limit: usize) -> Result<usize, Fault> {
        let commit = move |rows: &mut OrderRows, _| {
            let first: Vec<_> = rows.by_seller.iter().take(limit).cloned().collect();
            for entry in &first {
                rows.by_seller.remove(entry);
            }
            Ok(first.len())
        };
        self.wire.write("feed.clear_seller_index", commit).await
    }
}
