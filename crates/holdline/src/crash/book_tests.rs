//! Tests of what the clients know.

use rand::SeedableRng as _;

use super::*;

fn book() -> Book {
    let mut book = Book::new(StdRng::seed_from_u64(1));
    let submit = |lines: &[(usize, u32)]| Submit {
        key: "k".to_owned(),
        buyer: 1,
        lines: lines.to_vec(),
        told: Told::Nothing,
        later: false,
    };
    book.submits = vec![submit(&[(0, 2), (3, 1)]), submit(&[(0, 1)])];
    book
}

#[test]
fn another_group_under_one_key_is_a_contradiction() {
    let mut book = book();
    book.submit_answered(0, Meaning::Placed, "1,2");
    book.submit_answered(0, Meaning::Replayed, "1,2");
    assert!(book.wrong.is_empty());
    book.submit_answered(0, Meaning::Replayed, "1,3");
    assert_eq!(book.wrong.len(), 1);
}

#[test]
fn orders_under_other_numbers_than_were_promised_are_a_contradiction() {
    let mut book = book();
    book.submit_answered(0, Meaning::Accepted, "1,2");
    book.submit_answered(0, Meaning::Accepted, "1,2");
    book.submit_answered(0, Meaning::Placed, "1,2");
    assert!(book.wrong.is_empty());
    book.submit_answered(1, Meaning::Accepted, "3");
    book.submit_answered(1, Meaning::Placed, "4");
    assert_eq!(book.wrong.len(), 1);
}

#[test]
fn one_number_for_two_submits_is_a_contradiction() {
    let mut book = book();
    book.submit_answered(0, Meaning::Placed, "1,2");
    book.submit_answered(1, Meaning::Placed, "1");
    assert_eq!(book.wrong.len(), 1);
}

#[test]
fn cancelled_orders_give_their_units_back() {
    let mut book = book();
    book.submit_answered(0, Meaning::Placed, "1,2");
    book.submit_answered(1, Meaning::Refused, "");
    assert_eq!((book.units_sold()[0], book.units_sold()[3]), (2, 1));
    book.cancel_answered(0, 0, 200);
    assert_eq!((book.units_sold()[0], book.units_sold()[3], book.acknowledged()), (0, 1, 2));
}
