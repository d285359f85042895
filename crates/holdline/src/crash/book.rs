//! What the clients know: every submit with its key, what was answered, what was cancelled. The judge of a crash round
//! believes this book and nothing else.
//!
//! All connections share it behind one mutex, held for one lookup or note at a time, never across an await.

mod cancels;
mod money;
mod submit;

use std::collections::{HashMap, VecDeque};

use rand::RngExt as _;
use rand::rngs::StdRng;

pub(super) use self::submit::{Cancel, OrderKnown, Pay, Submit, Told};
use super::goods::{SKUS, seller_of};
use crate::child::submit::{Meaning, new_key};

/// Buyers.
const BUYERS: u32 = 500;
/// Lines of a cart, at most.
const LINES_MAX: usize = 3;
/// Of a hundred requests: repetitions of a definite answer, and cancels. The rest are new submits.
const REPEATED_PERCENT: u32 = 4;
const CANCELLED_PERCENT: u32 = 25;
/// Of a hundred requests, where there is a payment center: attempts to pay, each of an order of its own.
const PAID_PERCENT: u32 = 15;
/// Of a hundred submits: those that are answered before they are decided.
const LATER_PERCENT: u32 = 30;
/// What is wrong, at most so many entries of it.
const WRONG_MAX: usize = 100;

/// What a connection does next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Errand {
    /// Send a submit, for the first time or again.
    Submit(usize),
    /// Cancel an order of a submit.
    Cancel(usize, usize),
    /// Pay an order of a submit.
    Pay(usize, usize),
}

/// The clients' knowledge.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) submits: Vec<Submit>,
    /// Submits with a definite yes, in the order of their answers.
    placed: Vec<usize>,
    /// Orders with an acknowledged attempt, in the order of the answers.
    opened: Vec<(usize, usize)>,
    /// Whether there is a center to pay at.
    payments: bool,
    /// Whose submit each number is.
    numbers: HashMap<String, usize>,
    /// Submits without a definite answer, to be sent again while the server still runs.
    again: VecDeque<usize>,
    dice: StdRng,
    /// Requests sent again under a key.
    pub(super) retried: u64,
    /// Submits that were accepted before they were decided.
    pub(super) promised: u64,
    /// Contradictions.
    pub(super) wrong: Vec<String>,
}

impl Book {
    pub(super) fn new(dice: StdRng, payments: bool) -> Self {
        Self {
            submits: Vec::new(),
            placed: Vec::new(),
            opened: Vec::new(),
            payments,
            numbers: HashMap::new(),
            again: VecDeque::new(),
            dice,
            retried: 0,
            promised: 0,
            wrong: Vec::new(),
        }
    }

    /// The next errand.
    pub(super) fn next(&mut self) -> Errand {
        if let Some(submit) = self.again.pop_front() {
            self.retried += 1;
            return Errand::Submit(submit);
        }
        let roll = self.dice.random_range(0..100);
        let paid_percent = if self.payments { PAID_PERCENT } else { 0 };
        if roll < REPEATED_PERCENT + CANCELLED_PERCENT + paid_percent && !self.placed.is_empty() {
            let submit = self.placed[self.dice.random_range(0..self.placed.len())];
            if roll < REPEATED_PERCENT {
                self.retried += 1;
                return Errand::Submit(submit);
            }
            let Told::Placed(orders) = &mut self.submits[submit].told else {
                unreachable!("`placed` lists placed ones")
            };
            let order = self.dice.random_range(0..orders.len());
            if roll >= REPEATED_PERCENT + CANCELLED_PERCENT {
                if orders[order].pay == Pay::Never {
                    orders[order].pay = Pay::Asked;
                }
                return Errand::Pay(submit, order);
            }
            if orders[order].cancel == Cancel::Never {
                orders[order].cancel = Cancel::Asked;
            }
            return Errand::Cancel(submit, order);
        }
        Errand::Submit(self.new_submit())
    }

    pub(super) fn new_submit(&mut self) -> usize {
        let mut key = String::new();
        new_key(&mut key);
        let first = self.dice.random_range(0..SKUS);
        let count = self.dice.random_range(1..=LINES_MAX);
        // Steps of 3 modulo 8 meet different SKUs.
        let lines = (0..count).map(|step| ((first + 3 * step) % SKUS, self.dice.random_range(1..=2))).collect();
        let (buyer, later) = (self.dice.random_range(0..BUYERS), self.dice.random_range(0..100) < LATER_PERCENT);
        self.submits.push(Submit { key, buyer, lines, told: Told::Nothing, later });
        self.submits.len() - 1
    }

    /// Notes the answer to a submit.
    pub(super) fn submit_answered(&mut self, submit: usize, meaning: Meaning, numbers: &str) {
        match meaning {
            Meaning::Placed | Meaning::Replayed => self.note_placed(submit, numbers),
            Meaning::Accepted => self.note_promised(submit, numbers),
            Meaning::Refused => self.note_no(submit, Told::Refused),
            Meaning::Abandoned => self.note_no(submit, Told::Never),
            Meaning::Lapsed if self.submits[submit].later => self.note_no(submit, Told::Never),
            Meaning::Lapsed => {
                self.wrong(format!("{} was not decided in time, and asked for no promise", self.submits[submit].key));
            }
            Meaning::Busy | Meaning::Unknown => self.submit_lost(submit),
            Meaning::Wrong(what) => self.wrong(format!("{}: {what}", self.submits[submit].key)),
        }
    }

