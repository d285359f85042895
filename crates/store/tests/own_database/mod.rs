//! A database of its own for each test that needs PostgreSQL, on the server that `HOLDLINE_TEST_POSTGRES` names.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::FutureExt as _;
use tokio_postgres::{Client, NoTls};

/// Databases made by this process so far.
static MADE: AtomicU32 = AtomicU32::new(0);

fn server_url() -> String {
    std::env::var("HOLDLINE_TEST_POSTGRES").expect(
        "this test needs PostgreSQL: run cargo xtask test, or set HOLDLINE_TEST_POSTGRES to a PostgreSQL you own",
    )
}

/// A plain connection, for what the engine does not do.
pub(crate) async fn plain(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the server can be reached");
    // Ends with the client; a test that kills connections sees that at the client.
    tokio::spawn(async move { drop(connection.await) });
    client
}

/// Runs a test with the URL of a new, empty database, and drops the database whatever comes of it.
pub(crate) async fn with_database<T: Future<Output = ()>>(test: impl FnOnce(String) -> T) {
    let server = server_url();
    let admin = plain(&server).await;
    let name = format!("holdline_test_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.expect("an old one can go");
    admin.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database can be made");
    let url = match (server.starts_with("postgres"), server.contains('?')) {
        (false, _) => format!("{server} dbname={name}"),
        (true, false) => format!("{server}?dbname={name}"),
        (true, true) => format!("{server}&dbname={name}"),
    };
    let outcome = AssertUnwindSafe(test(url)).catch_unwind().await;
    admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.expect("it can be dropped");
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}
