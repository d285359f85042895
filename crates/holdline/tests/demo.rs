//! `holdline demo` over the real binary: the acts, the last line, then the page, its key and its end by Ctrl-C.

use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// Where the demo serves by default.
const USUAL: &str = "127.0.0.1:7070";

/// Most time until a callback has come, or a refund.
const WITHIN: Duration = Duration::from_secs(30);

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

/// The commands of the walk through an order's life, without comments: every line that is not empty, in order.
fn walk(readme: &'static str) -> Vec<&'static str> {
    let after =
        readme.split("<!-- a test sends these very commands to the demo -->").nth(1).expect("the mark in a README");
    let block = after.split("```").nth(1).expect("a block of code after the mark");
    block.lines().skip(1).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// A shell that stays: variables of one command are there for the next.
struct Shell {
    child: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Shell {
    fn start() -> Self {
        let mut child = Command::new("sh").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
        let commands = child.stdin.take().expect("piped");
        let answers = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, commands, answers }
    }

    /// What a command says.
    fn said(&mut self, command: &str) -> String {
        writeln!(self.commands, "{command}\necho; echo said").expect("the shell reads");
        let lines = self.answers.by_ref().map(|line| line.expect("text"));
        lines.take_while(|line| line != "said").collect::<Vec<_>>().join("\n").trim().to_owned()
    }

    fn answer(&mut self, command: &str) -> Value {
        let said = self.said(command);
        serde_json::from_str(&said).unwrap_or_else(|_| panic!("{command} said {said:?}"))
    }

    fn end(self) {
        let Self { mut child, commands, .. } = self;
        drop(commands);
        assert!(child.wait().expect("it ends").success());
    }
}

/// Sends the walk of README.md, one command after the other; each answer is what the README says of it.
fn an_order_lives_as_the_readme_tells(address: SocketAddr) {
    let commands: Vec<String> =
        walk(include_str!("../../../README.md")).iter().map(|line| line.replace(USUAL, &address.to_string())).collect();
    assert_eq!(commands.len(), 14, "each command has its line below: {commands:#?}");
    let mut shell = Shell::start();
    // Address, function and the number of the order.
    for command in &commands[..3] {
        assert_eq!(shell.said(command), "", "{command}");
    }
    let placed = shell.answer(&commands[3]);
    assert_eq!((&placed["status"], &placed["amounts"]["total"]["amount"]), (&json!("pending_payment"), &json!(5_998)));
    assert_eq!(shell.said(&commands[4]), "", "{}", commands[4]);
    assert_eq!(shell.said(&commands[5]), "303", "the pay page shows what came of it");
    // The callback is on its way.
    let begun = Instant::now();
    let confirmed = loop {
        let order = shell.answer(&commands[6]);
        if order["status"] == "confirmed" || begun.elapsed() > WITHIN {
            break order;
        }
    };
    assert_eq!((&confirmed["status"], &confirmed["paid"]["captured"]["amount"]), (&json!("confirmed"), &json!(5_998)));
    assert_eq!(shell.answer(&commands[7])["carrier"], "SF", "shipped");
    assert_eq!(shell.answer(&commands[8])["state"], "delivered");
    for (command, state) in commands[9..12].iter().zip(["requested", "approved", "received"]) {
        assert_eq!(shell.answer(command)["state"], state, "{command}");
    }
    assert_eq!(shell.answer(&commands[12])["status"], "completed");
    let begun = Instant::now();
    let refund = loop {
        let refund = shell.answer(&commands[13])["payments"][0]["refunds"][0].clone();
        if refund["state"] == "succeeded" || begun.elapsed() > WITHIN {
            break refund;
        }
    };
    assert_eq!((&refund["state"], &refund["amount"]["amount"]), (&json!("succeeded"), &json!(2_999)));
    shell.end();
}

#[test]
fn the_chinese_readme_has_the_same_commands() {
    assert_eq!(walk(include_str!("../../../README.zh-CN.md")), walk(include_str!("../../../README.md")));
}

/// The table before the last line: its columns of orders, units and money add up, and agree with the last line.
fn each_yuan_and_each_unit_has_its_place(said: &[String]) {
    let verdict = said.last().expect("a verdict");
    assert!(verdict.starts_with("DEMO ok sold=1000 refused=19000 repeated="), "{verdict}");
    assert!(verdict.contains(" lost=0 oversold=0 audit=clean orders_per_second="), "{verdict}");
    let row = |words: &str| -> Vec<i64> {
        let line = said.iter().find_map(|line| line.strip_prefix(words).filter(|rest| rest.starts_with("  ")));
        let line = line.unwrap_or_else(|| panic!("no row {words:?} in {said:#?}"));
        line.split_whitespace().map(|figure| figure.replace('.', "").parse().expect("a figure")).collect()
    };
    let all = row("all, by the server");
    let kinds = ["paid", "paid twice", "paid too late", "paid, then cancelled", "never paid"].map(row);
    for (column, sum) in all.iter().enumerate() {
        assert_eq!(kinds.iter().map(|kind| kind[column]).sum::<i64>(), *sum, "column {column} of {said:#?}");
    }
    assert!(kinds.iter().all(|kind| kind[0] > 0), "every kind has buyers: {said:#?}");
    assert_eq!((all[0], all[1] + all[2], all[3] - all[4]), (1_000, 1_000, all[5]));
    let (twice, late) = (&kinds[1], &kinds[2]);
    assert_eq!((twice[3], twice[4], twice[5]), (twice[0] * 2 * 19_900, twice[0] * 19_900, twice[0] * 19_900));
    assert_eq!((late[1], late[3], late[5]), (0, late[4], 0));
    assert_eq!((&row("by the buyers")[..], &row("by the center's books")[..]), (&all[3..], &all[3..]));
    let yuan = |minor: i64| format!("{}.{:02}", minor / 100, minor % 100);
    let money = format!(" captured={} refunded={} kept={}", yuan(all[3]), yuan(all[4]), yuan(all[5]));
    assert!(verdict.ends_with(&money), "{verdict}");
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
    let mut said: Vec<String> = Vec::new();
    while said.last().is_none_or(|line| !line.starts_with("DEMO ")) {
        said.push(lines.next().expect("a verdict"));
    }
    each_yuan_and_each_unit_has_its_place(&said);
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
    an_order_lives_as_the_readme_tells(address);
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
