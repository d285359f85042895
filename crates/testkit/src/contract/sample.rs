//! Small things that the rules are told with: tenants, requests, orders.

use std::sync::Arc;

use holdline_domain::id::{
    BuyerId, ClientId, Fingerprint, GroupKey, Quantity, Reference, SellerId, SkuCode, TenantId, Version,
};
use holdline_domain::ledger::{
    Account, AccountKey, Demand, Flags, HoldId, LedgerAnswer, LedgerRequest, Part, QuotaKey, Resolution, StockKey,
};
use holdline_domain::money::{Currency, Minor};
use holdline_domain::order::change::{Change, OrderWrite};
use holdline_domain::order::{
    Actor, Adjustment, AdjustmentKind, AdjustmentTarget, EventKind, FulfillmentStatus, GroupState, HoldAxis, Life,
    Order, OrderGroup, OrderLine, OrderNo, OrderStatus, PaymentStatus, Snapshot,
};
use holdline_domain::port::{LedgerStore, OrderStore};
use holdline_domain::time::UnixMillis;

use super::ok;

pub(super) const TENANT: TenantId = TenantId(1);

pub(super) fn sku(code: &str) -> SkuCode {
    SkuCode::try_new(code).expect("a valid SKU")
}

pub(super) fn seller(id: &str) -> SellerId {
    SellerId::try_new(id).expect("a valid seller")
}

pub(super) fn buyer(id: &str) -> BuyerId {
    BuyerId::try_new(id).expect("a valid buyer")
}

pub(super) fn client(id: &str) -> ClientId {
    ClientId::try_new(id).expect("a valid client")
}

pub(super) fn quantity(units: i64) -> Quantity {
    Quantity::try_new(units).expect("a valid quantity")
}

pub(super) fn currency(code: &str) -> Currency {
    Currency::try_new(code).expect("a valid currency")
}

pub(super) fn key(text: &str) -> GroupKey {
    GroupKey::from_stored(text)
}

pub(super) fn number(n: u32) -> OrderNo {
    OrderNo::try_new(&format!("2608011200000000000{n:08}")).expect("27 digits")
}

pub(super) fn stock(code: &str) -> AccountKey {
    AccountKey::Stock(StockKey::of(sku(code)))
}

pub(super) fn quota(code: &str, buyer_id: &str) -> AccountKey {
    AccountKey::Quota(QuotaKey { sku: sku(code), buyer: buyer(buyer_id) })
}

pub(super) fn demand(seller_id: &str, account: &AccountKey, units: i64) -> Demand {
    Demand { part: Part::Seller(seller(seller_id)), account: account.clone(), quantity: quantity(units), limit: None }
}

pub(super) fn hold(group: &str, demands: &[Demand]) -> LedgerRequest {
    hold_n(group, 1, demands)
}

pub(super) fn hold_n(group: &str, n: i32, demands: &[Demand]) -> LedgerRequest {
    LedgerRequest::Hold {
        tenant: TENANT,
        id: HoldId { key: key(group), n },
        content: Fingerprint([7; 32]),
        order_nos: vec![(seller("s1"), number(1)), (seller("s2"), number(2))],
        demands: demands.to_vec(),
    }
}

pub(super) fn resolve(group: &str, part: Option<&str>, resolution: Resolution) -> LedgerRequest {
    let part = part.map(|id| Part::Seller(seller(id)));
    LedgerRequest::Resolve { tenant: TENANT, id: HoldId::first(key(group)), part, resolution }
}

pub(super) fn reference(text: &str) -> Reference {
    Reference::try_new(text).expect("a valid reference")
}

pub(super) fn adjust(account: &AccountKey, delta: i64, name: &str) -> LedgerRequest {
    let (account, reference) = (account.clone(), reference(name));
    LedgerRequest::Adjust { tenant: TENANT, account, delta, reference, force: false }
}

pub(super) fn ship(account: &AccountKey, units: i64, name: &str) -> LedgerRequest {
    let (account, reference) = (account.clone(), reference(name));
    LedgerRequest::Ship { tenant: TENANT, account, quantity: quantity(units), reference }
}

pub(super) fn unallocate(account: &AccountKey, units: i64, name: &str) -> LedgerRequest {
    let (account, reference) = (account.clone(), reference(name));
    LedgerRequest::Unallocate { tenant: TENANT, account, quantity: quantity(units), reference }
}

pub(super) fn set_flags(account: &AccountKey, flags: Flags) -> LedgerRequest {
    LedgerRequest::SetFlags { tenant: TENANT, account: account.clone(), flags }
}

