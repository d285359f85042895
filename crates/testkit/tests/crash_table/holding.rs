//! The table of holds of outside callers, H0 to H6: the same request again, the taker gives up first, the deadline.

use std::time::Duration;

use holdline_app::{App, Error, HoldName};
use holdline_domain::id::{ClientId, Fingerprint, IdempotencyKey, Quantity};
use holdline_domain::ledger::{AccountKey, CheckUrl, Demand, MovementKind, Part, PartState, StockKey, Terms};
use holdline_domain::port::HoldWord;
use holdline_domain::refusal::Refusal;
use holdline_testkit::model::{Moment, StoredMovement};

use crate::scene::{LEDGER, Scene, sku};

/// How long a hold stands.
const WITHIN_MS: i64 = 60_000;
/// Past its deadline, and every look at it.
const PAST: Duration = Duration::from_mins(3);

fn name(scene: &Scene) -> HoldName {
    HoldName {
        tenant: scene.tenant,
        client: ClientId::from_stored("core"),
        name: IdempotencyKey::try_new("po-1").expect("a name"),
    }
}

fn terms(asks: bool) -> Terms {
    let check_url = asks.then(|| CheckUrl::try_new("https://orders.example.com/check").expect("an address"));
    Terms { within_ms: WITHIN_MS, check_url }
}

/// Takes two units. True: they were taken before.
async fn take(scene: &Scene, app: &App, asks: bool) -> Result<bool, Error> {
    let account = AccountKey::Stock(StockKey::of(sku()));
    let quantity = Quantity::try_new(2).expect("two");
    let demand = Demand { part: Part::Group, account, quantity, limit: None };
    let taken = app.take_hold(&name(scene), Fingerprint::of(&[b"po-1"]), vec![demand], terms(asks)).await?;
    Ok(taken.1)
}

async fn state(scene: &Scene, app: &App) -> PartState {
    app.outside_hold(&name(scene)).await.expect("it is known").record.parts[0].1
}

/// The first process dies while it takes the hold.
async fn dead_taking(moment: Moment) -> (Scene, App) {
    let scene = Scene::open().await;
    scene.first.1.meet(LEDGER, moment);
    // Whether its client hears of it depends on where it dies.
    let _ = take(&scene, &scene.first.0, false).await;
    scene.until_dead().await;
    let second = scene.second().await;
    (scene, second)
}

/// The first process takes the hold and dies while it commits it.
async fn dead_committing(moment: Moment) -> (Scene, App) {
    let scene = Scene::open().await;
    take(&scene, &scene.first.0, false).await.expect("calm");
    scene.first.1.meet(LEDGER, moment);
    let _ = scene.first.0.commit_hold(&name(&scene), None).await;
    scene.until_dead().await;
    let second = scene.second().await;
    (scene, second)
}

fn is_refused<T>(answer: Result<T, Error>, with: &Refusal) -> bool {
    matches!(answer, Err(Error::Refused(refusal)) if refusal == *with)
}

#[tokio::test(start_paused = true)]
async fn h0_the_same_request_takes_it_afresh() {
    let (scene, second) = dead_taking(Moment::DiesUnsent).await;
    assert!(!take(&scene, &second, false).await.expect("calm"));
    assert_eq!(scene.held().await, 2);
}

#[tokio::test(start_paused = true)]
async fn h0_given_up_first_a_late_take_is_refused() {
    let (scene, second) = dead_taking(Moment::DiesUnsent).await;
    assert!(second.release_hold(&name(&scene), None).await.expect("calm").is_none());
    assert!(is_refused(take(&scene, &second, false).await, &Refusal::HoldGivenUp));
    tokio::time::sleep(PAST).await;
    assert_eq!(scene.held().await, 0);
}

#[tokio::test(start_paused = true)]
async fn h1_the_same_request_finds_it() {
    let (scene, second) = dead_taking(Moment::DiesUnanswered).await;
    assert!(take(&scene, &second, false).await.expect("calm"));
    assert_eq!(scene.held().await, 2);
}

