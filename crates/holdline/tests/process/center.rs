//! A `holdline sandbox-provider` of a test's own.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use holdline_load::process::{Launch, Log, Readiness, ServerProcess};

use crate::process::{Place, WITHIN};

/// The secret that both sides sign with.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A running sandbox; ended with its owner.
pub(crate) struct Center {
    pub(crate) process: ServerProcess,
    pub(crate) address: SocketAddr,
}

impl Center {
    /// Starts one with its data in `center` below the place.
    pub(crate) fn start(place: &Place, arguments: &[&str]) -> Result<Self> {
        let usual = ["sandbox-provider", "--listen", "127.0.0.1:0", "--data"];
        let words = usual.iter().map(Into::into).chain([place.path().join("center").into()]);
        let process = ServerProcess::start(&Launch {
            program: env!("CARGO_BIN_EXE_holdline").into(),
            arguments: words.chain(arguments.iter().map(Into::into)).collect(),
            environment: Vec::new(),
            readiness: Readiness::Line("holdline sandbox-provider on ".to_owned()),
            ready_within: WITHIN,
            log: Log::File(place.path().join("sandbox.log")),
        })?;
        let line = process.ready_line().context("a ready line")?;
        let address = line.rsplit_once("http://").context("a URL")?.1.parse()?;
        Ok(Self { process, address })
    }
}
