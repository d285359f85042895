//! The bodies about sellers and SKUs.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| holdline_fuzz::check("catalog", bytes));
