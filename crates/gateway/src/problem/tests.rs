//! Tests of problems: every refusal and fault has its code, status and facts.

use holdline_app::Error;
use holdline_domain::fault::{Fault, FaultKind};
use holdline_domain::id::{InvalidCode, InvalidField, PeriodName, Version};
use holdline_domain::ledger::{MovementKind, Shortage, ShortageCause};
use holdline_domain::money::{Currency, Minor};
use holdline_domain::order::OrderStatus;
use holdline_domain::refusal::{Difference, Refusal};
use holdline_domain::time::UnixMillis;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::*;

async fn answer(problem: &Problem) -> (StatusCode, Value) {
    let response = problem.response("/v1/orders", Some("r-1"));
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

fn refusals() -> Vec<(Refusal, u16)> {
    let order_no = OrderNo::try_new("260801120000007000100000042").unwrap();
    vec![
        (InvalidField::new("/lines", InvalidCode::Empty, "must have at least one line").into(), 422),
        (Refusal::OrderRefused { differences: differences() }, 422),
        (Refusal::KeyReused, 422),
        (Refusal::SubmitAbandoned, 409),
        (Refusal::not_found("order_group"), 404),
        (Refusal::OrderState { order_no, status: OrderStatus::Expired }, 409),
        (Refusal::VersionMismatch { current_version: Version(7) }, 412),
        (Refusal::BreaksHolds { on_hand: 1, held: 2, allocated: 3 }, 422),
        (Refusal::ReferenceReused { kind: MovementKind::Adjust, quantity: -4 }, 422),
        (Refusal::PeriodOverlaps { period: PeriodName::try_new("ten").unwrap() }, 409),
        (Refusal::PeriodBegun, 409),
        (Refusal::OutOfRange, 422),
    ]
}

fn differences() -> Vec<Difference> {
    let sku = SkuCode::try_new("MUG-1").unwrap();
    let seller = SellerId::try_new("s1").unwrap();
    let (cny, eur) = (Currency::try_new("CNY").unwrap(), Currency::try_new("EUR").unwrap());
    let short = |cause| {
        let sku = SkuCode::try_new("MUG-1").unwrap();
        Difference::Short(Shortage { sku, cause, requested: 3, available: 1, account_version: 9 })
    };
    vec![
        Difference::UnknownSku { line: 0, sku: sku.clone() },
        Difference::OffShelf { line: 1, sku: sku.clone() },
        Difference::PriceChanged { line: 2, sku: sku.clone(), old_price: Minor(1), new_price: Minor(2), currency: cny },
        Difference::CurrencyDiffers { line: 3, sku: sku.clone(), given: eur, expected: cny },
        Difference::TotalDiffers { expected: Minor(1), actual: Minor(2), currency: cny },
        Difference::DiscountTooLarge { seller: seller.clone(), gross: Minor(1), discount: Minor(2), currency: cny },
        Difference::AdjustmentWithoutLine { adjustment: 4, seller },
        short(ShortageCause::Stock),
        short(ShortageCause::SoldOut),
        short(ShortageCause::Quota),
        Difference::BetweenPeriods { line: 5, sku, opens: UnixMillis(0) },
    ]
}

#[tokio::test]
async fn a_refusal_keeps_its_code_and_has_its_status() {
    for (refusal, status) in refusals() {
        let (answered, body) = answer(&of_refusal(&refusal)).await;
        assert_eq!((answered.as_u16(), body["code"].as_str()), (status, Some(refusal.code())), "{refusal:?}");
        assert_eq!(body["status"], status);
        assert_eq!(body["type"], format!("urn:holdline:problem:{}", refusal.code()));
        assert_eq!((&body["instance"], &body["request_id"]), (&json!("/v1/orders"), &json!("r-1")));
    }
}

#[tokio::test]
async fn an_order_refusal_has_every_reason_with_place_and_facts() {
    let (_, body) = answer(&of_refusal(&Refusal::OrderRefused { differences: differences() })).await;
    let codes: Vec<_> = differences().iter().map(|difference| json!(difference.code())).collect();
    let errors = body["errors"].as_array().unwrap();
    assert_eq!(errors.iter().map(|error| error["code"].clone()).collect::<Vec<_>>(), codes);
    assert_eq!(
        errors[2],
        json!({
            "code": "price_changed", "pointer": "/lines/2/unit_price", "sku": "MUG-1",
            "old_price": {"amount": 1, "currency": "CNY"}, "new_price": {"amount": 2, "currency": "CNY"},
        })
    );
    assert_eq!(
        errors[7],
        json!({"code": "insufficient_stock", "sku": "MUG-1", "requested": 3, "available": 1, "account_version": 9})
    );
}

#[tokio::test]
async fn a_stale_version_tells_the_current_one() {
    let (_, body) = answer(&of_refusal(&Refusal::VersionMismatch { current_version: Version(7) })).await;
    assert_eq!(body["current_version"], 7);
}

#[tokio::test]
async fn a_field_is_named_by_pointer_in_the_body_and_by_name_elsewhere() {
    let pointer = |field| {
        let problem = Problem::from(InvalidField::new(field, InvalidCode::TooLong, "is too long"));
        (problem.errors[0].pointer.clone(), problem.errors[0].parameter.clone())
    };
    assert_eq!(pointer("/lines/0/sku"), (Some("/lines/0/sku".into()), None));
    assert_eq!(pointer("limit"), (None, Some("limit".to_owned())));
}

#[test]
fn a_fault_tells_what_is_known_and_nothing_of_the_inside() {
    let not_done = |kind| Problem::from(Error::Fault(Fault::not_done("orders", kind, "10.0.0.7 refused")));
    for (kind, code) in [
        (FaultKind::Unavailable, Code::Unavailable),
        (FaultKind::Conflict, Code::Unavailable),
        (FaultKind::Clock, Code::Unavailable),
        (FaultKind::Full, Code::StoreFull),
        (FaultKind::Schema, Code::Internal),
        (FaultKind::Rejected, Code::Internal),
    ] {
        let problem = not_done(kind);
        assert_eq!(problem.code, code, "{kind:?}");
        let body = serde_json::to_string(&problem.body(None, None)).unwrap();
        assert!(!body.contains("10.0.0.7"), "{body}");
    }
    let unknown = Fault::unknown("orders", FaultKind::Unavailable, "the connection was cut");
    assert_eq!(Problem::from(Error::Fault(unknown)).code, Code::OutcomeUnknown);
    assert_eq!(Problem::from(Error::OutcomeUnknown).code, Code::OutcomeUnknown);
}

#[test]
fn a_retry_is_asked_for_in_whole_seconds_of_at_least_one() {
    let retry_after = |problem: Problem| {
        problem.response("/", None).headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned())
    };
    let busy = |retry_after_ms| Problem::from(Error::Busy { queue: "ledger", retry_after_ms });
    assert_eq!(retry_after(busy(0)).as_deref(), Some("1"));
    assert_eq!(retry_after(busy(1_001)).as_deref(), Some("2"));
    assert_eq!(retry_after(Problem::new(Code::OutcomeUnknown)).as_deref(), Some("1"));
    assert_eq!(retry_after(Problem::new(Code::NotFound)), None);
}

#[test]
fn every_reason_has_the_code_that_the_domain_gives_it() {
    for difference in differences() {
        assert_eq!(super::refusal::reason_of(&difference).entry().code, difference.code());
    }
}
