//! What money does, and the goods that it pays for: written through the ports as the app would, each end once or twice.

use holdline_domain::fulfillment::LineQuantity;
use holdline_domain::id::{Fingerprint, TenantId, Version};
use holdline_domain::ledger::{HoldId, LedgerRequest, Part, Resolution};
use holdline_domain::money::Minor;
use holdline_domain::order::change::{Change, Due, OrderWrite, Satellite};
use holdline_domain::order::{Actor, EventKind, Order};
use holdline_domain::payment::{
    Attempt, AttemptId, AttemptState, Callback, CallbackState, Heard, PaymentNo, ProviderName, Refund, RefundReason,
    RefundState, Share, hear, hear_refund,
};
use holdline_domain::port::{ProviderWord, RefundWord};
use holdline_domain::time::UnixMillis;

use super::shop::{Mall, PAY_WITHIN_MS, Placed, Shop, reference, stock_of, units};

impl Shop {
    /// Money that came, and money that did not.
    pub(crate) async fn payments(&mut self, mall: &Mall) {
        self.paid_and_refunded(mall).await;
        self.shipped_and_returned(mall).await;
        self.cancelled_after_payment(mall).await;
        self.late_money(mall).await;
        self.lapsed_holds(mall).await;
        self.callbacks(mall.tenant).await;
        // Two that wait: one attempt for the orders of a group.
        let waiting = self.one_placed(mall, "payer-open", &[("tea", 1), ("cup", 2)], PAY_WITHIN_MS).await;
        self.open_attempt(&waiting).await;
    }

    async fn one_placed(&mut self, mall: &Mall, buyer: &str, lines: &[(&str, i64)], pay_within_ms: i64) -> Placed {
        let submit = self.submit(mall, buyer, lines);
        self.place(mall, vec![submit], pay_within_ms).await.pop().expect("one submit is one group")
    }

    /// The orders as they are stored now.
    pub(crate) async fn stored(&self, placed: &Placed) -> Vec<Order> {
        let numbers: Vec<_> = placed.orders.iter().map(|order| order.no.clone()).collect();
        let orders = self.stores.orders.orders(placed.submit.tenant, &numbers).await.expect("the orders");
        orders.into_iter().map(|order| order.expect("a stored order")).collect()
    }

    /// One change of orders and rows beside them.
    pub(crate) async fn write(
        &self,
        orders: Vec<Order>,
        kind: EventKind,
        satellites: Vec<Satellite>,
        tenant: TenantId,
    ) {
        let orders = orders.into_iter().map(|order| (OrderWrite::Update(Box::new(order)), kind)).collect();
        self.change(vec![Change { orders, satellites, ..Change::touch(tenant) }]).await;
    }

    /// One change of rows beside orders alone.
    async fn write_rows(&self, satellites: Vec<Satellite>, tenant: TenantId) {
        self.change(vec![Change { satellites, ..Change::touch(tenant) }]).await;
    }

    /// Opens an attempt for all orders of a group, which its provider knows.
    async fn open_attempt(&self, placed: &Placed) -> Attempt {
        let orders = self.stored(placed).await;
        let id = AttemptId { payment: PaymentNo::of_group(&orders[0].no), n: 1 };
        let draft = draft(id, &orders);
        let started = orders.iter().map(|order| order.pay_started(&draft.id).expect("an order that waits")).collect();
        let satellite = Satellite::Attempt(Box::new(draft.clone()));
        self.write(started, EventKind::PaymentStarted, vec![satellite], draft.tenant).await;
        self.say(&draft.id, placed, &ProviderWord::Pending { pay: Some("{}".to_owned()), reference: None }).await
    }

    /// A provider answers about an attempt; the attempt after it.
    async fn say(&self, id: &AttemptId, placed: &Placed, word: &ProviderWord) -> Attempt {
        let tenant = placed.submit.tenant;
        let attempt = self.stores.life.attempt(tenant, id).await.expect("an answer").expect("an attempt");
        let change = hear(&attempt, &self.stored(placed).await, word, Heard::Asked).expect("it says something new");
        self.change(vec![change]).await;
        self.stores.life.attempt(tenant, id).await.expect("an answer").expect("an attempt")
    }

    /// Places and pays; the ledger sells.
    pub(crate) async fn one_paid(&mut self, mall: &Mall, buyer: &str, lines: &[(&str, i64)]) -> (Placed, Attempt) {
        let placed = self.one_placed(mall, buyer, lines, PAY_WITHIN_MS).await;
        let attempt = self.open_attempt(&placed).await;
        let attempt = self.say(&attempt.id, &placed, &captured(&attempt)).await;
        self.commit(std::slice::from_ref(&placed)).await;
        (placed, attempt)
    }

