//! From refusals and faults to problems: one exhaustive match each, no catch-all arm.

use std::borrow::Cow;

use holdline_app::Error;
use holdline_domain::fault::{Fault, FaultKind, Outcome};
use holdline_domain::id::{InvalidCode, InvalidField};
use holdline_domain::ledger::{Shortage, ShortageCause};
use holdline_domain::order::{FulfillmentStatus, OrderNo};
use holdline_domain::refusal::{Difference, Refusal};

use super::{Code, ErrorEntry, Facts, Problem, Reason};
use crate::wire::hold::state_name;
use crate::wire::{At, Money};

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => of_refusal(&refusal),
            Error::Busy { queue, retry_after_ms } => Problem::new(Code::Busy)
                .facts(Facts { retry_after_ms: Some(retry_after_ms), ..Facts::default() })
                .retry_after_ms(retry_after_ms)
                .inside(queue),
            Error::OutcomeUnknown => outcome_unknown(),
            Error::Fault(fault) => of_fault(&fault),
        }
    }
}

impl From<InvalidField> for Problem {
    fn from(invalid: InvalidField) -> Self {
        of_invalid(&invalid)
    }
}

/// It may or may not have happened.
pub(crate) fn outcome_unknown() -> Problem {
    Problem::new(Code::OutcomeUnknown).detail(
        "It may or may not have happened. The same request with the same key (or reference) tells, and never happens \
         twice.",
    )
}

fn of_fault(fault: &Fault) -> Problem {
    let problem = match (fault.outcome, fault.kind) {
        (Outcome::Unknown, _) => outcome_unknown(),
        (Outcome::NotDone, FaultKind::Full) => Problem::new(Code::StoreFull),
        (Outcome::NotDone, FaultKind::Unavailable | FaultKind::Conflict | FaultKind::Clock) => {
            Problem::new(Code::Unavailable)
        }
        (Outcome::NotDone, FaultKind::Schema | FaultKind::Rejected) => Problem::new(Code::Internal),
    };
    problem.inside(fault)
}

