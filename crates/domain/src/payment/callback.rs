//! Callbacks of providers: stored as they came, answered, and only then acted on.

use super::ProviderName;
use crate::id::TenantId;
use crate::order::state::named_enum;
use crate::time::UnixMillis;

named_enum! {
    /// What became of a callback.
    CallbackState {
        /// Stored, and not acted on yet.
        New = "new",
        /// Acted on: what it said is true now, or was before.
        Done = "done",
        /// It contradicts what is known here, and was not believed: looked at until its provider's books have settled the payment.
        Flagged = "flagged",
        /// It speaks of a captured payment that is not known here: looked for again, in the end refunded.
        Orphan = "orphan",
    }
}

/// A callback whose signature holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Callback {
    /// Whose.
    pub tenant: TenantId,
    /// Which provider sent it.
    pub provider: ProviderName,
    /// The provider's id of the event: the same event again is stored once.
    pub event_id: String,
    /// When it came first.
    pub received: UnixMillis,
    /// Its headers, names in lower case: with the body, all that its signature needs.
    pub headers: Vec<(String, String)>,
    /// Its body, byte for byte.
    pub body: Vec<u8>,
    /// What became of it.
    pub state: CallbackState,
    /// What stands in the way, for the operator.
    pub note: Option<String>,
    /// How often it was tried.
    pub tries: i32,
    /// When to act on it next; `None`: there is nothing left to do.
    pub next_try: Option<UnixMillis>,
}

impl Callback {
    /// Since when it waits to be done; `None`: it is.
    pub fn unsettled_since(&self) -> Option<UnixMillis> {
        (self.state != CallbackState::Done).then_some(self.received)
    }
}

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callback")
            .field("tenant", &self.tenant)
            .field("provider", &self.provider)
            .field("event_id", &self.event_id)
            .field("state", &self.state)
            .field("tries", &self.tries)
            .finish_non_exhaustive()
    }
}
