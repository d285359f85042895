//! Payment providers of every kind, behind the one port: the account says which adapter speaks.

mod http;
mod wechatpay;

use async_trait::async_trait;
use holdline_domain::fault::{Fault, FaultKind};
use holdline_domain::payment::{ProviderAccount, ProviderKind};
use holdline_domain::port::{
    CallbackAnswer, CallbackRefused, PaymentOrder, PaymentProvider, ProviderWord, RawCallback, RefundOrder, RefundWord,
    VerifiedCallback,
};

use crate::guard::Networks;
use http::HttpCenter;
pub(crate) use http::callback_word;
use wechatpay::WechatPay;

/// Speaks to the providers of all tenants.
#[derive(Debug)]
pub struct Providers {
    http: HttpCenter,
    wechatpay: WechatPay,
}

impl Providers {
    /// Providers that may be asked on the public internet and on `networks`.
    pub fn try_new(networks: Networks) -> Result<Self, String> {
        Ok(Self { http: HttpCenter::try_new(networks.clone())?, wechatpay: WechatPay::try_new(networks)? })
    }
}

/// An account's settings. They were judged before they were stored; what is stored may be older than the judgement.
fn settings(account: &ProviderAccount) -> Result<wechatpay::Settings, String> {
    wechatpay::Settings::try_new(&account.settings).map_err(|why| format!("its settings cannot be used: {why}"))
}

fn settings_or_fault(account: &ProviderAccount) -> Result<wechatpay::Settings, Fault> {
    settings(account).map_err(|why| Fault::not_done("wechat pay", FaultKind::Rejected, why))
}

#[async_trait]
impl PaymentProvider for Providers {
    fn objection(&self, account: &ProviderAccount) -> Option<String> {
        match account.kind {
            ProviderKind::Http => self.http.objection(account),
            ProviderKind::WechatPay => self.wechatpay.objection(&account.settings),
        }
    }

    async fn create(&self, account: &ProviderAccount, order: &PaymentOrder) -> Result<ProviderWord, Fault> {
        match account.kind {
            ProviderKind::Http => self.http.create(account, order).await,
            ProviderKind::WechatPay => self.wechatpay.create(&settings_or_fault(account)?, order).await,
        }
    }

    async fn query(&self, account: &ProviderAccount, payment: &str) -> Result<ProviderWord, Fault> {
        match account.kind {
            ProviderKind::Http => self.http.query(account, payment).await,
            ProviderKind::WechatPay => self.wechatpay.query(&settings_or_fault(account)?, payment).await,
        }
    }

    async fn close(&self, account: &ProviderAccount, payment: &str) -> Result<ProviderWord, Fault> {
        match account.kind {
            ProviderKind::Http => self.http.close(account, payment).await,
            ProviderKind::WechatPay => self.wechatpay.close(&settings_or_fault(account)?, payment).await,
        }
    }

    async fn refund(&self, account: &ProviderAccount, order: &RefundOrder) -> Result<RefundWord, Fault> {
        match account.kind {
            ProviderKind::Http => self.http.refund(account, order).await,
            ProviderKind::WechatPay => self.wechatpay.refund(&settings_or_fault(account)?, order).await,
        }
    }

    fn verify(
        &self,
        account: &ProviderAccount,
        raw: &RawCallback,
        now_s: i64,
    ) -> Result<VerifiedCallback, CallbackRefused> {
        match account.kind {
            ProviderKind::Http => http::verify(account, raw, now_s),
            ProviderKind::WechatPay => {
                let settings = settings(account).map_err(CallbackRefused::Malformed)?;
                wechatpay::verify(&settings, raw, now_s)
            }
        }
    }

    fn answer(&self, account: &ProviderAccount, refused: Option<&CallbackRefused>) -> CallbackAnswer {
        match account.kind {
            ProviderKind::Http => http::answer(refused),
            ProviderKind::WechatPay => wechatpay::answer(refused),
        }
    }
}
