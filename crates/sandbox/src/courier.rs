//! The courier: sends callbacks until they are acknowledged, and ends what ends by its time.
//!
//! What is to be sent is in the store, so it goes on after a restart; a callback whose acknowledgement was lost comes
//! again as the same event. Nobody waits for the courier, except a `create` by mischief.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use holdline_outbound::{Post, SigningKey};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::callback::Letter;
use crate::desk::{Center, Desk, now_ms};
use crate::record::{COLUMNS, Payment};
use crate::secret;
use crate::store::StoreFailed;

/// How many callbacks are sent at once: a receiver that hangs holds up a few of them, not all.
const PARALLEL_MAX: usize = 64;
/// How many payments and refunds are ended by one look.
const ENDED_MAX: usize = 256;
/// The longest pause between two looks: a clock that was set forward is noticed by then.
const LOOK_WITHIN_MS: i64 = 1_000;

/// The callbacks that are being sent, by their numbers: no two of one at once. Read and taken only at the desk, where one
/// piece of work is done at a time; given back by whoever took it. As many as are sent at once.
#[derive(Debug, Default)]
pub(crate) struct UnderWay(Mutex<HashSet<i64>>);

impl UnderWay {
    /// Takes a callback, unless somebody has it.
    pub(crate) fn take(&self, id: i64) -> bool {
        self.0.lock().insert(id)
    }

    fn give_back(&self, id: i64) {
        self.0.lock().remove(&id);
    }
}

/// What a look has found.
struct Found {
    letters: Vec<Letter>,
    /// When there is something to do next, as far as it is known now.
    next_ms: i64,
}

/// Runs until `end` is sent or dropped. What is under way then is cut off, and sent again at the next start.
pub(crate) async fn run(center: Arc<Center>, mut end: oneshot::Receiver<()>) {
    let mut sending = JoinSet::new();
    loop {
        let free = PARALLEL_MAX - sending.len();
        let found = look(&center, free).await;
        let Ok(Found { letters, next_ms }) = found else {
            tracing::error!("no callbacks are sent any more: the store has ended");
            return;
        };
        for letter in letters {
            let center = Arc::clone(&center);
            sending.spawn(async move { send(&center, letter).await });
        }
        let pause_ms = next_ms.saturating_sub(now_ms()).clamp(0, LOOK_WITHIN_MS);
        let full = sending.len() >= PARALLEL_MAX;
        tokio::select! {
            _ = &mut end => return sending.shutdown().await,
            Some(_) = sending.join_next() => {}
            () = center.wake.notified(), if !full => {}
            () = tokio::time::sleep(Duration::from_millis(pause_ms.unsigned_abs())), if !full => {}
        }
    }
}

/// Sends callbacks that the caller has taken, before anybody else does.
pub(crate) async fn send_now(center: &Arc<Center>, ids: Vec<i64>) {
    for id in ids {
        match center.at_desk(move |desk| desk.due_letter(id)).await {
            Ok(Some(letter)) => send(center, letter).await,
            Ok(None) | Err(_) => center.under_way.give_back(id),
        }
    }
    // What was not acknowledged is the courier's now.
    center.wake.notify_one();
}

async fn look(center: &Arc<Center>, free: usize) -> Result<Found, StoreFailed> {
    let down_until_ms = center.mischief.read().down_until_ms;
    if down_until_ms > now_ms() {
        return Ok(Found { letters: Vec::new(), next_ms: down_until_ms });
    }
    let shared = Arc::clone(center);
    center
        .at_desk(move |desk| {
            let ended = desk.expire_payments(ENDED_MAX)?.max(desk.end_slow_refunds(ENDED_MAX)?);
            // Those that are under way are still due: with as many again there is always one that is not.
            let mut letters = desk.due_letters(free + PARALLEL_MAX)?;
            letters.retain(|letter| shared.under_way.take(letter.id));
            for letter in letters.drain(free.min(letters.len())..) {
                shared.under_way.give_back(letter.id);
            }
            let next_ms = if ended == ENDED_MAX { desk.now_ms } else { desk.next_instant()? };
            Ok(Found { letters, next_ms })
        })
        .await
}

async fn send(center: &Arc<Center>, letter: Letter) {
    let forger = letter.forged.then(|| SigningKey::try_new(&secret::signing_key()).expect("it is made as keys are"));
    let keys = [forger.unwrap_or_else(|| center.key.clone())];
    let body = letter.body.clone().into_bytes();
    let post = Post { url: &letter.url, keys: &keys, id: &letter.event_id, body };
    let acknowledged = match center.client.post(post).await {
        Ok(answer) => {
            tracing::debug!(event_id = letter.event_id, status = answer.status, "a callback was answered");
            (200..300).contains(&answer.status)
        }
        Err(why) => {
            tracing::debug!(event_id = letter.event_id, %why, "a callback was not answered");
            false
        }
    };
    let id = letter.id;
    // The store says itself when it ends.
    let _ = center.at_desk(move |desk| desk.tried(&letter, acknowledged)).await;
    center.under_way.give_back(id);
}

impl Desk<'_> {
    /// Fails payments whose time has passed; how many.
    fn expire_payments(&self, count_max: usize) -> rusqlite::Result<usize> {
        let due: Vec<Payment> = self
            .rows
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM payment WHERE state = 'pending' AND expires_ms <= ?1 LIMIT ?2"
            ))?
            .query_map([self.now_ms, i64::try_from(count_max).unwrap_or(i64::MAX)], Payment::from_row)?
            .collect::<Result<_, _>>()?;
        let count = due.len();
        for payment in due {
            self.judged(payment)?;
        }
        Ok(count)
    }

    /// The next instant at which something is to be done.
    fn next_instant(&self) -> rusqlite::Result<i64> {
        self.rows
            .prepare_cached(
                "SELECT min(coalesce((SELECT min(due_ms) FROM callback WHERE due_ms > ?1), ?2), \
                            coalesce((SELECT min(expires_ms) FROM payment WHERE state = 'pending'), ?2), \
                            coalesce((SELECT min(due_ms) FROM refund WHERE state = 'pending'), ?2))",
            )?
            .query_row([self.now_ms, i64::MAX], |row| row.get(0))
    }
}
