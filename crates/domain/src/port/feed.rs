//! The port of what consumers of the feed keep: parked events, and what was skipped.

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::fault::Fault;
use crate::feed::{End, FeedPosition, ParkedEvent, ParkedKey, Parking};
use crate::id::{ConsumerName, TenantId};
use crate::order::OrderNo;
use crate::order::change::Event;

/// Where consumers keep what they could not work off.
#[async_trait]
pub trait FeedStore: Send + Sync + 'static {
    /// The feed's last event, in the feed's epoch, round 0.
    async fn feed_end(&self) -> Result<FeedPosition, Fault>;

    /// Parks events ([`crate::feed::park`]) and moves the consumer's position, in one transaction. A position that another
    /// process has moved as far, or that began another round, stays, and nothing is parked.
    async fn park(&self, consumer: &ConsumerName, to: FeedPosition, parkings: &[Parking]) -> Result<(), Fault>;

    /// Parks events that were worked off before, to be worked off once more at once; those that are parked stay as they are.
    async fn park_again(&self, consumer: &ConsumerName, events: &[Event]) -> Result<(), Fault>;

    /// A consumer's position as it is stored, whatever the epoch. For a consumer whose work lies in the feed's own database
    /// or nowhere: a restore takes neither back further than the feed.
    async fn stored_position(&self, consumer: &ConsumerName) -> Result<Option<FeedPosition>, Fault>;

    /// Which of these orders have parked events.
    async fn parked_orders(
        &self,
        consumer: &ConsumerName,
        orders: &[(TenantId, OrderNo)],
    ) -> Result<BTreeSet<(TenantId, OrderNo)>, Fault>;

    /// Parked events that are due by the database's clock, the longest due first.
    async fn due_parked(&self, consumer: &ConsumerName, limit: usize) -> Result<Vec<ParkedEvent>, Fault>;

    /// Ends or changes one parked event ([`crate::feed::end`]). `None`: it is not parked.
    async fn end_parked(&self, key: &ParkedKey, end: End) -> Result<Option<ParkedEvent>, Fault>;

    /// The key of the parked event at a place in the feed; `None` if none of the tenant is parked there.
    async fn parked_at(&self, consumer: &ConsumerName, tenant: TenantId, seq: i64) -> Result<Option<ParkedKey>, Fault>;

    /// A tenant's parked events of a consumer by order and sequence, after a place, at most `limit`.
    async fn parked_events(
        &self,
        consumer: &ConsumerName,
        tenant: TenantId,
        after: Option<&(OrderNo, i64)>,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, Fault>;

    /// How many events a consumer has parked, counted up to `limit`.
    async fn count_parked(&self, consumer: &ConsumerName, limit: usize) -> Result<usize, Fault>;

    /// Lets a consumer begin anew: its position is the start of the feed, in a new round.
    async fn restart(&self, consumer: &ConsumerName) -> Result<FeedPosition, Fault>;

    /// Removes up to `limit` entries of the index by seller; how many.
    async fn clear_seller_index(&self, limit: usize) -> Result<usize, Fault>;
}
