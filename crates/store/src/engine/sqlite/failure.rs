//! The end of a data directory's service: once a flush to disk has failed, nothing that follows can be trusted (see error.rs).
//!
//! The databases of a directory share one, because their files share a file system, and with it a journal. What ext4 does when
//! the journal's commit fails (Linux 6.18, seen on the disk of `power-cut` in one of 350 rounds): the flush of one file
//! answers an error; that of another file, begun before and waiting for the same commit, answers *success* 3 ms later, and
//! after the restart the file ends where it ended before. So a COMMIT that succeeded counts only if no flush beside it has failed
//! by then, and what is read after a failure is not told: it may be such a commit.

use holdline_domain::fault::{Fault, FaultKind, Outcome};
use tokio::sync::watch;

/// Whether a flush has failed, and why. Set once, never cleared: the process must be started again.
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

    /// A fault of unknown outcome if a flush has failed before a commit that was answered with success.
    pub(super) fn check_committed(&self, database: &'static str) -> Result<(), Fault> {
        self.check(database).map_err(|fault| Fault { outcome: Outcome::Unknown, ..fault })
    }

    /// A fault if a flush has failed.
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
