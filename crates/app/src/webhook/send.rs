//! The loop that sends: every endpoint takes its turns apart from the others.
//!
//! A turn ([`super::turn`]) is short: it begins sending for a few seconds, and waits for answers at most as long as one may
//! take. An endpoint that is slow or dead therefore holds up nobody but itself. Which process takes an endpoint's turn is
//! settled by a lease in its row.

use std::collections::{HashMap, HashSet};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use holdline_domain::fault::Fault;
use holdline_domain::webhook::{Endpoint, EndpointKey};
use tokio::time::{Duration, Instant};

use super::turn::{self, Health, Turn};
use crate::App;

/// Endpoints that are taking their turn at once in this process. More dead ones than this would make the others wait.
const TURNS_MAX: usize = 64;
/// How often the endpoints are read and looked at.
const LOOK_MS: u64 = 1_000;
/// How soon they are looked at after a batch of orders: the events of a sale are sent in pages, not one by one.
const RING_PAUSE_MS: u64 = 100;

/// What this process knows of the endpoints.
#[derive(Default)]
struct Known {
    /// Those to send to, as they were read last.
    endpoints: Vec<Endpoint>,
    read_at: Option<Instant>,
    health: HashMap<EndpointKey, Health>,
    /// Those whose turn is under way.
    busy: HashSet<EndpointKey>,
}

/// Sends until the loops stop. A turn that is cut off by the end of the process is taken again by the next one: what was
/// sent is sent once more.
pub(crate) async fn send_webhooks(app: App) {
    if !app.inner.ports.sender.sends() {
        return;
    }
    let owner = app.inner.ports.sender.new_owner();
    let mut known = Known::default();
    let mut turns = FuturesUnordered::new();
    let mut look = Box::pin(app.inner.tasks.pause(0));
    let mut is_rung = false;
    loop {
        let mut rung = std::pin::pin!(app.inner.bell.rung());
        rung.as_mut().enable();
        tokio::select! {
            biased;
            alive = &mut look => {
                if !alive {
                    drop(turns);
                    return known.release(&app, &owner).await;
                }
                known.read(&app).await;
                is_rung = false;
                look = Box::pin(app.inner.tasks.pause(LOOK_MS));
            }
            Some((key, turn)) = turns.next() => {
                // What has more to send goes on by itself.
                if !known.ended(&key, turn) {
                    continue;
                }
            }
            () = rung, if !is_rung && !known.endpoints.is_empty() => {
                is_rung = true;
                look = Box::pin(app.inner.tasks.pause(RING_PAUSE_MS));
                continue;
            }
        }
        for (endpoint, health) in known.begin(TURNS_MAX.saturating_sub(turns.len())) {
            let (app, owner) = (app.clone(), owner.clone());
            turns.push(async move {
                let turn = turn::take(&app, &owner, &endpoint, health).await;
                (endpoint.key, turn)
            });
        }
    }
}

impl Known {
    /// Reads the endpoints, unless they were read a moment ago.
    async fn read(&mut self, app: &App) {
        let now = Instant::now();
        if self.read_at.is_some_and(|read_at| now.duration_since(read_at) < Duration::from_millis(LOOK_MS)) {
            return;
        }
        self.read_at = Some(now);
        match app.inner.ports.webhooks.endpoints(None).await {
            Ok(endpoints) => {
                self.endpoints = endpoints.into_iter().filter(|endpoint| endpoint.disabled.is_none()).collect();
                let blocked = self.health.values().filter(|health| health.is_blocked()).count();
                metrics::gauge!("holdline_webhooks_blocked").set(f64::from(u32::try_from(blocked).unwrap_or(u32::MAX)));
            }
            Err(fault) => tracing::warn!(%fault, "the endpoints of webhooks could not be read; trying again"),
        }
    }

    /// Leaves the endpoints to other processes, or to the next one, which need not wait for the leases then.
    async fn release(&self, app: &App, owner: &str) {
        let leased = self.health.iter().filter(|(_, health)| health.is_leased()).map(|(key, _)| key);
        for key in leased.chain(&self.busy) {
            if let Err(fault) = app.inner.ports.webhooks.lease_endpoint(key, owner, 0).await {
                tracing::warn!(%fault, "the lease of a webhook was not given back and ends by itself");
                return;
            }
        }
    }

    /// Endpoints whose turn begins now, at most so many.
    fn begin(&mut self, count: usize) -> Vec<(Endpoint, Health)> {
        let mut turns = Vec::new();
        for endpoint in &self.endpoints {
            if turns.len() < count && self.busy.insert(endpoint.key.clone()) {
                turns.push((endpoint.clone(), self.health.get(&endpoint.key).copied().unwrap_or_default()));
            }
        }
        // Whoever did not get a place is first next time.
        let begun = turns.len();
        if begun > 0 && begun < self.endpoints.len() {
            self.endpoints.rotate_left(begun);
        }
        turns
    }

    /// Notes the end of a turn. True: there is more to send.
    fn ended(&mut self, key: &EndpointKey, turn: Result<Turn, Fault>) -> bool {
        self.busy.remove(key);
        match turn {
            Ok(turn) => {
                if turn.is_gone {
                    self.endpoints.retain(|endpoint| endpoint.key != *key);
                }
                self.health.insert(key.clone(), turn.health);
                turn.has_more
            }
            Err(fault) => {
                tracing::warn!(%fault, tenant = key.tenant.0, webhook = %key.name, "a webhook's turn failed; trying again");
                false
            }
        }
    }
}
