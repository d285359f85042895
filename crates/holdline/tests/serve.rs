//! `serve` through the real binary: how it starts, what keeps it from starting, how it ends.

mod process;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use anyhow::Result;
use process::{Ended, Place, WITHIN};
use rustix::process::Signal;
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// One sentence, status 2, nothing on standard output.
fn assert_refused(ended: &Ended, said: &str) {
    assert_eq!(ended.status, Some(2), "{}", ended.stderr);
    let sentences: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("holdline: ")).collect();
    assert_eq!(sentences.len(), 1, "{}", ended.stderr);
    assert!(sentences[0].contains(said), "{said}\n{}", ended.stderr);
    assert!(!ended.stderr.contains("panicked") && !ended.stderr.contains("backtrace"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

#[test]
fn says_in_one_line_where_it_serves_and_ends_in_order_at_sigterm() -> Result<()> {
    let place = Place::new()?;
    let served = place.serve(&[])?;
    assert!(served.line.starts_with("holdline serving on http://127.0.0.1:"), "{}", served.line);
    assert!(served.line.contains("(store sqlite, durability ") && served.line.contains("synchronous=full"));
    assert_eq!(served.call("", "GET", "/healthz", None)?.0, 200);
    assert_eq!(served.call("", "GET", "/readyz", None)?.0, 200);
    assert_eq!(served.call("", "GET", "/metrics", None)?.0, 200);
    assert_eq!(served.process.terminate(WITHIN)?.code(), Some(0));
    // The directory is free again.
    assert_eq!(place.serve(&[])?.process.terminate(WITHIN)?.code(), Some(0));
    Ok(())
}

/// The disk of the log is often the disk of the data. `/dev/full` refuses every byte as a full one does.
#[test]
fn serves_on_when_its_log_cannot_be_written() -> Result<()> {
    let place = Place::new()?;
    let served = place.serve_logging(&[], &[], Path::new("/dev/full"))?;
    for _ in 0..3 {
        assert_eq!(served.call("", "GET", "/readyz", None)?.0, 200);
    }
    assert_eq!(served.process.terminate(WITHIN)?.code(), Some(0));
    Ok(())
}

/// The figures that an operator looks at first, each with its meaning, after one order.
#[test]
fn metrics_tell_what_happened_and_what_it_means() -> Result<()> {
    let place = Place::new()?;
    let (_, secret) = place.key(&["shop", "admin"])?;
    let served = place.serve(&[])?;
    served.call(&secret, "PUT", "/v1/sellers/tea", Some(&json!({"name": "Tea"})))?;
    let price = json!({"amount": 100, "currency": "CNY"});
    let sku = json!({"seller": "tea", "title": "Pot", "price": price, "on_shelf": true});
    assert_eq!(served.call(&secret, "PUT", "/v1/skus/POT", Some(&sku))?.0, 200);
    let delivery = json!({"delta": 1, "reference": "delivery"});
    assert_eq!(served.call(&secret, "POST", "/v1/stock/POT/adjustments", Some(&delivery))?.0, 200);
    let order = json!({"buyer_id": "b", "lines": [{"sku": "POT", "quantity": 1, "unit_price": price}]});
    assert_eq!(served.call(&secret, "POST", "/v1/orders", Some(&order))?.0, 201);
    let mut figures = String::new();
    process::wait_until(WITHIN, || {
        let mut stream = TcpStream::connect(served.address)?;
        write!(stream, "GET /metrics HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")?;
        figures.clear();
        stream.read_to_string(&mut figures)?;
        Ok(figures.contains("\nholdline_holds_open 1\n"))
    })?;
    for name in [
        "holdline_http_request_seconds",
        "holdline_batch_size",
        "holdline_flush_seconds",
        "holdline_queue_depth",
        "holdline_holds_open",
        "holdline_unsettled",
        "holdline_unsettled_oldest_seconds",
        "holdline_parked_events",
    ] {
        assert!(figures.contains(&format!("# HELP {name} ")), "{name} is not explained in {figures}");
    }
    assert!(figures.contains("operation=\"place_orders\""), "{figures}");
    Ok(())
}

/// A request of which half has arrived when SIGTERM comes was accepted: it is answered.
#[test]
fn answers_what_it_accepted_before_it_ends() -> Result<()> {
    let place = Place::new()?;
    let (_, secret) = place.key(&["shop", "admin"])?;
    let mut served = place.serve(&[])?;
    let mut stream = TcpStream::connect(served.address)?;
    stream.set_read_timeout(Some(WITHIN))?;
    let body = r#"{"name":"Tea"}"#;
    write!(
        stream,
        "PUT /v1/sellers/tea HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {secret}\r\nexpect: 100-continue\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )?;
    // The server asks for the body only after it has begun with the request.
    let mut interim = [0; 25];
    stream.read_exact(&mut interim)?;
    assert!(interim.starts_with(b"HTTP/1.1 100 Continue"));
    served.process.signal(Signal::TERM)?;
    process::wait_until(WITHIN, || Ok(TcpStream::connect(served.address).is_err()))?;
    stream.write_all(body.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(served.ended()?, Some(0));
    let again = place.serve(&[])?;
    assert_eq!(again.call(&secret, "GET", "/v1/sellers/tea", None)?.1["name"], "Tea");
    Ok(())
}

#[test]
fn a_second_signal_ends_it_at_once() -> Result<()> {
    let place = Place::new()?;
    let (_, secret) = place.key(&["admin"])?;
    let mut served = place.serve(&[])?;
    // A request that never ends keeps the server from ending in order.
    let mut stream = TcpStream::connect(served.address)?;
    write!(
        stream,
        "PUT /v1/sellers/tea HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {secret}\r\nexpect: 100-continue\r\n\
         content-type: application/json\r\ncontent-length: 9\r\n\r\n"
    )?;
    stream.read_exact(&mut [0; 25])?;
    served.process.signal(Signal::INT)?;
    process::wait_until(WITHIN, || Ok(TcpStream::connect(served.address).is_err()))?;
    assert!(served.process.ended()?.is_none(), "it waits for the request");
    served.process.signal(Signal::INT)?;
    assert_eq!(served.ended()?, Some(1));
    Ok(())
}

#[test]
fn a_second_owner_of_the_directory_is_refused() -> Result<()> {
    let place = Place::new()?;
    let _first = place.serve(&[])?;
    let second = place.run(&["serve", "--listen", "127.0.0.1:0"])?;
    assert_refused(&second, "another Holdline process owns the data directory");
    Ok(())
}

#[test]
fn a_port_in_use_is_refused_before_the_store_is_touched() -> Result<()> {
    let place = Place::new()?;
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?;
    let refused = place.run(&["serve", "--listen", &address.to_string()])?;
    assert_refused(&refused, &format!("port {} of 127.0.0.1 is in use", address.port()));
    assert!(!place.data().exists());
    Ok(())
}

#[test]
fn a_newer_schema_is_refused() -> Result<()> {
    let place = Place::new()?;
    place.serve(&[])?.process.terminate(WITHIN)?;
    let orders = rusqlite::Connection::open(place.data().join("orders.sqlite"))?;
    orders.execute_batch("UPDATE schema_version SET version = 99, min_writer = 99")?;
    drop(orders);
    assert_refused(&place.run(&["serve", "--listen", "127.0.0.1:0"])?, "run the newer Holdline");
    Ok(())
}

#[test]
fn an_unreachable_database_is_refused_without_its_password() -> Result<()> {
    let place = Place::new()?;
    let closed = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let url = format!("postgres://holdline:hunter2@127.0.0.1:{closed}/orders");
    let arguments = ["serve", "--store", "postgres", "--listen", "127.0.0.1:0"];
    let refused = place.run_with(&arguments, &[("HOLDLINE_STORE__DATABASE_URL", &url)])?;
    assert_refused(&refused, &format!("cannot use the database orders at 127.0.0.1:{closed}: "));
    assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);
    Ok(())
}

#[test]
fn a_directory_that_cannot_be_made_is_refused() -> Result<()> {
    let place = Place::new()?;
    place.write("file", "")?;
    assert_refused(&place.run(&["serve", "--listen", "127.0.0.1:0", "--data", "file/data"])?, "file/data");
    Ok(())
}

/// The documentation prints the demo's key, so a store where it is in force belongs to everyone.
#[test]
fn a_store_that_accepts_the_demo_key_is_refused_until_it_is_revoked() -> Result<()> {
    let place = Place::new()?;
    let (key_id, _) = place.key(&["shop"])?;
    let orders = rusqlite::Connection::open(place.data().join("orders.sqlite"))?;
    let demo = Sha256::digest("hl_demo_everyone_knows_this_key");
    orders.execute("UPDATE api_key SET secret_sha256 = ?1", [demo.as_slice()])?;
    drop(orders);
    let refused = place.run(&["serve", "--listen", "127.0.0.1:0"])?;
    let remedy = format!("holdline key revoke {key_id} --tenant mall");
    assert_refused(&refused, &remedy);
    place.done(&["key", "revoke", &key_id, "--tenant", "mall"])?;
    place.serve(&[])?;
    Ok(())
}
