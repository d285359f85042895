//! The tests of `/v1`, laid out as its paths are.

mod holds;
mod order_groups;
mod orders;
mod periods;
mod sellers;
mod skus;
mod stock;
mod submits;
