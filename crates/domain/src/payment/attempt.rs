//! An attempt: one try to have an intent paid at a provider, and what the provider captured for it.

use super::{AttemptId, ProviderName};
use crate::id::{BuyerId, Fingerprint, TenantId, Version};
use crate::money::{Currency, Minor};
use crate::order::OrderNo;
use crate::order::state::named_enum;
use crate::time::UnixMillis;

named_enum! {
    /// Where an attempt stands.
    AttemptState {
        /// Written here; whether the provider knows it is not known yet.
        Opening = "opening",
        /// The provider waits for the buyer.
        Open = "open",
        /// It is to be closed at the provider, which has not confirmed it yet.
        Closing = "closing",
        /// The provider has the money.
        Captured = "captured",
        /// The provider says that it will not be paid.
        Failed = "failed",
        /// Closed at the provider: nobody can pay it any more.
        Closed = "closed",
    }
}

impl AttemptState {
    /// Whether the buyer's money may still come. Its orders then neither expire nor are cancelled.
    pub fn is_open(self) -> bool {
        match self {
            Self::Opening | Self::Open | Self::Closing => true,
            Self::Captured | Self::Failed | Self::Closed => false,
        }
    }
}

named_enum! {
    /// What somebody should look at.
    AttemptFlag {
        /// The provider spoke of another amount or currency than is owed. It was not believed; the provider is asked.
        AmountDiffers = "amount_differs",
        /// The provider captured another amount or currency than is owed: it goes back.
        CapturedOther = "captured_other",
        /// Captured after its orders had ended, or were paid otherwise.
        Late = "late",
    }
}

/// What an attempt is to pay of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The order.
    pub order_no: OrderNo,
    /// All that it owes.
    pub amount: Minor,
}

/// What a provider has captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Captured {
    /// How much.
    pub amount: Minor,
    /// In what.
    pub currency: Currency,
    /// When it was learnt; set by the store's batch.
    pub at: UnixMillis,
    /// Whether it belongs to the attempt's orders. If not, it goes back, or revives them.
    pub attached: bool,
}

/// One try at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Whose.
    pub tenant: TenantId,
    /// Its id, and its key at the provider.
    pub id: AttemptId,
    /// One more with each change.
    pub version: Version,
    /// At which provider.
    pub provider: ProviderName,
    /// Who pays.
    pub buyer: BuyerId,
    /// What it pays, in the order of the numbers.
    pub shares: Vec<Share>,
    /// The sum of the shares.
    pub amount: Minor,
    /// In what.
    pub currency: Currency,
    /// Where it stands.
    pub state: AttemptState,
    /// The fingerprint of the request that opened it, its key included: the same request again finds it.
    pub request: Fingerprint,
    /// How the buyer wants to pay, in the provider's words.
    pub method: Option<String>,
    /// Where the buyer's browser goes afterwards.
    pub return_url: Option<String>,
    /// When it was opened; set by the store's batch.
    pub opened: UnixMillis,
    /// Until when the buyer may pay: the first deadline of its orders.
    pub deadline: UnixMillis,
    /// What the storefront needs to let the buyer pay: the provider's JSON.
    pub pay: Option<String>,
    /// The provider's own number of it.
    pub reference: Option<String>,
    /// What the provider has captured.
    pub captured: Option<Captured>,
    /// What somebody should look at.
    pub flag: Option<AttemptFlag>,
    /// Why it failed, in the provider's words.
    pub reason: Option<String>,
    /// How often it was looked at since it last changed its state.
    pub looks: i32,
    /// When to look at it next; `None`: there is nothing left to do. In a write it may be an interval from "now": see
    /// [`Attempt::look_in`].
    pub next_look: Option<UnixMillis>,
}

/// Next looks below this are intervals in milliseconds, which the store's batch adds to its "now": no instant that
/// matters lies in January 1970.
const INTERVAL_MAX_MS: i64 = 30 * 86_400_000;

impl Attempt {
    /// Sets the next look to this long after the batch's "now".
    pub fn look_in(&mut self, interval_ms: i64) {
        self.next_look = Some(UnixMillis(interval_ms.clamp(0, INTERVAL_MAX_MS)));
    }

    /// Turns what a draft leaves to the store's batch into instants.
    pub fn stamp(&mut self, now: UnixMillis) {
        stamp(&mut self.opened, now);
        if let Some(captured) = &mut self.captured {
            stamp(&mut captured.at, now);
        }
        stamp_next(&mut self.next_look, now);
    }

    /// The sum that was captured and belongs to no order.
    pub fn unattached(&self) -> Option<Captured> {
        self.captured.filter(|captured| !captured.attached)
    }

    /// Since when its money has no final place: since it was captured; or since it opened, if somebody spoke of another sum;
    /// else from its deadline on. `None`: nothing is left to do. An instant to come: it is open, as it should be.
    pub fn unsettled_since(&self) -> Option<UnixMillis> {
        self.next_look?;
        let unpaid = if self.flag.is_some() { self.opened } else { self.deadline };
        Some(self.captured.map_or(unpaid, |captured| captured.at))
    }

    /// The same attempt in another state, one version on.
    #[must_use]
    pub fn next(&self, state: AttemptState) -> Self {
        let mut next = Self { state, version: self.version.next(), ..self.clone() };
        if state != self.state {
            next.looks = 0;
        }
        next
    }
}

/// Sets an instant that a draft leaves to the store's batch.
pub(crate) fn stamp(instant: &mut UnixMillis, now: UnixMillis) {
    if *instant == UnixMillis::default() {
        *instant = now;
    }
}

/// Turns the interval of a draft into an instant.
pub(crate) fn stamp_next(next: &mut Option<UnixMillis>, now: UnixMillis) {
    if let Some(next) = next
        && next.0 <= INTERVAL_MAX_MS
    {
        *next = now.plus_ms(next.0);
    }
}
