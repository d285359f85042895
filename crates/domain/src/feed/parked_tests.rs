//! What is parked, what comes first, and what is left.

use super::*;
use crate::id::{ConsumerName, SellerId, TenantId, Version};
use crate::order::change::Event;
use crate::order::{EventKind, OrderNo};
use crate::time::UnixMillis;

const NOW: UnixMillis = UnixMillis(1_000);

fn consumer() -> ConsumerName {
    ConsumerName::from_stored("ledger")
}

fn event(seq: i64, order: u32, version: i64) -> Event {
    Event {
        seq,
        tenant: TenantId(1),
        order_no: OrderNo::from_stored(format!("2608011200000070001{order:08}")),
        seller: SellerId::from_stored("s1"),
        version: Version(version),
        kind: EventKind::Cancelled,
        at: UnixMillis(0),
    }
}

fn failure() -> Failure {
    Failure { error: "no".to_owned(), attempts: 2, wait_ms: 500 }
}

fn failed(event: Event) -> Parking {
    Parking { event, failure: Some(failure()) }
}

fn behind(event: Event) -> Parking {
    Parking { event, failure: None }
}

/// The rows after some writes.
fn rows(mut stored: Vec<ParkedEvent>, writes: Vec<ParkedWrite>) -> Vec<ParkedEvent> {
    for write in writes {
        match write {
            ParkedWrite::Insert(parked) => stored.push(parked),
            ParkedWrite::Update(parked) => {
                stored.retain(|row| row.key != parked.key);
                stored.push(parked);
            }
            ParkedWrite::Remove(key) => stored.retain(|row| row.key != key),
            ParkedWrite::Skipped(_) => {}
        }
    }
    stored.sort_by_key(|row| row.key.seq);
    stored
}

fn shown(rows: &[ParkedEvent]) -> Vec<(i64, i32, Option<i64>)> {
    rows.iter().map(|row| (row.key.seq, row.attempts, row.next_try.map(|at| at.0))).collect()
}

fn two_of_one_order() -> Vec<ParkedEvent> {
    rows(vec![], park(&consumer(), vec![], &[failed(event(5, 1, 2)), behind(event(8, 1, 3))], 0, NOW))
}

#[test]
fn later_events_of_an_order_wait_behind_the_one_that_failed() {
    assert_eq!(shown(&two_of_one_order()), [(5, 2, Some(1_500)), (8, 0, None)]);
    let later = park(&consumer(), two_of_one_order(), &[behind(event(9, 1, 4)), failed(event(10, 2, 1))], 8, NOW);
    let rows = rows(two_of_one_order(), later);
    assert_eq!(shown(&rows), [(5, 2, Some(1_500)), (8, 0, None), (9, 0, None), (10, 2, Some(1_500))]);
}

#[test]
fn what_another_process_has_parked_or_ended_is_not_parked_again() {
    let again = [failed(event(5, 1, 2)), behind(event(8, 1, 3))];
    assert_eq!(park(&consumer(), two_of_one_order(), &again, 0, NOW), []);
    // The position lies behind both: what is not there any more was ended.
    assert_eq!(park(&consumer(), vec![], &again, 8, NOW), []);
}

#[test]
fn an_event_whose_predecessor_has_gone_meanwhile_is_first_and_due() {
    let rows = rows(vec![], park(&consumer(), vec![], &[behind(event(8, 1, 3))], 5, NOW));
    assert_eq!(shown(&rows), [(8, 0, Some(NOW.0))]);
}

#[test]
fn an_earlier_event_that_is_read_again_comes_first() {
    let replay = park(&consumer(), two_of_one_order(), &[behind(event(2, 1, 1))], 0, NOW);
    assert_eq!(shown(&rows(two_of_one_order(), replay)), [(2, 0, Some(NOW.0)), (5, 2, None), (8, 0, None)]);
}

#[test]
fn whoever_waited_is_due_once_the_first_is_done_or_skipped() {
    let later = UnixMillis(9_000);
    for what in [End::Done, End::Skipped { reason: "r".to_owned(), by: "me".to_owned() }] {
        let is_skip = what != End::Done;
        let (writes, ended) = end(two_of_one_order(), 5, what, later);
        assert_eq!(ended.unwrap().key.seq, 5);
        let log = writes.iter().any(|write| matches!(write, ParkedWrite::Skipped(log) if log.reason == "r"));
        assert_eq!(log, is_skip);
        assert_eq!(shown(&rows(two_of_one_order(), writes)), [(8, 0, Some(9_000))]);
    }
    let (writes, _) = end(two_of_one_order(), 8, End::Done, later);
    assert_eq!(shown(&rows(two_of_one_order(), writes)), [(5, 2, Some(1_500))], "the first stays first");
    assert_eq!(end(two_of_one_order(), 7, End::Done, later), (vec![], None));
}

#[test]
fn a_failure_counts_up_and_waits() {
    let again = Failure { error: "still".to_owned(), attempts: 1, wait_ms: 4_000 };
    let (writes, event) = end(two_of_one_order(), 5, End::Failed(again), NOW);
    assert_eq!(
        (event.unwrap().error.as_str(), shown(&rows(two_of_one_order(), writes))[0]),
        ("still", (5, 3, Some(5_000)))
    );
}

#[test]
fn who_wants_an_event_tried_now_gets_the_first_of_its_order_tried() {
    for seq in [5, 8] {
        let (writes, event) = end(two_of_one_order(), seq, End::TryNow, NOW);
        assert_eq!(event.unwrap().key.seq, seq);
        assert_eq!(shown(&rows(two_of_one_order(), writes)), [(5, 2, Some(NOW.0)), (8, 0, None)]);
    }
}
