//! Tests of judging a submit: prices, shelf and sums, all differences at once, and the split by seller.

use std::collections::HashSet;
use std::sync::Arc;

use super::quote::{Adjustment, AdjustmentKind, AdjustmentTarget, Limits, Quote, Submit, SubmitLine, quote};
use super::*;
use crate::catalog::Sku;
use crate::id::{BuyerId, ClientId, GroupKey, InvalidCode, Quantity, SellerId, SkuCode, TenantId, Version};
use crate::ledger::{AccountKey, Part, QuotaKey, StockKey};
use crate::money::{Currency, Minor};
use crate::refusal::{Difference, Refusal};
use crate::tenant::PriceSource;
use crate::time::UnixMillis;

fn currency(code: &str) -> Currency {
    Currency::try_new(code).unwrap()
}

fn seller(id: &str) -> SellerId {
    SellerId::try_new(id).unwrap()
}

fn code(sku: &str) -> SkuCode {
    SkuCode::try_new(sku).unwrap()
}

/// A SKU of the catalog; its title is its code in lower case.
fn sku(name: &str, seller_id: &str, price: i64) -> Sku {
    Sku {
        code: code(name),
        seller: seller(seller_id),
        title: name.to_lowercase(),
        price: Minor(price),
        currency: currency("CNY"),
        on_shelf: true,
        quota_per_buyer: None,
        version: Version(7),
        source_version: None,
    }
}

fn line(name: &str, units: i64, unit_price: i64) -> SubmitLine {
    SubmitLine {
        sku: code(name),
        seller: None,
        quantity: Quantity::try_new(units).unwrap(),
        unit_price: Minor(unit_price),
        currency: currency("CNY"),
        title: None,
        snapshot: None,
    }
}

fn submit(lines: Vec<SubmitLine>) -> Submit {
    Submit {
        tenant: TenantId(1),
        client: ClientId::try_new("app").unwrap(),
        key: GroupKey::from_stored("k/app/place/57"),
        buyer: BuyerId::try_new("ann").unwrap(),
        channel: "web".to_owned(),
        lines,
        adjustments: Vec::new(),
        expected_total: None,
        address: Some("{}".to_owned()),
        note: Some("ring twice".to_owned()),
        price_source: PriceSource::Catalog,
    }
}

fn by_caller(lines: Vec<SubmitLine>) -> Submit {
    let titled = lines.into_iter().map(|line| SubmitLine { title: Some("as sold".to_owned()), ..line }).collect();
    Submit { price_source: PriceSource::Caller, ..submit(titled) }
}

fn adjustment(kind: AdjustmentKind, target: AdjustmentTarget, amount: i64) -> Adjustment {
    Adjustment { kind, target, amount: Minor(amount), reference: "r".to_owned() }
}

fn found(skus: Vec<Sku>) -> Vec<Option<Offer>> {
    skus.into_iter().map(|sku| Some(Offer::always(Arc::new(sku)))).collect()
}

fn differences(result: Result<Quote, Refusal>) -> Vec<Difference> {
    match result {
        Err(Refusal::OrderRefused { differences }) => differences,
        other => panic!("expected a refusal with its differences, got {other:?}"),
    }
}

#[test]
fn splits_the_lines_by_seller_in_the_order_of_the_sellers() {
    let submit = submit(vec![line("A", 2, 100), line("B", 1, 50), line("C", 3, 10)]);
    let quote = quote(&submit, &found(vec![sku("A", "s2", 100), sku("B", "s1", 50), sku("C", "s2", 10)])).unwrap();
    let parts: Vec<_> = quote
        .parts
        .iter()
        .map(|part| (part.seller.as_str(), part.lines.iter().map(|l| l.line_no).collect::<Vec<_>>(), part.total.0))
        .collect();
    assert_eq!(parts, [("s1", vec![2], 50), ("s2", vec![1, 3], 230)]);
    assert_eq!(quote.total, Minor(280));
    assert_eq!(quote.versions, [Version(7); 3]);
}

#[test]
fn demands_stock_for_each_line_and_quota_where_the_sku_has_one() {
    let limited = Sku { quota_per_buyer: Some(4), ..sku("B", "s2", 50) };
    let quote = quote(&submit(vec![line("A", 2, 100), line("B", 3, 50)]), &found(vec![sku("A", "s1", 100), limited]));
    let demands: Vec<_> = quote
        .unwrap()
        .demands
        .into_iter()
        .map(|demand| (demand.part, demand.account, demand.quantity.units(), demand.limit))
        .collect();
    let stock = |name: &str| AccountKey::Stock(StockKey::of(code(name)));
    let quota = AccountKey::Quota(QuotaKey { sku: code("B"), buyer: BuyerId::try_new("ann").unwrap() });
    assert_eq!(
        demands,
        [
            (Part::Seller(seller("s1")), stock("A"), 2, None),
            (Part::Seller(seller("s2")), stock("B"), 3, None),
            (Part::Seller(seller("s2")), quota, 3, Some(4)),
        ]
    );
}

