//! Holds against their own movements: each part was taken once, ended at most once, and says so.

use super::accounts::Accounts;
use super::report::Check;
use super::source::{Source, statement};
use super::stored::{HOLD_FORMAT, hold_texts, kind, state_name};

/// Returns the check and how many holds were judged: those that were taken or moved after the movement `after`.
pub(super) fn judge(ledger: &Source, accounts: &Accounts, after: i64) -> anyhow::Result<(Check, u64)> {
    let rule = "a hold's part was taken once, ended at most once, in the same quantities, and its row says so";
    let mut check = Check::new("hold_part", rule);
    let mut holds = 0;
    let mut current: Option<Hold> = None;
    let mut rows = if after == 0 {
        ledger.rows(statement!("hold_movement"), &[])?
    } else {
        ledger.rows(statement!("hold_movement_since"), &[after])?
    };
    while let Some(row) = rows.next()? {
        let hold_no = row.int(0)?;
        if current.as_ref().is_none_or(|hold| hold.no != hold_no) {
            if let Some(hold) = current.take() {
                hold.judge(accounts, after, &mut check);
            }
            current = Some(Hold { no: hold_no, row: None, movements: Vec::new() });
        }
        let Some(hold) = current.as_mut() else { continue };
        if row.int(1)? == 0 {
            let format = row.int(4)?;
            anyhow::ensure!(
                format <= HOLD_FORMAT,
                "hold {hold_no} has format {format}, and this program knows {HOLD_FORMAT}: run the newer Holdline"
            );
            holds += 1;
            hold.row = Some((row.int(3)?, row.text(7)?.to_owned(), row.text(8)?.to_owned()));
        } else {
            hold.movements.push(Movement {
                seq: row.int(2)?,
                tenant: row.int(3)?,
                kind: row.int(4)?,
                claim: (row.opt_text(7)?.unwrap_or_default().to_owned(), row.int(5)?, row.int(6)?),
            });
        }
    }
    if let Some(hold) = current {
        hold.judge(accounts, after, &mut check);
    }
    Ok((check, holds))
}

/// Part, account, units.
type Claimed = (String, i64, i64);

struct Movement {
    seq: i64,
    tenant: i64,
    kind: i64,
    claim: Claimed,
}

struct Hold {
    no: i64,
    /// Tenant, parts, lines.
    row: Option<(i64, String, String)>,
    movements: Vec<Movement>,
}

impl Hold {
    /// Of a hold that is older than `after`, only what moved since is there to be judged.
    fn judge(self, accounts: &Accounts, after: i64, check: &mut Check) {
        let Self { no: hold_no, row, movements } = self;
        let Some((tenant, parts, lines)) = row else {
            let seqs: Vec<i64> = movements.iter().map(|movement| movement.seq).collect();
            check.judge(false, || format!("hold {hold_no} does not exist, but movements {seqs:?} name it"));
            return;
        };
        let Some((parts, claims)) = hold_texts(&parts, &lines) else {
            check.judge(false, || format!("hold {hold_no}: its parts or lines cannot be understood"));
            return;
        };
        let claims: Vec<Claimed> = claims.iter().map(|c| (parts[c.0].0.clone(), c.1, c.2)).collect();
        let taken: Vec<&Movement> = movements.iter().filter(|movement| movement.kind == kind::HOLD).collect();
        let is_older = hold_no <= after;
        let same = taken.iter().map(|movement| &movement.claim).eq(claims.iter());
        let in_place = taken.iter().zip(hold_no..).all(|(movement, seq)| movement.seq == seq);
        check.judge(if is_older { taken.is_empty() } else { same && in_place }, || {
            let lines = in_words(claims.iter(), accounts);
            let moved = in_words(taken.iter().map(|movement| &movement.claim), accounts);
            let place = if in_place { "" } else { ", not right behind each other from the hold's number on" };
            format!("hold {hold_no}: its lines are {lines}; its hold movements are {moved}{place}")
        });
        if let Some(other) = movements.iter().find(|movement| movement.tenant != tenant) {
            check.mismatch(|| format!("hold {hold_no}: movement {} belongs to another tenant", other.seq));
        }
        for part in &parts {
            let of_part = |claim: &&Claimed| claim.0 == part.0;
            let mut claimed: Vec<&Claimed> = claims.iter().filter(of_part).collect();
            let ends = |code| {
                let of_kind = movements.iter().filter(move |movement| movement.kind == code);
                let mut ends: Vec<&Claimed> = of_kind.map(|movement| &movement.claim).filter(of_part).collect();
                ends.sort();
                ends
            };
            let (committed, released) = (ends(kind::COMMIT), ends(kind::RELEASE));
            claimed.sort();
            let ended_before = is_older && committed.is_empty() && released.is_empty();
            let right = match part.1.as_str() {
                "c" | "r" if ended_before => true,
                "c" => committed == claimed && released.is_empty(),
                "r" => released == claimed && committed.is_empty(),
                _ => committed.is_empty() && released.is_empty(),
            };
            check.judge(right, || {
                let state = state_name(&part.1);
                let (committed, released) =
                    (in_words(committed.into_iter(), accounts), in_words(released.into_iter(), accounts));
                format!(
                    "hold {hold_no}, part {:?}: its row says {state}; it claimed {}, its commit movements are \
                     {committed}, its release movements {released}",
                    part.0,
                    in_words(claimed.into_iter(), accounts)
                )
            });
        }
        let known = |movement: &&Movement| parts.iter().any(|part| part.0 == movement.claim.0);
        if let Some(stray) = movements.iter().find(|movement| !known(movement)) {
            check.mismatch(|| format!("hold {hold_no}: movement {} is of a part that it does not have", stray.seq));
        }
    }
}

fn in_words<'a>(claims: impl Iterator<Item = &'a Claimed>, accounts: &Accounts) -> String {
    let words: Vec<String> =
        claims.map(|(_, account_no, units)| format!("{units} of {}", accounts.name(*account_no))).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}
