//! Tests of order numbers, of the clocks behind them, and of the identifiers inside them.

use std::collections::HashSet;

use proptest::prelude::*;

use super::number::{
    BLOCK_SIZE, BLOCKS, BlockLease, LEASE_MS_MAX, NoNumber, NumberAllocator, OrderNo, StoredBlock, choose_block,
};
use crate::fault::{FaultKind, Outcome};
use crate::id::{
    BuyerId, ClientId, GroupKey, IdempotencyKey, InvalidCode, InvalidField, Quantity, SkuCode, Slot, TenantId,
};
use crate::time::{CLOCK_STEP_MAX_MS, ClockReading, ShardClock, UnixMillis};

/// 2026-08-01T00:00:00Z.
const AUGUST: UnixMillis = UnixMillis(1_785_542_400_000);
/// Beijing.
const EAST_8_S: i32 = 8 * 3_600;

fn slot() -> Slot {
    Slot::of(TenantId(1), &BuyerId::try_new("ann").unwrap())
}

fn allocator(block: u32, from: UnixMillis, utc_offset_s: i32) -> NumberAllocator {
    NumberAllocator::new(BlockLease { block, from, until: from.plus_ms(LEASE_MS_MAX) }, 0, utc_offset_s)
}

/// The blocks row of a database, as a store keeps it.
#[derive(Default)]
struct Blocks(Vec<StoredBlock>);

impl Blocks {
    fn lease(&mut self, now: UnixMillis) -> BlockLease {
        let lease = choose_block(&self.0, now);
        self.0.retain(|stored| stored.block != lease.block);
        self.0.push(StoredBlock { block: lease.block, until: lease.until });
        lease
    }
}

#[test]
fn a_number_spells_instant_business_sequence_and_slot() {
    let mut numbers = allocator(3, AUGUST.plus_ms(61_007), 0);
    assert_eq!(numbers.draw(0, 42, slot()).unwrap().as_str(), "260801000101007004201228857");
    assert_eq!(numbers.draw(1, 42, slot()).unwrap().as_str(), "260801000101008004201228857");
    assert_eq!(numbers.draw(1, 42, slot()).unwrap().as_str(), "260801000101008004201228957");
}

#[test]
fn the_range_filter_by_date_splits_at_local_midnight() {
    let midnight = AUGUST.plus_ms(-i64::from(EAST_8_S) * 1_000);
    let at = |instant| allocator(0, instant, EAST_8_S).draw(0, 0, slot()).unwrap();
    assert!(at(midnight).as_str() > "260801");
    assert!(at(midnight.plus_ms(-1)).as_str() < "260801");
    assert!(at(AUGUST.plus_ms(30 * 86_400_000)).as_str() < "260901");
}

#[test]
fn numbers_sort_by_their_instants_across_blocks_and_businesses() {
    let early = allocator(BLOCKS - 1, AUGUST, 0).draw(0, 9_999, slot()).unwrap();
    let late = allocator(0, AUGUST.plus_ms(1), 0).draw(0, 0, slot()).unwrap();
    assert!(early < late);
}

#[test]
fn a_full_block_waits_for_the_next_millisecond() {
    let mut numbers = allocator(5, AUGUST, 0);
    for _ in 0..BLOCK_SIZE {
        numbers.draw(0, 0, slot()).unwrap();
    }
    assert_eq!(numbers.draw(0, 0, slot()), Err(NoNumber::WaitForNextMillisecond));
    assert!(numbers.draw(1, 0, slot()).is_ok());
}

#[test]
fn a_lease_that_is_over_gives_no_number_however_late_the_process_wakes() {
    let mut numbers = allocator(5, AUGUST, 0);
    assert!(numbers.draw(LEASE_MS_MAX - 1, 0, slot()).is_ok());
    for woken_ms in [LEASE_MS_MAX, LEASE_MS_MAX + 1, i64::from(u32::MAX)] {
        assert_eq!(numbers.draw(woken_ms, 0, slot()), Err(NoNumber::LeaseOver));
    }
}

#[test]
fn the_lease_counts_from_the_instant_it_was_asked_for() {
    // Asked at 100 ms of the monotonic clock, answered after 3 s: those 3 s are gone.
    let lease = BlockLease { block: 0, from: AUGUST, until: AUGUST.plus_ms(LEASE_MS_MAX) };
    let mut numbers = NumberAllocator::new(lease, 100, 0);
    assert!(numbers.draw(3_100, 0, slot()).unwrap().as_str().starts_with("260801000003000"));
    assert_eq!(numbers.draw(10_100, 0, slot()), Err(NoNumber::LeaseOver));
}

#[test]
fn a_clock_that_seems_to_go_back_stamps_the_last_instant_again_with_the_next_sequence() {
    let mut numbers = allocator(0, AUGUST, 0);
    let first = numbers.draw(500, 0, slot()).unwrap();
    let second = numbers.draw(-7_000, 0, slot()).unwrap();
    assert!(second > first);
    assert_eq!(second.as_str()[..15], first.as_str()[..15]);
}

