//! What the ledger's reads answer.

use holdline_domain::id::Reference;
use holdline_domain::ledger::{
    AccountKey, Demand, HoldId, HoldRecord, LedgerAnswer, MovementKind, Resolution, StockKey,
};

use super::super::sample::{TENANT, account, adjust, demand, hold, hold_n, key, quota, resolve, send, sku, stock};
use super::super::{Process, ok};

fn at(code: &str, location: &str, channel: &str, period: &str) -> AccountKey {
    AccountKey::Stock(StockKey {
        location: location.into(),
        channel: channel.into(),
        period: period.into(),
        ..StockKey::of(sku(code))
    })
}

/// All locations, channels and periods of a SKU, no quota account, in the order of the SKUs, twice if asked twice.
pub async fn stock_lists_every_account_of_each_sku_in_the_order_asked(first: Process, second: Process) {
    let places = [at("A", "", "", ""), at("A", "east", "", ""), at("A", "east", "app", "2026-08"), at("B", "", "", "")];
    let mut batch: Vec<_> = places.iter().map(|account| adjust(account, 3, "in")).collect();
    batch.push(hold("k", &[demand("s1", &quota("A", "ann"), 1)]));
    send(&first.ledger, &batch).await;
    let listed = ok(second.ledger.stock(TENANT, &[sku("B"), sku("none"), sku("A"), sku("B")]).await);
    let keys = |place: usize| {
        let mut keys: Vec<_> = listed[place].iter().map(|account| account.key.clone()).collect();
        keys.sort();
        keys
    };
    assert_eq!(listed.len(), 4);
    assert_eq!((keys(0), keys(1), keys(3)), (places[3..].to_vec(), vec![], places[3..].to_vec()));
    assert_eq!(keys(2), places[..3]);
    assert!(listed[2].iter().all(|account| account.on_hand == 3));
}

/// Stock and quota accounts by key; what does not exist is left out.
pub async fn accounts_answer_by_key_and_only_those_that_exist(first: Process, second: Process) {
    let limited = Demand { limit: Some(2), ..demand("s1", &quota("A", "ann"), 2) };
    send(&first.ledger, &[adjust(&stock("A"), 3, "in"), hold("k", &[demand("s1", &stock("A"), 1), limited])]).await;
    let keys = [quota("A", "bob"), stock("A"), at("A", "east", "", ""), quota("A", "ann")];
    let mut found = ok(second.ledger.accounts(TENANT, &keys).await);
    found.sort_by(|a, b| a.key.cmp(&b.key));
    let found: Vec<_> = found.into_iter().map(|a| (a.key, a.on_hand, a.held, a.version)).collect();
    assert_eq!(found, [(stock("A"), 3, 1, 2), (quota("A", "ann"), 0, 2, 1)]);
    assert_eq!(ok(second.ledger.accounts(TENANT, &[]).await), []);
}

/// Pages of an account's own movements, each once, none left out, with their references, holds and parts.
pub async fn movements_are_paged_newest_first(first: Process, second: Process) {
    use MovementKind::{Adjust, Commit, Hold};
    for n in 0..3 {
        let (on_a, on_b) = (adjust(&stock("A"), 5, &format!("in{n}")), adjust(&stock("B"), 5, &format!("in{n}")));
        let take = hold(&format!("k{n}"), &[demand("s1", &stock("A"), 2), demand("s2", &stock("B"), 1)]);
        send(&first.ledger, &[on_a, on_b, take, resolve(&format!("k{n}"), Some("s1"), Resolution::Commit)]).await;
    }
    let account_no = account(&first.ledger, &stock("A")).await.expect("it was made").account_no;
    let mut listed = Vec::new();
    let mut before = i64::MAX;
    loop {
        let page = ok(second.ledger.movements(account_no, before, 2).await);
        assert!(page.movements.len() <= 2);
        listed.extend(page.movements.iter().cloned());
        match page.movements.last() {
            Some((oldest, _)) if page.has_more => before = oldest.seq,
            _ => break,
        }
    }
    assert!(listed.is_sorted_by(|(a, at_a), (b, at_b)| a.seq > b.seq && at_a >= at_b));
    assert!(listed.iter().all(|(movement, at)| movement.account_no == account_no && at.0 > 0));
    let kinds: Vec<_> = listed.iter().rev().map(|(movement, _)| (movement.kind, movement.quantity)).collect();
    assert_eq!(kinds, [(Adjust, 5), (Hold, 2), (Commit, 2)].repeat(3));
    let (adjusted, held) = (&listed[8].0, &listed[7].0);
    assert_eq!(adjusted.reference.as_ref().map(Reference::as_str), Some("in0"));
    let record = ok(first.ledger.hold(TENANT, &HoldId::first(key("k0"))).await).expect("it was taken");
    assert_eq!((held.hold_no, held.part.as_ref()), (Some(record.hold_no), Some(&record.lines[0].part)));
    let named: Vec<_> = ok(second.ledger.accounts_by_no(&[account_no, i64::MAX]).await);
    assert_eq!(named, [account(&first.ledger, &stock("A")).await.expect("it exists")]);
    assert_eq!(ok(first.ledger.movements(account_no, listed[8].0.seq, 5).await).movements, []);
}

