//! Every switch of the mischief really happens, is counted, and leaves the books of the sandbox right.

mod shop;

use std::time::{Duration, Instant};

use anyhow::Result;
use holdline_domain::fault::{FaultKind, Outcome};
use holdline_domain::money::Minor;
use holdline_domain::port::{CallbackRefused, CallbackWord, PaymentProvider as _, ProviderWord, RefundWord};
use reqwest::Method;
use serde_json::json;
use shop::{Shop, assert_fault, wait_until};

fn captured(word: &ProviderWord) -> Option<i64> {
    match word {
        ProviderWord::Captured { amount: Minor(minor), .. } => Some(*minor),
        ProviderWord::Pending { .. } | ProviderWord::Failed { .. } | ProviderWord::Closed | ProviderWord::Unknown => {
            None
        }
    }
}

#[tokio::test]
async fn a_lost_answer_is_work_that_was_done() -> Result<()> {
    let shop = Shop::open_with(&json!({"lost_answer": 1})).await?;
    assert_fault(shop.create(1, 100).await, FaultKind::Unavailable, Outcome::Unknown);
    assert_fault(shop.query(1).await, FaultKind::Unavailable, Outcome::NotDone);
    assert_fault(shop.close(2).await, FaultKind::Unavailable, Outcome::Unknown);
    assert_eq!(shop.done("lost_answer").await?, 3);
    shop.mischief(&json!({})).await?;
    assert!(matches!(shop.create(1, 100).await?, ProviderWord::Pending { pay: Some(_), .. }));
    assert_eq!(shop.create(2, 100).await?, ProviderWord::Closed);
    assert_eq!(shop.summary().await?["payments"], json!({"pending": 1, "closed": 1}));
    Ok(())
}

#[tokio::test]
async fn a_slow_answer_is_slow() -> Result<()> {
    let shop = Shop::open_with(&json!({"slow_answer": 1, "slow_answer_ms": 300})).await?;
    let began = Instant::now();
    shop.create(1, 100).await?;
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(shop.done("slow_answer").await?, 1);
    Ok(())
}

#[tokio::test]
async fn an_early_callback_comes_before_the_answer() -> Result<()> {
    let shop = Shop::open_with(&json!({"early_callback": 1})).await?;
    shop.create(1, 100).await?;
    assert!(matches!(shop.words()[..], [ProviderWord::Pending { .. }]));
    shop.mischief(&json!({"early_callback": 1, "instant_capture": 1})).await?;
    let word = shop.create(2, 100).await?;
    assert_eq!(captured(&word), Some(100));
    assert_eq!(shop.words()[1..], [word]);
    assert_eq!((shop.done("early_callback").await?, shop.done("instant_capture").await?), (2, 1));
    shop.wait_delivered().await?;
    assert_eq!(shop.told().len(), 2, "each of them once");
    Ok(())
}

