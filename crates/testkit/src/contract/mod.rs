//! Contract suites: what every adapter of a port must do, told as rules. The model, SQLite and PostgreSQL pass the same.
//!
//! A rule is an async function over two [`Process`]es on one fresh installation; on an embedded store both are the same.
//! An adapter's test file says how to make an installation and names the suites:
//!
//! ```text
//! async fn with_installation<T: Future<Output = ()>>(rule: impl FnOnce(Process, Process) -> T) { … }
//! holdline_testkit::ledger_contract!(with_installation);
//! ```
//!
//! Deliberately absent: any knowledge of an adapter, and the rules of `domain` themselves, which have their own tests;
//! here it is judged that what was decided is what is kept, also beside other callers and after a repeat.

pub mod catalog;
pub mod feed;
pub mod ledger;
pub mod life;
pub mod order;
mod sample;
pub mod tenant;
pub mod webhook;

use std::sync::Arc;

use holdline_domain::fault::Fault;
use holdline_domain::port::{CatalogStore, FeedStore, LedgerStore, LifeStore, OrderStore, TenantStore, WebhookStore};

/// The ports as one process of an installation has them.
#[derive(Clone)]
pub struct Process {
    /// The ledger of holds.
    pub ledger: Arc<dyn LedgerStore>,
    /// Orders and their feed.
    pub orders: Arc<dyn OrderStore>,
    /// What consumers of the feed keep.
    pub feed: Arc<dyn FeedStore>,
    /// Endpoints of webhooks.
    pub webhooks: Arc<dyn WebhookStore>,
    /// What lives with orders.
    pub life: Arc<dyn LifeStore>,
    /// The catalog.
    pub catalog: Arc<dyn CatalogStore>,
    /// Tenants and keys.
    pub tenants: Arc<dyn TenantStore>,
}

/// The answer of a call that nothing disturbs.
#[track_caller]
fn ok<T>(answer: Result<T, Fault>) -> T {
    answer.unwrap_or_else(|fault| panic!("an undisturbed call failed: {fault}"))
}

/// Expands to one test per rule. `$with` makes an installation, runs the rule with its two processes, and cleans up.
#[macro_export]
macro_rules! contract_suite {
    ($suite:ident, $with:path, [$($rule:ident),+ $(,)?]) => {
        mod $suite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    $with(|first, second| $crate::contract::$suite::$rule(first, second)).await;
                }
            )+
        }
    };
}
