//! Mischief: what real payment centers do to their callers, on purpose and counted.
//!
//! Every switch is a chance from 0 (never, the default) to 1 (always). Whether it strikes is decided by the seed, the
//! switch and how often the switch was asked before, so that calls made one after the other meet the same mischief in
//! every run, also across restarts.

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

/// The longest pause that a switch may make: an hour.
const PAUSE_MS_MAX: u64 = 3_600_000;

/// What goes wrong, and how often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mischief {
    /// Another seed is another run.
    pub seed: u64,
    /// The work is done, the answer comes `slow_answer_ms` later.
    pub slow_answer: f64,
    /// See `slow_answer`.
    pub slow_answer_ms: u64,
    /// The work is done, and the connection is closed without an answer.
    pub lost_answer: f64,
    /// Callbacks come before the answer to `create`: `pending`, or with `instant_capture` `captured`.
    pub early_callback: f64,
    /// A payment is captured as soon as it is created.
    pub instant_capture: f64,
    /// Another amount is captured than was asked for: one minor unit less.
    pub capture_other: f64,
    /// A callback is never sent.
    pub lost_callback: f64,
    /// A callback is sent twice, as the same event.
    pub twice_callback: f64,
    /// A callback is sent `late_callback_ms` later.
    pub late_callback: f64,
    /// See `late_callback`.
    pub late_callback_ms: u64,
    /// After `captured` an event follows that says `pending`.
    pub stale_callback: f64,
    /// A callback says that another amount was captured; `query` tells the truth.
    pub wrong_amount: f64,
    /// A callback is signed with another key the first time it is sent.
    pub wrong_signature: f64,
    /// A refund fails the first time it is asked for.
    pub refund_fails_first: f64,
    /// A refund is `pending` for `slow_refund_ms`.
    pub slow_refund: f64,
    /// See `slow_refund`.
    pub slow_refund_ms: u64,
    /// Who pays a payment that is closed, failed or expired succeeds: late money.
    pub pay_after_close: f64,
    /// Everything but `/control` answers 503, and no callback is sent, until this instant.
    pub down_until_ms: i64,
    /// The same as an interval from now; it becomes `down_until_ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub down_ms: Option<u64>,
}

impl Default for Mischief {
    fn default() -> Self {
        Self {
            seed: 1,
            slow_answer: 0.0,
            slow_answer_ms: 1_000,
            lost_answer: 0.0,
            early_callback: 0.0,
            instant_capture: 0.0,
            capture_other: 0.0,
            lost_callback: 0.0,
            twice_callback: 0.0,
            late_callback: 0.0,
            late_callback_ms: 1_000,
            stale_callback: 0.0,
            wrong_amount: 0.0,
            wrong_signature: 0.0,
            refund_fails_first: 0.0,
            slow_refund: 0.0,
            slow_refund_ms: 1_000,
            pay_after_close: 0.0,
            down_until_ms: 0,
            down_ms: None,
        }
    }
}

/// A switch that may strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    SlowAnswer,
    LostAnswer,
    EarlyCallback,
    InstantCapture,
    CaptureOther,
    LostCallback,
    TwiceCallback,
    LateCallback,
    StaleCallback,
    WrongAmount,
    WrongSignature,
    RefundFailsFirst,
    SlowRefund,
    PayAfterClose,
}

impl Switch {
    const ALL: [Self; 14] = [
        Self::SlowAnswer,
        Self::LostAnswer,
        Self::EarlyCallback,
        Self::InstantCapture,
        Self::CaptureOther,
        Self::LostCallback,
        Self::TwiceCallback,
        Self::LateCallback,
        Self::StaleCallback,
        Self::WrongAmount,
        Self::WrongSignature,
        Self::RefundFailsFirst,
        Self::SlowRefund,
        Self::PayAfterClose,
    ];

    /// Its name in JSON, and its chance.
    fn of(self, mischief: &Mischief) -> (&'static str, f64) {
        match self {
            Self::SlowAnswer => ("slow_answer", mischief.slow_answer),
            Self::LostAnswer => ("lost_answer", mischief.lost_answer),
            Self::EarlyCallback => ("early_callback", mischief.early_callback),
            Self::InstantCapture => ("instant_capture", mischief.instant_capture),
            Self::CaptureOther => ("capture_other", mischief.capture_other),
            Self::LostCallback => ("lost_callback", mischief.lost_callback),
            Self::TwiceCallback => ("twice_callback", mischief.twice_callback),
            Self::LateCallback => ("late_callback", mischief.late_callback),
            Self::StaleCallback => ("stale_callback", mischief.stale_callback),
            Self::WrongAmount => ("wrong_amount", mischief.wrong_amount),
            Self::WrongSignature => ("wrong_signature", mischief.wrong_signature),
            Self::RefundFailsFirst => ("refund_fails_first", mischief.refund_fails_first),
            Self::SlowRefund => ("slow_refund", mischief.slow_refund),
            Self::PayAfterClose => ("pay_after_close", mischief.pay_after_close),
        }
    }
}

