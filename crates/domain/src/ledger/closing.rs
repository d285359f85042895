//! Closings: the sums of every account up to one point of the ledger's sequence, from which an audit may start.
//!
//! A closing is walked: movement after movement from the end of the one before, a page at a time, so that no page stops
//! placing for long and a crash loses nothing but the page under way. Only accounts that changed since the closing before
//! get a row; the newest row of an account, of this closing or an older one, has its sums.

use std::collections::BTreeMap;

use super::MovementKind;
use crate::time::UnixMillis;

const DAY_MS: i64 = 86_400_000;

/// How far one closing has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing {
    /// 1, 2, … in the order of `seq`.
    pub no: i64,
    /// The newest movement that it covers.
    pub seq: i64,
    /// When it was begun, by the ledger database's clock.
    pub at: UnixMillis,
    /// The newest movement that has been summed.
    pub walked_seq: i64,
    /// Rows that it has: accounts that changed since the closing before.
    pub accounts: i64,
    /// The wrapping sum of its rows' digests ([`AccountSums::digest`]).
    pub checksum: i64,
}

impl Closing {
    /// A closing that has not been walked yet, after `before`.
    pub fn begin(before: Option<&Self>, seq: i64, at: UnixMillis) -> Self {
        let (no, walked_seq) = before.map_or((1, 0), |before| (before.no + 1, before.seq));
        Self { no, seq, at, walked_seq, accounts: 0, checksum: 0 }
    }

    /// Only a complete one proves anything.
    pub fn is_complete(&self) -> bool {
        self.walked_seq == self.seq
    }
}

/// What the ledger says about its closings at one instant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Closings {
    /// The ledger database's clock.
    pub now: UnixMillis,
    /// The newest movement.
    pub newest_seq: i64,
    /// When the first movement was written.
    pub first: Option<UnixMillis>,
    /// The newest closing, complete or not.
    pub newest: Option<Closing>,
}

impl Closings {
    /// Whether there is anything that the newest closing does not cover.
    pub fn is_behind(&self) -> bool {
        self.newest_seq > self.newest.map_or(0, |closing| closing.seq)
    }

    /// Whether another closing is to be begun: a day (UTC) has begun since the last one, or since the first movement.
    pub fn is_due(&self) -> bool {
        let Some(last) = self.newest.map(|closing| closing.at).or(self.first) else { return false };
        self.is_behind() && self.now.0.div_euclid(DAY_MS) > last.0.div_euclid(DAY_MS)
    }
}

/// The sums of one account: what each kind of movement came to, and where the account's chain stood.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AccountSums {
    /// Σ adjust.
    pub adjusted: i64,
    /// Σ transfer.
    pub transferred: i64,
    /// Σ ship.
    pub shipped: i64,
    /// Σ hold: units of every hold that was taken.
    pub taken: i64,
    /// Σ commit.
    pub committed: i64,
    /// Σ release.
    pub released: i64,
    /// Σ unallocate.
    pub unallocated: i64,
    /// Movements that changed the account: its version.
    pub changes: i64,
    /// Movements that set its flags.
    pub flags_set: i64,
    /// Its newest movement.
    pub last_seq: i64,
}

impl AccountSums {
    /// Adds one movement.
    pub fn add(&mut self, kind: MovementKind, quantity: i64, seq: i64) {
        let sum = match kind {
            MovementKind::Hold => Some(&mut self.taken),
            MovementKind::Commit => Some(&mut self.committed),
            MovementKind::Release => Some(&mut self.released),
            MovementKind::Ship => Some(&mut self.shipped),
            MovementKind::Unallocate => Some(&mut self.unallocated),
            MovementKind::Adjust => Some(&mut self.adjusted),
            MovementKind::Transfer => Some(&mut self.transferred),
            MovementKind::Flags | MovementKind::Danger | MovementKind::Shortfall => None,
        };
        if let Some(sum) = sum {
            *sum = sum.wrapping_add(quantity);
        }
        self.changes += i64::from(!matches!(kind, MovementKind::Danger | MovementKind::Shortfall));
        self.flags_set += i64::from(kind == MovementKind::Flags);
        self.last_seq = seq;
    }

    /// FNV-1a (64 bits, <http://www.isthe.com/chongo/tech/comp/fnv/>) over the account's number and the sums in the order
    /// of the fields, each as 8 bytes, least first. It finds accidents, not forgers: those can compute it too.
    pub fn digest(&self, account_no: i64) -> i64 {
        let Self { adjusted, transferred, shipped, taken, committed, released, .. } = *self;
        let Self { unallocated, changes, flags_set, last_seq, .. } = *self;
        let units = [adjusted, transferred, shipped, taken, committed, released, unallocated];
        let fields = [account_no].into_iter().chain(units).chain([changes, flags_set, last_seq]);
        let bytes = fields.flat_map(i64::to_le_bytes);
        let hash = bytes
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        i64::from_le_bytes(hash.to_le_bytes())
    }
}

