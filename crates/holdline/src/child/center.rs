//! A payment center of our own: `holdline sandbox-provider` as a child beside a [`Home`], killed and started again like the
//! server. Buyers pay at it by its control calls.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use holdline_load::process::{Launch, Log, Readiness, ServerProcess};
use serde_json::{Value, json};

use super::{Client, Home};
use crate::sandbox_provider::READY_PREFIX;

/// The name of the account at it, as attempts name their provider.
pub(crate) const PROVIDER: &str = "center";
/// What both sides sign with: it listens on loopback and moves no money.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Most time until it is ready.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// Most time for a clean stop.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// A running payment center; killed when dropped.
#[derive(Debug)]
pub(crate) struct Center {
    process: ServerProcess,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    data: PathBuf,
}

/// What its books say, in minor units of the one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CenterBooks {
    /// Captured, refunded or not.
    pub(crate) captured: i64,
    /// Refunds that succeeded.
    pub(crate) refunded: i64,
}

impl Center {
    /// The secret of its control calls.
    pub(crate) const CONTROL_SECRET: &str = "control";

    /// Starts one with its books in a home, at a free port of 127.0.0.1. `mischief` is what `sandbox-provider --help` says.
    pub(crate) fn start(home: &Home, mischief: &Value) -> anyhow::Result<Self> {
        Self::launch(home.data().join("center"), (Ipv4Addr::LOCALHOST, 0).into(), Some(mischief))
    }

    /// Kills it with SIGKILL and starts it again on its books, at the same address and with the same mischief.
    pub(crate) fn killed_and_restarted(self) -> anyhow::Result<Self> {
        self.process.kill()?;
        Self::launch(self.data, self.address, None)
    }

    fn launch(data: PathBuf, listen: SocketAddr, mischief: Option<&Value>) -> anyhow::Result<Self> {
        let log = data.with_extension("log");
        let (secret, token) = (SECRET, Self::CONTROL_SECRET);
        let words = ["sandbox-provider", "--secret", secret, "--control-token", token, "--log", "warn", "--listen"];
        let mut arguments: Vec<OsString> = words.into_iter().map(Into::into).collect();
        arguments.extend([listen.to_string().into(), "--data".into(), data.clone().into()]);
        arguments.extend(mischief.into_iter().flat_map(|mischief| ["--mischief".into(), mischief.to_string().into()]));
        let process = ServerProcess::start(&Launch {
            program: std::env::current_exe().context("cannot tell where this program lies")?,
            arguments,
            environment: Vec::new(),
            readiness: Readiness::Line(READY_PREFIX.to_owned()),
            ready_within: READY_WITHIN,
            log: Log::File(log),
        })?;
        let line = process.ready_line().unwrap_or_default();
        let address = line.rsplit_once("http://").and_then(|(_, address)| address.trim_end_matches('/').parse().ok());
        let address = address.with_context(|| format!("the payment center does not say where it listens: {line}"))?;
        Ok(Self { process, address, data })
    }

    /// Opens the account at it, as [`PROVIDER`]. `admin` has the scope admin.
    pub(crate) fn register(&self, admin: &mut Client) -> anyhow::Result<()> {
        let settings = json!({ "url": format!("http://{}/", self.address), "secret": SECRET });
        let account = json!({ "kind": "http", "settings": settings });
        let answer = admin.put(&format!("/v1/payment-providers/{PROVIDER}"), &account)?;
        answer.success().context("the account at the payment center was not written").map(drop)
    }

    /// Who makes its control calls.
    pub(crate) fn control(&self) -> anyhow::Result<Client> {
        Client::new(self.address, Self::CONTROL_SECRET)
    }

    /// What its books say. Holdline's are in one currency here, and so are these.
    pub(crate) fn books(&self) -> anyhow::Result<CenterBooks> {
        let summary = self.control()?.get("/control/summary")?.success().context("the center's books")?;
        let sum = |name: &str| {
            let by_currency = summary[name].as_object().with_context(|| format!("no {name} in {summary}"))?;
            ensure!(by_currency.len() <= 1, "{name} in several currencies: {summary}");
            anyhow::Ok(by_currency.values().filter_map(Value::as_i64).sum())
        };
        Ok(CenterBooks { captured: sum("captured")?, refunded: sum("refunded")? })
    }

    /// Asks it to stop.
    pub(crate) fn terminate(self) -> anyhow::Result<()> {
        let status = self.process.terminate(STOP_WITHIN)?;
        ensure!(status.success(), "the payment center did not stop cleanly: {status}");
        Ok(())
    }
}
