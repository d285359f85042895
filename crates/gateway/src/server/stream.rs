//! A client's socket: it does not wait for ever for the client to read, and it is closed so that the client can read to
//! the end.

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::limits::{LINGER_BYTES_MAX, LINGER_WITHIN};

/// The socket of one connection.
pub(super) struct Stream {
    tcp: TcpStream,
    read_within: Duration,
    /// Set from the first write that the kernel did not take until everything is written: a client that reads one byte
    /// from time to time does not move it.
    patience: Option<Pin<Box<Sleep>>>,
}

impl Stream {
    pub(super) fn new(tcp: TcpStream, read_within: Duration) -> Self {
        Self { tcp, read_within, patience: None }
    }

    /// The kernel took nothing: how long may that go on?
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let within = self.read_within;
        let patience = self.patience.get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
        if patience.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        metrics::counter!("holdline_http_answers_unread_total").increment(1);
        // What the client does not read would stay in the kernel for minutes after the close.
        if let Err(error) = self.tcp.set_zero_linger() {
            tracing::debug!(%error, "the kernel keeps an answer that nobody reads");
        }
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read its answer")))
    }

    /// Closes the connection of a client that may still be sending. To close a socket with unread bytes resets it, and
    /// the reset may overtake the answer; so the rest is read and thrown away, within limits.
    pub(super) async fn linger(mut self, last_words: &[u8]) {
        let farewell = async {
            self.tcp.write_all(last_words).await?;
            self.tcp.shutdown().await?;
            // Not an array: it would lie in the task of every connection, for all of its life.
            let mut void = vec![0; 8 * 1_024];
            let mut read = 0;
            while read < LINGER_BYTES_MAX {
                match self.tcp.read(&mut void).await? {
                    0 => break,
                    count => read += count,
                }
            }
            io::Result::Ok(())
        };
        // Whether the client heard us is not our concern any more.
        let _ = tokio::time::timeout(LINGER_WITHIN, farewell).await;
    }

    /// Ends our side in order.
    pub(super) async fn close(mut self) {
        // A client that has gone already is as closed as we want it.
        let _ = self.tcp.shutdown().await;
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.tcp).poll_write(context, bytes) {
            Poll::Pending => self.poll_patience(context),
            ready @ Poll::Ready(_) => ready,
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.tcp).poll_write_vectored(context, slices) {
            Poll::Pending => self.poll_patience(context),
            ready @ Poll::Ready(_) => ready,
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    /// hyper flushes when its own buffer is empty: the whole answer has been taken.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.patience = None;
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}
