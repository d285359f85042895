//! Many callers at once, on two processes.

use std::collections::BTreeSet;

use holdline_domain::ledger::{
    AccountKey, Demand, HoldId, HoldRecord, LedgerAnswer, LedgerRequest, Movement, MovementKind, PartState, Resolution,
};

use super::super::sample::{
    TENANT, account, adjust, balance, demand, hold, key, quota, resolve, send, ship, stock, unallocate,
};
use super::super::{Process, ok};

/// Callers of each process.
const CALLERS: u32 = 8;

/// 60 holds of one unit each on 25 units: exactly 25 are granted, to 25 different holds.
pub async fn a_crowd_shares_the_last_units(first: Process, second: Process) {
    send(&first.ledger, &[adjust(&stock("A"), 25, "in")]).await;
    let callers = (0..60_u32).map(|n| {
        let ledger = if n % 2 == 0 { first.ledger.clone() } else { second.ledger.clone() };
        tokio::spawn(async move { send(&ledger, &[hold(&format!("k{n}"), &[demand("s1", &stock("A"), 1)])]).await })
    });
    let mut granted = BTreeSet::new();
    for caller in callers.collect::<Vec<_>>() {
        match caller.await.expect("no caller panics").remove(0) {
            LedgerAnswer::Held(record) => assert!(granted.insert(record.hold_no), "a hold number is given once"),
            LedgerAnswer::Insufficient(_) => {}
            other => panic!("neither held nor short: {other:?}"),
        }
    }
    assert_eq!(granted.len(), 25);
    assert_eq!(balance(&first.ledger, &stock("A")).await, (25, 25, 0));
}

/// 20 attempts with one key at once: one takes the hold, the others find it.
pub async fn one_key_is_held_once_by_a_crowd(first: Process, second: Process) {
    send(&first.ledger, &[adjust(&stock("A"), 25, "in")]).await;
    let callers = (0..20_u32).map(|n| {
        let ledger = if n % 2 == 0 { first.ledger.clone() } else { second.ledger.clone() };
        tokio::spawn(async move { send(&ledger, &[hold("k", &[demand("s1", &stock("A"), 2)])]).await.remove(0) })
    });
    let (mut taken, mut found) = (Vec::new(), Vec::new());
    for caller in callers.collect::<Vec<_>>() {
        match caller.await.expect("no caller panics") {
            LedgerAnswer::Held(record) => taken.push(record),
            LedgerAnswer::AlreadyHeld(record) => found.push(record),
            other => panic!("neither held nor known: {other:?}"),
        }
    }
    assert_eq!((taken.len(), found.len()), (1, 19));
    assert!(found.iter().all(|record| *record == taken[0]), "all see the same hold");
    assert_eq!(balance(&first.ledger, &stock("A")).await, (25, 2, 0));
}

/// One caller's batches: holds, resolutions of its own and of others' holds, shipments, adjustments, refusals.
fn batches_of(caller: u32) -> Vec<Vec<LedgerRequest>> {
    let accounts = ["A", "B", "C"].map(stock);
    (0..12_u32)
        .map(|round| {
            let n = caller * 12 + round;
            let (a, b) = (&accounts[n as usize % 3], &accounts[(n as usize + 1) % 3]);
            let limited = Demand { limit: Some(9), ..demand("s2", &quota("A", &format!("buyer{}", n % 4)), 1) };
            let end = if n.is_multiple_of(2) { Resolution::Commit } else { Resolution::Release };
            vec![
                hold(&format!("k{n}"), &[demand("s1", a, 2), demand("s2", b, 1), limited]),
                resolve(&format!("k{n}"), Some("s1"), end),
                resolve(&format!("k{}", n / 2), None, end),
                hold(&format!("k{}", n / 3), &[demand("s1", a, 2)]),
                ship(a, 1, &format!("parcel{n}")),
                unallocate(b, 1, &format!("refund{n}")),
                adjust(b, if n.is_multiple_of(5) { -2 } else { 2 }, &format!("count{n}")),
            ]
        })
        .collect()
}

/// A crowd on both processes, each caller with batches of its own that collide with the others'.
pub async fn crowd(first: &Process, second: &Process) {
    let stock_in: Vec<_> = ["A", "B", "C"].iter().map(|code| adjust(&stock(code), 60, "in")).collect();
    send(&first.ledger, &stock_in).await;
    let callers = (0..2 * CALLERS).map(|caller| {
        let ledger = if caller % 2 == 0 { first.ledger.clone() } else { second.ledger.clone() };
        tokio::spawn(async move {
            for batch in batches_of(caller) {
                send(&ledger, &batch).await;
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.expect("no caller panics");
    }
}

/// After a crowd: balances are the sums of movements, held is what open holds claim, the sequence has no gap.
pub async fn many_callers_leave_the_ledger_equations_true(first: Process, second: Process) {
    use MovementKind::{Adjust, Commit, Hold, Release, Ship, Unallocate};
    crowd(&first, &second).await;
    let mut holds: Vec<HoldRecord> = Vec::new();
    loop {
        let page = ok(first.ledger.holds_after(holds.last().map_or(0, |hold| hold.hold_no), 100).await);
        if page.is_empty() {
            break;
        }
        holds.extend(page.into_iter().map(|visit| visit.hold));
    }
    assert!(!holds.is_empty());
    let mut sequence = BTreeSet::new();
    let buyers = (0..4).map(|n| quota("A", &format!("buyer{n}")));
    for key in ["A", "B", "C"].map(stock).into_iter().chain(buyers) {
        let account = account(&second.ledger, &key).await.expect("the crowd used it");
        let movements = every_movement(&second, account.account_no).await;
        let sum = |kind| movements.iter().filter(|m| m.kind == kind).map(|m| m.quantity).sum::<i64>();
        assert_eq!(account.on_hand, sum(Adjust) - sum(Ship), "{key:?}");
        assert_eq!(account.held, sum(Hold) - sum(Commit) - sum(Release), "{key:?}");
        assert_eq!(account.allocated, sum(Commit) - sum(Ship) - sum(Unallocate), "{key:?}");
        let lines = holds.iter().flat_map(|hold| hold.lines.iter().map(move |line| (hold, line)));
        let open: i64 = lines
            .filter(|(_, line)| line.account_no == account.account_no)
            .filter(|(hold, line)| hold.part(&line.part) == Some(PartState::Held))
            .map(|(_, line)| line.quantity)
            .sum();
        assert_eq!(account.held, open, "{key:?}");
        if matches!(key, AccountKey::Stock(_)) {
            assert!(account.available() >= 0, "oversold: {account:?}");
        }
        sequence.extend(movements.iter().map(|movement| movement.seq));
    }
    assert_eq!(sequence.first(), Some(&1));
    assert_eq!(sequence.last().copied(), i64::try_from(sequence.len()).ok(), "the sequence has no gap");
    let first_hold = ok(first.ledger.hold(TENANT, &HoldId::first(key("k0"))).await);
    assert_eq!(first_hold.as_ref(), holds.iter().find(|hold| hold.id == HoldId::first(key("k0"))));
}

async fn every_movement(process: &Process, account_no: i64) -> Vec<Movement> {
    let (mut movements, mut before): (Vec<Movement>, i64) = (Vec::new(), i64::MAX);
    loop {
        let page = ok(process.ledger.movements(account_no, before, 100).await);
        movements.extend(page.movements.into_iter().map(|(movement, _)| movement));
        match movements.last() {
            Some(oldest) if page.has_more => before = oldest.seq,
            _ => return movements,
        }
    }
}