/// A movement as a closing needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosedMovement {
    /// Its place in the ledger's sequence.
    pub seq: i64,
    /// Its account.
    pub account_no: i64,
    /// What happened.
    pub kind: MovementKind,
    /// How many units.
    pub quantity: i64,
}

/// What one page of a walk writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walked {
    /// The closing after it.
    pub closing: Closing,
    /// Accounts that had no row in this closing before.
    pub new: Vec<(i64, AccountSums)>,
    /// Accounts that had one.
    pub changed: Vec<(i64, AccountSums)>,
}

/// Walks the next movements of a closing, which follow `walked_seq` without a gap. `known`: the newest row of each of
/// their accounts, with the number of its closing.
pub fn walk(closing: Closing, movements: &[ClosedMovement], known: &BTreeMap<i64, (i64, AccountSums)>) -> Walked {
    let mut sums: BTreeMap<i64, AccountSums> = BTreeMap::new();
    let mut after = closing;
    for ClosedMovement { seq, account_no, kind, quantity } in movements.iter().copied() {
        let known = || known.get(&account_no).map_or_else(AccountSums::default, |(_, sums)| *sums);
        sums.entry(account_no).or_insert_with(known).add(kind, quantity, seq);
        after.walked_seq = seq;
    }
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    for (account_no, sums) in sums {
        after.checksum = after.checksum.wrapping_add(sums.digest(account_no));
        match known.get(&account_no) {
            Some((no, before)) if *no == closing.no => {
                after.checksum = after.checksum.wrapping_sub(before.digest(account_no));
                changed.push((account_no, sums));
            }
            _ => {
                after.accounts += 1;
                new.push((account_no, sums));
            }
        }
    }
    Walked { closing: after, new, changed }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn movement(seq: i64, account_no: i64, kind: MovementKind, quantity: i64) -> ClosedMovement {
        ClosedMovement { seq, account_no, kind, quantity }
    }

    #[test]
    fn a_walk_in_pages_comes_to_what_a_walk_at_once_does() {
        use MovementKind as K;
        let kinds = [K::Adjust, K::Hold, K::Commit, K::Hold, K::Release, K::Ship, K::Unallocate, K::Flags, K::Danger];
        let movements: Vec<_> =
            kinds.iter().zip(1..).map(|(kind, seq)| movement(seq, 1 + seq % 2, *kind, seq * 10)).collect();
        let begun = Closing::begin(None, 9, UnixMillis(5));
        let at_once = walk(begun, &movements, &BTreeMap::new());
        assert!(at_once.closing.is_complete() && !begun.is_complete());
        assert_eq!((at_once.closing.accounts, at_once.changed.len()), (2, 0));
        for page in 1..9 {
            let (mut closing, mut known) = (begun, BTreeMap::new());
            for movements in movements.chunks(page) {
                let walked = walk(closing, movements, &known);
                known.extend(walked.new.iter().chain(&walked.changed).map(|(no, sums)| (*no, (closing.no, *sums))));
                closing = walked.closing;
            }
            assert_eq!(closing, at_once.closing, "in pages of {page}");
            assert!(at_once.new.iter().all(|(no, sums)| known[no].1 == *sums), "in pages of {page}");
        }
    }

    #[test]
    fn the_next_closing_goes_on_from_the_sums_of_the_one_before() {
        let first =
            walk(Closing::begin(None, 1, UnixMillis(5)), &[movement(1, 7, MovementKind::Adjust, 10)], &BTreeMap::new());
        let known = BTreeMap::from([(7, (1, first.new[0].1))]);
        let second = Closing::begin(Some(&first.closing), 2, UnixMillis(6));
        let walked = walk(second, &[movement(2, 7, MovementKind::Hold, 4)], &known);
        let sums = AccountSums { adjusted: 10, taken: 4, changes: 2, last_seq: 2, ..AccountSums::default() };
        assert_eq!((walked.closing.no, walked.new), (2, vec![(7, sums)]));
        assert_eq!(walked.closing.checksum, sums.digest(7));
    }

    #[test]
    fn a_closing_is_due_once_a_day_has_begun_and_something_has_moved() {
        let begun = Closing::begin(None, 9, UnixMillis(DAY_MS - 1));
        let of = |now, newest_seq, newest| Closings { now: UnixMillis(now), newest_seq, first: None, newest };
        assert!(!of(DAY_MS - 1, 10, Some(begun)).is_due(), "on the same day");
        assert!(of(DAY_MS, 10, Some(begun)).is_due());
        assert!(!of(DAY_MS, 9, Some(begun)).is_due(), "nothing has moved");
        assert!(!of(DAY_MS, 0, None).is_due(), "nothing was ever moved");
        assert!(Closings { first: Some(UnixMillis(3)), ..of(DAY_MS, 4, None) }.is_due());
    }
}
