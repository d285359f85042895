//! `sandbox-provider`: a payment center to try things with, as a server of its own.
//!
//! When it is ready it prints where it serves, and what the other side must be told. SIGTERM or Ctrl-C stops it: what it
//! accepted is answered, callbacks that nobody acknowledged wait for the next start. A second signal ends it at once.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use holdline_outbound::{Networks, SigningKey};
use holdline_sandbox::{Mischief, Options, Sandbox};
use tokio::sync::oneshot;

use crate::config::{Log, LogFormat};
use crate::logging;
use crate::serve::signals::Signals;
use crate::serve::{bind, listen};

/// What it prints first, before its URL.
pub(crate) const READY_PREFIX: &str = "holdline sandbox-provider on ";
/// Where callbacks may go without being asked: this machine.
const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];
/// Who has not got his answer by then, does not get it.
const SHUTDOWN_WITHIN: Duration = Duration::from_secs(5);

const SWITCHES: &str = "\
Buyers pay on its page. Programs send the control token as bearer token:
  POST /control/pay, POST /control/decline   {\"payment\": …}
  GET /control/payments, GET /control/summary
  PUT /control/mischief

Mischief is a JSON object, such as {\"seed\": 1, \"lost_answer\": 0.1, \"down_ms\": 500}. What is not named is off.
  Chances from 0 to 1:
    slow_answer lost_answer early_callback instant_capture capture_other lost_callback twice_callback
    late_callback stale_callback wrong_amount wrong_signature refund_fails_first slow_refund pay_after_close
  Milliseconds:
    slow_answer_ms late_callback_ms slow_refund_ms down_ms

docs/guides/payment-center.md says what each of them does.";

/// Run a payment center to try things with: it speaks the protocol of docs/guides/payment-center.md and moves no money.
#[derive(Args)]
#[command(after_help = SWITCHES)]
pub(crate) struct SandboxArgs {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7080")]
    listen: SocketAddr,
    /// Directory of its store; it goes on where it was when it was stopped or killed
    #[arg(long, value_name = "DIR", default_value = "holdline-sandbox")]
    data: PathBuf,
    /// Key that both sides sign with: whsec_ and base64 [default: made at the first start, and printed]
    #[arg(long, value_name = "WHSEC")]
    secret: Option<String>,
    /// Bearer token of /control [default: made at the first start, and printed]
    #[arg(long, value_name = "TOKEN")]
    control_token: Option<String>,
    /// Where buyers reach the pay page [default: http:// and the address that it listens on]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Network that callbacks may go to besides this machine, such as 10.1.0.0/16; may be repeated
    #[arg(long, value_name = "NETWORK")]
    allow_network: Vec<String>,
    /// How to misbehave: a file of JSON, or the JSON itself; see below [default: as at the last start]
    #[arg(long, value_name = "FILE|JSON")]
    mischief: Option<String>,
    /// What is logged on standard error
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log: String,
}

pub(crate) async fn run(args: SandboxArgs) -> anyhow::Result<ExitCode> {
    logging::start(&Log { level: args.log.clone(), format: LogFormat::Text })?;
    let mut signals = Signals::listen()?;
    let listener = listen(bind(args.listen)?, args.listen)?;
    let address = listener.local_addr()?;
    let printed = (args.secret.is_none(), args.control_token.is_none());
    let data = args.data.clone();
    let options = options(args, address)?;
    let base_url = options.base_url.clone();
    let sandbox = Sandbox::open(&data, options).await;
    let sandbox = sandbox.with_context(|| format!("cannot open the sandbox in {}", data.display()))?;
    crate::print(&welcome(&sandbox, &base_url, printed))?;

    let (stop, stopped) = oneshot::channel::<()>();
    let mut served = tokio::spawn(sandbox.serve(listener, async move {
        // Sent or dropped: the end either way.
        let _ = stopped.await;
    }));
    tokio::select! {
        ended = &mut served => {
            ended.context("the server's task failed")?;
            bail!("the sandbox has ended by itself; its log says why");
        }
        signal = signals.next() => tracing::info!(signal, "stopping"),
    }
    drop(stop);
    tokio::select! {
        ended = tokio::time::timeout(SHUTDOWN_WITHIN, served) => {
            if let Ok(ended) = ended {
                ended.context("the server's task failed")?;
                return Ok(ExitCode::SUCCESS);
            }
            tracing::warn!("stopped before everybody had his answer");
        }
        signal = signals.next() => tracing::warn!(signal, "a second signal: ending at once"),
    }
    Ok(ExitCode::FAILURE)
}

fn options(args: SandboxArgs, address: SocketAddr) -> anyhow::Result<Options> {
    if let Some(secret) = &args.secret {
        SigningKey::try_new(secret).map_err(|why| anyhow!("--secret: {why}"))?;
    }
    let networks: Vec<String> = LOOPBACK.iter().map(ToString::to_string).chain(args.allow_network).collect();
    let networks = Networks::only(&networks).map_err(|why| anyhow!("--allow-network: {why}"))?;
    let base_url = args.public_url.unwrap_or_else(|| format!("http://{address}"));
    Ok(Options {
        base_url: base_url.trim_end_matches('/').to_owned(),
        secret: args.secret,
        control_token: args.control_token,
        networks,
        mischief: args.mischief.as_deref().map(mischief).transpose()?,
    })
}

/// Switches as JSON, or as a file of it.
fn mischief(text: &str) -> anyhow::Result<Mischief> {
    let read;
    let json = if text.trim_start().starts_with('{') {
        text
    } else {
        read = std::fs::read_to_string(Path::new(text)).with_context(|| format!("cannot read --mischief {text}"))?;
        &read
    };
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now_ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    Mischief::try_new(json, now_ms).map_err(|why| anyhow!("--mischief {why}"))
}

/// Where it serves, and secrets that were not given: whoever gave one knows it.
fn welcome(sandbox: &Sandbox, base_url: &str, (secret, token): (bool, bool)) -> String {
    let shown = |asked: bool, value: &str| if asked { value.to_owned() } else { "as given".to_owned() };
    format!(
        "{READY_PREFIX}{base_url}\nsecret         {}\ncontrol token  {}\nThe settings of an account of kind http at it:\n  \
         {{\"url\": \"{base_url}/\", \"secret\": \"whsec_…\"}}\nCtrl-C ends it.\n",
        shown(secret, sandbox.secret()),
        shown(token, sandbox.control_token())
    )
}
