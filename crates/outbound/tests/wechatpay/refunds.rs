//! Refunds: one per key, however often it is asked for, and failed only if it is not known.

use holdline_domain::fault::Outcome;
use holdline_domain::money::{Currency, Minor};
use holdline_domain::port::{PaymentProvider as _, RefundOrder, RefundWord};
use serde_json::json;

use crate::fake::{Fake, Spoilt, Trouble};
use crate::{NO, account, adapter, order, refund};

/// A fake with [`order`] paid.
async fn paid() -> Fake {
    let fake = Fake::start().await;
    adapter().create(&account(&fake), &order()).await.unwrap();
    fake.orders(|orders| orders.pay(NO, 990));
    fake
}

fn settle(fake: &Fake, status: &'static str) {
    fake.orders(|orders| orders.refunds.get_mut(&refund().key).unwrap().status = status);
}

#[tokio::test]
async fn a_refund_is_asked_for_once_and_followed_by_its_key() {
    let fake = paid().await;
    let (adapter, account, order) = (adapter(), account(&fake), refund());
    for _ in 0..2 {
        assert_eq!(adapter.refund(&account, &order).await.unwrap(), RefundWord::Pending);
    }
    assert_eq!(fake.orders(|orders| orders.refunds.len()), 1);
    let sent = fake.seen().into_iter().find(|seen| seen.url == "/v3/refund/domestic/refunds").unwrap().body;
    assert_eq!(
        sent,
        json!({
            "out_trade_no": NO, "out_refund_no": order.key, "reason": "not wanted any more",
            "notify_url": order.notify_url, "amount": { "refund": 300, "total": 990, "currency": "CNY" },
        })
    );
    settle(&fake, "SUCCESS");
    let succeeded = RefundWord::Succeeded { reference: Some(format!("50{}", order.key)) };
    assert_eq!(adapter.refund(&account, &order).await.unwrap(), succeeded);
    for status in ["ABNORMAL", "CLOSED"] {
        settle(&fake, status);
        let word = adapter.refund(&account, &order).await.unwrap();
        assert!(matches!(&word, RefundWord::Failed { reason } if reason.starts_with(status)), "{word:?}");
    }
}

#[tokio::test]
async fn a_refund_that_was_accepted_is_pending_even_if_nothing_more_is_told() {
    let fake = paid().await;
    fake.trouble("GET /v3/refund", Trouble::Refused(500, "SYSTEM_ERROR"));
    assert_eq!(adapter().refund(&account(&fake), &refund()).await.unwrap(), RefundWord::Pending);
}

#[tokio::test]
async fn a_refusal_fails_a_refund_that_is_not_known_and_none_that_is() {
    let fake = paid().await;
    let (adapter, account, order) = (adapter(), account(&fake), refund());
    fake.trouble("POST /v3/refund", Trouble::Refused(403, "NOT_ENOUGH"));
    let word = adapter.refund(&account, &order).await.unwrap();
    assert_eq!(word, RefundWord::Failed { reason: "NOT_ENOUGH: told to".to_owned() });
    // The same key again, once there is money.
    assert_eq!(adapter.refund(&account, &order).await.unwrap(), RefundWord::Pending);
    settle(&fake, "SUCCESS");
    fake.trouble("POST /v3/refund", Trouble::Refused(403, "NOT_ENOUGH"));
    assert!(matches!(adapter.refund(&account, &order).await.unwrap(), RefundWord::Succeeded { .. }));
    // Refused, and whether it is known is not known.
    fake.trouble("POST /v3/refund", Trouble::Refused(400, "INVALID_REQUEST"));
    fake.trouble("GET /v3/refund", Trouble::Refused(500, "SYSTEM_ERROR"));
    adapter.refund(&account, &order).await.unwrap_err();
}

#[tokio::test]
async fn a_lost_answer_is_a_fault_and_the_next_request_finds_the_refund() {
    let fake = paid().await;
    fake.trouble("POST /v3/refund", Trouble::Answered(Spoilt::Lost));
    let fault = adapter().refund(&account(&fake), &refund()).await.unwrap_err();
    assert_eq!(fault.outcome, Outcome::Unknown);
    assert_eq!(adapter().refund(&account(&fake), &refund()).await.unwrap(), RefundWord::Pending);
    assert_eq!(fake.orders(|orders| orders.refunds.len()), 1);
}

#[tokio::test]
async fn more_than_was_captured_is_refused_by_wechat_pay() {
    let fake = paid().await;
    let too_much = RefundOrder { amount: Minor(991), ..refund() };
    let word = adapter().refund(&account(&fake), &too_much).await.unwrap();
    assert!(matches!(&word, RefundWord::Failed { reason } if reason.starts_with("INVALID_REQUEST")), "{word:?}");
    let of_nothing = RefundOrder { payment: "P999999999999999999999999999-1".to_owned(), ..refund() };
    let word = adapter().refund(&account(&fake), &of_nothing).await.unwrap();
    assert!(matches!(word, RefundWord::Failed { .. }), "{word:?}");
}

#[tokio::test]
async fn what_can_never_be_sent_fails_without_a_request() {
    let fake = paid().await;
    let before = fake.asked().len();
    for order in [
        RefundOrder { currency: Currency::try_new("HKD").unwrap(), ..refund() },
        RefundOrder { amount: Minor(0), ..refund() },
        RefundOrder { key: String::new(), ..refund() },
        RefundOrder { key: "R/1".to_owned(), ..refund() },
        RefundOrder { key: "R".repeat(65), ..refund() },
    ] {
        let word = adapter().refund(&account(&fake), &order).await.unwrap();
        assert!(matches!(word, RefundWord::Failed { .. }), "{word:?}");
    }
    assert_eq!(fake.asked().len(), before);
}

#[tokio::test]
async fn a_key_with_signs_that_addresses_use_is_found_again() {
    let fake = paid().await;
    let order = RefundOrder { key: "a|b*c@d".to_owned(), ..refund() };
    fake.trouble("POST /v3/refund", Trouble::Refused(400, "INVALID_REQUEST"));
    let word = adapter().refund(&account(&fake), &order).await.unwrap();
    assert!(matches!(word, RefundWord::Failed { .. }), "its signature held on the way: {word:?}");
}

#[tokio::test]
async fn long_reasons_are_cut_between_characters() {
    let fake = paid().await;
    let order = RefundOrder { reason: "不".repeat(50), ..refund() };
    assert_eq!(adapter().refund(&account(&fake), &order).await.unwrap(), RefundWord::Pending);
}
