//! The ledger's sums: every movement is replayed in sequence, account by account, and compared with the account's row.
//!
//! Memory is bounded: accounts are judged some millions at a time, each time reading the movements once.

use std::collections::HashMap;

use super::accounts::{ACCOUNT_NO_MAX, Accounts};
use super::closings::{Closed, Closings};
use super::movement::{Movement, Replay, Sums, Suspects, judge_form, judge_hold, judge_quota};
use super::report::{Check, LeftOut};
use super::source::{Source, statement};
use super::stored::{STOCK, kind};
use super::transfer::Transfers;

/// Accounts judged in one reading of the movements: about 150 bytes each.
const ACCOUNTS_PER_PASS: i64 = 2_000_000;

/// What the ledger's head row says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) next_seq: i64,
    pub(super) next_account_no: i64,
    pub(super) reaper_cursor: i64,
    pub(super) open_holds: i64,
}

/// The most that one buyer may ever have had of a SKU, by tenant and SKU.
pub(super) type Quotas = HashMap<(i64, String), i64>;

/// The checks of this file.
pub(super) struct Balances {
    pub(super) balance: Check,
    pub(super) chain: Check,
    pub(super) flags: Check,
    pub(super) sequence: Check,
    pub(super) oversold: Check,
    pub(super) quota: Check,
    pub(super) transfers: Transfers,
}

impl Balances {
    fn new() -> Self {
        Self {
            balance: Check::new("account_balance", "an account's balances are the sums of its movements, none below 0"),
            chain: Check::new("account_chain", "an account's version and newest movement follow from its movements"),
            flags: Check::new("account_flags", "an account has flags only if a movement set them"),
            sequence: Check::new(
                "movement_sequence",
                "movements are numbered without a gap, well formed, up to the head",
            ),
            oversold: Check::new("oversold", "a hold was granted only for what was available, or flags allowed it"),
            quota: Check::new("quota_exceeded", "a buyer never had more of a SKU than its quota ever was"),
            transfers: Transfers::new(),
        }
    }

    pub(super) fn into_checks(self) -> [Check; 7] {
        let transfers = self.transfers.into_check();
        [self.balance, self.chain, self.flags, self.sequence, self.oversold, self.quota, transfers]
    }
}

/// Replays the ledger after the movement `after`, up to which the closings have the sums; 0: from zero. Returns the checks
/// and how many movements were replayed.
pub(super) fn judge(
    ledger: &Source,
    (head, after): (Head, i64),
    (accounts, quotas): (&Accounts, &Quotas),
    closings: &mut Closings,
    left_out: &mut LeftOut,
) -> anyhow::Result<(Balances, u64)> {
    let mut checks = Balances::new();
    let mut movements = 0;
    let mut from = 1_i64;
    loop {
        let to = from.saturating_add(ACCOUNTS_PER_PASS).min(ACCOUNT_NO_MAX);
        let last = head.next_account_no <= to || to == ACCOUNT_NO_MAX;
        let range = (from, if last { ACCOUNT_NO_MAX } else { to });
        let mut pass = Pass::read(ledger, range, accounts, quotas)?;
        closings.sums(ledger, range, |account_no, closed| {
            if after > 0 {
                pass.begin_at(account_no, &closed);
            }
        })?;
        pass.replay(ledger, from == 1, (head, after), &mut checks, left_out)?;
        if from == 1 {
            movements = pass.movements;
        }
        let missing = if last { head.next_account_no } else { to };
        pass.compare(missing, &mut checks, left_out);
        if last {
            return Ok((checks, movements));
        }
        from = to;
    }
}

/// One range of accounts.
struct Pass<'a> {
    accounts: &'a Accounts,
    from: i64,
    to: i64,
    replays: Vec<Option<Replay>>,
    /// What would be oversold if the account's current flags had held since they were last set.
    suspects: HashMap<i64, Suspects>,
    movements: u64,
}

