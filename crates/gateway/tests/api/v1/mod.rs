//! The tests of `/v1`, laid out as its paths are.

mod events;
mod fulfillment;
mod holds;
mod order_groups;
mod orders;
mod parked_events;
mod pay_at_once;
mod payments;
mod periods;
mod policies;
mod refunds;
mod sellers;
mod skus;
mod stock;
mod submits;
mod unsettled;
mod webhooks;
