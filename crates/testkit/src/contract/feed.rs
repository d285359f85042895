//! The contract of `FeedStore`.

use holdline_domain::feed::{End, Failure, FeedPosition, ParkedEvent, ParkedKey, Parking};
use holdline_domain::id::{ConsumerName, TenantId};
use holdline_domain::order::change::Event;

use super::sample::{TENANT, number, place, seller};
use super::{Process, ok};

/// One test per rule of this suite.
#[macro_export]
macro_rules! feed_contract {
    ($with:path) => {
        $crate::contract_suite!(
            feed,
            $with,
            [
                a_consumer_begins_anew_and_what_it_had_begun_does_not_move_it,
                events_are_parked_with_the_position_and_only_once,
                parked_events_are_listed_by_order_and_by_tenant,
                the_end_of_the_feed_is_its_last_event,
                the_first_of_an_order_is_tried_and_the_next_one_follows,
                the_index_by_seller_is_cleared_in_pages,
            ]
        );
    };
}

fn consumer() -> ConsumerName {
    ConsumerName::from_stored("ledger")
}

/// Places orders of the numbers given, each once; the events.
async fn feed_of(process: &Process, numbers: &[u32]) -> Vec<Event> {
    for n in numbers {
        ok(process.orders.apply([place(&format!("k{n}"), &[(*n, "s1")])].as_slice().into()).await);
    }
    ok(process.orders.events_after(0, 100).await).events
}

fn failed(event: &Event, wait_ms: i64) -> Parking {
    let failure = Failure { error: "no".to_owned(), attempts: 2, wait_ms };
    Parking { event: event.clone(), failure: Some(failure) }
}

fn behind(event: &Event) -> Parking {
    Parking { event: event.clone(), failure: None }
}

async fn all(process: &Process) -> Vec<ParkedEvent> {
    ok(process.feed.parked_events(&consumer(), TENANT, None, 100).await)
}

fn seqs(events: &[ParkedEvent]) -> Vec<i64> {
    events.iter().map(|event| event.key.seq).collect()
}

/// A later event of the same order, as another change would have written it.
fn later(event: &Event, seq: i64) -> Event {
    Event { seq, version: event.version.next(), ..event.clone() }
}

/// Where the feed is empty, and where it is not.
pub async fn the_end_of_the_feed_is_its_last_event(first: Process, second: Process) {
    let end = ok(first.feed.feed_end().await);
    assert_eq!(end.seq, 0);
    feed_of(&first, &[1, 2, 3]).await;
    assert_eq!(ok(second.feed.feed_end().await), FeedPosition { seq: 3, ..end });
}

/// A page is parked by whoever moves the position first.
pub async fn events_are_parked_with_the_position_and_only_once(first: Process, second: Process) {
    let events = feed_of(&first, &[1, 2]).await;
    let start = ok(first.orders.feed_position("ledger").await);
    let to = FeedPosition { seq: 2, ..start };
    ok(first.feed.park(&consumer(), to, &[failed(&events[0], 60_000)]).await);
    assert_eq!(ok(second.orders.feed_position("ledger").await), to);
    let parked = all(&second).await;
    assert_eq!(seqs(&parked), [1]);
    assert_eq!((parked[0].error.as_str(), parked[0].attempts, parked[0].kind), ("no", 2, events[0].kind));
    assert_eq!(parked[0].next_try, Some(parked[0].parked.plus_ms(60_000)));
    assert_eq!((&parked[0].key.order_no, parked[0].version), (&number(1), events[0].version));
    // The other process worked on the same page, and comes second.
    ok(second.feed.park(&consumer(), to, &[failed(&events[0], 1), failed(&events[1], 1)]).await);
    assert_eq!(all(&first).await, parked);
    // What was ended meanwhile is not parked again by a page that reaches further.
    ok(first.feed.end_parked(&parked[0].key, End::Done).await);
    let further = FeedPosition { seq: 3, ..start };
    let third = later(&events[1], 3);
    ok(second.feed.park(&consumer(), further, &[failed(&events[0], 1), failed(&third, 60_000)]).await);
    assert_eq!(seqs(&all(&first).await), [3]);
    let other = ConsumerName::from_stored("search");
    assert_eq!(ok(first.feed.count_parked(&other, 9).await), 0);
    assert_eq!(ok(first.feed.count_parked(&consumer(), 9).await), 1);
}