#[test]
fn leases_of_64_processes_at_one_instant_are_64_different_blocks() {
    let mut blocks = Blocks::default();
    let leased: HashSet<u32> = (0..BLOCKS).map(|_| blocks.lease(AUGUST).block).collect();
    assert_eq!(leased.len(), 64);
    // The 65th waits in the future of the block that ends first, never inside somebody's lease.
    assert_eq!(blocks.lease(AUGUST).from, AUGUST.plus_ms(LEASE_MS_MAX));
}

#[test]
fn a_database_clock_that_steps_back_by_years_leases_no_instant_twice() {
    let mut blocks = Blocks((0..BLOCKS).map(|block| StoredBlock { block, until: AUGUST }).collect());
    let lease = blocks.lease(UnixMillis(0));
    assert_eq!((lease.from, lease.until), (AUGUST, AUGUST.plus_ms(LEASE_MS_MAX)));
}

#[test]
fn ten_million_numbers_of_four_processes_hold_no_duplicate() {
    // A number embeds its block, so it is enough that each block's numbers strictly increase over all its leases.
    let mut blocks = Blocks::default();
    let mut last: Vec<Option<OrderNo>> = vec![None; BLOCKS as usize];
    let mut processes: Vec<Option<(NumberAllocator, i64)>> = (0..4).map(|_| None).collect();
    let skews_ms = [0, 30_000, -30_000, 7];
    let (mut monotonic_ms, mut drawn) = (0_i64, 0_u32);
    while drawn < 10_000_000 {
        for (process, skew_ms) in processes.iter_mut().zip(skews_ms) {
            let (numbers, _) = process.get_or_insert_with(|| {
                // Each asks a database whose clock is off by another amount.
                let lease = blocks.lease(AUGUST.plus_ms(monotonic_ms + skew_ms));
                (NumberAllocator::new(lease, monotonic_ms, 0), monotonic_ms)
            });
            let block = numbers.lease().block as usize;
            let over = loop {
                match numbers.draw(monotonic_ms, 1, slot()) {
                    Ok(number) => {
                        assert!(last[block].as_ref().is_none_or(|last| *last < number), "{number} drawn twice");
                        last[block] = Some(number);
                        drawn += 1;
                    }
                    Err(NoNumber::WaitForNextMillisecond) => break false,
                    Err(NoNumber::LeaseOver) => break true,
                }
            };
            if over {
                *process = None;
            }
        }
        monotonic_ms += 37;
    }
}

/// What may happen to one of three processes that draw from one database.
#[derive(Debug, Clone)]
enum Step {
    /// The database's wall clock jumps.
    DatabaseClock(i64),
    /// Real time passes.
    Wait(i64),
    /// A process asks for a lease; the answer takes a while.
    Lease(usize, i64),
    /// A process draws some numbers.
    Draw(usize, u16),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        prop_oneof![-40_000..40_000_i64, Just(-86_400_000_i64), Just(86_400_000_i64)].prop_map(Step::DatabaseClock),
        prop_oneof![0..5_i64, 0..15_000_i64].prop_map(Step::Wait),
        (0..3_usize, 0..12_000_i64).prop_map(|(process, answer_ms)| Step::Lease(process, answer_ms)),
        (0..3_usize, 1..60_u16).prop_map(|(process, count)| Step::Draw(process, count)),
        (0..3_usize, 1..60_u16).prop_map(|(process, count)| Step::Draw(process, count)),
    ]
}

fn reading(database: i64, process: i64, monotonic_ms: i64, feed_head: i64) -> ClockReading {
    let (database, process, feed_head) = (UnixMillis(database), UnixMillis(process), UnixMillis(feed_head));
    ClockReading { database, process, monotonic_ms, feed_head }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn numbers_stay_unique_whatever_the_clocks_do(steps in proptest::collection::vec(any_step(), 1..120)) {
        let (mut blocks, mut seen) = (Blocks::default(), HashSet::new());
        let mut processes: [Option<NumberAllocator>; 3] = [None, None, None];
        let (mut monotonic_ms, mut wall_ms) = (0_i64, AUGUST.0);
        for step in steps {
            match step {
                Step::DatabaseClock(jump_ms) => wall_ms += jump_ms,
                Step::Wait(ms) => {
                    monotonic_ms += ms;
                    wall_ms += ms;
                }
                Step::Lease(process, answer_ms) => {
                    let asked_ms = monotonic_ms;
                    monotonic_ms += answer_ms;
                    let lease = blocks.lease(UnixMillis(wall_ms));
                    wall_ms += answer_ms;
                    processes[process] = Some(NumberAllocator::new(lease, asked_ms, EAST_8_S));
                }
                Step::Draw(process, count) => {
                    let Some(numbers) = &mut processes[process] else { continue };
                    let mut last = None;
                    for _ in 0..count {
                        let Ok(number) = numbers.draw(monotonic_ms, 7, slot()) else { break };
                        prop_assert!(last.is_none_or(|last| last < number), "strictly increasing inside a lease");
                        prop_assert!(seen.insert(number.clone()), "{} drawn twice", number);
                        last = Some(number);
                    }
                }
            }
        }
    }

    #[test]
    fn the_shard_clock_never_goes_back_while_the_feed_keeps_its_newest_instant(
        steps in proptest::collection::vec((-6_000..6_000_i64, 0..4_000_i64), 1..60),
    ) {
        let (mut clock, mut feed_head) = (ShardClock::new(), 0);
        let (mut database, mut monotonic_ms) = (AUGUST.0, 0);
        for (jump_ms, passed_ms) in steps {
            monotonic_ms += passed_ms;
            database += passed_ms + jump_ms;
            // Both clocks step together: only the monotonic one can tell.
            if let Ok(now) = clock.judge(reading(database, database, monotonic_ms, feed_head)) {
                prop_assert!(now.0 >= feed_head && now.0 >= database);
                feed_head = now.0;
            }
        }
    }
}

