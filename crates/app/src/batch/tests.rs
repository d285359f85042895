//! The committer against a target whose faults are scripted.

use std::collections::VecDeque;
use std::sync::Arc;

use holdline_domain::fault::{Fault, FaultKind};
use holdline_domain::id::TenantId;
use parking_lot::Mutex;

use super::{Batcher, Limits, Share, Target};
use crate::error::Error;

/// What the next call of the target does.
enum Act {
    /// Writes, and answers.
    Answer,
    /// Writes, but the answer is lost.
    LoseAnswer,
    /// Writes nothing.
    Fail(FaultKind),
    /// Waits until the test lets it go, then answers.
    WaitFor(Arc<tokio::sync::Notify>),
}

/// Request: tenant and number. Answer: the number times ten. A number below 0 is poison.
#[derive(Clone, Default)]
struct Scripted {
    acts: Arc<Mutex<VecDeque<Act>>>,
    batches: Arc<Mutex<Vec<Vec<i64>>>>,
}

impl Target for Scripted {
    const NAME: &'static str = "scripted";
    type Request = (i64, i64);
    type Answer = i64;

    fn tenant(request: &(i64, i64)) -> TenantId {
        TenantId(request.0)
    }

    fn bytes(_: &(i64, i64)) -> usize {
        10
    }

    async fn apply(&self, batch: Arc<[(i64, i64)]>) -> Result<Vec<i64>, Fault> {
        let numbers: Vec<i64> = batch.iter().map(|(_, number)| *number).collect();
        let act = self.acts.lock().pop_front().unwrap_or(Act::Answer);
        self.batches.lock().push(numbers.clone());
        match act {
            Act::WaitFor(go) => go.notified().await,
            Act::LoseAnswer => return Err(Fault::unknown("scripted", FaultKind::Unavailable, "lost")),
            Act::Fail(kind) => return Err(Fault::not_done("scripted", kind, "failed")),
            Act::Answer => {}
        }
        if numbers.iter().any(|number| *number < 0) {
            return Err(Fault::not_done("scripted", FaultKind::Rejected, "poison"));
        }
        Ok(numbers.iter().map(|number| number * 10).collect())
    }
}

fn batcher(acts: Vec<Act>, queue: usize) -> (Scripted, Batcher<Scripted>) {
    let target = Scripted { acts: Arc::new(Mutex::new(acts.into())), ..Scripted::default() };
    let batcher = Batcher::new(
        target.clone(),
        Limits { queue, batch: 4, background: Share { least: 1, most: 3 }, batch_bytes: 1_000 },
    );
    tokio::spawn(batcher.clone().run());
    (target, batcher)
}

/// The tenant whose requests nobody waits for.
const BACKGROUND: i64 = 9;

/// Queues `requests` in order while the first batch is held back, then lets it go and returns all answers.
async fn send_behind_a_slow_batch(
    batcher: &Batcher<Scripted>,
    go: &tokio::sync::Notify,
    requests: &[(i64, i64)],
) -> Vec<Result<i64, Fault>> {
    let mut sends = Vec::new();
    for request in requests {
        let (batcher, request) = (batcher.clone(), *request);
        sends.push(tokio::spawn(async move {
            if request.0 == BACKGROUND {
                batcher.send_in_background(request).await
            } else {
                batcher.send(request).await
            }
        }));
        // One turn of the single-threaded runtime: the request is in the queue.
        tokio::task::yield_now().await;
    }
    go.notify_one();
    let mut answers = Vec::new();
    for send in sends {
        answers.push(send.await.expect("a send does not panic"));
    }
    answers
}

#[tokio::test]
async fn gathers_the_next_batch_while_one_is_written_and_answers_each_caller() {
    let go = Arc::new(tokio::sync::Notify::new());
    let (target, batcher) = batcher(vec![Act::WaitFor(Arc::clone(&go))], 100);
    let answers = send_behind_a_slow_batch(&batcher, &go, &[(1, 1), (1, 2), (1, 3), (1, 4)]).await;
    assert_eq!(answers.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [10, 20, 30, 40]);
    assert_eq!(*target.batches.lock(), [vec![1], vec![2, 3, 4]]);
}

