//! The real binary in a directory of its own: run to its end, or started as a server. Nothing of the caller's
//! environment or settings reaches it.

#![expect(dead_code, reason = "every test file uses its own part of this")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use holdline_load::http::{Connection, write_request};
use holdline_load::process::{Launch, Log, Readiness, ServerProcess};
use serde_json::Value;
use tempfile::TempDir;

/// Generous: the machine may be busy with other tests.
pub(crate) const WITHIN: Duration = Duration::from_mins(2);

/// An empty working directory; `holdline-data` in it is the store.
pub(crate) struct Place {
    directory: TempDir,
}

/// A command that has ended.
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { directory: tempfile::tempdir()? })
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("holdline-data")
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> Result<()> {
        Ok(std::fs::write(self.path().join(name), text)?)
    }

    /// Runs a command to its end in this directory.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Ended> {
        self.run_with(arguments, &[])
    }

    /// The same with environment variables.
    pub(crate) fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Ended> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holdline"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HOLDLINE_")) {
            command.env_remove(name);
        }
        let Output { status, stdout, stderr } = command
            .args(arguments)
            .envs(environment.iter().copied())
            .current_dir(self.path())
            .stdin(Stdio::null())
            .output()?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Ended { status: status.code(), stdout: text(stdout), stderr: text(stderr) })
    }

    /// Runs a command that must succeed; its output.
    pub(crate) fn done(&self, arguments: &[&str]) -> Result<String> {
        let ended = self.run(arguments)?;
        ensure!(ended.status == Some(0), "{arguments:?} ended with {:?}: {}", ended.status, ended.stderr);
        Ok(ended.stdout)
    }

    /// Makes a key; its id and secret.
    pub(crate) fn key(&self, scopes: &[&str]) -> Result<(String, String)> {
        let mut arguments = vec!["key", "create", "--tenant", "mall", "--client", "app"];
        arguments.extend(scopes.iter().flat_map(|scope| ["--scope", scope]));
        let printed = self.done(&arguments)?;
        let of = |name: &str| {
            let line = printed.lines().find_map(|line| line.strip_prefix(name));
            line.map(|value| value.trim().to_owned()).with_context(|| format!("no {name} in {printed}"))
        };
        Ok((of("key id")?, of("secret")?))
    }

    /// Starts a server on a free port.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Result<Served> {
        self.serve_with(arguments, &[])
    }

    /// The same with environment variables.
    pub(crate) fn serve_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Served> {
        start(&self.data(), arguments, environment, &self.path().join("server.log"))
    }

    /// The same from another data directory.
    pub(crate) fn serve_from(&self, data: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Served> {
        start(data, arguments, environment, &self.path().join("server.log"))
    }

    /// The same with another file for the log.
    pub(crate) fn serve_logging(&self, arguments: &[&str], environment: &[(&str, &str)], log: &Path) -> Result<Served> {
        start(&self.data(), arguments, environment, log)
    }
}

/// Starts a server on a free port, with its data and its log in these places.
fn start(data: &Path, arguments: &[&str], environment: &[(&str, &str)], log: &Path) -> Result<Served> {
    let mut words = vec!["serve".into(), "--listen".into(), "127.0.0.1:0".into(), "--data".into(), data.into()];
    words.extend(arguments.iter().map(Into::into));
    let process = ServerProcess::start(&Launch {
        program: env!("CARGO_BIN_EXE_holdline").into(),
        arguments: words,
        environment: environment.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        readiness: Readiness::Line("holdline serving on ".to_owned()),
        ready_within: WITHIN,
        log: Log::File(log.to_owned()),
    })?;
    let line = process.ready_line().context("a ready line")?.to_owned();
    let url = line.split_whitespace().nth(3).context("a URL in the ready line")?.to_owned();
    let address = url.strip_prefix("http://").context("an http URL")?.parse()?;
    Ok(Served { process, line, url, address })
}

/// A running server.
pub(crate) struct Served {
    pub(crate) process: ServerProcess,
    pub(crate) line: String,
    pub(crate) url: String,
    pub(crate) address: SocketAddr,
}

impl Served {
    /// One call on a connection of its own: status and body.
    pub(crate) fn call(&self, secret: &str, method: &str, target: &str, body: Option<&Value>) -> Result<(u16, Value)> {
        call(self.address, secret, method, target, body)
    }

    /// Waits until it has ended by itself; its status.
    pub(crate) fn ended(&mut self) -> Result<Option<i32>> {
        let mut status = None;
        wait_until(WITHIN, || {
            status = self.process.ended()?;
            Ok(status.is_some())
        })?;
        Ok(status.and_then(|status| status.code()))
    }
}

/// One call on a connection of its own: status and body.
pub(crate) fn call(
    address: SocketAddr,
    secret: &str,
    method: &str,
    target: &str,
    body: Option<&Value>,
) -> Result<(u16, Value)> {
    let authorization = format!("Bearer {secret}");
    let key = format!("test-{method}-{target}");
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", key.as_str()),
    ];
    let body = body.map(Value::to_string).unwrap_or_default();
    let answer = exchange(address, method, target, &headers, body.as_bytes())?;
    Ok((answer.status, answer.body))
}

/// The headers that an [`Answer`] keeps.
const HEADERS_KEPT: [&str; 4] = ["content-type", "etag", "idempotent-replayed", "location"];

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Null if it is not JSON.
    pub(crate) body: Value,
    headers: Vec<(&'static str, String)>,
}

impl Answer {
    /// The value of a header of [`HEADERS_KEPT`].
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(kept, _)| *kept == name).map(|(_, value)| value.as_str())
    }
}

/// One request with just these headers and this body, on a connection of its own.
pub(crate) fn exchange(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Answer> {
    let mut request = Vec::new();
    write_request(&mut request, method, target, &[&[("host", "127.0.0.1")], headers].concat(), body);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connection = Connection::connect(address, 1 << 20).await?;
        let response = tokio::time::timeout(WITHIN, connection.exchange(&request)).await??;
        let kept = HEADERS_KEPT.iter().filter_map(|name| Some((*name, response.header(name)?.to_owned())));
        let body = serde_json::from_slice(response.body).unwrap_or_default();
        Ok(Answer { status: response.status, body, headers: kept.collect() })
    })
}

/// Asks again and again until the answer is yes; how long it took. Fails after `within`.
pub(crate) fn wait_until(within: Duration, mut yes: impl FnMut() -> Result<bool>) -> Result<Duration> {
    let started = Instant::now();
    while !yes()? {
        ensure!(started.elapsed() < within, "not within {within:?}");
        // The grain of asking again.
        std::thread::park_timeout(Duration::from_millis(10));
    }
    Ok(started.elapsed())
}
