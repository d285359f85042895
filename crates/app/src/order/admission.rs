//! Admission: how many submits may be under way at once.
//!
//! A submit takes its place before anything is begun and keeps it until its task has ended, so the queues behind it are
//! bounded by it. One tenant may take three quarters of the places: the others always find some.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use holdline_domain::id::TenantId;
use parking_lot::Mutex;

use crate::error::Error;

/// What a full house tells its callers.
const RETRY_AFTER_MS: u64 = 1_000;

pub(crate) struct Admission {
    places: Arc<Places>,
    closed: AtomicBool,
}

struct Places {
    max: usize,
    tenant_max: usize,
    /// Taken places in all and by tenant. Locked for a count up or down only.
    taken: Mutex<(usize, HashMap<TenantId, usize>)>,
}

/// A place; given back when dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    tenant: TenantId,
}

impl Admission {
    pub(crate) fn new(max: usize) -> Self {
        let tenant_max = (max - max / 4).max(1);
        let places = Places { max, tenant_max, taken: Mutex::default() };
        Self { places: Arc::new(places), closed: AtomicBool::new(false) }
    }

    pub(crate) fn enter(&self, tenant: TenantId) -> Result<Place, Error> {
        let busy = Error::Busy { queue: "placing", retry_after_ms: RETRY_AFTER_MS };
        if self.is_closed() {
            return Err(busy);
        }
        let mut taken = self.places.taken.lock();
        let (all, by_tenant) = &mut *taken;
        let of_tenant = by_tenant.entry(tenant).or_default();
        if *all == self.places.max || *of_tenant == self.places.tenant_max {
            return Err(busy);
        }
        *all += 1;
        *of_tenant += 1;
        Ok(Place { places: Arc::clone(&self.places), tenant })
    }

    /// Whether nobody is let in any more: the process is ending.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Lets nobody in any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        taken.0 -= 1;
        if let Some(of_tenant) = taken.1.get_mut(&self.tenant) {
            *of_tenant -= 1;
        }
    }
}