#[test]
fn names_every_difference_of_every_line_at_once() {
    let lines = vec![
        line("GONE", 1, 1),
        line("A", 1, 99),
        line("B", 1, 50),
        SubmitLine { currency: currency("USD"), ..line("C", 1, 10) },
        line("D", 1, 10),
    ];
    let mut skus =
        found(vec![sku("GONE", "s", 1), sku("A", "s", 100), sku("B", "s", 50), sku("C", "s", 10), sku("D", "s", 10)]);
    skus[0] = None;
    skus[2] = found(vec![Sku { on_shelf: false, price: Minor(60), ..sku("B", "s", 0) }]).remove(0);
    skus[4] = found(vec![Sku { currency: currency("USD"), ..sku("D", "s", 10) }]).remove(0);
    let price = |line, name: &str, old, new| Difference::PriceChanged {
        line,
        sku: code(name),
        old_price: Minor(old),
        new_price: Minor(new),
        currency: currency("CNY"),
    };
    let differs = |line, name: &str| Difference::CurrencyDiffers {
        line,
        sku: code(name),
        given: currency("USD"),
        expected: currency("CNY"),
    };
    assert_eq!(
        differences(quote(&submit(lines), &skus)),
        [
            Difference::UnknownSku { line: 0, sku: code("GONE") },
            price(1, "A", 99, 100),
            Difference::OffShelf { line: 2, sku: code("B") },
            price(2, "B", 50, 60),
            differs(3, "C"),
            differs(4, "D"),
        ]
    );
}

#[test]
fn refuses_a_total_that_the_buyer_did_not_see() {
    let seen = |total| Submit { expected_total: Some(Minor(total)), ..submit(vec![line("A", 3, 100)]) };
    let skus = found(vec![sku("A", "s", 100)]);
    assert_eq!(quote(&seen(300), &skus).unwrap().total, Minor(300));
    let total = Difference::TotalDiffers { expected: Minor(299), actual: Minor(300), currency: currency("CNY") };
    assert_eq!(differences(quote(&seen(299), &skus)), [total]);
}

#[test]
fn a_caller_sets_prices_titles_and_snapshots_but_not_the_shelf() {
    let priced = SubmitLine {
        snapshot: Some("{\"colour\":\"red\"}".to_owned()),
        currency: currency("GBP"),
        ..line("A", 2, 255)
    };
    let submit = by_caller(vec![priced]);
    let quote_of = |sku| quote(&submit, &found(vec![sku]));
    let part = quote_of(sku("A", "s", 100)).unwrap().parts.remove(0);
    assert_eq!((part.total, part.lines[0].unit_price), (Minor(510), Minor(255)));
    assert_eq!(part.lines[0].title, "as sold");
    assert_eq!(part.lines[0].snapshot, Snapshot::Caller(Some("{\"colour\":\"red\"}".to_owned())));
    let off = Sku { on_shelf: false, ..sku("A", "s", 100) };
    assert_eq!(differences(quote_of(off)), [Difference::OffShelf { line: 0, sku: code("A") }]);
}

#[test]
fn a_caller_must_use_one_currency() {
    let mixed = by_caller(vec![line("A", 1, 1), SubmitLine { currency: currency("GBP"), ..line("B", 1, 1) }]);
    let differs =
        Difference::CurrencyDiffers { line: 1, sku: code("B"), given: currency("GBP"), expected: currency("CNY") };
    assert_eq!(differences(quote(&mixed, &found(vec![sku("A", "s", 9), sku("B", "s", 9)]))), [differs]);
}

#[test]
fn a_catalog_line_is_sold_under_the_catalogs_title_and_version() {
    let part = quote(&submit(vec![line("A", 1, 100)]), &found(vec![sku("A", "s", 100)])).unwrap().parts.remove(0);
    assert_eq!((part.lines[0].title.as_str(), &part.lines[0].snapshot), ("a", &Snapshot::Catalog(Version(7))));
}

