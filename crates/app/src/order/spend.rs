//! How a placing attempt ends without orders of its own: its key was taken, or is spent with a refusal. Always the row
//! first, then the release.

use holdline_domain::ledger::HoldRecord;
use holdline_domain::order::change::Change;
use holdline_domain::order::{GroupState, OrderGroup};
use holdline_domain::refusal::Refusal;

use super::Placed;
use super::place::Placing;
use crate::error::Error;
use crate::reap::release;

impl Placing {
    /// The group's key was taken before us: by a twin, whose orders are ours, or by a fence, behind which we release.
    pub(super) async fn end_as(&self, group: OrderGroup, hold: Option<&HoldRecord>) -> Result<Placed, Error> {
        match group.state {
            GroupState::Placed { .. } => {}
            GroupState::Refused { .. } | GroupState::Abandoned => {
                metrics::counter!("holdline_fences_hit_total").increment(1);
                self.release_behind_fence(hold).await?;
            }
        }
        self.app.replay(group, Some(self.content)).await
    }

    /// Spends the key with a refusal, then gives back what is held under it, in this order.
    pub(super) async fn spend(&self, refusal: Refusal, hold: Option<&HoldRecord>) -> Result<Placed, Error> {
        let state = match &refusal {
            Refusal::SubmitAbandoned => GroupState::Abandoned,
            refusal => GroupState::Refused { refusal: refusal.clone() },
        };
        let answer = self.app.inner.orders.send(Change::fence(self.group(state))).await?;
        match self.app.fenced(answer) {
            None => {
                self.release_behind_fence(hold).await?;
                Err(refusal.into())
            }
            Some(group) => self.end_as(group, hold).await,
        }
    }

    /// Gives back the hold that is known, or looks for one that a twin may have taken.
    async fn release_behind_fence(&self, hold: Option<&HoldRecord>) -> Result<(), Error> {
        match hold {
            Some(hold) => Ok(release(&self.app, hold).await?),
            None => self.app.release_behind_fence(self.submit.tenant, &self.submit.key).await,
        }
    }
}
