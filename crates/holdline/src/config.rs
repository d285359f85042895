//! Settings: one documented file of defaults, compiled in, and what changes them.
//!
//! A value comes from the default, then the settings file, the environment, the flags; the later wins. Unknown keys and
//! wrong values are errors that name the key and where it was said. `holdline.default.toml` is the documentation: a key
//! that is not in it does not exist, and [`Config`] refuses one that it has too many.
//!
//! The merge is our own hundred lines, because the errors of the usual crates name neither line nor variable.

mod layers;
mod show;
mod unit;

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use holdline_domain::port::{HoldChecker, NobodyAsks, PaymentProvider, WebhookSender};
use holdline_gateway::ServerLimits;
use holdline_outbound::{Networks, Providers, SignedChecker, SignedWebhooks, SigningKey};
use serde::Deserialize;

use crate::cli::ConfigArgs;
use layers::Layers;
pub(crate) use unit::{Bytes, Millis, UtcOffset};

/// More file descriptors than any kernel gives a process; the semaphore that counts connections has a limit of its own.
const CONNECTIONS_MAX: usize = 1 << 30;

/// Read when no `--config` names another.
const USUAL_FILE: &str = "holdline.toml";

/// Every setting, as `holdline.default.toml` documents it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) server: Server,
    pub(crate) store: Store,
    pub(crate) placing: Placing,
    pub(crate) holds: Holds,
    pub(crate) webhooks: Webhooks,
    pub(crate) payment: Payment,
    pub(crate) batch: Batch,
    pub(crate) jobs: Jobs,
    pub(crate) order_number: OrderNumber,
    pub(crate) log: Log,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    pub(crate) listen: SocketAddr,
    pub(crate) worker_threads: usize,
    pub(crate) connections_max: NonZeroUsize,
    pub(crate) head_within: Millis,
    pub(crate) body_within: Millis,
    pub(crate) answer_read_within: Millis,
    pub(crate) shutdown_within: Millis,
}

impl Server {
    /// The edge's part.
    pub(crate) fn limits(&self) -> ServerLimits {
        ServerLimits {
            connections_max: self.connections_max.get().min(CONNECTIONS_MAX),
            head_within: self.head_within.duration(),
            body_within: self.body_within.duration(),
            answer_read_within: self.answer_read_within.duration(),
            drain_within: self.shutdown_within.duration(),
            ..ServerLimits::default()
        }
    }
}

