//! The contract of `LifeStore`: rows that are written with their orders, callbacks, and what is not settled.

use holdline_domain::id::{Fingerprint, TenantId, Version};
use holdline_domain::money::Minor;
use holdline_domain::order::change::{Change, ChangeAnswer, OrderWrite, Satellite};
use holdline_domain::order::{EventKind, Order, OrderNo, PaymentStatus};
use holdline_domain::payment::{
    Attempt, AttemptFlag, AttemptId, AttemptState, Callback, CallbackState, Captured, PaymentNo, ProviderName, Refund,
    RefundReason, RefundState, Share, UnsettledCount, UnsettledKind, refundable,
};
use holdline_domain::time::UnixMillis;

use super::sample::{TENANT, buyer, currency, number, place};
use super::{Process, ok};

/// One test per rule of this suite.
#[macro_export]
macro_rules! life_contract {
    ($with:path) => {
        $crate::contract_suite!(
            life,
            $with,
            [
                a_callback_is_stored_once_and_keeps_what_became_of_it,
                an_attempt_is_written_once_with_its_change,
                overdue_attempts_are_not_hidden_by_open_ones,
                refunds_of_two_writers_never_exceed_what_was_captured,
                what_is_not_settled_is_listed_the_longest_first_and_counted,
            ]
        );
    };
}

/// Some instant long after every other one of this suite, and long before any clock's.
const NOW: UnixMillis = UnixMillis(1_000_000_000_000);
const LATER: UnixMillis = UnixMillis(i64::MAX / 2);

fn at(ms: i64) -> UnixMillis {
    NOW.plus_ms(ms)
}

async fn apply(process: &Process, change: Change) -> ChangeAnswer {
    ok(process.orders.apply([change].as_slice().into()).await).pop().expect("one answer per change")
}

async fn applied(process: &Process, change: Change) {
    let answer = apply(process, change).await;
    assert!(matches!(answer, ChangeAnswer::Applied { .. }), "{answer:?}");
}

async fn stored(process: &Process, n: u32) -> Order {
    ok(process.orders.orders(TENANT, &[number(n)]).await).pop().flatten().expect("it was placed")
}

/// The order `n`, placed by itself.
async fn placed(process: &Process, n: u32) -> Order {
    applied(process, place(&format!("k{n}"), &[(n, "s1")])).await;
    stored(process, n).await
}

/// The first attempt to pay an order, open, with an hour left from [`NOW`].
fn attempt(n: u32) -> Attempt {
    Attempt {
        tenant: TENANT,
        id: AttemptId { payment: PaymentNo::of_order(&number(n)), n: 1 },
        version: Version::FIRST,
        provider: ProviderName::from_stored("center"),
        buyer: buyer("ann"),
        shares: vec![Share { order_no: number(n), amount: Minor(165) }],
        amount: Minor(165),
        currency: currency("CNY"),
        state: AttemptState::Open,
        request: Fingerprint([3; 32]),
        method: Some("卡 \"x\"".to_owned()),
        return_url: Some("https://shop.example/thanks?a=1".to_owned()),
        opened: at(-60_000),
        deadline: at(3_600_000),
        pay: Some("{\"qr\": \"二维码\"}".to_owned()),
        reference: Some("T-1".to_owned()),
        captured: None,
        flag: None,
        reason: None,
        looks: 2,
        next_look: Some(at(5_000)),
    }
}

fn of(rows: Vec<Satellite>) -> Change {
    Change { satellites: rows, ..Change::touch(TENANT) }
}

fn row(attempt: Attempt) -> Satellite {
    Satellite::Attempt(Box::new(attempt))
}

fn update(order: Order, kind: EventKind) -> Vec<(OrderWrite, EventKind)> {
    vec![(OrderWrite::Update(Box::new(order)), kind)]
}

fn captured(amount: i64, attached: bool, at: UnixMillis) -> Captured {
    Captured { amount: Minor(amount), currency: currency("CNY"), at, attached }
}

