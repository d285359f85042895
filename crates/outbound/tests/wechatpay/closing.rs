//! Closing: the payment itself is asked afterwards, whatever closing was answered.

use holdline_domain::money::Minor;
use holdline_domain::port::{PaymentProvider as _, ProviderWord};

use crate::fake::{Fake, Trouble};
use crate::{NO, account, adapter, order};

#[tokio::test]
async fn an_open_payment_is_closed_and_stays_so() {
    let fake = Fake::start().await;
    let (adapter, account, order) = (adapter(), account(&fake), order());
    adapter.create(&account, &order).await.unwrap();
    for _ in 0..2 {
        assert_eq!(adapter.close(&account, NO).await.unwrap(), ProviderWord::Closed);
    }
    assert_eq!(adapter.create(&account, &order).await.unwrap(), ProviderWord::Closed, "a late create opens nothing");
}

#[tokio::test]
async fn what_was_paid_before_is_captured() {
    let fake = Fake::start().await;
    let (adapter, account) = (adapter(), account(&fake));
    adapter.create(&account, &order()).await.unwrap();
    fake.orders(|orders| orders.pay(NO, 990));
    let word = adapter.close(&account, NO).await.unwrap();
    assert!(matches!(word, ProviderWord::Captured { amount: Minor(990), .. }), "{word:?}");
}

#[tokio::test]
async fn what_is_being_paid_stays_pending() {
    let fake = Fake::start().await;
    let (adapter, account) = (adapter(), account(&fake));
    adapter.create(&account, &order()).await.unwrap();
    fake.orders(|orders| orders.set(NO, "USERPAYING"));
    let word = adapter.close(&account, NO).await.unwrap();
    assert_eq!(word, ProviderWord::Pending { pay: None, reference: None });
}

/// WeChat Pay answers 204 to any number. That is no proof of anything.
#[tokio::test]
async fn closing_what_is_not_known_is_not_called_closed() {
    let fake = Fake::start().await;
    assert_eq!(adapter().close(&account(&fake), NO).await.unwrap(), ProviderWord::Unknown);
    assert_eq!(fake.asked().len(), 2);
}

#[tokio::test]
async fn a_refusal_to_close_is_no_state() {
    let fake = Fake::start().await;
    let (adapter, account) = (adapter(), account(&fake));
    adapter.create(&account, &order()).await.unwrap();
    for code in ["ORDER_CLOSED", "ORDERPAID", "TRADE_ERROR"] {
        fake.trouble("/close", Trouble::Refused(400, code));
        let word = adapter.close(&account, NO).await.unwrap();
        assert_eq!(word, ProviderWord::Pending { pay: None, reference: None }, "{code}");
    }
    fake.trouble("/close", Trouble::Refused(500, "SYSTEM_ERROR"));
    adapter.close(&account, NO).await.unwrap_err();
    fake.trouble("?mchid=", Trouble::Refused(500, "SYSTEM_ERROR"));
    adapter.close(&account, NO).await.unwrap_err();
    assert_eq!(adapter.close(&account, NO).await.unwrap(), ProviderWord::Closed);
}
