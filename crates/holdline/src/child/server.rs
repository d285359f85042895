//! The server under test: `holdline serve` as a child, on a home that outlives it.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Context as _;
use holdline_load::process::{Launch, Log, Readiness, ServerProcess};

use super::Home;
use crate::serve::READY_PREFIX;

/// Most time until a server is ready: a reopened store of a million orders recovers its log first.
const READY_WITHIN: Duration = Duration::from_mins(2);
/// Most time for a clean stop, which drains what was accepted.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// A running server; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    process: ServerProcess,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts `holdline serve` on a home, at a free port of 127.0.0.1.
    pub(crate) fn start(home: &Home) -> anyhow::Result<Self> {
        let mut arguments: Vec<OsString> = vec!["serve".into(), "--listen".into(), "127.0.0.1:0".into()];
        arguments.extend(home.settings());
        Self::launch(arguments, home.environment(), home.log())
    }

    /// Starts `holdline serve` where the demo's key is in force, at a port that the user knows.
    pub(crate) fn start_demo(home: &Home, port: u16) -> anyhow::Result<Self> {
        let listen = format!("127.0.0.1:{port}");
        let mut arguments: Vec<OsString> = vec!["serve".into(), "--demo-key".into(), "--listen".into(), listen.into()];
        arguments.extend(home.settings());
        Self::launch(arguments, home.environment(), home.log())
    }

    /// Starts the ceiling: the same listener without a store.
    pub(crate) fn start_noop() -> anyhow::Result<Self> {
        let arguments = ["serve", "--noop", "--listen", "127.0.0.1:0", "--config", "/dev/null"];
        Self::launch(arguments.into_iter().map(OsString::from).collect(), Vec::new(), Log::Inherit)
    }

    fn launch(arguments: Vec<OsString>, environment: Vec<(OsString, OsString)>, log: Log) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot tell where this program lies")?;
        let process = ServerProcess::start(&Launch {
            program,
            arguments,
            environment,
            readiness: Readiness::Line(READY_PREFIX.to_owned()),
            ready_within: READY_WITHIN,
            log,
        })?;
        let line = process.ready_line().unwrap_or_default();
        let address = address_of(line).with_context(|| format!("the server does not say where it listens: {line}"))?;
        Ok(Self { process, address })
    }

    /// CPU time so far in seconds.
    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        Ok(self.process.cpu_seconds()?)
    }

    /// Resident memory in bytes.
    pub(crate) fn rss_bytes(&self) -> anyhow::Result<u64> {
        Ok(self.process.rss_bytes()?)
    }

    /// How it ended, when it has.
    pub(crate) fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.process.ended()?)
    }

    /// Ends it with SIGKILL: nothing of it runs any more when this returns.
    pub(crate) fn kill(self) -> anyhow::Result<()> {
        self.process.kill()?;
        Ok(())
    }

    /// Asks it to stop, so that it answers what it accepted.
    pub(crate) fn terminate(self) -> anyhow::Result<()> {
        let status = self.process.terminate(STOP_WITHIN)?;
        anyhow::ensure!(status.success(), "the server did not stop cleanly: {status}");
        Ok(())
    }
}

/// The address in a line such as `holdline serving on http://127.0.0.1:7070 (store sqlite, …)`.
fn address_of(line: &str) -> Option<SocketAddr> {
    let text = line.strip_prefix(READY_PREFIX)?.split_whitespace().next()?;
    text.trim_start_matches("http://").trim_end_matches('/').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::address_of;

    #[test]
    fn the_address_is_read_from_the_ready_line() {
        let address = "127.0.0.1:7070".parse().ok();
        assert_eq!(address_of("holdline serving on http://127.0.0.1:7070 (store sqlite)"), address);
        assert_eq!(address_of("started"), None);
    }
}
