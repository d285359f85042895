//! The rounds, and the judgement over all of them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::{Context as _, ensure};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;

use super::Args;
use super::again::definite_but;
use super::book::{Book, Submit, Told};
use super::disk::Switch;
use super::goods::{SCARCE_UNITS, SKUS, code, given, is_scarce, shop};
use super::paid;
use super::proxy::Proxy;
use super::trouble::Trouble;
use super::verdict::Verdict;
use crate::child::{
    Answer, Audit, Center, Client, Engine, Home, Keys, Progress, Server, Stop, adjust, audit, audit_at_rest, look_up,
    stock,
};

/// The tenant's name.
const TENANT: &str = "crash";

/// Runs them.
pub(super) fn run(args: &Args, stop: &Stop) -> anyhow::Result<Verdict> {
    let seed = args.seed.unwrap_or_else(|| rand::rng().random());
    let progress = Progress::new(false);
    progress.say(&format!("seed {seed}"));
    let mut home = Home::fresh(&args.store, progress)?;
    if args.trouble.contains(&Trouble::DatabasePromoted) {
        home.add_standby()?;
    }
    let proxy = if args.trouble.iter().any(|trouble| trouble.network().is_some()) {
        let postgres = home.postgres().context("there is no private PostgreSQL to put a network before")?;
        let proxy = Proxy::start(postgres.port())?;
        home.go_through(proxy.port)?;
        Some(proxy)
    } else {
        None
    };
    let keys = Keys::create(&home, TENANT)?;
    let mut servers = (0..args.processes).map(|_| Server::start(&home)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut admin = Client::new(servers[0].address, &keys.admin)?;
    shop().write(&mut admin, "opening")?;
    let center = if args.payments { Some(paid::open(&home, seed, &mut admin)?) } else { None };
    let mut rounds = Rounds {
        args,
        home: &mut home,
        keys: &keys,
        book: Arc::new(Mutex::new(Book::new(StdRng::seed_from_u64(seed), args.payments))),
        dice: StdRng::seed_from_u64(!seed),
        verdict: Verdict { seed, clean: true, processes: args.processes, ..Verdict::default() },
        progress,
        stop,
        switch: args.disk_switch.clone().map(Switch::new),
        proxy,
        center,
    };
    let bar = progress.bar("crash rounds", u64::from(args.rounds));
    for round in 1..=args.rounds {
        rounds.round(round, &mut servers).with_context(|| format!("round {round}, seed {seed}"))?;
        bar.inc(1);
        if !rounds.verdict.failures.is_empty() {
            break;
        }
    }
    bar.finish();
    rounds.settle(servers).with_context(|| format!("after the last round, seed {seed}"))?;
    let verdict = rounds.verdict;
    if verdict.is_ok() || home.engine() == Engine::Postgres {
        home.close()?;
    } else {
        progress.say(&format!("the store is kept for a look: {}", home.keep().display()));
    }
    Ok(verdict)
}

pub(super) struct Rounds<'a> {
    pub(super) args: &'a Args,
    pub(super) home: &'a mut Home,
    pub(super) keys: &'a Keys,
    pub(super) book: Arc<Mutex<Book>>,
    /// Chooses the instants; the book has dice of its own.
    pub(super) dice: StdRng,
    pub(super) verdict: Verdict,
    progress: Progress,
    pub(super) stop: &'a Stop,
    /// Harms the disk, where there is one to harm.
    pub(super) switch: Option<Switch>,
    /// The network between Holdline and its database, where it may fail.
    pub(super) proxy: Option<Proxy>,
    /// Where orders are paid, if they are.
    pub(super) center: Option<Center>,
}

