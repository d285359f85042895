//! The part of the rule that only holds of outside callers have: terms, deadlines and tombstones.

use std::collections::BTreeMap;

use super::Batch;
use crate::id::{Fingerprint, TenantId};
use crate::ledger::{
    Deadline, DeadlineWrite, Demand, HoldId, HoldRecord, LedgerAnswer, Outside, OutsideRequest, OutsideWrite, Part,
    PartState, Resolution, Terms,
};
use crate::time::UnixMillis;

impl Batch {
    pub(super) fn outside(&mut self, tenant: TenantId, id: &HoldId, request: &OutsideRequest) -> LedgerAnswer {
        match request {
            OutsideRequest::Take { content, demands, terms } => self.take(tenant, id, *content, demands, terms),
            OutsideRequest::Commit { part } => self.commit(tenant, id, part.as_ref()),
            OutsideRequest::Release { part } => self.release(tenant, id, part.as_ref()),
            OutsideRequest::Extend { part, within_ms } => self.extend(tenant, id, part.as_ref(), *within_ms),
            OutsideRequest::Visit { part, visits, wait_ms } => self.visit(tenant, id, part, *visits, *wait_ms),
            OutsideRequest::Expire { part, deadline } => self.expire(tenant, id, part, *deadline),
        }
    }

    fn take(
        &mut self,
        tenant: TenantId,
        id: &HoldId,
        content: Fingerprint,
        demands: &[Demand],
        terms: &Terms,
    ) -> LedgerAnswer {
        let key = (tenant, id.clone());
        if self.outside.get(&key) == Some(&Outside::Never) {
            return LedgerAnswer::Never;
        }
        let answer = self.hold(tenant, id, content, &[], demands);
        if let LedgerAnswer::Held(HoldRecord { hold_no, parts, .. }) = &answer {
            let deadline = Deadline::fresh(self.now.plus_ms(terms.within_ms));
            let deadlines: Vec<_> = parts.iter().map(|(part, _)| (part.clone(), deadline)).collect();
            self.changed_deadlines.extend(deadlines.iter().map(|(part, _)| (*hold_no, part.clone())));
            let check_url = terms.check_url.clone();
            self.new_outside.push(OutsideWrite { tenant, id: id.clone(), hold_no: Some(*hold_no), check_url });
            let check_url = terms.check_url.clone();
            self.outside.insert(key, Outside::Taken { hold_no: *hold_no, check_url, deadlines });
        }
        answer
    }

    /// A taker that sells the whole must not believe that it sold what its deadline took away.
    fn commit(&mut self, tenant: TenantId, id: &HoldId, part: Option<&Part>) -> LedgerAnswer {
        let known = self.holds.get(&(tenant, id.clone()));
        if part.is_none() && known.is_some_and(HoldRecord::any_released) {
            return LedgerAnswer::AlreadyReleased;
        }
        self.resolve(tenant, id, part, Resolution::Commit)
    }

    fn release(&mut self, tenant: TenantId, id: &HoldId, part: Option<&Part>) -> LedgerAnswer {
        let key = (tenant, id.clone());
        if let Some(known) = self.holds.get(&key) {
            if part.is_none() && !known.is_open() && known.any_released() {
                return LedgerAnswer::AlreadyReleased;
            }
            return self.resolve(tenant, id, part, Resolution::Release);
        }
        if part.is_some() && !self.outside.contains_key(&key) {
            return LedgerAnswer::UnknownHold;
        }
        if self.outside.insert(key, Outside::Never).is_none() {
            self.new_outside.push(OutsideWrite { tenant, id: id.clone(), hold_no: None, check_url: None });
        }
        LedgerAnswer::Never
    }

    fn extend(&mut self, tenant: TenantId, id: &HoldId, part: Option<&Part>, within_ms: i64) -> LedgerAnswer {
        if let Some(ended) = self.ended(tenant, id, part) {
            return ended;
        }
        let to = self.now.plus_ms(within_ms);
        self.each_deadline(tenant, id, part, |deadline| {
            *deadline = Deadline::fresh(to.max(deadline.at));
        });
        LedgerAnswer::Extended
    }

