//! A callback of a payment center.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| holdline_fuzz::check("payment_callback", bytes));
