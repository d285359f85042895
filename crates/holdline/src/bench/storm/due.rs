//! Orders that become due in one second: a second's orders go through a channel of their own, whose deadline is as much shorter
//! as they come later.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use holdline_load::generator::{Plan, RunResult};
use serde_json::json;

use crate::bench::carts::{RandomCarts, Workload};
use crate::bench::run::Loading;
use crate::child::submit::{Carts, Submits};
use crate::child::{Client, Stop};

/// The name of their SKU: others are placed beside them.
pub(super) const NAME: &str = "due";
/// The part of each second in which orders that become due are placed: the rest is for their answers.
const SLOT: Duration = Duration::from_millis(800);
/// Channels with deadlines of their own that a tenant may have, `Policies::CHANNELS_MAX`.
const SLOTS_MAX: u64 = 200;
/// How many times as long as the closed loop's rate says placing may take: a shared machine changes its speed.
const SLOTS_SPARE: f64 = 2.0;

/// Orders that become due.
pub(super) struct Due {
    pub(super) numbers: Arc<[Box<str>]>,
    pub(super) placed: Vec<RunResult>,
    /// When the first of them may be due: a whole second.
    pub(super) at_ms: u64,
    /// No two of them are due further apart.
    pub(super) within: Duration,
}

impl Due {
    /// Places so many, at the rate of a closed loop if the machine keeps it; at least `left` remains then until they are due.
    pub(super) fn place(
        load: &Loading<'_>,
        orders: u64,
        per_second: f64,
        left: Duration,
        admin: &mut Client,
    ) -> anyhow::Result<Self> {
        let Loading { args, secret, address, progress, stop, .. } = *load;
        #[expect(clippy::cast_precision_loss, reason = "a bench places far fewer than 2^52 orders")]
        let seconds = orders as f64 / (per_second * SLOT.as_secs_f64()).max(1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bench lasts seconds, not years")]
        let (slots, measured) = ((seconds * SLOTS_SPARE) as u64 + 3, left.as_secs() + 4);
        ensure!(slots <= SLOTS_MAX, "{orders} orders cannot be placed within {SLOTS_MAX} s here: use fewer --orders");
        let channels: serde_json::Map<_, _> =
            (0..slots).map(|slot| (slot.to_string(), json!(slots + measured - slot))).collect();
        let day = 24 * 3_600;
        let policies = json!({ "channel_pay_within": channels, "receive_after": day, "return_within": day });
        admin.put("/v1/policies", &policies)?.success().context("the deadlines were not written")?;
        progress.say(&format!("placing {orders} orders that become due in one second"));
        let first = now_ms() / 1_000 + 1;
        let (mut placed, mut within, mut missing) = (Vec::new(), Duration::ZERO, orders);
        while missing > 0 {
            // The next whole second.
            let slot = (now_ms() / 1_000 + 1).saturating_sub(first);
            ensure!(
                slot < slots,
                "{missing} of {orders} orders were not placed within {slots} s: the machine is too busy"
            );
            let begin_ms = (first + slot) * 1_000;
            stop.pause(Duration::from_millis(begin_ms.saturating_sub(now_ms())));
            stop.check()?;
            let mut plan = Plan::new(address, SLOT);
            plan.requests = Some(missing);
            plan.control = stop.control();
            let carts = Workload::HotSku.carts_from(NAME, slot * args.connections as u64, args.connections);
            let through = |carts| Submits::new(secret, ThroughChannel { carts, channel: slot });
            let result = holdline_load::generator::run(&plan, carts.into_iter().map(through).collect())?;
            missing = missing.saturating_sub(result.counts.accepted);
            within = within.max(Duration::from_millis(now_ms() - begin_ms));
            placed.push(result);
        }
        let numbers = placed.iter().flat_map(|placed| placed.acknowledged.iter()).map(Box::from).collect();
        Ok(Self { numbers, placed, at_ms: (first + slots + measured) * 1_000, within })
    }

    /// Milliseconds until they are due.
    pub(super) fn left_ms(&self) -> u64 {
        self.at_ms.saturating_sub(now_ms())
    }

    /// Waits until so much time is left before they are due, or less.
    pub(super) fn until(&self, left: Duration, stop: &Stop) -> anyhow::Result<()> {
        stop.pause(Duration::from_millis(self.left_ms()).saturating_sub(left));
        ensure!(
            self.left_ms() > 0,
            "the orders became due before it was measured what was before: the machine is too busy"
        );
        stop.check()
    }
}

/// Carts that are bought through a channel, whose name is a number.
struct ThroughChannel {
    carts: RandomCarts,
    channel: u64,
}

impl Carts for ThroughChannel {
    fn next(&mut self, body: &mut Vec<u8>) {
        self.carts.next(body);
        let brace = body.pop();
        debug_assert_eq!(brace, Some(b'}'), "a body is an object");
        body.extend_from_slice(format!(",\"channel\":\"{}\"}}", self.channel).as_bytes());
    }
}

/// The wall clock, in milliseconds since 1970.
pub(super) fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cart_through_a_channel_is_a_submit() {
        let mut body = Vec::new();
        ThroughChannel { carts: Workload::HotSku.carts(NAME, 1).remove(0), channel: 7 }.next(&mut body);
        let cart: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&cart["channel"], &cart["lines"][0]["sku"]), (&"7".into(), &"due-0".into()));
    }
}
