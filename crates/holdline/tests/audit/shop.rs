//! A shop that writes its store through the real ports, as the app would.

use std::sync::Arc;

use holdline_domain::catalog::{PutAnswer, SellerDraft, Sku, SkuDraft};
use holdline_domain::id::{
    BuyerId, ClientId, GroupKey, IdempotencyKey, Quantity, Reference, SellerId, SkuCode, Slot, TenantId, TenantName,
};
use holdline_domain::ledger::{
    AccountKey, Flags, HoldId, HoldRecord, LedgerAnswer, LedgerRequest, Part, Resolution, StockKey,
};
use holdline_domain::money::{Currency, Minor};
use holdline_domain::order::change::{Change, ChangeAnswer, OrderWrite};
use holdline_domain::order::number::NumberAllocator;
use holdline_domain::order::{
    Actor, EventKind, GroupState, Offer, Order, OrderGroup, OrderNo, OrderStatus, Quote, Submit, SubmitLine, quote,
};
use holdline_domain::port::FeedPosition;
use holdline_domain::tenant::{CommitOn, Policies, PriceSource, Tenant};
use holdline_domain::time::UnixMillis;
use holdline_store::Stores;

/// Submits that are held, placed or settled in one batch.
pub(crate) const BATCH: usize = 500;
/// How long orders may be paid.
pub(crate) const PAY_WITHIN_MS: i64 = 900_000;

/// A tenant with its SKUs.
pub(crate) struct Mall {
    pub(crate) tenant: TenantId,
    pub(crate) skus: Vec<Arc<Sku>>,
}

/// A submit, its hold, its orders as they were written.
pub(crate) struct Placed {
    pub(crate) submit: Submit,
    pub(crate) hold: HoldRecord,
    pub(crate) orders: Vec<Order>,
}

/// The store and what is needed to write to it.
pub(crate) struct Shop {
    pub(crate) stores: Stores,
    numbers: NumberAllocator,
    submits: i64,
}

pub(crate) fn units(count: i64) -> Quantity {
    Quantity::try_new(count).expect("a positive number of units")
}

pub(crate) fn stock_of(sku: &str) -> AccountKey {
    AccountKey::Stock(StockKey::of(SkuCode::try_new(sku).expect("a SKU")))
}

pub(crate) fn reference(text: &str) -> Reference {
    Reference::try_new(text).expect("a reference")
}

fn cny() -> Currency {
    Currency::try_new("CNY").expect("a currency")
}

impl Shop {
    pub(crate) async fn open(stores: Stores) -> Self {
        let lease = stores.orders.lease_block().await.expect("a lease of numbers");
        Self { stores, numbers: NumberAllocator::new(lease, 0, 8 * 3_600), submits: 0 }
    }

    /// A tenant with two sellers and seven SKUs: plain ones, a free one, two with a quota, one without end, one to order ahead.
    pub(crate) async fn mall(&self, name: &str, commit_on: CommitOn, stock: i64) -> Mall {
        let draft = Tenant {
            id: TenantId(0),
            name: TenantName::try_new(name).expect("a name"),
            price_source: PriceSource::Catalog,
            commit_on,
            pay_within_ms: PAY_WITHIN_MS,
            business_code: 7,
            policies: Policies::default(),
        };
        let tenant = self.stores.tenants.ensure_tenant(draft).await.expect("a tenant").id;
        for id in ["north", "south"] {
            let id = SellerId::try_new(id).expect("a seller");
            let draft = SellerDraft { name: id.to_string(), id, source_version: None };
            self.stores.catalog.put_seller(tenant, draft).await.expect("a stored seller");
        }
        let mut skus = Vec::new();
        let goods = [
            ("tea", "north", 500, None),
            ("mug", "north", 700, Some(40)),
            ("cup", "south", 300, None),
            ("leaflet", "north", 0, None),
            ("kettle", "south", 9_900, Some(3)),
            ("e-book", "north", 100, None),
            ("preorder", "south", 200, None),
        ];
        for (code, seller, price, quota_per_buyer) in goods {
            let draft = SkuDraft {
                code: SkuCode::try_new(code).expect("a SKU"),
                seller: SellerId::try_new(seller).expect("a seller"),
                title: format!("{code} 好"),
                price: Minor(price),
                currency: cny(),
                on_shelf: true,
                quota_per_buyer,
                source_version: None,
            };
            let Ok(sku) = PutAnswer::sku(None, &draft) else { panic!("a new SKU is always stored") };
            self.stores.catalog.put_skus(tenant, vec![draft], true).await.expect("a stored SKU");
            skus.push(Arc::new(sku));
        }
        let mut requests: Vec<LedgerRequest> = ["tea", "mug", "cup", "leaflet", "kettle"]
            .map(|sku| LedgerRequest::Adjust {
                tenant,
                account: stock_of(sku),
                delta: stock,
                reference: reference("delivery-1"),
                force: false,
            })
            .into();
        let flags = |sku, flags| LedgerRequest::SetFlags { tenant, account: stock_of(sku), flags };
        requests.push(flags("e-book", Flags { infinite: true, ..Flags::default() }));
        requests.push(flags("preorder", Flags { shortage_max: 20, ..Flags::default() }));
        requests.push(flags("tea", Flags { danger_level: Some(stock - 1), ..Flags::default() }));
        self.ledger(requests).await;
        Mall { tenant, skus }
    }