    /// Notes a no. One that stands stays: it is told as it was, or as the reason that it had.
    fn note_no(&mut self, submit: usize, no: Told) {
        match &self.submits[submit].told {
            Told::Nothing | Told::Promised(_) | Told::Refused => self.submits[submit].told = no,
            Told::Never => {}
            Told::Placed(_) => self.wrong(format!("{} was placed, then {no:?}", self.submits[submit].key)),
        }
    }

    /// Notes that a promise ended without orders.
    pub(super) fn promise_ended(&mut self, submit: usize) {
        self.note_no(submit, Told::Never);
    }

    fn note_promised(&mut self, submit: usize, numbers: &str) {
        let promised: Vec<String> = numbers.split(',').map(str::to_owned).collect();
        let key = self.submits[submit].key.clone();
        match &self.submits[submit].told {
            Told::Nothing => {
                self.submits[submit].told = Told::Promised(promised);
                self.promised += 1;
            }
            Told::Promised(known) if *known == promised => {}
            known => self.wrong(format!("{key} was promised {promised:?}, and told {known:?} before")),
        }
    }

    fn note_placed(&mut self, submit: usize, numbers: &str) {
        let numbers: Vec<&str> = numbers.split(',').collect();
        let key = self.submits[submit].key.clone();
        match &self.submits[submit].told {
            Told::Placed(known) => {
                if !known.iter().map(|order| order.number.as_str()).eq(numbers.iter().copied()) {
                    self.wrong(format!("{key} has two groups: {known:?} and {numbers:?}"));
                }
            }
            Told::Never => self.wrong(format!("{key} was never to be placed, and has {numbers:?}")),
            Told::Promised(promised) if !promised.iter().map(String::as_str).eq(numbers.iter().copied()) => {
                self.wrong(format!("{key} was promised {promised:?}, and has {numbers:?}"));
            }
            Told::Nothing | Told::Promised(_) | Told::Refused => {
                if numbers.len() != self.submits[submit].sellers().len() {
                    self.wrong(format!("{key}: {numbers:?} for {:?}", self.submits[submit].lines));
                }
                for number in &numbers {
                    if self.numbers.insert((*number).to_owned(), submit).is_some_and(|other| other != submit) {
                        self.wrong(format!("{number} was given to two submits"));
                    }
                }
                let order =
                    |number: &&str| OrderKnown { number: (*number).to_owned(), cancel: Cancel::Never, pay: Pay::Never };
                self.submits[submit].told = Told::Placed(numbers.iter().map(order).collect());
                self.placed.push(submit);
            }
        }
    }

    /// A submit has no answer: its key will tell.
    pub(super) fn submit_lost(&mut self, submit: usize) {
        if matches!(self.submits[submit].told, Told::Nothing) {
            self.again.push_back(submit);
        }
    }

    /// Notes a contradiction.
    pub(super) fn wrong(&mut self, what: String) {
        if self.wrong.len() < WRONG_MAX {
            self.wrong.push(what);
        }
    }

    /// Submits from `first` on that have no definite answer; nothing is under way any more.
    pub(super) fn unanswered(&mut self, first: usize) -> Vec<usize> {
        self.again.clear();
        let is_open = |submit: &usize| matches!(self.submits[*submit].told, Told::Nothing | Told::Promised(_));
        (first..self.submits.len()).filter(is_open).collect()
    }

    fn placed_that(&self, is_so: impl Fn(&OrderKnown) -> bool) -> Vec<(usize, usize, String)> {
        let mut found = Vec::new();
        for submit in &self.placed {
            let orders = self.orders_of(*submit).iter().enumerate().filter(|(_, order)| is_so(order));
            found.extend(orders.map(|(place, order)| (*submit, place, order.number.clone())));
        }
        found
    }

    fn orders_of(&self, submit: usize) -> &[OrderKnown] {
        match &self.submits[submit].told {
            Told::Placed(orders) => orders,
            Told::Nothing | Told::Promised(_) | Told::Refused | Told::Never => &[],
        }
    }

    /// Numbers of the submits that were placed after the first `from` of them.
    pub(super) fn numbers_placed(&self, from: usize) -> Vec<String> {
        let orders = self.placed[from..].iter().flat_map(|submit| self.orders_of(*submit));
        orders.map(|order| order.number.clone()).collect()
    }

    /// How many submits were placed.
    pub(super) fn placed_count(&self) -> usize {
        self.placed.len()
    }

    /// Acknowledged orders.
    pub(super) fn acknowledged(&self) -> usize {
        self.numbers.len()
    }

    /// Units of each SKU in acknowledged orders that are not cancelled.
    pub(super) fn units_sold(&self) -> [i64; SKUS] {
        let mut units = [0; SKUS];
        for submit in &self.submits {
            let Told::Placed(orders) = &submit.told else { continue };
            let sellers: Vec<&str> = submit.sellers().into_iter().collect();
            for (sku, quantity) in &submit.lines {
                let order = sellers.iter().position(|seller| *seller == seller_of(*sku));
                if order.is_some_and(|order| orders[order].cancel != Cancel::Done) {
                    units[*sku] += i64::from(*quantity);
                }
            }
        }
        units
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
