//! What a provider says, and what time does.

use std::time::Duration;

use serde_json::json;

use super::place::{From, Place};
use crate::harness::ALL;

/// Its money is on its orders: told once, however often it is said.
#[tokio::test(start_paused = true)]
async fn payment_succeeded_while_pending_confirms_once() {
    let place = Place::at(From::Waiting).await;
    let attempt = place.open("a").await;
    let callback = place.api.provider.pay(&attempt, None, false).unwrap();
    tokio::join!(place.api.call_back(callback.clone()), place.api.call_back(callback.clone()));
    let paid = place.api.until(&place.path, |order| order["status"] == "confirmed").await;
    assert_eq!((&paid["payment_status"], &paid["hold_status"]), (&json!("paid"), &json!("committed")));
    place.api.call_back(callback).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!((place.told("order.confirmed").await, place.order().await), (1, paid));
    place.api.until("/v1/stock/A", |stock| stock["held"] == 0 && stock["allocated"] == 2).await;
}

/// The order waits as before, and may be paid by another attempt.
#[tokio::test(start_paused = true)]
async fn payment_failed_while_pending_allows_another_attempt() {
    let place = Place::at(From::Waiting).await;
    let attempt = place.open("a").await;
    let callback = place.api.provider.decline(&attempt).unwrap();
    tokio::join!(place.api.call_back(callback.clone()), place.api.call_back(callback));
    let waits = place.api.until(&place.path, |order| order["payment_status"] == "unpaid").await;
    assert_eq!((&waits["status"], &waits["hold_status"]), (&json!("pending_payment"), &json!("held")));
    assert_eq!(place.told("order.payment_ended").await, 1);
    let second = place.open("b").await;
    place.buyer_pays(&second, false).await;
    place.api.until(&place.path, |order| order["status"] == "confirmed").await;
}

/// An attempt ends before its order does; its money comes all the same, goes back by itself, once, and changes nothing.
#[tokio::test(start_paused = true)]
async fn payment_succeeded_after_the_end_goes_back() {
    for end in [From::Cancelled, From::Expired] {
        let place = Place::at(From::Waiting).await;
        let attempt = place.open("a").await;
        place.api.call_back(place.api.provider.decline(&attempt).unwrap()).await;
        place.api.until(&place.path, |order| order["payment_status"] == "unpaid").await;
        if end == From::Cancelled {
            assert_eq!(place.api.post(ALL, &format!("{}/cancel", place.path)).reply().await.outcome(), (200, "ok"));
        }
        let status = if end == From::Cancelled { "cancelled" } else { "expired" };
        place.api.until(&place.path, |order| order["status"] == status).await;
        let callback = place.api.provider.pay(&attempt, None, true).unwrap();
        tokio::join!(place.api.call_back(callback.clone()), place.api.call_back(callback.clone()));
        let payments = format!("{}/payments", place.path);
        let refund = "/payments/0/refunds/0";
        let paid_back =
            |read: &serde_json::Value| read.pointer(&format!("{refund}/state")) == Some(&json!("succeeded"));
        let read = place.api.until(&payments, paid_back).await;
        place.api.call_back(callback).await;
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(read.pointer(&format!("{refund}/reason")), Some(&json!("late_payment")));
        assert_eq!((&place.order().await["status"], place.told("order.confirmed").await), (&json!(status), 0));
        let refunds = place.api.provider.book().refunds;
        assert_eq!(refunds.values().map(|(_, amount, _)| amount.0).collect::<Vec<_>>(), [2_000]);
    }
}

/// Not before its deadline, not while it is being paid, and once.
#[tokio::test(start_paused = true)]
async fn expire_by_time() {
    let place = Place::at(From::Waiting).await;
    tokio::time::sleep(Duration::from_secs(890)).await;
    assert_eq!(place.order().await["status"], "pending_payment");
    tokio::time::sleep(Duration::from_secs(15)).await;
    let expired = place.order().await;
    assert_eq!((&expired["status"], &expired["hold_status"]), (&json!("expired"), &json!("released")));
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!((place.told("order.expired").await, place.order().await), (1, expired));
    let stock = place.api.get(ALL, "/v1/stock/A").reply().await.body;
    assert_eq!((&stock["held"], &stock["available"]), (&json!(0), &json!(10)));
    let paid = Place::at(From::Confirmed).await;
    tokio::time::sleep(Duration::from_mins(16)).await;
    assert_eq!((&paid.order().await["status"], paid.told("order.expired").await), (&json!("confirmed"), 0));
}