/// The reaper sees each hold once by walking its cursor, with the instant at which it was taken.
pub async fn holds_are_listed_once_each_in_the_order_they_were_taken(first: Process, second: Process) {
    send(&first.ledger, &[adjust(&stock("A"), 100, "in")]).await;
    for n in 0..7 {
        let process = if n % 2 == 0 { &first } else { &second };
        let take = hold(&format!("k{n}"), &[demand("s1", &stock("A"), 1)]);
        send(&process.ledger, &[take, resolve("k2", None, Resolution::Release)]).await;
    }
    let (mut cursor, mut seen) = (0, Vec::new());
    loop {
        let visits = ok(second.ledger.holds_after(cursor, 3).await);
        let Some(last) = visits.last() else { break };
        assert!(visits.len() <= 3);
        assert!(visits.iter().all(|visit| visit.taken.0 > 0 && visit.taken <= visit.now));
        cursor = last.hold.hold_no;
        seen.extend(visits.into_iter().map(|visit| visit.hold));
    }
    let keys: Vec<_> = seen.iter().map(|hold| hold.id.key.as_str().to_owned()).collect();
    assert_eq!(keys, ["k0", "k1", "k2", "k3", "k4", "k5", "k6"]);
    assert!(seen[2].any_released() && !seen[2].is_open(), "as they are now");
    assert_eq!(ok(second.ledger.open_holds().await), 6, "k2 was given back four times over");
}

/// A group that was held again shows its newest hold; the older one is still found by its whole id.
pub async fn the_newest_hold_of_a_group_answers_for_its_key(first: Process, second: Process) {
    let demands = [demand("s1", &stock("A"), 1)];
    let answers = send(
        &first.ledger,
        &[
            adjust(&stock("A"), 5, "in"),
            hold("k", &demands),
            resolve("k", None, Resolution::Release),
            hold_n("k", 3, &demands),
            hold_n("k", 2, &demands),
        ],
    )
    .await;
    let held: Vec<&HoldRecord> = answers
        .iter()
        .filter_map(|answer| if let LedgerAnswer::Held(record) = answer { Some(record) } else { None })
        .collect();
    assert_eq!(held.len(), 3);
    assert_eq!(ok(second.ledger.holds(&[(TENANT, key("k"))]).await), [Some(held[1].clone())]);
    let older = ok(second.ledger.hold(TENANT, &HoldId::first(key("k"))).await).expect("it is kept");
    assert!(older.any_released());
}

/// Forward only, the same for every process.
pub async fn the_reapers_cursor_never_goes_back(first: Process, second: Process) {
    assert_eq!(ok(first.ledger.reaper_cursor().await), 0);
    for (to, expected) in [(5, 5), (3, 5), (5, 5), (9, 9)] {
        ok(first.ledger.advance_reaper_cursor(to).await);
        assert_eq!(ok(second.ledger.reaper_cursor().await), expected);
    }
}

/// Quotes, backslashes, other scripts, prefixes of each other: no text is mistaken for another.
pub async fn texts_come_back_as_they_were_written(first: Process, second: Process) {
    let texts = ["a", "A", "a ", " a", "a'", "a\"", "a\\", "a%", "a_", "a/b", "价格", "ä", "a\u{308}", "🙂"];
    let batch: Vec<_> = texts
        .iter()
        .flat_map(|text| {
            let limited = Demand { limit: Some(1), ..demand(text, &quota(text, text), 1) };
            [adjust(&stock(text), 1, text), hold(text, &[demand(text, &stock(text), 1), limited])]
        })
        .collect();
    let answers = send(&first.ledger, &batch).await;
    for (place, text) in texts.iter().enumerate() {
        let LedgerAnswer::Held(taken) = &answers[2 * place + 1] else { panic!("{text:?} is an account of its own") };
        assert_eq!(ok(second.ledger.holds(&[(TENANT, key(text))]).await), [Some(taken.clone())]);
        assert_eq!(account(&second.ledger, &stock(text)).await.map(|a| (a.held, a.key)), Some((1, stock(text))));
        assert_eq!(account(&second.ledger, &quota(text, text)).await.map(|a| a.key), Some(quota(text, text)));
    }
    let repeats: Vec<_> = texts.iter().map(|text| adjust(&stock(text), 1, text)).collect();
    let again = send(&second.ledger, &repeats).await;
    assert!(again.iter().all(|answer| matches!(answer, LedgerAnswer::AlreadyAdjusted(_))));
}
