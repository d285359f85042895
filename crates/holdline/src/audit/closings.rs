//! Closings: sums that were written down at a point of the ledger's sequence. The newest complete one is where the
//! audit starts; `--full` proves every one of them from the movements themselves.

use super::accounts::Accounts;
use super::movement::Sums;
use super::report::Check;
use super::rows::Row;
use super::source::{Source, statement};
use super::stored::kind;

/// A closing as its row says.
#[derive(Debug, Clone, Copy)]
struct Closing {
    no: i64,
    seq: i64,
    accounts: i64,
    checksum: i64,
}

/// The complete closings, oldest first, and what their rows have come to so far.
pub(super) struct Closings {
    complete: Vec<Closing>,
    /// Rows found, and the wrapping sum of their digests, by closing.
    found: Vec<(i64, i64)>,
    pub(super) check: Check,
}

/// What an account's row in a closing says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Closed {
    adjusted: i64,
    transferred: i64,
    shipped: i64,
    taken: i64,
    committed: i64,
    released: i64,
    unallocated: i64,
    pub(super) changes: i64,
    pub(super) flags_set: i64,
    pub(super) last_seq: i64,
}

impl Closed {
    /// The ten sums from column `first` on.
    fn read(row: &Row<'_>, first: usize) -> anyhow::Result<Self> {
        let at = |place: usize| row.int(first + place);
        Ok(Self {
            adjusted: at(0)?,
            transferred: at(1)?,
            shipped: at(2)?,
            taken: at(3)?,
            committed: at(4)?,
            released: at(5)?,
            unallocated: at(6)?,
            changes: at(7)?,
            flags_set: at(8)?,
            last_seq: at(9)?,
        })
    }

    /// The balances that the sums come to.
    pub(super) fn balances(&self) -> Sums {
        Sums {
            on_hand: self.adjusted.saturating_add(self.transferred).saturating_sub(self.shipped),
            held: self.taken.saturating_sub(self.committed).saturating_sub(self.released),
            allocated: self.committed.saturating_sub(self.shipped).saturating_sub(self.unallocated),
        }
    }

    fn add(&mut self, seq: i64, code: i64, quantity: i64) {
        let sum = match code {
            kind::HOLD => &mut self.taken,
            kind::COMMIT => &mut self.committed,
            kind::RELEASE => &mut self.released,
            kind::SHIP => &mut self.shipped,
            kind::UNALLOCATE => &mut self.unallocated,
            kind::ADJUST => &mut self.adjusted,
            kind::TRANSFER => &mut self.transferred,
            // Alerts and flags move nothing: their quantity says something else.
            _ => &mut 0,
        };
        *sum = sum.wrapping_add(quantity);
        self.changes += i64::from(code <= kind::FLAGS || code == kind::TRANSFER);
        self.flags_set += i64::from(code == kind::FLAGS);
        self.last_seq = seq;
    }

    /// FNV-1a over the account and the sums, in 64 bits.
    fn digest(&self, account_no: i64) -> i64 {
        let units = [self.adjusted, self.transferred, self.shipped, self.taken, self.committed, self.released];
        let chain = [self.unallocated, self.changes, self.flags_set, self.last_seq];
        let words = [&[account_no][..], &units, &chain].concat();
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in words.iter().flat_map(|word| word.to_le_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
        i64::from_le_bytes(hash.to_le_bytes())
    }
}

impl Closings {
    /// Reads the closings of a ledger whose next movement is `next_seq`. One that is not complete yet is only the last.
    pub(super) fn read(ledger: &Source, next_seq: i64) -> anyhow::Result<Self> {
        let mut check =
            Check::new("closing", "closings follow each other, and each has the rows and sums that it says");
        let mut complete: Vec<Closing> = Vec::new();
        let mut unfinished = None;
        let mut rows = ledger.rows(statement!("closing"), &[])?;
        while let Some(row) = rows.next()? {
            let closing = Closing { no: row.int(0)?, seq: row.int(1)?, accounts: row.int(3)?, checksum: row.int(4)? };
            let before = complete.last().map_or((0, 0), |before| (before.no, before.seq));
            let in_order = closing.no == before.0 + 1 && before.1 < closing.seq && closing.seq < next_seq;
            check.judge(in_order && unfinished.is_none(), || {
                let Closing { no, seq, .. } = closing;
                format!("closing {no} up to movement {seq} does not follow closing {} up to {}", before.0, before.1)
            });
            if row.int(2)? == closing.seq {
                complete.push(closing);
            } else {
                unfinished = Some(closing.no);
            }
        }
        // A ledger without closings has them in order.
        check.judged += 1;
        let found = vec![(0, 0); complete.len()];
        Ok(Self { complete, found, check })
    }

