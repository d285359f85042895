//! The promises of the port `PaymentProvider`, kept by the adapter and the sandbox together over real sockets: what may be
//! asked again, what is final, and what is known after each failure.

mod shop;

use anyhow::Result;
use holdline_domain::fault::{FaultKind, Outcome};
use holdline_domain::money::{Currency, Minor};
use holdline_domain::port::{CallbackWord, PaymentProvider as _, ProviderWord, RefundWord};
use holdline_domain::time::UnixMillis;
use serde_json::json;
use shop::{Shop, assert_fault, attempt, cny, now_ms, wait_until};

fn is_captured(word: &ProviderWord, minor: i64) -> bool {
    matches!(word, ProviderWord::Captured { amount: Minor(amount), currency, .. }
        if *amount == minor && *currency == cny())
}

#[tokio::test]
async fn creating_again_is_the_same_payment() -> Result<()> {
    let shop = Shop::open().await?;
    let first = shop.create(1, 100).await?;
    let ProviderWord::Pending { pay: Some(pay), reference: Some(_) } = &first else { panic!("{first:?}") };
    assert!(pay.starts_with(&format!(r#"{{"url":"{}/pay/"#, shop.base_url)), "{pay}");
    assert_eq!(shop.create(1, 100).await?, first);
    assert_eq!(shop.query(1).await?, first);
    assert_eq!(shop.summary().await?["payments"], json!({"pending": 1}));
    Ok(())
}

#[tokio::test]
async fn a_key_is_used_for_one_amount() -> Result<()> {
    let shop = Shop::open().await?;
    shop.create(1, 100).await?;
    assert_fault(shop.create(1, 101).await, FaultKind::Rejected, Outcome::Unknown);
    let mut order = shop.order(1, 100);
    order.currency = Currency::try_new("USD")?;
    assert_fault(shop.providers.create(&shop.account, &order).await, FaultKind::Rejected, Outcome::Unknown);
    shop.decide("pay", 1).await?;
    assert!(is_captured(&shop.query(1).await?, 100));
    Ok(())
}

#[tokio::test]
async fn closing_before_creating_is_final() -> Result<()> {
    let shop = Shop::open().await?;
    assert_eq!(shop.query(1).await?, ProviderWord::Unknown);
    assert_eq!(shop.close(1).await?, ProviderWord::Closed);
    assert_eq!(shop.create(1, 100).await?, ProviderWord::Closed);
    assert_eq!(shop.create(1, 100).await?, ProviderWord::Closed);
    assert_eq!(shop.decide("pay", 1).await?.0, 409);
    assert_eq!(shop.query(1).await?, ProviderWord::Closed);
    Ok(())
}

#[tokio::test]
async fn what_is_closed_cannot_be_paid_and_what_is_paid_cannot_be_closed() -> Result<()> {
    let shop = Shop::open().await?;
    shop.create(1, 100).await?;
    assert_eq!(shop.close(1).await?, ProviderWord::Closed);
    assert_eq!(shop.close(1).await?, ProviderWord::Closed);
    assert_eq!(shop.decide("pay", 1).await?.0, 409);
    assert_eq!(shop.query(1).await?, ProviderWord::Closed);

    shop.captured(2).await?;
    assert!(is_captured(&shop.close(2).await?, 100));
    assert!(is_captured(&shop.create(2, 100).await?, 100));
    assert_eq!(shop.decide("pay", 2).await?.0, 200, "paying twice is paying once");
    assert_eq!(shop.summary().await?["captured"], json!({"CNY": 100}));
    Ok(())
}

#[tokio::test]
async fn a_payment_that_was_declined_fails_for_good() -> Result<()> {
    let shop = Shop::open().await?;
    shop.create(1, 100).await?;
    assert_eq!(shop.decide("decline", 1).await?.0, 200);
    let failed = ProviderWord::Failed { reason: "declined by the buyer".to_owned() };
    assert_eq!(shop.query(1).await?, failed);
    assert_eq!(shop.close(1).await?, failed);
    assert_eq!(shop.decide("pay", 1).await?.0, 409);
    shop.wait_told(1).await?;
    assert_eq!(shop.words(), [failed]);
    Ok(())
}

#[tokio::test]
async fn nothing_is_captured_after_the_deadline() -> Result<()> {
    let shop = Shop::open().await?;
    let mut order = shop.order(1, 100);
    order.deadline = UnixMillis(now_ms() + 300);
    let word = shop.providers.create(&shop.account, &order).await?;
    assert!(matches!(word, ProviderWord::Pending { .. }), "{word:?}");
    // The sandbox says so by itself, without being asked.
    shop.wait_told(1).await?;
    let failed = ProviderWord::Failed { reason: "expired".to_owned() };
    assert_eq!(shop.words(), std::slice::from_ref(&failed));
    assert!(now_ms() >= order.deadline.0);
    assert_eq!(shop.decide("pay", 1).await?.0, 409);
    assert_eq!(shop.query(1).await?, failed);

    order.attempt = attempt(2);
    assert_eq!(shop.providers.create(&shop.account, &order).await?, failed, "too late from the start");
    Ok(())
}

#[tokio::test]
async fn refunds_never_exceed_what_was_captured() -> Result<()> {
    let shop = Shop::open().await?;
    let refund =
        async |payment, n, amount| shop.providers.refund(&shop.account, &shop.refund_order(payment, n, amount)).await;
    assert!(matches!(refund(1, 1, 10).await?, RefundWord::Failed { .. }), "no such payment");
    shop.create(1, 100).await?;
    assert!(matches!(refund(1, 1, 10).await?, RefundWord::Failed { .. }), "not captured");
    shop.decide("pay", 1).await?;
    assert!(matches!(refund(1, 1, 10).await?, RefundWord::Succeeded { reference: Some(_) }), "asked again");
    assert!(matches!(refund(1, 2, 91).await?, RefundWord::Failed { .. }));
    assert!(matches!(refund(1, 3, 90).await?, RefundWord::Succeeded { .. }));
    assert!(matches!(refund(1, 4, 1).await?, RefundWord::Failed { .. }));
    assert_eq!(shop.summary().await?["refunded"], json!({"CNY": 100}));

    shop.captured(2).await?;
    let mut order = shop.refund_order(2, 1, 50);
    order.captured = Minor(99);
    let word = shop.providers.refund(&shop.account, &order).await?;
    assert!(matches!(word, RefundWord::Failed { .. }), "{word:?}");
    Ok(())
}

#[tokio::test]
async fn two_refunds_at_once_share_what_is_left() -> Result<()> {
    let shop = Shop::open().await?;
    shop.captured(1).await?;
    let order = |n| shop.refund_order(1, n, 60);
    let (one, other) = (order(1), order(2));
    let (one, other) =
        tokio::join!(shop.providers.refund(&shop.account, &one), shop.providers.refund(&shop.account, &other));
    let succeeded = [one?, other?].iter().filter(|word| matches!(word, RefundWord::Succeeded { .. })).count();
    assert_eq!(succeeded, 1);
    assert_eq!(shop.summary().await?["refunded"], json!({"CNY": 60}));
    Ok(())
}

#[tokio::test]
async fn a_refund_asked_for_again_is_the_same_refund() -> Result<()> {
    let shop = Shop::open().await?;
    shop.captured(1).await?;
    let order = shop.refund_order(1, 1, 60);
    let first = shop.providers.refund(&shop.account, &order).await?;
    assert!(matches!(first, RefundWord::Succeeded { .. }), "{first:?}");
    assert_eq!(shop.providers.refund(&shop.account, &order).await?, first);
    let other = shop.providers.refund(&shop.account, &shop.refund_order(1, 1, 40)).await;
    assert_fault(other, FaultKind::Rejected, Outcome::Unknown);
    assert_eq!(shop.summary().await?["refunded"], json!({"CNY": 60}));
    Ok(())
}

#[tokio::test]
async fn callbacks_tell_of_payment_and_refund_and_are_believed() -> Result<()> {
    let shop = Shop::open().await?;
    shop.captured(1).await?;
    let order = shop.refund_order(1, 1, 60);
    let refunded = shop.providers.refund(&shop.account, &order).await?;
    let told = shop.wait_told(2).await?;
    let read: Vec<_> = told.into_iter().map(|told| told.read.expect("a believed callback")).collect();
    assert_ne!(read[0].event_id, read[1].event_id);
    assert!(read.iter().any(|read| matches!(&read.word, CallbackWord::Payment { payment, word }
        if *payment == attempt(1).to_string() && is_captured(word, 100))));
    assert!(
        read.iter().any(|read| read.word == CallbackWord::Refund { key: order.key.clone(), word: refunded.clone() })
    );
    shop.wait_delivered().await?;
    assert_eq!(shop.summary().await?["callbacks"], json!({"waiting": 0, "given_up": 0, "delivered": 2}));
    Ok(())
}

#[tokio::test]
async fn a_callback_comes_again_until_it_is_acknowledged() -> Result<()> {
    let shop = Shop::open().await?;
    shop.be_deaf(true);
    shop.captured(1).await?;
    shop.wait_told(3).await?;
    shop.be_deaf(false);
    shop.wait_delivered().await?;
    let told = shop.told();
    let ids: Vec<_> = told.iter().map(|told| told.read.clone().expect("believed").event_id).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let pauses: Vec<_> = told.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    assert!(pauses[1] > pauses[0], "pauses grow: {pauses:?}");
    Ok(())
}

#[tokio::test]
async fn what_was_answered_outlives_the_sandbox() -> Result<()> {
    let mut shop = Shop::open().await?;
    shop.captured(1).await?;
    shop.close(2).await?;
    shop.create(3, 100).await?;
    let refunded = shop.providers.refund(&shop.account, &shop.refund_order(1, 1, 60)).await?;
    let before = shop.query(1).await?;
    shop.wait_delivered().await?;
    shop.be_deaf(true);
    shop.decide("decline", 3).await?;
    shop.wait_told(3).await?;

    shop.restart().await?;
    assert_eq!(shop.query(1).await?, before);
    assert_eq!(shop.create(2, 100).await?, ProviderWord::Closed);
    assert_eq!(shop.providers.refund(&shop.account, &shop.refund_order(1, 1, 60)).await?, refunded);
    let summary = shop.summary().await?;
    assert_eq!(summary["captured"], json!({"CNY": 100}));
    assert_eq!(summary["refunded"], json!({"CNY": 60}));
    shop.be_deaf(false);
    shop.wait_delivered().await?;
    assert!(matches!(shop.words().last(), Some(ProviderWord::Failed { .. })), "its callback goes on");
    Ok(())
}

#[tokio::test]
async fn a_hundred_buyers_at_once_pay_each_once() -> Result<()> {
    let shop = std::sync::Arc::new(Shop::open().await?);
    let paying: Vec<_> = (1..=100)
        .map(|n| {
            let shop = std::sync::Arc::clone(&shop);
            tokio::spawn(async move { shop.captured(n).await })
        })
        .collect();
    for paid in paying {
        paid.await??;
    }
    assert_eq!(shop.summary().await?["captured"], json!({"CNY": 10_000}));
    wait_until(async || Ok(shop.words().len() == 100)).await?;
    shop.wait_delivered().await
}
