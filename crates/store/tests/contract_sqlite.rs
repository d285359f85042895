//! The contract suites on SQLite. An embedded store has one process: both processes of a rule are the same.

use holdline_store::{Clocks, Stores, open_sqlite};
use holdline_testkit::contract::Process;

async fn with_installation<T: Future<Output = ()>>(rule: impl FnOnce(Process, Process) -> T) {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let stores = open_sqlite(directory.path(), &Clocks::of_machine()).expect("a fresh store opens");
    let Stores { ledger, orders, feed, webhooks, life, catalog, tenants, .. } = stores;
    let process = Process { ledger, orders, feed, webhooks, life, catalog, tenants };
    rule(process.clone(), process).await;
}

holdline_testkit::ledger_contract!(super::with_installation);
holdline_testkit::order_contract!(super::with_installation);
holdline_testkit::feed_contract!(super::with_installation);
holdline_testkit::life_contract!(super::with_installation);
holdline_testkit::catalog_contract!(super::with_installation);
holdline_testkit::tenant_contract!(super::with_installation);
holdline_testkit::webhook_contract!(super::with_installation);
