//! The adapter for WeChat Pay against a fake that keeps to the published rules of API v3 from the other side, over real
//! sockets. Nothing here has ever spoken to WeChat Pay itself.

#![expect(clippy::unwrap_used, reason = "what fails in a helper fails the test")]

mod callbacks;
mod calls;
mod closing;
mod failures;
mod fake;
mod keys;
mod orders;
mod refunds;
mod settings;

use std::sync::LazyLock;

use holdline_domain::id::{TenantId, Version};
use holdline_domain::money::{Currency, Minor};
use holdline_domain::order::OrderNo;
use holdline_domain::payment::{AttemptId, PaymentNo, ProviderAccount, ProviderKind, ProviderName};
use holdline_domain::port::{PaymentOrder, RefundOrder};
use holdline_domain::time::UnixMillis;
use holdline_outbound::{Networks, Providers};

/// The number of [`order`]'s attempt.
const NO: &str = "P261125093000123000100000742-1";

/// All adapters, allowed to ask this machine.
fn adapter() -> Providers {
    Providers::try_new(Networks::try_new(&["127.0.0.0/8".to_owned()]).unwrap()).unwrap()
}

/// An account at a fake.
fn account(fake: &fake::Fake) -> ProviderAccount {
    account_with(&settings::json(&fake.base_url()))
}

/// An account with these settings.
fn account_with(settings: &serde_json::Value) -> ProviderAccount {
    ProviderAccount {
        tenant: TenantId(1),
        name: ProviderName::try_new("wechat").unwrap(),
        kind: ProviderKind::WechatPay,
        settings: settings.to_string(),
        enabled: true,
        version: Version::FIRST,
    }
}

/// A quarter of an hour from now: the same instant for all orders, so that the same order twice is the same.
static DEADLINE: LazyLock<UnixMillis> = LazyLock::new(|| UnixMillis((keys::now_s() + 900) * 1_000));

/// 9.90 yuan, to be paid before the deadline.
fn order() -> PaymentOrder {
    PaymentOrder {
        attempt: AttemptId { payment: PaymentNo::of_order(&OrderNo::from_stored("261125093000123000100000742")), n: 1 },
        amount: Minor(990),
        currency: Currency::try_new("CNY").unwrap(),
        deadline: *DEADLINE,
        description: "2 × mug".to_owned(),
        notify_url: "https://mall.example.com/v1/payment-callbacks/mall/wechat".to_owned(),
        return_url: None,
        method: None,
    }
}

/// 3.00 yuan of [`order`] back.
fn refund() -> RefundOrder {
    RefundOrder {
        key: format!("{NO}-R1"),
        payment: NO.to_owned(),
        captured: Minor(990),
        amount: Minor(300),
        currency: Currency::try_new("CNY").unwrap(),
        reason: "not wanted any more".to_owned(),
        notify_url: "https://mall.example.com/v1/payment-callbacks/mall/wechat".to_owned(),
    }
}
