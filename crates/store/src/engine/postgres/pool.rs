//! A bounded set of connections, opened when needed and kept while they are sound.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use holdline_domain::fault::Fault;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::connection::Connection;
use super::session::{ANSWER_WITHIN, Server};
use super::unavailable;

/// The set.
pub(super) struct Pool {
    server: Arc<Server>,
    /// One permit per connection that may exist.
    permits: Semaphore,
    /// Connections that nobody uses, the last used on top. Guards nothing else and is never held across a wait.
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(super) fn new(server: Arc<Server>, connections_max: usize) -> Self {
        Self { server, permits: Semaphore::new(connections_max), idle: Mutex::new(Vec::new()) }
    }

    /// A connection for the caller alone: the last used one that is still alive, or a new one.
    pub(super) async fn take(&self) -> Result<Lease<'_>, Fault> {
        let database = self.server.database;
        let permit = timeout(ANSWER_WITHIN, self.permits.acquire())
            .await
            .map_err(|_| unavailable(database, "every connection has been busy for too long"))?
            .map_err(|_| unavailable(database, "the connections are closed"))?;
        let idle = std::iter::from_fn(|| self.idle.lock().pop()).find(|connection| !connection.is_closed());
        let connection = match idle {
            Some(connection) => connection,
            None => Connection::open(&self.server).await?,
        };
        Ok(Lease { pool: self, connection: Some(connection), sound: true, _permit: permit })
    }

    /// Adds a connection that nobody uses.
    pub(super) fn put(&self, connection: Connection) {
        self.idle.lock().push(connection);
    }
}

/// A connection that its holder alone uses. It goes back to the pool when dropped, if it is sound; else it is closed,
/// and the server rolls back what was open on it.
pub(super) struct Lease<'a> {
    pool: &'a Pool,
    /// `None` only while dropping.
    connection: Option<Connection>,
    sound: bool,
    _permit: SemaphorePermit<'a>,
}

impl Lease<'_> {
    /// From now on the connection is only good again once [`Lease::is_sound`] was called: a panic or a caller that hangs
    /// up in between closes it.
    pub(super) fn in_use(&mut self) {
        self.sound = false;
    }

    /// The connection has nothing open and may be used again.
    pub(super) fn is_sound(&mut self) {
        self.sound = true;
    }

    /// Does something outside any transaction; after a fault the connection is closed.
    pub(super) async fn alone<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.in_use();
        let result = work(self).await;
        self.sound = result.is_ok();
        result
    }
}

impl Deref for Lease<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("taken only when dropped")
    }
}

impl DerefMut for Lease<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("taken only when dropped")
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(mut connection) = self.connection.take()
            && self.sound
            && !connection.is_closed()
        {
            connection.forget_statements();
            self.pool.put(connection);
        }
    }
}