#[test]
fn the_shard_clock_is_the_later_of_database_and_feed() {
    let mut clock = ShardClock::new();
    assert_eq!(clock.judge(reading(1_000, 1_000, 0, 400)).unwrap(), UnixMillis(1_000));
    assert_eq!(clock.judge(reading(1_000, 1_000, 0, 3_000)).unwrap(), UnixMillis(3_000));
}

#[test]
fn writing_stops_when_database_and_process_disagree_by_more_than_the_limit() {
    for apart_ms in [CLOCK_STEP_MAX_MS, -CLOCK_STEP_MAX_MS] {
        assert!(ShardClock::new().judge(reading(AUGUST.0 + apart_ms, AUGUST.0, 0, 0)).is_ok());
    }
    for apart_ms in [CLOCK_STEP_MAX_MS + 1, -CLOCK_STEP_MAX_MS - 1] {
        let fault = ShardClock::new().judge(reading(AUGUST.0 + apart_ms, AUGUST.0, 0, 0)).unwrap_err();
        assert_eq!((fault.kind, fault.outcome), (FaultKind::Clock, Outcome::NotDone));
    }
}

#[test]
fn writing_stops_for_good_when_both_clocks_jump_forward_together() {
    let mut clock = ShardClock::new();
    let at = |ms| AUGUST.0 + ms;
    clock.judge(reading(at(0), at(0), 0, 0)).unwrap();
    clock.judge(reading(at(6_000), at(6_000), 1_000, 0)).unwrap();
    assert!(clock.judge(reading(at(12_001), at(12_001), 2_000, 0)).is_err());
    // Waiting does not turn the jump into the truth, a clock that comes back does.
    assert!(clock.judge(reading(at(612_001), at(612_001), 600_000, 0)).is_err());
    assert!(clock.judge(reading(at(605_000), at(605_000), 600_000, 0)).is_ok());
}

#[test]
fn a_buyers_slot_never_changes() {
    // FNV-1a 64, computed elsewhere: part of the stored format.
    for (tenant, buyer, expected) in [(1, "ann", 57), (2, "ann", 94), (1, "买家-17", 93)] {
        assert_eq!(Slot::of(TenantId(tenant), &BuyerId::try_new(buyer).unwrap()).number(), expected);
    }
}

#[test]
fn a_group_key_keeps_the_clients_bytes_first() {
    let key = IdempotencyKey::try_new("01J-a/b").unwrap();
    let group = GroupKey::place(&key, &ClientId::try_new("shop-app").unwrap(), slot());
    assert_eq!(group.as_str(), "01J-a/b/shop-app/place/57");
}

#[test]
fn an_order_number_from_outside_is_27_ascii_digits() {
    assert!(OrderNo::try_new("260801000101007004201228857").is_ok());
    for bad in
        ["", "26080100010100700420122885", "2608010001010070042012288571", "26080100010100700420122885x", "२६०८०१०००"]
    {
        assert_eq!(OrderNo::try_new(bad).unwrap_err().code, InvalidCode::Malformed, "{bad}");
    }
}

#[test]
fn an_identifier_is_printable_not_empty_and_not_too_long() {
    let code = |text: &str| SkuCode::try_new(text).map_err(|InvalidField { code, .. }| code);
    assert!(code("85123A 白色/WHITE").is_ok());
    assert_eq!(code(""), Err(InvalidCode::Empty));
    assert_eq!(code(&"x".repeat(65)), Err(InvalidCode::TooLong));
    for bad in ["a\0b", "a\nb", "\u{7f}"] {
        assert_eq!(code(bad), Err(InvalidCode::BadCharacter), "{bad:?}");
    }
    assert_eq!(ClientId::try_new("Shop/1").unwrap_err().code, InvalidCode::BadCharacter);
    assert_eq!(IdempotencyKey::try_new("with space").unwrap_err().code, InvalidCode::BadCharacter);
}

#[test]
fn a_quantity_is_positive_and_bounded() {
    assert_eq!(Quantity::try_new(1).unwrap().units(), 1);
    assert!(Quantity::try_new(Quantity::MAX).is_ok());
    for bad in [0, -1, Quantity::MAX + 1, i64::MIN] {
        assert_eq!(Quantity::try_new(bad).unwrap_err().code, InvalidCode::OutOfRange);
    }
}
