//! The contract suites on the model stores: what the simulator trusts is what the databases do.

use std::sync::Arc;

use holdline_testkit::contract::Process;
use holdline_testkit::model::Databases;

fn process(databases: &Databases, name: &str) -> Process {
    let process = databases.process(name);
    Process {
        ledger: Arc::new(databases.ledger(&process)),
        orders: Arc::new(databases.orders(&process)),
        feed: Arc::new(databases.feed(&process)),
        webhooks: Arc::new(databases.webhooks(&process)),
        life: Arc::new(databases.orders(&process)),
        catalog: Arc::new(databases.catalog(&process)),
        tenants: Arc::new(databases.tenants(&process)),
    }
}

async fn with_installation<T: Future<Output = ()>>(rule: impl FnOnce(Process, Process) -> T) {
    let databases = Databases::calm();
    rule(process(&databases, "first"), process(&databases, "second")).await;
}

holdline_testkit::ledger_contract!(super::with_installation);
holdline_testkit::order_contract!(super::with_installation);
holdline_testkit::feed_contract!(super::with_installation);
holdline_testkit::life_contract!(super::with_installation);
holdline_testkit::catalog_contract!(super::with_installation);
holdline_testkit::tenant_contract!(super::with_installation);
holdline_testkit::webhook_contract!(super::with_installation);
