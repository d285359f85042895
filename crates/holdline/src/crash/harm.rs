//! One round's load, and the trouble in the middle of it.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use holdline_load::generator::{Load, Plan};
use rand::RngExt as _;

use super::client::Runner;
use super::disk::Scene;
use super::proxy::Network;
use super::rounds::Rounds;
use super::trouble::{AWAY_MAX, Trouble};
use crate::child::{Center, Server};

/// The earliest instant of a trouble: the first requests are on their way.
const BEGINS_AFTER: Duration = Duration::from_millis(50);

fn killed_and_restarted(center: &mut Option<Center>) -> anyhow::Result<()> {
    let running = center.take().context("there is no payment center to kill")?;
    *center = Some(running.killed_and_restarted()?);
    Ok(())
}

impl Rounds<'_> {
    /// The trouble happens under load. Whoever is left is loaded as long again; whatever is gone and is not a server of
    /// Holdline is back when this returns.
    pub(super) fn load_and_trouble(&mut self, trouble: Trouble, servers: &mut Vec<Server>) -> anyhow::Result<()> {
        let longest = Duration::from_secs_f64(self.args.seconds_per_round);
        let begins_after = BEGINS_AFTER + longest.mul_f64(self.dice.random::<f64>());
        let away = AWAY_MAX.mul_f64(self.dice.random::<f64>());
        let address = servers[0].address;
        let plan = self.plan(servers, longest);
        let control = plan.control.clone();
        let runners = (0..self.args.connections).map(|_| Runner::new(&self.keys.shop, &self.book)).collect();
        let mut victims = self.victims(trouble, servers);
        let goes_on = if servers.is_empty() { Duration::ZERO } else { begins_after };
        let center = &mut self.center;
        let postgres = self.home.postgres_mut();
        let (switch, proxy, book, keys) = (self.switch.as_ref(), self.proxy.as_ref(), &*self.book, self.keys);
        let stop = self.stop;
        if self.args.disk_lies
            && let Some(switch) = switch
        {
            switch.lie()?;
        }
        let placed_before = book.lock().expect("nothing panics while it holds the book").acknowledged();
        let started = Instant::now();
        let (done, is_done) = mpsc::channel::<()>();
        let (loaded, happened) = std::thread::scope(|scope| {
            let culprit = scope.spawn(move || {
                // Nobody sends: it is the wait that matters, and it ends when `done` is dropped after the load.
                let wait = |time| {
                    let _ = is_done.recv_timeout(time);
                };
                wait(begins_after);
                if trouble == Trouble::FlushHeld {
                    // The witness alone shall wait for flushes; what is under way is answered with it.
                    control.stop();
                }
                if let (Some(network), Some(proxy)) = (trouble.network(), proxy) {
                    proxy.set(network);
                    wait(away);
                    proxy.set(Network::Sound);
                }
                let happened = match (trouble, postgres) {
                    (trouble, _) if trouble.network().is_some() => Ok(()),
                    (Trouble::Process, _) => victims.drain(..).try_for_each(Server::kill),
                    (Trouble::ProviderKilled, _) => killed_and_restarted(center),
                    (trouble, postgres) if trouble.is_of_disk() => {
                        let switch = switch.context("there is no disk to harm");
                        let scene = switch.map(|switch| Scene { switch, victims, postgres, book, address, keys, stop });
                        scene.and_then(|scene| scene.befall(trouble, || wait(away)))
                    }
                    (trouble, Some(postgres)) => trouble.befall(postgres, || wait(away)),
                    (_, None) => Err(anyhow!("there is no private PostgreSQL to harm")),
                };
                wait(goes_on);
                control.stop();
                happened
            });
            let loaded = holdline_load::generator::run(&plan, runners);
            drop(done);
            (loaded, culprit.join())
        });
        happened.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        loaded?;
        self.verdict.load_seconds += started.elapsed().as_secs_f64();
        let placed = self.book.lock().expect("nothing panics while it holds the book").acknowledged();
        self.verdict.placed_under_load += placed - placed_before;
        self.power_on(trouble)
    }

    fn plan(&self, servers: &[Server], longest: Duration) -> Plan {
        let targets: Vec<SocketAddr> = servers.iter().map(|server| server.address).collect();
        let mut plan = Plan::new(targets[0], longest.mul_f64(2.0) + AWAY_MAX + Duration::from_mins(1));
        plan.targets = targets;
        plan.load = Load::Open { requests_per_second: self.args.rate };
        plan.reconnects_max = 0;
        plan.control = self.stop.control();
        plan
    }

    /// The servers that do not survive the trouble.
    fn victims(&mut self, trouble: Trouble, servers: &mut Vec<Server>) -> Vec<Server> {
        match trouble {
            Trouble::Process => vec![servers.swap_remove(self.dice.random_range(0..servers.len()))],
            Trouble::PowerCut | Trouble::FlushHeld => std::mem::take(servers),
            // With PostgreSQL it is PostgreSQL that ends.
            Trouble::FlushFailed if self.home.postgres().is_none() => std::mem::take(servers),
            _ => Vec::new(),
        }
    }

    /// After a trouble that ended in a power cut: the disk comes back, and a PostgreSQL on it.
    fn power_on(&mut self, trouble: Trouble) -> anyhow::Result<()> {
        if !trouble.cuts_power() {
            return Ok(());
        }
        // What only a witness proves must stand on the flushes alone.
        let seed = if trouble == Trouble::FlushHeld || self.args.disk_lies { 0 } else { self.dice.random() };
        if let Some(switch) = &self.switch {
            switch.on(seed)?;
        }
        if let Some(postgres) = self.home.postgres_mut() {
            postgres.restart()?;
        }
        Ok(())
    }
}
