//! The table of periods, R0 to R5: what is left of a period that has ended moves on, once.

use std::time::Duration;

use holdline_app::App;
use holdline_domain::id::{PeriodName, Reference};
use holdline_domain::ledger::{AccountKey, Period, Rest};
use holdline_domain::order::Actor;
use holdline_domain::time::UnixMillis;
use holdline_testkit::model::Moment;

use crate::scene::{LEDGER, Scene, sku};

/// How long the period is open.
const OPEN: Duration = Duration::from_mins(2);
/// Units that it begins with.
const UNITS: i64 = 5;
const LOOKED: &str = "ledger.looked_at_periods";

/// A period of the SKU that is open now and whose rest goes to the base.
async fn open_period(scene: &Scene) -> Period {
    let now = scene.databases.ledger_clock().now();
    let period = Period {
        sku: sku(),
        channel: "".into(),
        name: PeriodName::try_new("noon").expect("a name"),
        start: UnixMillis(now.0 + 1_000),
        end: now.plus_ms(i64::try_from(OPEN.as_millis()).expect("two minutes")),
        rest: Rest::Base,
    };
    scene.first.0.put_period(scene.tenant, period.clone()).await.expect("calm");
    let (account, reference) = (AccountKey::Stock(period.account()), Reference::from_stored("noon"));
    scene.first.0.adjust(scene.tenant, account, UNITS, reference, false).await.expect("calm");
    tokio::time::sleep(Duration::from_secs(3)).await;
    period
}

/// On hand of the period and of the base.
async fn on_hand(scene: &Scene, period: &Period) -> (i64, i64) {
    let of = |key: AccountKey, stock: &[holdline_domain::ledger::Account]| {
        stock.iter().find(|account| account.key == key).map_or(0, |account| account.on_hand)
    };
    let stock = scene.stock().await;
    let base = holdline_domain::ledger::StockKey::of(sku());
    (of(AccountKey::Stock(period.account()), &stock), of(AccountKey::Stock(base), &stock))
}

/// The period ends while the first process dies at this moment of this call; another one goes on.
async fn dead_at(call: &'static str, moment: Moment) -> (Scene, Period, App) {
    let scene = Scene::open().await;
    let period = open_period(&scene).await;
    scene.first.1.meet(call, moment);
    scene.until_dead().await;
    let second = scene.second().await;
    tokio::time::sleep(OPEN).await;
    (scene, period, second)
}

#[tokio::test(start_paused = true)]
async fn r0_the_next_look_moves_it() {
    let (scene, period, _second) = dead_at(LEDGER, Moment::DiesUnsent).await;
    assert_eq!(on_hand(&scene, &period).await, (0, 10 + UNITS));
}

#[tokio::test(start_paused = true)]
async fn r1_moved_and_not_answered_a_second_move_finds_nothing() {
    let (scene, period, _second) = dead_at(LEDGER, Moment::DiesUnanswered).await;
    assert_eq!(on_hand(&scene, &period).await, (0, 10 + UNITS));
}

#[tokio::test(start_paused = true)]
async fn r2_moved_and_not_noted_it_is_looked_at_again_and_finds_nothing() {
    let (scene, period, _second) = dead_at(LOOKED, Moment::DiesUnsent).await;
    assert_eq!(on_hand(&scene, &period).await, (0, 10 + UNITS));
}

#[tokio::test(start_paused = true)]
async fn r3_what_comes_back_after_the_end_is_moved_by_a_later_look() {
    let scene = Scene::open().await;
    let period = open_period(&scene).await;
    let order_no = scene.first.0.place(scene.submit()).await.expect("it is open").orders[0].no.clone();
    tokio::time::sleep(OPEN).await;
    assert_eq!(on_hand(&scene, &period).await, (1, 10 + UNITS - 1), "what is held stays");
    scene.first.0.cancel(scene.tenant, &order_no, Actor::Buyer, None).await.expect("it waits");
    tokio::time::sleep(Duration::from_hours(2)).await;
    assert_eq!(on_hand(&scene, &period).await, (0, 10 + UNITS));
}

#[tokio::test(start_paused = true)]
async fn r4_a_retry_after_the_end_of_its_period_goes_on_with_its_hold() {
    let scene = Scene::open().await;
    let period = open_period(&scene).await;
    // It dies with the hold taken, shortly before the period ends.
    tokio::time::sleep(OPEN.checked_sub(Duration::from_secs(8)).expect("two minutes are more")).await;
    scene.first.1.meet(LEDGER, Moment::DiesUnanswered);
    let (app, submit) = (scene.first.0.clone(), scene.submit());
    let client = tokio::spawn(async move { app.place(submit).await.map(drop) });
    scene.until_dead().await;
    client.abort();
    let second = scene.second().await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    second.place(scene.submit()).await.expect("its hold names the period");
    tokio::time::sleep(OPEN).await;
    assert_eq!(on_hand(&scene, &period).await.0, 1, "its unit is the period's");
}

#[tokio::test(start_paused = true)]
async fn r5_while_the_clocks_disagree_nothing_moves() {
    let scene = Scene::open().await;
    let period = open_period(&scene).await;
    let hour_ms = 3_600_000;
    scene.databases.ledger_clock().set_offset_ms(hour_ms);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(on_hand(&scene, &period).await, (UNITS, 10), "it has not ended");
    scene.databases.ledger_clock().set_offset_ms(0);
    tokio::time::sleep(OPEN).await;
    assert_eq!(on_hand(&scene, &period).await, (0, 10 + UNITS));
}
