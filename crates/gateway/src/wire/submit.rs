//! What became of a submit, in JSON.

use holdline_app::{SubmitState, SubmitStatus};
use holdline_domain::order::OrderNo;
use holdline_domain::time::UnixMillis;
use serde::Serialize;
use utoipa::ToSchema;

use super::At;
use super::order::GroupBody;
use crate::problem::{Problem, ProblemBody, of_refusal};

/// What became of a submit.
#[derive(Serialize, ToSchema)]
#[schema(as = SubmitStatus)]
pub(crate) struct SubmitStatusBody<'a> {
    /// `creating`, `created` or `create_failed`.
    #[schema(example = "creating")]
    pub(crate) status: &'static str,
    /// The numbers that its orders have, or will have once they exist. Empty where none were given out.
    #[schema(value_type = Vec<String>)]
    order_nos: Vec<&'a OrderNo>,
    /// When it is decided at the latest; only while it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    decide_by: Option<At>,
    /// The orders, once they exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<GroupBody<'a>>,
    /// Why it never became orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<ProblemBody<'a>>,
}

/// The problem that a failed submit is shown with.
pub(crate) struct SubmitFailure(Problem);

impl SubmitFailure {
    /// `None` where it has not failed.
    pub(crate) fn of(status: &SubmitStatus) -> Option<Self> {
        match &status.state {
            SubmitState::Failed(refusal) => Some(Self(of_refusal(refusal))),
            SubmitState::Creating | SubmitState::Created(_) => None,
        }
    }

    /// The problem, inside of another answer.
    pub(crate) fn body(&self) -> ProblemBody<'_> {
        self.0.body(None, None)
    }
}

impl<'a> SubmitStatusBody<'a> {
    /// A status with the failure that [`SubmitFailure::of`] made of it.
    pub(crate) fn new(status: &'a SubmitStatus, failure: Option<&'a SubmitFailure>, now: UnixMillis) -> Self {
        let (name, group) = match &status.state {
            SubmitState::Creating => ("creating", None),
            SubmitState::Created(placed) => ("created", GroupBody::read(&placed.orders, placed.now.max(now))),
            SubmitState::Failed(_) => ("create_failed", None),
        };
        Self {
            status: name,
            order_nos: status.order_nos.iter().collect(),
            decide_by: status.decide_by.map(At),
            group,
            failure: failure.map(SubmitFailure::body),
        }
    }
}
