//! Child processes: started, measured, ended, never left behind.

mod server;

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use holdline_load::process::{Launch, Log, Readiness, ServerProcess, own_cpu_seconds};
use server::{Server, response};

fn shell(script: &str) -> Launch {
    Launch {
        arguments: vec!["-c".into(), script.into()],
        environment: vec![("GREETING".into(), "ready at 7".into())],
        log: Log::Discard,
        ..Launch::new("/bin/sh", Readiness::Line("ready".to_owned()))
    }
}

fn is_running(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

#[test]
fn a_server_is_ready_with_its_line_and_gone_with_its_drop() -> Result<()> {
    let server = ServerProcess::start(&shell("echo starting; echo $GREETING; exec sleep 1000"))?;
    assert_eq!(server.ready_line(), Some("ready at 7"));
    assert!(server.rss_bytes()? > 0 && server.cpu_seconds()? >= 0.0 && own_cpu_seconds()? >= 0.0);
    let pid = server.pid();
    assert!(is_running(pid));
    drop(server);
    assert!(!is_running(pid));
    Ok(())
}

#[test]
fn a_server_is_ready_when_its_url_answers_200() -> Result<()> {
    let ready = Server::answering(|request| {
        let found = request.starts_with(b"GET /readyz HTTP/1.1\r\n");
        response(if found { 200 } else { 404 }, "", "")
    });
    let readiness = |path: &str| Readiness::Http { address: ready.address, path: path.to_owned() };
    ServerProcess::start(&Launch { readiness: readiness("/readyz"), ..shell("exec sleep 1000") })?.kill()?;
    let never = Launch {
        readiness: readiness("/elsewhere"),
        ready_within: Duration::from_millis(100),
        ..shell("exec sleep 1000")
    };
    let error = ServerProcess::start(&never).expect_err("it never answers 200").to_string();
    assert_eq!(error, "/bin/sh was not ready within 0.1 s");
    Ok(())
}

#[test]
fn a_server_that_ends_early_shows_its_log() -> Result<()> {
    let log = tempfile::NamedTempFile::new()?;
    let launch = Launch { log: Log::File(log.path().to_owned()), ..shell("echo the port is in use >&2; exit 3") };
    let error = ServerProcess::start(&launch).expect_err("it ends").to_string();
    assert!(error.contains("exit status: 3") && error.ends_with("the port is in use"), "{error}");
    Ok(())
}

#[test]
fn terminate_lets_a_server_end_its_own_way_and_kills_a_stubborn_one() -> Result<()> {
    let polite = ServerProcess::start(&shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done"))?;
    assert_eq!(polite.terminate(Duration::from_secs(30))?.code(), Some(7));
    let stubborn = ServerProcess::start(&shell("trap '' TERM; echo ready; while :; do sleep 0.01; done"))?;
    assert_eq!(stubborn.terminate(Duration::from_millis(50))?.signal(), Some(9));
    let killed = ServerProcess::start(&shell("echo ready; exec sleep 1000"))?;
    assert_eq!(killed.kill()?.signal(), Some(9));
    Ok(())
}

#[test]
fn a_program_that_does_not_exist_is_named() {
    let launch = Launch { program: "/no/such/program".into(), ..shell("") };
    let error = ServerProcess::start(&launch).expect_err("it does not exist").to_string();
    assert!(error.starts_with("cannot start /no/such/program: "), "{error}");
}