    pub(crate) async fn ledger(&self, requests: Vec<LedgerRequest>) -> Vec<LedgerAnswer> {
        self.stores.ledger.apply(requests.into()).await.expect("a batch of the ledger")
    }

    pub(crate) async fn change(&self, changes: Vec<Change>) -> Vec<UnixMillis> {
        let answers = self.stores.orders.apply(changes.into()).await.expect("a batch of changes");
        let now = |answer| match answer {
            ChangeAnswer::Applied { now } => now,
            other => panic!("a change was answered {other:?}"),
        };
        answers.into_iter().map(now).collect()
    }

    pub(crate) fn submit(&mut self, mall: &Mall, buyer: &str, lines: &[(&str, i64)]) -> Submit {
        self.submits += 1;
        let (buyer, client) = (BuyerId::try_new(buyer).expect("a buyer"), ClientId::try_new("web").expect("a client"));
        let key = IdempotencyKey::try_new(&format!("key-{:09}", self.submits)).expect("a key");
        let line = |(code, quantity): &(&str, i64)| {
            let sku = mall.skus.iter().find(|sku| sku.code.as_str() == *code).expect("a SKU of the mall");
            SubmitLine {
                sku: sku.code.clone(),
                seller: None,
                quantity: units(*quantity),
                unit_price: sku.price,
                currency: sku.currency,
                title: None,
                snapshot: None,
            }
        };
        Submit {
            tenant: mall.tenant,
            key: GroupKey::place(&key, &client, Slot::of(mall.tenant, &buyer)),
            client,
            buyer,
            channel: String::new(),
            lines: lines.iter().map(line).collect(),
            adjustments: Vec::new(),
            expected_total: None,
            address: None,
            note: None,
            price_source: PriceSource::Catalog,
        }
    }

    pub(crate) fn quote(mall: &Mall, submit: &Submit) -> Quote {
        let of = |line: &SubmitLine| mall.skus.iter().find(|sku| sku.code == line.sku).cloned();
        let offers: Vec<Option<Offer>> = submit.lines.iter().map(|line| of(line).map(Offer::always)).collect();
        quote(submit, &offers).expect("a submit that is accepted")
    }

    /// Holds for each submit; all must be granted.
    pub(crate) async fn hold(&mut self, mall: &Mall, submits: &[Submit]) -> Vec<HoldRecord> {
        let mut requests = Vec::with_capacity(submits.len());
        for submit in submits {
            let quoted = Self::quote(mall, submit);
            let order_nos = self.draw(submit, &quoted);
            requests.push(LedgerRequest::Hold {
                tenant: submit.tenant,
                id: HoldId::first(submit.key.clone()),
                content: submit.fingerprint(),
                order_nos,
                demands: quoted.demands,
            });
        }
        let held = |answer| match answer {
            LedgerAnswer::Held(hold) => hold,
            other => panic!("a hold was answered {other:?}"),
        };
        self.ledger(requests).await.into_iter().map(held).collect()
    }

