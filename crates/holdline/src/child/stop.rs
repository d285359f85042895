//! Ctrl-C or SIGTERM while a child works: the load under way ends, what was started is ended, the directory is removed.
//!
//! One listener per command, held for as long as the command runs; it ends with the runtime.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use holdline_load::generator::Control;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

/// Shared by clones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Held for a look or a note, and while waiting for `told`.
    state: Mutex<State>,
    /// Wakes threads.
    told: Condvar,
    /// Wakes tasks.
    told_tasks: Notify,
}

#[derive(Debug, Default)]
struct State {
    asked: bool,
    /// The load under way.
    control: Option<Control>,
}

impl Stop {
    /// Listens for Ctrl-C and SIGTERM from now on.
    pub(crate) fn on_interrupt() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
        let stop = Self::default();
        let asked = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            asked.ask();
        });
        Ok(stop)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().expect("nothing panics while it holds the state")
    }

    fn ask(&self) {
        let mut state = self.state();
        state.asked = true;
        if let Some(control) = &state.control {
            control.stop();
        }
        drop(state);
        self.shared.told.notify_all();
        self.shared.told_tasks.notify_one();
    }

    /// A control for the next load, stopped with the command.
    pub(crate) fn control(&self) -> Control {
        let control = Control::default();
        let mut state = self.state();
        if state.asked {
            control.stop();
        }
        state.control = Some(control.clone());
        control
    }

    /// An error when the command was told to stop: nothing after it may count as a result.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        ensure!(!self.state().asked, "stopped before the end");
        Ok(())
    }

    /// Blocks for a while between two looks at something, less when the command is told to stop.
    pub(crate) fn pause(&self, at_most: Duration) {
        let waited = self.shared.told.wait_timeout_while(self.state(), at_most, |state| !state.asked);
        drop(waited.expect("nothing panics while it holds the state"));
    }

    /// Waits until the command is told to stop; one task may.
    pub(crate) async fn asked(&self) {
        while !self.state().asked {
            self.shared.told_tasks.notified().await;
        }
    }
}
