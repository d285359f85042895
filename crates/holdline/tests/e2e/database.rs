//! A database of a story's own on the PostgreSQL of the tests; dropped with the value, also when the story fails.

use anyhow::Result;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// Databases at once. Reason: two processes keep some ten connections each, and a server has 100 by default.
static PLACES: Semaphore = Semaphore::const_new(4);

/// An empty database.
pub(crate) struct Database {
    name: String,
    runtime: Runtime,
    _place: SemaphorePermit<'static>,
}

impl Database {
    /// Makes a database with a name that no other has.
    pub(crate) fn create() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let place = runtime.block_on(PLACES.acquire())?;
        let name = format!("e2e_{}", Uuid::new_v4().simple());
        runtime.block_on(execute(&format!("CREATE DATABASE {name} TEMPLATE template0")))?;
        Ok(Self { name, runtime, _place: place })
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        url_of(&self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let dropped = self.runtime.block_on(execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name)));
        if let Err(error) = dropped {
            eprintln!("the database {} is left behind: {error:#}", self.name);
        }
    }
}

fn server_url() -> String {
    std::env::var("HOLDLINE_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!(
            "HOLDLINE_TEST_POSTGRES is not set: run `cargo xtask test`, which starts a PostgreSQL of its own, or set \
             it to the URL of a PostgreSQL you own"
        )
    })
}

/// The URL of a database on the same server.
fn url_of(database: &str) -> String {
    let url = server_url();
    let (server, query) = url.split_once('?').map_or((url.as_str(), None), |(server, query)| (server, Some(query)));
    let host_at = server.find("://").map_or(0, |at| at + 3);
    let path_at = server[host_at..].find('/').map_or(server.len(), |at| host_at + at);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{database}{query}", &server[..path_at])
}

async fn connect() -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(&server_url(), NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn execute(sql: &str) -> Result<()> {
    Ok(connect().await?.batch_execute(sql).await?)
}
