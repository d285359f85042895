//! Periods: what is kept of them, when they are looked at, and that what is left moves in one piece.

use holdline_domain::id::{PeriodName, TenantId};
use holdline_domain::ledger::{
    AccountKey, EndedPeriod, LedgerAnswer, LedgerRequest, MovementKind, Period, PeriodAnswer, Resolution, Rest,
};
use holdline_domain::time::UnixMillis;

use super::super::sample::{TENANT, adjust, balance, demand, hold, resolve, send, sku, stock};
use super::super::{Process, ok};

/// A period of SKU `A`, its instants counted from `now` in milliseconds.
fn period(name: &str, now: UnixMillis, start_ms: i64, end_ms: i64, rest: Rest) -> Period {
    Period {
        sku: sku("A"),
        channel: "app".into(),
        name: PeriodName::from_stored(name),
        start: now.plus_ms(start_ms),
        end: now.plus_ms(end_ms),
        rest,
    }
}

/// The ledger database's clock.
async fn now(process: &Process) -> UnixMillis {
    ok(process.ledger.ended_periods(1).await).now
}

async fn put(process: &Process, wish: &Period) -> PeriodAnswer {
    ok(process.ledger.put_period(TENANT, wish.clone()).await)
}

/// Passes the time until the ledger database's clock has passed an instant, by asking it.
async fn pass(process: &Process, instant: UnixMillis) -> Vec<EndedPeriod> {
    loop {
        let ended = ok(process.ledger.ended_periods(10).await);
        if ended.now >= instant {
            return ended.due;
        }
        // Real clocks run by themselves; virtual time passes only while everybody waits.
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// Periods come back as written, on every process and by tenant; each change is seen once, in the order of the changes.
pub async fn periods_are_kept_and_their_changes_follow_each_other(first: Process, second: Process) {
    let now = now(&first).await;
    let ten = period("ten", now, 60_000, 120_000, Rest::Next);
    let noon = period("noon \u{2600}", now, 180_000, 240_000, Rest::Base);
    assert_eq!(put(&first, &noon).await, PeriodAnswer::Stored);
    assert_eq!(put(&first, &ten).await, PeriodAnswer::Stored);
    assert_eq!(put(&second, &ten).await, PeriodAnswer::Unchanged);
    let wide = period("wide", now, 90_000, 200_000, Rest::Next);
    assert!(matches!(put(&second, &wide).await, PeriodAnswer::Overlaps(_)));
    let other = Period { channel: "".into(), ..wide };
    assert_eq!(put(&second, &other).await, PeriodAnswer::Stored, "another channel");
    assert_eq!(ok(second.ledger.periods(TENANT, &sku("A")).await), [other.clone(), ten.clone(), noon.clone()]);
    assert_eq!(ok(second.ledger.periods(TenantId(2), &sku("A")).await), []);
    assert_eq!(ok(second.ledger.periods(TENANT, &sku("B")).await), []);
    let (page, last) = ok(second.ledger.period_changes_after(0, 2).await);
    assert_eq!(page, [(TENANT, noon.clone()), (TENANT, ten.clone())]);
    let kept = Period { rest: Rest::Keep, end: noon.end.plus_ms(1), ..noon };
    assert_eq!(put(&first, &kept).await, PeriodAnswer::Stored);
    let (page, last) = ok(second.ledger.period_changes_after(last, 10).await);
    assert_eq!(page, [(TENANT, other), (TENANT, kept)]);
    assert_eq!(ok(second.ledger.period_changes_after(last, 10).await), (Vec::new(), last));
}

/// Those that have ended and whose rest does not stay are listed with the period that starts next, until they are looked
/// at; a look that somebody changed meanwhile stays.
pub async fn ended_periods_are_listed_with_the_next_one_until_they_are_looked_at(first: Process, second: Process) {
    let now = now(&first).await;
    let (short, kept) = (period("short", now, -50, 100, Rest::Base), period("kept", now, 100, 200, Rest::Keep));
    let later = period("later", now, 3_600_000, 7_200_000, Rest::Next);
    for wish in [&later, &short, &kept] {
        assert_eq!(put(&first, wish).await, PeriodAnswer::Stored, "{wish:?}");
    }
    let due = pass(&second, now.plus_ms(200)).await;
    let ended = EndedPeriod {
        tenant: TENANT,
        look: short.end,
        next: Some(PeriodName::from_stored("kept")),
        period: short.clone(),
    };
    assert_eq!(due, std::slice::from_ref(&ended), "what stays is not looked at, nor what has not ended");
    let stale = EndedPeriod { look: short.end.plus_ms(-1), ..ended.clone() };
    ok(first.ledger.looked_at_periods(&[(stale, now.plus_ms(3_600_000))]).await);
    assert_eq!(ok(second.ledger.ended_periods(10).await).due.len(), 1, "another look was meant");
    ok(first.ledger.looked_at_periods(&[(ended, now.plus_ms(3_600_000))]).await);
    assert_eq!(ok(second.ledger.ended_periods(10).await).due, []);
    // A changed rule is looked at anew; what the new rule keeps, never again.
    assert_eq!(put(&second, &Period { rest: Rest::Base, ..kept.clone() }).await, PeriodAnswer::Stored);
    let due = ok(first.ledger.ended_periods(10).await).due;
    assert_eq!(due.iter().map(|ended| ended.next.clone()).collect::<Vec<_>>(), [Some(later.name)]);
    assert_eq!(put(&second, &kept).await, PeriodAnswer::Stored);
    assert_eq!(ok(first.ledger.ended_periods(10).await).due, []);
}

/// What is available moves in one transaction, what is held stays and comes back to where it was held.
pub async fn what_is_left_of_a_period_moves_and_what_is_held_stays(first: Process, second: Process) {
    let of = |name| AccountKey::Stock(period(name, UnixMillis(0), 0, 1, Rest::Next).account());
    let (ten, noon) = (of("ten"), of("noon"));
    let to_noon = LedgerRequest::MoveRest { tenant: TENANT, from: ten.clone(), to: noon.clone() };
    let one = async |process: &Process, request: &LedgerRequest| {
        send(&process.ledger, std::slice::from_ref(request)).await.remove(0)
    };
    assert_eq!(one(&first, &to_noon).await, LedgerAnswer::RestMoved { units: 0 }, "there is no such account");
    send(&first.ledger, &[adjust(&ten, 9, "in"), adjust(&stock("A"), 1, "in"), hold("k", &[demand("s1", &ten, 4)])])
        .await;
    assert_eq!(one(&second, &to_noon).await, LedgerAnswer::RestMoved { units: 5 });
    assert_eq!((balance(&first.ledger, &ten).await, balance(&second.ledger, &noon).await), ((4, 4, 0), (5, 0, 0)));
    // A batch judges each request on what the one before it left.
    let answers = send(&first.ledger, &[resolve("k", None, Resolution::Release), to_noon.clone(), to_noon]).await;
    let moved = |units| LedgerAnswer::RestMoved { units };
    assert_eq!(answers, [LedgerAnswer::Released, moved(4), moved(0)]);
    assert_eq!((balance(&second.ledger, &ten).await, balance(&first.ledger, &noon).await), ((0, 0, 0), (9, 0, 0)));
    assert_eq!(balance(&first.ledger, &stock("A")).await, (1, 0, 0), "the account without a period is another one");
    let account = ok(second.ledger.accounts(TENANT, &[noon]).await).remove(0);
    let page = ok(second.ledger.movements(account.account_no, i64::MAX, 10).await);
    let told: Vec<_> = page.movements.iter().map(|(m, _)| (m.kind, m.quantity, m.reference.clone())).collect();
    assert_eq!(told, [(MovementKind::Transfer, 4, None), (MovementKind::Transfer, 5, None)]);
}