    fn visit(&mut self, tenant: TenantId, id: &HoldId, part: &Part, visits: i32, wait_ms: i64) -> LedgerAnswer {
        let next = self.now.plus_ms(wait_ms);
        let mut claimed = false;
        self.each_deadline(tenant, id, Some(part), |deadline| {
            if deadline.visits == visits {
                claimed = true;
                *deadline = Deadline { visit: next, visits: visits.saturating_add(1), ..*deadline };
            }
        });
        if claimed { LedgerAnswer::Visited } else { LedgerAnswer::Overtaken }
    }

    fn expire(&mut self, tenant: TenantId, id: &HoldId, part: &Part, deadline: UnixMillis) -> LedgerAnswer {
        let stands = match self.outside.get(&(tenant, id.clone())) {
            Some(Outside::Taken { deadlines, .. }) => {
                deadlines.iter().any(|(of, stored)| of == part && stored.at == deadline)
            }
            Some(Outside::Never) | None => false,
        };
        if stands { self.resolve(tenant, id, Some(part), Resolution::Release) } else { LedgerAnswer::Overtaken }
    }

    /// How the part, or the whole hold, has ended; `None` while something of it is held.
    fn ended(&self, tenant: TenantId, id: &HoldId, part: Option<&Part>) -> Option<LedgerAnswer> {
        let Some(hold) = self.holds.get(&(tenant, id.clone())) else {
            return Some(LedgerAnswer::UnknownHold);
        };
        let asked = |of: &Part| part.is_none_or(|part| part == of);
        let mut states = hold.parts.iter().filter(|(of, _)| asked(of)).map(|(_, state)| *state).peekable();
        match states.peek().copied() {
            None => Some(LedgerAnswer::UnknownHold),
            Some(_) if states.any(|state| state == PartState::Held) => None,
            Some(PartState::Committed) => Some(LedgerAnswer::AlreadyCommitted),
            Some(PartState::Held | PartState::Released) => Some(LedgerAnswer::AlreadyReleased),
        }
    }

    fn each_deadline(
        &mut self,
        tenant: TenantId,
        id: &HoldId,
        part: Option<&Part>,
        mut change: impl FnMut(&mut Deadline),
    ) {
        let Some(Outside::Taken { hold_no, deadlines, .. }) = self.outside.get_mut(&(tenant, id.clone())) else {
            return;
        };
        for (of, deadline) in deadlines.iter_mut().filter(|(of, _)| part.is_none_or(|part| part == of)) {
            let before = *deadline;
            change(deadline);
            if *deadline != before {
                self.changed_deadlines.insert((*hold_no, of.clone()));
            }
        }
    }

    /// Parts that have ended have no deadline any more.
    pub(super) fn end_deadlines(&mut self, tenant: TenantId, id: &HoldId, ended: &[Part]) {
        if let Some(Outside::Taken { hold_no, deadlines, .. }) = self.outside.get_mut(&(tenant, id.clone())) {
            deadlines.retain(|(part, _)| !ended.contains(part));
            self.changed_deadlines.extend(ended.iter().map(|part| (*hold_no, part.clone())));
        }
    }

    /// The changed deadlines as they are after the batch, sorted by hold and part.
    pub(super) fn deadline_writes(&self) -> Vec<DeadlineWrite> {
        let by_no: BTreeMap<i64, &[(Part, Deadline)]> = self
            .outside
            .values()
            .filter_map(|outside| match outside {
                Outside::Taken { hold_no, deadlines, .. } => Some((*hold_no, deadlines.as_slice())),
                Outside::Never => None,
            })
            .collect();
        let write = |(hold_no, part): &(i64, Part)| {
            let of_hold = by_no.get(hold_no).copied().unwrap_or_default();
            let deadline = of_hold.iter().find(|(of, _)| of == part).map(|(_, deadline)| *deadline);
            DeadlineWrite { hold_no: *hold_no, part: part.clone(), deadline }
        };
        self.changed_deadlines.iter().map(write).collect()
    }
}
