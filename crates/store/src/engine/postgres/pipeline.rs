//! Sending several statements at once and taking their answers in order: one round trip.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use futures_util::future::{MaybeDone, maybe_done};

/// Starts all futures in their order, then waits for each. A future of the driver sends its message when it is first
/// polled, so the server gets the statements in the order of the list.
pub(super) async fn in_order<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut started: Vec<Pin<Box<MaybeDone<F>>>> =
        futures.into_iter().map(|future| Box::pin(maybe_done(future))).collect();
    poll_fn(|context| {
        for future in &mut started {
            // Its answer is asked for below.
            let _ = future.as_mut().poll(context);
        }
        Poll::Ready(())
    })
    .await;
    let mut outputs = Vec::with_capacity(started.len());
    for mut future in started {
        future.as_mut().await;
        outputs.push(future.as_mut().take_output().expect("it was waited for just now"));
    }
    outputs
}
