//! Money whose place is not final, in JSON.

use holdline_app::Unsettled;
use holdline_domain::payment::Callback;
use serde::Serialize;
use utoipa::ToSchema;

use super::At;
use super::payment::{AttemptBody, RefundBody};

/// A callback of a payment provider.
#[derive(Serialize, ToSchema)]
#[schema(as = PaymentCallback)]
pub(crate) struct CallbackBody<'a> {
    /// Which provider sent it.
    provider: &'a str,
    /// The provider's id of the event.
    event_id: &'a str,
    /// `new`, `flagged` (it contradicts what is known here), `orphan` (about a payment that is not known here), `done`.
    state: &'static str,
    /// What stands in the way, or how it was settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    /// How often it was tried.
    tries: i32,
    /// When it came.
    received_at: At,
    /// When it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_try_at: Option<At>,
}

impl<'a> CallbackBody<'a> {
    pub(crate) fn new(callback: &'a Callback) -> Self {
        Self {
            provider: callback.provider.as_str(),
            event_id: &callback.event_id,
            state: callback.state.as_str(),
            note: callback.note.as_deref(),
            tries: callback.tries,
            received_at: At(callback.received),
            next_try_at: callback.next_try.map(At),
        }
    }
}

/// Money whose place is not final.
#[derive(Serialize, ToSchema)]
#[schema(as = Unsettled)]
pub(crate) struct UnsettledBody<'a> {
    /// Attempts that are open past their deadline, are flagged, or captured money that belongs to no order.
    attempts: Vec<AttemptBody<'a>>,
    /// Refunds that have not succeeded.
    refunds: Vec<RefundBody<'a>>,
    /// Callbacks that are not done.
    callbacks: Vec<CallbackBody<'a>>,
}

impl<'a> UnsettledBody<'a> {
    pub(crate) fn new(unsettled: &'a Unsettled) -> Self {
        Self {
            attempts: unsettled.attempts.iter().map(AttemptBody::new).collect(),
            refunds: unsettled.refunds.iter().map(RefundBody::new).collect(),
            callbacks: unsettled.callbacks.iter().map(CallbackBody::new).collect(),
        }
    }
}