/// Sends one batch to the ledger.
pub(super) async fn send(ledger: &Arc<dyn LedgerStore>, batch: &[LedgerRequest]) -> Vec<LedgerAnswer> {
    let answers = ok(ledger.apply(batch.into()).await);
    assert_eq!(answers.len(), batch.len(), "one answer per request");
    answers
}

/// One account of [`TENANT`].
pub(super) async fn account(ledger: &Arc<dyn LedgerStore>, key: &AccountKey) -> Option<Account> {
    let mut accounts = ok(ledger.accounts(TENANT, std::slice::from_ref(key)).await);
    assert!(accounts.len() <= 1, "one row per account");
    accounts.pop()
}

/// On hand, held, allocated.
pub(super) async fn balance(ledger: &Arc<dyn LedgerStore>, key: &AccountKey) -> (i64, i64, i64) {
    account(ledger, key).await.map_or((0, 0, 0), |account| (account.on_hand, account.held, account.allocated))
}

/// An order as placing drafts it: two lines, everything that may be empty filled.
pub(super) fn order(no: &OrderNo, group: &str, seller_id: &str, buyer_id: &str) -> Order {
    let line = |line_no: i32, code: &str, units: i64, snapshot| OrderLine {
        line_no,
        sku: sku(code),
        quantity: quantity(units),
        title: format!("{code} 白色 \"quoted\" \\ 'title'"),
        unit_price: Minor(50),
        total: Minor(50 * units),
        snapshot,
    };
    Order {
        tenant: TENANT,
        no: no.clone(),
        group: key(group),
        hold_n: 1,
        client: client("app"),
        buyer: buyer(buyer_id),
        seller: seller(seller_id),
        channel: "web".to_owned(),
        status: OrderStatus::PendingPayment,
        payment: PaymentStatus::Unpaid,
        fulfillment: FulfillmentStatus::Unfulfilled,
        hold: HoldAxis::Held,
        version: Version::FIRST,
        currency: currency("CNY"),
        goods: Minor(150),
        freight: Minor(20),
        discount: Minor(5),
        total: Minor(165),
        lines: vec![
            line(1, "A", 1, Snapshot::Catalog(Version(3))),
            line(4, "B", 2, Snapshot::Caller(Some("{\"colour\": \"red\"}".to_owned()))),
        ],
        adjustments: vec![
            Adjustment {
                kind: AdjustmentKind::Freight,
                target: AdjustmentTarget::Seller(seller(seller_id)),
                amount: Minor(20),
                reference: "parcel".to_owned(),
            },
            Adjustment {
                kind: AdjustmentKind::Discount,
                target: AdjustmentTarget::Line(4),
                amount: Minor(5),
                reference: String::new(),
            },
        ],
        address: Some("{\"street\": \"南京路 1\"}".to_owned()),
        note: Some("ring\ntwice".to_owned()),
        created: UnixMillis::default(),
        pay_deadline: UnixMillis(1_800_000),
        ended: None,
        life: Life::default(),
    }
}

pub(super) fn group(group_key: &str, order_nos: Vec<OrderNo>) -> OrderGroup {
    OrderGroup {
        tenant: TENANT,
        key: key(group_key),
        content: Some(Fingerprint([9; 32])),
        buyer: Some(buyer("ann")),
        state: GroupState::Placed { order_nos },
        created: UnixMillis::default(),
    }
}

/// The ends of submits.
pub(super) async fn groups(orders: &Arc<dyn OrderStore>, keys: &[(TenantId, GroupKey)]) -> Vec<Option<OrderGroup>> {
    ok(orders.submits(keys).await).into_iter().map(|submit| submit.group).collect()
}

/// A change that places these orders of ann as one group.
pub(super) fn place(group_key: &str, orders: &[(u32, &str)]) -> Change {
    let drafts = orders.iter().map(|(n, seller_id)| order(&number(*n), group_key, seller_id, "ann"));
    placing(group_key, drafts.collect())
}

pub(super) fn placing(group_key: &str, drafts: Vec<Order>) -> Change {
    let order_nos = drafts.iter().map(|order| order.no.clone()).collect();
    let orders = drafts.into_iter().map(|order| (OrderWrite::Insert(Box::new(order)), EventKind::Placed)).collect();
    Change { group: Some(group(group_key, order_nos)), orders, ..Change::touch(TENANT) }
}

/// A change that cancels the order as it was seen.
pub(super) fn cancel(seen: &Order) -> Change {
    let after = seen.cancelled(Actor::Merchant).expect("a pending order can be cancelled");
    Change { orders: vec![(OrderWrite::Update(Box::new(after)), EventKind::Cancelled)], ..Change::touch(TENANT) }
}