impl<'a> Pass<'a> {
    fn read(ledger: &Source, (from, to): (i64, i64), accounts: &'a Accounts, quotas: &Quotas) -> anyhow::Result<Self> {
        let mut replays = Vec::new();
        let mut rows = ledger.rows(statement!("account"), &[from, to])?;
        while let Some(row) = rows.next()? {
            let at = usize::try_from(row.int(0)? - from)?;
            let is_stock = row.int(2)? == STOCK;
            let tenant = row.int(1)?;
            let quota = if is_stock { None } else { quotas.get(&(tenant, row.text(3)?.to_owned())).copied() };
            if replays.len() <= at {
                replays.resize_with(at + 1, || None);
            }
            replays[at] = Some(Replay {
                tenant,
                row: Sums { on_hand: row.int(4)?, held: row.int(5)?, allocated: row.int(6)? },
                version: row.int(7)?,
                last_seq: row.int(8)?,
                infinite: row.int(9)? != 0,
                shortage_max: row.int(10)?,
                other_flags: row.int(11)? != 0 || row.opt_int(12)?.is_some(),
                is_stock,
                quota,
                sum: Sums::default(),
                changes: 0,
                newest: 0,
                flags_set: 0,
                holds_since_flags: 0,
            });
        }
        Ok(Self { accounts, from, to, replays, suspects: HashMap::new(), movements: 0 })
    }

    /// An account's movements up to the closing are not read: it starts from their sums.
    fn begin_at(&mut self, account_no: i64, closed: &Closed) {
        let place = usize::try_from(account_no - self.from).unwrap_or(usize::MAX);
        // A row of an account that does not exist shows in `--full`; here nothing follows from it.
        let Some(Some(account)) = self.replays.get_mut(place) else { return };
        account.sum = closed.balances();
        account.changes = closed.changes;
        account.newest = closed.last_seq;
        account.flags_set = u32::try_from(closed.flags_set).unwrap_or(u32::MAX);
    }

    fn replay(
        &mut self,
        ledger: &Source,
        first: bool,
        (head, after): (Head, i64),
        checks: &mut Balances,
        left_out: &mut LeftOut,
    ) -> anyhow::Result<()> {
        let mut expected = after.saturating_add(1);
        let mut rows = ledger.rows(statement!("movement"), &[after])?;
        while let Some(row) = rows.next()? {
            let movement = Movement {
                seq: row.int(0)?,
                tenant: row.int(1)?,
                account_no: row.int(2)?,
                prev_seq: row.int(3)?,
                kind: row.int(4)?,
                quantity: row.int(5)?,
                of_hold: row.opt_int(6)?.is_some(),
                referred: row.int(7)? != 0,
            };
            if first {
                self.movements += 1;
                let seq = movement.seq;
                checks.sequence.judge(seq == expected, || format!("movements {expected} to {} are missing", seq - 1));
                expected = seq.saturating_add(1);
                judge_form(&movement, self.accounts, &mut checks.sequence);
                checks.transfers.judge(&movement, self.accounts);
            }
            if (self.from..self.to).contains(&movement.account_no) {
                self.apply(&movement, checks, left_out);
            }
        }
        if first && expected != head.next_seq {
            let next = head.next_seq;
            checks.sequence.mismatch(|| {
                format!("the head says that movement {next} comes next, but the newest movement is {}", expected - 1)
            });
        }
        Ok(())
    }

