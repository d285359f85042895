//! Following up: whatever is not settled is looked at again, with growing pauses, by whichever process claims the look.
//!
//! A look is claimed by a change under the row's version before anybody outside is asked, so that a provider hears one
//! question at a time however many processes run.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};
use holdline_domain::fault::Fault;
use holdline_domain::order::change::{Change, ChangeAnswer, Satellite};
use holdline_domain::payment::{Attempt, AttemptFlag, AttemptState, Heard, ProviderAccount, Refund, RefundState};
use holdline_domain::port::{ProviderWord, RefundOrder};

use super::GRACE_MS;
use crate::App;
use crate::backoff::Backoff;

/// Rows looked at per page.
const PAGE: usize = 200;
/// Providers asked at once: a slow one keeps only so many others waiting.
const ASKED_AT_ONCE: usize = 32;
/// The pauses between looks at an attempt.
const LOOKS: Backoff = Backoff { first_ms: 5_000, longest_ms: 600_000 };
/// The pauses between sending a refund and asking about it.
const TRIES: Backoff = Backoff { first_ms: 5_000, longest_ms: 3_600_000 };

pub(crate) async fn follow_attempts(app: App) {
    follow(app, "attempts to pay", |app| async move {
        let due = app.inner.ports.life.due_attempts(app.inner.ports.clock.wall(), PAGE).await?;
        let count = due.len();
        each(due, |attempt| look_at(&app, attempt)).await?;
        Ok(count)
    })
    .await;
}

pub(crate) async fn follow_refunds(app: App) {
    follow(app, "refunds", |app| async move {
        let due = app.inner.ports.life.due_refunds(app.inner.ports.clock.wall(), PAGE).await?;
        let count = due.len();
        each(due, |refund| drive(&app, refund)).await?;
        Ok(count)
    })
    .await;
}

pub(crate) async fn follow_callbacks(app: App) {
    follow(app, "callbacks", |app| async move {
        let due = app.inner.ports.life.due_callbacks(app.inner.ports.clock.wall(), PAGE).await?;
        let count = due.len();
        each(due, |callback| app.act_on(callback)).await?;
        Ok(count)
    })
    .await;
}

/// Looks for due rows until the loops stop.
async fn follow<F: Future<Output = Result<usize, Fault>>>(app: App, what: &'static str, page: impl Fn(App) -> F) {
    loop {
        let more = match page(app.clone()).await {
            Ok(count) => count == PAGE,
            Err(fault) => {
                tracing::warn!(%fault, what, "what is due could not be followed up and is tried again");
                false
            }
        };
        let pause_ms = if more { 0 } else { app.inner.settings.tick_ms.saturating_mul(2) };
        if !app.inner.tasks.pause(pause_ms).await {
            return;
        }
    }
}

/// Each due row, some at once. The first fault is told after all were tried.
async fn each<T, F: Future<Output = Result<(), Fault>>>(due: Vec<T>, look: impl Fn(T) -> F) -> Result<(), Fault> {
    let looks: Vec<Result<(), Fault>> = stream::iter(due).map(look).buffer_unordered(ASKED_AT_ONCE).collect().await;
    looks.into_iter().collect()
}

async fn look_at(app: &App, attempt: Attempt) -> Result<(), Fault> {
    let now = app.inner.ports.clock.wall();
    let is_over = now >= attempt.deadline.plus_ms(GRACE_MS);
    let mut claimed = attempt.next(attempt.state);
    claimed.looks = attempt.looks + 1;
    let pause = LOOKS.after(claimed.looks);
    // The deadline is met on time, however long the pauses have become.
    let until_over = attempt.deadline.plus_ms(GRACE_MS).since_ms(now).max(1);
    claimed.look_in(if is_over { pause } else { pause.min(until_over) });
    if !app.write_attempt(claimed.clone()).await? {
        return Ok(());
    }
    if claimed.unattached().is_some() {
        return app.settle_unattached(claimed).await.map(drop);
    }
    let Some(account) = app.provider_account(claimed.tenant, &claimed.provider).await? else {
        tracing::error!(attempt = %claimed.id, provider = %claimed.provider, "an open attempt's provider is not set up");
        return Ok(());
    };
    match claimed.state {
        AttemptState::Opening | AttemptState::Open if !is_over => ask(app, &account, claimed).await,
        AttemptState::Opening | AttemptState::Open => app.close_attempt(claimed.tenant, &claimed.id).await.map(drop),
        AttemptState::Closing => app.ask_to_close(claimed).await.map(drop),
        AttemptState::Captured | AttemptState::Failed | AttemptState::Closed => finish(app, &account, claimed).await,
    }
}

