//! Abandoning a submit: the client's own fence. Answers what became of it, or "never".

use holdline_domain::id::{BuyerId, GroupKey, TenantId};
use holdline_domain::order::change::{Change, ChangeAnswer};
use holdline_domain::order::{GroupState, Order, OrderGroup};
use holdline_domain::refusal::Refusal;

use crate::App;
use crate::error::Error;
use crate::reap::release;

/// What became of a submit that its client gave up.
#[derive(Debug, Clone)]
pub enum Abandoned {
    /// There is no order under this key, and there never will be.
    Never,
    /// It was placed before; these are its orders.
    Placed(Vec<Order>),
    /// It was refused before.
    Refused(Refusal),
}

impl App {
    /// Makes sure that a submit either has its orders or never will.
    pub async fn abandon(&self, tenant: TenantId, key: GroupKey, buyer: BuyerId) -> Result<Abandoned, Error> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let app = self.clone();
        self.inner.tasks.run_request(async move {
            // A client that hung up asks again and finds the tombstone.
            let _ = answer.send(app.abandon_owned(tenant, key, buyer).await);
        });
        answered.await.unwrap_or(Err(Error::OutcomeUnknown))
    }

    async fn abandon_owned(&self, tenant: TenantId, key: GroupKey, buyer: BuyerId) -> Result<Abandoned, Error> {
        let tombstone = OrderGroup::tombstone(tenant, key.clone(), Some(buyer.clone()));
        let answer = self.inner.orders.offer(Change::fence(tombstone)).await?;
        let group = self.fenced(answer);
        // Another buyer of the same slot used this key: that submit is not ours to speak of.
        if group.as_ref().and_then(|group| group.buyer.as_ref()).is_some_and(|of| *of != buyer) {
            return Err(Refusal::KeyReused.into());
        }
        match group.map(|group| group.state) {
            None | Some(GroupState::Abandoned) => {
                self.release_behind_fence(tenant, &key).await?;
                Ok(Abandoned::Never)
            }
            Some(GroupState::Refused { refusal }) => Ok(Abandoned::Refused(refusal)),
            Some(GroupState::Placed { order_nos }) => {
                Ok(Abandoned::Placed(self.load_orders(tenant, &order_nos).await?))
            }
        }
    }

    /// What a fence came to: `None` when it stands, else the group that had taken the key before.
    pub(crate) fn fenced(&self, answer: ChangeAnswer) -> Option<OrderGroup> {
        match answer {
            ChangeAnswer::Applied { now } => {
                self.saw_now(now);
                None
            }
            ChangeAnswer::GroupExists(group) => Some(*group),
            other @ (ChangeAnswer::Stale { .. }
            | ChangeAnswer::StaleRow { .. }
            | ChangeAnswer::AlreadyAccepted(_)
            | ChangeAnswer::NumbersPromised(_)
            | ChangeAnswer::NumberTaken(_)
            | ChangeAnswer::TooEarly { .. }
            | ChangeAnswer::TooLate { .. }) => unreachable!("a fence is never answered {other:?}"),
        }
    }

    /// Gives back at once what the submit may have held; what is held later finds the fence, or the reaper.
    pub(super) async fn release_behind_fence(&self, tenant: TenantId, key: &GroupKey) -> Result<(), Error> {
        let held = self.inner.ports.ledger.holds(&[(tenant, key.clone())]).await?;
        for hold in held.iter().flatten().filter(|hold| hold.is_open()) {
            release(self, hold).await?;
        }
        Ok(())
    }
}
