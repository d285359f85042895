//! The outside's view of a run under way: live counts, and the way to stop it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shared by clones. Give one to [`super::Plan::control`] and keep a clone.
#[derive(Clone, Debug, Default)]
pub struct Control {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    stop: AtomicBool,
    completed: AtomicU64,
    accepted: AtomicU64,
}

impl Control {
    /// No further request starts; those under way are answered. An open loop notices at its next arrival.
    pub fn stop(&self) {
        self.state.stop.store(true, Ordering::Relaxed);
    }

    /// Whether the run was told to stop.
    pub fn is_stopped(&self) -> bool {
        self.state.stop.load(Ordering::Relaxed)
    }

    /// Answers so far, the warm-up's included.
    pub fn completed(&self) -> u64 {
        self.state.completed.load(Ordering::Relaxed)
    }

    /// Accepted answers so far, the warm-up's included.
    pub fn accepted(&self) -> u64 {
        self.state.accepted.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self, accepted: bool) {
        self.state.completed.fetch_add(1, Ordering::Relaxed);
        if accepted {
            self.state.accepted.fetch_add(1, Ordering::Relaxed);
        }
    }
}
