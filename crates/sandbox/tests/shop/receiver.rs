//! The other ends of a sandbox and of an adapter: somebody who hears callbacks, and a server that answers what it was told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use holdline_domain::port::{CallbackRefused, PaymentProvider as _, RawCallback, VerifiedCallback};
use holdline_outbound::Providers;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{SECRET, account, now_ms};

/// A callback as it came, and what the adapter made of it.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) raw: RawCallback,
    pub(crate) read: Result<VerifiedCallback, CallbackRefused>,
    pub(crate) at: Instant,
}

/// Hears callbacks as Holdline does.
#[derive(Clone)]
pub(super) struct Receiver {
    pub(super) providers: Arc<Providers>,
    pub(super) told: Arc<Mutex<Vec<Told>>>,
    pub(super) deaf: Arc<AtomicBool>,
}

/// Receives callbacks as Holdline does: verified by the adapter, and answered as it says.
pub(super) async fn receive(listener: TcpListener, receiver: Receiver) {
    let account = account("", SECRET, None);
    let handler = async move |headers: HeaderMap, body: Bytes| {
        let text = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        let raw = RawCallback { headers: headers.iter().filter_map(text).collect(), body: body.to_vec() };
        let read = receiver.providers.verify(&account, &raw, now_ms() / 1_000);
        let answer = receiver.providers.answer(&account, read.as_ref().err());
        receiver.told.lock().push(Told { raw, read, at: Instant::now() });
        let status = if receiver.deaf.load(Ordering::SeqCst) { 500 } else { answer.status };
        (StatusCode::from_u16(status).expect("a status"), answer.body)
    };
    let served = axum::serve(listener, Router::new().route("/notify", post(handler))).await;
    served.expect("it listens until the test ends");
}

/// Where a server listens that answers every request with these bytes, and closes.
pub(crate) async fn parrot(answer: String) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = [0; 4_096];
                // A client that has gone is no matter of the test's.
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    Ok(address)
}
