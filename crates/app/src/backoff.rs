//! Pauses that grow: how long to leave something alone that has failed so often.

/// The pause after the first try, and the longest. Each is twice the one before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    /// In milliseconds.
    pub(crate) first_ms: i64,
    /// In milliseconds.
    pub(crate) longest_ms: i64,
}

/// Enough doublings for the longest pause to be more than a week, few enough for the shift.
const DOUBLINGS_MAX: u32 = 30;

impl Backoff {
    /// The pause after `tries` tries, in milliseconds: the first one's after one, and after none.
    pub(crate) fn after(self, tries: i32) -> i64 {
        let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or(0).min(DOUBLINGS_MAX);
        self.first_ms.saturating_mul(1 << doublings).min(self.longest_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_the_longest() {
        let backoff = Backoff { first_ms: 1_000, longest_ms: 600_000 };
        let pauses: Vec<i64> = (1..12).map(|tries| backoff.after(tries)).collect();
        assert_eq!(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 512_000, 600_000]);
        assert_eq!([i32::MIN, 0, i32::MAX].map(|tries| backoff.after(tries)), [1_000, 1_000, 600_000]);
    }
}
