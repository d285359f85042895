//! `holdline import online-retail` over the real binary, with a small file of odd cases.

use std::path::Path;
use std::process::{Command, Output};

const HEADER: &str = "\u{feff}InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\r\n";

/// Six invoices: repeated lines of one code, codes that differ in case only, a code with a space, an empty
/// description, a zero price, a missing customer, a write-off before its code is sold, a cancellation of nothing.
const LINES: &str = "536365,85123A,WHITE HOLDER,6,1/12/2010,2.55,17850,United Kingdom\r\n\
    536365,85123A,WHITE HOLDER,2,1/12/2010,2.55,17850,United Kingdom\r\n\
    536365,85123a,\"HOLDER, OTHER CASE\",1,1/12/2010,2.5,17850,United Kingdom\r\n\
    536366,22139,?,-5,1/12/2010,0,,United Kingdom\r\n\
    536367,22139,,3,1/12/2010,0,,United Kingdom\r\n\
    536367,BANK CHARGES,Bank Charges,1,1/12/2010,15,,United Kingdom\r\n\
    C536368,D,Discount,-1,1/12/2010,27.50,14527,United Kingdom\r\n\
    536369,85123A,WHITE HOLDER,4,1/12/2010,2.95,12583,France\r\n\
    536370,POST,POSTAGE,1,1/12/2010,18,12583,France\r\n";

fn import(directory: &Path, lines: &str, arguments: &[&str]) -> Output {
    let file = directory.join("retail.csv");
    std::fs::write(&file, format!("{HEADER}{lines}")).expect("a writable directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdline"));
    command.args(["import", "online-retail"]).arg(file).args(arguments).output().expect("the binary starts")
}

fn stdout(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    assert!(!text.is_empty(), "nothing on standard output; standard error: {said}");
    text
}

#[test]
fn every_line_is_placed_written_off_or_cancelled_elsewhere_and_nothing_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let output = import(directory.path(), LINES, &[]);
    let text = stdout(&output);
    assert_eq!(
        text.lines().last().unwrap(),
        "REPLAY ok lines=9 placed=7 written_off=1 cancelled=0 refunded=0 cancelled_elsewhere=1 refused=0 oversold=0 audit=clean",
        "{text}"
    );
    // 8 × 2.55 + 2.50 + 0 + 15 + 18 + 4 × 2.95
    assert!(text.contains("worth 67.70 GBP"), "{text}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn too_little_stock_refuses_whole_invoices_by_code_and_oversells_nothing() {
    let directory = tempfile::tempdir().unwrap();
    // 85123A opens with 6 of 12 units: its first invoice asks for 8, its second for 4. 22139 opens with 4 of 8, fewer
    // than are written off. The codes of one unit open with none, and take their invoice with them.
    let output = import(directory.path(), LINES, &["--stock-factor", "0.5"]);
    let text = stdout(&output);
    let last = text.lines().last().unwrap();
    assert_eq!(
        last,
        "REPLAY ok lines=9 placed=1 written_off=0 cancelled=0 refunded=0 cancelled_elsewhere=1 refused=7 oversold=0 audit=clean",
        "{text}"
    );
    assert!(text.contains("insufficient_stock") && text.contains("breaks_holds"), "{text}");
    assert_eq!(output.status.code(), Some(0));
}

/// An order of two lines that loses one, then part of the other, then the rest; a whole order; a cancellation over two
/// invoices that ends the later one; a price, a customer and a time at which nothing like it was sold.
const CANCELLED: &str = "1,85123A,HOLDER,6,1/12/2010,2.55,17850,UK\r\n\
    1,84029G,BOTTLE,2,1/12/2010,3.39,17850,UK\r\n\
    1,POST,POSTAGE,1,1/12/2010,18,17850,UK\r\n\
    C2,84029G,BOTTLE,-2,1/12/2010,3.39,17850,UK\r\n\
    C3,85123A,HOLDER,-1,1/12/2010,2.55,17850,UK\r\n\
    C3,85123A,HOLDER,-1,1/12/2010,2.50,17850,UK\r\n\
    C0,85123A,HOLDER,-1,1/12/2010,2.55,12583,UK\r\n\
    4,85123A,HOLDER,3,1/12/2010,2.55,17850,UK\r\n\
    C5,85123A,HOLDER,-4,1/12/2010,2.55,17850,UK\r\n\
    C6,POST,POSTAGE,-1,1/12/2010,18,17850,UK\r\n\
    C7,85123A,HOLDER,-5,1/12/2010,2.55,17850,UK\r\n\
    C8,85123A,HOLDER,-4,1/12/2010,2.55,17850,UK\r\n\
    9,22139,TEA SET,2,1/12/2010,4.25,12583,UK\r\n";

#[test]
fn cancellations_are_cancels_and_refunds_of_paid_orders_and_what_is_not_in_the_file_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let output = import(directory.path(), CANCELLED, &[]);
    let text = stdout(&output);
    // C2, C3's first line and C5 take units off orders, C6 and C8 end theirs; C7 asks for more than is left.
    assert_eq!(
        text.lines().last().unwrap(),
        "REPLAY ok lines=13 placed=5 written_off=0 cancelled=2 refunded=3 cancelled_elsewhere=3 refused=0 oversold=0 \
         audit=clean",
        "{text}"
    );
    // 9 × 2.55 + 2 × 3.39 + 18, all of it; invoice 9 is never cancelled, and not paid.
    assert!(text.contains("captured 47.73 GBP = refunded 47.73 + kept 0.00"), "{text}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn what_is_not_cancelled_of_a_paid_order_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let lines: String = CANCELLED.split_inclusive("\r\n").take(7).collect();
    let text = stdout(&import(directory.path(), &lines, &[]));
    assert!(text.contains("captured 22.08 GBP = refunded 9.33 + kept 12.75"), "{text}");
    let last = text.lines().last().unwrap();
    assert!(last.contains(" cancelled=0 refunded=2 cancelled_elsewhere=2 "), "{last}");
}

#[test]
fn a_cancellation_of_what_was_refused_is_refused_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let text = stdout(&import(directory.path(), CANCELLED, &["--stock-factor", "0"]));
    assert_eq!(
        text.lines().last().unwrap(),
        "REPLAY ok lines=13 placed=0 written_off=0 cancelled=0 refunded=0 cancelled_elsewhere=3 refused=10 oversold=0 \
         audit=clean",
        "{text}"
    );
    assert!(text.lines().any(|line| line.split_whitespace().eq(["original_refused", "5"])), "{text}");
}

#[test]
fn a_file_that_cannot_be_understood_is_refused_by_its_line_before_anything_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let output = import(directory.path(), "536365,85123A,X,1,1/12/2010,2.555,1,UK\r\n", &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("line 2") && said.contains("part of a penny"), "{said}");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
}

#[test]
fn a_directory_that_is_not_empty_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().to_str().unwrap().to_owned();
    let output = import(directory.path(), LINES, &["--data", &data]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("is not empty"), "{said}");
    assert_eq!(output.status.code(), Some(2));
}
