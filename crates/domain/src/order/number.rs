//! Order numbers: 27 digits that sort by time and name the shard, unique whatever the clocks do.
//!
//! Layout: `yyMMddHHmmssSSS` (15, at a fixed offset from UTC) + business code (4) + sequence (6) + slot (2), so that
//! `order_no > '260801'` means "since 1 August 2026". The sequence space below 2^18 is cut into 64 blocks of 4,096. A
//! process leases a block for a while from the orders database and stamps only instants inside its lease, never going
//! back: two leases of one block never overlap, so no instant of a block is stamped twice.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::id::{InvalidCode, InvalidField, Slot};
use crate::time::UnixMillis;

/// The number of an order: 27 decimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderNo(CompactString);

impl OrderNo {
    /// Digits of a number.
    pub const LEN: usize = 27;

    /// Parses a number from outside.
    pub fn try_new(text: &str) -> Result<Self, InvalidField> {
        if text.len() == Self::LEN && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(CompactString::from(text)))
        } else {
            Err(InvalidField::new("order_no", InvalidCode::Malformed, "must be 27 digits"))
        }
    }

    /// A number that this program stored earlier.
    pub fn from_stored(text: impl Into<CompactString>) -> Self {
        Self(text.into())
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The instant it was stamped at, in a store whose numbers are at this offset; `None` if its digits are no date.
    pub fn stamped(&self, utc_offset_s: i32) -> Option<UnixMillis> {
        let digits = |from: usize, to: usize| self.0.get(from..to)?.parse::<i16>().ok();
        let small = |from: usize| digits(from, from + 2).and_then(|number| i8::try_from(number).ok());
        let date = jiff::civil::Date::new(2_000 + digits(0, 2)?, small(2)?, small(4)?).ok()?;
        let at = date.at(0, 0, 0, 0).with().hour(small(6)?).minute(small(8)?).second(small(10)?);
        let at = at.millisecond(digits(12, 15)?).build().ok()?;
        let offset = jiff::tz::Offset::from_seconds(utc_offset_s).ok()?;
        Some(UnixMillis(offset.to_timestamp(at).ok()?.as_millisecond()))
    }
}

impl std::fmt::Display for OrderNo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// How many blocks the sequence space has.
pub const BLOCKS: u32 = 64;
/// How many numbers a block has per millisecond.
pub const BLOCK_SIZE: u32 = 4_096;
/// How long a lease lasts at most, in milliseconds.
pub const LEASE_MS_MAX: i64 = 10_000;

/// One block of sequence numbers for a span of instants: nobody else stamps it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockLease {
    /// The block, 0 to 63.
    pub block: u32,
    /// The first instant that may be stamped.
    pub from: UnixMillis,
    /// The first instant that may not.
    pub until: UnixMillis,
}

/// Why no number can be drawn now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoNumber {
    /// The lease is over: take another first.
    LeaseOver,
    /// The block is used up for this millisecond.
    WaitForNextMillisecond,
}

/// Draws numbers from one lease.
///
/// Instants come from the lease's start plus the monotonic time since it was granted, so a wall clock that steps
/// changes nothing, and a process that slept past its lease draws nothing.
#[derive(Debug)]
pub struct NumberAllocator {
    lease: BlockLease,
    /// Monotonic milliseconds at which the lease was *asked for*: the earliest instant it can have been granted.
    asked_ms: i64,
    last: UnixMillis,
    used: u32,
    utc_offset_s: i32,
    /// The date part of `last`, made once per millisecond.
    stamp: (UnixMillis, CompactString),
}

impl NumberAllocator {
    /// An allocator over `lease`, asked for at `asked_ms` of this process's monotonic clock.
    pub fn new(lease: BlockLease, asked_ms: i64, utc_offset_s: i32) -> Self {
        let stamp = (lease.from, stamp(lease.from, utc_offset_s));
        Self { lease, asked_ms, last: lease.from, used: 0, utc_offset_s, stamp }
    }

    /// The lease it draws from.
    pub fn lease(&self) -> BlockLease {
        self.lease
    }

    /// The instant the allocator is at, at `monotonic_ms` of this process.
    pub fn instant(&self, monotonic_ms: i64) -> UnixMillis {
        self.last.max(self.lease.from.plus_ms((monotonic_ms - self.asked_ms).max(0)))
    }

    /// Draws one number.
    pub fn draw(&mut self, monotonic_ms: i64, business_code: u16, slot: Slot) -> Result<OrderNo, NoNumber> {
        let instant = self.instant(monotonic_ms);
        if instant >= self.lease.until {
            return Err(NoNumber::LeaseOver);
        }
        if instant > self.last {
            self.last = instant;
            self.used = 0;
        }
        if self.used == BLOCK_SIZE {
            return Err(NoNumber::WaitForNextMillisecond);
        }
        let sequence = self.lease.block * BLOCK_SIZE + self.used;
        self.used += 1;
        if self.stamp.0 != instant {
            self.stamp = (instant, stamp(instant, self.utc_offset_s));
        }
        let digits = compact_str::format_compact!(
            "{}{:04}{sequence:06}{:02}",
            self.stamp.1,
            business_code % 10_000,
            slot.number()
        );
        Ok(OrderNo(digits))
    }
}

/// `yyMMddHHmmssSSS` of an instant at a fixed offset.
fn stamp(instant: UnixMillis, utc_offset_s: i32) -> CompactString {
    let offset = jiff::tz::Offset::from_seconds(utc_offset_s).unwrap_or(jiff::tz::Offset::UTC);
    let at = jiff::Timestamp::from_millisecond(instant.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let local = offset.to_datetime(at);
    compact_str::format_compact!(
        "{:02}{:02}{:02}{:02}{:02}{:02}{:03}",
        local.year().rem_euclid(100),
        local.month(),
        local.day(),
        local.hour(),
        local.minute(),
        local.second(),
        local.millisecond()
    )
}

/// One block as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredBlock {
    /// The block.
    pub block: u32,
    /// The first instant that no lease has covered yet.
    pub until: UnixMillis,
}

/// Chooses the block to lease at the database's `now`: the one whose last lease ended first. A block that nobody ever
/// leased ended at instant 0. Never before the block's last lease ended, even if the database clock stepped back.
pub fn choose_block(stored: &[StoredBlock], now: UnixMillis) -> BlockLease {
    let until_of = |block| stored.iter().find(|s| s.block == block).map_or(UnixMillis(0), |s| s.until);
    let (until, block) = (0..BLOCKS).map(|block| (until_of(block), block)).min().expect("there are 64 blocks");
    let from = now.max(until);
    BlockLease { block, from, until: from.plus_ms(LEASE_MS_MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{BuyerId, TenantId};

    #[test]
    fn a_number_tells_the_instant_that_it_was_stamped_at() {
        let at = UnixMillis(1_785_554_745_678);
        let slot = Slot::of(TenantId(1), &BuyerId::try_new("ann").unwrap());
        for offset_s in [0, 8 * 3_600, -5 * 3_600] {
            let lease = BlockLease { block: 3, from: at, until: at.plus_ms(LEASE_MS_MAX) };
            let order_no = NumberAllocator::new(lease, 0, offset_s).draw(0, 7, slot).unwrap();
            assert_eq!(order_no.stamped(offset_s), Some(at));
        }
        let no_date = OrderNo::try_new(&"9".repeat(OrderNo::LEN)).unwrap();
        assert_eq!(no_date.stamped(0), None);
    }
}
