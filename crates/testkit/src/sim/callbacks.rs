//! The center's callbacks: delayed, doubled, out of order, delivered to whichever process answers, until one does.
//!
//! A captured payment may go unspoken only while the app has a reason to ask for it. Money that comes after the center said
//! that nobody could pay any more is always told of: nobody would ask.

use std::time::Duration;

use holdline_domain::id::TenantName;
use holdline_domain::money::Minor;
use holdline_domain::port::RawCallback;

use super::buyers::sleep_ms;
use super::installation::Installation;
use super::money::provider;
use crate::dice::Dice;
use crate::history::Seen;

/// How often a callback is delivered at most: for longer than any outage.
const DELIVERIES: usize = 40;

/// The center's callbacks on their way.
pub(super) struct Sender {
    pub(super) installation: Installation,
    pub(super) dice: Dice,
}

impl Sender {
    pub(super) async fn tell(&self, callback: RawCallback) {
        let dice = &self.dice;
        sleep_ms(if dice.chance(800) { dice.ms(0, 400) } else { dice.ms(400, 12_000) }).await;
        for _ in 0..DELIVERIES {
            if self.deliver(&callback).await {
                break;
            }
            sleep_ms(dice.ms(200, 3_000)).await;
        }
        if dice.chance(250) {
            sleep_ms(dice.ms(0, 3_000)).await;
            if self.deliver(&callback).await {
                self.installation.history().saw(Seen::DuplicateCallback);
            }
        }
    }

    /// Delivers a callback once. True: it was answered.
    pub(super) async fn deliver(&self, callback: &RawCallback) -> bool {
        let running = self.installation.running(self.dice.place(self.installation.count())).await;
        let (shop, center) = (TenantName::from_stored("shop"), provider());
        tokio::select! {
            biased;
            answer = running.app.take_callback(&shop, &center, callback.clone()) => {
                answer.is_ok_and(|answer| answer.status < 300)
            }
            () = running.process.died() => false,
        }
    }
}

/// Money comes for payments that nobody opened.
pub(super) async fn send_orphans(installation: &Installation, dice: Dice) {
    let open_ms = installation.scenario().open_ms;
    for number in 0..installation.scenario().money.orphans {
        tokio::time::sleep(Duration::from_millis(dice.below(open_ms))).await;
        let key =
            if dice.chance(500) { format!("STRAY-{number}") } else { format!("P{}-{}", "9".repeat(27), number + 1) };
        let callback = installation.center().pay_unknown(&key, Minor(dice.between(1, 5_000)));
        installation.history().saw(Seen::OrphanPayment);
        Sender { installation: installation.clone(), dice: dice.fork() }.tell(callback).await;
    }
}
