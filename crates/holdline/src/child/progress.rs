//! Progress on standard error: a bar on a terminal, one line per step elsewhere.

use std::io::IsTerminal as _;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use holdline_load::generator::{Control, Plan, RunResult, Script};
use indicatif::{ProgressBar, ProgressStyle};

/// How often a bar is drawn anew: smooth enough, and nothing beside the load's own cost.
const REDRAW: Duration = Duration::from_millis(200);

/// Says on standard error what is going on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    quiet: bool,
}

impl Progress {
    /// `quiet` says nothing at all.
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// One line.
    pub(crate) fn say(self, line: &str) {
        if !self.quiet {
            eprintln!("{line}");
        }
    }

    /// A bar of `length` steps, hidden where nobody watches.
    pub(crate) fn bar(self, label: &str, length: u64) -> ProgressBar {
        if self.quiet || !std::io::stderr().is_terminal() {
            self.say(label);
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{msg:28} [{bar:32}] {pos}/{len} {elapsed}")
            .expect("the template is a constant that parses");
        ProgressBar::new(length).with_style(style.progress_chars("=> ")).with_message(label.to_owned())
    }
}

/// Runs a load and shows a bar of its time or of its requests.
pub(crate) fn with_bar<S: Script>(
    progress: Progress,
    label: &str,
    plan: &Plan,
    scripts: Vec<S>,
) -> anyhow::Result<RunResult> {
    let tenths = |duration: Duration| u64::try_from(duration.as_millis() / 100).unwrap_or(u64::MAX);
    let length = plan.requests.unwrap_or_else(|| tenths(plan.warm_up + plan.duration));
    let bar = progress.bar(label, length);
    let by_requests = plan.requests.is_some();
    let (done, is_done) = mpsc::channel::<()>();
    let result = std::thread::scope(|scope| {
        let watching = bar.clone();
        // Ends when `done` is dropped, that is with the run.
        scope.spawn(move || watch(&watching, &plan.control, by_requests, &is_done));
        let result = holdline_load::generator::run(plan, scripts);
        drop(done);
        result
    });
    bar.finish();
    Ok(result?)
}

fn watch(bar: &ProgressBar, control: &Control, by_requests: bool, is_done: &mpsc::Receiver<()>) {
    let started = Instant::now();
    while is_done.recv_timeout(REDRAW) == Err(mpsc::RecvTimeoutError::Timeout) {
        let tenths = u64::try_from(started.elapsed().as_millis() / 100).unwrap_or(u64::MAX);
        bar.set_position(if by_requests { control.completed() } else { tenths });
    }
}