    pub(crate) fn draw(&mut self, submit: &Submit, quoted: &Quote) -> Vec<(SellerId, OrderNo)> {
        let slot = Slot::of(submit.tenant, &submit.buyer);
        let mut order_nos = Vec::new();
        for part in &quoted.parts {
            // Far fewer numbers per millisecond than a block has.
            let number = self.numbers.draw(self.submits / 1_000, 7, slot).expect("a number");
            order_nos.push((part.seller.clone(), number));
        }
        order_nos
    }

    /// Places submits whose orders may be paid within `pay_within_ms`, in batches.
    pub(crate) async fn place(&mut self, mall: &Mall, submits: Vec<Submit>, pay_within_ms: i64) -> Vec<Placed> {
        let mut placed = Vec::with_capacity(submits.len());
        for submits in submits.chunks(BATCH) {
            let holds = self.hold(mall, submits).await;
            let mut changes = Vec::with_capacity(submits.len());
            for (submit, hold) in submits.iter().zip(holds) {
                let quoted = Self::quote(mall, submit);
                let orders = quoted.orders(submit, &hold.order_nos, 1, pay_within_ms).expect("a number per seller");
                changes.push(Change {
                    group: Some(group(submit, GroupState::Placed { order_nos: numbers(&orders) })),
                    orders: orders.iter().map(insert).collect(),
                    ..Change::touch(submit.tenant)
                });
                placed.push(Placed { submit: submit.clone(), hold, orders });
            }
            self.change(changes).await;
        }
        placed
    }

    /// Ends orders and gives their parts back, as the feed's consumer would.
    pub(crate) async fn end(&self, ended: &[Placed], kind: EventKind) {
        for batch in ended.chunks(BATCH) {
            let mut changes = Vec::new();
            let mut releases = Vec::new();
            for Placed { submit, orders, .. } in batch {
                for order in orders {
                    let expires = kind == EventKind::Expired;
                    let after = if expires { order.expired() } else { order.cancelled(Actor::Buyer) };
                    let orders = vec![(OrderWrite::Update(Box::new(after.expect("it may end"))), kind)];
                    changes.push(Change { orders, ..Change::touch(submit.tenant) });
                    releases.push(resolve(submit, Some(order.part()), Resolution::Release));
                }
            }
            self.change(changes).await;
            self.ledger(releases).await;
        }
    }

    /// Sells the parts of orders, as the feed's consumer would.
    pub(crate) async fn commit(&self, sold: &[Placed]) {
        for batch in sold.chunks(BATCH) {
            let of = |placed: &Placed| {
                let parts: Vec<Part> = placed.orders.iter().map(Order::part).collect();
                parts
                    .into_iter()
                    .map(|part| resolve(&placed.submit, Some(part), Resolution::Commit))
                    .collect::<Vec<_>>()
            };
            self.ledger(batch.iter().flat_map(of).collect()).await;
        }
    }

    /// The consumers have followed the feed to its end, and the reaper has seen every hold up to this one.
    pub(crate) async fn settled(&self, last_hold_no: i64) {
        let mut to = FeedPosition::default();
        loop {
            let page = self.stores.orders.events_after(to.seq, 5_000).await.expect("a page of the feed");
            let Some(last) = page.events.last() else { break };
            to = FeedPosition { epoch: page.epoch, round: 0, seq: last.seq };
        }
        self.stores.orders.advance_feed_position("ledger", to).await.expect("a position");
        self.stores.ledger.advance_reaper_cursor(last_hold_no).await.expect("a cursor");
    }
}

pub(crate) fn group(submit: &Submit, state: GroupState) -> OrderGroup {
    OrderGroup {
        tenant: submit.tenant,
        key: submit.key.clone(),
        content: Some(submit.fingerprint()),
        buyer: Some(submit.buyer.clone()),
        state,
        created: UnixMillis::default(),
    }
}

pub(crate) fn numbers(orders: &[Order]) -> Vec<OrderNo> {
    orders.iter().map(|order| order.no.clone()).collect()
}

pub(crate) fn insert(order: &Order) -> (OrderWrite, EventKind) {
    let kind = if order.status == OrderStatus::Confirmed { EventKind::Confirmed } else { EventKind::Placed };
    (OrderWrite::Insert(Box::new(order.clone())), kind)
}

pub(crate) fn resolve(submit: &Submit, part: Option<Part>, resolution: Resolution) -> LedgerRequest {
    LedgerRequest::Resolve { tenant: submit.tenant, id: HoldId::first(submit.key.clone()), part, resolution }
}
