//! The bad disk under a store, and what is done with it in a round.
//!
//! The disk is not ours: a program, named by `--disk-switch`, harms it when called with one word (`off`, `on SEED`, `hold`,
//! `pass`, `fail`, `lie`, `fill`, `free`; `told` prints how it stands). `bad-disk` of this repository is such a program.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use holdline_load::private_postgres::PrivatePostgres;
use serde_json::Value;

use super::book::Book;
use super::client::body;
use super::goods::code;
use super::rounds::numbers_of;
use super::trouble::Trouble;
use crate::child::submit::Meaning;
use crate::child::{Answer, Client, Keys, Server, Stop, stock};

/// Most time for what must follow from a trouble: the end of a process, an answer, room that is noticed.
const WITHIN: Duration = Duration::from_secs(30);
/// Time between two looks at something that must come.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long nothing may be answered while every flush is held. A server that does not wait answers in a few milliseconds.
const SILENCE: Duration = Duration::from_millis(500);
/// As above, before each further flush is let through.
const SILENCE_BETWEEN: Duration = Duration::from_millis(30);
/// A SKU that is never short.
const PLENTIFUL_SKU: usize = 1;
/// What PostgreSQL's log says when a flush has failed.
const POSTGRES_PANIC: &str = "PANIC:";
/// Flushes before a yes, at least: one of the ledger, one of the orders.
const FLUSHES_MIN: u32 = 2;

/// The program that harms the disk.
#[derive(Clone, Debug)]
pub(super) struct Switch {
    program: PathBuf,
}

impl Switch {
    pub(super) fn new(program: PathBuf) -> Self {
        Self { program }
    }

    fn call(&self, words: &[&str]) -> anyhow::Result<String> {
        let output =
            Command::new(&self.program).args(words).output().context("cannot start the program of the disk")?;
        let said = || String::from_utf8_lossy(&output.stderr).trim().to_owned();
        ensure!(output.status.success(), "the disk did not take `{}`: {}", words.join(" "), said());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The power comes back. An odd seed keeps a part of what was not flushed, an even one nothing.
    pub(super) fn on(&self, seed: u64) -> anyhow::Result<()> {
        if seed.is_multiple_of(2) {
            self.call(&["on"])?;
        } else {
            self.call(&["on", &seed.to_string()])?;
        }
        Ok(())
    }

    /// From now on flushes are answered and not done.
    pub(super) fn lie(&self) -> anyhow::Result<()> {
        self.call(&["lie"]).map(|_| ())
    }

    /// Flushes that wait.
    fn held(&self) -> anyhow::Result<u32> {
        let told = self.call(&["told"])?;
        let held = told.split_whitespace().find_map(|word| word.strip_prefix("held="));
        Ok(held.context("the disk does not say what it holds")?.parse()?)
    }
}

/// What a trouble of the disk meets.
pub(super) struct Scene<'a> {
    pub(super) switch: &'a Switch,
    /// The servers that the trouble ends.
    pub(super) victims: Vec<Server>,
    /// The private PostgreSQL, whose files are on the disk then.
    pub(super) postgres: Option<&'a mut PrivatePostgres>,
    pub(super) book: &'a Mutex<Book>,
    pub(super) address: std::net::SocketAddr,
    pub(super) keys: &'a Keys,
    pub(super) stop: &'a Stop,
}

