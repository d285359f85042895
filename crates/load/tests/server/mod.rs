//! A real listener in this process that does with each connection what a test says.

use std::future::Future;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// A listener with a runtime of its own; gone on drop.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Server {
    /// Calls `handle` with each connection and its number, from 0.
    pub(crate) fn start<F, H>(handle: H) -> Self
    where
        H: Fn(usize, TcpStream) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        // Bound without the runtime, because a test may run in one of its own.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("bound");
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).expect("a socket");
            for number in 0.. {
                let (stream, _) = listener.accept().await.expect("a connection");
                tokio::spawn(handle(number, stream));
            }
        });
        Self { address, runtime: Some(runtime) }
    }

    /// Answers every request with `answer(request)`.
    pub(crate) fn answering<H>(answer: H) -> Self
    where
        H: Fn(&[u8]) -> Vec<u8> + Clone + Send + Sync + 'static,
    {
        Self::start(move |_, mut stream| {
            let answer = answer.clone();
            async move {
                while let Some(request) = read_request(&mut stream).await {
                    if stream.write_all(&answer(&request)).await.is_err() {
                        return;
                    }
                }
            }
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.runtime.take().expect("taken only here").shutdown_background();
    }
}

/// One whole request; `None` when the client has gone without sending one.
pub(crate) async fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        if let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|position| position + 4) {
            let text = std::str::from_utf8(&bytes[..head]).expect("a head in ASCII");
            let length: usize = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().expect("a length"));
            if bytes.len() >= head + length {
                return Some(bytes);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// A response with a length.
pub(crate) fn response(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Said\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
