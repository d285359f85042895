//! Seeded chance: everything random in a simulation is drawn here, so that a seed replays exactly.

use parking_lot::Mutex;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A seeded source of chance. Shared by reference; draws are in the order of the calls.
#[derive(Debug)]
pub struct Dice {
    /// Guards the generator's state; owned by the dice, held for one draw.
    generator: Mutex<ChaCha8Rng>,
}

impl Dice {
    /// Chance of a seed.
    pub fn new(seed: u64) -> Self {
        Self { generator: Mutex::new(ChaCha8Rng::seed_from_u64(seed)) }
    }

    /// A source of its own, so that drawing more there changes nothing here.
    #[must_use]
    pub fn fork(&self) -> Self {
        let seed = self.generator.lock().next_u64();
        Self::new(seed)
    }

    /// 0 to `bound − 1`; 0 for a bound of 0.
    pub fn below(&self, bound: u64) -> u64 {
        // The bias of the remainder is far below what a simulation can notice.
        self.generator.lock().next_u64().checked_rem(bound).unwrap_or(0)
    }

    /// `low` to `high`, both included.
    pub fn between(&self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high.saturating_sub(low)).unwrap_or(0);
        low.saturating_add(i64::try_from(self.below(span + 1)).unwrap_or(0))
    }

    /// `low` to `high` milliseconds, both included.
    pub fn ms(&self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in `per_mille` of 1,000 cases.
    pub fn chance(&self, per_mille: u32) -> bool {
        self.below(1_000) < u64::from(per_mille)
    }

    /// A place in a list of `len`.
    pub fn place(&self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// One of the options.
    pub fn pick<'a, T>(&self, options: &'a [T]) -> &'a T {
        &options[self.place(options.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn same_seed_draws_the_same() {
        let (a, b) = (Dice::new(7), Dice::new(7));
        let draws = |dice: &Dice| (0..100).map(|_| dice.below(1_000)).collect::<Vec<_>>();
        assert_eq!(draws(&a), draws(&b));
    }

    #[test]
    fn between_stays_inside_both_bounds() {
        let dice = Dice::new(1);
        let draws: Vec<i64> = (0..1_000).map(|_| dice.between(-2, 2)).collect();
        assert!(draws.iter().all(|draw| (-2..=2).contains(draw)));
        assert!(draws.contains(&-2) && draws.contains(&2));
    }
}
