//! The entries of a page that a background loop works off: some at once, and, where so many may come that they would crowd
//! out placing, no more than so many per second.

use std::future::Future;
use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::stream::{FuturesOrdered, StreamExt as _};
use tokio::time::Instant;

/// Entries under way at once: some more than one batch takes of them, so that the next one finds its share, too. They fill up as
/// they end, so a store that takes longer is asked for less.
pub(crate) const AT_ONCE: usize = 64;
/// How far behind its pace a loop catches up: the time between two pages. What it lost beyond that is not made up in a burst.
const CATCH_UP: Duration = Duration::from_millis(50);

/// Works off every entry; what came of each, in order. It is `buffered` of a stream, which does not compile where the work borrows
/// its entry inside a task that is spawned.
pub(crate) async fn for_each_of_page<'a, T, F: Future>(
    entries: &'a [T],
    mut work: impl FnMut(&'a T) -> F,
) -> Vec<F::Output> {
    let mut done = Vec::with_capacity(entries.len());
    let mut under_way = FuturesOrdered::new();
    for entry in entries {
        if under_way.len() == AT_ONCE {
            done.extend(under_way.next().await);
        }
        under_way.push_back(work(entry));
    }
    done.extend(under_way.collect::<Vec<_>>().await);
    done
}

/// Turns so near to each other are one instant: what comes together shares its batch, while one by one each would have a batch
/// of its own where nobody else writes.
const TOGETHER: Duration = Duration::from_millis(6);

/// Turns that are spread evenly over time, in groups of a few milliseconds.
pub(crate) struct Pace {
    every: Duration,
    next: Instant,
    /// Of the turn that opened the group.
    group: Instant,
}

impl Pace {
    pub(crate) fn per_second(turns: NonZeroU32) -> Self {
        let now = Instant::now();
        Self { every: Duration::from_secs(1) / turns.get(), next: now, group: now }
    }

    /// When the next turn is; it may have come already.
    pub(crate) fn turn(&mut self) -> Instant {
        let now = Instant::now();
        let turn = self.next.max(now.checked_sub(CATCH_UP).unwrap_or(now));
        self.next = turn + self.every;
        if turn.duration_since(self.group) >= TOGETHER {
            self.group = turn;
        }
        self.group
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PER_SECOND: NonZeroU32 = NonZeroU32::new(1_000).unwrap();

    #[tokio::test(start_paused = true)]
    async fn turns_are_spread_evenly_and_a_long_pause_is_not_made_up() {
        let mut pace = Pace::per_second(PER_SECOND);
        let began = Instant::now();
        let turns: Vec<_> = (0..500).map(|_| pace.turn() - began).collect();
        assert!(turns.iter().zip(0..).all(|(turn, ms)| *turn == Duration::from_millis(ms / 6 * 6)), "{turns:?}");

        tokio::time::advance(Duration::from_secs(10)).await;
        let at_once = (0..500).filter(|_| pace.turn() <= Instant::now()).count();
        assert_eq!(at_once, 54, "the turns of 50 ms, and those that share the group of the one that is due now");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_a_bound_is_under_way_and_results_keep_their_order() {
        let (under_way, most) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
        let entries: Vec<usize> = (0..500).collect();
        let done = for_each_of_page(&entries, async |entry: &usize| {
            under_way.set(under_way.get() + 1);
            most.set(most.get().max(under_way.get()));
            tokio::time::sleep(Duration::from_millis(u64::try_from(1 + entry % 7).unwrap())).await;
            under_way.set(under_way.get() - 1);
            *entry
        })
        .await;
        assert_eq!(done, entries);
        assert_eq!(most.get(), AT_ONCE);
    }
}
