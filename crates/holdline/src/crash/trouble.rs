//! What may happen in a round, and how it is done to a private PostgreSQL.

use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use holdline_load::private_postgres::PrivatePostgres;

use super::proxy::Network;

/// Ends every connection of Holdline to its databases, as a proxy or a firewall that forgets does.
const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holdline'";

/// How long a database is away or stands still, at most: less than the five seconds that a client waits for its answer,
/// and at times longer than its patience with a batch of unknown outcome.
pub(super) const AWAY_MAX: Duration = Duration::from_secs(3);

/// What happens in a round, at a random instant under load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Trouble {
    /// One of the servers is killed with SIGKILL.
    Process,
    /// PostgreSQL stops at once, without a checkpoint, and comes back after a while: it recovers from its log.
    DatabaseKilled,
    /// PostgreSQL is restarted in order; its clients are cut off.
    DatabaseRestarted,
    /// PostgreSQL stops at once and for ever; its synchronous standby is promoted and takes over.
    DatabasePromoted,
    /// Every process of PostgreSQL stands still for a while, connections stay open.
    DatabasePaused,
    /// Every connection to PostgreSQL is cut; new ones are accepted.
    ConnectionsCut,
    /// The network to PostgreSQL cuts every connection and refuses new ones for a while.
    NetworkCut,
    /// The network to PostgreSQL holds back every byte for a while.
    NetworkSilent,
    /// The network to PostgreSQL holds back its answers for a while; what it was told arrives.
    NetworkOneWay,
    /// The power of the disk is cut: what was not flushed is lost, or a part of it.
    PowerCut,
    /// Flushes of the disk wait and pass one by one; with the first yes the power is cut.
    FlushHeld,
    /// One flush of the disk fails, and the power is cut afterwards.
    FlushFailed,
    /// The disk has no room for a while.
    DiskFull,
    /// The payment center is killed with SIGKILL, and started again.
    ProviderKilled,
}

impl Trouble {
    /// Whether it befalls the database, which must then be a private one.
    pub(super) fn is_of_database(self) -> bool {
        let database = matches!(
            self,
            Self::DatabaseKilled | Self::DatabaseRestarted | Self::DatabasePaused | Self::ConnectionsCut
        );
        database || self.network().is_some()
    }

    /// How the network to the database is meanwhile, if that is what befalls.
    pub(super) fn network(self) -> Option<Network> {
        match self {
            Self::NetworkCut => Some(Network::Cut),
            Self::NetworkSilent => Some(Network::Silent),
            Self::NetworkOneWay => Some(Network::OneWay),
            Self::Process
            | Self::DatabaseKilled
            | Self::DatabaseRestarted
            | Self::DatabasePaused
            | Self::DatabasePromoted
            | Self::ConnectionsCut
            | Self::PowerCut
            | Self::FlushHeld
            | Self::FlushFailed
            | Self::DiskFull
            | Self::ProviderKilled => None,
        }
    }

    /// Whether it befalls the disk, for which there must be a switch.
    pub(super) fn is_of_disk(self) -> bool {
        self.cuts_power() || self == Self::DiskFull
    }

    /// Whether it ends with the power cut.
    pub(super) fn cuts_power(self) -> bool {
        matches!(self, Self::PowerCut | Self::FlushHeld | Self::FlushFailed)
    }

    /// Does it; `wait` passes the time that it lasts.
    pub(super) fn befall(self, postgres: &mut PrivatePostgres, wait: impl FnOnce()) -> anyhow::Result<()> {
        match self {
            Self::DatabaseKilled => {
                postgres.kill()?;
                wait();
                postgres.restart()?;
            }
            Self::DatabaseRestarted => postgres.restart()?,
            Self::DatabasePromoted => postgres.fail_over()?,
            Self::DatabasePaused => {
                postgres.pause()?;
                wait();
                postgres.resume()?;
            }
            Self::ConnectionsCut => cut(&postgres.url("postgres"))?,
            _ => bail!("{self:?} is no trouble of the database itself"),
        }
        Ok(())
    }
}

fn cut(url: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
        let driver = tokio::spawn(connection);
        client.batch_execute(CUT).await.context("cannot cut the connections")?;
        driver.abort();
        Ok(())
    })
}
