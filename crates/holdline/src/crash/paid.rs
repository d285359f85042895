//! Money in the rounds: orders are paid at a payment center of our own, and every fen is accounted for in the end.
//!
//! The center captures as soon as a payment is created, so that nobody has to pay at it; some of its answers are lost, and
//! Holdline asks again. It is told of no address for callbacks: that of a server changes with each start.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;

use super::again::definite_but;
use super::client::{attempt, payments};
use super::rounds::Rounds;
use crate::child::{Center, CenterBooks, Client, Home, Money, audit};

/// How often the center's books are compared until everything has gone its way, and the time between.
const LOOKS_MAX: u32 = 60;
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Of its answers, so many are lost.
const LOST_ANSWERS: f64 = 0.02;

/// Starts the center, and opens the account at it.
pub(super) fn open(home: &Home, seed: u64, admin: &mut Client) -> anyhow::Result<Center> {
    let mischief = json!({ "seed": seed, "instant_capture": 1.0, "lost_answer": LOST_ANSWERS });
    let center = Center::start(home, &mischief)?;
    center.register(admin)?;
    Ok(center)
}

impl Rounds<'_> {
    /// Every attempt that was acknowledged after the first `from` of them is there.
    pub(super) fn look_up_attempts(&mut self, from: usize, client: &mut Client) -> anyhow::Result<()> {
        let numbers = self.book().numbers_opened(from);
        for number in numbers {
            let read = client.get(&payments(&number))?.success()?;
            if read["payments"][0]["attempts"][0]["attempt"].as_str().is_none() {
                self.verdict.lost += 1;
                self.book().wrong(format!("an attempt to pay {number} was acknowledged and is lost"));
            }
        }
        Ok(())
    }

    /// Every attempt gets its answer.
    pub(super) fn settle_attempts(&mut self, client: &mut Client) -> anyhow::Result<()> {
        let unpaid = self.book().unpaid();
        for (submit, order, number) in unpaid {
            let target = payments(&number);
            let answer = definite_but(self.stop, |_| false, || client.submit(&target, &number, &attempt()))?;
            self.book().pay_answered(submit, order, answer.status);
        }
        Ok(())
    }

    /// Waits until the center's books, the audit and what the clients know say the same; then what is different, if anything.
    pub(super) fn judge_money(&mut self) -> anyhow::Result<()> {
        let Some(center) = &self.center else { return Ok(()) };
        let kept = self.book().kept_minor();
        let mut looks = 0;
        let (books, money) = loop {
            let books = center.books().context("the payment center's books")?;
            let money = audit(self.home)?.money;
            looks += 1;
            if agree(books, money, kept) || looks == LOOKS_MAX {
                break (books, money);
            }
            self.stop.check()?;
            self.stop.pause(LOOK_EVERY);
        };
        if !agree(books, money, kept) {
            let what =
                format!("at rest the center has {books:?}, the audit {money:?}, the clients know {kept} to be kept");
            self.verdict.failures.push(what);
        }
        self.verdict.captured = books.captured;
        self.verdict.refunded = books.refunded;
        self.verdict.kept = money.kept;
        Ok(())
    }
}

/// Whether all money is where it should be: captured = refunded + kept, on all three sides.
fn agree(books: CenterBooks, money: Money, kept: i64) -> bool {
    let at_rest = Money { captured: books.captured, refunded: books.refunded, kept, ..Money::default() };
    money == at_rest && books.captured == books.refunded + kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_that_is_captured_twice_or_not_given_back_is_noticed() {
        let books = CenterBooks { captured: 300, refunded: 100 };
        let money = Money { captured: 300, refunded: 100, kept: 200, ..Money::default() };
        assert!(agree(books, money, 200));
        assert!(!agree(books, money, 100), "an order that the clients cancelled keeps its money");
        assert!(!agree(CenterBooks { captured: 400, ..books }, money, 200), "captured twice at the center");
        assert!(!agree(CenterBooks { refunded: 0, ..books }, money, 200), "the center was never asked");
        assert!(!agree(books, Money { on_its_way_back: 1, ..money }, 200));
    }
}