impl Rounds<'_> {
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("nothing panics while it holds the book")
    }

    /// Load, kill, audit, start, ask again, look up.
    fn round(&mut self, round: u32, servers: &mut Vec<Server>) -> anyhow::Result<()> {
        let quiet = Progress::new(true);
        let mut admin = Client::new(self.any(servers), &self.keys.admin)?;
        for sku in (0..SKUS).filter(|sku| is_scarce(*sku)) {
            adjust(&mut admin, code(sku), SCARCE_UNITS, &format!("round-{round}"))?.success()?;
        }
        let submitted = self.book().submits.len();
        let placed = self.book().placed_count();
        let opened = self.book().opened_count();
        let trouble = self.args.trouble[self.dice.random_range(0..self.args.trouble.len())];
        self.load_and_trouble(trouble, servers)?;
        self.stop.check()?;
        let audit = audit(self.home)?;
        self.judge_audit(round, &audit);
        while servers.len() < self.args.processes {
            servers.push(Server::start(self.home)?);
        }
        let mut client = Client::new(self.any(servers), &self.keys.shop)?;
        let unanswered = self.book().unanswered(submitted);
        for submit in unanswered {
            self.ask_status(submit, &mut client)?;
            self.ask_again(submit, &mut client)?;
        }
        let numbers = self.book().numbers_placed(placed);
        ensure!(!numbers.is_empty() || round > 1, "the first round placed no order at all");
        let numbers = numbers.iter().map(String::as_str);
        let lookup = look_up(self.any(servers), &self.keys.shop, numbers, quiet, self.stop)?;
        self.verdict.lost += lookup.lost;
        self.verdict.failures.extend(lookup.named.iter().map(|number| format!("round {round}: {number} is lost")));
        self.look_up_attempts(opened, &mut client)?;
        let wrong = std::mem::take(&mut self.book().wrong);
        self.verdict.failures.extend(wrong);
        self.verdict.rounds = round;
        Ok(())
    }

    /// Where any of the servers listens.
    fn any(&mut self, servers: &[Server]) -> SocketAddr {
        servers[self.dice.random_range(0..servers.len())].address
    }

    /// Every cancel that was acknowledged is there.
    fn look_up_cancels(&mut self, client: &mut Client) -> anyhow::Result<()> {
        let cancelled = self.book().cancelled();
        for (_, _, number) in cancelled {
            let answer = client.get(&format!("/v1/orders/{number}"))?;
            let status = if answer.status == 404 { json!("not there") } else { answer.success()?["status"].clone() };
            if status != "cancelled" {
                self.verdict.lost += 1;
                self.book()
                    .wrong(format!("the cancel of {number} was acknowledged and is lost: the order is {status}"));
            }
        }
        Ok(())
    }

    fn judge_audit(&mut self, round: u32, audit: &Audit) {
        self.verdict.oversold += audit.oversold;
        self.verdict.clean &= audit.clean;
        self.verdict.failures.extend(audit.evidence.iter().map(|line| format!("round {round}, audit: {line}")));
        if !audit.clean && audit.evidence.is_empty() {
            self.verdict.failures.push(format!("round {round}: the audit is not clean"));
        }
    }

    /// After the last round: every cancel gets its answer, everything comes to rest, everything is compared.
    fn settle(&mut self, servers: Vec<Server>) -> anyhow::Result<()> {
        let address = self.any(&servers);
        let mut client = Client::new(address, &self.keys.shop)?;
        self.settle_attempts(&mut client)?;
        let uncancelled = self.book().uncancelled();
        for (submit, order, number) in uncancelled {
            let target = format!("/v1/orders/{number}/cancel");
            let is_paying = |answer: &Answer| answer.status == 409 && answer.code() == "payment_open";
            let answer = definite_but(self.stop, is_paying, || client.post(&target, &json!({})))?;
            self.book().cancel_answered(submit, order, answer.status);
        }
        let numbers = self.book().numbers_placed(0);
        let answers = numbers.iter().map(String::as_str);
        let lookup = look_up(address, &self.keys.shop, answers, self.progress, self.stop)?;
        self.verdict.lost = self.verdict.lost.max(lookup.lost);
        if !lookup.is_complete() {
            self.verdict.failures.push(format!("{} of {} orders found", lookup.stored, lookup.acknowledged));
        }
        self.look_up_cancels(&mut client)?;
        self.progress.say("coming to rest");
        let difference = self.rest(&mut client)?;
        self.verdict.failures.extend(difference);
        self.judge_money()?;
        for server in servers {
            server.terminate()?;
        }
        if let Some(center) = self.center.take() {
            center.terminate()?;
        }
        let audit = audit(self.home)?;
        self.judge_audit(self.verdict.rounds, &audit);
        if audit.left_out_total() > 0 {
            self.verdict.failures.push(format!("at rest the audit left out {:?}", audit.left_out));
        }
        let book = self.book.lock().expect("nothing panics while it holds the book");
        self.verdict.failures.extend(book.wrong.iter().cloned());
        let is_open = |submit: &&Submit| matches!(submit.told, Told::Nothing | Told::Promised(_));
        let unanswered = book.submits.iter().filter(is_open).count();
        if unanswered > 0 {
            self.verdict.failures.push(format!("{unanswered} submits have no definite answer"));
        }
        if audit.orders != book.acknowledged() as u64 {
            let (stored, known) = (audit.orders, book.acknowledged());
            self.verdict.failures.push(format!("the store has {stored} orders, the clients know {known}"));
        }
        self.verdict.acknowledged = book.acknowledged();
        self.verdict.retried = book.retried;
        self.verdict.promised = book.promised;
        Ok(())
    }

    /// Waits until the server has come to rest; then what differs from what the clients know, if anything.
    fn rest(&self, client: &mut Client) -> anyhow::Result<Option<String>> {
        let left_out = audit_at_rest(self.home, self.stop)?.left_out;
        let skus: Vec<&str> = (0..SKUS).map(code).collect();
        let sold = self.book().units_sold();
        let rows = stock(client, &skus)?;
        let wrong = rows.iter().enumerate().find(|(sku, row)| {
            row.held + row.allocated != sold[*sku] || row.on_hand != given(*sku, self.verdict.rounds)
        });
        Ok(wrong.map(|(sku, row)| {
            format!("{}: {row:?}, the clients know of {} units; left out: {left_out:?}", code(sku), sold[sku])
        }))
    }
}

pub(super) fn numbers_of(answer: &Answer) -> anyhow::Result<String> {
    let body = answer.json()?;
    let orders = body["orders"].as_array().context("an answer without orders")?;
    let numbers = orders.iter().map(|order| order["order_no"].as_str().context("an order without its number"));
    Ok(numbers.collect::<anyhow::Result<Vec<_>>>()?.join(","))
}
