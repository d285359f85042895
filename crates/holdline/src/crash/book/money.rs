//! What the clients know of money: which orders are paid, and what must be kept of it in the end.

use super::{Book, Cancel, OrderKnown, Pay, Submit, Told};
use crate::crash::goods::{price_minor, seller_of};

impl Book {
    /// Notes the answer to an attempt to pay.
    pub(in crate::crash) fn pay_answered(&mut self, submit: usize, order: usize, status: u16) {
        let Told::Placed(orders) = &mut self.submits[submit].told else { return };
        let OrderKnown { number, cancel, pay } = &mut orders[order];
        match status {
            201 | 202 if *pay == Pay::Opened => {}
            201 | 202 if *pay == Pay::Asked => {
                *pay = Pay::Opened;
                self.opened.push((submit, order));
            }
            503 => {}
            409 if *cancel != Cancel::Never && *pay != Pay::Opened => *pay = Pay::Refused,
            _ => {
                let what = format!("paying {number} was answered {status}, known is {pay:?} and cancel {cancel:?}");
                self.wrong(what);
            }
        }
    }

    /// Attempts whose answer is not known.
    pub(in crate::crash) fn unpaid(&self) -> Vec<(usize, usize, String)> {
        self.placed_that(|order| order.pay == Pay::Asked)
    }

    /// Numbers of the orders with an acknowledged attempt, after the first `from` of them.
    pub(in crate::crash) fn numbers_opened(&self, from: usize) -> Vec<String> {
        let opened = self.opened[from..].iter();
        opened.map(|(submit, order)| self.orders_of(*submit)[*order].number.clone()).collect()
    }

    /// How many attempts are acknowledged.
    pub(in crate::crash) fn opened_count(&self) -> usize {
        self.opened.len()
    }

    /// What the clients know to be paid and not cancelled, in minor units.
    pub(in crate::crash) fn kept_minor(&self) -> i64 {
        let kept = self.opened.iter().filter(|(submit, order)| self.orders_of(*submit)[*order].cancel != Cancel::Done);
        kept.map(|(submit, order)| self.submits[*submit].total_minor(*order)).sum()
    }
}

impl Submit {
    /// What one of its orders costs.
    fn total_minor(&self, order: usize) -> i64 {
        let seller = self.sellers().into_iter().nth(order);
        let lines = self.lines.iter().filter(|(sku, _)| Some(seller_of(*sku)) == seller);
        lines.map(|(sku, quantity)| price_minor(*sku) * i64::from(*quantity)).sum()
    }
}
