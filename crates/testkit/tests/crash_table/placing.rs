//! The tables of placing: P0 to P9, and A0 to A4 for a submit that is answered first.

use std::time::Duration;

use holdline_app::App;
use holdline_domain::order::{Actor, GroupState, OrderStatus};
use holdline_domain::port::{LedgerStore as _, OrderStore as _};
use holdline_testkit::model::Moment;

use crate::scene::{LEDGER, ORDERS, PAY_WITHIN_MS, Scene, put_sku, sku};
use crate::table::{End, Point, Then};

const FEED: &str = "orders.advance_feed_position";
/// How long what is in flight takes: longer than a retry, shorter than the reaper's patience.
const IN_FLIGHT_MS: u64 = 3_000;
/// Long enough for the reaper, the feed, and whatever was in flight.
const SETTLED: Duration = Duration::from_mins(1);

impl Scene {
    /// Lets the first process place until it dies there, or stalls there if its client is to hang up.
    async fn bring_to(&self, point: Point, hangs_up: bool) {
        let (app, process) = &self.first;
        let dies = |moment| if hangs_up { Moment::Stalls(IN_FLIGHT_MS) } else { moment };
        match point {
            Point::P0 => process.meet(LEDGER, dies(Moment::DiesUnsent)),
            Point::P1 => process.meet(LEDGER, dies(Moment::DiesInFlight(IN_FLIGHT_MS))),
            Point::P2 => process.meet(LEDGER, dies(Moment::DiesUnanswered)),
            Point::P3 | Point::P4 => {
                // The price changes while the hold is on its way.
                process.meet(LEDGER, Moment::Stalls(IN_FLIGHT_MS));
                let moment = if point == Point::P3 { Moment::DiesUnsent } else { Moment::DiesUnanswered };
                process.meet(ORDERS, dies(moment));
            }
            Point::P5 => process.meet(ORDERS, dies(Moment::DiesInFlight(IN_FLIGHT_MS))),
            Point::P6 => process.meet(ORDERS, dies(Moment::DiesUnanswered)),
            Point::P7 | Point::P8 | Point::P9 => {}
            Point::A0 => process.meet(ORDERS, Moment::DiesUnsent),
            Point::A1 => process.meet(ORDERS, Moment::DiesUnanswered),
            Point::A2 => process.meet(LEDGER, Moment::DiesUnanswered),
            Point::A3 => {
                process.meet(ORDERS, Moment::Stalls(IN_FLIGHT_MS));
                process.meet(ORDERS, Moment::DiesUnsent);
            }
            Point::A4 => {
                process.meet(ORDERS, Moment::Stalls(1));
                process.meet(ORDERS, Moment::DiesUnanswered);
            }
        }
        let (placing, submit) = (app.clone(), self.submit());
        let client = tokio::spawn(async move {
            if point.is_accepted() {
                placing.accept(submit).await.map(drop)
            } else {
                placing.place(submit).await.map(drop)
            }
        });
        if point.meets_another_price() {
            tokio::time::sleep(Duration::from_millis(500)).await;
            put_sku(app, self.tenant, 2_000).await;
        }
        while !(point.is_answered() || process.has_met_all() && (hangs_up || process.is_dead())) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if hangs_up {
            client.abort();
            return;
        }
        if point.is_answered() {
            client.await.expect("no panic").expect("placed");
            self.end_first(point).await;
        }
    }

