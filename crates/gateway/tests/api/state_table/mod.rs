//! The table of an order's states, row by row over HTTP: each event in each state.
//!
//! A test bears its row's name. `requests.rs` has the events that a caller asks for: a guard refuses with its code and changes
//! nothing; a success is told once, also when the same request comes twice at once and once more afterwards. `provider.rs` has
//! what a provider says and what time does, `races.rs` two different events at once: one wins, and the other gets the answer
//! that is right after it.
//!
//! Rows that have their tests elsewhere: *submit* is refused and promised in `v1/orders.rs` and `v1/submits.rs`; `payment_unknown`
//! is `crash_table/paying.rs` of the testkit; `payment_succeeded` without an order and *no change for 15 minutes* are
//! `money_for_nothing_known_…` in `v1/payments.rs` and `gauges_show_…` in `v1/unsettled.rs`; *auto-receive* is in `v1/fulfillment.rs`, revival by policy and
//! an open attempt past the deadline in `v1/payments.rs`, what each decision of a return does in `v1/fulfillment.rs`.

mod place;
mod provider;
mod races;
mod requests;
