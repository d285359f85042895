//! A sandbox from its directory: opened, given its secrets, served until it is told to stop.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};
use holdline_outbound::{Bounds, Networks, SignedClient, SigningKey};
use parking_lot::RwLock;
use rusqlite::{Connection, OptionalExtension as _};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};

use crate::courier::UnderWay;
use crate::desk::{Center, now_ms};
use crate::mischief::Mischief;
use crate::store::{Store, StoreFailed};
use crate::{control, courier, page, protocol, secret};

/// Names of settings that outlive the process.
const SECRET: &str = "secret";
const CONTROL_TOKEN: &str = "control_token";
pub(crate) const MISCHIEF: &str = "mischief";

/// What is asked fits in here many times over.
const BODY_BYTES_MAX: usize = 64 * 1_024;
/// A receiver stores a callback and answers; its answer says nothing.
const CALLBACK_BOUNDS: Bounds = Bounds { within: Duration::from_secs(10), answer_bytes_max: 64 * 1_024 };

/// How a sandbox is opened. What is `None` is as at the last start, or made at the first one. Has secrets in it, hence no
/// `Debug`.
#[derive(Clone)]
pub struct Options {
    /// Where people reach the pay page: scheme, host and port, without a slash at its end.
    pub base_url: String,
    /// The key that both sides sign with, as `whsec_…`.
    pub secret: Option<String>,
    /// What `/control` asks for.
    pub control_token: Option<String>,
    /// Where callbacks may go.
    pub networks: Networks,
    /// The switches of the mischief.
    pub mischief: Option<Mischief>,
}

/// A payment center to try things with.
pub struct Sandbox {
    center: Arc<Center>,
    secret: String,
}

impl Sandbox {
    /// Opens the sandbox of a directory, which is made if need be.
    pub async fn open(directory: &Path, options: Options) -> Result<Self, StoreFailed> {
        let store = Store::open(directory)?;
        let Options { base_url, secret, control_token, networks, mischief } = options;
        let given = mischief.map(|mischief| serde_json::to_string(&mischief).expect("switches are plain JSON"));
        let (secret, control_token, mischief) = store
            .run(move |rows| {
                let nothing = || "{}".to_owned();
                Ok((
                    setting(rows, SECRET, secret, secret::signing_key)?,
                    setting(rows, CONTROL_TOKEN, control_token, secret::token)?,
                    setting(rows, MISCHIEF, given, nothing)?,
                ))
            })
            .await?;
        let mischief = Mischief::try_new(&mischief, now_ms())
            .map_err(|why| StoreFailed::Disk(format!("the stored mischief {why}")))?;
        let center = Center {
            store,
            base_url,
            key: SigningKey::try_new(&secret).map_err(StoreFailed::Disk)?,
            control_token,
            client: SignedClient::try_new(networks, CALLBACK_BOUNDS).map_err(StoreFailed::Disk)?,
            mischief: RwLock::new(Arc::new(mischief)),
            under_way: UnderWay::default(),
            wake: Notify::new(),
        };
        Ok(Self { center: Arc::new(center), secret })
    }

    /// The key that both sides sign with, as it is written.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// What `/control` asks for.
    pub fn control_token(&self) -> &str {
        &self.center.control_token
    }

    /// Answers until `stop`, and what was accepted by then. Callbacks that are not acknowledged by then wait for the next
    /// start.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()> + Send + 'static) {
        let (end, ended) = oneshot::channel::<()>();
        let router = router(&self.center);
        let serve = async {
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stop).await {
                tracing::error!(%error, "the sandbox cannot listen any more");
            }
            drop(end);
        };
        tokio::join!(serve, courier::run(Arc::clone(&self.center), ended));
    }
}

fn router(center: &Arc<Center>) -> Router {
    let control = Router::new()
        .route("/control/pay", post(control::pay))
        .route("/control/decline", post(control::decline))
        .route("/control/payments", get(control::payments))
        .route("/control/summary", get(control::summary))
        .route("/control/mischief", put(control::put_mischief))
        .layer(from_fn_with_state(Arc::clone(center), control::guard));
    Router::new()
        .route("/", post(protocol::call))
        .route("/pay/{payment}", get(page::show))
        .route("/pay/{payment}/pay", post(page::pay))
        .route("/pay/{payment}/decline", post(page::decline))
        .merge(control)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(Arc::clone(center))
}

/// A setting as it is given, or as it was kept, or made now; kept from now on.
fn setting(
    rows: &Connection,
    name: &str,
    given: Option<String>,
    make: impl FnOnce() -> String,
) -> rusqlite::Result<String> {
    let kept = || rows.query_row("SELECT value FROM setting WHERE name = ?1", [name], |row| row.get(0)).optional();
    let value = match given {
        Some(given) => given,
        None => kept()?.unwrap_or_else(make),
    };
    keep(rows, name, &value)?;
    Ok(value)
}

/// Keeps a setting for the next start.
pub(crate) fn keep(rows: &Connection, name: &str, value: &str) -> rusqlite::Result<()> {
    rows.execute(
        "INSERT INTO setting (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [name, value],
    )?;
    Ok(())
}
