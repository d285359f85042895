//! A request's body that does not wait for ever for its client, and remembers whether it was read to its end.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::Sleep;

/// Whether the client of one connection may still be sending a body that nobody reads.
#[derive(Clone, Default)]
pub(super) struct Unread(Arc<AtomicBool>);

impl Unread {
    pub(super) fn is_left(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// A body whose end is noted here. A connection has one request at a time.
    pub(super) fn watch(&self, body: Incoming, within: Duration) -> Watched {
        self.0.store(!body.is_end_stream(), Ordering::Relaxed);
        Watched { body, within, deadline: None, unread: self.clone() }
    }
}

/// Why a body ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The client did not send it in time.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// The connection ended, or its framing is wrong.
    #[error("the body ended early")]
    Broken(#[source] hyper::Error),
}

pub(super) struct Watched {
    body: Incoming,
    within: Duration,
    /// Set from the first moment that somebody waits for the body: most are there already and need no timer.
    deadline: Option<Pin<Box<Sleep>>>,
    unread: Unread,
}

impl Watched {
    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let within = self.within;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
        deadline.as_mut().poll(context).map(|()| Some(Err(BodyError::TooSlow)))
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            return self.poll_deadline(context);
        };
        if frame.is_none() || self.body.is_end_stream() {
            self.unread.0.store(false, Ordering::Relaxed);
        }
        Poll::Ready(frame.map(|frame| frame.map_err(BodyError::Broken)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
