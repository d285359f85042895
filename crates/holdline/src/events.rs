//! `events`: what consumers of the feed could not work off, seen to by whoever may write the store.
//!
//! The commands write the orders database, on SQLite beside the server that owns it, as `key` does. What they ask for is
//! noticed by every server within a second.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use holdline_app::{Consumer, end_parked};
use holdline_domain::feed::{End, ParkedEvent};
use holdline_domain::id::{ConsumerName, TenantId, TenantName};
use holdline_domain::port::FeedStore;
use holdline_domain::tenant::Tenant;

use crate::cli::ConfigArgs;
use crate::config::Config;
use crate::key::{instant, table};
use crate::stores::{self, sentence};

/// Parked events read at once.
const PAGE: usize = 500;
/// The longest reason, in bytes, as over HTTP.
const REASON_BYTES_MAX: usize = 500;

/// List, try and skip parked events, and let a consumer begin anew, also while the server runs.
#[derive(Args)]
pub(crate) struct EventsArgs {
    #[command(subcommand)]
    command: EventsCommand,
}

#[derive(Subcommand)]
enum EventsCommand {
    /// List the events that a consumer could not work off, of every tenant
    Parked {
        /// Of this consumer
        #[arg(long, default_value = "ledger", value_parser = ConsumerName::try_new)]
        consumer: ConsumerName,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Try a parked event at once, or the first of its order if it waits behind it
    Retry(EventArgs),
    /// Give a parked event up: its consumer never works it off. The reason is kept
    Skip {
        #[command(flatten)]
        event: EventArgs,
        /// Why; up to 500 bytes, no personal data
        #[arg(long)]
        reason: String,
    },
    /// Let a consumer begin anew from the start of the feed, while others go on
    ///
    /// Everything that a consumer does may be done twice. The index by seller is cleared first, and incomplete until the feed
    /// was followed again. If the command is interrupted, run it again.
    Rebuild {
        consumer: ConsumerArg,
        #[command(flatten)]
        config: ConfigArgs,
    },
}

#[derive(Args)]
struct EventArgs {
    /// Its place in the feed, as `events parked` shows it
    seq: i64,
    /// The tenant it belongs to
    #[arg(long, value_parser = TenantName::try_new)]
    tenant: TenantName,
    /// The consumer that could not work it off
    #[arg(long, default_value = "ledger", value_parser = ConsumerName::try_new)]
    consumer: ConsumerName,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum ConsumerArg {
    /// Brings the ledger to where the orders are
    #[value(name = "ledger")]
    Ledger,
    /// Keeps the list of orders by seller
    #[value(name = "seller_index")]
    SellerIndex,
}

impl From<ConsumerArg> for Consumer {
    fn from(consumer: ConsumerArg) -> Self {
        match consumer {
            ConsumerArg::Ledger => Self::Ledger,
            ConsumerArg::SellerIndex => Self::SellerIndex,
        }
    }
}

pub(crate) async fn run(args: EventsArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        EventsCommand::Parked { consumer, config } => parked(&consumer, &config).await?,
        EventsCommand::Retry(event) => {
            let tried = end(&event, End::TryNow).await?;
            crate::print(&format!("event {} is tried within a second\n", tried.key.seq))?;
        }
        EventsCommand::Skip { event, reason } => {
            let reason = reason.trim().to_owned();
            ensure!(
                !reason.is_empty() && reason.len() <= REASON_BYTES_MAX,
                "a reason has 1 to {REASON_BYTES_MAX} bytes"
            );
            ensure!(!reason.chars().any(char::is_control), "a reason is one line");
            let skipped = end(&event, End::Skipped { reason, by: "command line".to_owned() }).await?;
            crate::print(&format!("skipped event {} of order {}\n", skipped.key.seq, skipped.key.order_no))?;
        }
        EventsCommand::Rebuild { consumer, config } => {
            let (feed, _) = open(&config).await?;
            let consumer = Consumer::from(consumer);
            let begin = consumer.rebuild(feed.as_ref()).await.map_err(sentence)?;
            crate::print(&format!("{} begins anew, for the {}. time\n", consumer.name(), begin.round))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn parked(consumer: &ConsumerName, config: &ConfigArgs) -> anyhow::Result<()> {
    let (feed, tenants) = open(config).await?;
    let mut rows = vec![["TENANT", "SEQ", "ORDER", "TYPE", "TRIES", "PARKED", "NEXT TRY", "ERROR"].map(str::to_owned)];
    for tenant in &tenants {
        let mut after = None;
        loop {
            let page = feed.parked_events(consumer, tenant.id, after.as_ref(), PAGE).await.map_err(sentence)?;
            after = page.last().map(|event| (event.key.order_no.clone(), event.key.seq));
            let is_last = page.len() < PAGE;
            rows.extend(page.into_iter().map(|event| row(tenant, event)));
            if is_last {
                break;
            }
        }
    }
    crate::print(&table(&rows))
}

fn row(tenant: &Tenant, event: ParkedEvent) -> [String; 8] {
    let next_try = event.next_try.map_or_else(|| "behind another".to_owned(), instant);
    [
        tenant.name.to_string(),
        event.key.seq.to_string(),
        event.key.order_no.to_string(),
        event.kind.to_string(),
        event.attempts.to_string(),
        instant(event.parked),
        next_try,
        event.error,
    ]
}

async fn end(args: &EventArgs, end: End) -> anyhow::Result<ParkedEvent> {
    let (feed, tenants) = open(&args.config).await?;
    let tenant: TenantId = tenants
        .iter()
        .find(|tenant| tenant.name == args.tenant)
        .map(|tenant| tenant.id)
        .with_context(|| format!("there is no tenant {}", args.tenant))?;
    let ended = end_parked(feed.as_ref(), &args.consumer, tenant, args.seq, end).await.map_err(sentence)?;
    match ended {
        Some(event) => Ok(event),
        None => bail!(
            "{} has parked no event {} of {}; `holdline events parked` lists them",
            args.consumer,
            args.seq,
            args.tenant
        ),
    }
}

/// What consumers keep in the store that the settings name, without owning its directory, and its tenants.
async fn open(args: &ConfigArgs) -> anyhow::Result<(Arc<dyn FeedStore>, Vec<Tenant>)> {
    let config = Config::load(args, Vec::new())?;
    stores::must_exist(&config.store)?;
    let tenants = stores::open_tenants(&config.store).await?.tenants().await.map_err(sentence)?;
    Ok((stores::open_feed(&config.store).await?, tenants))
}