#[tokio::test(start_paused = true)]
async fn h1_given_up_it_is_released() {
    let (scene, second) = dead_taking(Moment::DiesUnanswered).await;
    assert!(second.release_hold(&name(&scene), None).await.expect("calm").is_some());
    assert_eq!(scene.held().await, 0);
}

#[tokio::test(start_paused = true)]
async fn h1_its_deadline_ends_it() {
    let (scene, second) = dead_taking(Moment::DiesUnanswered).await;
    tokio::time::sleep(PAST).await;
    assert_eq!((state(&scene, &second).await, scene.held().await), (PartState::Released, 0));
}

#[tokio::test(start_paused = true)]
async fn h2_the_same_commit_answers_the_same_and_the_deadline_finds_nothing() {
    let (scene, second) = dead_committing(Moment::DiesUnanswered).await;
    second.commit_hold(&name(&scene), None).await.expect("it is committed");
    tokio::time::sleep(PAST).await;
    assert_eq!((state(&scene, &second).await, scene.held().await), (PartState::Committed, 0));
}

#[tokio::test(start_paused = true)]
async fn h2_given_up_after_it_was_sold_is_refused() {
    let (scene, second) = dead_committing(Moment::DiesUnanswered).await;
    let released = second.release_hold(&name(&scene), None).await;
    assert!(is_refused(released, &Refusal::HoldEnded { state: PartState::Committed }));
}

#[tokio::test(start_paused = true)]
async fn h3_a_taker_that_died_before_it_said_so_is_asked() {
    for (word, state_then) in [(HoldWord::Committed, PartState::Committed), (HoldWord::Released, PartState::Released)] {
        let scene = Scene::open().await;
        take(&scene, &scene.first.0, true).await.expect("calm");
        tokio::time::sleep(PAST).await;
        assert_eq!(state(&scene, &scene.first.0).await, PartState::Held, "silence ends nothing");
        scene.taker.will_say(word);
        tokio::time::sleep(Duration::from_mins(20)).await;
        assert_eq!(state(&scene, &scene.first.0).await, state_then);
    }
}

#[tokio::test(start_paused = true)]
async fn h3_without_an_address_to_ask_it_is_released() {
    let scene = Scene::open().await;
    take(&scene, &scene.first.0, false).await.expect("calm");
    tokio::time::sleep(PAST).await;
    assert_eq!(state(&scene, &scene.first.0).await, PartState::Released);
}

#[tokio::test(start_paused = true)]
async fn h4_the_later_deadline_stands() {
    let scene = Scene::open().await;
    take(&scene, &scene.first.0, false).await.expect("calm");
    tokio::time::sleep(Duration::from_secs(59)).await;
    scene.first.0.extend_hold(&name(&scene), None, 10 * WITHIN_MS).await.expect("it stands");
    tokio::time::sleep(PAST).await;
    assert_eq!(state(&scene, &scene.first.0).await, PartState::Held);
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(state(&scene, &scene.first.0).await, PartState::Released);
}

#[tokio::test(start_paused = true)]
async fn h5_two_processes_release_a_part_once() {
    let scene = Scene::open().await;
    let _beside = scene.beside().await;
    take(&scene, &scene.first.0, false).await.expect("calm");
    tokio::time::sleep(PAST).await;
    let rows = scene.databases.ledger_rows();
    let is_release = |stored: &&StoredMovement| stored.movement.kind == MovementKind::Release;
    let releases = rows.movements.iter().filter(is_release);
    assert_eq!((releases.count(), scene.held().await), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn h6_while_the_clocks_disagree_nothing_ends() {
    let scene = Scene::open().await;
    take(&scene, &scene.first.0, false).await.expect("calm");
    scene.databases.ledger_clock().set_offset_ms(10 * WITHIN_MS);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(state(&scene, &scene.first.0).await, PartState::Held, "its deadline has not come");
    scene.databases.ledger_clock().set_offset_ms(0);
    tokio::time::sleep(PAST).await;
    assert_eq!(state(&scene, &scene.first.0).await, PartState::Released);
}