impl Scene<'_> {
    /// Does it; `wait` passes the time that it lasts.
    pub(super) fn befall(mut self, trouble: Trouble, wait: impl FnOnce()) -> anyhow::Result<()> {
        match trouble {
            Trouble::PowerCut => self.cut_power(),
            Trouble::FlushHeld => {
                self.yes_only_after_flushes()?;
                self.cut_power()
            }
            Trouble::FlushFailed => {
                self.switch.call(&["fail"])?;
                self.end_after_failed_flush()?;
                self.cut_power()
            }
            Trouble::DiskFull => {
                self.switch.call(&["fill"])?;
                self.full()?;
                wait();
                self.switch.call(&["free"])?;
                self.room_again()
            }
            _ => bail!("{trouble:?} is no trouble of the disk"),
        }
    }

    /// First the disk, at one instant; then whoever was using it.
    fn cut_power(self) -> anyhow::Result<()> {
        self.switch.call(&["off"])?;
        for server in self.victims {
            server.kill()?;
        }
        self.postgres.map_or(Ok(()), |postgres| Ok(postgres.kill()?))
    }

    /// A server on a disk whose flush failed ends by itself. A PostgreSQL panics, and the servers on it stay.
    fn end_after_failed_flush(&mut self) -> anyhow::Result<()> {
        if let Some(postgres) = self.postgres.as_deref() {
            let log = postgres.directory().join("log");
            wait_until(self.stop, "a flush failed and PostgreSQL did not panic", || {
                Ok(String::from_utf8_lossy(&std::fs::read(&log)?).contains(POSTGRES_PANIC))
            })?;
            return self.service_again_or_postgres_ended();
        }
        for server in &mut self.victims {
            let mut status = None;
            wait_until(self.stop, "a flush failed and the server did not end", || {
                status = server.ended()?;
                Ok(status.is_some())
            })?;
            let code = status.and_then(|status| status.code());
            ensure!(code == Some(1), "a flush failed and the server ended with status {code:?}");
        }
        Ok(())
    }

    /// While no flush ends there is no yes; let through one by one, they bring it.
    fn yes_only_after_flushes(&self) -> anyhow::Result<()> {
        self.switch.call(&["hold"])?;
        let (submit, key, cart) = self.witness()?;
        let (send, answers) = mpsc::channel();
        let mut client = Client::new(self.address, &self.keys.shop)?;
        std::thread::scope(|scope| {
            // Ends with the answer, or with the connection when the power is cut.
            scope.spawn(move || send.send(client.submit("/v1/orders", &key, &cart)));
            let (deadline, mut silence, mut passed) = (Instant::now() + WITHIN, SILENCE, 0);
            let proven = loop {
                match answers.recv_timeout(silence) {
                    Ok(Ok(answer)) if answer.status != 201 => {
                        break Err(anyhow::anyhow!("the witness was answered {}", answer.status));
                    }
                    Ok(answer) => break answer,
                    Err(_) if Instant::now() > deadline => break Err(anyhow::anyhow!("the witness has no answer")),
                    Err(_) => {}
                }
                match self.switch.held() {
                    Ok(0) => {}
                    Ok(_) => {
                        if let Err(error) = self.switch.call(&["pass"]) {
                            break Err(error);
                        }
                        passed += 1;
                        silence = SILENCE_BETWEEN;
                    }
                    Err(error) => break Err(error),
                }
            };
            if proven.is_err() {
                self.switch.call(&["off"])?;
            }
            let answer = proven?;
            ensure!(passed >= FLUSHES_MIN, "a yes after {passed} flushes");
            self.note(submit, &answer)
        })
    }

    /// Placing says so, and reading goes on.
    fn full(&self) -> anyhow::Result<()> {
        let mut admin = Client::new(self.address, &self.keys.admin)?;
        self.until("no placing was answered `store_full`", |answer| answer.code() == "store_full")?;
        stock(&mut admin, &[code(0)]).context("a full disk keeps the stock from being read")?;
        Ok(())
    }

    /// Placing goes on without a start of anything but a PostgreSQL that gave up.
    fn room_again(&mut self) -> anyhow::Result<()> {
        if let Some(postgres) = self.postgres.as_deref_mut()
            && postgres.ends_within(Duration::ZERO)?
        {
            postgres.restart()?;
        }
        self.until("there is room again and nothing is placed", |answer| answer.status == 201)
    }

    /// After its panic PostgreSQL recovers by itself, unless the file system is closed to writes since: then it ends.
    fn service_again_or_postgres_ended(&mut self) -> anyhow::Result<()> {
        let mut client = Client::new(self.address, &self.keys.shop)?;
        wait_until(self.stop, "PostgreSQL neither recovered nor ended", || {
            let ended =
                self.postgres.as_deref_mut().map(|postgres| postgres.ends_within(Duration::ZERO)).transpose()?;
            Ok(ended == Some(true) || self.place_witness(&mut client)?.status == 201)
        })
    }

    /// Places witnesses until an answer is as wanted.
    fn until(&self, otherwise: &str, is_wanted: impl Fn(&Answer) -> bool) -> anyhow::Result<()> {
        let mut client = Client::new(self.address, &self.keys.shop)?;
        wait_until(self.stop, otherwise, || Ok(is_wanted(&self.place_witness(&mut client)?)))
    }

    /// Places one witness; other answers than a yes and 503 are errors.
    fn place_witness(&self, client: &mut Client) -> anyhow::Result<Answer> {
        let (submit, key, cart) = self.witness()?;
        let answer = client.submit("/v1/orders", &key, &cart)?;
        match answer.status {
            201 => self.note(submit, &answer)?,
            503 => {}
            status => bail!("a witness was answered {status}: {}", answer.code()),
        }
        Ok(answer)
    }

    /// A new submit that has stock for sure, in the book like any other.
    fn witness(&self) -> anyhow::Result<(usize, String, Value)> {
        let mut book = self.book();
        let submit = book.new_submit();
        let witness = &mut book.submits[submit];
        witness.lines = vec![(PLENTIFUL_SKU, 1)];
        Ok((submit, witness.key.clone(), serde_json::from_slice(&body(witness))?))
    }

    fn note(&self, submit: usize, answer: &Answer) -> anyhow::Result<()> {
        let numbers = numbers_of(answer)?;
        self.book().submit_answered(submit, Meaning::Placed, &numbers);
        Ok(())
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("nothing panics while it holds the book")
    }
}

/// Asks again and again until the answer is yes.
fn wait_until(stop: &Stop, otherwise: &str, mut yes: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let deadline = Instant::now() + WITHIN;
    while !yes()? {
        ensure!(Instant::now() < deadline, "{otherwise} within {} s", WITHIN.as_secs());
        stop.check()?;
        stop.pause(LOOK_EVERY);
    }
    Ok(())
}
