//! The feed, its consumers, timers and the shard clock.

use holdline_domain::fault::{FaultKind, Outcome};
use holdline_domain::order::EventKind;
use holdline_domain::order::change::{Change, ChangeAnswer, Timer};
use holdline_domain::port::FeedPosition;
use holdline_domain::time::UnixMillis;

use super::super::sample::{TENANT, cancel, number, place};
use super::super::{Process, ok};
use super::{applied, read, send};

/// Every event once and in sequence, whatever the page; its instant is that of its batch.
pub async fn the_feed_is_paged_without_gaps(first: Process, second: Process) {
    assert_eq!(ok(first.orders.events_after(0, 5).await).events, []);
    let mut placed = Vec::new();
    for n in 0..4 {
        placed.push(applied(&send(&first.orders, &[place(&format!("k{n}"), &[(n, "s1")])]).await[0]));
    }
    let seen = read(&first.orders, 2).await.expect("it was placed");
    let cancelled = applied(&send(&second.orders, &[cancel(&seen)]).await[0]);
    let (mut events, mut epochs) = (Vec::new(), Vec::new());
    loop {
        let page = ok(second.orders.events_after(events.len().try_into().expect("few"), 2).await);
        assert!(page.events.len() <= 2);
        epochs.push(page.epoch);
        if page.events.is_empty() {
            break;
        }
        events.extend(page.events);
    }
    assert!(epochs.iter().all(|epoch| *epoch == epochs[0]), "{epochs:?}");
    let told: Vec<_> = events.iter().map(|e| (e.seq, e.order_no.clone(), e.version.0, e.kind, e.at)).collect();
    assert_eq!(
        told,
        [
            (1, number(0), 1, EventKind::Placed, placed[0]),
            (2, number(1), 1, EventKind::Placed, placed[1]),
            (3, number(2), 1, EventKind::Placed, placed[2]),
            (4, number(3), 1, EventKind::Placed, placed[3]),
            (5, number(2), 2, EventKind::Cancelled, cancelled),
        ]
    );
    assert!(events.iter().all(|event| event.tenant == TENANT));
}

/// Each consumer has its own, from the start of the feed, forward only.
pub async fn a_consumers_position_never_goes_back(first: Process, second: Process) {
    let start = ok(first.orders.feed_position("settlement").await);
    assert_eq!(start.seq, 0);
    let at = |seq| FeedPosition { seq, ..start };
    for (to, expected) in [(5, 5), (3, 5), (5, 5), (8, 8)] {
        ok(first.orders.advance_feed_position("settlement", at(to)).await);
        assert_eq!(ok(second.orders.feed_position("settlement").await), at(expected));
    }
    assert_eq!(ok(second.orders.feed_position("search").await), at(0));
    let crowd = (0..20).map(|n| {
        let orders = if n % 2 == 0 { first.orders.clone() } else { second.orders.clone() };
        let to = at(n * 7 % 20);
        tokio::spawn(async move {
            // Two that make the position at once may collide: the fault says that trying again at once helps.
            while let Err(fault) = orders.advance_feed_position("search", to).await {
                assert_eq!((fault.kind, fault.outcome), (FaultKind::Conflict, Outcome::NotDone), "{fault}");
            }
        })
    });
    for caller in crowd.collect::<Vec<_>>() {
        caller.await.expect("no caller panics");
    }
    assert_eq!(ok(first.orders.feed_position("search").await), at(19));
}

