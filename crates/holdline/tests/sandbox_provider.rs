//! `sandbox-provider` through the real binary: killed at any instant, it still knows what it answered.

#[path = "process/center.rs"]
mod center;
mod process;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use center::{Center, SECRET};
use holdline_outbound::SigningKey;
use parking_lot::Mutex;
use process::{Place, WITHIN, call, exchange};
use rustix::process::Signal;
use serde_json::{Value, json};

const PAYMENT: &str = "P261125093000123000100000742-1";

/// Buyers at once, and how many payments are acknowledged before the kill.
const BUYERS: usize = 4;
const ACKNOWLEDGED: usize = 100;

/// A signed call; status and answer.
fn ask(address: SocketAddr, body: &Value) -> Result<(u16, Value)> {
    let key = SigningKey::try_new(SECRET).map_err(anyhow::Error::msg)?;
    let timestamp_s = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let body = body.to_string();
    let signature = key.sign("msg_1", timestamp_s, body.as_bytes());
    let timestamp = timestamp_s.to_string();
    let headers =
        [("webhook-id", "msg_1"), ("webhook-timestamp", timestamp.as_str()), ("webhook-signature", &signature)];
    let answer = exchange(address, "POST", "/", &headers, body.as_bytes())?;
    Ok((answer.status, answer.body))
}

fn create(payment: &str) -> Value {
    json!({
        "type": "payment.create", "payment": payment, "amount": 1_200, "currency": "CNY",
        "expires_ms": 4_000_000_000_000_i64, "description": "Tea", "notify_url": "http://127.0.0.1:9/nobody",
    })
}

#[test]
fn what_it_answered_survives_a_kill() -> Result<()> {
    let place = Place::new()?;
    let given = ["--secret", SECRET, "--control-token", "control", "--mischief", r#"{"seed":7}"#];
    let mut running = Center::start(&place, &given)?;
    let (status, created) = ask(running.address, &create(PAYMENT))?;
    assert_eq!((status, &created["state"]), (200, &json!("pending")));
    let (status, paid) = call(running.address, "control", "POST", "/control/pay", Some(&json!({"payment": PAYMENT})))?;
    assert_eq!((status, &paid["state"]), (200, &json!("captured")));
    running.process.signal(Signal::KILL)?;
    process::wait_until(WITHIN, || Ok(running.process.ended()?.is_some()))?;

    // Secret, token and switches are remembered.
    let again = Center::start(&place, &[])?;
    let (status, stands) = ask(again.address, &json!({"type": "payment.query", "payment": PAYMENT}))?;
    assert_eq!((status, &stands["state"], &stands["amount"]), (200, &json!("captured"), &json!(1_200)));
    assert_eq!(ask(again.address, &create(PAYMENT))?.1, stands);
    let (status, summary) = call(again.address, "control", "GET", "/control/summary", None)?;
    assert_eq!(status, 200);
    assert_eq!(summary["captured"], json!({"CNY": 1_200}));
    assert_eq!(summary["switches"]["seed"], 7);
    assert_eq!(summary["callbacks"]["waiting"], 1, "nobody has acknowledged its callback");
    assert_eq!(again.process.terminate(WITHIN)?.code(), Some(0));
    Ok(())
}

#[test]
fn a_kill_under_load_loses_nothing_that_was_acknowledged() -> Result<()> {
    let place = Place::new()?;
    let running = Center::start(&place, &["--secret", SECRET])?;
    let address = running.address;
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let buyers: Vec<_> = (0..BUYERS)
        .map(|buyer| {
            let acknowledged = Arc::clone(&acknowledged);
            std::thread::spawn(move || {
                // Until the sandbox is gone.
                for n in 0.. {
                    let payment = format!("P{buyer}-{n}");
                    let Ok((200, _)) = ask(address, &create(&payment)) else { return };
                    acknowledged.lock().push(payment);
                }
            })
        })
        .collect();
    process::wait_until(WITHIN, || Ok(acknowledged.lock().len() >= ACKNOWLEDGED))?;
    running.process.signal(Signal::KILL)?;
    for buyer in buyers {
        buyer.join().expect("no buyer panics");
    }
    let again = Center::start(&place, &[])?;
    for payment in acknowledged.lock().iter() {
        let (status, stands) = ask(again.address, &json!({"type": "payment.query", "payment": payment}))?;
        assert_eq!((status, &stands["state"]), (200, &json!("pending")), "{payment}");
    }
    Ok(())
}

#[test]
fn two_of_them_never_share_a_directory() -> Result<()> {
    let place = Place::new()?;
    let first = Center::start(&place, &[])?;
    let second = place.run(&["sandbox-provider", "--listen", "127.0.0.1:0", "--data", "center"])?;
    assert_eq!(second.status, Some(2), "{}", second.stderr);
    assert!(second.stderr.contains("another process uses this directory"), "{}", second.stderr);
    assert_eq!(first.process.terminate(WITHIN)?.code(), Some(0));
    Ok(())
}

#[test]
fn what_cannot_be_meant_is_refused_in_a_sentence() -> Result<()> {
    let place = Place::new()?;
    for (arguments, said) in [
        (["--secret", "hunter2"], "--secret"),
        (["--mischief", r#"{"lost_answer":2}"#], "lost_answer must be a chance from 0 to 1"),
        (["--mischief", "nowhere.json"], "cannot read --mischief nowhere.json"),
        (["--allow-network", "everywhere"], "--allow-network"),
    ] {
        let ended = place.run(&[&["sandbox-provider", "--listen", "127.0.0.1:0"], &arguments[..]].concat())?;
        assert_eq!(ended.status, Some(2), "{arguments:?} {}", ended.stderr);
        assert!(ended.stderr.contains(said) && !ended.stderr.contains("hunter2"), "{}", ended.stderr);
    }
    Ok(())
}
