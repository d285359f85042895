//! The table of paying, B0 to B8: the same request again, the callback, or nothing but time.

use std::sync::Arc;
use std::time::Duration;

use holdline_domain::id::{Fingerprint, Quantity};
use holdline_domain::ledger::{AccountKey, Demand, HoldId, LedgerRequest, StockKey};
use holdline_domain::money::Minor;
use holdline_domain::order::{HoldAxis, OrderNo, OrderStatus, PaymentStatus};
use holdline_domain::payment::AttemptState;
use holdline_domain::port::LedgerStore as _;
use holdline_domain::tenant::Policies;
use holdline_testkit::model::Moment;

use crate::payer::{SETTLED, TOTAL};
use crate::scene::{LEDGER, ORDERS, Scene, sku};

/// What the first process dies at while it opens the first attempt.
async fn dead_at(moments: &[Moment]) -> (Scene, OrderNo) {
    let scene = Scene::open().await;
    let order_no = scene.placed().await;
    for moment in moments {
        scene.first.1.meet(ORDERS, *moment);
    }
    scene.dies_paying(&order_no, "a").await;
    (scene, order_no)
}

#[tokio::test(start_paused = true)]
async fn b0_the_same_request_opens_afresh() {
    let (scene, order_no) = dead_at(&[Moment::DiesUnsent]).await;
    let second = scene.second().await;
    let (attempt, replayed) = second.open_payment(scene.wish(&order_no, "a")).await.expect("calm");
    assert_eq!((attempt.state, replayed), (AttemptState::Open, false));
    scene.pays(&attempt.id.to_string(), &second, true).await;
    scene.ends_paid(&order_no).await;
}