    /// What is after the answer: P7 dies at once, P8 before the ledger is told of a cancel, P9 before that is noted.
    async fn end_first(&self, point: Point) {
        let (app, process) = &self.first;
        if point != Point::P7 {
            let order_no = self.order_no().await.expect("it is placed");
            if point == Point::P8 {
                process.meet(LEDGER, Moment::DiesUnsent);
            } else {
                process.meet(FEED, Moment::DiesUnsent);
            }
            app.cancel(self.tenant, &order_no, Actor::Buyer, None).await.expect("it waits");
            while !process.is_dead() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        process.kill();
    }

    async fn come(&self, then: Then, second: &App) {
        match then {
            // Whatever it answers, the end is judged by the rows.
            Then::Retry => drop(second.place(self.submit()).await),
            Then::Abandon => drop(second.abandon(self.tenant, self.key(), Self::buyer()).await),
            Then::Cancel => {
                let order_no = self.order_no().await.expect("cancel needs an order");
                drop(second.cancel(self.tenant, &order_no, Actor::Buyer, None).await);
            }
            Then::Expiry => {
                tokio::time::sleep(Duration::from_millis(PAY_WITHIN_MS.unsigned_abs())).await;
            }
            Then::Reaper | Then::HangUp => {}
        }
        tokio::time::sleep(SETTLED).await;
    }

    /// What there is in the end; what is held belongs to it.
    async fn end(&self) -> End {
        let reader = self.databases.process("judge");
        let (orders, ledger) = (self.databases.orders(&reader), self.databases.ledger(&reader));
        let submit = orders.submits(&[(self.tenant, self.key())]).await.expect("calm").pop().unwrap_or_default();
        let end = match submit.group.map(|group| group.state) {
            None => End::Nothing,
            Some(GroupState::Abandoned) => End::Never,
            Some(GroupState::Refused { .. }) => End::Refused,
            Some(GroupState::Placed { order_nos }) => {
                assert_eq!(order_nos.len(), 1, "one seller, one order");
                let order = orders.orders(self.tenant, &order_nos).await.expect("calm").pop().flatten();
                match order.expect("a placed group has its orders").status {
                    OrderStatus::PendingPayment => End::Waits,
                    OrderStatus::Cancelled | OrderStatus::Expired => End::Ended,
                    other => panic!("an order ended as {other}"),
                }
            }
        };
        let stock = ledger.stock(self.tenant, &[sku()]).await.expect("calm").pop().expect("one SKU");
        let held: i64 = stock.iter().map(|account| account.held).sum();
        let claimed: i64 = stock.iter().map(|account| account.held + account.allocated).sum();
        assert_eq!((held, claimed), if end == End::Waits { (1, 1) } else { (0, 0) }, "{end:?}");
        end
    }
}

async fn cell(point: Point, then: Then) -> End {
    let scene = Scene::open().await;
    scene.bring_to(point, then == Then::HangUp).await;
    if then == Then::HangUp {
        tokio::time::sleep(SETTLED).await;
        return scene.end().await;
    }
    let second = scene.second().await;
    scene.come(then, &second).await;
    scene.end().await
}

/// Makes every cell a test of its own name.
macro_rules! cells {
    ($($point:ident { $($name:ident: $then:ident => $end:ident,)+ })+) => {
        $(
            #[expect(non_snake_case, reason = "the table's own name")]
            mod $point {
                use super::*;

                $(
                    #[tokio::test(start_paused = true)]
                    async fn $name() {
                        assert_eq!(cell(Point::$point, Then::$then).await, End::$end);
                    }
                )+
            }
        )+
    };
}

cells! {
    P0 {
        retry_places_afresh: Retry => Waits,
        reaper_sees_nothing: Reaper => Nothing,
        abandon_leaves_a_tombstone: Abandon => Never,
        hang_up_changes_nothing: HangUp => Waits,
    }
    P1 {
        retry_places_and_the_late_hold_is_its_own: Retry => Waits,
        reaper_fences_the_late_hold_and_gives_it_back: Reaper => Never,
        abandon_leaves_a_tombstone_and_the_late_hold_goes_back: Abandon => Never,
        hang_up_changes_nothing: HangUp => Waits,
    }
    P2 {
        retry_goes_on_with_the_hold: Retry => Waits,
        reaper_fences_and_releases: Reaper => Never,
        abandon_fences_and_releases: Abandon => Never,
        hang_up_changes_nothing: HangUp => Waits,
    }
    P3 {
        retry_is_judged_again_and_refused_behind_a_fence: Retry => Refused,
        reaper_fences_and_releases: Reaper => Never,
        abandon_fences_and_releases: Abandon => Never,
        hang_up_is_refused_behind_a_fence: HangUp => Refused,
    }
    P4 {
        retry_replays_the_refusal: Retry => Refused,
        reaper_releases: Reaper => Refused,
        abandon_answers_the_refusal: Abandon => Refused,
        hang_up_is_refused_behind_a_fence: HangUp => Refused,
    }
    P5 {
        retry_writes_the_orders_or_finds_them: Retry => Waits,
        reaper_finds_the_orders: Reaper => Waits,
        abandon_takes_the_key_first: Abandon => Never,
        hang_up_changes_nothing: HangUp => Waits,
    }
    P6 {
        retry_replays: Retry => Waits,
        reaper_finds_the_group_placed: Reaper => Waits,
        abandon_answers_the_orders: Abandon => Waits,
        cancel_ends_the_order: Cancel => Ended,
        expiry_ends_the_order: Expiry => Ended,
        hang_up_finds_its_answer: HangUp => Waits,
    }
    P7 {
        retry_replays: Retry => Waits,
        reaper_does_nothing: Reaper => Waits,
        abandon_answers_the_orders: Abandon => Waits,
        cancel_ends_the_order: Cancel => Ended,
        expiry_ends_the_order: Expiry => Ended,
    }
    P8 {
        retry_replays_the_ended_order: Retry => Ended,
        reaper_leaves_it_to_the_feed: Reaper => Ended,
        abandon_answers_the_ended_order: Abandon => Ended,
        cancel_is_a_no_op: Cancel => Ended,
        expiry_is_refused_and_the_feed_releases: Expiry => Ended,
    }
    P9 {
        retry_replays_the_ended_order: Retry => Ended,
        reaper_does_nothing: Reaper => Ended,
        abandon_answers_the_ended_order: Abandon => Ended,
        cancel_is_a_no_op: Cancel => Ended,
        expiry_is_refused_and_nothing_is_told_twice: Expiry => Ended,
    }
    A0 {
        retry_is_placed: Retry => Waits,
        nothing_is_taken_up: Reaper => Nothing,
        abandon_leaves_a_tombstone: Abandon => Never,
    }
    A1 {
        retry_is_placed: Retry => Waits,
        it_is_taken_up_and_placed: Reaper => Waits,
        abandon_takes_the_promise_away: Abandon => Never,
    }
    A2 {
        retry_goes_on_with_the_hold: Retry => Waits,
        it_is_taken_up_and_goes_on: Reaper => Waits,
        abandon_fences_and_releases: Abandon => Never,
    }
    A3 {
        retry_writes_the_refusal: Retry => Refused,
        it_is_taken_up_and_refused: Reaper => Refused,
        abandon_leaves_a_tombstone: Abandon => Never,
    }
    A4 {
        retry_replays: Retry => Waits,
        nothing_is_taken_up: Reaper => Waits,
        abandon_answers_the_orders: Abandon => Waits,
    }
}
