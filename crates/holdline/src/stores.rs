//! The adapters that the settings name, opened.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail, ensure};
use holdline_domain::fault::{Fault, FaultKind};
use holdline_domain::port::{FeedStore, LedgerStore, TenantStore};
use holdline_store::engine::postgres::{Mark, other_sessions};
use holdline_store::{Clocks, Stores};

use crate::config::{self, StoreKind};

/// How long the sessions of a process that has just ended may still be seen.
const SESSIONS_END_WITHIN: Duration = Duration::from_secs(3);

/// Opens the store to serve or write it; an embedded one is owned until it is dropped.
pub(crate) async fn open(settings: &config::Store) -> anyhow::Result<Stores> {
    let clocks = Clocks::of_machine();
    match settings.kind {
        StoreKind::Sqlite => holdline_store::open_sqlite(&settings.data, &clocks).map_err(sentence),
        StoreKind::Postgres => {
            // Ledger and orders are two databases to the app; here they are two schemas of one.
            let url = &settings.database_url;
            let connected = holdline_store::connect_postgres(url, url, &clocks).await.map_err(sentence);
            connected.with_context(|| format!("cannot use the database {}", place(url)))
        }
    }
}

/// Opens two files that wait to be restored.
pub(crate) fn open_restored_files(directory: &Path) -> anyhow::Result<Stores> {
    holdline_store::restore_sqlite(directory, &Clocks::of_machine()).map_err(sentence)
}

/// Opens two schemas that a recovery has brought back. Nobody else may be using them.
pub(crate) async fn open_recovered(settings: &config::Store) -> anyhow::Result<Stores> {
    let url = &settings.database_url;
    let open = async {
        let until = Instant::now() + SESSIONS_END_WITHIN;
        let mut others = other_sessions(url).await.map_err(sentence)?;
        while others > 0 && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(100)).await;
            others = other_sessions(url).await.map_err(sentence)?;
        }
        ensure!(others == 0, "{others} other sessions of Holdline are connected: stop every process that serves it");
        holdline_store::restore_postgres(url, url, &Clocks::of_machine()).await.map_err(sentence)
    };
    open.await.with_context(|| format!("cannot use the database {}", place(url)))
}

/// Marks the instant in both schemas, beside whoever serves them.
pub(crate) async fn mark(settings: &config::Store, restore_point: &str) -> anyhow::Result<Mark> {
    let url = &settings.database_url;
    let marked = holdline_store::mark_postgres(url, url, restore_point).await.map_err(sentence);
    marked.with_context(|| format!("cannot use the database {}", place(url)))
}

/// Opens tenants and keys for a command: of an embedded store that exists without owning it, so that its server may go on.
pub(crate) async fn open_tenants(settings: &config::Store) -> anyhow::Result<Arc<dyn TenantStore>> {
    if settings.kind == StoreKind::Sqlite && exists(settings) {
        return holdline_store::open_sqlite_tenants(&settings.data, &Clocks::of_machine()).map_err(sentence);
    }
    Ok(open(settings).await?.tenants)
}

/// Opens what consumers of the feed keep for a command, as [`open_tenants`] does.
pub(crate) async fn open_feed(settings: &config::Store) -> anyhow::Result<Arc<dyn FeedStore>> {
    if settings.kind == StoreKind::Sqlite {
        return holdline_store::open_sqlite_feed(&settings.data, &Clocks::of_machine()).map_err(sentence);
    }
    Ok(open(settings).await?.feed)
}

/// Opens the ledger for a command, as [`open_tenants`] does.
pub(crate) async fn open_ledger(settings: &config::Store) -> anyhow::Result<Arc<dyn LedgerStore>> {
    if settings.kind == StoreKind::Sqlite {
        return holdline_store::open_sqlite_ledger(&settings.data, &Clocks::of_machine()).map_err(sentence);
    }
    Ok(open(settings).await?.ledger)
}

fn exists(settings: &config::Store) -> bool {
    settings.data.join("orders.sqlite").exists()
}

/// Refuses a directory without a store: a mistyped one must not look like an empty shop.
pub(crate) fn must_exist(settings: &config::Store) -> anyhow::Result<()> {
    if settings.kind == StoreKind::Sqlite && !exists(settings) {
        bail!("there is no store in {}; `holdline key create` or `holdline serve` makes one", settings.data.display());
    }
    Ok(())
}

/// A fault as the one sentence that an operator reads: what failed, and why as far as it is known.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
pub(crate) fn sentence(fault: Fault) -> anyhow::Error {
    // These name what they are about.
    let complete = fault.kind == FaultKind::Schema || fault.dependency == "data directory";
    let mut said = if complete { fault.message.clone() } else { fault.to_string() };
    let mut cause = fault.source.as_deref().map(|source| source as &dyn std::error::Error);
    while let Some(error) = cause {
        let why = error.to_string();
        if !said.contains(&why) {
            said = format!("{said}: {why}");
        }
        cause = error.source();
    }
    anyhow!(said.replace('\n', " "))
}

/// Where a database is, without its user and password.
fn place(url: &str) -> String {
    let Ok(config) = url.parse::<tokio_postgres::Config>() else { return "of store.database_url".to_owned() };
    let hosts = config.get_hosts().iter().enumerate().map(|(place, host)| {
        let port = config.get_ports().get(place).or(config.get_ports().first()).unwrap_or(&5432);
        match host {
            tokio_postgres::config::Host::Tcp(name) => format!("{name}:{port}"),
            tokio_postgres::config::Host::Unix(path) => format!("{}:{port}", path.display()),
        }
    });
    let hosts = hosts.collect::<Vec<_>>().join(",");
    format!("{} at {hosts}", config.get_dbname().unwrap_or_default())
}

/// The store's name in output.
pub(crate) fn kind_name(kind: StoreKind) -> &'static str {
    match kind {
        StoreKind::Sqlite => "sqlite",
        StoreKind::Postgres => "postgres",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_has_every_cause_once() {
        let cause = std::io::Error::other("connection refused");
        let fault = Fault::not_done("orders", FaultKind::Unavailable, "cannot connect").caused_by(cause);
        assert_eq!(sentence(fault).to_string(), "orders: cannot connect: connection refused");
        let cause = std::io::Error::other("no room");
        let fault =
            Fault::not_done("data directory", FaultKind::Unavailable, "cannot make d: no room").caused_by(cause);
        assert_eq!(sentence(fault).to_string(), "cannot make d: no room");
    }

    #[test]
    fn the_place_of_a_database_is_told_without_its_password() {
        assert_eq!(place("postgres://u:hunter2@db:6432/orders"), "orders at db:6432");
        assert_eq!(place("host=a,b password=hunter2 dbname=orders"), "orders at a:5432,b:5432");
        assert_eq!(place("hunter2"), "of store.database_url");
    }
}
