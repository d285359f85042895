//! What the clients know of cancels: which are acknowledged, and which have no answer.

use super::{Book, Cancel, Pay, Told};

impl Book {
    /// Notes the answer to a cancel.
    pub(in crate::crash) fn cancel_answered(&mut self, submit: usize, order: usize, status: u16) {
        let Told::Placed(orders) = &mut self.submits[submit].told else { return };
        match status {
            200 => orders[order].cancel = Cancel::Done,
            503 => {}
            // An attempt is open: it is settled after the last round.
            409 if orders[order].pay != Pay::Never && orders[order].cancel != Cancel::Done => {}
            _ => {
                let number = orders[order].number.clone();
                self.wrong(format!("cancelling {number} was answered {status}"));
            }
        }
    }

    /// Cancels whose answer is not known.
    pub(in crate::crash) fn uncancelled(&self) -> Vec<(usize, usize, String)> {
        self.placed_that(|order| order.cancel == Cancel::Asked)
    }

    /// Acknowledged cancels.
    pub(in crate::crash) fn cancelled(&self) -> Vec<(usize, usize, String)> {
        self.placed_that(|order| order.cancel == Cancel::Done)
    }
}
