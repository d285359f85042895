//! The end of writing: once a flush to disk has failed, nothing that follows can be trusted (see error.rs).

use holdline_domain::fault::{Fault, FaultKind};
use tokio::sync::watch;

/// Whether writing has ended, and why. Set once, never cleared: the process must be started again.
#[derive(Debug)]
pub(crate) struct Failure {
    why: watch::Sender<Option<Fault>>,
}

impl Failure {
    pub(super) fn new() -> Self {
        Self { why: watch::Sender::new(None) }
    }

    pub(super) fn set(&self, fault: Fault) {
        self.why.send_if_modified(|why| {
            let first = why.is_none();
            if first {
                tracing::error!(error = %fault, "writing has ended: a flush to disk failed");
                *why = Some(fault);
            }
            first
        });
    }

    /// A fault if writing has ended.
    pub(super) fn check(&self, database: &'static str) -> Result<(), Fault> {
        match &*self.why.borrow() {
            None => Ok(()),
            Some(why) => {
                let message = format!("writing has ended, restart the program: {why}");
                Err(Fault::not_done(database, FaultKind::Unavailable, message))
            }
        }
    }

    /// Waits until writing has ended.
    pub(crate) async fn wait(&self) -> Fault {
        let mut why = self.why.subscribe();
        let fault = why.wait_for(Option::is_some).await.map(|fault| fault.clone());
        fault.ok().flatten().expect("the sender lives in self, and waited for a fault")
    }
}
