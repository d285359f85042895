//! Consumers of the feed: the ledger follows the orders, and the index by seller is kept.
//!
//! Each consumer keeps its own position, works at least once and is idempotent. Settlement acts on the order's state as
//! it is now, never on what the event said; what this process wrote last it has from memory ([`written`]). An event that
//! fails by itself is parked with the later ones of its order ([`parked`]), and the rest goes on; where the store itself
//! fails, the page waits and nothing is parked.

mod parked;
mod read;
mod settle;
mod written;

use holdline_domain::fault::Fault;
use holdline_domain::feed::FeedPosition;
use holdline_domain::id::{ConsumerName, TenantId, Version};
use holdline_domain::order::OrderNo;
use holdline_domain::port::{EventPage, FeedStore};

use crate::App;

pub use parked::end_parked;
pub(crate) use parked::{retry_parked, said};
pub(crate) use read::Bell;
pub use read::{EventsFound, EventsWanted, FeedPlace};
pub(crate) use settle::{NotSettled, asks_for_settlement, is_of_one_order, unknown_tenant};
pub(crate) use written::Written;

/// Events of a page of the ledger. All of it is settled before the next one is begun, and while its last ones are, batches go
/// without their share of settlement: pages are so long that this is seldom, also where most events need none.
const LEDGER_PAGE: usize = 2_000;
/// Events of a page of the index: what is entered in one transaction.
const INDEX_PAGE: usize = 500;
/// Entries of an index that are cleared in one transaction: a few milliseconds of the writer.
const CLEAR_PAGE: usize = 1_000;

/// An order of a tenant.
type OrderRef = (TenantId, OrderNo);

/// Who follows the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumer {
    /// Keeps the ledger in step with the orders.
    Ledger,
    /// Keeps the index of orders by seller.
    SellerIndex,
}

impl Consumer {
    /// Every consumer.
    pub const ALL: &'static [Self] = &[Self::Ledger, Self::SellerIndex];

    /// The name that its position is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::SellerIndex => "seller_index",
        }
    }

    /// The same as its parked events have it.
    pub fn id(self) -> ConsumerName {
        ConsumerName::from_stored(self.name())
    }

    /// Events that are read and worked off at once, at most.
    fn page(self) -> usize {
        match self {
            Self::Ledger => LEDGER_PAGE,
            Self::SellerIndex => INDEX_PAGE,
        }
    }

    /// The consumer of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|consumer| consumer.name() == name)
    }

    /// Lets the consumer begin anew from the start of the feed, while others go on. What it keeps is cleared first where that
    /// is no more than an index, in pages; until the feed is followed again, the index is incomplete. Interrupted, it
    /// must be called again.
    pub async fn rebuild(self, feed: &dyn FeedStore) -> Result<FeedPosition, Fault> {
        match self {
            Self::Ledger => {}
            Self::SellerIndex => while feed.clear_seller_index(CLEAR_PAGE).await? == CLEAR_PAGE {},
        }
        feed.restart(&self.id()).await
    }

    /// Works off one page and moves the position behind it.
    async fn work(self, app: &App, page: &EventPage, to: FeedPosition) -> Result<(), Fault> {
        let orders = &app.inner.ports.orders;
        match self {
            Self::Ledger => {
                let parkings = settle::work_off(app, &page.events).await?;
                if parkings.is_empty() {
                    orders.advance_feed_position(self.name(), to).await
                } else {
                    app.inner.ports.feed.park(&self.id(), to, &parkings).await
                }
            }
            Self::SellerIndex => {
                let placed = page.events.iter().filter(|event| event.version == Version::FIRST);
                let entries: Vec<_> =
                    placed.map(|event| (event.tenant, event.seller.clone(), event.order_no.clone())).collect();
                orders.index_by_seller(&entries, self.name(), to).await
            }
        }
    }

    /// Works off the page behind the stored position, and reads the one after it meanwhile.
    async fn step(self, app: &App, ahead: Option<Ahead>) -> Result<(usize, Option<Ahead>), Fault> {
        let orders = &app.inner.ports.orders;
        let from = orders.feed_position(self.name()).await?;
        let page = match ahead.and_then(|ahead| ahead.behind(from)) {
            Some(page) => page,
            None => orders.events_after(from.seq, self.page()).await?,
        };
        let count = page.events.len();
        let Some(last) = page.events.last() else { return Ok((count, None)) };
        let after = last.seq;
        let read_ahead = async {
            if count < self.page() {
                return None;
            }
            // What cannot be read now is read, or missed, in its turn.
            orders.events_after(after, self.page()).await.ok().map(|page| Ahead { after, page })
        };
        let work = self.work(app, &page, FeedPosition { epoch: page.epoch, seq: after, ..from });
        let (worked, ahead) = tokio::join!(work, read_ahead);
        worked.map(|()| (count, ahead))
    }
}

/// The page behind a place, read before the consumer has come to it.
struct Ahead {
    after: i64,
    page: EventPage,
}

impl Ahead {
    /// The page, if it is the one behind this place: the consumer may have been told to begin anew, or another process may have
    /// gone on.
    fn behind(self, place: FeedPosition) -> Option<EventPage> {
        (self.after == place.seq).then_some(self.page)
    }
}

/// Follows the feed page by page until the loops stop. A page that fails is read again: its position has not moved.
pub(crate) async fn follow_feed(app: App, consumer: Consumer) {
    let last_page = metrics::gauge!("holdline_feed_last_page", "consumer" => consumer.name());
    let mut ahead = None;
    loop {
        let more = match consumer.step(&app, ahead.take()).await {
            Ok((count, read_ahead)) => {
                ahead = read_ahead;
                last_page.set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
                count == consumer.page()
            }
            Err(fault) => {
                tracing::warn!(%fault, consumer = consumer.name(), "a page of the feed failed and is tried again");
                false
            }
        };
        let pause_ms = if more { 0 } else { app.inner.settings.tick_ms };
        if !app.inner.tasks.pause(pause_ms).await {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_was_read_ahead_is_worked_off_behind_its_place_only() {
        let taken = |seq| {
            let ahead = Ahead { after: 500, page: EventPage { epoch: 2, events: Vec::new() } };
            ahead.behind(FeedPosition { seq, ..FeedPosition::default() }).map(|page| page.epoch)
        };
        assert_eq!([taken(0), taken(500), taken(1_000)], [None, Some(2), None]);
    }
}
