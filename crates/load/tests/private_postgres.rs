//! A private PostgreSQL and the baseline on it. Needs PostgreSQL's server programs: `apt-get install postgresql`.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use holdline_load::plain_postgres::{self, PlainPlan};
use holdline_load::private_postgres::{Options, PrivatePostgres};
use tokio_postgres::NoTls;

fn value(url: &str, query: &str) -> Result<String> {
    value_after("", url, query)
}

/// The text that `query` gives after `statements`.
fn value_after(statements: &str, url: &str, query: &str) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute(statements).await?;
        Ok(client.query_one(query, &[]).await?.get(0))
    })
}

fn is_running(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

#[test]
fn a_cluster_leaves_neither_process_nor_directory() -> Result<()> {
    let postgres = PrivatePostgres::start(Options::default())?;
    let (pid, directory) = (postgres.pid(), postgres.directory().to_owned());
    assert!(is_running(pid) && postgres.data_dir().is_dir());
    assert_ne!(postgres.port(), 5432);
    drop(postgres);
    assert!(!is_running(pid) && !directory.exists());
    Ok(())
}

#[test]
fn a_cluster_is_durable_and_asks_for_its_password() -> Result<()> {
    let postgres = PrivatePostgres::start(Options::default())?;
    let url = postgres.url("postgres");
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        assert_eq!(value(&url, &format!("SHOW {setting}"))?, "on");
    }
    let wrong = format!("postgres://postgres:wrong@127.0.0.1:{}/postgres", postgres.port());
    assert!(value(&wrong, "SELECT 'let in'").is_err());
    assert!(postgres.cpu_seconds()? > 0.0);
    postgres.stop()?;
    Ok(())
}

#[test]
fn committed_rows_survive_an_immediate_stop() -> Result<()> {
    let mut postgres = PrivatePostgres::start(Options::default())?;
    postgres.create_database("shop; with 'odd' name")?;
    postgres.create_database("shop")?;
    let count = "SELECT count(*)::text FROM kept";
    let written = value_after("CREATE TABLE kept AS SELECT generate_series(1, 1000)", &postgres.url("shop"), count)?;
    assert_eq!(written, "1000");
    postgres.kill()?;
    assert!(!is_running(postgres.pid()));
    postgres.restart()?;
    assert_eq!(value(&postgres.url("shop"), count)?, "1000");
    postgres.stop()?;
    Ok(())
}

#[test]
fn a_wrong_setting_is_told_in_the_error_and_leaves_nothing() -> Result<()> {
    let parent = tempfile::Builder::new().prefix("holdline-load-test-").tempdir()?;
    set_mode(parent.path(), 0o755)?;
    let options = Options {
        parent: Some(parent.path().to_owned()),
        settings: vec![("no_such_setting".to_owned(), "1".to_owned())],
        ..Options::default()
    };
    let error = PrivatePostgres::start(options).expect_err("the setting does not exist").to_string();
    assert!(error.contains("no_such_setting"), "{error}");
    assert_eq!(std::fs::read_dir(parent.path())?.count(), 0);
    Ok(())
}

#[test]
fn a_parent_directory_closed_to_the_clusters_user_is_named() -> Result<()> {
    // Only root needs another user for the cluster.
    let parent = tempfile::tempdir()?;
    set_mode(parent.path(), 0o700)?;
    let options = Options { parent: Some(parent.path().to_owned()), ..Options::default() };
    match PrivatePostgres::start(options) {
        Ok(postgres) => assert!(!rustix::process::geteuid().is_root() && postgres.data_dir().is_dir()),
        Err(error) => assert!(error.to_string().contains(&parent.path().display().to_string()), "{error}"),
    }
    assert_eq!(std::fs::read_dir(parent.path())?.count(), 0);
    Ok(())
}

#[test]
fn the_baseline_places_orders_and_its_books_agree() -> Result<()> {
    let postgres = PrivatePostgres::start(Options::default())?;
    postgres.create_database("plain")?;
    let plan = PlainPlan {
        url: postgres.url("plain"),
        connections: 8,
        warm_up: Duration::ZERO,
        duration: Duration::from_millis(500),
    };
    let result = plain_postgres::run(&plan)?;
    assert!(result.orders > 0 && result.consistent && result.errors.is_empty(), "{result:?}");
    assert_eq!(result.durability, "fsync=on synchronous_commit=on full_page_writes=on");
    postgres.stop()?;
    Ok(())
}

fn set_mode(directory: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::set_permissions(directory, std::fs::Permissions::from_mode(mode))?)
}
