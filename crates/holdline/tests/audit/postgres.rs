//! The same on PostgreSQL. Each test has databases of its own and removes them.

use super::closings::{BREACHES, closed, expect_breach};
use super::{
    CORRUPTIONS, Clocks, MONEY_CORRUPTIONS, Shop, Stores, UNREADABLE, Value, audit, expect_clean, expect_found, runtime,
};
use crate::postgres_server::{server_url, url_of};
use tokio_postgres::{Client, NoTls};

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection to PostgreSQL");
    tokio::spawn(connection);
    client
}

/// A new database with a name of this process's, made from `template`.
async fn create(database: &str, template: &str) -> String {
    let server = connect(&server_url()).await;
    let disconnect = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{template}'");
    let name = format!("audit_{}_{database}", std::process::id());
    server.batch_execute(&disconnect).await.expect("nobody uses the template");
    server.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await.expect("a new database");
    name
}

async fn drop_database(name: &str) {
    let server = connect(&server_url()).await;
    server.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.expect("a dropped database");
}

async fn open(database: &str) -> Stores {
    let url = url_of(database);
    holdline_store::connect_postgres(&url, &url, &Clocks::of_machine()).await.expect("an opened store")
}

async fn execute(database: &str, schema: &str, sql: &str) {
    let client = connect(&url_of(database)).await;
    let constraints = "ALTER TABLE IF EXISTS account DROP CONSTRAINT IF EXISTS account_held_check";
    let text = format!("SET search_path = {schema}; {constraints}; {sql}");
    client.batch_execute(&text).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

async fn audit_of(database: &str) -> (i32, Value) {
    audit_with(database, &[]).await
}

async fn audit_with(database: &str, more: &'static [&'static str]) -> (i32, Value) {
    let url = url_of(database);
    tokio::task::spawn_blocking(move || audit(&["--database-url", &url], more)).await.expect("an audit")
}

/// A database with every story in it.
async fn store(name: &str) -> String {
    let store = create(name, "template0").await;
    Shop::open(open(&store).await).await.all_stories().await;
    store
}

#[test]
fn calls_a_whole_postgres_store_clean() {
    runtime().block_on(async {
        let store = store("clean").await;
        let (status, report) = audit_of(&store).await;
        expect_clean(&report);
        assert_eq!(status, 0);
        drop_database(&store).await;
    });
}

#[test]
fn finds_every_corruption_of_a_postgres_store() {
    runtime().block_on(async {
        let store = store("corrupt").await;
        for corruption in CORRUPTIONS.iter().chain(MONEY_CORRUPTIONS) {
            let broken_store = create("corrupted", &store).await;
            execute(&broken_store, corruption.database, corruption.sql).await;
            let (status, report) = audit_of(&broken_store).await;
            expect_found(corruption, status, &report);
            drop_database(&broken_store).await;
        }
        for (schema, sql, word) in UNREADABLE {
            let broken_store = create("unreadable", &store).await;
            execute(&broken_store, schema, sql).await;
            let (status, report) = audit_of(&broken_store).await;
            assert_eq!(status, 2, "{sql}: {report:#}");
            assert!(report["reason"].as_str().unwrap().contains(word), "{sql}: {report:#}");
            drop_database(&broken_store).await;
        }
        drop_database(&store).await;
    });
}

#[test]
fn calls_a_postgres_store_clean_while_it_is_written() {
    runtime().block_on(async {
        let store = create("live", "template0").await;
        let arguments = vec!["--database-url".to_owned(), url_of(&store)];
        super::audit_while_writing(open(&store).await, arguments).await;
        drop_database(&store).await;
    });
}

#[test]
fn finds_every_breach_of_a_closed_postgres_store() {
    runtime().block_on(async {
        let store = create("closed", "template0").await;
        closed(open(&store).await).await;
        for more in [&[][..], &["--full"]] {
            let (status, report) = audit_with(&store, more).await;
            assert_eq!(status, 0, "{report:#}");
        }
        for breach in BREACHES {
            let broken_store = create("breached", &store).await;
            execute(&broken_store, "ledger", breach.sql).await;
            expect_breach(breach, false, &audit_with(&broken_store, &[]).await);
            expect_breach(breach, true, &audit_with(&broken_store, &["--full"]).await);
            drop_database(&broken_store).await;
        }
        drop_database(&store).await;
    });
}

#[test]
fn calls_a_real_life_with_money_clean_on_postgres() {
    runtime().block_on(async {
        let store = create("life", "template0").await;
        let url = url_of(&store);
        let lived = tokio::task::spawn_blocking(move || super::life::live(Some(&url))).await.expect("a life");
        lived.expect("a clean life");
        drop_database(&store).await;
    });
}