    fn apply(&mut self, movement: &Movement, checks: &mut Balances, left_out: &mut LeftOut) {
        let place = usize::try_from(movement.account_no - self.from).unwrap_or(usize::MAX);
        // An account that does not exist has been named by `judge_form`.
        let Some(Some(account)) = self.replays.get_mut(place) else { return };
        let Movement { seq, account_no, prev_seq, quantity, .. } = *movement;
        let name = || self.accounts.name(account_no);
        checks.chain.judge(prev_seq == account.newest, || {
            let newest = account.newest;
            format!("{}: movement {seq} says that the one before it is {prev_seq}; it is {newest}", name())
        });
        if movement.tenant != account.tenant {
            checks.chain.mismatch(|| format!("{}: movement {seq} belongs to another tenant", name()));
        }
        account.newest = seq;
        account.changes += i64::from(kind::changes(movement.kind));
        match movement.kind {
            kind::HOLD => {
                if account.is_stock {
                    judge_hold(account, movement, self.accounts, &mut self.suspects, checks);
                }
                account.sum.add(0, quantity, 0);
                if !account.is_stock {
                    judge_quota(account, movement, self.accounts, checks);
                }
            }
            kind::COMMIT => account.sum.add(0, -quantity, quantity),
            kind::RELEASE => account.sum.add(0, -quantity, 0),
            kind::SHIP => account.sum.add(-quantity, 0, -quantity),
            kind::UNALLOCATE => account.sum.add(0, 0, -quantity),
            kind::ADJUST | kind::TRANSFER => account.sum.add(quantity, 0, 0),
            kind::FLAGS => {
                if account.flags_set > 0 {
                    left_out.holds_between_flag_changes += account.holds_since_flags;
                }
                account.flags_set += 1;
                account.holds_since_flags = 0;
                self.suspects.remove(&account_no);
            }
            _ => {}
        }
        if account.sum.held < 0 || account.sum.allocated < 0 {
            let Sums { held, allocated, .. } = account.sum;
            checks
                .balance
                .mismatch(|| format!("{}: movement {seq} leaves held {held}, allocated {allocated}: below 0", name()));
        }
    }

    /// Compares what the movements came to with the rows. `end`: accounts below this number must exist.
    fn compare(self, end: i64, checks: &mut Balances, left_out: &mut LeftOut) {
        for (place, replay) in self.replays.iter().enumerate() {
            let account_no = self.from + i64::try_from(place).unwrap_or(i64::MAX);
            let Some(account) = replay else {
                checks
                    .chain
                    .judge(false, || format!("account {account_no} is missing: accounts are numbered without a gap"));
                continue;
            };
            let name = self.accounts.name(account_no);
            let (row, sum) = (account.row, account.sum);
            checks.balance.judge(row == sum, || {
                let differences: Vec<String> = [
                    ("on hand", row.on_hand, sum.on_hand),
                    ("held", row.held, sum.held),
                    ("allocated", row.allocated, sum.allocated),
                ]
                .into_iter()
                .filter(|(_, row, sum)| row != sum)
                .map(|(what, row, sum)| format!("{what} {row}, but its movements come to {sum}"))
                .collect();
                format!("{name}: its row says {}", differences.join("; "))
            });
            checks.chain.judge(account.version == account.changes && account.last_seq == account.newest, || {
                let Replay { version, last_seq, changes, newest, .. } = account;
                format!(
                    "{name}: its row says version {version} and newest movement {last_seq}; its movements say version \
                     {changes} and newest movement {newest}"
                )
            });
            let plain = !account.infinite && account.shortage_max == 0 && !account.other_flags;
            checks.flags.judge(plain || account.flags_set > 0, || {
                format!("{name}: its row has flags, but no movement ever set them")
            });
            if !account.is_stock && account.quota.is_none() && account.changes > 0 {
                left_out.quotas_without_limit += 1;
            }
        }
        let found = self.from + i64::try_from(self.replays.len()).unwrap_or(i64::MAX);
        if found != end {
            checks.chain.judge(false, || {
                format!("the head says that account {end} comes next, but the newest account is {}", found - 1)
            });
        }
        let mut suspects: Vec<(i64, Suspects)> = self.suspects.into_iter().collect();
        suspects.sort_by_key(|(account_no, _)| *account_no);
        for (_, Suspects { count, first }) in suspects {
            checks.oversold.mismatch(|| format!("{first}; {count} such holds on the account"));
            checks.oversold.mismatches += count - 1;
        }
    }
}
