//! The header `Idempotency-Key`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| holdline_fuzz::check("idempotency_key", bytes));
