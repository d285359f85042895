//! Paying with the submit, in JSON.

use std::borrow::Cow;

use holdline_domain::id::InvalidField;
use holdline_domain::payment::ProviderName;
use serde::Deserialize;
use utoipa::ToSchema;

use super::payment::{AttemptBody, kept};
use crate::pay_at_once::{Paid, PayAtOnce};
use crate::problem::ProblemBody;

/// How the orders are to be paid as soon as they exist.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PayAtOnce)]
pub(crate) struct PayAtOnceInput<'a> {
    /// The tenant's name of the provider.
    #[serde(borrow)]
    #[schema(max_length = 32)]
    provider: Cow<'a, str>,
    /// How the buyer wants to pay, in the provider's words.
    #[serde(borrow, default)]
    #[schema(max_length = 1024)]
    method: Option<Cow<'a, str>>,
    /// Where the buyer's browser goes afterwards.
    #[serde(borrow, default)]
    #[schema(max_length = 1024)]
    return_url: Option<Cow<'a, str>>,
}

impl PayAtOnceInput<'_> {
    pub(crate) fn parse(self) -> Result<PayAtOnce, InvalidField> {
        let provider = ProviderName::try_new(&self.provider).map_err(|invalid| invalid.at("/pay_at_once/provider"))?;
        let method = kept(self.method, "/pay_at_once/method")?;
        Ok(PayAtOnce { provider, method, return_url: kept(self.return_url, "/pay_at_once/return_url")? })
    }
}

/// What became of paying at once. Neither: nobody wanted to, or nothing is owed.
pub(crate) type PaidAtOnce<'a> = (Option<Box<AttemptBody<'a>>>, Option<ProblemBody<'a>>);

/// The attempt, or why there is none.
pub(crate) fn paid_at_once(paid: &Paid) -> PaidAtOnce<'_> {
    match paid {
        Paid::Nothing => (None, None),
        Paid::Opened(attempt) => (Some(Box::new(AttemptBody::new(attempt))), None),
        Paid::Failed(problem) => (None, Some(problem.body(None, None))),
    }
}
