//! `/v1`.

mod order_groups;
mod orders;
mod sellers;
mod skus;
mod stock;
