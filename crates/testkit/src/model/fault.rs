//! The fault plan: what goes wrong with a call, drawn from seeded chance.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::dice::Dice;

/// How often each fault strikes, in 1,000 calls, and how long things take. The default is no fault and no delay.
#[derive(Debug, Clone, Copy, Default)]
pub struct FaultRates {
    /// The database goes away before the commit: known not to be done.
    pub crash_before: u32,
    /// The database goes away after the commit: outcome unknown, written.
    pub crash_after: u32,
    /// The answer is lost: outcome unknown, written.
    pub lost_answer: u32,
    /// The request is lost: outcome unknown, not written.
    pub lost_request: u32,
    /// Two writers collide: known not to be done, worth another try at once.
    pub conflict: u32,
    /// The outcome is unknown now, and the batch is written long after.
    pub late: u32,
    /// The batch is written and answered, and written again later.
    pub duplicate: u32,
    /// The caller stalls before its batch is sent, long enough for the reaper.
    pub stall: u32,
    /// A read fails.
    pub read_failure: u32,
    /// A call takes up to 3 s.
    pub slow: u32,
    /// How long a call ordinarily waits at most, before and after.
    pub delay_ms_max: u64,
}

/// A slow call waits this long at most: longer than a client's patience, shorter than the reaper's.
const SLOW_MS_MAX: u64 = 3_000;
/// How long a stalled or late batch takes: around and beyond the reaper's `orphan_after` of 10 s.
const STALL_MS: (u64, u64) = (4_000, 25_000);
/// How long a database stays away after a crash.
const OUTAGE_MS: (u64, u64) = (20, 4_000);
/// After how long a lost answer is noticed.
const TIMEOUT_MS: (u64, u64) = (5, 2_500);
/// After how long a batch is delivered once more.
const AGAIN_MS: (u64, u64) = (0, 20_000);

/// What becomes of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Clean,
    Stalled,
    CrashBefore { outage_ms: u64 },
    CrashAfter { outage_ms: u64 },
    LostAnswer,
    LostRequest,
    Conflict,
    Late { after_ms: u64 },
    Duplicate { after_ms: u64 },
}

/// What becomes of a call, and how long it takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) before_ms: u64,
    pub(super) fate: Fate,
    pub(super) after_ms: u64,
}

/// The source of faults of one installation.
#[derive(Debug)]
pub struct Faults {
    rates: FaultRates,
    dice: Dice,
    quiet: AtomicBool,
    /// When anything went wrong, from and to, in virtual milliseconds. Locked for a push.
    disturbances: Mutex<Vec<(i64, i64)>>,
}

impl Faults {
    pub(super) fn new(rates: FaultRates, dice: Dice) -> Self {
        Self { rates, dice, quiet: AtomicBool::new(false), disturbances: Mutex::default() }
    }

    /// While `quiet`, nothing goes wrong; ordinary delays stay.
    pub fn hold_still(&self, quiet: bool) {
        self.quiet.store(quiet, Ordering::Relaxed);
    }

    /// Notes that something was wrong for a while: what it excuses, the judge knows.
    pub fn disturbed(&self, from_ms: i64, to_ms: i64) {
        self.disturbances.lock().push((from_ms, to_ms));
    }

    /// When anything went wrong so far.
    pub fn disturbances(&self) -> Vec<(i64, i64)> {
        self.disturbances.lock().clone()
    }

    pub(super) fn write_plan(&self, now_ms: i64) -> Plan {
        let (mut before_ms, mut after_ms) = (self.delay_ms(), self.delay_ms());
        let fate = if self.quiet.load(Ordering::Relaxed) { Fate::Clean } else { self.fate() };
        match fate {
            Fate::Stalled => before_ms = self.dice.ms(STALL_MS.0, STALL_MS.1),
            Fate::LostAnswer | Fate::LostRequest | Fate::Late { .. } => {
                after_ms = self.dice.ms(TIMEOUT_MS.0, TIMEOUT_MS.1);
            }
            Fate::Clean
            | Fate::Conflict
            | Fate::CrashBefore { .. }
            | Fate::CrashAfter { .. }
            | Fate::Duplicate { .. } => {}
        }
        let plan = Plan { before_ms, fate, after_ms };
        self.excuse(now_ms, plan);
        plan
    }

    pub(super) fn read_plan(&self, now_ms: i64) -> (Plan, bool) {
        let fails = !self.quiet.load(Ordering::Relaxed) && self.dice.chance(self.rates.read_failure);
        let plan = Plan { before_ms: self.delay_ms(), fate: Fate::Clean, after_ms: self.delay_ms() };
        self.excuse(now_ms, plan);
        if fails {
            self.disturbed(now_ms, now_ms + ms(plan.before_ms));
        }
        (plan, fails)
    }

    fn delay_ms(&self) -> u64 {
        let slow = !self.quiet.load(Ordering::Relaxed) && self.dice.chance(self.rates.slow);
        self.dice.ms(0, if slow { SLOW_MS_MAX } else { self.rates.delay_ms_max })
    }

    fn fate(&self) -> Fate {
        let rates = self.rates;
        let within = |(low, high): (u64, u64)| self.dice.ms(low, high);
        let mut draw = u32::try_from(self.dice.below(1_000)).unwrap_or(0);
        let mut strikes = |rate: u32| {
            let hit = draw < rate;
            draw = draw.wrapping_sub(rate);
            hit
        };
        if strikes(rates.crash_before) {
            Fate::CrashBefore { outage_ms: within(OUTAGE_MS) }
        } else if strikes(rates.crash_after) {
            Fate::CrashAfter { outage_ms: within(OUTAGE_MS) }
        } else if strikes(rates.lost_answer) {
            Fate::LostAnswer
        } else if strikes(rates.lost_request) {
            Fate::LostRequest
        } else if strikes(rates.conflict) {
            Fate::Conflict
        } else if strikes(rates.late) {
            Fate::Late { after_ms: within(STALL_MS) }
        } else if strikes(rates.duplicate) {
            Fate::Duplicate { after_ms: within(AGAIN_MS) }
        } else if strikes(rates.stall) {
            Fate::Stalled
        } else {
            Fate::Clean
        }
    }

    fn excuse(&self, now_ms: i64, plan: Plan) {
        let took_ms = ms(plan.before_ms) + ms(plan.after_ms);
        let and_ms = match plan.fate {
            Fate::Clean if took_ms < 500 => return,
            Fate::Clean | Fate::Stalled | Fate::LostAnswer | Fate::LostRequest | Fate::Conflict => 0,
            Fate::CrashBefore { outage_ms } | Fate::CrashAfter { outage_ms } => ms(outage_ms),
            Fate::Late { after_ms } | Fate::Duplicate { after_ms } => ms(after_ms),
        };
        self.disturbed(now_ms, now_ms + took_ms + and_ms);
    }
}

fn ms(interval_ms: u64) -> i64 {
    i64::try_from(interval_ms).unwrap_or(i64::MAX)
}
