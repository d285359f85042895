//! Random sequences against a model that knows nothing of batches, rows or numbers: it keeps a list of facts and adds
//! them up anew for every question.

use proptest::prelude::*;

use super::super::*;
use super::books::{Books, quota, seller, stock};
use super::words::in_words;
use super::{TENANT, quantity, reference};
use crate::id::{Fingerprint, GroupKey};

/// One fact: what a change added to on hand, held and allocated of an account.
type Fact = (AccountKey, [i64; 3]);

/// A hold as the model knows it: key, content, and its claims with their ends.
struct Claimed {
    key: GroupKey,
    content: Fingerprint,
    claims: Vec<(Part, AccountKey, i64)>,
    ended: Vec<(Part, Resolution)>,
}

impl Claimed {
    fn open_parts(&self) -> Vec<Part> {
        let mut parts: Vec<Part> = self.claims.iter().map(|(part, _, _)| part.clone()).collect();
        parts.retain(|part| self.ended.iter().all(|(ended, _)| ended != part));
        parts
    }

    fn first_end(&self) -> Option<Resolution> {
        self.ended.iter().min_by_key(|(part, _)| part.clone()).map(|(_, end)| *end)
    }
}

/// The model.
#[derive(Default)]
struct Facts {
    changes: Vec<Fact>,
    holds: Vec<Claimed>,
    used: Vec<(AccountKey, String, &'static str, i64)>,
    flags: Vec<(AccountKey, Flags)>,
}

impl Facts {
    fn sums(&self, key: &AccountKey) -> [i64; 3] {
        let of_key = self.changes.iter().filter(|(account, _)| account == key);
        of_key.fold([0; 3], |sum, (_, change)| [sum[0] + change[0], sum[1] + change[1], sum[2] + change[2]])
    }

    fn flags_of(&self, key: &AccountKey) -> Flags {
        self.flags.iter().rev().find(|(account, _)| account == key).map_or(Flags::default(), |(_, flags)| *flags)
    }

    fn hold(&mut self, key: &GroupKey, content: Fingerprint, demands: &[Demand]) -> String {
        if let Some(known) = self.holds.iter().find(|hold| hold.key == *key) {
            let open = !known.open_parts().is_empty();
            return match (known.content == content, open) {
                (false, _) => "content_mismatch",
                (true, true) => "already_held",
                (true, false) => "already_resolved",
            }
            .to_owned();
        }
        let mut accounts: Vec<&AccountKey> = demands.iter().map(|demand| &demand.account).collect();
        accounts.sort();
        accounts.dedup();
        let short: Vec<String> = accounts.into_iter().filter_map(|account| self.short(account, demands)).collect();
        if !short.is_empty() {
            return format!("insufficient {}", short.join(","));
        }
        let claims: Vec<_> = demands.iter().map(|d| (d.part.clone(), d.account.clone(), d.quantity.units())).collect();
        self.changes.extend(claims.iter().map(|(_, account, units)| (account.clone(), [0, *units, 0])));
        self.holds.push(Claimed { key: key.clone(), content, claims, ended: Vec::new() });
        "held".to_owned()
    }

    fn short(&self, account: &AccountKey, demands: &[Demand]) -> Option<String> {
        let on_account = || demands.iter().filter(|demand| demand.account == *account);
        let wanted: i64 = on_account().map(|demand| demand.quantity.units()).sum();
        let [on_hand, held, allocated] = self.sums(account);
        let flags = self.flags_of(account);
        let can = match account {
            AccountKey::Stock(_) if flags.sold_out => 0,
            AccountKey::Stock(_) if flags.infinite => i64::MAX,
            AccountKey::Stock(_) => on_hand - held - allocated + flags.shortage_max,
            AccountKey::Quota(_) => {
                let limit = on_account().filter_map(|demand| demand.limit).min();
                limit.map_or(i64::MAX, |limit| limit - held - allocated)
            }
        };
        (wanted > can).then(|| format!("{}:{wanted}/{}", account.sku(), can.max(0)))
    }