#[tokio::test]
async fn tenants_take_turns() {
    let go = Arc::new(tokio::sync::Notify::new());
    let (target, batcher) = batcher(vec![Act::WaitFor(Arc::clone(&go))], 100);
    let requests = [(1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (2, 5), (3, 6)];
    send_behind_a_slow_batch(&batcher, &go, &requests).await;
    assert_eq!(*target.batches.lock(), [vec![0], vec![5, 6, 1, 2], vec![3, 4]]);
}

#[tokio::test]
async fn the_background_has_a_share_of_each_batch_and_no_more() {
    let go = Arc::new(tokio::sync::Notify::new());
    let (target, batcher) = batcher(vec![Act::WaitFor(Arc::clone(&go))], 100);
    let background = [1, 2, 3, 4, 5].map(|number| (BACKGROUND, number));
    let requests = [&[(1, 0)][..], &background, &[(1, 6), (1, 7), (1, 8)]].concat();
    let answers = send_behind_a_slow_batch(&batcher, &go, &requests).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(*target.batches.lock(), [vec![0], vec![1, 2, 3, 6], vec![4, 5, 7, 8]]);
}

#[tokio::test]
async fn few_callers_wait_for_few_of_the_background() {
    let go = Arc::new(tokio::sync::Notify::new());
    let (target, batcher) = batcher(vec![Act::WaitFor(Arc::clone(&go))], 100);
    let background = [1, 2, 3, 4, 5].map(|number| (BACKGROUND, number));
    let requests = [&[(1, 0)][..], &background, &[(1, 6)]].concat();
    let answers = send_behind_a_slow_batch(&batcher, &go, &requests).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(*target.batches.lock(), [vec![0], vec![1, 2, 6], vec![3, 4, 5]]);
}

#[tokio::test]
async fn a_poison_request_harms_no_other() {
    let go = Arc::new(tokio::sync::Notify::new());
    let (_, batcher) = batcher(vec![Act::WaitFor(Arc::clone(&go))], 100);
    let answers = send_behind_a_slow_batch(&batcher, &go, &[(1, 1), (1, 2), (1, -3), (1, 4)]).await;
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.map_err(|fault| fault.kind)).collect();
    assert_eq!(answers, [Ok(10), Ok(20), Err(FaultKind::Rejected), Ok(40)]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_unknown_outcome_is_sent_again_until_the_answer_is_definite() {
    let acts = vec![Act::LoseAnswer, Act::Fail(FaultKind::Unavailable), Act::LoseAnswer];
    let (target, batcher) = batcher(acts, 100);
    assert_eq!(batcher.send((1, 7)).await.unwrap(), 70);
    assert_eq!(*target.batches.lock(), vec![vec![7]; 4]);
}

#[tokio::test]
async fn a_collision_is_tried_again_and_an_outage_is_told() {
    let acts = vec![Act::Fail(FaultKind::Conflict), Act::Fail(FaultKind::Conflict), Act::Answer];
    let (_, batcher) = batcher(acts, 100);
    assert_eq!(batcher.send((1, 1)).await.unwrap(), 10);
    let (target, batcher) = batcher_down();
    assert_eq!(batcher.send((1, 1)).await.unwrap_err().kind, FaultKind::Unavailable);
    assert_eq!(target.batches.lock().len(), 1);
}

fn batcher_down() -> (Scripted, Batcher<Scripted>) {
    batcher(vec![Act::Fail(FaultKind::Unavailable)], 100)
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_begins_nothing() {
    let go = Arc::new(tokio::sync::Notify::new());
    let (target, batcher) = batcher(vec![Act::WaitFor(Arc::clone(&go))], 2);
    let mut offers = Vec::new();
    for number in 1..=3 {
        let batcher = batcher.clone();
        offers.push(tokio::spawn(async move { batcher.offer((1, number)).await }));
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
    }
    // The first is being written and has left the queue; two wait in it.
    let refused = batcher.offer((1, 4)).await;
    assert!(matches!(refused, Err(Error::Busy { queue: "scripted", .. })), "{refused:?}");
    go.notify_one();
    for (offer, expected) in offers.into_iter().zip([10, 20, 30]) {
        assert_eq!(offer.await.unwrap().unwrap(), expected);
    }
    assert_eq!(target.batches.lock().concat(), [1, 2, 3]);
}

#[tokio::test]
async fn what_waits_when_the_queue_closes_is_still_answered() {
    let go = Arc::new(tokio::sync::Notify::new());
    let (_, batcher) = batcher(vec![Act::WaitFor(Arc::clone(&go))], 100);
    let waiting = tokio::spawn({
        let batcher = batcher.clone();
        async move { batcher.send((1, 1)).await }
    });
    tokio::task::yield_now().await;
    batcher.close();
    go.notify_one();
    assert_eq!(waiting.await.unwrap().unwrap(), 10);
    assert_eq!(batcher.send((1, 2)).await.unwrap_err().kind, FaultKind::Unavailable);
}
