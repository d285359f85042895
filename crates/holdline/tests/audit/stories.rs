//! What happened in the shop: a bit of everything, or very much of the usual.

use holdline_domain::id::{ClientId, Fingerprint, GroupKey, IdempotencyKey, SellerId};
use holdline_domain::ledger::{
    AccountKey, Demand, Flags, HoldId, LedgerRequest, OutsideRequest, Part, Resolution, StockKey, Terms,
};
use holdline_domain::money::Minor;
use holdline_domain::order::change::Change;
use holdline_domain::order::{Adjustment, AdjustmentKind, AdjustmentTarget, EventKind, GroupState, OrderGroup, Submit};
use holdline_domain::refusal::Refusal;
use holdline_domain::tenant::CommitOn;

use super::shop::{BATCH, Mall, PAY_WITHIN_MS, Placed, Shop, group, reference, resolve, stock_of, units};

impl Shop {
    /// Everything that may happen, a few times each, and one hold whose submit is still under way.
    pub(crate) async fn all_stories(&mut self) {
        let mall = self.mall("mall", CommitOn::PaymentCaptured, 1_000).await;
        let waiting: Vec<Submit> =
            (0..8).map(|i| self.submit(&mall, &format!("buyer-{i}"), &[("tea", 2), ("cup", 1), ("tea", 1)])).collect();
        self.place(&mall, waiting, PAY_WITHIN_MS).await;
        let mut adjusted = self.submit(&mall, "buyer-1", &[("tea", 2), ("preorder", 4), ("kettle", 3)]);
        adjusted.adjustments = adjustments();
        self.place(&mall, vec![adjusted], PAY_WITHIN_MS).await;
        let free: Vec<Submit> = (0..4).map(|i| self.submit(&mall, &format!("reader-{i}"), &[("leaflet", 2)])).collect();
        let free = self.place(&mall, free, PAY_WITHIN_MS).await;
        self.commit(&free).await;
        let unwanted: Vec<Submit> =
            (0..4).map(|i| self.submit(&mall, &format!("buyer-{i}"), &[("cup", 2), ("e-book", 40)])).collect();
        let unwanted = self.place(&mall, unwanted, PAY_WITHIN_MS).await;
        self.end(&unwanted, EventKind::Cancelled).await;
        let overdue: Vec<Submit> = (0..3).map(|i| self.submit(&mall, &format!("late-{i}"), &[("tea", 1)])).collect();
        let overdue = self.place(&mall, overdue, 0).await;
        self.end(&overdue, EventKind::Expired).await;
        self.stock_movements(&mall).await;
        self.refusals(&mall).await;
        self.outside_holds(&mall).await;
        self.promises(&mall).await;
        self.payments(&mall).await;

        let flash = self.mall("flash", CommitOn::OrderCreated, 50).await;
        let quick: Vec<Submit> = (0..5).map(|i| self.submit(&flash, &format!("buyer-{i}"), &[("tea", 1)])).collect();
        let quick = self.place(&flash, quick, PAY_WITHIN_MS).await;
        self.commit(&quick).await;
        let sorry: Vec<Submit> = (0..3).map(|i| self.submit(&flash, &format!("sorry-{i}"), &[("tea", 2)])).collect();
        let sorry = self.place(&flash, sorry, PAY_WITHIN_MS).await;
        self.commit(&sorry).await;
        self.end(&sorry, EventKind::Cancelled).await;
        self.give_back(&sorry).await;
        let last = sorry.last().map_or(0, |placed| placed.hold.hold_no);
        self.settled(last).await;
        let under_way = self.submit(&mall, "buyer-1", &[("tea", 1)]);
        self.hold(&mall, &[under_way]).await;
    }

    /// Gives back what was sold at creation, as the feed's consumer would.
    async fn give_back(&self, ended: &[Placed]) {
        let of = |placed: &Placed| {
            let order = &placed.orders[0];
            LedgerRequest::Unallocate {
                tenant: order.tenant,
                account: stock_of("tea"),
                quantity: units(2),
                reference: reference(&format!("{}/ended", order.no)),
            }
        };
        self.ledger(ended.iter().map(of).collect()).await;
    }

    /// Submits that were accepted before they were decided: one became orders, one never did, one is under way.
    async fn promises(&mut self, mall: &Mall) {
        for end in ["placed", "refused", "undecided"] {
            let submit = self.submit(mall, &format!("{end}-later"), &[("cup", 1)]);
            let order_nos = self.promise(mall, &submit).await;
            match end {
                "placed" => self.place_numbered(mall, &submit, order_nos).await,
                "refused" => {
                    let state = GroupState::Refused { refusal: Refusal::OutOfRange };
                    self.change(vec![Change::fence(group(&submit, state))]).await;
                }
                _ => {}
            }
        }
    }