/// Two processes open the first attempt of an order: one row, the order's own, word for word.
pub async fn an_attempt_is_written_once_with_its_change(first: Process, second: Process) {
    let order = placed(&first, 1).await;
    let open = |reference: &str| {
        let attempt = Attempt { reference: Some(reference.to_owned()), ..attempt(1) };
        let started = order.pay_started(&attempt.id).expect("it waits");
        Change { orders: update(started, EventKind::PaymentStarted), ..of(vec![row(attempt)]) }
    };
    let (a, b) = tokio::join!(apply(&first, open("a")), apply(&second, open("b")));
    let winner = match (&a, &b) {
        (ChangeAnswer::Applied { .. }, ChangeAnswer::Stale { .. } | ChangeAnswer::StaleRow { .. }) => "a",
        (ChangeAnswer::Stale { .. } | ChangeAnswer::StaleRow { .. }, ChangeAnswer::Applied { .. }) => "b",
        neither => panic!("one of them is written: {neither:?}"),
    };
    let attempts = ok(second.life.attempts(TENANT, &[PaymentNo::of_order(&number(1))]).await);
    assert_eq!(attempts, [Attempt { reference: Some(winner.to_owned()), ..attempt(1) }]);
    assert_eq!(ok(first.life.attempt(TENANT, &attempt(1).id).await).as_ref(), attempts.first());
    assert_eq!(ok(first.life.attempt(TenantId(2), &attempt(1).id).await), None);
    let order = stored(&first, 1).await;
    assert_eq!((order.payment, &order.life.attempt), (PaymentStatus::Processing, &Some(attempt(1).id)));
    // A change that fails on its order leaves no row.
    let stale = Change {
        orders: update(Order { version: Version(9), ..order.clone() }, EventKind::PaymentStarted),
        ..of(vec![row(attempt(2))])
    };
    let answer = apply(&second, stale).await;
    assert!(matches!(answer, ChangeAnswer::Stale { .. }), "{answer:?}");
    assert_eq!(ok(first.life.attempt(TENANT, &attempt(2).id).await), None);
}

/// Of 165 that were captured, two writers want 100 each: the second one decides on what the first one left.
pub async fn refunds_of_two_writers_never_exceed_what_was_captured(first: Process, second: Process) {
    let order = placed(&first, 1).await;
    let id = attempt(1).id;
    let paid = order.pay_started(&id).expect("it waits").captured(&id, Minor(165)).expect("it is open");
    let paid = Order { version: order.version.next(), ..paid };
    let money = Attempt { captured: Some(captured(165, true, at(0))), state: AttemptState::Captured, ..attempt(1) };
    applied(&first, Change { orders: update(paid, EventKind::Confirmed), ..of(vec![row(money)]) }).await;
    let order = stored(&second, 1).await;
    let refund = |n: i32| {
        let set_aside = order.set_aside(Minor(100)).expect("165 are there");
        let refund = Refund::of_order(&order, id.clone(), n, Minor(100), RefundReason::Goodwill);
        let rows = of(vec![Satellite::Refund(Box::new(refund))]);
        Change { orders: update(set_aside, EventKind::RefundStarted), ..rows }
    };
    let (a, b) = tokio::join!(apply(&first, refund(1)), apply(&second, refund(2)));
    let written = [&a, &b].into_iter().filter(|answer| matches!(answer, ChangeAnswer::Applied { .. })).count();
    assert_eq!(written, 1, "{a:?}, {b:?}");
    let refunds = ok(first.life.refunds(TENANT, &[id]).await);
    assert_eq!((refunds.len(), refunds[0].amount, refunds[0].state), (1, Minor(100), RefundState::Created));
    let order = stored(&second, 1).await;
    assert_eq!((order.life.refunding, refundable(&order)), (Minor(100), Minor(65)));
    assert!(order.set_aside(Minor(100)).is_err(), "the other one is refused when it looks again");
}

fn callback(event_id: &str) -> Callback {
    Callback {
        tenant: TENANT,
        provider: ProviderName::from_stored("center"),
        event_id: event_id.to_owned(),
        received: NOW,
        headers: vec![("webhook-id".to_owned(), event_id.to_owned())],
        body: vec![0, 255, b'{'],
        state: CallbackState::New,
        note: None,
        tries: 0,
        next_try: Some(at(5_000)),
    }
}

/// Also when two processes take it at once; what became of it does not touch what came.
pub async fn a_callback_is_stored_once_and_keeps_what_became_of_it(first: Process, second: Process) {
    let twin = Callback { body: b"another".to_vec(), ..callback("e1") };
    let event = callback("e1");
    let (a, b) = tokio::join!(first.life.keep_callback(&event), second.life.keep_callback(&event));
    assert!(ok(a) | ok(b), "it is new to one of them at least");
    assert!(!ok(second.life.keep_callback(&twin).await));
    let due = ok(first.life.due_callbacks(at(5_000), 9).await);
    let received = due[0].received;
    assert_eq!(due, [Callback { received, ..callback("e1") }]);
    let flagged =
        Callback { state: CallbackState::Flagged, note: Some("why".to_owned()), tries: 3, next_try: None, ..twin };
    ok(first.life.note_callback(&flagged).await);
    assert_eq!(ok(second.life.due_callbacks(LATER, 9).await), []);
    let kept = Callback { received, body: callback("e1").body, ..flagged.clone() };
    assert_eq!(ok(second.life.unsettled_callbacks(TENANT, LATER, 9).await), std::slice::from_ref(&kept));
    let done = Callback { state: CallbackState::Done, note: Some("settled".to_owned()), ..kept };
    ok(second.life.note_callback(&done).await);
    assert_eq!(ok(first.life.unsettled_callbacks(TENANT, LATER, 9).await), []);
    // Whoever acts on it at the same time is too late: done is done.
    ok(first.life.note_callback(&flagged).await);
    let find = async |tenant, event_id: &str| ok(second.life.callback(tenant, &done.provider, event_id).await);
    assert_eq!(find(TENANT, "e1").await.as_ref(), Some(&done));
    assert_eq!((find(TENANT, "e2").await, find(TenantId(2), "e1").await), (None, None));
}

