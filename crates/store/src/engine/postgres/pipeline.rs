//! Sending several statements at once and taking their answers in order: one round trip.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use futures_util::future::{MaybeDone, maybe_done};

/// Starts the futures in their order, then waits for each. A future of the driver sends its message when it is first polled, so the
/// server gets the statements in the order of the list. One that fails then was not sent, and nothing behind it is started: a
/// COMMIT must not follow a statement that the server never saw.
pub(super) async fn in_order<F, T, E>(futures: Vec<F>) -> Vec<Result<T, E>>
where
    F: Future<Output = Result<T, E>>,
{
    let mut waiting = futures.into_iter();
    let mut started: Vec<Pin<Box<MaybeDone<F>>>> = Vec::with_capacity(waiting.len());
    poll_fn(|context| {
        for future in &mut waiting {
            let mut future = Box::pin(maybe_done(future));
            // Its answer is asked for below.
            let _ = future.as_mut().poll(context);
            let failed = future.as_mut().output_mut().is_some_and(|output| output.is_err());
            started.push(future);
            if failed {
                break;
            }
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[tokio::test]
    async fn nothing_is_sent_behind_a_message_that_cannot_be() {
        let sent = RefCell::new(Vec::new());
        let message = async |name: &'static str, fails_at_once: bool| {
            if fails_at_once {
                return Err(name);
            }
            sent.borrow_mut().push(name);
            tokio::task::yield_now().await;
            Ok(name)
        };
        let all = in_order(vec![message("a", false), message("b", false)]).await;
        assert_eq!((all, sent.take()), (vec![Ok("a"), Ok("b")], vec!["a", "b"]));
        let stopped = in_order(vec![message("a", false), message("b", true), message("COMMIT", false)]).await;
        assert_eq!((stopped, sent.take()), (vec![Ok("a"), Err("b")], vec!["a"]));
    }
}
