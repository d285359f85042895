//! Submits that were accepted before they were decided.

use holdline_domain::id::SellerId;
use holdline_domain::ledger::{HoldId, LedgerRequest};
use holdline_domain::order::change::Change;
use holdline_domain::order::{Acceptance, AcceptedSubmit, GroupState, OrderNo, Submit};
use holdline_domain::time::UnixMillis;

use super::shop::{Mall, PAY_WITHIN_MS, Shop, group, insert, numbers};

impl Shop {
    /// Promises that a submit will be decided; the numbers that were promised.
    pub(crate) async fn promise(&mut self, mall: &Mall, submit: &Submit) -> Vec<(SellerId, OrderNo)> {
        let order_nos = self.draw(submit, &Self::quote(mall, submit));
        let acceptance = Acceptance {
            buyer: submit.buyer.clone(),
            content: submit.fingerprint(),
            order_nos: order_nos.clone(),
            accepted: UnixMillis::default(),
            decide_by: UnixMillis(PAY_WITHIN_MS),
        };
        self.change(vec![Change::accept(AcceptedSubmit { submit: submit.clone(), acceptance })]).await;
        order_nos
    }

    /// Places a submit under numbers that were drawn before.
    pub(crate) async fn place_numbered(&self, mall: &Mall, submit: &Submit, order_nos: Vec<(SellerId, OrderNo)>) {
        let quoted = Self::quote(mall, submit);
        let hold = LedgerRequest::Hold {
            tenant: submit.tenant,
            id: HoldId::first(submit.key.clone()),
            content: submit.fingerprint(),
            order_nos: order_nos.clone(),
            demands: quoted.demands.clone(),
        };
        self.ledger(vec![hold]).await;
        let orders = quoted.orders(submit, &order_nos, 1, PAY_WITHIN_MS).expect("a number per seller");
        let state = GroupState::Placed { order_nos: numbers(&orders) };
        let orders = orders.iter().map(insert).collect();
        self.change(vec![Change { group: Some(group(submit, state)), orders, ..Change::touch(submit.tenant) }]).await;
    }
}
