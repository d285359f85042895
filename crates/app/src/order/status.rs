//! What became of a submit: creating, created or failed, now or as soon as it is known.
//!
//! Whoever waits is woken by the task of this process that ends the submit; for one that another process ends, the rows
//! are read again, at most once a second, in one read for all that wait. Those who wait are counted and bounded.
//!
//! A status that is asked for past its instant is made definite first: the submit's key is fenced, so "failed" is never
//! taken back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use holdline_domain::id::{BuyerId, GroupKey, TenantId};
use holdline_domain::order::change::{Change, ChangeAnswer};
use holdline_domain::order::{GroupState, OrderGroup, OrderNo};
use holdline_domain::refusal::Refusal;
use holdline_domain::time::UnixMillis;
use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::Placed;
use crate::App;
use crate::batch::Known;
use crate::error::Error;

/// Pauses between two looks at the rows while nobody wakes the one who waits: from the first, doubling to the last.
const LOOK_MS: (u64, u64) = (50, 1_000);

/// What became of a submit.
#[derive(Debug, Clone)]
pub struct SubmitStatus {
    /// Where it stands.
    pub state: SubmitState,
    /// The numbers that its orders have, or will have; none where it was not promised any, or has failed.
    pub order_nos: Vec<OrderNo>,
    /// When it is decided at the latest; `None` once it is.
    pub decide_by: Option<UnixMillis>,
}

/// Where a submit stands.
#[derive(Debug, Clone)]
pub enum SubmitState {
    /// Not decided yet.
    Creating,
    /// Its orders exist.
    Created(Placed),
    /// It never became orders, for this reason, and never will.
    Failed(Refusal),
}

impl SubmitStatus {
    /// Whether it will not change any more.
    pub fn is_final(&self) -> bool {
        !matches!(self.state, SubmitState::Creating)
    }
}

/// What came of an attempt to end a submit past its instant.
pub(super) enum Late {
    /// It has ended, by this row or by one that came first.
    Ended(OrderGroup),
    /// The shard clock has not come so far.
    NotYet,
}

/// Those who wait for the end of a submit.
pub(crate) struct Watchers {
    places: Arc<Semaphore>,
    /// By key, whoever waits here; tenants whose keys are the same wake each other for nothing. Locked to look one up only.
    /// An entry goes with the last who waits.
    by_key: Mutex<HashMap<GroupKey, Arc<Notify>>>,
}

impl Watchers {
    pub(crate) fn new(max: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(max)), by_key: Mutex::default() }
    }

    /// Wakes who waits for this key in this process.
    pub(crate) fn wake(&self, key: &GroupKey) {
        if let Some(woken) = self.by_key.lock().get(key) {
            woken.notify_waiters();
        }
    }

    /// A place among those who wait; `None` if all are taken.
    fn enter(&self, key: &GroupKey) -> Option<Watch<'_>> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let woken = Arc::clone(self.by_key.lock().entry(key.clone()).or_default());
        Some(Watch { watchers: self, key: key.clone(), woken, _place: place })
    }
}

/// A place among those who wait; given back when dropped.
struct Watch<'a> {
    watchers: &'a Watchers,
    key: GroupKey,
    woken: Arc<Notify>,
    _place: OwnedSemaphorePermit,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let mut by_key = self.watchers.by_key.lock();
        // This one, and the map's own.
        if Arc::strong_count(&self.woken) <= 2 {
            by_key.remove(&self.key);
        }
    }
}

/// Which submit is asked for.
#[derive(Debug, Clone)]
pub struct SubmitName {
    /// Whose.
    pub tenant: TenantId,
    /// Its key.
    pub key: GroupKey,
    /// Who buys; `None` for whoever asks by a number of it.
    pub buyer: Option<BuyerId>,
    /// The instant that the client was told where nothing was promised durably (its outcome was unknown).
    pub decide_by: Option<UnixMillis>,
}

impl App {
    /// What became of a submit, as soon as it is final or `wait` is over.
    pub async fn submit_status(&self, name: &SubmitName, wait: Duration) -> Result<SubmitStatus, Error> {
        let until = tokio::time::Instant::now() + wait;
        let (mut look_ms, look_ms_max) = LOOK_MS;
        let watch = if wait.is_zero() { None } else { self.inner.watchers.enter(&name.key) };
        loop {
            // Armed before the rows are read, so that no end falls in between.
            let woken = watch.as_ref().map(|watch| watch.woken.notified());
            let status = self.submit_status_now(name).await?;
            let now = tokio::time::Instant::now();
            let Some(woken) = woken.filter(|_| !status.is_final() && now < until && !self.inner.admission.is_closed())
            else {
                return Ok(status);
            };
            let look = Duration::from_millis(look_ms).min(until - now);
            tokio::select! {
                () = woken => {}
                () = tokio::time::sleep(look) => look_ms = (look_ms * 2).min(look_ms_max),
            }
        }
    }

