//! `holdline demo` over the real binary: the acts, the last line, then the page, its key and its end by Ctrl-C.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Where the demo serves by default.
const USUAL: &str = "127.0.0.1:7070";

/// The answer to a request, head and body.
fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the demo listens");
    stream.write_all(request.as_bytes()).expect("the demo reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the demo answers");
    answer
}

/// The order that README.md shows, word for word.
fn readme_command() -> String {
    let readme = include_str!("../../../README.md");
    let after =
        readme.split("<!-- a test sends this very command to the demo -->").nth(1).expect("the mark in README.md");
    let block = after.split("```").nth(1).expect("a block of code after the mark");
    block.strip_prefix("sh\n").expect("a block of shell").to_owned()
}

/// Runs the command in a shell, at the demo's address instead of its usual one; the answer.
fn sent(command: &str, address: SocketAddr) -> Value {
    assert!(command.contains(USUAL), "{command}");
    let output = Command::new("sh").args(["-c", &command.replace(USUAL, &address.to_string())]).output();
    let output = output.expect("a shell; the command in it needs curl (Debian and Ubuntu: `apt-get install curl`)");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "is curl installed (Debian and Ubuntu: `apt-get install curl`)? {said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn the_demo_serves_where_readme_says_unless_told_otherwise() {
    let output = Command::new(env!("CARGO_BIN_EXE_holdline")).args(["demo", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let port = USUAL.split(':').nth(1).unwrap();
    assert!(help.contains(&format!("[default: {port}]")), "{help}");
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
    let command = readme_command();
    assert!(command.contains(&key), "README.md names the demo's key");

    let page = exchange(address, "GET / HTTP/1.1\r\nhost: demo\r\nconnection: close\r\n\r\n");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("Holdline demo"), "{page}");

    let first = sent(&command, address);
    assert_eq!(first["orders"][0]["lines"][0]["sku"], "MUG-1", "{first}");
    assert_eq!(sent(&command, address)["order_group"], first["order_group"], "sent twice it is one order");
    let printed: Vec<String> =
        lines.by_ref().map(|line| line.trim().to_owned()).take_while(|line| !line.starts_with("-d")).collect();
    assert!(printed.iter().any(|line| line.starts_with("curl")), "the demo prints the command too: {printed:?}");

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
