//! Every hold of an outside caller: ended only as its taker decided or its deadline allows, and as the taker was told.

use holdline_domain::ledger::{HoldRecord, MovementKind, Outside, Part, PartState};
use holdline_domain::port::HoldWord;

use super::{Evidence, Findings, name};
use crate::model::{BEGIN, StoredMovement};
use crate::sim::takers::HoldPart;

/// How long after its last pause a part may wait for the job: its tick, the taker's answer, a page before it.
const LATE_MS: i64 = 30_000;

/// How far the ledger's clock may step unnoticed.
const STEP_MS: i64 = 10_000;

/// Whether a hold was taken by an outside caller, by the form of its key.
pub(super) fn is_outside(hold: &HoldRecord) -> bool {
    hold.id.key.as_str().ends_with("/erp/hold")
}

fn name_in(hold: &HoldRecord) -> String {
    hold.id.key.as_str().trim_end_matches("/erp/hold").to_owned()
}

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    for stored in &evidence.ledger.movements {
        let movement = &stored.movement;
        let hold = movement.hold_no.and_then(|no| evidence.ledger.holds.get(&no)).map(|stored| &stored.hold);
        let Some(hold) = hold.filter(|hold| is_outside(hold)) else { continue };
        let Some(Part::Seller(part)) = &movement.part else { continue };
        let id = (name_in(hold), part.to_string());
        match movement.kind {
            MovementKind::Release => judge_release(evidence, &id, stored, findings),
            MovementKind::Commit => findings.unless(
                decided(evidence, &id, HoldWord::Committed, stored.written_at_ms),
                "sold_as_its_taker_decided",
                || format!("{}, part {part}: nobody decided to sell it", name(hold)),
            ),
            _ => {}
        }
    }
    judge_told(evidence, findings);
    judge_overdue(evidence, findings);
}

fn decided(evidence: &Evidence, id: &HoldPart, word: HoldWord, by_ms: i64) -> bool {
    evidence.takers.decided.get(id).is_some_and(|(decided, at_ms)| *decided == word && *at_ms <= by_ms)
}

/// A part is given back because its taker gave it up, or says so when asked; unasked, once every deadline it was told of
/// has passed.
fn judge_release(evidence: &Evidence, id: &HoldPart, stored: &StoredMovement, findings: &mut Findings) {
    let book = &evidence.takers;
    let by_ms = stored.written_at_ms;
    let gave_up = book.gave_up.get(id).is_some_and(|at_ms| *at_ms <= by_ms);
    let allowed = if book.asks.get(&id.0) == Some(&true) {
        gave_up || decided(evidence, id, HoldWord::Released, by_ms)
    } else {
        let told = book.told.iter().filter(|(of, _, _, told_ms)| of == id && *told_ms <= by_ms);
        // The ledger's clock may step between the look and the release, and jump before it stamps the release.
        let passed = stored.at.max(BEGIN.plus_ms(by_ms)).plus_ms(STEP_MS);
        gave_up || told.filter_map(|(_, _, deadline, _)| *deadline).all(|deadline| deadline <= passed)
    };
    findings.unless(allowed, "nothing_is_given_back_on_silence", || {
        let told: Vec<_> = book.told.iter().filter(|(of, ..)| of == id).collect();
        let asks = book.asks.get(&id.0);
        format!(
            "{id:?} was released at {by_ms} ms ({:?}): asks {asks:?}, decided {:?}, told {told:?}",
            stored.at,
            book.decided.get(id)
        )
    });
}

fn judge_told(evidence: &Evidence, findings: &mut Findings) {
    let hold_of = |hold_name: &str| {
        let mut holds = evidence.ledger.holds.values().map(|stored| &stored.hold);
        holds.find(|hold| is_outside(hold) && name_in(hold) == hold_name)
    };
    for given_up in &evidence.takers.never {
        findings.unless(hold_of(given_up).is_none(), "a_given_up_hold_is_never_taken", || {
            format!("{given_up} was said to be never, and is there")
        });
    }
    for ((hold_name, part), state, ..) in &evidence.takers.told {
        let stands = hold_of(hold_name).and_then(|hold| {
            let of =
                |(candidate, _): &&(Part, PartState)| matches!(candidate, Part::Seller(name) if name.as_str() == part);
            hold.parts.iter().find(of).map(|(_, state)| *state)
        });
        let kept = *state == PartState::Held || stands == Some(*state);
        findings.unless(stands.is_some() && kept, "a_hold_stays_as_its_taker_was_told", || {
            format!("{hold_name}, part {part}: told {state:?}, is {stands:?}")
        });
    }
}

/// What is due and can be ended has been: unasked, or because its taker has decided.
fn judge_overdue(evidence: &Evidence, findings: &mut Findings) {
    for ((_, id), outside) in &evidence.ledger.outside {
        let Outside::Taken { hold_no, check_url, deadlines } = outside else { continue };
        let Some(stored) = evidence.ledger.holds.get(hold_no) else {
            findings.found("a_row_beside_a_hold_has_its_hold", format!("{id:?} names hold {hold_no}"));
            continue;
        };
        let held = stored.hold.parts.iter().filter(|(_, state)| *state == PartState::Held).map(|(part, _)| part);
        findings.unless(held.eq(deadlines.iter().map(|(part, _)| part)), "each_held_part_has_its_deadline", || {
            format!("{}: parts {:?}, deadlines {deadlines:?}", name(&stored.hold), stored.hold.parts)
        });
        for (part, deadline) in deadlines {
            let Part::Seller(part) = part else { continue };
            let decided = evidence.takers.decided.contains_key(&(name_in(&stored.hold), part.to_string()));
            let is_late = deadline.visit.plus_ms(LATE_MS) < evidence.shard_now;
            findings.unless(!is_late || (check_url.is_some() && !decided), "overdue_holds_are_ended", || {
                format!("{}, part {part}: {deadline:?}, now {:?}", name(&stored.hold), evidence.shard_now)
            });
        }
    }
}