#[tokio::test(start_paused = true)]
async fn b0_without_an_attempt_there_is_nothing_to_follow_and_the_order_expires() {
    let (scene, order_no) = dead_at(&[Moment::DiesUnsent]).await;
    let _second = scene.second().await;
    tokio::time::sleep(SETTLED).await;
    assert_eq!(scene.order(&order_no).await.status, OrderStatus::Expired);
    assert!(scene.attempts(&order_no).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn b1_the_same_request_is_replayed_and_the_follow_up_creates_it() {
    let (scene, order_no) = dead_at(&[Moment::DiesUnanswered]).await;
    let second = scene.second().await;
    let (attempt, replayed) = second.open_payment(scene.wish(&order_no, "a")).await.expect("calm");
    assert_eq!((attempt.state, replayed), (AttemptState::Opening, true));
    assert!(scene.center.book().payments.is_empty(), "it was not created");
    tokio::time::sleep(Duration::from_secs(20)).await;
    scene.pays(&attempt.id.to_string(), &second, false).await;
    scene.ends_paid(&order_no).await;
}

#[tokio::test(start_paused = true)]
async fn b1_nobody_pays_and_it_is_closed_at_the_deadline() {
    let (scene, order_no) = dead_at(&[Moment::DiesUnanswered]).await;
    let _second = scene.second().await;
    tokio::time::sleep(SETTLED).await;
    assert_eq!(scene.attempts(&order_no).await[0].state, AttemptState::Closed);
    assert_eq!(scene.order(&order_no).await.status, OrderStatus::Expired);
    assert_eq!(scene.held().await, 0);
}

#[tokio::test(start_paused = true)]
async fn b2_the_callback_before_the_answer_counts() {
    let (scene, order_no) = dead_at(&[Moment::Stalls(1), Moment::DiesUnsent]).await;
    let second = scene.second().await;
    scene.pays(&Scene::first_attempt(&order_no), &second, true).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(scene.order(&order_no).await.status, OrderStatus::Confirmed, "by the callback, before any question");
    scene.ends_paid(&order_no).await;
}

#[tokio::test(start_paused = true)]
async fn b2_the_same_request_is_replayed_and_the_provider_is_asked() {
    let (scene, order_no) = dead_at(&[Moment::Stalls(1), Moment::DiesUnsent]).await;
    let second = scene.second().await;
    let (attempt, replayed) = second.open_payment(scene.wish(&order_no, "a")).await.expect("calm");
    assert_eq!((attempt.state, replayed), (AttemptState::Opening, true));
    scene.pays(&attempt.id.to_string(), &second, false).await;
    scene.ends_paid(&order_no).await;
}

/// An attempt is open, and the process dies with the former one closing for another means of payment.
async fn dead_closing() -> (Scene, OrderNo) {
    let scene = Scene::open().await;
    let order_no = scene.placed().await;
    scene.first.0.open_payment(scene.wish(&order_no, "a")).await.expect("calm");
    scene.first.1.meet(ORDERS, Moment::DiesUnanswered);
    scene.dies_paying(&order_no, "b").await;
    assert_eq!(scene.attempts(&order_no).await[0].state, AttemptState::Closing);
    (scene, order_no)
}

#[tokio::test(start_paused = true)]
async fn b3_the_same_request_closes_the_former_attempt_and_opens_the_next() {
    let (scene, order_no) = dead_closing().await;
    let second = scene.second().await;
    let (attempt, replayed) = second.open_payment(scene.wish(&order_no, "b")).await.expect("calm");
    assert_eq!((attempt.id.n, attempt.state, replayed), (2, AttemptState::Open, false));
    assert_eq!(scene.attempts(&order_no).await[0].state, AttemptState::Closed);
    scene.pays(&attempt.id.to_string(), &second, true).await;
    scene.ends_paid(&order_no).await;
}

#[tokio::test(start_paused = true)]
async fn b3_the_former_attempt_was_paid_and_pays_the_order() {
    let (scene, order_no) = dead_closing().await;
    scene.center.pay(&Scene::first_attempt(&order_no), None, false).expect("it is open at the center");
    let _second = scene.second().await;
    scene.ends_paid(&order_no).await;
}

#[tokio::test(start_paused = true)]
async fn b3_nobody_comes_and_the_order_waits_until_its_deadline() {
    let (scene, order_no) = dead_closing().await;
    let _second = scene.second().await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let order = scene.order(&order_no).await;
    assert_eq!((order.status, order.payment), (OrderStatus::PendingPayment, PaymentStatus::Unpaid));
    tokio::time::sleep(SETTLED).await;
    assert_eq!(scene.order(&order_no).await.status, OrderStatus::Expired);
}

#[tokio::test(start_paused = true)]
async fn b4_captured_and_nobody_told_is_found_by_asking() {
    let scene = Scene::open().await;
    let order_no = scene.placed().await;
    let (attempt, _) = scene.first.0.open_payment(scene.wish(&order_no, "a")).await.expect("calm");
    scene.pays(&attempt.id.to_string(), &scene.first.0, false).await;
    scene.first.1.kill();
    let second = scene.second().await;
    let (again, replayed) = second.open_payment(scene.wish(&order_no, "a")).await.expect("calm");
    assert_eq!((again.id, replayed), (attempt.id, true));
    scene.ends_paid(&order_no).await;
}

#[tokio::test(start_paused = true)]
async fn b5_late_money_that_was_written_down_is_given_back_by_another_process() {
    let scene = Scene::open().await;
    let order_no = scene.placed().await;
    scene.first.0.open_payment(scene.wish(&order_no, "a")).await.expect("calm");
    tokio::time::sleep(SETTLED).await;
    assert_eq!(scene.order(&order_no).await.status, OrderStatus::Expired);
    scene.first.1.meet(ORDERS, Moment::Stalls(1));
    scene.first.1.meet(ORDERS, Moment::DiesUnsent);
    scene.pays(&Scene::first_attempt(&order_no), &scene.first.0, true).await;
    scene.until_dead().await;
    assert!(scene.attempts(&order_no).await[0].unattached().is_some(), "it was written down");
    let _second = scene.second().await;
    scene.ends_refunded(&order_no, TOTAL).await;
    assert_eq!(scene.order(&order_no).await.status, OrderStatus::Expired);
}

#[tokio::test(start_paused = true)]
async fn b6_a_refund_that_was_not_sent_is_sent() {
    let scene = Scene::open().await;
    let order_no = scene.paid().await;
    scene.first.0.create_refund(scene.refund(&order_no)).await.expect("calm");
    scene.first.1.kill();
    assert_eq!(scene.went_back(), 0, "nothing was sent");
    let second = scene.second().await;
    let (_, replayed) = second.create_refund(scene.refund(&order_no)).await.expect("calm");
    assert!(replayed);
    scene.ends_refunded(&order_no, 300).await;
}

#[tokio::test(start_paused = true)]
async fn b7_a_refund_whose_answer_was_lost_is_sent_again_with_its_key() {
    let scene = Scene::open().await;
    let order_no = scene.paid().await;
    // Created, submitted; then the center's answer is not written any more.
    for moment in [Moment::Stalls(1), Moment::Stalls(1), Moment::DiesUnsent] {
        scene.first.1.meet(ORDERS, moment);
    }
    scene.first.0.create_refund(scene.refund(&order_no)).await.expect("calm");
    scene.until_dead().await;
    assert_eq!(scene.went_back(), 300, "it was sent");
    let _second = scene.second().await;
    scene.ends_refunded(&order_no, 300).await;
    assert_eq!(scene.order(&order_no).await.life.refunded, Minor(300));
}

/// An order whose hold has lapsed is to be paid; its goods are held again, and the process dies before it says so.
async fn dead_holding_again() -> (Scene, OrderNo) {
    let scene = Scene::open().await;
    let policies = Policies { hold_within_ms: Some(60_000), ..Policies::default() };
    scene.first.0.put_policies(scene.tenant, &policies).await.expect("calm");
    let order_no = scene.placed().await;
    tokio::time::sleep(Duration::from_secs(90)).await;
    assert_eq!((scene.order(&order_no).await.hold, scene.held().await), (HoldAxis::Lapsed, 0));
    scene.first.1.meet(LEDGER, Moment::Stalls(1));
    scene.first.1.meet(LEDGER, Moment::DiesUnanswered);
    scene.dies_paying(&order_no, "a").await;
    assert_eq!(scene.held().await, 1, "held again, and the order does not know");
    (scene, order_no)
}

#[tokio::test(start_paused = true)]
async fn b8_the_same_request_takes_the_hold_up() {
    let (scene, order_no) = dead_holding_again().await;
    let second = scene.second().await;
    let (attempt, _) = second.open_payment(scene.wish(&order_no, "a")).await.expect("calm");
    assert_eq!((scene.order(&order_no).await.hold_n, scene.held().await), (2, 1));
    scene.pays(&attempt.id.to_string(), &second, true).await;
    scene.ends_paid(&order_no).await;
}

#[tokio::test(start_paused = true)]
async fn b8_the_reaper_raises_the_order_past_it_and_then_releases() {
    let (scene, order_no) = dead_holding_again().await;
    let _second = scene.second().await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    let order = scene.order(&order_no).await;
    assert_eq!((order.hold, order.hold_n, scene.held().await), (HoldAxis::Lapsed, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn b8_an_order_that_has_its_goods_is_not_raised_past_another_hold() {
    let scene = Scene::open().await;
    let order_no = scene.placed().await;
    let before = scene.order(&order_no).await;
    // As whoever saw the order without goods would take them again, and then be paused.
    let quantity = Quantity::try_new(1).expect("one");
    let account = AccountKey::Stock(StockKey::of(sku()));
    let again = LedgerRequest::Hold {
        tenant: scene.tenant,
        id: HoldId { key: before.group.clone(), n: 2 },
        content: Fingerprint::of(&[b"again"]),
        order_nos: vec![(before.seller.clone(), order_no.clone())],
        demands: vec![Demand { part: before.part(), account, quantity, limit: None }],
    };
    scene.databases.ledger(&scene.databases.process("paused")).apply(Arc::from([again])).await.expect("calm");
    assert_eq!(scene.held().await, 2);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!((scene.order(&order_no).await, scene.held().await), (before, 1), "only the other hold is given back");
}
