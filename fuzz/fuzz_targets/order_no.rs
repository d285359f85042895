//! Order numbers and group ids.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| holdline_fuzz::check("order_no", bytes));