    /// What goods do after they are sold, and flags that change twice.
    async fn stock_movements(&self, mall: &Mall) {
        let tenant = mall.tenant;
        let account = || stock_of("leaflet");
        let adjust = |delta, text: &str, force| {
            let reference = reference(text);
            LedgerRequest::Adjust { tenant, account: stock_of("kettle"), delta, reference, force }
        };
        let AccountKey::Stock(kettle) = stock_of("kettle") else { unreachable!("it is stock") };
        let slow_sale = || AccountKey::Stock(StockKey { period: "ten".into(), ..kettle.clone() });
        let into_sale = reference("slow sale");
        let endless = Flags { infinite: true, danger_level: Some(5), ..Flags::default() };
        self.ledger(vec![
            LedgerRequest::Ship { tenant, account: account(), quantity: units(2), reference: reference("parcel-1") },
            LedgerRequest::Unallocate {
                tenant,
                account: account(),
                quantity: units(1),
                reference: reference("refund"),
            },
            adjust(-990, "water damage", false),
            adjust(-9, "thieves", true),
            LedgerRequest::SetFlags { tenant, account: stock_of("e-book"), flags: endless },
            LedgerRequest::Adjust { tenant, account: slow_sale(), delta: 6, reference: into_sale, force: false },
            LedgerRequest::MoveRest { tenant, from: slow_sale(), to: stock_of("kettle") },
        ])
        .await;
    }

    /// A submit refused after its hold, and one that its client gave up before it came.
    async fn refusals(&mut self, mall: &Mall) {
        let refused = self.submit(mall, "buyer-2", &[("tea", 5)]);
        self.hold(mall, std::slice::from_ref(&refused)).await;
        let given_up = self.submit(mall, "buyer-3", &[("tea", 5)]);
        let refusal = Refusal::OutOfRange;
        let tombstone = OrderGroup::tombstone(mall.tenant, given_up.key.clone(), Some(given_up.buyer.clone()));
        let fences = [group(&refused, GroupState::Refused { refusal }), tombstone].map(Change::fence);
        self.change(fences.into()).await;
        self.ledger(vec![resolve(&refused, None, Resolution::Release)]).await;
    }

    /// A caller with its own orders: one part sold, one given back, one still held, and a hold given up before it came.
    async fn outside_holds(&self, mall: &Mall) {
        let client = ClientId::try_new("erp").expect("a client");
        let id =
            |name: &str| HoldId::first(GroupKey::outside(&IdempotencyKey::try_new(name).expect("a name"), &client));
        let ask = |name: &str, request| LedgerRequest::Outside { tenant: mall.tenant, id: id(name), request };
        let part = |name: &str| Part::Seller(SellerId::try_new(name).expect("a part"));
        let demand = |name| Demand { part: part(name), account: stock_of("cup"), quantity: units(1), limit: None };
        let demands = vec![demand("sold"), demand("gone"), demand("open")];
        let terms = Terms { within_ms: 3_600_000, check_url: None };
        self.ledger(vec![
            ask("po-1", OutsideRequest::Take { content: Fingerprint([5; 32]), demands, terms }),
            ask("po-1", OutsideRequest::Commit { part: Some(part("sold")) }),
            ask("po-1", OutsideRequest::Release { part: Some(part("gone")) }),
            ask("po-2", OutsideRequest::Release { part: None }),
        ])
        .await;
    }

    /// `count` orders of two lines, one of them with a quota, for `count` / 10 buyers, every twentieth of them cancelled:
    /// three movements per order and some. The figure of the audit's speed is measured on it.
    pub(crate) async fn many_orders(&mut self, count: usize) {
        let stock = i64::try_from(count).expect("a count") * 3;
        let mall = self.mall("big", CommitOn::PaymentCaptured, stock).await;
        let mut last = 0;
        for first in (0..count).step_by(BATCH) {
            let submit = |i: usize| self.submit(&mall, &format!("buyer-{}", i / 10), &[("tea", 1), ("mug", 2)]);
            let submits: Vec<Submit> = (first..count.min(first + BATCH)).map(submit).collect();
            let placed = self.place(&mall, submits, PAY_WITHIN_MS).await;
            last = placed.last().map_or(last, |placed| placed.hold.hold_no);
            let cancelled = &placed[..placed.len() / 20];
            self.end(cancelled, EventKind::Cancelled).await;
        }
        self.settled(last).await;
    }
}

fn adjustments() -> Vec<Adjustment> {
    let of = |kind, target, amount| Adjustment { kind, target, amount: Minor(amount), reference: "r".to_owned() };
    let north = SellerId::try_new("north").expect("a seller");
    vec![
        of(AdjustmentKind::Freight, AdjustmentTarget::Seller(north), 800),
        of(AdjustmentKind::Discount, AdjustmentTarget::Line(1), 100),
        of(AdjustmentKind::Discount, AdjustmentTarget::Line(2), 50),
    ]
}
