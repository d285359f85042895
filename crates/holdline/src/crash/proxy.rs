//! A network that fails, between Holdline and its PostgreSQL: a proxy on 127.0.0.1 that cuts, holds back, or lets bytes pass in
//! one direction only.
//!
//! One thread with a runtime of its own; it ends when the proxy is dropped, with every connection. The state is set by the
//! harness and watched by each connection's two directions.

use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::thread::JoinHandle;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Bytes that one direction takes at a time.
const PIECE_BYTES: usize = 16 * 1024;

/// How the network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    /// Bytes pass.
    Sound,
    /// Every connection is cut, new ones are closed at once.
    Cut,
    /// Connections stay and nothing passes.
    Silent,
    /// What Holdline says arrives; what PostgreSQL answers does not.
    OneWay,
    /// The proxy ends.
    Gone,
}

/// The proxy.
#[derive(Debug)]
pub(super) struct Proxy {
    /// Where it listens.
    pub(super) port: u16,
    network: watch::Sender<Network>,
    /// `None` only while dropping.
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts one in front of a port of 127.0.0.1.
    pub(super) fn start(behind: u16) -> anyhow::Result<Self> {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port for the proxy")?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let (network, state) = watch::channel(Network::Sound);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let behind = SocketAddr::from((Ipv4Addr::LOCALHOST, behind));
        let thread = std::thread::Builder::new().name("proxy".to_owned()).spawn(move || {
            let served = runtime.block_on(serve(listener, behind, state));
            if let Err(error) = served {
                tracing::error!(%error, "the proxy ended");
            }
        })?;
        Ok(Self { port, network, thread: Some(thread) })
    }

    /// Changes the network.
    pub(super) fn set(&self, network: Network) {
        self.network.send_replace(network);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.set(Network::Gone);
        if let Some(thread) = self.thread.take() {
            // It cannot panic in a way that matters now.
            let _ = thread.join();
        }
    }
}

async fn serve(listener: StdListener, behind: SocketAddr, mut state: watch::Receiver<Network>) -> std::io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (client, _) = tokio::select! {
            accepted = listener.accept() => accepted?,
            _ = state.wait_for(|network| *network == Network::Gone) => return Ok(()),
        };
        if *state.borrow() == Network::Cut {
            continue;
        }
        // Ends with either side, with a cut, or with the runtime.
        tokio::spawn(connect(client, behind, state.clone()));
    }
}

async fn connect(client: TcpStream, behind: SocketAddr, mut state: watch::Receiver<Network>) {
    // A database that is away refuses, and so does a proxy in front of it.
    let Ok(server) = TcpStream::connect(behind).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let there = pass(from_client, to_server, state.clone(), |network| network != Network::Silent);
    let back = pass(from_server, to_client, state.clone(), |network| network == Network::Sound);
    tokio::select! {
        () = there => {}
        () = back => {}
        _ = state.wait_for(|network| *network == Network::Cut) => {}
    }
}

/// Hands bytes on while the network lets this direction pass.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<Network>,
    passes: impl Fn(Network) -> bool,
) {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let Ok(length @ 1..) = from.read(&mut piece).await else { return };
        if state.wait_for(|network| passes(*network)).await.is_err() || to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read as _, Write as _};
    use std::net::TcpStream;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_network_is_silent_one_way_sound_and_cut() {
        let behind = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = Proxy::start(behind.local_addr().unwrap().port()).unwrap();
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port)).unwrap();
        let (mut server, _) = behind.accept().unwrap();
        let mut byte = [0];
        proxy.set(Network::OneWay);
        client.write_all(b"a").unwrap();
        server.read_exact(&mut byte).unwrap();
        server.write_all(b"b").unwrap();
        client.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        assert_eq!(client.read_exact(&mut byte).unwrap_err().kind(), ErrorKind::WouldBlock);
        proxy.set(Network::Sound);
        client.set_read_timeout(None).unwrap();
        client.read_exact(&mut byte).unwrap();
        assert_eq!(byte, *b"b");
        proxy.set(Network::Cut);
        assert!(matches!(client.read(&mut byte), Ok(0) | Err(_)));
    }
}