    fn resolve(&mut self, key: &GroupKey, part: Option<&Part>, resolution: Resolution) -> &'static str {
        let Some(hold) = self.holds.iter_mut().find(|hold| hold.key == *key) else { return "unknown_hold" };
        if part.is_some_and(|part| hold.claims.iter().all(|(claimed, _, _)| claimed != part)) {
            return "unknown_hold";
        }
        let mut ending = hold.open_parts();
        ending.retain(|open| part.is_none_or(|part| part == open));
        ending.sort();
        ending.dedup();
        if ending.is_empty() {
            let end = match part {
                Some(part) => hold.ended.iter().find(|(ended, _)| ended == part).map(|(_, end)| *end),
                None => hold.first_end(),
            };
            return match end.expect("a part that is not open has ended") {
                Resolution::Commit => "already_committed",
                Resolution::Release => "already_released",
            };
        }
        for (_, account, units) in hold.claims.iter().filter(|(part, _, _)| ending.contains(part)) {
            let sold = if resolution == Resolution::Commit { *units } else { 0 };
            self.changes.push((account.clone(), [0, -units, sold]));
        }
        hold.ended.extend(ending.into_iter().map(|part| (part, resolution)));
        match resolution {
            Resolution::Commit => "committed",
            Resolution::Release => "released",
        }
    }

    fn by_reference(&mut self, key: &AccountKey, name: &str, kind: &'static str, units: i64, force: bool) -> String {
        if let Some((_, _, used, quantity)) = self.used.iter().find(|(k, n, _, _)| k == key && n == name) {
            let same = *used == kind && *quantity == units;
            return if same { format!("already_{kind}") } else { format!("reference_mismatch {used} {quantity}") };
        }
        let [on_hand, held, allocated] = self.sums(key);
        let change = match kind {
            "ship" | "unallocate" if allocated < units => return format!("not_allocated {units}/{allocated}"),
            "ship" => [-units, 0, -units],
            "unallocate" => [0, 0, -units],
            _ if units < 0 && on_hand + units < held + allocated && !force => return "breaks_holds".to_owned(),
            _ => [units, 0, 0],
        };
        self.changes.push((key.clone(), change));
        self.used.push((key.clone(), name.to_owned(), kind, units));
        kind.to_owned()
    }

    fn answer(&mut self, request: &LedgerRequest) -> String {
        match request {
            LedgerRequest::Hold { id, content, demands, .. } => self.hold(&id.key, *content, demands),
            LedgerRequest::Resolve { id, part, resolution, .. } => {
                self.resolve(&id.key, part.as_ref(), *resolution).to_owned()
            }
            LedgerRequest::Ship { account, quantity, reference, .. } => {
                self.by_reference(account, reference.as_str(), "ship", quantity.units(), false)
            }
            LedgerRequest::Unallocate { account, quantity, reference, .. } => {
                self.by_reference(account, reference.as_str(), "unallocate", quantity.units(), false)
            }
            LedgerRequest::Adjust { account, delta, reference, force, .. } => {
                self.by_reference(account, reference.as_str(), "adjust", *delta, *force)
            }
            LedgerRequest::SetFlags { account, flags, .. } => {
                self.flags.push((account.clone(), *flags));
                "flags_set".to_owned()
            }
            LedgerRequest::MoveRest { from, to, .. } => {
                let [on_hand, held, allocated] = self.sums(from);
                let units = if from == to { 0 } else { (on_hand - held - allocated).max(0) };
                self.changes.extend([(from.clone(), [-units, 0, 0]), (to.clone(), [units, 0, 0])]);
                format!("rest_moved {units}")
            }
            LedgerRequest::Outside { .. } => unreachable!("{request:?} is not drawn here: outside.rs has its rules"),
        }
    }
}

fn any_stock() -> impl Strategy<Value = AccountKey> {
    prop_oneof![Just(stock("A")), Just(stock("B"))]
}

fn any_part() -> impl Strategy<Value = Part> {
    prop_oneof![Just(Part::Group), Just(Part::Seller(seller("s1"))), Just(Part::Seller(seller("s2")))]
}

fn any_demand() -> impl Strategy<Value = Demand> {
    let on_stock = (any_part(), any_stock(), 1..6_i64).prop_map(|(part, account, units)| Demand {
        part,
        account,
        quantity: quantity(units),
        limit: None,
    });
    let on_quota = (any_part(), 1..4_i64, proptest::option::of(0..9_i64)).prop_map(|(part, units, limit)| Demand {
        part,
        account: quota("A", "ann"),
        quantity: quantity(units),
        limit,
    });
    prop_oneof![3 => on_stock, 1 => on_quota]
}