/// Has a password in it, hence no `Debug`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Store {
    pub(crate) kind: StoreKind,
    pub(crate) data: PathBuf,
    pub(crate) database_url: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StoreKind {
    Sqlite,
    Postgres,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Placing {
    pub(crate) under_way_max: NonZeroUsize,
    pub(crate) answer_within: Millis,
    pub(crate) decide_within: Millis,
    pub(crate) watchers_max: NonZeroUsize,
    pub(crate) orphan_after: Millis,
    pub(crate) sold_out_mark: Millis,
}

/// Has a secret in it, hence no `Debug`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Holds {
    pub(crate) check_secret: String,
    pub(crate) check_networks: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhooks {
    pub(crate) networks: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payment {
    pub(crate) public_url: String,
    pub(crate) networks: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "settings end with what they are: the most of something")]
pub(crate) struct Batch {
    pub(crate) waiting_max: NonZeroUsize,
    pub(crate) requests_max: NonZeroUsize,
    pub(crate) size_max: Bytes,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Jobs {
    pub(crate) tick: Millis,
    pub(crate) expire_per_second_max: NonZeroU32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderNumber {
    pub(crate) utc_offset: UtcOffset,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) level: String,
    pub(crate) format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

impl Config {
    /// What is in force for a command. `flags` are those of the command itself: key, value, flag.
    pub(crate) fn load(args: &ConfigArgs, flags: Vec<(String, String, String)>) -> anyhow::Result<Self> {
        let config = layers(args, flags)?.config()?;
        if config.store.kind == StoreKind::Postgres && config.store.database_url.is_empty() {
            bail!("store.kind is postgres, but store.database_url is not set: set HOLDLINE_STORE__DATABASE_URL");
        }
        Ok(config)
    }

    /// Who asks takers of outside holds.
    pub(crate) fn hold_checker(&self) -> anyhow::Result<Arc<dyn HoldChecker>> {
        let networks = networks(&self.holds.check_networks).map_err(|why| anyhow!("holds.check_networks: {why}"))?;
        if self.holds.check_secret.is_empty() {
            return Ok(Arc::new(NobodyAsks));
        }
        let key = SigningKey::try_new(&self.holds.check_secret).map_err(|why| anyhow!("holds.check_secret: {why}"))?;
        let checker = SignedChecker::try_new(key, networks).map_err(anyhow::Error::msg)?;
        Ok(Arc::new(checker))
    }

    /// Who sends to the endpoints of webhooks.
    pub(crate) fn webhook_sender(&self) -> anyhow::Result<Arc<dyn WebhookSender>> {
        let networks = networks(&self.webhooks.networks).map_err(|why| anyhow!("webhooks.networks: {why}"))?;
        let sender = SignedWebhooks::try_new(networks, holdline_gateway::event_json).map_err(anyhow::Error::msg)?;
        Ok(Arc::new(sender))
    }

    /// Who speaks to payment providers.
    pub(crate) fn providers(&self) -> anyhow::Result<Arc<dyn PaymentProvider>> {
        let networks = networks(&self.payment.networks).map_err(|why| anyhow!("payment.networks: {why}"))?;
        Ok(Arc::new(Providers::try_new(networks).map_err(anyhow::Error::msg)?))
    }

    /// Where payment providers reach this process, which listens at `own_address`.
    pub(crate) fn public_url(&self, own_address: SocketAddr) -> String {
        match self.payment.public_url.trim_end_matches('/') {
            "" => format!("http://{own_address}"),
            url => url.to_owned(),
        }
    }

    /// The app's part, but for the address that only a server has.
    pub(crate) fn app_settings(&self) -> holdline_app::Settings {
        holdline_app::Settings {
            placing_max: self.placing.under_way_max.get(),
            queue_max: self.batch.waiting_max.get(),
            batch_max: self.batch.requests_max.get(),
            batch_bytes_max: self.batch.size_max.as_usize(),
            answer_within_ms: self.placing.answer_within.as_u64(),
            decide_within_ms: self.placing.decide_within.as_u64(),
            watchers_max: self.placing.watchers_max.get(),
            orphan_after_ms: self.placing.orphan_after.as_i64(),
            mark_ms: self.placing.sold_out_mark.as_i64(),
            tick_ms: self.jobs.tick.as_u64(),
            expire_per_second_max: self.jobs.expire_per_second_max,
            number_offset_s: self.order_number.utc_offset.seconds(),
            public_url: String::new(),
        }
    }
}

/// Networks, separated by commas.
fn networks(text: &str) -> Result<Networks, String> {
    let networks = text.split(',').map(str::trim).filter(|network| !network.is_empty());
    Networks::try_new(&networks.map(str::to_owned).collect::<Vec<_>>())
}

fn layers(args: &ConfigArgs, flags: Vec<(String, String, String)>) -> anyhow::Result<Layers> {
    let mut layers = Layers::defaults();
    if let Some((path, text)) = settings_file(args)? {
        layers.add_file(&path, &text)?;
    }
    layers.add_environment(std::env::vars_os())?;
    for (key, value, flag) in args.flags()?.into_iter().chain(flags) {
        layers.add_flag(&key, &value, &flag)?;
    }
    Ok(layers)
}

fn settings_file(args: &ConfigArgs) -> anyhow::Result<Option<(PathBuf, String)>> {
    let path = args.config.as_deref().unwrap_or(Path::new(USUAL_FILE));
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some((path.to_owned(), text))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && args.config.is_none() => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read the settings file {}", path.display())),
    }
}

/// `holdline config`: prints every setting, as a settings file that would say the same.
pub(crate) fn run(args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    crate::print(&show::settings(&layers(args, Vec::new())?))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_app() {
        let config = Layers::defaults().config().unwrap();
        assert_eq!(format!("{:?}", config.app_settings()), format!("{:?}", holdline_app::Settings::default()));
        assert_eq!(config.public_url(config.server.listen), "http://127.0.0.1:7070");
        assert!(config.server.listen.ip().is_loopback());
        let drain_within = config.server.shutdown_within.duration();
        assert_eq!(config.server.limits(), ServerLimits { drain_within, ..ServerLimits::default() });
    }
}
