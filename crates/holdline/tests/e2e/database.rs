//! A database of a story's own on the PostgreSQL of the tests; dropped with the value, also when the story fails.

use anyhow::Result;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::postgres_server::{server_url, url_of};

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

    /// Runs statements in it.
    pub(crate) fn execute(&self, sql: &str) -> Result<()> {
        self.runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&self.url(), NoTls).await?;
            tokio::spawn(connection);
            Ok(client.batch_execute(sql).await?)
        })
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

async fn connect() -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(&server_url(), NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn execute(sql: &str) -> Result<()> {
    Ok(connect().await?.batch_execute(sql).await?)
}
