//! Tests of what the clients know.

use rand::SeedableRng as _;

use super::*;

fn book() -> Book {
    let mut book = Book::new(StdRng::seed_from_u64(1), true);
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
fn a_submit_that_never_becomes_orders_stays_so() {
    let mut book = book();
    book.submits[0].later = true;
    book.submit_answered(0, Meaning::Lapsed, "");
    book.submit_answered(0, Meaning::Lapsed, "");
    assert!(book.wrong.is_empty() && book.unanswered(0) == [1]);
    book.submit_answered(0, Meaning::Placed, "1,2");
    assert_eq!((book.wrong.len(), book.acknowledged()), (1, 0));
    book.submit_answered(1, Meaning::Lapsed, "");
    assert_eq!((book.wrong.len(), book.unanswered(0)), (2, vec![1]));
    book.submit_answered(1, Meaning::Abandoned, "");
    assert_eq!((book.wrong.len(), book.unanswered(0)), (2, vec![]));
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
    book.cancel_answered(0, 0, 200);
    assert_eq!((book.units_sold()[0], book.units_sold()[3], book.acknowledged()), (0, 1, 2));
    assert_eq!(book.cancelled(), [(0, 0, "1".to_owned())]);
}

#[test]
fn what_was_paid_and_not_cancelled_is_kept() {
    let mut book = book();
    book.submit_answered(0, Meaning::Placed, "1,2");
    for order in 0..2 {
        let Told::Placed(orders) = &mut book.submits[0].told else { panic!("it is placed") };
        orders[order].pay = Pay::Asked;
    }
    assert_eq!(book.unpaid().len(), 2);
    book.pay_answered(0, 0, 201);
    book.pay_answered(0, 0, 202);
    book.pay_answered(0, 1, 503);
    assert_eq!((book.kept_minor(), book.unpaid(), book.opened_count()), (200, vec![(0, 1, "2".to_owned())], 1));
    book.pay_answered(0, 1, 201);
    assert_eq!(book.kept_minor(), 303);
    book.cancel_answered(0, 0, 200);
    assert_eq!((book.kept_minor(), book.numbers_opened(1)), (103, vec!["2".to_owned()]));
    assert!(book.wrong.is_empty());
}

#[test]
fn a_refused_attempt_of_an_order_that_nobody_cancelled_is_a_contradiction() {
    let mut book = book();
    book.submit_answered(1, Meaning::Placed, "1");
    book.pay_answered(1, 0, 409);
    assert_eq!(book.wrong.len(), 1);
}