/// In sequence: done, failed, skipped, and tried at once.
pub async fn the_first_of_an_order_is_tried_and_the_next_one_follows(first: Process, second: Process) {
    let events = feed_of(&first, &[1, 2]).await;
    let (second_of_1, third_of_1) = (later(&events[0], 3), later(&events[0], 4));
    let start = ok(first.orders.feed_position("ledger").await);
    let parkings = [failed(&events[0], 0), failed(&events[1], 600_000), behind(&second_of_1), behind(&third_of_1)];
    ok(first.feed.park(&consumer(), FeedPosition { seq: 4, ..start }, &parkings).await);
    let asked = [(TENANT, number(1)), (TENANT, number(9)), (TENANT, number(2)), (TenantId(2), number(1))];
    let orders = ok(second.feed.parked_orders(&consumer(), &asked).await);
    assert_eq!(orders.into_iter().collect::<Vec<_>>(), [(TENANT, number(1)), (TENANT, number(2))]);
    let due = ok(second.feed.due_parked(&consumer(), 10).await);
    assert_eq!(seqs(&due), [1], "the others wait");
    let again = Failure { error: "still".to_owned(), attempts: 1, wait_ms: 600_000 };
    let failed = ok(second.feed.end_parked(&due[0].key, End::Failed(again)).await).expect("it is parked");
    assert_eq!((failed.error.as_str(), failed.attempts), ("still", 3));
    assert_eq!(ok(first.feed.due_parked(&consumer(), 10).await), []);
    // Whoever asks for the second one gets the first one tried.
    let key = ParkedKey { seq: 3, ..due[0].key.clone() };
    ok(first.feed.end_parked(&key, End::TryNow).await).expect("it is parked");
    assert_eq!(seqs(&ok(second.feed.due_parked(&consumer(), 10).await)), [1]);
    let found = ok(second.feed.parked_at(&consumer(), TENANT, 1).await).expect("it is parked");
    assert_eq!(ok(second.feed.parked_at(&consumer(), TenantId(2), 1).await), None);
    ok(second.feed.end_parked(&found, End::Done).await).expect("it was parked");
    assert_eq!(ok(second.feed.end_parked(&found, End::Done).await), None);
    assert_eq!(seqs(&ok(first.feed.due_parked(&consumer(), 10).await)), [3]);
    let skip = End::Skipped { reason: "counted by hand".to_owned(), by: "key_1".to_owned() };
    let skipped = ok(first.feed.end_parked(&key, skip).await).expect("it was parked");
    assert_eq!(skipped.key, key);
    assert_eq!(seqs(&ok(second.feed.due_parked(&consumer(), 10).await)), [4]);
    assert_eq!(seqs(&all(&first).await), [4, 2]);
}

/// Nothing of another tenant, by order and sequence, in pages.
pub async fn parked_events_are_listed_by_order_and_by_tenant(first: Process, second: Process) {
    let events = feed_of(&first, &[3, 1, 2]).await;
    let start = ok(first.orders.feed_position("ledger").await);
    let parkings = [failed(&events[0], 1), failed(&events[1], 1), failed(&events[2], 1), behind(&later(&events[1], 4))];
    ok(first.feed.park(&consumer(), FeedPosition { seq: 4, ..start }, &parkings).await);
    let mut listed = Vec::new();
    loop {
        let after = listed.last().map(|event: &ParkedEvent| (event.key.order_no.clone(), event.key.seq));
        let page = ok(second.feed.parked_events(&consumer(), TENANT, after.as_ref(), 2).await);
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    assert_eq!(seqs(&listed), [2, 4, 3, 1]);
    assert_eq!(ok(second.feed.parked_events(&consumer(), TenantId(2), None, 9).await), []);
    assert_eq!(ok(second.feed.count_parked(&consumer(), 3).await), 3);
}

/// A page that was begun before is not counted; one that is begun afterwards is.
pub async fn a_consumer_begins_anew_and_what_it_had_begun_does_not_move_it(first: Process, second: Process) {
    let events = feed_of(&first, &[1, 2]).await;
    let start = ok(first.orders.feed_position("ledger").await);
    let before = FeedPosition { seq: 1, ..start };
    ok(first.orders.advance_feed_position("ledger", before).await);
    let begun = ok(second.feed.restart(&consumer()).await);
    assert!(begun > before && begun.seq == 0, "{begun:?}");
    ok(first.orders.advance_feed_position("ledger", FeedPosition { seq: 2, ..before }).await);
    ok(first.feed.park(&consumer(), FeedPosition { seq: 2, ..before }, &[failed(&events[0], 1)]).await);
    assert_eq!(ok(second.orders.feed_position("ledger").await), begun);
    assert_eq!(all(&second).await, []);
    let to = FeedPosition { seq: 2, ..begun };
    ok(first.feed.park(&consumer(), to, &[failed(&events[0], 1)]).await);
    assert_eq!(ok(second.orders.feed_position("ledger").await), to);
    assert_eq!(seqs(&all(&second).await), [1]);
    assert!(ok(first.feed.restart(&ConsumerName::from_stored("search")).await).round > 0);
}

/// Until none is left.
pub async fn the_index_by_seller_is_cleared_in_pages(first: Process, second: Process) {
    feed_of(&first, &[1, 2, 3]).await;
    let entries = [1, 2, 3].map(|n| (TENANT, seller("s1"), number(n)));
    let start = ok(first.orders.feed_position("seller_index").await);
    ok(first.orders.index_by_seller(&entries, "seller_index", FeedPosition { seq: 3, ..start }).await);
    assert_eq!(ok(second.feed.clear_seller_index(2).await), 2);
    assert_eq!(ok(first.feed.clear_seller_index(2).await), 1);
    assert_eq!(ok(second.feed.clear_seller_index(2).await), 0);
    assert_eq!(ok(first.orders.orders_of_seller(TENANT, &seller("s1"), None, 9).await).orders, []);
}
