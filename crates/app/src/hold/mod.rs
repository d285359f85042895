//! Holds for outside callers: shops that keep their own orders and use Holdline for stock alone.
//!
//! No order group speaks for such a hold. Its taker ends it; what is left open past its deadline, [`deadline`] ends.
//! Every operation may be sent again: the second answer shows the same hold.

mod deadline;

use holdline_domain::id::{ClientId, Fingerprint, GroupKey, IdempotencyKey, InvalidCode, InvalidField, TenantId};
use holdline_domain::ledger::{
    Account, CheckUrl, Deadline, Demand, HoldId, HoldRecord, LedgerAnswer, LedgerRequest, Outside, OutsideRequest,
    Part, PartState, Terms,
};
use holdline_domain::refusal::Refusal;

use crate::App;
use crate::error::Error;

pub(crate) use deadline::end_overdue;

/// A hold as its taker sees it.
#[derive(Debug, Clone)]
pub struct OutsideHold {
    /// Claims and how each part stands.
    pub record: HoldRecord,
    /// The accounts that its lines name.
    pub accounts: Vec<Account>,
    /// Until when each open part stands.
    pub deadlines: Vec<(Part, Deadline)>,
    /// Whom to ask before a deadline ends it.
    pub check_url: Option<CheckUrl>,
}

/// Which hold: within its tenant, a taker names its own.
#[derive(Debug, Clone)]
pub struct HoldName {
    /// Whose.
    pub tenant: TenantId,
    /// The integration that takes it.
    pub client: ClientId,
    /// The name that it gives it.
    pub name: IdempotencyKey,
}

impl HoldName {
    fn id(&self) -> HoldId {
        HoldId::first(GroupKey::outside(&self.name, &self.client))
    }
}

impl App {
    /// Takes a hold, all of it or nothing. True: it had been taken before.
    pub async fn take_hold(
        &self,
        name: &HoldName,
        content: Fingerprint,
        demands: Vec<Demand>,
        terms: Terms,
    ) -> Result<(OutsideHold, bool), Error> {
        if let Some(objection) = terms.check_url.as_ref().and_then(|url| self.inner.ports.checker.objection(url)) {
            return Err(InvalidField::new("/check_url", InvalidCode::Malformed, objection).into());
        }
        let request = OutsideRequest::Take { content, demands, terms };
        let taken_before = match self.ask_ledger(name, request).await? {
            LedgerAnswer::Held(_) => false,
            LedgerAnswer::AlreadyHeld(_) | LedgerAnswer::AlreadyResolved(_) => true,
            LedgerAnswer::Insufficient(shortages) => return Err(Refusal::HoldRefused { shortages }.into()),
            LedgerAnswer::ContentMismatch => return Err(Refusal::KeyReused.into()),
            LedgerAnswer::Never => return Err(Refusal::HoldGivenUp.into()),
            LedgerAnswer::OutOfRange => return Err(Refusal::OutOfRange.into()),
            other => unreachable!("a hold is never answered {other:?}"),
        };
        Ok((self.outside_hold(name).await?, taken_before))
    }

    /// Sells a part, or the whole hold; a whole hold of which anything was released is not sold.
    pub async fn commit_hold(&self, name: &HoldName, part: Option<Part>) -> Result<OutsideHold, Error> {
        match self.ask_ledger(name, OutsideRequest::Commit { part }).await? {
            LedgerAnswer::Committed | LedgerAnswer::AlreadyCommitted => self.outside_hold(name).await,
            other => Err(ended(&other)),
        }
    }

    /// Gives a part back, or whatever of the hold is still held. `None`: no such hold was ever taken, and now never will
    /// be.
    pub async fn release_hold(&self, name: &HoldName, part: Option<Part>) -> Result<Option<OutsideHold>, Error> {
        match self.ask_ledger(name, OutsideRequest::Release { part }).await? {
            LedgerAnswer::Released | LedgerAnswer::AlreadyReleased => self.outside_hold(name).await.map(Some),
            LedgerAnswer::Never => Ok(None),
            other => Err(ended(&other)),
        }
    }

    /// Moves the deadline of a part, or of everything that is still held.
    pub async fn extend_hold(&self, name: &HoldName, part: Option<Part>, within_ms: i64) -> Result<OutsideHold, Error> {
        match self.ask_ledger(name, OutsideRequest::Extend { part, within_ms }).await? {
            LedgerAnswer::Extended => self.outside_hold(name).await,
            other => Err(ended(&other)),
        }
    }

    /// A hold as it is now.
    pub async fn outside_hold(&self, name: &HoldName) -> Result<OutsideHold, Error> {
        let (ledger, id) = (&self.inner.ports.ledger, name.id());
        // Deadlines first: a part that ends in between is then shown as ended, whatever its deadline was.
        let (check_url, mut deadlines) = match ledger.outside(name.tenant, &id).await? {
            Some(Outside::Taken { check_url, deadlines, .. }) => (check_url, deadlines),
            Some(Outside::Never) => return Err(Refusal::HoldGivenUp.into()),
            None => return Err(Refusal::not_found("hold").into()),
        };
        let record = ledger.hold(name.tenant, &id).await?.ok_or_else(|| Refusal::not_found("hold"))?;
        deadlines.retain(|(part, _)| record.part(part) == Some(PartState::Held));
        let mut account_nos: Vec<i64> = record.lines.iter().map(|line| line.account_no).collect();
        account_nos.sort_unstable();
        account_nos.dedup();
        let accounts = ledger.accounts_by_no(&account_nos).await?;
        Ok(OutsideHold { record, accounts, deadlines, check_url })
    }

    async fn ask_ledger(&self, name: &HoldName, request: OutsideRequest) -> Result<LedgerAnswer, Error> {
        let request = LedgerRequest::Outside { tenant: name.tenant, id: name.id(), request };
        self.inner.ledger.offer(request).await
    }
}

/// Why a hold cannot be ended or extended as asked.
fn ended(answer: &LedgerAnswer) -> Error {
    match answer {
        LedgerAnswer::AlreadyCommitted => Refusal::HoldEnded { state: PartState::Committed }.into(),
        LedgerAnswer::AlreadyReleased => Refusal::HoldEnded { state: PartState::Released }.into(),
        LedgerAnswer::Never => Refusal::HoldGivenUp.into(),
        LedgerAnswer::UnknownHold => Refusal::not_found("hold").into(),
        other => unreachable!("the end of a hold is never answered {other:?}"),
    }
}
