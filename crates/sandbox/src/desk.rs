//! The desk: where one piece of work is done, with its rows, its instant and the mischief in force.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use holdline_outbound::{SignedClient, SigningKey};
use parking_lot::RwLock;
use rusqlite::Connection;
use tokio::sync::Notify;

use crate::courier::UnderWay;
use crate::mischief::{Mischief, Switch, count};
use crate::store::{Store, StoreFailed};

/// What the parts of a running sandbox share. Has secrets in it, hence no `Debug`.
pub(crate) struct Center {
    pub(crate) store: Store,
    /// Where the pay page is, without a slash at its end.
    pub(crate) base_url: String,
    /// Signs callbacks, and must have signed calls.
    pub(crate) key: SigningKey,
    /// Opens `/control`.
    pub(crate) control_token: String,
    /// Sends callbacks, to networks that were allowed.
    pub(crate) client: SignedClient,
    /// Read by every piece of work, replaced by `PUT /control/mischief` after it was stored.
    pub(crate) mischief: RwLock<Arc<Mischief>>,
    /// Callbacks that are being sent.
    pub(crate) under_way: UnderWay,
    /// Wakes the courier: there may be something to send, or another instant to wait for.
    pub(crate) wake: Notify,
}

impl Center {
    /// Does a piece of work, all of it or nothing; answered once it is on disk.
    pub(crate) async fn at_desk<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Desk<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreFailed> {
        let center = Arc::clone(self);
        let mischief = Arc::clone(&self.mischief.read());
        self.store
            .run(move |rows| work(&Desk { rows, now_ms: now_ms(), mischief: &mischief, base_url: &center.base_url }))
            .await
    }

    /// Whether it is down by mischief; counted if so.
    pub(crate) async fn is_down(self: &Arc<Self>) -> Result<bool, StoreFailed> {
        if self.mischief.read().down_until_ms <= now_ms() {
            return Ok(false);
        }
        self.at_desk(|desk| count(desk.rows, "down")).await?;
        Ok(true)
    }
}

/// One piece of work.
pub(crate) struct Desk<'a> {
    pub(crate) rows: &'a Connection,
    pub(crate) now_ms: i64,
    pub(crate) mischief: &'a Mischief,
    pub(crate) base_url: &'a str,
}

impl Desk<'_> {
    /// Whether a switch of the mischief strikes now.
    pub(crate) fn strikes(&self, switch: Switch) -> rusqlite::Result<bool> {
        self.mischief.strikes(switch, self.rows)
    }
}

/// This machine's clock, in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
