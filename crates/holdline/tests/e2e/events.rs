//! The feed as programs follow it, and events that a consumer cannot work off.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::client::Client;
use crate::installation::{Installation, MALL};
use crate::process::{WITHIN, wait_until};
use crate::shop::{self, cart, only_order};

/// Whoever waits at one process hears what happens at the other; versions have no gaps.
pub(crate) fn whoever_waits_hears_of_it_and_misses_nothing(at: &Installation) -> Result<()> {
    let key = at.key(MALL)?;
    let (first, second) = (at.first(&key), at.second(&key));
    shop::open(&first, &[("CUP", "cups", 1_000, 10)])?;
    let newest = second.get("/v1/events?after=newest")?.ok(200);
    let mut after = newest["next_cursor"].as_str().context("a cursor")?.to_owned();
    let placed = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| second.get(&format!("/v1/events?after={after}&wait=30s")));
        let group = first.place("one", &cart("ann", &[("CUP", 1, 1_000)]))?;
        let heard = waiting.join().expect("a thread that does not panic")?.ok(200);
        assert_eq!(heard["events"][0]["order_no"], group["orders"][0]["order_no"], "{heard:#}");
        anyhow::Ok(only_order(&group)?.to_owned())
    })?;
    first.cancel(&placed)?.ok(200);
    let mut versions = Vec::new();
    wait_until(WITHIN, || {
        let page = first.get(&format!("/v1/events?after={after}&limit=1&wait=1s"))?.ok(200);
        page["next_cursor"].as_str().context("a cursor")?.clone_into(&mut after);
        for event in page["events"].as_array().context("events")? {
            assert_eq!(event["order_no"], placed);
            versions.push((event["version"].as_i64(), event["type"].clone()));
        }
        Ok(versions.len() == 2)
    })?;
    assert_eq!(versions, [(Some(1), json!("order.placed")), (Some(2), json!("order.cancelled"))]);
    assert_eq!(first.get("/v1/events?after=ZTAvMQ")?.outcome(), (410, "cursor_of_another_epoch"));
    Ok(())
}

/// Takes the holds of submits with a key of `parked-…` out of the ledger's sight from the instant they are taken, or brings
/// them back and hides no more. They are hidden by their number within the submit: the submit itself is known, so that
/// nobody takes them for orphans.
fn holds_are_there(at: &Installation, there: bool) -> Result<()> {
    const BRING_BACK: &str = "UPDATE hold SET n = n - 1000 WHERE n > 1000";
    let sql = match (there, at.on_a_server()) {
        (false, false) => "CREATE TRIGGER hide AFTER INSERT ON hold WHEN NEW.hold_key LIKE 'parked-%'
             BEGIN UPDATE hold SET n = n + 1000 WHERE hold_no = NEW.hold_no; END"
            .to_owned(),
        (false, true) => "CREATE FUNCTION hide() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN NEW.n := NEW.n + 1000; RETURN NEW; END';
             CREATE TRIGGER hide BEFORE INSERT ON hold FOR EACH ROW WHEN (NEW.hold_key LIKE 'parked-%')
             EXECUTE FUNCTION hide()"
            .to_owned(),
        (true, false) => format!("DROP TRIGGER hide; {BRING_BACK}"),
        (true, true) => format!("DROP TRIGGER hide ON hold; DROP FUNCTION hide; {BRING_BACK}"),
    };
    at.execute("ledger", &sql)
}

fn parked(client: &Client) -> Result<Vec<Value>> {
    let page = client.get("/v1/parked-events?limit=100")?.ok(200);
    Ok(page["parked_events"].as_array().context("a list")?.clone())
}

/// An order whose hold the ledger does not know is parked with its later event, and nobody else waits for it; tried again,
/// skipped with a reason, and settled in the end by a consumer that begins anew.
pub(crate) fn an_order_that_cannot_be_settled_is_parked_and_the_rest_goes_on(at: &Installation) -> Result<()> {
    let key = at.key("--tenant mall --client app --scope shop --scope admin --scope read --commit-on order-created")?;
    let (first, second) = (at.first(&key), at.second(&key));
    shop::open(&first, &[("CUP", "cups", 1_000, 10)])?;
    let one = &[("CUP", 1, 1_000)];
    first.place("first", &cart("ann", one))?;
    first.wait_for_sums("CUP", [10, 0, 1, 9])?;
    holds_are_there(at, false)?;
    let cancelled = ["parked-1", "parked-2"].map(|key| {
        let group = first.place(key, &cart("ann", one))?;
        let order = only_order(&group)?.to_owned();
        first.cancel(&order)?.ok(200);
        anyhow::Ok(order)
    });
    let [order, other] = cancelled;
    let (order, other) = (order?, other?);
    second.place("good", &cart("bob", one))?;
    second.wait_for_sums("CUP", [10, 2, 2, 6])?;
    wait_until(WITHIN, || Ok(parked(&second)?.len() == 4)).context("two orders, each with two events")?;
    let listed = parked(&second)?;
    let of = |order: &str| listed.iter().filter(|event| event["order_no"] == order).cloned().collect::<Vec<_>>();
    for order in [&order, &other] {
        let events = of(order);
        assert_eq!((&events[0]["type"], &events[1]["type"]), (&json!("order.placed"), &json!("order.cancelled")));
        let error = events[0]["error"].as_str().context("an error")?;
        assert!(error.contains("disagree") && events[0]["attempts"].as_i64() >= Some(2), "{events:#?}");
        assert_eq!((&events[1]["error"], &events[1]["next_try_at"]), (&json!(""), &Value::Null));
    }
    let seq = |order: &str, place: usize| of(order)[place]["seq"].clone();
    let (command, reason) = (["events", "skip", "--tenant", "mall", "--reason"], "counted by hand");
    let skip = |seq: &Value| {
        let seq = seq.to_string();
        at.command(&[&command[..], &[reason, &seq]].concat())
    };
    // The later event of a skipped one is tried, and fails; it is skipped as well.
    assert!(skip(&seq(&other, 0))?.contains(&other));
    wait_until(WITHIN, || {
        Ok(parked(&first)?.iter().any(|event| event["seq"] == seq(&other, 1) && event["error"] != ""))
    })?;
    let target = format!("/v1/parked-events/ledger/{}", seq(&other, 1));
    first.post(&format!("{target}/skip"), &json!({ "reason": reason }))?.ok(200);
    assert_eq!(second.post(&format!("{target}/retry"), &json!({}))?.outcome(), (404, "not_found"));
    assert!(at.command(&["events", "parked"])?.contains(&order));
    holds_are_there(at, true)?;
    // Whoever asks for the second event gets the first one tried, and it follows at once.
    first.post(&format!("/v1/parked-events/ledger/{}/retry", seq(&order, 1)), &json!({}))?.ok(200);
    wait_until(WITHIN, || Ok(parked(&second)?.is_empty())).context("it is settled now")?;
    second.wait_for_sums("CUP", [10, 1, 2, 7])?;
    // What was skipped is settled by whoever begins anew.
    assert!(at.command(&["events", "rebuild", "ledger"])?.contains("begins anew"));
    second.wait_for_sums("CUP", [10, 0, 2, 8])?;
    assert!(at.command(&["events", "rebuild", "seller_index"])?.contains("begins anew"));
    wait_until(WITHIN, || Ok(shop::order_nos(&first.get("/v1/orders?seller=cups")?.ok(200)).len() == 4))?;
    Ok(())
}
