//! A database of our own in a server that somebody else runs: made under a new name, dropped at the end.

use anyhow::{Context as _, bail};
use tokio_postgres::NoTls;
use uuid::Uuid;

/// Dropped together with everything in it.
#[derive(Debug)]
pub(super) struct OwnDatabase {
    server_url: String,
    name: String,
    /// Where it is.
    pub(super) url: String,
}

impl OwnDatabase {
    /// Makes one. The URL's user must be allowed to; the database that it names is left alone.
    pub(super) fn create(server_url: &str) -> anyhow::Result<Self> {
        let name = format!("holdline_{}", Uuid::now_v7().simple());
        let url = with_database(server_url, &name)?;
        execute(server_url, &format!("CREATE DATABASE {name}"))?;
        Ok(Self { server_url: server_url.to_owned(), name, url })
    }
}

impl Drop for OwnDatabase {
    fn drop(&mut self) {
        if let Err(error) = execute(&self.server_url, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)) {
            tracing::warn!(database = self.name, %error, "a database of ours could not be removed");
        }
    }
}

/// Runs one statement on a connection of its own. On a thread of its own as well, because a drop may happen anywhere.
fn execute(url: &str, statement: &str) -> anyhow::Result<()> {
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let (client, connection) =
                tokio_postgres::connect(url, NoTls).await.context("cannot reach the PostgreSQL of --database-url")?;
            // Ends when the client is dropped; an error shows up at the client's call.
            tokio::spawn(connection);
            client.batch_execute(statement).await.context("a database of our own cannot be made or removed")
        })
    };
    std::thread::scope(|scope| scope.spawn(work).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
}

/// The same URL with another database.
fn with_database(url: &str, name: &str) -> anyhow::Result<String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        bail!("--database-url must have the form postgres://user:password@host:port/database");
    };
    let (address, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = address.split('/').next().unwrap_or_default();
    let question = if parameters.is_empty() { "" } else { "?" };
    Ok(format!("{scheme}://{authority}/{name}{question}{parameters}"))
}

#[cfg(test)]
mod tests {
    use holdline_load::private_postgres::{Options, PrivatePostgres};

    use super::{OwnDatabase, execute, with_database};

    #[test]
    fn it_is_made_in_a_server_and_gone_after_the_drop() {
        let postgres = PrivatePostgres::start(Options::default()).unwrap();
        let own = OwnDatabase::create(&postgres.url("postgres")).unwrap();
        let url = own.url.clone();
        execute(&url, "CREATE TABLE t (n int)").unwrap();
        drop(own);
        assert!(execute(&url, "SELECT 1").is_err());
    }

    #[test]
    fn only_the_database_of_a_url_changes() {
        let changed = |url| with_database(url, "own").unwrap();
        assert_eq!(changed("postgres://u:p@h:5/postgres"), "postgres://u:p@h:5/own");
        assert_eq!(changed("postgres://h"), "postgres://h/own");
        assert_eq!(changed("postgresql://h/x?connect_timeout=3"), "postgresql://h/own?connect_timeout=3");
        assert!(with_database("host=h dbname=x", "own").is_err());
    }
}
