//! Placing: a submit becomes orders, or a refusal with its reasons, and nothing in between.
//!
//! The steps, and what makes each crash harmless (ARCHITECTURE.md has the table):
//! 1. judge the submit against the catalog in memory and against the sold-out marks;
//! 2. a submit that would be refused is looked up first: only an unknown key may be refused;
//! 3. hold the whole group; the ledger looks the key up before any balance, so a known key is never held twice, and
//!    keeps the order numbers, so a second attempt goes on with the same ones;
//! 4. judge prices once more; 5. write group row and orders in one transaction.
//!
//! A submit that was promised to be decided (`accept.rs`) goes the same way under the numbers of its promise; it always
//! ends with a row, so a refusal spends its key at any step.
//!
//! Steps 3 to 5 run in a task of the server's. Nobody releases a hold unless a group row that is not placed is durable:
//! the row's key is the one that the orders would take, so whatever comes late fails.
//!
//! The lookup of step 2 is not made for a submit that goes on to the ledger: the hold's key answers there, in the same
//! batch, and the group's key at the write.

use std::time::Duration;

use holdline_domain::fault::{Fault, FaultKind};
use holdline_domain::id::{Fingerprint, SellerId, Slot};
use holdline_domain::ledger::{HoldId, HoldRecord, LedgerAnswer, LedgerRequest, shortages};
use holdline_domain::order::change::{Change, ChangeAnswer, OrderWrite};
use holdline_domain::order::{
    Acceptance, EventKind, GroupState, HoldAxis, Offer, Order, OrderGroup, OrderNo, OrderStatus, Quote, Submit,
    demands, quote,
};
use holdline_domain::refusal::{Difference, Refusal};
use holdline_domain::tenant::CommitOn;
use holdline_domain::time::UnixMillis;
use tokio::sync::oneshot;

use crate::App;
use crate::error::Error;

/// How often new numbers are drawn when one is taken. Numbers are leased, so the first conflict is already a surprise.
const NUMBER_TRIES: usize = 3;

/// The orders of one submit.
#[derive(Debug, Clone)]
pub struct Placed {
    /// One per seller, in the order of the sellers.
    pub orders: Vec<Order>,
    /// They existed before this request.
    pub replayed: bool,
    /// A lower bound of the shard clock: "now" for what the answer says of time.
    pub now: UnixMillis,
}

impl App {
    /// Places the orders of a submit.
    pub async fn place(&self, submit: Submit) -> Result<Placed, Error> {
        submit.check()?;
        let place = self.inner.admission.enter(submit.tenant)?;
        let (answer, answered) = oneshot::channel();
        let app = self.clone();
        self.inner.tasks.run_request(async move {
            let placing = Placing::new(app, submit);
            let placed = placing.run().await;
            placing.app.inner.watchers.wake(&placing.submit.key);
            drop(place);
            // A client that hung up finds its answer under its key.
            let _ = answer.send(placed);
        });
        let patience = Duration::from_millis(self.inner.settings.answer_within_ms);
        match tokio::time::timeout(patience, answered).await {
            Ok(Ok(placed)) => placed,
            Ok(Err(_)) | Err(_) => Err(Error::OutcomeUnknown),
        }
    }

    /// The orders under a submit's key, or the refusal that spent it.
    pub(crate) async fn replay(&self, group: OrderGroup, content: Option<Fingerprint>) -> Result<Placed, Error> {
        match group.state {
            GroupState::Abandoned => Err(Refusal::SubmitAbandoned.into()),
            GroupState::Placed { .. } | GroupState::Refused { .. } if content.is_some() && group.content != content => {
                Err(Refusal::KeyReused.into())
            }
            GroupState::Refused { refusal } => Err(refusal.into()),
            GroupState::Placed { order_nos } => {
                let orders = self.load_orders(group.tenant, &order_nos).await?;
                Ok(Placed { orders, replayed: true, now: self.clock_floor().max(group.created) })
            }
        }
    }
}

/// One attempt to place a submit.
pub(super) struct Placing {
    pub(super) app: App,
    pub(super) submit: Submit,
    pub(super) content: Fingerprint,
    /// What the client was told before it was decided.
    pub(super) promised: Option<Acceptance>,
    pay_within_ms: i64,
    hold_within_ms: Option<i64>,
    business_code: u16,
}

impl Placing {
    pub(super) fn new(app: App, submit: Submit) -> Self {
        let content = submit.fingerprint();
        let tenant = app.tenant(submit.tenant);
        let pay_within_ms = tenant.as_ref().map_or(0, |tenant| tenant.pay_within_ms(&submit.channel));
        // What is sold as soon as the order exists does not lapse.
        let lapses = tenant.as_ref().filter(|tenant| tenant.commit_on == CommitOn::PaymentCaptured);
        let hold_within_ms = lapses.and_then(|tenant| tenant.policies.hold_within_ms);
        let business_code = tenant.as_ref().map_or(0, |tenant| tenant.business_code);
        Self { app, submit, content, promised: None, pay_within_ms, hold_within_ms, business_code }
    }

