//! What a seed is about where money is concerned: how the payment center misbehaves, how buyers pay, and the tenant's policies.

use std::collections::BTreeMap;

use holdline_domain::id::Version;
use holdline_domain::payment::{ProviderAccount, ProviderKind, ProviderName};
use holdline_domain::tenant::{LatePayment, Policies};

use super::scenario::TENANT;
use crate::dice::Dice;
use crate::model::Mischief;

/// A channel with a deadline of its own.
pub const QUICK_CHANNEL: &str = "quick";

/// Payment in one scenario.
#[derive(Debug, Clone)]
pub struct MoneyMatters {
    /// How the center misbehaves.
    pub mischief: Mischief,
    /// How the tenant's orders live.
    pub policies: Policies,
    /// Buyers who mean to pay what they ordered, in 1,000.
    pub payers: u32,
    /// Payments that nobody opened.
    pub orphans: u64,
    /// Whether the run goes on in quiet until every deadline and every follow-up has passed.
    pub settles_for_good: bool,
}

impl MoneyMatters {
    pub(super) fn draw(dice: &Dice, calm: bool, pay_within_ms: i64) -> Self {
        let rate = |max: u64| if dice.chance(500) { u32::try_from(1 + dice.below(max)).unwrap_or(1) } else { 0 };
        let mischief = Mischief {
            silent: rate(120),
            answer_lost: rate(200),
            refund_fails: rate(500),
            closes: rate(25),
            closed_ms: dice.ms(2_000, 40_000),
            slow_ms: *dice.pick(&[0, 60, 700, 4_000]),
        };
        let lapses = [pay_within_ms / 5, 3_000, 9_000];
        let hold_within_ms = dice.chance(350).then(|| (*dice.pick(&lapses)).clamp(1_000, 9_000));
        let quick = dice.chance(300).then(|| (QUICK_CHANNEL.to_owned(), *dice.pick(&[6_000, 20_000])));
        let late_payment = if dice.chance(500) { LatePayment::ReviveElseRefund } else { LatePayment::Refund };
        Self {
            mischief: if calm {
                Mischief { slow_ms: mischief.slow_ms.min(60), ..Mischief::default() }
            } else {
                mischief
            },
            policies: Policies {
                channel_pay_within_ms: BTreeMap::from_iter(quick),
                hold_within_ms,
                late_payment,
                ..Policies::default()
            },
            payers: *dice.pick(&[250, 450, 800]),
            orphans: if dice.chance(300) { 1 + dice.below(3) } else { 0 },
            settles_for_good: dice.chance(250),
        }
    }
}

/// The tenant's account at the center.
pub(super) fn account() -> ProviderAccount {
    ProviderAccount {
        tenant: TENANT,
        name: provider(),
        kind: ProviderKind::Http,
        settings: "{}".to_owned(),
        enabled: true,
        version: Version::FIRST,
    }
}

/// The tenant's name of the center.
pub(super) fn provider() -> ProviderName {
    ProviderName::try_new("center").expect("the name is short and plain")
}
