//! What only life measures.

use serde::Serialize;

use super::money::Books;
use crate::child::CenterBooks;

/// Its figures; `p50_ms`, `p95_ms` and `p99_ms` are then of whole lives.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(in crate::bench) struct LifeFigures {
    /// Orders that came to the end of their lives, completed or refunded, per second.
    pub(in crate::bench) lives_per_second: Option<f64>,
    /// Of submits alone.
    pub(in crate::bench) placing_p50_ms: Option<f64>,
    pub(in crate::bench) placing_p99_ms: Option<f64>,
    /// By the orders, minor units.
    pub(in crate::bench) captured: Option<i64>,
    pub(in crate::bench) refunded: Option<i64>,
    /// What confirmed and completed orders keep of it.
    pub(in crate::bench) kept: Option<i64>,
    /// By the payment center's books.
    pub(in crate::bench) center_captured: Option<i64>,
    pub(in crate::bench) center_refunded: Option<i64>,
}

impl LifeFigures {
    /// Adds what both sides say of the money.
    pub(super) fn add_books(&mut self, orders: Books, center: CenterBooks) {
        let Books { captured, refunded, kept } = orders;
        (self.captured, self.refunded, self.kept) = (Some(captured), Some(refunded), Some(kept));
        (self.center_captured, self.center_refunded) = (Some(center.captured), Some(center.refunded));
    }

    /// What is wrong with the money.
    pub(in crate::bench) fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        if let (Some(captured), Some(refunded), Some(kept)) = (self.captured, self.refunded, self.kept)
            && captured != refunded + kept
        {
            failures.push(format!("captured {captured} is not refunded {refunded} and kept {kept}"));
        }
        let sides =
            [("captured", self.captured, self.center_captured), ("refunded", self.refunded, self.center_refunded)];
        for (what, orders, center) in sides {
            if orders != center {
                failures.push(format!("{what} by the orders is {orders:?}, by the center's books {center:?}"));
            }
        }
        failures
    }

    /// The rows for people.
    pub(in crate::bench) fn rows(&self, row: &mut impl FnMut(&str, String)) {
        if let Some(lives) = self.lives_per_second {
            row("lives per second", format!("{lives:.0}"));
        }
        if let (Some(p50), Some(p99)) = (self.placing_p50_ms, self.placing_p99_ms) {
            row("placing p50 p99", format!("{p50:.2} {p99:.2} ms"));
        }
        if let (Some(captured), Some(refunded), Some(kept)) = (self.captured, self.refunded, self.kept) {
            row("captured, refunded, kept", format!("{captured}, {refunded}, {kept} minor units"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_that_only_one_side_knows_fails_the_run() {
        let figures = |orders: Books, captured, refunded| {
            let mut figures = LifeFigures::default();
            figures.add_books(orders, CenterBooks { captured, refunded });
            figures.failures().len()
        };
        let orders = Books { captured: 10, refunded: 4, kept: 6 };
        assert_eq!((figures(orders, 10, 4), figures(orders, 11, 4), figures(orders, 10, 5)), (0, 1, 1));
        assert_eq!(figures(Books { kept: 5, ..orders }, 10, 4), 1);
        assert!(LifeFigures::default().failures().is_empty(), "a scenario without money");
    }
}
