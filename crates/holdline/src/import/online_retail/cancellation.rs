//! Which sold lines a cancellation takes back.
//!
//! A line of a cancellation takes back units of earlier sold lines of the same customer, stock code and price that nobody
//! took back before, the latest first, from one order or several. It is matched with all its units or not at all: what it
//! means otherwise lies outside of the file. A line at price zero has no money to give back, and a customer without a
//! number has no earlier invoice.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::file::{Invoice, Kind, seller};

/// Units of one sold line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) order: OrderKey,
    /// Its place in the submit, from 1: the line's number in its order.
    pub(super) line_no: usize,
    pub(super) units: i64,
}

/// An order before it has a number: the invoice's place in the file, and the seller.
pub(super) type OrderKey = (usize, String);

/// Every matched line of a cancellation, by its number in the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Cancellations {
    parts: BTreeMap<u64, Vec<Part>>,
    orders: BTreeSet<OrderKey>,
}

impl Cancellations {
    /// Matches the cancellations of a file.
    pub(super) fn find(invoices: &[Invoice]) -> Self {
        let mut found = Self::default();
        // What can still be taken back, in the order of the file.
        let mut open: HashMap<(&str, &str, i64), Vec<Part>> = HashMap::new();
        for (place, invoice) in invoices.iter().enumerate() {
            let sold = invoice.lines.iter().filter(|line| line.kind == Kind::Sold && line.price_minor > 0);
            let numbered: HashMap<u64, usize> = invoice.sold().zip(1..).map(|(line, no)| (line.number, no)).collect();
            for line in sold {
                let order = (place, seller(&line.code));
                let part = Part { order, line_no: numbered[&line.number], units: line.units };
                open.entry((&invoice.buyer, &line.code, line.price_minor)).or_default().push(part);
            }
            for line in invoice.lines.iter().filter(|line| line.kind == Kind::Cancelled) {
                let Some(open) = open.get_mut(&(invoice.buyer.as_str(), line.code.as_str(), line.price_minor)) else {
                    continue;
                };
                if open.iter().map(|part| part.units).sum::<i64>() >= line.units {
                    let parts = take_back(open, line.units);
                    found.orders.extend(parts.iter().map(|part| part.order.clone()));
                    found.parts.insert(line.number, parts);
                }
            }
        }
        found
    }

    /// What a line takes back; `None`: its original is not in the file.
    pub(super) fn of(&self, line: u64) -> Option<&[Part]> {
        self.parts.get(&line).map(Vec::as_slice)
    }

    /// Whether any of an order is taken back: such orders are paid.
    pub(super) fn touches(&self, order: &OrderKey) -> bool {
        self.orders.contains(order)
    }
}

/// Takes units from the latest parts; there are enough.
fn take_back(open: &mut Vec<Part>, mut units: i64) -> Vec<Part> {
    let mut taken = Vec::new();
    while units > 0 {
        let Some(mut last) = open.pop() else { break };
        let of_this = last.units.min(units);
        units -= of_this;
        taken.push(Part { units: of_this, ..last.clone() });
        last.units -= of_this;
        if last.units > 0 {
            open.push(last);
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::super::file::InvoiceLine;
    use super::*;

    fn invoice(number: &str, buyer: &str, kind: Kind, lines: &[(u64, &str, i64, i64)]) -> Invoice {
        let lines = lines.iter().map(|(number, code, units, price_minor)| InvoiceLine {
            number: *number,
            kind,
            code: (*code).to_owned(),
            title: String::new(),
            units: *units,
            price_minor: *price_minor,
        });
        Invoice { number: number.to_owned(), buyer: buyer.to_owned(), lines: lines.collect() }
    }

    #[test]
    fn a_cancellation_takes_back_the_latest_units_of_the_same_customer_code_and_price() {
        let part = |invoice: usize, line_no: usize, units: i64| Part { order: (invoice, "1".into()), line_no, units };
        let found = Cancellations::find(&[
            invoice("1", "ann", Kind::Sold, &[(2, "1A", 5, 100), (3, "1A", 5, 90)]),
            invoice("2", "ann", Kind::Sold, &[(4, "1B", 1, 100), (5, "1A", 2, 100)]),
            invoice("3", "bob", Kind::Sold, &[(6, "1A", 9, 100)]),
            invoice("C4", "ann", Kind::Cancelled, &[(7, "1A", 4, 100), (8, "1A", 4, 100), (9, "1A", 3, 100)]),
            invoice("C5", "eve", Kind::Cancelled, &[(10, "1A", 1, 100)]),
            invoice("6", "eve", Kind::Sold, &[(11, "1A", 1, 100), (12, "1A", 1, 0)]),
            invoice("C7", "eve", Kind::Cancelled, &[(13, "1A", 1, 0)]),
        ]);
        assert_eq!(found.of(7), Some(&[part(1, 2, 2), part(0, 1, 2)][..]));
        assert_eq!(found.of(8), None, "three are left, and four are not");
        assert_eq!(found.of(9), Some(&[part(0, 1, 3)][..]));
        assert_eq!((found.of(10), found.of(13)), (None, None), "before it was sold, and without a price");
        assert!(found.touches(&(0, "1".into())) && !found.touches(&(2, "1".into())));
    }
}
