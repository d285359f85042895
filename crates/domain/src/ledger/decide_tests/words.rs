//! The ledger's answers in the words of the model that the properties compare it with.

use crate::ledger::LedgerAnswer;

/// The real answer in the model's words.
pub(super) fn in_words(answer: &LedgerAnswer) -> String {
    match answer {
        LedgerAnswer::Held(_) => "held".to_owned(),
        LedgerAnswer::AlreadyHeld(_) => "already_held".to_owned(),
        LedgerAnswer::AlreadyResolved(_) => "already_resolved".to_owned(),
        LedgerAnswer::Insufficient(short) => {
            let short: Vec<_> = short.iter().map(|s| format!("{}:{}/{}", s.sku, s.requested, s.available)).collect();
            format!("insufficient {}", short.join(","))
        }
        LedgerAnswer::ContentMismatch => "content_mismatch".to_owned(),
        LedgerAnswer::Committed => "committed".to_owned(),
        LedgerAnswer::AlreadyCommitted => "already_committed".to_owned(),
        LedgerAnswer::Released => "released".to_owned(),
        LedgerAnswer::AlreadyReleased => "already_released".to_owned(),
        LedgerAnswer::UnknownHold => "unknown_hold".to_owned(),
        LedgerAnswer::Shipped => "ship".to_owned(),
        LedgerAnswer::AlreadyShipped => "already_ship".to_owned(),
        LedgerAnswer::Unallocated => "unallocate".to_owned(),
        LedgerAnswer::AlreadyUnallocated => "already_unallocate".to_owned(),
        LedgerAnswer::NotAllocated { requested, allocated } => format!("not_allocated {requested}/{allocated}"),
        LedgerAnswer::Adjusted(_) => "adjust".to_owned(),
        LedgerAnswer::AlreadyAdjusted(_) => "already_adjust".to_owned(),
        LedgerAnswer::ReferenceMismatch { kind, quantity } => {
            format!("reference_mismatch {} {quantity}", kind.as_str())
        }
        LedgerAnswer::BreaksHolds(_) => "breaks_holds".to_owned(),
        LedgerAnswer::FlagsSet(_) => "flags_set".to_owned(),
        LedgerAnswer::RestMoved { units } => format!("rest_moved {units}"),
        LedgerAnswer::OutOfRange => "out_of_range".to_owned(),
        LedgerAnswer::Never | LedgerAnswer::Extended | LedgerAnswer::Visited | LedgerAnswer::Overtaken => {
            unreachable!("{answer:?} answers outside holds only")
        }
    }
}