    pub(super) async fn run(&self) -> Result<Placed, Error> {
        if self.app.tenant(self.submit.tenant).is_none() {
            return Err(Refusal::not_found("tenant").into());
        }
        match self.judge().await? {
            Ok((quote, skus)) => match self.refused_by_marks(&skus) {
                Some(refusal) => self.refuse_unknown(refusal, Some(quote)).await,
                None => self.hold_and_write(quote).await,
            },
            Err(refusal) => self.refuse_unknown(refusal, None).await,
        }
    }

    /// Judges the submit against the catalog; a refusal is judged again on a catalog that was read just now.
    pub(super) async fn judge(&self) -> Result<Result<(Quote, Vec<Option<Offer>>), Refusal>, Error> {
        let skus = self.app.offers(&self.submit);
        if let Ok(quote) = quote(&self.submit, &skus) {
            return Ok(Ok((quote, skus)));
        }
        self.app.inner.catalog.refresh().await?;
        let skus = self.app.offers(&self.submit);
        match quote(&self.submit, &skus) {
            Ok(quote) => Ok(Ok((quote, skus))),
            Err(Refusal::OrderRefused { differences }) => {
                let differences = self.with_shortages(differences, &skus).await?;
                Ok(Err(Refusal::OrderRefused { differences }))
            }
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Adds what the ledger could not give either, so that the buyer sees all reasons at once.
    async fn with_shortages(
        &self,
        mut differences: Vec<Difference>,
        skus: &[Option<Offer>],
    ) -> Result<Vec<Difference>, Error> {
        let demands = demands(&self.submit, skus);
        let mut keys: Vec<_> = demands.iter().map(|demand| demand.account.clone()).collect();
        keys.sort();
        keys.dedup();
        let accounts = self.app.inner.ports.ledger.accounts(self.submit.tenant, &keys).await?;
        differences.extend(shortages(self.submit.tenant, &demands, accounts).into_iter().map(Difference::Short));
        Ok(differences)
    }

    pub(super) fn refused_by_marks(&self, skus: &[Option<Offer>]) -> Option<Refusal> {
        let now_ms = self.app.inner.ports.clock.monotonic_ms();
        let short = self.app.inner.marks.refused(self.submit.tenant, &demands(&self.submit, skus), now_ms);
        let differences: Vec<_> = short.into_iter().map(Difference::Short).collect();
        (!differences.is_empty()).then_some(Refusal::OrderRefused { differences })
    }

    /// Refuses, unless the key is known: then the submit ends as it began.
    pub(super) async fn refuse_unknown(&self, refusal: Refusal, quoted: Option<Quote>) -> Result<Placed, Error> {
        let key = (self.submit.tenant, self.submit.key.clone());
        let known = self.app.inner.lookups.send(key).await?;
        if let Some(group) = known.group {
            return self.app.replay(group, Some(self.content)).await;
        }
        let Some(hold) = known.hold else {
            // Whoever was promised an end gets this one, whichever of his attempts found it.
            return match known.acceptance.or_else(|| self.promised.clone()) {
                Some(promised) if promised.content == self.content => self.spend(refusal, None).await,
                Some(_) | None => Err(refusal.into()),
            };
        };
        // A twin is in flight, or died after its hold.
        if hold.content != self.content {
            return Err(Refusal::KeyReused.into());
        }
        // The hold names its accounts: that its period is not open any more does not end it.
        match quoted.map_or_else(|| quote(&self.submit, &self.app.listed(&self.submit)), Ok) {
            Ok(quote) => self.write(quote, &hold).await,
            Err(refusal) => self.spend(refusal, Some(&hold)).await,
        }
    }

    async fn hold_and_write(&self, quote: Quote) -> Result<Placed, Error> {
        let tenant = self.submit.tenant;
        let sellers: Vec<SellerId> = quote.parts.iter().map(|part| part.seller.clone()).collect();
        let request = LedgerRequest::Hold {
            tenant,
            id: HoldId::first(self.submit.key.clone()),
            content: self.content,
            order_nos: self.draw_numbers(&sellers).await?,
            demands: quote.demands.clone(),
        };
        match self.app.inner.ledger.send(request).await? {
            LedgerAnswer::Held(hold) => {
                self.app.inner.marks.clear(tenant, &quote.demands);
                self.write(quote, &hold).await
            }
            LedgerAnswer::AlreadyHeld(hold) | LedgerAnswer::AlreadyResolved(hold) => {
                let known = self.app.inner.lookups.send((tenant, self.submit.key.clone())).await?;
                match known.group {
                    Some(group) => self.app.replay(group, Some(self.content)).await,
                    None => self.write(quote, &hold).await,
                }
            }
            LedgerAnswer::Insufficient(short) => {
                self.app.inner.marks.set(tenant, &short, &quote.demands, self.app.inner.ports.clock.monotonic_ms());
                let differences = short.into_iter().map(Difference::Short).collect();
                // No hold has this key, but a client's tombstone may: then the answer is "never", not "not now".
                self.refuse_unknown(Refusal::OrderRefused { differences }, Some(quote)).await
            }
            LedgerAnswer::ContentMismatch => Err(Refusal::KeyReused.into()),
            LedgerAnswer::OutOfRange => self.refuse_unknown(Refusal::OutOfRange, None).await,
            other => unreachable!("a hold is never answered {other:?}"),
        }
    }

    /// A number for each seller: the promised one, or a new one.
    pub(super) async fn draw_numbers(&self, sellers: &[SellerId]) -> Result<Vec<(SellerId, OrderNo)>, Fault> {
        let slot = Slot::of(self.submit.tenant, &self.submit.buyer);
        let mut order_nos = Vec::with_capacity(sellers.len());
        for seller in sellers {
            let order_no = match self.promised.as_ref().and_then(|promised| promised.number_of(seller)) {
                Some(promised) => promised.clone(),
                None => self.app.inner.numbers.draw(self.business_code, slot).await?,
            };
            order_nos.push((seller.clone(), order_no));
        }
        Ok(order_nos)
    }

    /// The hold is taken: prices once more, then group and orders in one transaction.
    async fn write(&self, quoted: Quote, hold: &HoldRecord) -> Result<Placed, Error> {
        if hold.any_released() {
            return Err(unfenced(hold).into());
        }
        let skus = self.app.listed(&self.submit);
        let unchanged = skus.len() == quoted.versions.len()
            && skus
                .iter()
                .zip(&quoted.versions)
                .all(|(sku, version)| sku.as_ref().is_some_and(|s| s.version == *version));
        if !unchanged && let Err(refusal) = quote(&self.submit, &skus) {
            return self.spend(refusal, Some(hold)).await;
        }
        let orders = quoted.orders(&self.submit, &hold.order_nos, hold.id.n, self.pay_within_ms);
        let Some(mut orders) = orders else {
            // The goods have moved to other sellers since the hold was taken: its parts no longer fit.
            return self.spend(Refusal::SubmitAbandoned, Some(hold)).await;
        };
        let hold_within = self.hold_within_ms.filter(|ms| *ms < self.pay_within_ms).map(UnixMillis);
        for order in orders.iter_mut().filter(|order| order.hold == HoldAxis::Held) {
            order.life.hold_until = hold_within;
        }
        for _ in 0..NUMBER_TRIES {
            match self.app.inner.orders.send(self.change(&orders)).await? {
                ChangeAnswer::Applied { now } => return Ok(self.placed(orders, now)),
                ChangeAnswer::GroupExists(group) => return self.end_as(*group, Some(hold)).await,
                // The hold is that of an attempt that did not know of the promise.
                ChangeAnswer::NumbersPromised(promised) => renumber(&mut orders, &promised),
                ChangeAnswer::NumberTaken(order_no) => {
                    tracing::error!(%order_no, "an order number was drawn twice");
                    let sellers: Vec<SellerId> = orders.iter().map(|order| order.seller.clone()).collect();
                    renumber(&mut orders, &self.draw_numbers(&sellers).await?);
                }
                other @ (ChangeAnswer::AlreadyAccepted(_)
                | ChangeAnswer::Stale { .. }
                | ChangeAnswer::StaleRow { .. }
                | ChangeAnswer::TooEarly { .. }
                | ChangeAnswer::TooLate { .. }) => {
                    unreachable!("an insert without a bound in time is never answered {other:?}")
                }
            }
        }
        Err(Fault::not_done("numbers", FaultKind::Conflict, "no free order number was found").into())
    }

    fn change(&self, orders: &[Order]) -> Change {
        let state = GroupState::Placed { order_nos: orders.iter().map(|order| order.no.clone()).collect() };
        let writes = orders.iter().map(|order| {
            let kind = if order.status == OrderStatus::Confirmed { EventKind::Confirmed } else { EventKind::Placed };
            (OrderWrite::Insert(Box::new(order.clone())), kind)
        });
        Change { group: Some(self.group(state)), orders: writes.collect(), ..Change::touch(self.submit.tenant) }
    }

    pub(super) fn group(&self, state: GroupState) -> OrderGroup {
        OrderGroup {
            tenant: self.submit.tenant,
            key: self.submit.key.clone(),
            content: Some(self.content),
            buyer: Some(self.submit.buyer.clone()),
            state,
            created: UnixMillis::default(),
        }
    }

    fn placed(&self, mut orders: Vec<Order>, now: UnixMillis) -> Placed {
        self.app.saw_now(now);
        for order in &mut orders {
            order.created = now;
            order.pay_deadline = now.plus_ms(order.pay_deadline.0);
            order.life.hold_until = order.life.hold_until.map(|interval| now.plus_ms(interval.0));
        }
        Placed { orders, replayed: false, now }
    }
}

/// Gives orders the numbers that are meant for their sellers.
fn renumber(orders: &mut [Order], order_nos: &[(SellerId, OrderNo)]) {
    for order in orders {
        if let Some((_, meant)) = order_nos.iter().find(|(seller, _)| *seller == order.seller) {
            order.no = meant.clone();
        }
    }
}

/// A hold that was given back although nothing fenced its group: the one thing that must never be.
fn unfenced(hold: &HoldRecord) -> Fault {
    let message = format!("hold {} is released, but its group has no row", hold.hold_no);
    Fault::not_done("ledger", FaultKind::Schema, message)
}