    /// A refund of an order, and what its provider says of it.
    async fn refund(&self, order: &Order, draft: Refund, word: RefundWord) {
        let set_aside = order.set_aside(draft.amount).expect("there is enough left");
        let created = vec![Satellite::Refund(Box::new(draft.clone()))];
        self.write(vec![set_aside.clone()], EventKind::RefundStarted, created, order.tenant).await;
        let mut submitted = draft.next(RefundState::Submitted);
        submitted.next_try = Some(UnixMillis(3_600_000));
        let satellites = vec![Satellite::Refund(Box::new(submitted.clone()))];
        self.write_rows(satellites, order.tenant).await;
        if let Some(change) = hear_refund(&submitted, Some(&set_aside), &word) {
            self.change(vec![change]).await;
        }
    }

    /// A group paid at once: of one order a unit is taken off and paid back, of the other a sum is under way, and one failed.
    async fn paid_and_refunded(&mut self, mall: &Mall) {
        let (placed, attempt) = self.one_paid(mall, "payer-1", &[("tea", 3), ("cup", 2)]).await;
        let orders = self.stored(&placed).await;
        let (tea, cup) = (orders.iter().find(|order| order.goods == Minor(1_500)), orders.last());
        let (tea, cup) = (tea.expect("an order of tea"), cup.expect("an order of cups"));
        let mut unshipped = Refund::of_order(tea, attempt.id.clone(), 1, Minor(500), RefundReason::Unshipped);
        unshipped.lines = vec![LineQuantity { line_no: tea.lines[0].line_no, quantity: 1 }];
        self.refund(tea, unshipped, RefundWord::Succeeded { reference: None }).await;
        let (account, reference) = (stock_of("tea"), reference(&format!("{}/refund/1", tea.no)));
        self.ledger(vec![LedgerRequest::Unallocate { tenant: tea.tenant, account, quantity: units(1), reference }])
            .await;
        let goodwill = Refund::of_order(cup, attempt.id.clone(), 2, Minor(100), RefundReason::Goodwill);
        self.refund(cup, goodwill, RefundWord::Pending).await;
        let cup = &self.stored(&placed).await[1];
        let again = Refund::of_order(cup, attempt.id.clone(), 3, Minor(50), RefundReason::Goodwill);
        self.refund(cup, again, RefundWord::Failed { reason: "account closed".to_owned() }).await;
    }

    /// One whose money is back, one whose money is about to go back.
    async fn cancelled_after_payment(&mut self, mall: &Mall) {
        for (buyer, word) in
            [("payer-3", RefundWord::Succeeded { reference: Some("r".to_owned()) }), ("payer-4", RefundWord::Pending)]
        {
            let (placed, attempt) = self.one_paid(mall, buyer, &[("tea", 2)]).await;
            let order = self.stored(&placed).await.remove(0);
            let (cancelled, left) = order.cancelled_and_set_aside(Actor::Buyer).expect("nothing was shipped");
            let refund = Refund::of_order(&order, attempt.id, 1, left, RefundReason::Cancelled);
            let satellites = vec![Satellite::Refund(Box::new(refund.clone()))];
            self.write(vec![cancelled.clone()], EventKind::Cancelled, satellites, order.tenant).await;
            let reference = reference(&format!("{}/ended", order.no));
            let (tenant, account) = (order.tenant, stock_of("tea"));
            self.ledger(vec![LedgerRequest::Unallocate { tenant, account, quantity: units(2), reference }]).await;
            let change = hear_refund(&refund, Some(&cancelled), &word);
            self.change(change.into_iter().collect()).await;
        }
    }