    /// The movement up to which everything is summed, 0 where there is no closing.
    pub(super) fn closed_seq(&self) -> i64 {
        self.complete.last().map_or(0, |last| last.seq)
    }

    /// The newest sums of the accounts from `from` to before `to`, in their order; every row goes into its closing's
    /// checksum. Each account must be read once.
    pub(super) fn sums(
        &mut self,
        ledger: &Source,
        (from, to): (i64, i64),
        mut take: impl FnMut(i64, Closed),
    ) -> anyhow::Result<()> {
        let mut newest: Option<(i64, Closed)> = None;
        let mut rows = ledger.rows(statement!("closing_account"), &[from, to])?;
        while let Some(row) = rows.next()? {
            let (account_no, no, closed) = (row.int(0)?, row.int(1)?, Closed::read(&row, 2)?);
            let Some(place) = self.place(no) else { continue };
            let (count, checksum) = &mut self.found[place];
            *count += 1;
            *checksum = checksum.wrapping_add(closed.digest(account_no));
            match newest.replace((account_no, closed)) {
                Some((other, sums)) if other != account_no => take(other, sums),
                _ => {}
            }
        }
        if let Some((account_no, sums)) = newest {
            take(account_no, sums);
        }
        Ok(())
    }

    /// The place of a complete closing; rows of one that is under way count for nothing.
    fn place(&self, no: i64) -> Option<usize> {
        self.complete.binary_search_by_key(&no, |closing| closing.no).ok()
    }

    /// Compares what [`Self::sums`] has read with what the closings say of their rows.
    pub(super) fn compare(&mut self) {
        for (Closing { no, accounts, checksum, .. }, found) in self.complete.iter().zip(&self.found) {
            self.check.judge((*accounts, *checksum) == *found, || {
                let same =
                    if *checksum == found.1 { "their checksum is the same" } else { "their checksum is another" };
                format!("closing {no} says that it has {accounts} rows; it has {}, and {same}", found.0)
            });
        }
    }

    /// Proves every row of every complete closing from the movements: one account after the other.
    pub(super) fn prove(&mut self, ledger: &Source, accounts: &Accounts) -> anyhow::Result<()> {
        let closed_seq = self.closed_seq();
        let Some(last) = self.complete.last().map(|last| last.no) else { return Ok(()) };
        let mut account: Option<Proof> = None;
        let mut rows = ledger.rows(statement!("closing_movement"), &[closed_seq, last])?;
        while let Some(row) = rows.next()? {
            let account_no = row.int(0)?;
            if account.as_ref().is_none_or(|account| account.no != account_no) {
                if let Some(before) = account.take() {
                    before.end(accounts, &mut self.check);
                }
                account = Some(Proof { no: account_no, sums: Closed::default(), owed: None });
            }
            let Some(proof) = account.as_mut() else { continue };
            if row.int(2)? == 0 {
                let seq = row.int(1)?;
                let covering = self.complete.partition_point(|closing| closing.seq < seq);
                let covering = self.complete.get(covering).map(|closing| closing.no);
                proof.movement(covering, (seq, row.int(3)?, row.int(4)?), accounts, &mut self.check);
            } else {
                proof.closed(row.int(3)?, Closed::read(&row, 4)?, accounts, &mut self.check);
            }
        }
        if let Some(account) = account {
            account.end(accounts, &mut self.check);
        }
        Ok(())
    }
}

/// One account on its way through its movements and closings.
struct Proof {
    no: i64,
    sums: Closed,
    /// The closing that must have a row, because the account has moved since the one before.
    owed: Option<i64>,
}

impl Proof {
    fn movement(
        &mut self,
        covering: Option<i64>,
        (seq, code, quantity): (i64, i64, i64),
        accounts: &Accounts,
        check: &mut Check,
    ) {
        if self.owed != covering {
            self.missing(accounts, check);
            self.owed = covering;
        }
        self.sums.add(seq, code, quantity);
    }

    fn closed(&mut self, closing_no: i64, row: Closed, accounts: &Accounts, check: &mut Check) {
        let expected = self.owed.take() == Some(closing_no);
        check.judge(expected && row == self.sums, || {
            let name = accounts.name(self.no);
            if expected {
                let (says, sums) = (row, self.sums);
                format!("{name}: closing {closing_no} says {says:?}, but its movements come to {sums:?}")
            } else {
                format!("{name}: closing {closing_no} has a row, but the account had not moved since the one before")
            }
        });
    }

    fn missing(&mut self, accounts: &Accounts, check: &mut Check) {
        if let Some(owed) = self.owed.take() {
            check.judge(false, || {
                format!("{}: it moved before closing {owed}, which has no row", accounts.name(self.no))
            });
        }
    }

    fn end(mut self, accounts: &Accounts, check: &mut Check) {
        self.missing(accounts, check);
    }
}
