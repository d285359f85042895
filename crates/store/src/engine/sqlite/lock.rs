//! One owner per data directory: a lock on `holdline.lock` that the kernel lets go when the process ends, however.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use holdline_domain::fault::{Fault, FaultKind};
use rustix::fs::{FlockOperation, flock};

use super::failure::Failure;

const FILE_NAME: &str = "holdline.lock";

/// The ownership of a data directory, until it is dropped.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    #[expect(dead_code, reason = "held open for the lock on it")]
    file: File,
    failure: Arc<Failure>,
}

impl DirectoryLock {
    /// Makes the directory if it is missing, and owns it.
    pub(crate) fn take(directory: &Path) -> Result<Self, Fault> {
        let unavailable = |what: &str, error: std::io::Error| {
            let message = format!("{what} the data directory {}: {error}", directory.display());
            Fault::not_done("data directory", FaultKind::Unavailable, message).caused_by(error)
        };
        std::fs::create_dir_all(directory).map_err(|e| unavailable("cannot make", e))?;
        let path = directory.join(FILE_NAME);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(|e| unavailable("cannot write to", e))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { file, failure: Arc::new(Failure::new()) }),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let message = format!("another Holdline process owns the data directory {}", directory.display());
                Err(Fault::not_done("data directory", FaultKind::Unavailable, message))
            }
            Err(error) => Err(unavailable("cannot lock", error.into())),
        }
    }
    /// Tells when a flush of any of the directory's databases has failed: the process must end and be started again.
    pub(crate) fn failure(&self) -> Arc<Failure> {
        Arc::clone(&self.failure)
    }
}