#[test]
fn adjustments_of_a_line_or_a_seller_go_to_that_sellers_part() {
    let mut submit = by_caller(vec![line("A", 1, 1_000), line("B", 1, 500)]);
    submit.adjustments = vec![
        adjustment(AdjustmentKind::Freight, AdjustmentTarget::Seller(seller("s1")), 80),
        adjustment(AdjustmentKind::Discount, AdjustmentTarget::Line(1), 30),
        adjustment(AdjustmentKind::Discount, AdjustmentTarget::Line(2), 500),
        adjustment(AdjustmentKind::Freight, AdjustmentTarget::Line(1), 20),
    ];
    let quote = quote(&submit, &found(vec![sku("A", "s1", 1), sku("B", "s2", 1)])).unwrap();
    let sums = |place: usize| {
        let part = &quote.parts[place];
        (part.goods.0, part.freight.0, part.discount.0, part.total.0, part.adjustments.len())
    };
    assert_eq!(sums(0), (1_000, 100, 30, 1_070, 3));
    assert_eq!(sums(1), (500, 0, 500, 0, 1));
    assert_eq!(quote.total, Minor(1_070));
}

#[test]
fn refuses_a_discount_beyond_goods_and_freight_and_an_adjustment_for_a_stranger() {
    let mut submit = by_caller(vec![line("A", 1, 100)]);
    submit.adjustments = vec![
        adjustment(AdjustmentKind::Freight, AdjustmentTarget::Line(1), 10),
        adjustment(AdjustmentKind::Discount, AdjustmentTarget::Line(1), 111),
        adjustment(AdjustmentKind::Freight, AdjustmentTarget::Seller(seller("stranger")), 5),
    ];
    let too_large = Difference::DiscountTooLarge {
        seller: seller("s"),
        gross: Minor(110),
        discount: Minor(111),
        currency: currency("CNY"),
    };
    let stranger = Difference::AdjustmentWithoutLine { adjustment: 2, seller: seller("stranger") };
    assert_eq!(differences(quote(&submit, &found(vec![sku("A", "s", 1)]))), [stranger, too_large]);
}

#[test]
fn refuses_sums_beyond_64_bits() {
    let units = Quantity::MAX;
    for lines in
        [vec![line("A", units, Minor::MAX.0)], vec![line("A", units, 9_000_000_000), line("A", units, 9_000_000_000)]]
    {
        let skus = found(lines.iter().map(|line| sku("A", "s", line.unit_price.0)).collect());
        assert_eq!(quote(&submit(lines), &skus), Err(Refusal::OutOfRange));
    }
}

#[test]
fn orders_take_the_numbers_that_the_hold_keeps_and_wait_for_payment() {
    let submit = submit(vec![line("A", 2, 100), line("B", 1, 0)]);
    let quote = quote(&submit, &found(vec![sku("A", "s1", 100), sku("B", "s2", 0)])).unwrap();
    let number = |n: u8| OrderNo::try_new(&format!("2608010001010070042012288{n:02}")).unwrap();
    let numbers = [(seller("s2"), number(2)), (seller("s1"), number(1))];
    let orders = quote.clone().orders(&submit, &numbers, 3, 1_800_000).unwrap();
    assert_eq!(
        orders.iter().map(|o| (&o.no, o.seller.as_str())).collect::<Vec<_>>(),
        [(&number(1), "s1"), (&number(2), "s2")]
    );
    let [waiting, free] = &orders[..] else { panic!("two sellers") };
    assert_eq!((waiting.status, waiting.payment), (OrderStatus::PendingPayment, PaymentStatus::Unpaid));
    assert_eq!((free.status, free.payment), (OrderStatus::Confirmed, PaymentStatus::Paid), "nothing to pay");
    assert_eq!((waiting.hold_n, waiting.version, waiting.pay_deadline), (3, Version::FIRST, UnixMillis(1_800_000)));
    assert_eq!((waiting.total, &waiting.note, &waiting.address), (Minor(200), &submit.note, &submit.address));
    assert_eq!(quote.orders(&submit, &numbers[1..], 3, 1), None, "a seller without a number");
}

#[test]
fn a_submit_within_its_limits_is_accepted() {
    let full = Submit {
        address: Some("x".repeat(Limits::ADDRESS_BYTES_MAX)),
        note: Some("x".repeat(Limits::NOTE_BYTES_MAX)),
        ..submit(vec![line("A", 1, 1); Limits::LINES_MAX])
    };
    assert_eq!(full.check(), Ok(()));
}

