//! Order numbers: none is drawn twice, and each lies inside a lease of its block.

use std::collections::BTreeMap;

use holdline_domain::id::GroupKey;
use holdline_domain::order::OrderNo;

use super::{Evidence, Findings};

/// Digits: 15 of time, 4 of business, 6 of sequence, 2 of slot; 4,096 numbers to a block.
const BLOCK: i64 = 4_096;

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    let mut drawn: BTreeMap<&OrderNo, &GroupKey> = BTreeMap::new();
    for stored in evidence.ledger.holds.values() {
        for (_, no) in &stored.hold.order_nos {
            let other = drawn.insert(no, &stored.hold.id.key).filter(|other| **other != stored.hold.id.key);
            findings.unless(other.is_none(), "number_drawn_once", || {
                format!("{no} was drawn for {} and for {other:?}", stored.hold.id.key)
            });
        }
    }
    let taken = evidence.orders.numbers_taken;
    findings.unless(taken == 0, "number_drawn_once", || format!("{taken} inserts found their number taken"));
    let offset_ms = i64::from(evidence.orders.number_offset_s.unwrap_or(0)) * 1_000;
    for no in drawn.keys() {
        let Some((stamp_ms, block)) = read(no.as_str()) else {
            findings.found("number_is_well_formed", no.to_string());
            continue;
        };
        let instant = stamp_ms - offset_ms;
        let inside = evidence
            .orders
            .leases
            .iter()
            .any(|lease| i64::from(lease.block) == block && lease.from.0 <= instant && instant < lease.until.0);
        findings.unless(inside, "number_inside_a_lease", || format!("{no}: block {block} at {instant}"));
    }
}

/// The local instant in milliseconds and the block of a number.
fn read(no: &str) -> Option<(i64, i64)> {
    let digits = |from: usize, to: usize| no.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (2_000 + digits(0, 2)?, digits(2, 4)?, digits(4, 6)?);
    let (hour, minute, second, milli) = (digits(6, 8)?, digits(8, 10)?, digits(10, 12)?, digits(12, 15)?);
    let seconds = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    (no.len() == 27).then_some((seconds * 1_000 + milli, digits(19, 25)? / BLOCK))
}

/// Days of the Gregorian calendar, counted month by month: slow and plain.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let of_years: i64 = (1970..year).map(|year| 365 + i64::from(is_leap(year))).sum();
    let february = 28 + i64::from(is_leap(year));
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let of_months: i64 = months.iter().take(usize::try_from(month - 1).unwrap_or(0)).sum();
    of_years + of_months + day - 1
}

#[cfg(test)]
mod tests {
    use super::{days_since_1970, read};

    #[test]
    fn counts_days_over_a_leap_february() {
        assert_eq!(days_since_1970(1970, 1, 1), 0);
        assert_eq!(days_since_1970(2024, 3, 1), 19_783);
        assert_eq!(days_since_1970(2026, 3, 1), 20_513);
    }

    #[test]
    fn reads_instant_and_block_of_a_number() {
        assert_eq!(read("260301000000001000100819907"), Some((20_513 * 86_400_000 + 1, 2)));
    }
}