    /// The submit that an order number belongs to, or was promised to. `None`: no client was ever told the number.
    pub async fn submit_of_number(&self, tenant: TenantId, order_no: &OrderNo) -> Result<Option<SubmitName>, Error> {
        let promised = self.inner.ports.orders.promised_number(tenant, order_no).await?;
        if let Some(key) = promised {
            return Ok(Some(SubmitName { tenant, key, buyer: None, decide_by: None }));
        }
        // Read second: a number becomes an order and stops being a promise in one transaction.
        let order = self.inner.ports.orders.orders(tenant, std::slice::from_ref(order_no)).await?.pop().flatten();
        Ok(order.map(|order| SubmitName { tenant, key: order.group, buyer: None, decide_by: None }))
    }

    async fn submit_status_now(&self, name: &SubmitName) -> Result<SubmitStatus, Error> {
        let known = self.inner.lookups.offer((name.tenant, name.key.clone())).await?;
        if is_of_another(name, &known) {
            return Err(Refusal::not_found("submit").into());
        }
        if let Some(group) = known.group {
            return self.ended(group).await;
        }
        let order_nos: Vec<OrderNo> =
            known.acceptance.iter().flat_map(|promised| &promised.order_nos).map(|(_, no)| no.clone()).collect();
        let decide_by = known.acceptance.as_ref().map(|promised| promised.decide_by).or(name.decide_by);
        let creating = SubmitStatus { state: SubmitState::Creating, order_nos, decide_by };
        match decide_by {
            Some(decide_by) if self.seems_past(decide_by) => {
                let group = match known.acceptance {
                    Some(promised) => promised.not_in_time(name.tenant, name.key.clone()),
                    None => OrderGroup::tombstone(name.tenant, name.key.clone(), name.buyer.clone()),
                };
                match self.end_past(group, decide_by).await? {
                    Late::Ended(group) => self.ended(group).await,
                    Late::NotYet => Ok(creating),
                }
            }
            Some(_) => Ok(creating),
            None if known.hold.is_some() => Ok(creating),
            None => Err(Refusal::not_found("submit").into()),
        }
    }

    async fn ended(&self, group: OrderGroup) -> Result<SubmitStatus, Error> {
        match self.replay(group, None).await {
            Ok(placed) => {
                let order_nos = placed.orders.iter().map(|order| order.no.clone()).collect();
                Ok(SubmitStatus { state: SubmitState::Created(placed), order_nos, decide_by: None })
            }
            Err(Error::Refused(refusal)) => {
                Ok(SubmitStatus { state: SubmitState::Failed(refusal), order_nos: Vec::new(), decide_by: None })
            }
            Err(error) => Err(error),
        }
    }

    /// Ends a submit whose instant has passed by the shard clock: `group` takes its key, unless another row has.
    pub(super) async fn end_past(&self, group: OrderGroup, decide_by: UnixMillis) -> Result<Late, Error> {
        let (tenant, key) = (group.tenant, group.key.clone());
        let change = Change { not_before: Some(decide_by), ..Change::fence(group.clone()) };
        let ended = match self.inner.orders.send(change).await? {
            ChangeAnswer::TooEarly { now } => {
                self.saw_now(now);
                return Ok(Late::NotYet);
            }
            answer => self.fenced(answer).unwrap_or(group),
        };
        match ended.state {
            GroupState::Placed { .. } => {}
            GroupState::Refused { .. } | GroupState::Abandoned => self.release_behind_fence(tenant, &key).await?,
        }
        Ok(Late::Ended(ended))
    }

    /// Whether an instant has passed as far as this process can tell; the batch decides.
    pub(super) fn seems_past(&self, instant: UnixMillis) -> bool {
        self.clock_floor().max(self.inner.ports.clock.wall()) >= instant
    }
}

/// Buyers share slots, and a key is found by the slot: another buyer's submit is not spoken of.
fn is_of_another(name: &SubmitName, known: &Known) -> bool {
    let of_group = known.group.as_ref().and_then(|group| group.buyer.as_ref());
    let of_promise = known.acceptance.as_ref().map(|promised| &promised.buyer);
    name.buyer.as_ref().is_some_and(|buyer| of_group.or(of_promise).is_some_and(|of| of != buyer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_given_back_with_their_entry() {
        let watchers = Watchers::new(2);
        let (one, other) = (GroupKey::from_stored("a/web/place/01"), GroupKey::from_stored("b/web/place/01"));
        let (first, second) = (watchers.enter(&one), watchers.enter(&one));
        assert!(first.is_some() && second.is_some() && watchers.enter(&other).is_none());
        drop(first);
        assert!(watchers.by_key.lock().contains_key(&one), "one still waits");
        drop(second);
        assert!(watchers.by_key.lock().is_empty());
        assert!(watchers.enter(&other).is_some());
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_by_its_key_only() {
        let watchers = Watchers::new(2);
        let (one, other) = (GroupKey::from_stored("a/web/place/01"), GroupKey::from_stored("b/web/place/01"));
        let watch = watchers.enter(&one).unwrap();
        let mut woken = std::pin::pin!(watch.woken.notified());
        woken.as_mut().enable();
        watchers.wake(&other);
        assert!(futures_util::poll!(woken.as_mut()).is_pending());
        watchers.wake(&one);
        assert!(futures_util::poll!(woken.as_mut()).is_ready());
    }
}
