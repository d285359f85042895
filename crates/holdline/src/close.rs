//! `close-accounts`: a closing by hand, beside the daily one of a running server.
//!
//! It walks pages as the server's job does, with a shorter pause between them, and goes on with a closing that is
//! under way instead of beginning another.

use std::process::ExitCode;
use std::time::Duration;

use crate::cli::ConfigArgs;
use crate::config::Config;
use crate::stores;

/// Movements of one page, and the pause after it: a server beside this waits for one page at most.
const PAGE: usize = 1_000;
const PAUSE: Duration = Duration::from_millis(10);

/// Sum up every account to now, so that the next audit starts from here; a server does so once a day.
#[derive(clap::Args)]
pub(crate) struct CloseArgs {
    #[command(flatten)]
    config: ConfigArgs,
}

pub(crate) async fn run(args: CloseArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.config, Vec::new())?;
    stores::must_exist(&config.store)?;
    let ledger = stores::open_ledger(&config.store).await?;
    let mut closings = ledger.closings().await.map_err(stores::sentence)?;
    let under_way = closings.newest.is_some_and(|closing| !closing.is_complete());
    if !under_way && closings.is_behind() {
        ledger.begin_closing(closings.newest.as_ref()).await.map_err(stores::sentence)?;
    }
    loop {
        closings = ledger.closings().await.map_err(stores::sentence)?;
        let Some(closing) = closings.newest else {
            crate::print("nothing has moved yet: there is nothing to close\n")?;
            return Ok(ExitCode::SUCCESS);
        };
        if closing.is_complete() {
            let (no, seq, accounts) = (closing.no, closing.seq, closing.accounts);
            crate::print(&format!(
                "closing {no} has the sums up to movement {seq}; {accounts} accounts had changed\n"
            ))?;
            return Ok(ExitCode::SUCCESS);
        }
        ledger.walk_closing(&closing, PAGE).await.map_err(stores::sentence)?;
        tokio::time::sleep(PAUSE).await;
    }
}