    /// Money for orders that had expired: one sum went back, another is not decided yet.
    async fn late_money(&mut self, mall: &Mall) {
        for buyer in ["payer-5", "payer-6"] {
            let placed = self.one_placed(mall, buyer, &[("cup", 1)], 1).await;
            let order = self.stored(&placed).await.remove(0);
            // As an attempt that was opened in time and closed when nobody had paid.
            let id = AttemptId { payment: PaymentNo::of_order(&order.no), n: 1 };
            let mut closed = draft(id, std::slice::from_ref(&order));
            closed.opened = order.created;
            (closed.state, closed.next_look) = (AttemptState::Closed, None);
            let satellites = vec![Satellite::Attempt(Box::new(closed.clone()))];
            self.write_rows(satellites, order.tenant).await;
            // By the shard clock, as whoever ends it would.
            while self.change(vec![Change::touch(order.tenant)]).await[0] < order.pay_deadline {}
            self.end(std::slice::from_ref(&placed), EventKind::Expired).await;
            let late = self.say(&closed.id, &placed, &captured(&closed)).await;
            if buyer == "payer-5" {
                let sum = (late.amount, late.currency);
                let refund = Refund::draft(late.tenant, late.id.clone(), 1, sum, RefundReason::Late);
                let mut decided = late.next(late.state);
                decided.next_look = None;
                let satellites =
                    vec![Satellite::Attempt(Box::new(decided)), Satellite::Refund(Box::new(refund.clone()))];
                self.write_rows(satellites, late.tenant).await;
                let word = RefundWord::Succeeded { reference: None };
                self.change(hear_refund(&refund, None, &word).into_iter().collect()).await;
            }
        }
    }

    /// One whose hold was given back before payment, and one that had its goods held again.
    async fn lapsed_holds(&mut self, mall: &Mall) {
        for buyer in ["payer-7", "payer-8"] {
            let placed = self.one_placed(mall, buyer, &[("tea", 1)], PAY_WITHIN_MS).await;
            let order = self.stored(&placed).await.remove(0);
            let lapsed = order.lapsed().expect("nobody pays it");
            let timers = vec![(order.no.clone(), Due::At(order.pay_deadline))];
            let orders = vec![(OrderWrite::Update(Box::new(lapsed.clone())), EventKind::HoldLapsed)];
            self.change(vec![Change { orders, timers, ..Change::touch(order.tenant) }]).await;
            self.resolve(&order, 1, Resolution::Release).await;
            if buyer == "payer-8" {
                let demands = Self::quote(mall, &placed.submit).demands;
                let again = LedgerRequest::Hold {
                    tenant: order.tenant,
                    id: HoldId { key: order.group.clone(), n: 2 },
                    content: Fingerprint([8; 32]),
                    order_nos: vec![(order.seller.clone(), order.no.clone())],
                    demands,
                };
                self.ledger(vec![again]).await;
                let held = lapsed.held_again(2).expect("it was lapsed");
                self.write(vec![held], EventKind::HeldAgain, Vec::new(), order.tenant).await;
            }
        }
    }

    async fn resolve(&self, order: &Order, n: i32, resolution: Resolution) {
        let part: Part = order.part();
        let id = HoldId { key: order.group.clone(), n };
        self.ledger(vec![LedgerRequest::Resolve { tenant: order.tenant, id, part: Some(part), resolution }]).await;
    }

    /// One of each state.
    async fn callbacks(&self, tenant: TenantId) {
        for state in CallbackState::ALL {
            let is_over = *state == CallbackState::Done;
            let callback = Callback {
                tenant,
                provider: provider(),
                event_id: format!("evt-{state}"),
                received: UnixMillis(1),
                headers: Vec::new(),
                body: b"{}".to_vec(),
                state: *state,
                note: None,
                tries: 1,
                next_try: (!is_over).then_some(UnixMillis(4_000_000_000_000)),
            };
            assert!(self.stores.life.keep_callback(&callback).await.expect("a stored callback"));
        }
    }
}

fn provider() -> ProviderName {
    ProviderName::try_new("center").expect("a name")
}

fn captured(attempt: &Attempt) -> ProviderWord {
    ProviderWord::Captured { amount: attempt.amount, currency: attempt.currency, reference: Some("ref".to_owned()) }
}

fn draft(id: AttemptId, orders: &[Order]) -> Attempt {
    let share = |order: &Order| Share { order_no: order.no.clone(), amount: order.total };
    let shares: Vec<Share> = orders.iter().map(share).collect();
    Attempt {
        tenant: orders[0].tenant,
        id,
        version: Version::FIRST,
        provider: provider(),
        buyer: orders[0].buyer.clone(),
        amount: Minor(shares.iter().map(|share| share.amount.0).sum()),
        shares,
        currency: orders[0].currency,
        state: AttemptState::Opening,
        request: Fingerprint([3; 32]),
        method: None,
        return_url: None,
        opened: UnixMillis::default(),
        deadline: orders.iter().map(|order| order.pay_deadline).min().expect("an order"),
        pay: None,
        reference: None,
        captured: None,
        flag: None,
        reason: None,
        looks: 0,
        next_look: Some(UnixMillis(3_600_000)),
    }
}