/// One timer per order that waits for payment, due at its deadline; it stays until it is removed.
pub async fn due_timers_come_oldest_first_until_removed(first: Process, second: Process) {
    let mut due = Vec::new();
    for (n, wait_ms) in [(1, 3_000), (2, 1_000), (3, 2_000), (4, 1_000)] {
        let mut change = place(&format!("k{n}"), &[(n, "s1")]);
        if let (holdline_domain::order::change::OrderWrite::Insert(order), _) = &mut change.orders[0] {
            order.pay_deadline = UnixMillis(wait_ms);
        }
        let now = applied(&send(&first.orders, &[change]).await[0]);
        due.push(Timer { due: now.plus_ms(wait_ms), tenant: TENANT, order_no: number(n) });
    }
    due.sort();
    let last = due[3].due;
    assert_eq!(ok(second.orders.due_timers(UnixMillis(due[0].due.0 - 1), None, 10).await), []);
    assert_eq!(ok(second.orders.due_timers(due[0].due, None, 10).await)[0], due[0], "due at its instant");
    assert_eq!(ok(second.orders.due_timers(last, None, 10).await), due);
    assert_eq!(ok(second.orders.due_timers(last, None, 2).await), due[..2], "oldest first");
    for behind in 0..4 {
        let found = ok(second.orders.due_timers(last, Some(&due[behind]), 2).await);
        assert_eq!(found, due[behind + 1..(behind + 3).min(4)], "behind {behind}");
    }
    assert_eq!(ok(second.orders.due_timers(due[1].due, Some(&due[0]), 10).await), due[1..2], "behind it, but due");
    let gone = [due[0].clone(), due[2].clone(), Timer { due: last, tenant: TENANT, order_no: number(99) }];
    for process in [&first, &second] {
        ok(process.orders.remove_timers(&gone).await);
        assert_eq!(ok(process.orders.due_timers(last, None, 10).await), [due[1].clone(), due[3].clone()]);
    }
    ok(first.orders.remove_timers(&[]).await);
}

/// Touches from two processes in turn never see time go back, and what is written carries that time.
pub async fn the_clock_never_goes_back(first: Process, second: Process) {
    let mut last = UnixMillis(0);
    for n in 0..20 {
        let process = if n % 2 == 0 { &first } else { &second };
        let change = if n % 3 == 0 { place(&format!("k{n}"), &[(n, "s1")]) } else { Change::touch(TENANT) };
        let now = applied(&send(&process.orders, &[change]).await[0]);
        assert!(now >= last, "{now:?} after {last:?}");
        last = now;
    }
    let events = ok(first.orders.events_after(0, 100).await).events;
    assert!(events.is_sorted_by_key(|event| event.at));
    assert_eq!(ok(first.orders.events_after(0, 100).await).events.len(), 7, "a touch writes no event");
}

/// `not_before` and `not_after` are judged inside the batch, by its own instant.
pub async fn windows_open_and_close_by_the_shard_clock(first: Process, second: Process) {
    let now = applied(&send(&first.orders, &[Change::touch(TENANT)]).await[0]);
    let hour_ms = 3_600_000;
    let (past, future) = (now.plus_ms(-hour_ms), now.plus_ms(hour_ms));
    let window =
        |n: u32, not_before, not_after| Change { not_before, not_after, ..place(&format!("k{n}"), &[(n, "s1")]) };
    let answers = send(
        &second.orders,
        &[
            window(1, Some(future), None),
            window(2, Some(past), None),
            window(3, None, Some(past)),
            window(4, None, Some(future)),
            window(5, Some(past), Some(future)),
            window(6, Some(now), None),
            window(7, None, Some(now)),
        ],
    )
    .await;
    let word = |answer: &ChangeAnswer| match answer {
        ChangeAnswer::Applied { .. } => "applied",
        ChangeAnswer::TooEarly { .. } => "early",
        ChangeAnswer::TooLate { .. } => "late",
        _ => "other",
    };
    let words: Vec<_> = answers.iter().map(word).collect();
    assert_eq!(words, ["early", "applied", "late", "applied", "applied", "applied", "late"]);
}

/// The offset from UTC in order numbers is chosen once.
pub async fn the_first_offset_of_order_numbers_stays(first: Process, second: Process) {
    assert_eq!(ok(first.orders.number_offset_s(28_800).await), 28_800);
    assert_eq!(ok(second.orders.number_offset_s(-18_000).await), 28_800);
    assert_eq!(ok(first.orders.number_offset_s(0).await), 28_800);
}