impl Mischief {
    /// Reads switches; `down_ms` becomes an instant.
    pub fn try_new(json: &str, now_ms: i64) -> Result<Self, String> {
        // An array would be read as well, by the order of the members.
        if !json.trim_start().starts_with('{') {
            return Err("must be an object of switches".to_owned());
        }
        let mut read: Self = serde_json::from_str(json).map_err(|error| format!("cannot be read: {error}"))?;
        for switch in Switch::ALL {
            let (name, chance) = switch.of(&read);
            if !(0.0..=1.0).contains(&chance) {
                return Err(format!("{name} must be a chance from 0 to 1"));
            }
        }
        let pauses =
            [read.slow_answer_ms, read.late_callback_ms, read.slow_refund_ms, read.down_ms.unwrap_or_default()];
        if pauses.iter().any(|pause| *pause > PAUSE_MS_MAX) {
            return Err(format!("a pause must have at most {PAUSE_MS_MAX} ms"));
        }
        if let Some(down_ms) = read.down_ms.take() {
            read.down_until_ms = now_ms.saturating_add_unsigned(down_ms);
        }
        Ok(read)
    }

    /// Whether a switch strikes now. Counted in the transaction of what it does.
    pub(crate) fn strikes(&self, switch: Switch, rows: &Connection) -> rusqlite::Result<bool> {
        let (name, chance) = switch.of(self);
        if chance <= 0.0 {
            return Ok(false);
        }
        let drawn: i64 = rows
            .prepare_cached(
                "INSERT INTO tally (name, drawn) VALUES (?1, 1) \
                 ON CONFLICT (name) DO UPDATE SET drawn = drawn + 1 RETURNING drawn",
            )?
            .query_row([name], |row| row.get(0))?;
        let strikes = draw(self.seed, name, drawn.unsigned_abs()) < chance;
        if strikes {
            count(rows, name)?;
        }
        Ok(strikes)
    }
}

/// Counts something that was done.
pub(crate) fn count(rows: &Connection, name: &str) -> rusqlite::Result<()> {
    rows.prepare_cached(
        "INSERT INTO tally (name, done) VALUES (?1, 1) ON CONFLICT (name) DO UPDATE SET done = done + 1",
    )?
    .execute([name])?;
    Ok(())
}

/// A number from 0 up to 1, the same for the same arguments: what `SplitMix64` makes of them (Steele, Lea and Flood, 2014).
fn draw(seed: u64, name: &str, n: u64) -> f64 {
    let mix = |state: u64| {
        let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^ (state >> 31)
    };
    let named = name.bytes().fold(mix(seed), |state, byte| mix(state ^ u64::from(byte)));
    // 32 bits are exact in a float and finer than any chance that somebody writes.
    let high = u32::try_from(mix(named ^ n) >> 32).expect("32 bits");
    f64::from(high) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_strikes_at_the_same_calls_and_about_as_often_as_it_says() {
        let strikes = |seed, name| (0..10_000).filter(|n| draw(seed, name, *n) < 0.2).collect::<Vec<_>>();
        let struck = strikes(1, "lost_answer");
        assert_eq!(struck, strikes(1, "lost_answer"));
        assert_ne!(struck, strikes(2, "lost_answer"));
        assert_ne!(struck, strikes(1, "slow_answer"));
        assert!((1_800..2_200).contains(&struck.len()), "{}", struck.len());
    }

    #[test]
    fn switches_are_chances_and_pauses_are_bounded() {
        let read = |json| Mischief::try_new(json, 5_000);
        assert_eq!(read("{}"), Ok(Mischief::default()));
        assert_eq!(read(r#"{"down_ms":250}"#).unwrap().down_until_ms, 5_250);
        for json in [
            "",
            "[]",
            r#"{"lost_answer":1.1}"#,
            r#"{"lost_answer":-0.1}"#,
            r#"{"lost_anwser":1}"#,
            r#"{"slow_answer_ms":3600001}"#,
            r#"{"down_ms":-1}"#,
        ] {
            assert!(read(json).is_err(), "{json}");
        }
        let all = Mischief { seed: 9, lost_answer: 0.5, down_until_ms: 7, ..Mischief::default() };
        assert_eq!(read(&serde_json::to_string(&all).unwrap()), Ok(all));
    }

    #[test]
    fn every_switch_is_a_member_of_the_json() {
        let json = serde_json::to_value(Mischief::default()).unwrap();
        for switch in Switch::ALL {
            assert!(json[switch.of(&Mischief::default()).0].is_number(), "{switch:?}");
        }
    }
}
