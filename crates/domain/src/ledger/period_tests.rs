//! Tests of periods: which one is open, what may be written when, and where the rest goes.

use super::*;
use crate::id::{PeriodName, SkuCode, TenantId};
use crate::time::UnixMillis;

fn period(channel: &str, name: &str, start: i64, end: i64) -> Period {
    Period {
        sku: SkuCode::from_stored("A"),
        channel: channel.into(),
        name: PeriodName::from_stored(name),
        start: UnixMillis(start),
        end: UnixMillis(end),
        rest: Rest::Next,
    }
}

fn open(periods: &[Period], channel: &str, now: i64) -> String {
    match opening(periods, channel, UnixMillis(now)) {
        Opening::Always => "always".to_owned(),
        Opening::Open(period) => period.name.to_string(),
        Opening::Closed { opens } => format!("opens at {}", opens.0),
    }
}

#[test]
fn a_period_is_open_from_its_start_until_just_before_its_end() {
    let periods = [period("", "noon", 30, 40), period("", "ten", 10, 20)];
    let told = [0, 9, 10, 19, 20, 29, 30, 39].map(|now| open(&periods, "web", now));
    assert_eq!(told, ["opens at 10", "opens at 10", "ten", "ten", "opens at 30", "opens at 30", "noon", "noon"]);
    assert_eq!(open(&periods, "web", 40), "always", "after the last one the SKU is sold as any other");
    assert_eq!(open(&[], "web", 0), "always");
}

#[test]
fn periods_that_touch_leave_no_gap_and_share_no_instant() {
    let periods = [period("", "ten", 10, 20), period("", "eleven", 20, 30)];
    assert_eq!([19, 20].map(|now| open(&periods, "", now)), ["ten", "eleven"]);
}

#[test]
fn a_channel_with_periods_of_its_own_is_not_served_by_those_of_every_channel() {
    let periods = [period("", "all", 10, 20), period("app", "app-noon", 12, 14)];
    assert_eq!([11, 13, 15].map(|now| open(&periods, "web", now)), ["all", "all", "all"]);
    assert_eq!([11, 13].map(|now| open(&periods, "app", now)), ["opens at 12", "app-noon"]);
    assert_eq!(open(&periods, "app", 15), "all", "it has none any more");
    assert_eq!(open(&periods[1..], "web", 13), "always", "a period of one channel closes no other");
}

#[test]
fn the_rest_goes_where_its_rule_says() {
    let noon = PeriodName::from_stored("noon");
    let goes = |rest, next: Option<&PeriodName>| Period { rest, ..period("app", "ten", 0, 1) }.rest_goes_to(next);
    let account = |channel: &str, period: &str| {
        let base = StockKey::of(SkuCode::from_stored("A"));
        Some(AccountKey::Stock(StockKey { channel: channel.into(), period: period.into(), ..base }))
    };
    assert_eq!(goes(Rest::Next, Some(&noon)), account("app", "noon"));
    assert_eq!(goes(Rest::Next, None), account("", ""));
    assert_eq!(goes(Rest::Base, Some(&noon)), account("", ""));
    assert_eq!(goes(Rest::Keep, Some(&noon)), None);
    assert_eq!(Rest::ALL.map(|rest| Rest::from_name(rest.as_str())), Rest::ALL.map(Some));
    assert_eq!(Rest::from_name("Next"), None);
}

#[test]
fn a_period_that_has_begun_only_ends_later_or_changes_its_rest() {
    let stored = [period("", "ten", 10, 20), period("", "noon", 30, 40)];
    let put = |wish: Period, now| put_period(&stored, &wish, UnixMillis(now));
    let keep = |wish: Period| Period { rest: Rest::Keep, ..wish };
    for (now, wish, answer) in [
        (5, period("", "ten", 10, 20), PeriodAnswer::Unchanged),
        (5, period("", "ten", 1, 12), PeriodAnswer::Stored),
        (9, keep(period("", "ten", 11, 13)), PeriodAnswer::Stored),
        (10, period("", "ten", 10, 21), PeriodAnswer::Stored),
        (10, period("", "ten", 10, 19), PeriodAnswer::Begun),
        (10, period("", "ten", 9, 20), PeriodAnswer::Begun),
        (10, period("", "ten", 11, 25), PeriodAnswer::Begun),
        (19, keep(period("", "ten", 10, 20)), PeriodAnswer::Stored),
        (20, period("", "ten", 10, 25), PeriodAnswer::Begun),
        (25, keep(period("", "ten", 10, 20)), PeriodAnswer::Stored),
        (25, period("", "ten", 26, 28), PeriodAnswer::Begun),
        (5, period("", "ten", 10, 31), PeriodAnswer::Overlaps(PeriodName::from_stored("noon"))),
        (15, period("", "ten", 10, 31), PeriodAnswer::Overlaps(PeriodName::from_stored("noon"))),
        (5, period("", "other", 20, 30), PeriodAnswer::Stored),
        (5, period("", "other", 19, 30), PeriodAnswer::Overlaps(PeriodName::from_stored("ten"))),
        (5, period("", "other", 0, 99), PeriodAnswer::Overlaps(PeriodName::from_stored("ten"))),
        (5, period("app", "ten", 12, 35), PeriodAnswer::Stored),
        (5, period("", "other", 1, 5), PeriodAnswer::EndsTooEarly),
        (5, period("", "other", 1, 6), PeriodAnswer::Stored),
        (5, period("", "ten", 1, 5), PeriodAnswer::EndsTooEarly),
    ] {
        assert_eq!(put(wish.clone(), now), answer, "{wish:?} at {now}");
    }
}

#[test]
fn a_sku_has_a_bounded_number_of_periods() {
    let at = |n: i64| period("", &n.to_string(), n * 10, n * 10 + 10);
    let stored: Vec<Period> = (0..i64::try_from(PERIODS_MAX).unwrap()).map(at).collect();
    assert_eq!(put_period(&stored, &at(20_000), UnixMillis(0)), PeriodAnswer::Full);
    let changed = Period { rest: Rest::Base, ..at(7) };
    assert_eq!(put_period(&stored, &changed, UnixMillis(0)), PeriodAnswer::Stored, "those that exist can be changed");
}

#[test]
fn an_ended_period_is_looked_at_less_and_less_often_and_for_ever() {
    let ended =
        EndedPeriod { tenant: TenantId(1), period: period("", "ten", 0, 100), next: None, look: UnixMillis(100) };
    let pause_ms = |age_ms: i64| ended.next_look(UnixMillis(100 + age_ms)).0 - 100 - age_ms;
    let told = [0, 5_000, 10_000, 60_000, 3_600_000, 36_000_000, 1 << 50].map(pause_ms);
    assert_eq!(told, [1_000, 1_000, 1_000, 6_000, 360_000, 3_600_000, 3_600_000]);
}
