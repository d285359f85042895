//! The contract suites on PostgreSQL, with two processes on one database, each with connections of its own.

mod own_database;

use holdline_store::{Clocks, Stores, connect_postgres};
use holdline_testkit::contract::{self, Process};
use own_database::{plain, with_database};
use tokio_postgres::Client;

async fn process(url: &str) -> Process {
    let stores = connect_postgres(url, url, &Clocks::of_machine()).await.expect("the server can be reached");
    let Stores { ledger, orders, feed, webhooks, life, catalog, tenants, .. } = stores;
    Process { ledger, orders, feed, webhooks, life, catalog, tenants }
}

async fn with_installation<T: Future<Output = ()>>(rule: impl FnOnce(Process, Process) -> T) {
    with_database(async |url| {
        let (first, second) = tokio::join!(process(&url), process(&url));
        rule(first, second).await;
    })
    .await;
}

holdline_testkit::ledger_contract!(super::with_installation);
holdline_testkit::order_contract!(super::with_installation);
holdline_testkit::feed_contract!(super::with_installation);
holdline_testkit::life_contract!(super::with_installation);
holdline_testkit::catalog_contract!(super::with_installation);
holdline_testkit::tenant_contract!(super::with_installation);
holdline_testkit::webhook_contract!(super::with_installation);

/// Asserts that a query finds nothing that contradicts it.
async fn assert_none(client: &Client, what: &str, sql: &str) {
    let found = client.query_one(&format!("SELECT count(*) FROM ({sql}) found"), &[]).await.expect("it can be asked");
    assert_eq!(found.get::<_, i64>(0), 0, "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_leave_rows_that_agree_with_each_other() {
    with_database(async |url| {
        let (first, second) = tokio::join!(process(&url), process(&url));
        tokio::join!(contract::ledger::crowd(&first, &second), contract::order::crowd(&first, &second));
        let client = plain(&url).await;
        assert_none(
            &client,
            "balances are the sums of movements",
            "SELECT a.account_no FROM ledger.account a LEFT JOIN ledger.movement m USING (account_no)
             GROUP BY a.account_no HAVING
                a.on_hand <> coalesce(sum(m.quantity) FILTER (WHERE m.kind = 5), 0)
                    - coalesce(sum(m.quantity) FILTER (WHERE m.kind = 3), 0)
                OR a.held <> coalesce(sum(m.quantity) FILTER (WHERE m.kind = 0), 0)
                    - coalesce(sum(m.quantity) FILTER (WHERE m.kind IN (1, 2)), 0)
                OR a.allocated <> coalesce(sum(m.quantity) FILTER (WHERE m.kind = 1), 0)
                    - coalesce(sum(m.quantity) FILTER (WHERE m.kind IN (3, 4)), 0)",
        )
        .await;
        assert_none(
            &client,
            "nothing is oversold",
            "SELECT 1 FROM ledger.account WHERE kind = 0 AND on_hand < held + allocated",
        )
        .await;
        assert_none(
            &client,
            "the ledger's sequence has no gap",
            "SELECT 1 FROM ledger.ledger_head WHERE next_seq <> (SELECT count(*) + 1 FROM ledger.movement)
                OR next_seq <> (SELECT max(seq) + 1 FROM ledger.movement)",
        )
        .await;
        assert_none(
            &client,
            "each hold's first movement is its own",
            "SELECT 1 FROM ledger.hold h LEFT JOIN ledger.movement m ON m.seq = h.hold_no AND m.hold_no = h.hold_no
             WHERE m.seq IS NULL",
        )
        .await;
        assert_none(
            &client,
            "the feed has no gap",
            "SELECT 1 FROM orders.feed_head WHERE next_seq <> (SELECT count(*) + 1 FROM orders.event)
                OR next_seq <> (SELECT max(seq) + 1 FROM orders.event)",
        )
        .await;
        assert_none(
            &client,
            "each order's version is its number of events",
            "SELECT o.order_no FROM orders.orders o LEFT JOIN orders.event e USING (tenant, order_no)
             GROUP BY o.tenant, o.order_no, o.version HAVING count(e.seq) <> o.version",
        )
        .await;
        let orders = client.query_one("SELECT count(*) FROM orders.orders", &[]).await.expect("it can be asked");
        assert_eq!(orders.get::<_, i64>(0), 64);
    })
    .await;
}
