//! Drives load against a Holdline server over real HTTP and keeps the processes that a measurement needs.
//!
//! Used by `holdline bench`, `holdline demo`, the crash rounds and `xtask`.
//!
//! - [`http`]: one cheap keep-alive HTTP/1.1 client connection.
//! - [`generator`]: many connections, closed or open loop, with honest latencies.
//! - [`process`]: a child server: start, readiness, CPU, memory, signals.
//! - [`private_postgres`]: a PostgreSQL cluster of our own, started and removed.
//! - [`plain_postgres`]: the baseline, one plain transaction per order.
//! - [`machine`]: facts about the machine for reports.
//! - [`report`]: latency summaries as they are printed.
//!
//! Deliberately absent: any knowledge of orders. Requests and the judging of answers come from the caller's
//! [`generator::Script`], so that a mistake in Holdline's own types cannot hide itself from its judge.

pub mod generator;
pub mod http;
pub mod machine;
pub mod plain_postgres;
pub mod private_postgres;
pub mod process;
pub mod report;
