//! The ports of Holdline on SQL, for SQLite and PostgreSQL.
//!
//! Each capability (`ledger`, `order`, `feed`, `catalog`, `tenant`) is written once, as programs over an [`engine::Engine`];
//! what differs between the two databases lives in `engine/sqlite` and `engine/postgres` alone.
//!
//! Deliberately absent: decisions. Every rule is a pure function of `holdline-domain`, called between a program's reads
//! and its writes.

pub mod catalog;
pub mod engine;
pub mod feed;
pub mod ledger;
pub mod order;
pub mod pair;
mod program;
mod rows;
mod stores;
pub mod tenant;
pub mod time;
pub mod webhook;

pub use stores::{
    Stores, WritingEnded, connect_postgres, mark_postgres, open_sqlite, open_sqlite_feed, open_sqlite_ledger,
    open_sqlite_tenants, own_directory, restore_postgres, restore_sqlite,
};
pub use time::Clocks;
