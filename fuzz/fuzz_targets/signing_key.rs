//! Signing keys, signatures and networks.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| holdline_fuzz::check("signing_key", bytes));