/// An attempt that has ended is looked at because of a doubt: somebody spoke of money for it. The provider's books tell, and
/// until they do, it is looked at again.
async fn finish(app: &App, account: &Arc<ProviderAccount>, attempt: Attempt) -> Result<(), Fault> {
    let mut attempt = attempt;
    if attempt.captured.is_none() && attempt.flag == Some(AttemptFlag::AmountDiffers) {
        match app.inner.ports.providers.query(account, &attempt.id.to_string()).await {
            Ok(word) => {
                let heard = app.hear(attempt.tenant, &attempt.id, &word, Heard::Asked).await?;
                attempt = heard.unwrap_or(attempt);
            }
            Err(fault) => {
                tracing::warn!(%fault, attempt = %attempt.id, "a provider could not be asked about money that it spoke of");
                return Ok(());
            }
        }
    }
    if attempt.unattached().is_some() || attempt.next_look.is_none() {
        return Ok(());
    }
    let mut done = attempt.next(attempt.state);
    done.next_look = None;
    app.write_attempt(done).await.map(drop)
}

async fn ask(app: &App, account: &Arc<ProviderAccount>, attempt: Attempt) -> Result<(), Fault> {
    match app.inner.ports.providers.query(account, &attempt.id.to_string()).await {
        // It never arrived: the same call with the same key.
        Ok(ProviderWord::Unknown) => {
            if let Err(error) = app.create_at_provider(account, attempt).await {
                tracing::warn!(%error, "an attempt could not be created again and is looked at once more");
            }
            Ok(())
        }
        Ok(word) => app.hear(attempt.tenant, &attempt.id, &word, Heard::Asked).await.map(drop),
        Err(fault) => {
            tracing::warn!(%fault, attempt = %attempt.id, looks = attempt.looks, "a provider could not be asked");
            Ok(())
        }
    }
}

/// Sends a refund, or asks how it stands: the same call.
async fn drive(app: &App, refund: Refund) -> Result<(), Fault> {
    let Some(attempt) = app.inner.ports.life.attempt(refund.tenant, &refund.attempt).await? else {
        tracing::error!(attempt = %refund.attempt, "a refund's attempt is not stored");
        return Ok(());
    };
    let state = if refund.state == RefundState::Created { RefundState::Submitted } else { refund.state };
    let mut sent = refund.next(state);
    sent.tries = refund.tries + 1;
    let pause = TRIES.after(sent.tries);
    sent.next_try = Some(holdline_domain::time::UnixMillis(pause));
    // *submitted* is durable before anything is sent.
    let change = Change { satellites: vec![Satellite::Refund(Box::new(sent.clone()))], ..Change::touch(refund.tenant) };
    let ChangeAnswer::Applied { now } = app.inner.orders.send(change).await? else { return Ok(()) };
    app.saw_now(now);
    let Some(account) = app.provider_account(refund.tenant, &attempt.provider).await? else {
        tracing::error!(refund = %sent.key(), provider = %attempt.provider, "a refund's provider is not set up");
        return Ok(());
    };
    let order = RefundOrder {
        key: sent.key(),
        payment: attempt.id.to_string(),
        captured: attempt.captured.map(|captured| captured.amount).unwrap_or_default(),
        amount: sent.amount,
        currency: sent.currency,
        reason: sent.reason.as_str().to_owned(),
        notify_url: app.notify_url(&account),
    };
    match app.inner.ports.providers.refund(&account, &order).await {
        Ok(word) => app.hear_refund(sent.tenant, &sent.attempt, sent.n, &word).await.map(drop),
        Err(fault) => {
            tracing::warn!(%fault, refund = %order.key, tries = sent.tries, "a refund could not be sent and is sent again");
            Ok(())
        }
    }
}