#[test]
fn a_submit_beyond_a_limit_is_told_which_field() {
    let ok = || submit(vec![line("A", 1, 1)]);
    let caller = || by_caller(vec![line("A", 1, 1)]);
    let first = |change: &dyn Fn(&mut SubmitLine)| {
        let mut submit = caller();
        change(&mut submit.lines[0]);
        submit
    };
    let freight = |target| adjustment(AdjustmentKind::Freight, target, 1);
    let with = |adjustment| Submit { adjustments: vec![adjustment], ..caller() };
    let cases = [
        (submit(Vec::new()), "/lines", InvalidCode::Empty),
        (submit(vec![line("A", 1, 1); Limits::LINES_MAX + 1]), "/lines", InvalidCode::TooLong),
        (Submit { address: Some("x".repeat(4_097)), ..ok() }, "/address", InvalidCode::TooLong),
        (Submit { note: Some("x".repeat(1_025)), ..ok() }, "/note", InvalidCode::TooLong),
        (Submit { channel: "x".repeat(33), ..ok() }, "/channel", InvalidCode::TooLong),
        (Submit { address: Some("\0".to_owned()), ..ok() }, "/address", InvalidCode::BadCharacter),
        (Submit { note: Some("a\0".to_owned()), ..ok() }, "/note", InvalidCode::BadCharacter),
        (Submit { channel: "\0".to_owned(), ..ok() }, "/channel", InvalidCode::BadCharacter),
        (first(&|line| line.title = None), "/lines/0/title", InvalidCode::Empty),
        (first(&|line| line.title = Some("a\nb".to_owned())), "/lines/0/title", InvalidCode::BadCharacter),
        (first(&|line| line.snapshot = Some("x".repeat(4_097))), "/lines/0/snapshot", InvalidCode::TooLong),
        (first(&|line| line.snapshot = Some("\0".to_owned())), "/lines/0/snapshot", InvalidCode::BadCharacter),
        (with(freight(AdjustmentTarget::Line(2))), "/adjustments/0", InvalidCode::OutOfRange),
        (with(freight(AdjustmentTarget::Line(0))), "/adjustments/0", InvalidCode::OutOfRange),
        (with(freight(AdjustmentTarget::Line(i32::MIN))), "/adjustments/0", InvalidCode::OutOfRange),
        (
            Submit { adjustments: vec![freight(AdjustmentTarget::Line(1))], ..ok() },
            "/adjustments/0",
            InvalidCode::Malformed,
        ),
    ];
    for (submit, field, code) in cases {
        let invalid = submit.check().expect_err(field);
        assert_eq!((invalid.field.as_str(), invalid.code), (field, code));
    }
}

#[test]
fn the_fingerprint_changes_with_every_field_that_the_client_sends() {
    let base = Submit {
        adjustments: vec![adjustment(AdjustmentKind::Freight, AdjustmentTarget::Line(1), 5)],
        expected_total: Some(Minor(105)),
        ..by_caller(vec![line("A", 1, 100), line("B", 1, 0)])
    };
    let changed = |change: &dyn Fn(&mut Submit)| {
        let mut submit = base.clone();
        change(&mut submit);
        submit.fingerprint()
    };
    let fingerprints = [
        base.fingerprint(),
        changed(&|s| s.buyer = BuyerId::try_new("bob").unwrap()),
        changed(&|s| s.channel = "app".to_owned()),
        changed(&|s| s.lines[0].sku = code("C")),
        changed(&|s| s.lines[0].quantity = Quantity::try_new(2).unwrap()),
        changed(&|s| s.lines[0].unit_price = Minor(101)),
        changed(&|s| s.lines[0].currency = currency("USD")),
        changed(&|s| s.lines[0].title = Some("other".to_owned())),
        changed(&|s| s.lines[0].snapshot = Some("{}".to_owned())),
        changed(&|s| s.lines.swap(0, 1)),
        changed(&|s| drop(s.lines.pop())),
        changed(&|s| s.adjustments[0].kind = AdjustmentKind::Discount),
        changed(&|s| s.adjustments[0].target = AdjustmentTarget::Line(2)),
        changed(&|s| s.adjustments[0].target = AdjustmentTarget::Seller(seller("s"))),
        changed(&|s| s.adjustments[0].amount = Minor(6)),
        changed(&|s| s.adjustments[0].reference = "other".to_owned()),
        changed(&|s| s.adjustments.clear()),
        changed(&|s| s.expected_total = None),
        changed(&|s| s.expected_total = Some(Minor(0))),
        changed(&|s| s.address = None),
        changed(&|s| s.note = Some("other".to_owned())),
        changed(&|s| s.note = None),
    ];
    let distinct: HashSet<_> = fingerprints.iter().collect();
    assert_eq!(distinct.len(), fingerprints.len());
    assert_eq!(changed(&|_| {}), base.fingerprint(), "the same request has the same fingerprint");
}