fn ids(attempts: &[Attempt]) -> Vec<OrderNo> {
    attempts.iter().map(|attempt| attempt.id.payment.order_no()).collect()
}

/// However many are open, and however late they are to be looked at: what is overdue is on the first page.
pub async fn overdue_attempts_are_not_hidden_by_open_ones(first: Process, second: Process) {
    let open = (1..=20).map(|n| row(attempt(n))).collect();
    applied(&first, of(open)).await;
    let overdue = Attempt { deadline: at(-1_000), next_look: Some(at(600_000)), ..attempt(21) };
    let unattached = Attempt {
        captured: Some(captured(165, false, at(-3_000))),
        state: AttemptState::Captured,
        next_look: Some(at(600_000)),
        ..attempt(22)
    };
    let doubted = Attempt { flag: Some(AttemptFlag::AmountDiffers), ..attempt(23) };
    let settled = Attempt { captured: Some(captured(165, true, at(-3_000))), next_look: None, ..attempt(24) };
    applied(&second, of(vec![row(overdue), row(unattached), row(doubted), row(settled)])).await;
    let listed = ok(first.life.unsettled_attempts(TENANT, NOW, 5).await);
    assert_eq!(ids(&listed), [number(23), number(22), number(21)], "the longest first");
    assert_eq!(ids(&ok(second.life.unsettled_attempts(TENANT, at(-3_000), 5).await)), [number(23), number(22)]);
    assert_eq!(ids(&ok(second.life.unsettled_attempts(TENANT, NOW, 2).await)), [number(23), number(22)]);
    let count = |by, limit| first.life.count_unsettled(UnsettledKind::Attempt, by, NOW, limit);
    let oldest = Some(at(-60_000));
    assert_eq!(ok(count(at(-3_000), 9).await), UnsettledCount { overdue: 2, oldest });
    assert_eq!(ok(count(NOW, 2).await), UnsettledCount { overdue: 2, oldest });
    assert_eq!(ok(count(at(-60_001), 9).await), UnsettledCount { overdue: 0, oldest });
}

/// Refunds and callbacks as well, each tenant's own; the count is everybody's.
pub async fn what_is_not_settled_is_listed_the_longest_first_and_counted(first: Process, second: Process) {
    let refund = |n: u32, age_ms: i64| {
        let money = (Minor(1), currency("CNY"));
        let draft = Refund::draft(TENANT, attempt(n).id, 1, money, RefundReason::Late);
        Refund { created: at(-age_ms), next_try: Some(at(age_ms)), ..draft }
    };
    let done = Refund { next_try: None, state: RefundState::Succeeded, ..refund(4, 9_000) };
    let theirs = Refund { tenant: TenantId(2), ..refund(1, 8_000) };
    let rows = [refund(1, 1_000), refund(2, 7_000), refund(3, 4_000), done];
    let rows = rows.into_iter().map(|refund| Satellite::Refund(Box::new(refund))).collect();
    applied(&first, of(rows)).await;
    let foreign = Change { satellites: vec![Satellite::Refund(Box::new(theirs))], ..Change::touch(TenantId(2)) };
    applied(&second, foreign).await;
    let of_mine = ok(second.life.unsettled_refunds(TENANT, NOW, 2).await);
    let payments: Vec<OrderNo> = of_mine.iter().map(|refund| refund.attempt.payment.order_no()).collect();
    assert_eq!(payments, [number(2), number(3)]);
    assert_eq!(ok(first.life.unsettled_refunds(TENANT, at(-7_001), 9).await), []);
    let nothing = UnsettledCount::default();
    let count = |kind, by| first.life.count_unsettled(kind, by, LATER, 9);
    let counted = ok(count(UnsettledKind::Refund, at(-4_000)).await);
    assert_eq!(counted, UnsettledCount { overdue: 3, oldest: Some(at(-8_000)) });
    assert_eq!(ok(count(UnsettledKind::Callback, LATER).await), nothing);
    for event_id in ["e1", "e2", "e3"] {
        ok(second.life.keep_callback(&callback(event_id)).await);
    }
    let callbacks = ok(first.life.unsettled_callbacks(TENANT, LATER, 2).await);
    let events: Vec<&str> = callbacks.iter().map(|callback| callback.event_id.as_str()).collect();
    assert_eq!(events, ["e1", "e2"]);
    let counted = ok(count(UnsettledKind::Callback, LATER).await);
    assert_eq!(counted, UnsettledCount { overdue: 3, oldest: Some(callbacks[0].received) });
    assert_eq!(ok(count(UnsettledKind::Attempt, LATER).await), nothing);
}
