//! `holdline demo` over the real binary: the acts, the last line, then the page, its key and its end by Ctrl-C.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// The answer to a request, head and body.
fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the demo listens");
    stream.write_all(request.as_bytes()).expect("the demo reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the demo answers");
    answer
}

#[test]
fn the_demo_ends_ok_and_then_serves_its_page_and_its_key_until_it_is_stopped() {
    let temporary = tempfile::tempdir().unwrap();
    let mut demo = Command::new(env!("CARGO_BIN_EXE_holdline"))
        .args(["demo", "--port", "0"])
        .env("TMPDIR", temporary.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap);
    let verdict = lines.by_ref().find(|line| line.starts_with("DEMO ")).expect("a verdict");
    assert!(verdict.starts_with("DEMO ok sold=1000 refused=19000 repeated="), "{verdict}");
    assert!(verdict.contains(" lost=0 oversold=0 audit=clean orders_per_second="), "{verdict}");
    let page =
        lines.by_ref().find_map(|line| line.strip_prefix("Page:").map(|url| url.trim().to_owned())).expect("a page");
    let address: SocketAddr = page.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
    let key =
        lines.by_ref().find_map(|line| line.strip_prefix("Key:").map(|key| key.trim().to_owned())).expect("a key");

    let page = exchange(address, "GET / HTTP/1.1\r\nhost: demo\r\nconnection: close\r\n\r\n");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("Holdline demo"), "{page}");
    let body =
        r#"{"buyer_id":"me","lines":[{"sku":"MUG-1","quantity":1,"unit_price":{"amount":2999,"currency":"CNY"}}]}"#;
    let order = format!(
        "POST /v1/orders HTTP/1.1\r\nhost: demo\r\nauthorization: Bearer {key}\r\nidempotency-key: my-first-order\r\n\
         content-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    assert!(exchange(address, &order).starts_with("HTTP/1.1 201"));

    kill_process(Pid::from_child(&demo), Signal::INT).unwrap();
    assert!(demo.wait().unwrap().success());
    let left: Vec<_> = std::fs::read_dir(temporary.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_port_in_use_is_said_before_the_acts() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_holdline")).args(["demo", "--port", &port]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&port) && said.contains("--port"), "{said}");
    assert_eq!(output.status.code(), Some(2));
}
