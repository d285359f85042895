//! The operator and the world: prices and stock change, clocks step, processes die and come back.

use std::time::Duration;

use holdline_domain::id::Reference;
use tokio::task::JoinHandle;

use super::installation::Installation;
use super::scenario::TENANT;
use crate::dice::Dice;
use crate::history::Seen;

/// Steps that the guard of the shard clock tolerates: two clocks stay within 5 s of each other, and no step exceeds it.
const STEP_MS: i64 = 2_200;
/// Jumps that it must not tolerate.
const JUMP_MS: (i64, i64) = (8_000, 60_000);
/// How long a jump lasts before somebody sets the clock right.
const JUMPED_FOR_MS: (u64, u64) = (200, 6_000);

/// Everything that goes on beside the buyers.
pub(super) struct Operator {
    tasks: Vec<JoinHandle<()>>,
}

impl Operator {
    /// Ends it where it stands.
    pub(super) fn abort(self) {
        for task in self.tasks {
            task.abort();
        }
    }
}

pub(super) fn start(installation: &Installation, dice: &Dice) -> Operator {
    let scenario = installation.scenario();
    let mut tasks = vec![tokio::spawn(adjust_stock(installation.clone(), dice.fork()))];
    if scenario.reprice_ms > 0 {
        tasks.push(tokio::spawn(reprice(installation.clone(), dice.fork())));
    }
    if scenario.crashes {
        tasks.push(tokio::spawn(crash(installation.clone(), dice.fork())));
    }
    if scenario.clock_steps {
        tasks.push(tokio::spawn(step_clocks(installation.clone(), dice.fork())));
    }
    if scenario.clock_jumps {
        tasks.push(tokio::spawn(jump_clocks(installation.clone(), dice.fork())));
    }
    Operator { tasks }
}

async fn sleep_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

async fn adjust_stock(installation: Installation, dice: Dice) {
    for number in 0_u32.. {
        sleep_ms(dice.ms(500, 8_000)).await;
        let ware = dice.pick(&installation.scenario().wares).clone();
        let delta = *dice.pick(&[-5, -1, 1, 3, 12]);
        let reference = Reference::from_stored(format!("adjustment-{number}"));
        // Sent again under the same reference, whatever came of it: it must count once.
        for _ in 0..=dice.below(2) {
            let running = installation.running(dice.place(installation.count())).await;
            let adjusting = running.app.adjust(TENANT, ware.account(), delta, reference.clone(), false);
            tokio::select! {
                biased;
                _ = adjusting => {}
                () = running.process.died() => {}
            }
        }
    }
}

async fn reprice(installation: Installation, dice: Dice) {
    let every_ms = installation.scenario().reprice_ms;
    for version in 1_i64.. {
        sleep_ms(dice.ms(every_ms / 2, every_ms * 2)).await;
        let ware = dice.pick(&installation.scenario().wares).clone();
        let price = if ware.price == 0 { 0 } else { ware.price + dice.between(0, 2) };
        let draft = ware.draft(price, !dice.chance(150), version);
        let running = installation.running(dice.place(installation.count())).await;
        tokio::select! {
            biased;
            _ = running.app.put_skus(TENANT, vec![draft]) => {}
            () = running.process.died() => {}
        }
    }
}

async fn crash(installation: Installation, dice: Dice) {
    loop {
        sleep_ms(dice.ms(300, 15_000)).await;
        let place = dice.place(installation.count());
        if dice.chance(200) {
            installation.drain(place).await;
        } else if installation.kill(place) {
            installation.history().saw(Seen::ProcessCrash);
        }
        sleep_ms(dice.ms(0, 4_000)).await;
        installation.start_process(place).await;
    }
}

async fn step_clocks(installation: Installation, dice: Dice) {
    loop {
        sleep_ms(dice.ms(300, 6_000)).await;
        let offset_ms = dice.between(-STEP_MS, STEP_MS);
        match dice.below(3) {
            0 => installation.databases().orders_clock().set_offset_ms(offset_ms),
            1 => installation.databases().ledger_clock().set_offset_ms(offset_ms),
            _ => installation.set_wall_offset_ms(dice.place(installation.count()), offset_ms),
        }
        installation.clock_stepped(false);
    }
}

async fn jump_clocks(installation: Installation, dice: Dice) {
    loop {
        sleep_ms(dice.ms(2_000, 20_000)).await;
        let sign = if dice.chance(500) { 1 } else { -1 };
        let offset_ms = sign * dice.between(JUMP_MS.0, JUMP_MS.1);
        let orders_clock = installation.databases().orders_clock();
        let lasts_ms = dice.ms(JUMPED_FOR_MS.0, JUMPED_FOR_MS.1);
        match dice.below(5) {
            0 => {
                orders_clock.set_offset_ms(offset_ms);
                installation.clock_stepped(true);
                sleep_ms(lasts_ms).await;
                orders_clock.set_offset_ms(0);
            }
            1 => {
                let ledger_clock = installation.databases().ledger_clock();
                ledger_clock.set_offset_ms(offset_ms);
                installation.clock_stepped(true);
                sleep_ms(lasts_ms).await;
                ledger_clock.set_offset_ms(0);
            }
            2 => {
                let place = dice.place(installation.count());
                installation.set_wall_offset_ms(place, offset_ms);
                installation.clock_stepped(true);
                sleep_ms(lasts_ms).await;
                installation.set_wall_offset_ms(place, 0);
            }
            _ => jump_all(&installation, offset_ms, lasts_ms).await,
        }
        installation.disturbed(1);
    }
}

/// The whole machine's clock jumps, and somebody sets it right and restarts what stopped writing.
async fn jump_all(installation: &Installation, offset_ms: i64, lasts_ms: u64) {
    installation.jump_all_clocks(offset_ms);
    installation.clock_stepped(true);
    sleep_ms(lasts_ms).await;
    installation.jump_all_clocks(0);
    for place in 0..installation.count() {
        if installation.kill(place) {
            installation.start_process(place).await;
        }
    }
}
