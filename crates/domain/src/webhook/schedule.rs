//! When a webhook that was not taken is tried again: the schedule that Standard Webhooks 1.0.0 gives as an example.

/// How often an event is tried before it is given up, over about three days.
pub const TRIES_MAX: i32 = 10;

const S: i64 = 1_000;
const M: i64 = 60 * S;
const H: i64 = 60 * M;

/// The waits after the first try, the second, and so on, in milliseconds.
const WAITS_MS: [i64; 9] = [5 * S, 5 * M, 30 * M, 2 * H, 5 * H, 10 * H, 14 * H, 20 * H, 24 * H];

/// An answer that asks to wait longer than this is not believed.
const ASKED_MS_MAX: i64 = 24 * H;

/// How long to wait after so many tries, and no shorter than the endpoint asked for; `None`: it is given up. `seq` spreads
/// the tries of events that failed together over a tenth of the wait.
pub fn wait_ms(tries: i32, asked_ms: Option<i64>, seq: i64) -> Option<i64> {
    let place = usize::try_from(tries.max(1) - 1).ok()?;
    let wait = WAITS_MS.get(place)?;
    let mixed =
        seq.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17) ^ u64::from(tries.unsigned_abs());
    let thousandths = i64::try_from(mixed % 1_000).unwrap_or(0);
    let spread = wait + wait / 10 * thousandths / 1_000;
    Some(spread.max(asked_ms.unwrap_or(0).min(ASKED_MS_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_tried_ten_times_over_three_days() {
        let waits: Vec<i64> = (1..).map_while(|tries| wait_ms(tries, None, 0)).collect();
        assert_eq!(waits.len(), usize::try_from(TRIES_MAX - 1).unwrap());
        for (wait, least) in waits.iter().zip(WAITS_MS) {
            assert!((least..=least + least / 10).contains(wait), "{wait} for {least}");
        }
        assert_eq!(wait_ms(TRIES_MAX, None, 7), None);
    }

    #[test]
    fn events_that_failed_together_are_not_tried_together() {
        let waits: std::collections::BTreeSet<_> = (1..=20).map(|seq| wait_ms(2, None, seq)).collect();
        assert!(waits.len() > 10, "{waits:?}");
    }

    #[test]
    fn an_endpoint_may_ask_for_more_time_but_not_for_weeks() {
        assert_eq!(wait_ms(1, Some(60 * S), 0), Some(60 * S));
        assert!(wait_ms(3, Some(S), 0).unwrap() >= 30 * M);
        assert_eq!(wait_ms(1, Some(i64::MAX), 0), Some(24 * H));
    }
}
