//! Acts 2 and 3: buyers who always find what they want; once for speed, once until the server is killed.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::ensure;
use holdline_load::generator::{Control, Plan, RunResult};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::catalog::{CURRENCY, plentiful};
use crate::child::submit::{Carts, Line, Submits, write_body};
use crate::child::{Keys, Progress, Server, Stop, with_bar};

/// Length of act 2.
const SECONDS: u64 = 10;
/// Part before it that stays out of the figures.
const WARM_UP: Duration = Duration::from_secs(1);
/// Buyers.
const BUYERS: u32 = 1_000_000;
/// Acknowledged orders of act 3 after which the server is killed.
const KILLED_AFTER: u64 = 3_000;
/// Longest act 3 on a slow machine.
const KILLED_WITHIN: Duration = Duration::from_secs(10);
/// How often it is looked whether enough were acknowledged.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// One of the goods at random, for a buyer at random.
struct OneOfAll {
    goods: Vec<(&'static str, i64)>,
    dice: StdRng,
}

impl Carts for OneOfAll {
    fn next(&mut self, body: &mut Vec<u8>) {
        let (sku, price_minor) = self.goods[self.dice.random_range(0..self.goods.len())];
        let buyer = self.dice.random_range(0..BUYERS);
        write_body(
            body,
            format_args!("visitor-{buyer}"),
            &[Line { sku, quantity: 1, price_minor, currency: CURRENCY }],
        );
    }
}

fn scripts(keys: &Keys, act: u64) -> Vec<Submits<OneOfAll>> {
    let goods: Vec<_> = plentiful().collect();
    let carts =
        |connection: u64| OneOfAll { goods: goods.clone(), dice: StdRng::seed_from_u64(act << 32 | connection) };
    (0..super::CONNECTIONS as u64).map(|connection| Submits::new(&keys.shop, carts(connection))).collect()
}

/// Act 2.
pub(super) fn sell(address: SocketAddr, keys: &Keys, progress: Progress, stop: &Stop) -> anyhow::Result<RunResult> {
    let mut plan = Plan::new(address, Duration::from_secs(SECONDS));
    plan.warm_up = WARM_UP;
    plan.control = stop.control();
    let result = with_bar(progress, "endless stock", &plan, scripts(keys, 2))?;
    stop.check()?;
    let latency = result.accepted();
    progress.say(&format!(
        "  {:.0} orders per second, durable; p50 {:.1} ms, p99 {:.1} ms",
        result.accepted_per_second, latency.p50_ms, latency.p99_ms
    ));
    Ok(result)
}

/// Act 3. What was under way at the kill has no answer; that is not an error here.
pub(super) fn sell_until_killed(
    server: Server,
    keys: &Keys,
    progress: Progress,
    stop: &Stop,
) -> anyhow::Result<RunResult> {
    let mut plan = Plan::new(server.address, KILLED_WITHIN);
    plan.control = stop.control();
    plan.reconnects_max = 0;
    let control = plan.control.clone();
    let (done, is_done) = mpsc::channel::<()>();
    let (result, killed) = std::thread::scope(|scope| {
        // Ends with the kill, at the latest when `done` is dropped after the run.
        let killer = scope.spawn(move || kill_under_load(server, &control, &is_done));
        let result = with_bar(progress, "under load", &plan, scripts(keys, 3));
        drop(done);
        (result, killer.join())
    });
    killed.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    stop.check()?;
    let result = result?;
    ensure!(!result.acknowledged.is_empty(), "no order was acknowledged before the kill");
    progress.say(&format!("  killed after {} acknowledged orders", result.acknowledged.len()));
    Ok(result)
}

fn kill_under_load(server: Server, control: &Control, is_done: &mpsc::Receiver<()>) -> anyhow::Result<()> {
    while control.accepted() < KILLED_AFTER {
        if is_done.recv_timeout(LOOK_EVERY) != Err(mpsc::RecvTimeoutError::Timeout) {
            break;
        }
    }
    server.kill()?;
    control.stop();
    Ok(())
}
