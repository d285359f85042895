//! Ports: what the product needs of the world, in the words of the domain.
//!
//! A store has one write entry per database that takes a whole batch; no transaction handle crosses a port. Batches are
//! bounded by the caller. Every write may be sent again unchanged after an unknown outcome.

mod catalog;
mod feed;
mod hold_check;
mod ledger;
mod life;
mod order;
mod payment;
mod tenant;
mod webhook;

pub use crate::feed::FeedPosition;
pub use catalog::CatalogStore;
pub use feed::FeedStore;
pub use hold_check::{HoldChecker, HoldQuestion, HoldWord, NobodyAsks};
pub use ledger::{DueDeadline, DueDeadlines, EndedPeriods, HoldVisit, LedgerStore, MovementPage};
pub use life::LifeStore;
pub use order::{EventPage, OrderPage, OrderStore};
pub use payment::{
    CallbackAnswer, CallbackRefused, CallbackWord, NoProviders, PaymentOrder, PaymentProvider, ProviderWord,
    RawCallback, RefundOrder, RefundWord, VerifiedCallback,
};
pub use tenant::TenantStore;
pub use webhook::{NobodySends, WebhookAnswer, WebhookMessage, WebhookSender, WebhookStore};