/// The problem that a refusal is shown as.
pub(crate) fn of_refusal(refusal: &Refusal) -> Problem {
    match refusal {
        Refusal::InvalidField(invalid) => of_invalid(invalid),
        Refusal::OrderRefused { differences } => of_differences(differences),
        Refusal::KeyReused => Problem::new(Code::KeyReused),
        Refusal::SubmitAbandoned => Problem::new(Code::SubmitAbandoned),
        Refusal::NotDecidedInTime { decide_by } => {
            Problem::new(Code::NotDecidedInTime).facts(Facts { decide_by: Some(At(*decide_by)), ..Facts::default() })
        }
        Refusal::NotFound { what } => {
            Problem::new(Code::NotFound).detail(format!("There is no such {}.", what.replace('_', " ")))
        }
        Refusal::OrderState { order_no, status } => Problem::new(Code::OrderState)
            .detail(format!("The order is {status}."))
            .facts(Facts { order_no: Some(order_no.clone()), order_status: Some(status.as_str()), ..Facts::default() }),
        Refusal::PaymentOpen { order_no, attempt } => Problem::new(Code::PaymentOpen)
            .detail(format!("The attempt {attempt} is open at its provider."))
            .facts(Facts { order_no: Some(order_no.clone()), attempt: Some(attempt.clone()), ..Facts::default() }),
        Refusal::GoodsShipped { order_no, fulfillment } => {
            fulfillment_problem(Code::GoodsShipped, order_no, *fulfillment)
        }
        Refusal::NotDelivered { order_no, fulfillment } => {
            fulfillment_problem(Code::NotDelivered, order_no, *fulfillment)
        }
        Refusal::OrderPaused { order_no, reason } => Problem::new(Code::OrderPaused)
            .detail(format!("Its fulfillment is stopped: {reason}."))
            .facts(Facts { order_no: Some(order_no.clone()), ..Facts::default() }),
        Refusal::RefundTooLarge { requested, refundable, currency } => {
            let money = |amount| Some(Money::new(amount, *currency));
            Problem::new(Code::RefundTooLarge).facts(Facts {
                requested_amount: money(*requested),
                refundable: money(*refundable),
                ..Facts::default()
            })
        }
        Refusal::LineQuantity { line_no, requested, available } => Problem::new(Code::LineQuantity)
            .detail(format!("Line {line_no} has {available} such units, {requested} were asked for."))
            .facts(Facts {
                line_no: Some(*line_no),
                requested: Some(*requested),
                available: Some(*available),
                ..Facts::default()
            }),
        Refusal::ReturnWindowClosed { closed } => {
            Problem::new(Code::ReturnWindowClosed).facts(Facts { closed: Some(At(*closed)), ..Facts::default() })
        }
        Refusal::ReturnState { n, state } => {
            Problem::new(Code::ReturnState).detail(format!("Return {n} of the order is {state}."))
        }
        Refusal::PaymentRefused { reason } => {
            Problem::new(Code::PaymentRefused).detail(format!("The provider says: {reason}."))
        }
        Refusal::NothingOwed => Problem::new(Code::NothingOwed),
        Refusal::VersionMismatch { current_version } => Problem::new(Code::VersionMismatch)
            .detail(format!("The version is {}.", current_version.0))
            .facts(Facts { current_version: Some(current_version.0), ..Facts::default() }),
        Refusal::BreaksHolds { on_hand, held, allocated } => Problem::new(Code::BreaksHolds).facts(Facts {
            on_hand: Some(*on_hand),
            held: Some(*held),
            allocated: Some(*allocated),
            ..Facts::default()
        }),
        Refusal::ReferenceReused { kind, quantity } => Problem::new(Code::ReferenceReused).facts(Facts {
            movement_kind: Some(kind.as_str()),
            movement_quantity: Some(*quantity),
            ..Facts::default()
        }),
        Refusal::HoldRefused { shortages } => {
            let mut problem = Problem::new(Code::HoldRefused);
            problem.errors = shortages.iter().cloned().map(|short| entry_of(&Difference::Short(short))).collect();
            problem
        }
        Refusal::HoldEnded { state } => Problem::new(Code::HoldEnded)
            .detail(format!("It is {}.", state_name(*state)))
            .facts(Facts { hold_state: Some(state_name(*state)), ..Facts::default() }),
        Refusal::HoldGivenUp => Problem::new(Code::HoldGivenUp),
        Refusal::PeriodOverlaps { period } => {
            let facts = Facts { period: Some(period.to_string()), ..Facts::default() };
            Problem::new(Code::PeriodOverlaps)
                .detail(format!("It would overlap {period:?}.", period = period.as_str()))
                .facts(facts)
        }
        Refusal::PeriodBegun => Problem::new(Code::PeriodBegun),
        Refusal::TooManyWebhooks => Problem::new(Code::TooManyWebhooks),
        Refusal::CursorOfAnotherEpoch => Problem::new(Code::CursorOfAnotherEpoch),
        Refusal::OutOfRange => Problem::new(Code::OutOfRange),
    }
}

fn fulfillment_problem(code: Code, order_no: &OrderNo, fulfillment: FulfillmentStatus) -> Problem {
    Problem::new(code).detail(format!("The order is {fulfillment}.")).facts(Facts {
        order_no: Some(order_no.clone()),
        fulfillment_status: Some(fulfillment.as_str()),
        ..Facts::default()
    })
}

fn of_invalid(invalid: &InvalidField) -> Problem {
    let reason = match invalid.code {
        InvalidCode::Empty => Reason::Empty,
        InvalidCode::TooLong => Reason::TooLong,
        InvalidCode::BadCharacter => Reason::BadCharacter,
        InvalidCode::OutOfRange => Reason::FieldOutOfRange,
        InvalidCode::Malformed => Reason::Malformed,
    };
    let in_body = invalid.field.starts_with('/');
    let mut problem = Problem::new(Code::InvalidField).detail(format!("{invalid}."));
    problem.errors.push(ErrorEntry {
        code: reason.entry().code,
        pointer: in_body.then(|| invalid.field.clone().into()),
        parameter: (!in_body).then(|| invalid.field.clone()),
        detail: Some(invalid.problem.clone().into()),
        facts: Facts::default(),
    });
    problem
}

fn of_differences(differences: &[Difference]) -> Problem {
    let mut problem = Problem::new(Code::OrderRefused);
    if let [only] = differences {
        problem.detail = Cow::Borrowed(reason_of(only).entry().meaning);
    }
    problem.errors = differences.iter().map(entry_of).collect();
    problem
}