#[tokio::test]
async fn another_amount_is_captured_and_everybody_says_so() -> Result<()> {
    let shop = Shop::open_with(&json!({"capture_other": 1})).await?;
    shop.captured(1).await?;
    assert_eq!(captured(&shop.query(1).await?), Some(99));
    shop.wait_told(1).await?;
    assert_eq!(captured(&shop.words()[0]), Some(99));
    assert_eq!(shop.summary().await?["captured"], json!({"CNY": 99}));
    assert_eq!(shop.done("capture_other").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_lost_callback_never_comes() -> Result<()> {
    let shop = Shop::open_with(&json!({"lost_callback": 1})).await?;
    shop.captured(1).await?;
    assert_eq!(captured(&shop.query(1).await?), Some(100));
    let summary = shop.summary().await?;
    assert_eq!(summary["callbacks"], json!({"waiting": 0, "given_up": 0, "delivered": 0}));
    assert_eq!(summary["mischief"]["lost_callback"], json!({"drawn": 1, "done": 1}));
    Ok(())
}

#[tokio::test]
async fn a_callback_comes_twice_as_one_event() -> Result<()> {
    let shop = Shop::open_with(&json!({"twice_callback": 1})).await?;
    shop.captured(1).await?;
    let told = shop.wait_told(2).await?;
    let ids: Vec<_> = told.into_iter().map(|told| told.read.expect("believed").event_id).collect();
    assert_eq!(ids[0], ids[1]);
    assert_eq!(shop.done("twice_callback").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_late_callback_comes_late() -> Result<()> {
    let shop = Shop::open_with(&json!({"late_callback": 1, "late_callback_ms": 400})).await?;
    let began = Instant::now();
    shop.captured(1).await?;
    let told = shop.wait_told(1).await?;
    assert!(told[0].at - began >= Duration::from_millis(400));
    assert_eq!(shop.done("late_callback").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_stale_word_follows_the_truth() -> Result<()> {
    let shop = Shop::open_with(&json!({"stale_callback": 1})).await?;
    shop.captured(1).await?;
    let told = shop.wait_told(2).await?;
    let words = shop.words();
    assert_eq!(captured(&words[0]), Some(100));
    assert!(matches!(words[1], ProviderWord::Pending { .. }), "{words:?}");
    let ids: Vec<_> = told.into_iter().map(|told| told.read.expect("believed").event_id).collect();
    assert_ne!(ids[0], ids[1], "it is another event");
    assert_eq!(captured(&shop.query(1).await?), Some(100));
    assert_eq!(shop.done("stale_callback").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_callback_lies_about_the_amount_and_a_query_does_not() -> Result<()> {
    let shop = Shop::open_with(&json!({"wrong_amount": 1})).await?;
    shop.captured(1).await?;
    shop.wait_told(1).await?;
    assert_eq!(captured(&shop.words()[0]), Some(99));
    assert_eq!(captured(&shop.query(1).await?), Some(100));
    assert_eq!(shop.done("wrong_amount").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_wrong_signature_is_put_right_the_next_time() -> Result<()> {
    let shop = Shop::open_with(&json!({"wrong_signature": 1})).await?;
    shop.captured(1).await?;
    let told = shop.wait_told(2).await?;
    assert!(matches!(told[0].read, Err(CallbackRefused::Signature(_))), "{:?}", told[0].read);
    assert_eq!(told[0].raw.header("webhook-id"), told[1].raw.header("webhook-id"));
    assert_eq!(captured(&shop.words()[0]), Some(100));
    assert_eq!(shop.done("wrong_signature").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_refund_that_failed_succeeds_by_the_same_key() -> Result<()> {
    let shop = Shop::open_with(&json!({"refund_fails_first": 1})).await?;
    shop.captured(1).await?;
    let order = shop.refund_order(1, 1, 100);
    let failed = shop.providers.refund(&shop.account, &order).await?;
    assert!(matches!(failed, RefundWord::Failed { .. }), "{failed:?}");
    let succeeded = shop.providers.refund(&shop.account, &order).await?;
    assert!(matches!(succeeded, RefundWord::Succeeded { .. }), "{succeeded:?}");
    assert_eq!(shop.summary().await?["refunded"], json!({"CNY": 100}));
    assert_eq!(shop.done("refund_fails_first").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_slow_refund_is_under_way_and_counts_already() -> Result<()> {
    let shop = Shop::open_with(&json!({"slow_refund": 1, "slow_refund_ms": 300})).await?;
    shop.captured(1).await?;
    let order = shop.refund_order(1, 1, 60);
    assert_eq!(shop.providers.refund(&shop.account, &order).await?, RefundWord::Pending);
    let other = shop.providers.refund(&shop.account, &shop.refund_order(1, 2, 60)).await?;
    assert!(matches!(other, RefundWord::Failed { .. }), "{other:?}");
    shop.wait_told(2).await?;
    let told = |word: &CallbackWord| matches!(word, CallbackWord::Refund { word: RefundWord::Succeeded { .. }, .. });
    assert!(shop.told().iter().any(|one| one.read.as_ref().is_ok_and(|read| told(&read.word))));
    let again = shop.providers.refund(&shop.account, &order).await?;
    assert!(matches!(again, RefundWord::Succeeded { .. }), "{again:?}");
    assert_eq!(shop.done("slow_refund").await?, 1);
    Ok(())
}

#[tokio::test]
async fn late_money_comes_for_what_was_closed() -> Result<()> {
    let shop = Shop::open_with(&json!({"pay_after_close": 1})).await?;
    shop.create(1, 100).await?;
    assert_eq!(shop.close(1).await?, ProviderWord::Closed);
    assert_eq!(shop.decide("pay", 1).await?.0, 200);
    assert_eq!(captured(&shop.query(1).await?), Some(100));
    shop.wait_told(1).await?;
    assert_eq!(captured(&shop.words()[0]), Some(100));
    shop.close(2).await?;
    assert_eq!(shop.decide("pay", 2).await?.0, 409, "a tombstone has no amount to pay");
    assert_eq!(shop.done("pay_after_close").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_center_that_is_down_answers_nobody_and_tells_nobody() -> Result<()> {
    let shop = Shop::open().await?;
    shop.create(1, 100).await?;
    shop.mischief(&json!({"down_ms": 500})).await?;
    let began = Instant::now();
    shop.decide("pay", 1).await?;
    assert_fault(shop.create(2, 100).await, FaultKind::Unavailable, Outcome::Unknown);
    assert_eq!(shop.visit(Method::GET, "/pay/x", None, &json!(null)).await?.0, 503);
    wait_until(async || Ok(shop.query(1).await.is_ok())).await?;
    let told = shop.wait_told(1).await?;
    // The instant was set before `began`, by so little that half the time is a safe bound.
    assert!(told[0].at - began >= Duration::from_millis(250));
    assert!(shop.done("down").await? >= 2);
    assert_eq!(shop.query(2).await?, ProviderWord::Unknown);
    Ok(())
}

#[tokio::test]
async fn the_same_seed_is_the_same_run_also_across_a_restart() -> Result<()> {
    let run = async |seed: u64, restarted: bool| {
        let mut shop = Shop::open_with(&json!({"seed": seed, "lost_answer": 0.5})).await?;
        let mut lost = Vec::new();
        for n in 1..=24 {
            if restarted && n == 12 {
                shop.restart().await?;
            }
            lost.push(shop.create(n, 100).await.is_err());
        }
        anyhow::Ok(lost)
    };
    let lost = run(3, false).await?;
    assert_eq!(run(3, true).await?, lost);
    assert_ne!(run(4, false).await?, lost);
    assert!(lost.contains(&true) && lost.contains(&false));
    Ok(())
}

#[tokio::test]
async fn switches_that_cannot_be_read_change_nothing() -> Result<()> {
    let shop = Shop::open_with(&json!({"lost_callback": 1})).await?;
    for switches in [json!({"lost_callback": 2}), json!({"lostcallback": 1}), json!([])] {
        let (status, said) = shop.control(Method::PUT, "/control/mischief", &switches).await?;
        assert_eq!(status, 400, "{said}");
    }
    assert_eq!(shop.summary().await?["switches"]["lost_callback"], 1.0);
    Ok(())
}
