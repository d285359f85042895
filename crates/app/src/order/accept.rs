//! Accepting: a submit is answered with its order numbers before it is decided, and is decided all the same.
//!
//! The promise – request, numbers, and the instant by which it is decided – is durable before the client is told. Then the
//! submit is placed as any other, in the task that accepted it. Where that task dies with its process, is stopped by a
//! fault, or takes long, any process takes the promise up again: the submit's key makes it one submit, however many try.
//! Past its instant a promise is ended by whoever comes by: a taker-up, the reaper, or the reader of its status.

use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use holdline_domain::fault::Fault;
use holdline_domain::id::SellerId;
use holdline_domain::order::change::{Change, ChangeAnswer};
use holdline_domain::order::{Acceptance, AcceptedSubmit, OrderNo, Submit};
use holdline_domain::refusal::Refusal;
use holdline_domain::time::UnixMillis;
use tokio::sync::oneshot;

use super::place::Placing;
use super::{Late, Placed};
use crate::App;
use crate::error::Error;

/// How long whoever accepted a submit is left alone with it. A placing takes a few milliseconds.
const TAKE_UP_AFTER_MS: i64 = 2_000;
/// Promises taken up per page, and at once: few enough to leave the committers to those that submit now.
const PAGE: usize = 100;
const AT_ONCE: usize = 16;

/// The answer to a submit that need not be decided yet.
#[derive(Debug, Clone)]
pub enum Submitted {
    /// It was decided before: its orders.
    Placed(Placed),
    /// It will be decided.
    Accepted(Acceptance),
}

impl App {
    /// Promises that a submit will be decided, and goes on to decide it. A submit that is refused at once is not promised
    /// anything: nothing is stored, as if it had not come.
    pub async fn accept(&self, submit: Submit) -> Result<Submitted, Error> {
        submit.check()?;
        let place = self.inner.admission.enter(submit.tenant)?;
        let (answer, answered) = oneshot::channel();
        let app = self.clone();
        self.inner.tasks.run_request(async move {
            let mut placing = Placing::new(app, submit);
            let promised = placing.promise().await;
            let to_decide = match &promised {
                Ok(Promise { submitted: Submitted::Accepted(acceptance), is_new: true }) => Some(acceptance.clone()),
                Ok(_) | Err(_) => None,
            };
            // A client that hung up finds the promise under its key.
            let _ = answer.send(promised.map(|promise| promise.submitted));
            if to_decide.is_some() {
                metrics::counter!("holdline_submits_accepted_total").increment(1);
                placing.promised = to_decide;
                placing.decide().await;
            }
            drop(place);
        });
        let patience = Duration::from_millis(self.inner.settings.answer_within_ms);
        match tokio::time::timeout(patience, answered).await {
            Ok(Ok(submitted)) => submitted,
            Ok(Err(_)) | Err(_) => Err(Error::OutcomeUnknown),
        }
    }
}

/// A promise that stands.
struct Promise {
    submitted: Submitted,
    /// Made just now: whoever made it decides it.
    is_new: bool,
}

impl Promise {
    fn known(submitted: Submitted) -> Self {
        Self { submitted, is_new: false }
    }
}

impl Placing {
    async fn promise(&self) -> Result<Promise, Error> {
        let (tenant, key) = (self.submit.tenant, self.submit.key.clone());
        if self.app.tenant(tenant).is_none() {
            return Err(Refusal::not_found("tenant").into());
        }
        let known = self.app.inner.lookups.send((tenant, key)).await?;
        if let Some(group) = known.group {
            return Ok(Promise::known(Submitted::Placed(self.app.replay(group, Some(self.content)).await?)));
        }
        if let Some(acceptance) = known.acceptance {
            return self.repeated(acceptance);
        }
        // A twin that is not promised anything holds stock already: its numbers are the ones that it may still write.
        let order_nos = match known.hold {
            Some(hold) if hold.content != self.content => return Err(Refusal::KeyReused.into()),
            Some(hold) => hold.order_nos,
            None => match self.numbers().await? {
                Ok(order_nos) => order_nos,
                Err(placed) => return Ok(Promise::known(Submitted::Placed(placed))),
            },
        };
        let within_ms = i64::try_from(self.app.inner.settings.decide_within_ms).unwrap_or(i64::MAX);
        let draft = Acceptance {
            buyer: self.submit.buyer.clone(),
            content: self.content,
            order_nos,
            accepted: UnixMillis::default(),
            decide_by: UnixMillis(within_ms),
        };
        let accepted = AcceptedSubmit { submit: self.submit.clone(), acceptance: draft.clone() };
        match self.app.inner.orders.send(Change::accept(accepted)).await? {
            ChangeAnswer::Applied { now } => {
                self.app.saw_now(now);
                let acceptance = Acceptance { accepted: now, decide_by: now.plus_ms(within_ms), ..draft };
                Ok(Promise { submitted: Submitted::Accepted(acceptance), is_new: true })
            }
            ChangeAnswer::AlreadyAccepted(acceptance) => self.repeated(*acceptance),
            ChangeAnswer::GroupExists(group) => {
                Ok(Promise::known(Submitted::Placed(self.app.replay(*group, Some(self.content)).await?)))
            }
            other @ (ChangeAnswer::NumbersPromised(_)
            | ChangeAnswer::NumberTaken(_)
            | ChangeAnswer::Stale { .. }
            | ChangeAnswer::StaleRow { .. }
            | ChangeAnswer::TooEarly { .. }
            | ChangeAnswer::TooLate { .. }) => unreachable!("a promise is never answered {other:?}"),
        }
    }