fn any_request() -> impl Strategy<Value = LedgerRequest> {
    let key = || (0..8_u8).prop_map(|n| HoldId::first(GroupKey::from_stored(format!("k{n}"))));
    let name = || (0..5_u8).prop_map(|n| reference(&format!("r{n}")));
    let tenant = TENANT;
    let hold = (key(), 0..8_u8, proptest::collection::vec(any_demand(), 1..4)).prop_map(move |(id, other, demands)| {
        let content = Fingerprint([u8::from(other == 0); 32]);
        LedgerRequest::Hold { tenant, id, content, order_nos: Vec::new(), demands }
    });
    let resolve = (key(), proptest::option::of(any_part()), any::<bool>()).prop_map(move |(id, part, sold)| {
        let resolution = if sold { Resolution::Commit } else { Resolution::Release };
        LedgerRequest::Resolve { tenant, id, part, resolution }
    });
    let ship = (any_stock(), 1..4_i64, name()).prop_map(move |(account, units, reference)| LedgerRequest::Ship {
        tenant,
        account,
        quantity: quantity(units),
        reference,
    });
    let unallocate = (any_stock(), 1..4_i64, name()).prop_map(move |(account, units, reference)| {
        LedgerRequest::Unallocate { tenant, account, quantity: quantity(units), reference }
    });
    let adjust = (any_stock(), (-8..16_i64).prop_filter("never 0", |delta| *delta != 0), name(), any::<bool>())
        .prop_map(move |(account, delta, reference, force)| LedgerRequest::Adjust {
            tenant,
            account,
            delta,
            reference,
            force,
        });
    let flags = (any_stock(), 0..6_u8, 0..3_i64, proptest::option::of(0..6_i64)).prop_map(
        move |(account, switch, shortage_max, danger_level)| LedgerRequest::SetFlags {
            tenant,
            account,
            flags: Flags { infinite: switch == 0, sold_out: switch == 1, shortage_max, danger_level },
        },
    );
    let rest = (any_stock(), any_stock()).prop_map(move |(from, to)| LedgerRequest::MoveRest { tenant, from, to });
    prop_oneof![6 => hold, 4 => resolve, 1 => ship, 1 => unallocate, 4 => adjust, 1 => flags, 1 => rest]
}

/// `held = Σ open holds`, and every balance is the sum of the account's movements.
fn assert_ledger_equations(books: &Books) {
    use MovementKind::{Adjust, Commit, Hold, Release, Ship, Transfer, Unallocate};
    for account in books.accounts.values() {
        let of_account = || books.movements.iter().filter(|m| m.account_no == account.account_no);
        let sum = |kind| of_account().filter(|m| m.kind == kind).map(|m| m.quantity).sum::<i64>();
        assert_eq!(account.on_hand, sum(Adjust) + sum(Transfer) - sum(Ship));
        assert_eq!(account.held, sum(Hold) - sum(Commit) - sum(Release));
        assert_eq!(account.allocated, sum(Commit) - sum(Ship) - sum(Unallocate));
        let open: i64 = books
            .holds
            .values()
            .flat_map(|hold| hold.lines.iter().map(move |line| (hold, line)))
            .filter(|(hold, line)| {
                line.account_no == account.account_no && hold.part(&line.part) == Some(PartState::Held)
            })
            .map(|(_, line)| line.quantity)
            .sum();
        assert_eq!(account.held, open);
        assert!(account.held >= 0 && account.allocated >= 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_and_balances_agree_with_a_model_that_only_adds_up_facts(
        requests in proptest::collection::vec(any_request(), 1..80),
    ) {
        let (mut books, mut facts) = (Books::new(), Facts::default());
        for request in &requests {
            let answer = books.one(request.clone());
            prop_assert_eq!(in_words(&answer), facts.answer(request), "{:?}", request);
            for key in [stock("A"), stock("B"), quota("A", "ann")] {
                prop_assert_eq!(<[i64; 3]>::from(books.balance(&key)), facts.sums(&key));
            }
        }
        assert_ledger_equations(&books);
    }

    #[test]
    fn splitting_a_sequence_into_batches_anywhere_changes_no_answer_and_no_row(
        requests in proptest::collection::vec(any_request(), 1..60),
        cuts in proptest::collection::vec(1..12_usize, 60),
    ) {
        let (mut one_by_one, mut batched) = (Books::new(), Books::new());
        let expected: Vec<LedgerAnswer> = requests.iter().map(|request| one_by_one.one(request.clone())).collect();
        let (mut answers, mut rest) = (Vec::new(), &requests[..]);
        for size in cuts {
            let (batch, later) = rest.split_at(size.min(rest.len()));
            answers.extend(batched.batch(batch));
            rest = later;
        }
        prop_assert_eq!(answers, expected);
        prop_assert_eq!(batched, one_by_one);
    }
}
