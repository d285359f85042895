//! A Holdline of our own: the real binary as a child process on a store of its own, driven and judged from outside.
//!
//! Bench, demo, crash rounds and the replay are clients like any other: they know the wire, never the inside.
//!
//! - [`Home`]: where a store lives, a directory or a database, fresh and removed at the end.
//! - [`Server`]: the child: started, measured, killed with SIGKILL, started again on the same home.
//! - [`Center`]: a payment center as another child, for who pays; [`Buyer`]: who pays there.
//! - [`Shop`]: a tenant with keys, sellers, SKUs and stock, set up over HTTP.
//! - [`submit`]: how a submit is written and its answer read, cheap enough for the load.
//! - [`look_up`]: every acknowledged order number asked for again.
//! - `audit`: `holdline audit --json` as a child, read strictly.
//!
//! Invariant: whatever is started here is ended here, on errors too.

mod audit;
mod buyer;
mod center;
mod client;
mod home;
mod key;
mod lookup;
mod metrics;
mod progress;
mod server;
mod shop;
mod stop;
pub(crate) mod submit;

pub(crate) use audit::{Audit, Money, audit, audit_at_rest};
pub(crate) use buyer::Buyer;
pub(crate) use center::{Center, CenterBooks, PROVIDER};
pub(crate) use client::{Answer, Client, percent_encoded};
pub(crate) use home::{Engine, Home, StoreArgs};
pub(crate) use key::Keys;
pub(crate) use lookup::{Lookup, look_up};
pub(crate) use metrics::Metrics;
pub(crate) use progress::{Progress, with_bar};
pub(crate) use server::Server;
pub(crate) use shop::{SellerRow, Shop, SkuRow, StockRow, adjust, stock};
pub(crate) use stop::Stop;