    fn repeated(&self, acceptance: Acceptance) -> Result<Promise, Error> {
        if acceptance.content == self.content {
            Ok(Promise::known(Submitted::Accepted(acceptance)))
        } else {
            Err(Refusal::KeyReused.into())
        }
    }

    /// Numbers for the orders of a submit that the catalog and the sold-out marks agree with; its orders, where it turns
    /// out to be placed already.
    async fn numbers(&self) -> Result<Result<Vec<(SellerId, OrderNo)>, Placed>, Error> {
        let refusal = match self.judge().await? {
            Ok((quote, skus)) => {
                let Some(refusal) = self.refused_by_marks(&skus) else {
                    let sellers: Vec<SellerId> = quote.parts.iter().map(|part| part.seller.clone()).collect();
                    return Ok(Ok(self.draw_numbers(&sellers).await?));
                };
                refusal
            }
            Err(refusal) => refusal,
        };
        self.refuse_unknown(refusal, None).await.map(Err)
    }

    /// Brings a promised submit to its end, or leaves it to whoever takes it up next.
    pub(super) async fn decide(&self) {
        let ended = match &self.promised {
            Some(promised) if self.app.seems_past(promised.decide_by) => self.end_late(promised).await,
            Some(_) | None => self.run().await.map(drop),
        };
        self.app.inner.watchers.wake(&self.submit.key);
        match ended {
            Ok(()) | Err(Error::Refused(_)) => {}
            Err(error @ (Error::Busy { .. } | Error::OutcomeUnknown | Error::Fault(_))) => {
                tracing::warn!(%error, "an accepted submit could not be decided and is taken up again");
            }
        }
    }

    async fn end_late(&self, promised: &Acceptance) -> Result<(), Error> {
        let group = promised.not_in_time(self.submit.tenant, self.submit.key.clone());
        match self.app.end_past(group, promised.decide_by).await? {
            Late::Ended(_) => Ok(()),
            // This process's clock is ahead of the shard's.
            Late::NotYet => self.run().await.map(drop),
        }
    }
}

/// Takes up promises that are not kept yet, until the loops stop.
pub(crate) async fn take_up_accepted(app: App) {
    let waiting = metrics::gauge!("holdline_submits_undecided");
    loop {
        let more = match take_up_page(&app).await {
            Ok(count) => {
                waiting.set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
                count == PAGE
            }
            Err(fault) => {
                tracing::warn!(%fault, "accepted submits could not be read and are taken up later");
                false
            }
        };
        let pause_ms = if more { app.inner.settings.tick_ms } else { app.inner.settings.tick_ms.saturating_mul(5) };
        if !app.inner.tasks.pause(pause_ms).await {
            return;
        }
    }
}

/// Takes up the oldest promises that were left alone. Returns how many promises were seen.
async fn take_up_page(app: &App) -> Result<usize, Fault> {
    let oldest = app.inner.ports.orders.accepted_submits(PAGE).await?;
    let count = oldest.len();
    let wall = app.inner.ports.clock.wall();
    let is_left = |accepted: &AcceptedSubmit| wall.since_ms(accepted.acceptance.accepted) >= TAKE_UP_AFTER_MS;
    let left = oldest.into_iter().filter(is_left);
    stream::iter(left).for_each_concurrent(AT_ONCE, async |accepted| take_up(app, accepted).await).await;
    Ok(count)
}

/// Goes on with a promised submit as any process may.
pub(crate) async fn take_up(app: &App, accepted: AcceptedSubmit) {
    let mut placing = Placing::new(app.clone(), accepted.submit);
    placing.promised = Some(accepted.acceptance);
    placing.decide().await;
}
