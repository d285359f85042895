//! Closing an attempt at its provider: before another means of payment, and when its deadline has passed.

use holdline_domain::fault::Fault;
use holdline_domain::id::TenantId;
use holdline_domain::order::change::{Change, ChangeAnswer, Satellite};
use holdline_domain::payment::{Attempt, AttemptId, AttemptState, Heard};
use holdline_domain::port::ProviderWord;

use super::TRIES_MAX;
use crate::App;

/// How soon a close that is not confirmed is looked at again, in milliseconds.
const LOOK_AGAIN_MS: i64 = 2_000;

impl App {
    /// Has an attempt closed. Returns it as it is then: still open if its provider cannot say.
    pub(super) async fn close_attempt(&self, tenant: TenantId, id: &AttemptId) -> Result<Option<Attempt>, Fault> {
        for _ in 0..TRIES_MAX {
            let Some(attempt) = self.inner.ports.life.attempt(tenant, id).await? else { return Ok(None) };
            match attempt.state {
                AttemptState::Captured | AttemptState::Failed | AttemptState::Closed => return Ok(Some(attempt)),
                AttemptState::Closing => return self.ask_to_close(attempt).await,
                // Durable first: whoever dies after the provider closed it is followed up.
                AttemptState::Opening | AttemptState::Open => {
                    let mut closing = attempt.next(AttemptState::Closing);
                    closing.look_in(LOOK_AGAIN_MS);
                    self.write_attempt(closing).await?;
                }
            }
        }
        self.inner.ports.life.attempt(tenant, id).await
    }

    /// Writes an attempt over the one it was made from. False: somebody else was first.
    pub(super) async fn write_attempt(&self, attempt: Attempt) -> Result<bool, Fault> {
        let tenant = attempt.tenant;
        let change = Change { satellites: vec![Satellite::Attempt(Box::new(attempt))], ..Change::touch(tenant) };
        match self.inner.orders.send(change).await? {
            ChangeAnswer::Applied { now } => {
                self.saw_now(now);
                Ok(true)
            }
            ChangeAnswer::StaleRow { .. } => Ok(false),
            other @ (ChangeAnswer::GroupExists(_)
            | ChangeAnswer::AlreadyAccepted(_)
            | ChangeAnswer::NumbersPromised(_)
            | ChangeAnswer::Stale { .. }
            | ChangeAnswer::NumberTaken(_)
            | ChangeAnswer::TooEarly { .. }
            | ChangeAnswer::TooLate { .. }) => unreachable!("an attempt alone is never answered {other:?}"),
        }
    }

    pub(super) async fn ask_to_close(&self, attempt: Attempt) -> Result<Option<Attempt>, Fault> {
        let Some(account) = self.provider_account(attempt.tenant, &attempt.provider).await? else {
            return Ok(Some(attempt));
        };
        match self.inner.ports.providers.close(&account, &attempt.id.to_string()).await {
            // Nobody can pay without what creating it answers, and what is closing is never shown to a buyer any more.
            Ok(ProviderWord::Unknown) if attempt.pay.is_none() => {
                self.hear(attempt.tenant, &attempt.id, &ProviderWord::Closed, Heard::Asked).await
            }
            // A provider that has forgotten a payment which it once showed promises nothing: it is asked again.
            Ok(ProviderWord::Unknown) => Ok(Some(attempt)),
            Ok(word) => self.hear(attempt.tenant, &attempt.id, &word, Heard::Asked).await,
            Err(fault) => {
                tracing::warn!(%fault, attempt = %attempt.id, "an attempt could not be closed and is looked at again");
                Ok(Some(attempt))
            }
        }
    }
}
