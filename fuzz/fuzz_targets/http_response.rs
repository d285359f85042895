//! The load generator's parser of answers.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| holdline_fuzz::check("http_response", bytes));