pub(super) fn reason_of(difference: &Difference) -> Reason {
    match difference {
        Difference::UnknownSku { .. } => Reason::UnknownSku,
        Difference::OffShelf { .. } => Reason::OffShelf,
        Difference::SellerDiffers { .. } => Reason::SellerDiffers,
        Difference::PriceChanged { .. } => Reason::PriceChanged,
        Difference::CurrencyDiffers { .. } => Reason::CurrencyDiffers,
        Difference::TotalDiffers { .. } => Reason::TotalDiffers,
        Difference::DiscountTooLarge { .. } => Reason::DiscountTooLarge,
        Difference::AdjustmentWithoutLine { .. } => Reason::AdjustmentWithoutLine,
        Difference::BetweenPeriods { .. } => Reason::BetweenPeriods,
        Difference::Short(Shortage { cause: ShortageCause::Stock, .. }) => Reason::InsufficientStock,
        Difference::Short(Shortage { cause: ShortageCause::SoldOut, .. }) => Reason::SoldOut,
        Difference::Short(Shortage { cause: ShortageCause::Quota, .. }) => Reason::QuotaExceeded,
    }
}

fn entry_of(difference: &Difference) -> ErrorEntry {
    let (pointer, facts) = match difference {
        Difference::UnknownSku { line, sku } | Difference::OffShelf { line, sku } => {
            (Some(format!("/lines/{line}/sku")), Facts { sku: Some(sku.clone()), ..Facts::default() })
        }
        Difference::SellerDiffers { line, sku, given, actual } => {
            let facts = Facts {
                sku: Some(sku.clone()),
                seller: Some(actual.clone()),
                given_seller: Some(given.clone()),
                ..Facts::default()
            };
            (Some(format!("/lines/{line}/seller")), facts)
        }
        Difference::PriceChanged { line, sku, old_price, new_price, currency } => {
            let facts = Facts {
                sku: Some(sku.clone()),
                old_price: Some(Money::new(*old_price, *currency)),
                new_price: Some(Money::new(*new_price, *currency)),
                ..Facts::default()
            };
            (Some(format!("/lines/{line}/unit_price")), facts)
        }
        Difference::CurrencyDiffers { line, sku, given, expected } => {
            let facts = Facts {
                sku: Some(sku.clone()),
                given_currency: Some(*given),
                expected_currency: Some(*expected),
                ..Facts::default()
            };
            (Some(format!("/lines/{line}/unit_price/currency")), facts)
        }
        Difference::TotalDiffers { expected, actual, currency } => {
            let facts = Facts {
                expected_total: Some(Money::new(*expected, *currency)),
                actual_total: Some(Money::new(*actual, *currency)),
                ..Facts::default()
            };
            (Some("/expected_total".to_owned()), facts)
        }
        Difference::DiscountTooLarge { seller, gross, discount, currency } => {
            let facts = Facts {
                seller: Some(seller.clone()),
                gross: Some(Money::new(*gross, *currency)),
                discount: Some(Money::new(*discount, *currency)),
                ..Facts::default()
            };
            (Some("/adjustments".to_owned()), facts)
        }
        Difference::AdjustmentWithoutLine { adjustment, seller } => {
            let facts = Facts { seller: Some(seller.clone()), ..Facts::default() };
            (Some(format!("/adjustments/{adjustment}/seller")), facts)
        }
        Difference::BetweenPeriods { line, sku, opens } => {
            let facts = Facts { sku: Some(sku.clone()), period_opens: Some(At(*opens)), ..Facts::default() };
            (Some(format!("/lines/{line}/sku")), facts)
        }
        Difference::Short(short) => (None, facts_of_shortage(short)),
    };
    let code = reason_of(difference).entry().code;
    ErrorEntry { code, pointer: pointer.map(Cow::Owned), parameter: None, detail: None, facts }
}

fn facts_of_shortage(short: &Shortage) -> Facts {
    let Shortage { sku, cause: _, requested, available, account_version } = short;
    Facts {
        sku: Some(sku.clone()),
        requested: Some(*requested),
        available: Some(*available),
        account_version: Some(*account_version),
        ..Facts::default()
    }
}
