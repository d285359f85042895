//! A `check_url` and the guard against private networks.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| holdline_fuzz::check("check_url", bytes));
