//! End to end: the real program through its public HTTP API, the same stories on SQLite and on PostgreSQL.
//!
//! A story talks to a first and a second process. On PostgreSQL these are two processes on one database; an embedded
//! store has one owner, so on SQLite both are the same. After each story the servers stop in order and the audit judges
//! what they leave.

#[path = "process/center.rs"]
mod center;
mod postgres_server;
mod process;

#[path = "e2e/client.rs"]
mod client;
#[path = "e2e/database.rs"]
mod database;
#[path = "e2e/events.rs"]
mod events;
#[path = "e2e/expiry.rs"]
mod expiry;
#[path = "e2e/holds.rs"]
mod holds;
#[path = "e2e/installation.rs"]
mod installation;
#[path = "e2e/keys.rs"]
mod keys;
#[path = "e2e/later.rs"]
mod later;
#[path = "e2e/life.rs"]
mod life;
#[path = "e2e/limits.rs"]
mod limits;
#[path = "e2e/merchant.rs"]
mod merchant;
#[path = "e2e/paid.rs"]
mod paid;
#[path = "e2e/periods.rs"]
mod periods;
#[path = "e2e/prices.rs"]
mod prices;
#[path = "e2e/receiver.rs"]
mod receiver;
#[path = "e2e/refusals.rs"]
mod refusals;
#[path = "e2e/shop.rs"]
mod shop;
#[path = "e2e/stock.rs"]
mod stock;
#[path = "e2e/taker.rs"]
mod taker;
#[path = "e2e/webhooks.rs"]
mod webhooks;

/// Makes every story a test on each engine.
macro_rules! stories {
    ($($file:ident :: $story:ident,)*) => {
        mod sqlite {
            $(
                #[test]
                fn $story() -> anyhow::Result<()> {
                    super::installation::Installation::on_sqlite()?.tell(super::$file::$story)
                }
            )*
        }

        mod postgres {
            $(
                #[test]
                fn $story() -> anyhow::Result<()> {
                    super::installation::Installation::on_postgres()?.tell(super::$file::$story)
                }
            )*
        }
    };
}

stories! {
    life::an_order_lives_from_its_submit_to_its_end,
    refusals::a_refusal_names_every_difference_and_spends_nothing,
    keys::a_key_with_another_content_is_refused,
    keys::one_key_sent_by_many_at_once_is_one_order_group,
    keys::a_revoked_key_is_refused_and_its_successor_finds_the_orders,
    keys::an_abandoned_submit_never_becomes_an_order,
    stock::the_last_units_are_sold_once,
    stock::stock_given_back_here_is_sold_there,
    stock::a_tenant_that_commits_at_creation_allocates_at_once,
    prices::a_changed_price_holds_on_every_process,
    prices::a_caller_that_sets_prices_is_held_to_its_sums,
    expiry::an_unpaid_order_expires_everywhere_and_gives_its_stock_back,
    expiry::an_order_that_cannot_be_read_keeps_the_sweep_from_no_other,
    merchant::a_merchant_sees_and_cancels_its_own_orders_only,
    holds::a_hold_is_taken_once_and_ended_once_whoever_asks,
    holds::a_hold_given_up_before_it_arrives_stays_away,
    holds::an_overdue_hold_ends_as_its_taker_says,
    holds::an_address_that_may_not_be_asked_is_refused,
    later::an_accepted_submit_is_seen_to_its_end_on_every_process,
    later::a_mall_submits_and_asks_in_its_own_words,
    periods::a_slow_sale_sells_each_period_and_moves_its_rest_on,
    paid::an_order_is_paid_shipped_returned_in_part_and_completed,
    paid::a_center_that_misbehaves_costs_nobody_money,
    paid::a_center_that_is_down_is_waited_for,
    events::whoever_waits_hears_of_it_and_misses_nothing,
    events::an_order_that_cannot_be_settled_is_parked_and_the_rest_goes_on,
    webhooks::an_event_arrives_signed_and_can_be_had_again,
    webhooks::an_endpoint_that_was_down_gets_its_events_in_order,
    webhooks::an_endpoint_that_is_gone_or_inside_is_left_alone,
    limits::what_does_not_fit_is_refused_by_its_own_code,
}
